"""Settle: the outcome of applying becomes the ledger's receipt, and the proposal reaches its end."""

from __future__ import annotations

from synapsor import handles
from synapsor.core.outcome import Outcome
from synapsor.core.proposal import Status
from synapsor.core.writeback import Lease, Receipt
from synapsor.flow.apply import Result
from synapsor.ports import WorkLedger


def receipt_of(lease: Lease, result: Result, *, at: str) -> Receipt:
    """Return the ledger's receipt of a result."""
    return Receipt(
        id=handles.new("rcp"),
        job=lease.job.id,
        proposal=lease.job.proposal,
        digest=lease.job.digest,
        outcome=result.outcome.value,
        code=result.code,
        worker=lease.worker,
        attempt=lease.attempt,
        changed=result.changed,
        after=tuple(dict(row) for row in result.after),
        at=at,
        newcomers=result.newcomers,
        moved=result.moved,
    )


async def settle(ledger: WorkLedger, lease: Lease, result: Result, *, at: str) -> bool:
    """Record a final result; False when another worker has settled the proposal already.

    Raises:
        LedgerFailure: nothing was recorded; the receipt in the source lets the next attempt find the truth.
    """
    status = result.outcome.status
    assert status is not None and result.outcome is not Outcome.RETRY  # noqa: S101, PT018  # a retry is released, not settled
    return await ledger.settle(lease, receipt_of(lease, result, at=at), status=Status(status))
