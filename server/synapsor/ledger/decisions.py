"""Decisions: recorded as they were signed, one of them moves the proposal, and refused attempts are kept too."""

from __future__ import annotations

from synapsor import handles
from synapsor.core.proposal import Status
from synapsor.core.records import to_body
from synapsor.core.review import Decision, SignedDecision
from synapsor.core.writeback import Job
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.ledger import proposals
from synapsor.ledger.chain import Book, event
from synapsor.ledger.kinds import DECISION, JOB, REFUSED, record
from synapsor.values import digest_bytes

_TARGETS = {"approve": Status.APPROVED, "reject": Status.REJECTED}


async def decide(book: Book, ledger: str, signed: SignedDecision, job: Job | None) -> None:
    """Record a decision and move the proposal.

    Raises:
        DecisionRefused: the proposal is no longer in review (rule `already_decided`).
        IntegrityError: the decision or the job is about something else.
    """
    decision = signed.decision
    row = await book.tx.one("proposal_by_id", id=decision.proposal)
    if row is None:
        raise DecisionRefused("no_such_proposal", "There is no such proposal.", exit_code=2)
    if row["status"] != Status.REVIEW_REQUIRED.value:
        raise DecisionRefused(
            "already_decided", f"The proposal is {row['status']}.", fix="Look at it again.", exit_code=3
        )
    if (decision.ledger, decision.digest) != (ledger, digest_bytes("proposal", row["body"].encode())):
        raise IntegrityError("The decision is about another proposal.")
    if job is not None and not _follows(job, decision, row["source"]):
        raise IntegrityError("The job does not follow from the decision.")
    target = _TARGETS[decision.verdict]
    records = [record(DECISION, decision.id, {"decision": to_body(decision), "signature": signed.signature})]
    if job is not None:
        records.append(record(JOB, job.id, to_body(job)))
    step = {"origin": row["status"], "target": target.value}
    await book.append(event(f"proposal_{target.value}", decision.proposal, decision.at, records, step), checkpoint=True)
    await proposals.set_status(book, decision.proposal, Status.REVIEW_REQUIRED, target)


async def refuse(book: Book, proposal_id: str, operator: str, rule: str, at: str) -> None:
    """Record that a decision was attempted and refused."""
    handle = handles.new("ref")
    body = {"id": handle, "proposal": proposal_id, "operator": operator, "rule": rule, "at": at}
    await book.append(event("decision_refused", proposal_id, at, (record(REFUSED, handle, body),)))


def _follows(job: Job, decision: Decision, source: str) -> bool:
    told = (job.proposal, job.digest, job.decision, job.source)
    return decision.verdict == "approve" and told == (decision.proposal, decision.digest, decision.id, source)
