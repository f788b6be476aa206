"""Handles: a prefix that names the kind of record, and 80 random bits; any of them finds its record again."""

from __future__ import annotations

import secrets
from typing import Any

from synapsor.ledger.connection import Transaction
from synapsor.ledger.kinds import BY_PREFIX, loads

LATEST = "latest"


def new_handle(prefix: str) -> str:
    """Return a new handle such as `set_3f…` (20 hex digits)."""
    return f"{prefix}_{secrets.token_hex(10)}"


async def find(tx: Transaction, handle: str) -> dict[str, Any] | None:
    """Return the kind and body of the record that a handle names."""
    if handle == LATEST:
        newest = await tx.one("latest_proposal")
        if newest is None:
            return None
        handle = newest["id"]
    kind = BY_PREFIX.get(handle.partition("_")[0])
    row = await tx.one(f"{kind.name}_by_id", id=handle) if kind else None
    return {"kind": kind.name, "body": loads(row["body"])} if kind and row else None
