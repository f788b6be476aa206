"""Settle: the outcome of applying becomes the ledger's receipt, and the proposal reaches its end."""

from __future__ import annotations

from synapsor import handles
from synapsor.core.outcome import Outcome
from synapsor.core.proposal import Status
from synapsor.core.writeback import Approved, Lease, Receipt
from synapsor.flow.verdict import Result
from synapsor.ports import WorkLedger


def receipt_of(lease: Lease, part: Approved, result: Result, *, at: str) -> Receipt:
    """Return the ledger's receipt of a result, for one of the proposals that the job applies."""
    return Receipt(
        id=handles.new("rcp"),
        job=lease.job.id,
        proposal=part.proposal,
        digest=part.digest,
        outcome=result.outcome.value,
        code=result.code_for(part.proposal),
        worker=lease.worker,
        attempt=lease.attempt,
        changed=result.changed,
        after=tuple(dict(row) for row in result.after.get(part.proposal, ())),
        at=at,
        newcomers=result.newcomers.get(part.proposal, 0),
        moved=result.moved if result.by == part.proposal else (),
    )


async def settle(ledger: WorkLedger, lease: Lease, result: Result, *, at: str) -> bool:
    """Record a final result; False when another worker has settled it already.

    Raises:
        LedgerFailure: nothing was recorded; the receipt in the source lets the next attempt find the truth.
    """
    status = result.outcome.status
    assert status is not None and result.outcome is not Outcome.RETRY  # noqa: S101, PT018  # a retry is released, not settled
    receipts = [receipt_of(lease, part, result, at=at) for part in lease.job.parts]
    return await ledger.settle(lease, receipts, status=Status(status))
