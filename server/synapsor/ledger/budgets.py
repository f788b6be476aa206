"""What a caller has spent of a day: counted beside the chain, in one transaction with the look at what is left."""

from __future__ import annotations

from synapsor.core.budget import Spending
from synapsor.ledger.connection import Transaction


async def spend(tx: Transaction, spending: Spending) -> bool:
    """Count a call; False when its day is spent, and then nothing is counted."""
    await tx.execute("forget_spent", day=spending.before)
    found = await tx.one("spent_by", day=spending.day, caller=spending.caller, variant=spending.variant)
    assert found is not None  # noqa: S101  # a sum has a row
    if spending.calls is not None and found["calls"] >= spending.calls:
        return False
    if spending.variants is not None and not found["known"] and found["variants"] >= spending.variants:
        return False
    await tx.execute("spend", day=spending.day, caller=spending.caller, variant=spending.variant)
    return True
