"""What lies below everything: the bare driver's select and transaction, without a guard, and the disk that evidence must reach."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg

from bench.wire import Sample

_SELECT = """
SELECT id, customer, status::text, amount::text, late_fee_cents, waiver_reason, note, due_date::text
FROM billing.invoice_review WHERE tenant_id = $1 AND id = $2
"""
_LOCK = """
SELECT id, tenant_id, customer, status::text, amount::text, late_fee_cents, waiver_reason, note, due_date::text, row_version
FROM billing.invoices WHERE tenant_id = $1 AND id = $2
"""
_UPDATE = "UPDATE billing.invoices SET note = $3 WHERE tenant_id = $1 AND id = $2 AND row_version = $4"
_RECEIPT = """
INSERT INTO billing.synapsor_receipts (receipt_key, proposal_digest, proposal_id, tenant, outcome, ledger_head, worker)
VALUES ($1, $2, $3, 'acme', 'applied', $2, 'bench')
"""


class Driver:
    """The bare driver on one connection; a `Target` for reads."""

    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        self._connection = connection

    async def measure(self, arguments: Iterator[dict[str, Any]], *, callers: int, calls: int, seconds: float) -> Sample:  # noqa: ARG002  # a Target's signature
        """Select one row a call, one call after the other."""
        sample = Sample()
        begun = time.perf_counter()
        for _ in range(calls):
            asked = time.perf_counter()
            row = await self._connection.fetchrow(_SELECT, "acme", next(arguments)["invoice_id"])
            now = time.perf_counter()
            sample.calls.append(now - asked)
            sample.refused += row is None
            if now - begun > seconds:
                break
        sample.seconds = time.perf_counter() - begun
        return sample

    async def apply(self, keys: list[str]) -> Sample:
        """Run the worker's transaction for each key: receipt, lock, guarded update, after-image, commit."""
        sample = Sample()
        begun = time.perf_counter()
        for key in keys:
            asked = time.perf_counter()
            async with self._connection.transaction():
                await self._connection.execute(_RECEIPT, secrets.token_bytes(32), secrets.token_bytes(32), key)
                row = await self._connection.fetchrow(_LOCK + " FOR UPDATE", "acme", key)
                assert row is not None
                await self._connection.execute(_UPDATE, "acme", key, "A note.", row["row_version"])
                await self._connection.fetchrow(_LOCK, "acme", key)
            sample.calls.append(time.perf_counter() - asked)
        sample.seconds = time.perf_counter() - begun
        return sample


class Disk:
    """The disk under the ledger: one write of what a read's evidence takes, synced; a `Target`."""

    _PAGES = b"\0" * 7 * 4096

    def __init__(self, directory: Path) -> None:
        self._file = os.open(directory / "disk", os.O_RDWR | os.O_CREAT, 0o600)

    async def measure(self, arguments: Iterator[dict[str, Any]], *, callers: int, calls: int, seconds: float) -> Sample:  # noqa: ARG002  # a Target's signature
        """Write and sync, again and again at the same place."""
        sample = Sample()
        for _ in range(calls):
            asked = time.perf_counter()
            os.pwrite(self._file, self._PAGES, 0)
            os.fdatasync(self._file)
            sample.calls.append(time.perf_counter() - asked)
        sample.seconds = sum(sample.calls)
        return sample
