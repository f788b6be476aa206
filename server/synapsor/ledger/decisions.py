"""Decisions: recorded as they were signed, the last one that it takes moves the proposal, and refused attempts are kept too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from synapsor import handles
from synapsor.core.group import is_whole
from synapsor.core.proposal import Status
from synapsor.core.records import to_body
from synapsor.core.review import Decision, SignedDecision
from synapsor.core.writeback import Job
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.ledger import proposals
from synapsor.ledger.chain import Book, event
from synapsor.ledger.connection import Row
from synapsor.ledger.kinds import DECISION, JOB, REFUSED, loads, record
from synapsor.values import digest_bytes


async def decide(
    book: Book,
    ledger: str,
    signed: SignedDecision,
    job: Job | None,
    *,
    seen: tuple[str, ...],
    complete: bool,
    group: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> None:
    """Record a decision; a rejection, or the approval that completes the quorum, moves the proposal, and the others of its group with it.

    `seen` are the decisions on record that the one who decides has counted, and `group` those on each other proposal of the group:
    another one meanwhile would make `complete` untrue.

    Raises:
        DecisionRefused: the proposal is no longer in review (`already_decided`), this operator's approval counts already
            (`already_counted`), or somebody decided meanwhile (`decided_meanwhile`).
        IntegrityError: the decision or the job is about something else, or the group is not whole.
    """
    decision = signed.decision
    row = await _in_review(book, decision)
    if (decision.ledger, decision.digest) != (ledger, _digest(row)):
        raise IntegrityError("The decision is about another proposal.")
    approves = decision.verdict == "approve"
    target = (Status.APPROVED if complete else None) if approves else Status.REJECTED
    others = await _others(book, row, group, whole=complete) if approves else ()
    if job is not None and not (complete and _follows(job, decision, row["source"], others)):
        raise IntegrityError("The job does not follow from the decision.")
    await _check_counted(book, decision, seen)
    records = [record(DECISION, decision.id, {"decision": to_body(decision), "signature": signed.signature})]
    if job is not None:
        records.append(record(JOB, job.id, to_body(job)))
    step = {"origin": row["status"], "target": target.value} if target else {"of": row["quorum"]}
    kind = f"proposal_{target.value}" if target else "approval_recorded"
    await book.append(event(kind, decision.proposal, decision.at, records, step), checkpoint=True)
    if target is not None:
        await proposals.set_status(book, decision.proposal, Status.REVIEW_REQUIRED, target)
    for other in others if target is Status.APPROVED else ():
        await proposals.move(
            book, other["id"], Status.REVIEW_REQUIRED, Status.APPROVED, at=decision.at, because=decision.proposal
        )
    if target is Status.REJECTED:
        await proposals.cancel_group(book, decision.proposal, at=decision.at)


async def _others(book: Book, row: Row, group: Mapping[str, tuple[str, ...]], *, whole: bool) -> tuple[Row, ...]:
    """Return the other proposals of a group, each with the decisions that were counted and no other: or two people who approve at
    once would each find the other's approval missing, and nobody would complete the group.
    """
    if row["group_id"] is None:
        return ()
    rows = await book.tx.all("group_members", group_id=row["group_id"])
    if whole and not is_whole([proposals.proposal_of(each) for each in rows]):
        raise IntegrityError("The group of the proposal is not whole.")
    others = tuple(each for each in rows if each["id"] != row["id"])
    known = {other["id"]: tuple(d.id for d in await _decisions(book, other["id"])) for other in others}
    if known != dict(group) or any(other["status"] != Status.REVIEW_REQUIRED.value for other in others):
        raise _meanwhile()
    return others


async def _in_review(book: Book, decision: Decision) -> Row:
    row = await book.tx.one("proposal_by_id", id=decision.proposal)
    if row is None:
        raise DecisionRefused("no_such_proposal", "There is no such proposal.", exit_code=2)
    if row["status"] != Status.REVIEW_REQUIRED.value:
        raise DecisionRefused(
            "already_decided", f"The proposal {Status(row['status']).stands}.", fix="Look at it again.", exit_code=3
        )
    return row


async def _check_counted(book: Book, decision: Decision, seen: tuple[str, ...]) -> None:
    known = await _decisions(book, decision.proposal)
    again = decision.verdict == "approve" and any(
        d.operator == decision.operator and d.expires_at > decision.at for d in known
    )
    if again:
        raise DecisionRefused(
            "already_counted", f"{decision.operator} has approved it already.", fix="Ask another person."
        )
    if tuple(d.id for d in known) != seen:
        raise _meanwhile()


async def _decisions(book: Book, proposal_id: str) -> list[Decision]:
    return [
        proposals.signed_of(loads(r["body"])).decision for r in await book.tx.all("decisions_of", proposal=proposal_id)
    ]


def _meanwhile() -> DecisionRefused:
    return DecisionRefused("decided_meanwhile", "Somebody decided meanwhile.", fix="Look at it again.", exit_code=3)


async def refuse(book: Book, proposal_id: str, operator: str, rule: str, at: str) -> None:
    """Record that a decision was attempted and refused."""
    handle = handles.new("ref")
    body = {"id": handle, "proposal": proposal_id, "operator": operator, "rule": rule, "at": at}
    await book.append(event("decision_refused", proposal_id, at, (record(REFUSED, handle, body),)))


def _follows(job: Job, decision: Decision, source: str, others: Sequence[Row]) -> bool:
    told = (job.proposal, job.digest, job.decision, job.source)
    parts = {part.proposal: part.digest for part in job.others}
    return (
        decision.verdict == "approve"
        and told == (decision.proposal, decision.digest, decision.id, source)
        and parts == {other["id"]: _digest(other) for other in others}
    )


def _digest(row: Row) -> str:
    return digest_bytes("proposal", row["body"].encode())
