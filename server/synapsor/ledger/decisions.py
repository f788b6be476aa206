"""Decisions: recorded as they were signed, the last one that it takes moves the proposal, and refused attempts are kept too."""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from synapsor import handles
from synapsor.core.group import is_whole
from synapsor.core.moment import parse
from synapsor.core.proposal import Status
from synapsor.core.records import to_body
from synapsor.core.statements import Decision, SignedDecision
from synapsor.core.writeback import Job
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.ledger import measurements, proposals
from synapsor.ledger.believed import Trust
from synapsor.ledger.chain import Book, Write, event
from synapsor.ledger.connection import Row
from synapsor.ledger.kinds import DECISION, JOB, REFUSED, loads, read_each, record
from synapsor.ledger.rows import proposal_of, signed_of
from synapsor.ledger.tail import as_of_now
from synapsor.refusals import Rule
from synapsor.values import digest_bytes

log = logging.getLogger("synapsor.ledger")

REFUSED_A_MINUTE: Final = 30
"""Refused attempts of one person that are recorded in a minute, each by itself; a ledger keeps them all."""
_A_MINUTE: Final = dt.timedelta(minutes=1)


async def decide(
    book: Book,
    trust: Trust,
    signed: SignedDecision,
    job: Job | None,
    *,
    counted: Mapping[str, tuple[str, ...]],
    complete: bool,
) -> None:
    """Record a decision; a rejection, or the approval that completes the last quorum, moves the proposal and its group with it.

    An approval is about the whole group. `counted` are the decisions on record that the one who decides has counted, by proposal:
    another one meanwhile would make `complete` untrue.

    Raises:
        DecisionRefused: one of the proposals is no longer in review (`already_decided`), this operator's approval counts already
            (`already_counted`), somebody decided meanwhile (`decided_meanwhile`) or wants it measured (`not_measured`), the one-time code was used
            before (`code_used`), the clock is another one than the decision was dated by (`clock_moved`), the chain does not go on (`ledger_altered`), or
            the ledger's own records contradict each other about one of the proposals (`records_differ`).
        IntegrityError: the decision or the job is about something else, or the group is not whole.
    """
    decision = signed.decision
    approves = decision.verdict == "approve"
    trust = await as_of_now(book.tx, trust)
    own, *others = rows = await _in_review(book, decision.proposal, trust, with_group=approves)
    if (decision.ledger, decision.digest) != (trust.ledger, _digest(own)):
        raise IntegrityError("The decision is about another proposal.")
    if approves and complete and not is_whole([proposal_of(row) for row in rows]):
        raise IntegrityError("The group of the proposal is not whole.")
    if job is not None and not (approves and complete and _follows(job, decision, rows)):
        raise IntegrityError("The job does not follow from the decision.")
    if not book.is_now(decision.at):
        raise DecisionRefused(
            Rule.CLOCK_MOVED,
            "The clock of this machine moved while it was decided.",
            fix="Do it again; nothing was recorded.",
        )
    if approves:
        await measurements.check_none_waits(book.tx, [row["id"] for row in rows])
    await _check_counted(book, decision, rows, counted)
    await _check_unused(book, signed, trust)
    records = [record(DECISION, decision.id, to_body(signed))]
    if job is not None:
        records.append(record(JOB, job.id, to_body(job)))
    if approves and not complete:
        kept = event("approval_recorded", own["id"], decision.at, records, {"of": own["quorum"]})
        await book.append(kept, checkpoint=True)
        return
    target = Status.APPROVED if approves else Status.REJECTED
    step = partial(proposals.step, book, origin=Status.REVIEW_REQUIRED, target=target, at=decision.at, trust=trust)
    await step(own["id"], records=records, checkpoint=True)
    for other in others:
        await step(other["id"], because=own["id"])


async def _in_review(book: Book, proposal_id: str, trust: Trust, *, with_group: bool) -> list[Row]:
    """Return a proposal, and then the others of its group; all of them are in review."""
    own = await book.tx.one("proposal_by_id", id=proposal_id)
    if own is None:
        raise DecisionRefused(Rule.NO_SUCH_PROPOSAL, "There is no such proposal.")
    grouped = with_group and own["group_id"] is not None
    group = await book.tx.all("group_members", group_id=own["group_id"]) if grouped else ()
    _, unreadable = read_each("proposal", group, proposal_of)
    rows = [own, *(row for row in group if row["id"] != own["id"] and f"proposal {row['id']}" not in unreadable)]
    for row in rows:
        if row["status"] != Status.REVIEW_REQUIRED.value:
            what = "The proposal" if row is own else f"{row['id']}, which it stands or falls with,"
            raise DecisionRefused(
                Rule.ALREADY_DECIDED, f"{what} {Status(row['status']).stands}.", fix="Look at it again."
            )
        await proposals.check_stands(book.tx, row, trust)
    return rows


async def _check_counted(
    book: Book, decision: Decision, rows: Sequence[Row], counted: Mapping[str, tuple[str, ...]]
) -> None:
    """Check that these proposals have the decisions that were counted and no other: or two people who approve at once would each find
    the other's approval missing, and nobody would complete a quorum or a group.
    """
    known = {row["id"]: await _decisions(book, row["id"]) for row in rows}
    if decision.verdict == "approve" and any(_counts_already(d, decision) for d in known[decision.proposal]):
        raise DecisionRefused(
            Rule.ALREADY_COUNTED, f"{decision.operator} has approved it already.", fix="Ask another person."
        )
    if {each: tuple(d.id for d in decisions) for each, decisions in known.items()} != dict(counted):
        raise DecisionRefused(Rule.DECIDED_MEANWHILE, "Somebody decided meanwhile.", fix="Look at it again.")


async def _check_unused(book: Book, signed: SignedDecision, trust: Trust) -> None:
    """Check that no decision of this person is by the same code: a code is given once. Those of the last minutes are read as events tell
    of them, for a row that is gone or says otherwise would have a code that was seen be given again.
    """
    given = _given(to_body(signed))
    if given["step_up"] is None:
        return
    used = await book.tx.one("decision_with_code", **given) is not None
    for handle, (_, digest) in trust.proven.decided.items():
        row = await book.tx.one("decision_by_id", id=handle)
        if row is None or digest_bytes(DECISION.name, row["body"].encode()) != digest:
            raise DecisionRefused(
                Rule.RECORDS_DIFFER,
                "A decision of the last minutes is not the one that its event tells of.",
                fix="Decide nothing, and run `synapsor verify`.",
            )
        used = used or _given(loads(row["body"])) == given
    if used:
        raise DecisionRefused(Rule.CODE_USED, "The one-time code was used before.", fix="Wait for the next one.")


def _given(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return whose one-time code a decision is by, and which."""
    return {name: value for name, value in DECISION.columns(body).items() if name in {"operator", "step_up"}}


def _counts_already(earlier: Decision, decision: Decision) -> bool:
    return earlier.operator == decision.operator and not earlier.lapsed(decision.at)


async def _decisions(book: Book, proposal_id: str) -> list[Decision]:
    rows = await book.tx.all("decisions_of", proposal=proposal_id)
    return [signed.decision for signed in read_each("decision", rows, signed_of)[0]]


@dataclass(frozen=True, slots=True)
class Refusals:
    """Attempts to decide that were refused, and how many of each person this process has counted without recording them."""

    _unrecorded: Counter[str] = field(default_factory=Counter)

    async def record(self, write: Write, proposal_id: str, operator: str, rule: str, at: str) -> None:
        """Record that a decision was attempted and refused, but for what somebody tries all the time: that is counted."""
        more = self._unrecorded.pop(operator, 0)
        if not await write(lambda book: _refuse(book, proposal_id, operator, rule, at, unrecorded=more)):
            self._unrecorded[operator] += more + 1
            log.warning("a decision was refused: %s", rule, extra={"action": "decision_refused", "rule": rule})


async def _refuse(book: Book, proposal_id: str, operator: str, rule: str, at: str, *, unrecorded: int) -> bool:
    last = await book.tx.all("refused_of", operator=operator, limit=REFUSED_A_MINUTE)
    if len(last) == REFUSED_A_MINUTE and abs(parse(at) - parse(last[-1]["at"])) < _A_MINUTE:
        return False
    handle = handles.new("ref")
    body = {"id": handle, "proposal": proposal_id, "operator": operator, "rule": str(rule), "at": at}
    more = {"unrecorded": unrecorded} if unrecorded else {}
    await book.append(event("decision_refused", proposal_id, at, (record(REFUSED, handle, {**body, **more}),)))
    return True


def _follows(job: Job, decision: Decision, rows: Sequence[Row]) -> bool:
    """Tell whether a job is that of a decision, for all that it is about: its own proposal first."""
    told = [(part.proposal, part.digest) for part in job.parts]
    return (
        (job.source, job.lead.decision) == (rows[0]["source"], decision.id)
        and told[0] == (decision.proposal, decision.digest)
        and sorted(told) == sorted((row["id"], _digest(row)) for row in rows)
    )


def _digest(row: Row) -> str:
    return digest_bytes("proposal", row["body"].encode())
