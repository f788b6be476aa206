"""From a handle back to its record, whatever its kind."""

from __future__ import annotations

from typing import Any

from synapsor.ledger.connection import Transaction
from synapsor.ledger.kinds import BY_PREFIX, loads

LATEST = "latest"


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
