"""Settle: the outcome of applying becomes the ledger's receipt, and the proposal reaches its end."""

from __future__ import annotations

import logging
from dataclasses import replace

from synapsor import handles
from synapsor.core.outcome import Outcome, Why
from synapsor.core.proposal import Status
from synapsor.core.writeback import Approved, Closed, Lease, Receipt
from synapsor.flow.verdict import Result
from synapsor.ports import WorkLedger

log = logging.getLogger("synapsor.worker")


def receipt_of(lease: Lease, part: Approved, result: Result, *, at: str) -> Receipt:
    """Return the ledger's receipt of a result, for one of the proposals that the job applies."""
    unknown = result.outcome is Outcome.RECONCILIATION_REQUIRED
    return Receipt(
        id=handles.new("rcp"),
        job=lease.job.id,
        proposal=part.proposal,
        digest=part.digest,
        outcome=result.outcome.value,
        code=result.code_for(part.proposal),
        worker=lease.worker,
        attempt=lease.attempt,
        changed=None if unknown else result.outcome.status is Status.APPLIED,
        members=result.done.get(part.proposal, ()),
        at=at,
        newcomers=result.newcomers.get(part.proposal, 0),
        moved=result.moved if result.by == part.proposal else (),
        confirmed=result.confirmed,
    )


async def settle(ledger: WorkLedger, lease: Lease, result: Result, *, at: str) -> Result | None:
    """Record a final result and return what became of the job by it; None when another worker has settled it already.

    Raises:
        LedgerFailure: nothing was recorded; the receipt in the source lets the next attempt find the truth.
    """
    receipts = [receipt_of(lease, part, result, at=at) for part in lease.job.parts]
    closed = await ledger.settle(lease, receipts)
    if closed is Closed.IN_DOUBT:
        doubt = Result(outcome=Outcome.RECONCILIATION_REQUIRED, why=Why.INTENT_UNRESOLVED)
        return await settle(ledger, lease, doubt, at=at)
    if closed is Closed.SET_ASIDE:
        log.error(
            "job set aside: the ledger's records contradict each other; `synapsor verify` names what was altered",
            extra={"action": "job_set_aside", "job": lease.job.id, "code": Why.RECORDS_DIFFER.value},
        )
        return replace(result, outcome=Outcome.RECONCILIATION_REQUIRED, why=Why.RECORDS_DIFFER, by=None)
    return result if closed is Closed.SETTLED else None
