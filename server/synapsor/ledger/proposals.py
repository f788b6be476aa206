"""Proposals: filed once for each request, moved only along the transition table, and shown with everything that happened to them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from synapsor import handles
from synapsor.core.group import fits
from synapsor.core.plain import visible
from synapsor.core.policy import Deferral
from synapsor.core.proposal import Proposal, Status
from synapsor.core.records import from_body, to_body
from synapsor.core.resolving import said_of
from synapsor.core.rivals import in_common, targets
from synapsor.core.scope import Scope
from synapsor.errors import DecisionRefused, IntegrityError, LedgerFailure
from synapsor.ledger import believed, exchanges, measurements
from synapsor.ledger.believed import Trust
from synapsor.ledger.branch import body_of
from synapsor.ledger.chain import Book, Told, event
from synapsor.ledger.connection import Row, T, Transaction
from synapsor.ledger.kinds import (
    BRANCH,
    DECISION,
    INSTRUCTION,
    PROPOSAL,
    RECEIPT,
    RESOLUTION,
    Kind,
    Record,
    read_each,
    record,
)
from synapsor.ledger.repetitions import Repetitions
from synapsor.ledger.rows import instruction_of, job_of, proposal_of, receipt_of, resolution_of, signed_of
from synapsor.ports import ProposalRecord
from synapsor.refusals import Rule

log = logging.getLogger("synapsor.ledger")

EXPIRE_AT_ONCE = 100


async def file(book: Book, proposal: Proposal, seen: tuple[Record, ...], repetitions: Repetitions, trust: Trust) -> str:
    """File a proposal, or find the pending one that asks for the same; return the handle of the one that stands.

    Raises:
        LedgerFailure: one that does not stand where its events say is in its place.
    """
    pending = [
        (Status(row["status"]), proposal_of(row))
        for row in await book.tx.all("pending_by_request", request=proposal.request)
    ]
    for _, known in pending:
        # An approved one past its time has no effect any more, whether or not a worker ever comes to say so.
        if not known.lapsed(proposal.at) and _asks_the_same(known, proposal):
            await repetitions.add(book, known.id, proposal.at, seen)
            return known.id
    for status, known in pending:
        if status is Status.REVIEW_REQUIRED and await is_believed(book.tx, known.id, trust):
            target = Status.EXPIRED if known.lapsed(proposal.at) else Status.SUPERSEDED
            await step(book, known.id, status, target, at=proposal.at, trust=trust, by=proposal.id)
    if proposal.group_of:
        proposal = replace(proposal, group_id=await _group_for(book.tx, proposal))
    await add(book, proposal, seen)
    return proposal.id


async def add(book: Book, proposal: Proposal, seen: tuple[Record, ...], *, checkpoint: bool = False) -> None:
    """Add a proposal with its review branch, and what was seen for it."""
    records = (
        *seen,
        record(PROPOSAL, proposal.id, to_body(proposal)),
        record(BRANCH, proposal.branch, body_of(proposal)),
    )
    facts = {"origin": None, "target": Status.REVIEW_REQUIRED.value}
    seq = await book.append(event("proposal_filed", proposal.id, proposal.at, records, facts), checkpoint=checkpoint)
    for row, own in targets(proposal).items():
        await book.tx.execute("insert_proposal_row", seq=seq, proposal=proposal.id, target=row, own=int(own))


async def _group_for(tx: Transaction, proposal: Proposal) -> str:
    """Return the oldest group of the run that lacks a proposal, or a new one; a run may have very many groups, and only one is read.

    Raises:
        Refusal: `not_as_required`, where a proposal of that group is about the same row.
    """
    names = ("run", "workflow", "contract", "tenant", "principal", "capability", "at")
    found = await tx.one("group_lacking", **{name: getattr(proposal, name) for name in names})
    if found is None:
        return handles.new("grp")
    group_id: str = found["group_id"]
    fits(proposal, [proposal_of(row) for row in await tx.all("group_members", group_id=group_id)])
    return group_id


async def step(
    book: Book,
    proposal_id: str,
    origin: Status,
    target: Status,
    *,
    at: str,
    trust: Trust,
    records: Sequence[Record] = (),
    checkpoint: bool = False,
    **facts: Any,
) -> None:
    """Take a proposal one step, with the event that says so and its records; what stands or falls with it falls with it.

    Raises:
        LedgerFailure: it does not stand at `origin`.
    """
    told = {"origin": origin.value, "target": target.value, **facts}
    # The records come first: the schema lets no proposal move without the decision or the settlement that moves it.
    await book.append(event(f"proposal_{target.value}", proposal_id, at, records, told), checkpoint=checkpoint)
    if await book.tx.execute("move_proposal", id=proposal_id, origin=origin.value, target=target.value) != 1:
        raise LedgerFailure("The proposal no longer stands where this step begins.")
    if target in {Status.REJECTED, Status.EXPIRED, Status.SUPERSEDED}:
        await _cancel_group(book, proposal_id, at=at, trust=trust)


async def _cancel_group(book: Book, because: str, *, at: str, trust: Trust) -> None:
    """Cancel what is in review and stands or falls with a proposal that has left review without an approval; not what only its row puts there."""
    fallen = await book.tx.one("proposal_by_id", id=because)
    if fallen is None or fallen["group_id"] is None:
        return
    for row in await book.tx.all("group_members", group_id=fallen["group_id"]):
        if row["status"] == Status.REVIEW_REQUIRED.value and await is_believed(book.tx, row["id"], trust):
            step_ = (Status.REVIEW_REQUIRED, Status.CANCELED)
            await step(book, row["id"], *step_, at=at, trust=trust, because=because)


async def load(tx: Transaction, proposal_id: str, trust: Trust | None) -> ProposalRecord | None:
    """Return a proposal with everything that has happened to it, and to the others of its group; without `trust`, it is not asked
    whether it stands where its events say, and nobody acts upon it.

    Raises:
        IntegrityError: the proposal itself cannot be read. What cannot be read beside it counts as nothing, and is named.
    """
    row = await tx.one("proposal_by_id", id=proposal_id)
    if row is None:
        return None
    record_ = await _alone(tx, row, trust)
    members = await tx.all("group_members", group_id=row["group_id"]) if row["group_id"] else ()
    _, unreadable = read_each("proposal", members, proposal_of)
    others = [
        await _alone(tx, other, trust)
        for other in members
        if other["id"] != proposal_id and f"proposal {other['id']}" not in unreadable
    ]
    return replace(record_, group=tuple(others), unreadable=(*record_.unreadable, *unreadable))


async def _loaded(tx: Transaction, rows: Iterable[Row], trust: Trust) -> tuple[ProposalRecord, ...]:
    """Return the proposals of these rows, without those that cannot be read: who asks for one of them by its handle is told."""
    found: list[ProposalRecord] = []
    for row in rows:
        try:
            record_ = await load(tx, row["id"], trust)
        except IntegrityError:
            log.warning("proposal %s cannot be read", visible(str(row["id"])), extra={"action": "unreadable"})
        else:
            found += [record_] if record_ else []
    return tuple(found)


async def _alone(tx: Transaction, row: Row, trust: Trust | None) -> ProposalRecord:
    proposal_id = row["id"]
    proposal, status = proposal_of(row), Status(row["status"])
    decided = await tx.all("decisions_of", proposal=proposal_id)
    decisions, undecided = read_each("decision", decided, signed_of)
    jobs, idle = read_each("job", await tx.all("job_of", proposal=proposal_id), job_of)
    receipts, unreceived = read_each("receipt", await tx.all("receipts_of", proposal=proposal_id), receipt_of)
    said = await tx.all("instructions_of", proposal=proposal_id)
    steered, unsteered = read_each("instruction", said, instruction_of)
    asked, unasked = await exchanges.of_proposal(tx, proposal_id)
    resolved, unresolved = read_each("resolution", await tx.all("resolution_of", proposal=proposal_id), resolution_of)
    events, untold = read_each("event", await tx.all("proposal_events", subject=proposal_id), _told)
    stands = trust is None or (not untold and believed.stands(row, events, (*decided, *said), trust))
    receipts, unproven = _told_of(receipts, RECEIPT, lambda one: one.id, events)
    shadows = await measurements.of_proposal(tx, proposal_id, [told for _, told in events])
    steered, uninstructed = _told_of(steered, INSTRUCTION, lambda one: one.instruction.id, events)
    resolved, unsaid = _told_of(resolved, RESOLUTION, lambda one: one.resolution.id, events)
    shown = tuple(_shown(*told) for told in events)
    spoken = (*(record(DECISION, one.decision.id, to_body(one)) for one in decisions), *exchanges.records(asked))
    return ProposalRecord(
        proposal=proposal,
        status=status,
        decisions=decisions,
        job=jobs[0] if jobs else None,
        receipts=receipts,
        instructions=steered,
        said=said_of(shown, resolved),
        exchanges=asked,
        shadow_requests=shadows.requests,
        measurements=shadows.measurements,
        shadow_pending=shadows.pending,
        events=shown,
        unreadable=(
            *undecided,
            *idle,
            *unreceived,
            *unproven,
            *unsteered,
            *uninstructed,
            *shadows.unreadable,
            *unasked,
            *untold,
            *unresolved,
            *unsaid,
        ),
        untold=believed.untold(spoken, (told for _, told in events)),
        differs=not stands,
        led=None if stands or trust is None else believed.led_to(believed.own(events, trust), trust),
    )


def _told_of(
    found: Sequence[T], kind: Kind, handle: Callable[[T], str], events: Sequence[tuple[Row, Told]]
) -> tuple[tuple[T, ...], tuple[str, ...]]:
    """Return the records of a kind that an event tells of, and the names of the others: how a change ended, how it left its rows, and what
    is to become of its job, nobody else says.
    """
    kept = (record(kind, handle(one), to_body(one)) for one in found)
    untold = believed.untold(kept, (told for _, told in events))
    return tuple(one for one in found if handle(one) not in untold), tuple(
        f"{kind.name} {one}" for one in sorted(untold)
    )


async def is_believed(tx: Transaction, proposal_id: str, trust: Trust) -> bool:
    """Tell whether a proposal is the one that was filed and stands where its events say, with each decision that they tell of."""
    row = await tx.one("proposal_by_id", id=proposal_id)
    events, untold = read_each("event", await tx.all("proposal_events", subject=proposal_id), _told)
    decided = await tx.all("decisions_of", proposal=proposal_id)
    said = await tx.all("instructions_of", proposal=proposal_id)
    return row is not None and not untold and believed.stands(row, events, (*decided, *said), trust)


async def check_stands(tx: Transaction, row: Row, trust: Trust) -> None:
    """Check that a proposal stands where its events say, with each decision that they tell of.

    Raises:
        DecisionRefused: it does not (`records_differ`).
    """
    if not await is_believed(tx, row["id"], trust):
        raise DecisionRefused(
            Rule.RECORDS_DIFFER,
            f"The ledger's own records contradict each other about {row['id']}.",
            fix="Decide nothing, and run `synapsor verify`.",
        )


async def of_request(tx: Transaction, request: str, trust: Trust) -> tuple[ProposalRecord, ...]:
    """Return the proposals of one request, oldest first."""
    return await _loaded(tx, await tx.all("proposals_of_request", request=request), trust)


async def rivals(
    tx: Transaction, proposal: Proposal, trust: Trust, *, now: str, limit: int
) -> tuple[ProposalRecord, ...]:
    """Return other open proposals about the rows of a proposal, newest first for each of them, and at most so many."""
    found: dict[str, ProposalRecord] = {}
    for target in targets(proposal):
        for row in await tx.all("open_at", target=target, now=now, limit=limit + 1):
            if row["id"] == proposal.id or row["id"] in found or len(found) >= limit:
                continue
            for other in await _loaded(tx, (row,), trust):
                if in_common(proposal, other.proposal):
                    found[row["id"]] = other
    return tuple(found.values())


async def newest(tx: Transaction, status: Status | None, limit: int, trust: Trust) -> tuple[ProposalRecord, ...]:
    """Return the newest proposals, of one status or of all, newest first."""
    if status is None:
        rows = await tx.all("newest_proposals", limit=limit)
    else:
        rows = await tx.all("newest_proposals_of_status", status=status.value, limit=limit)
    return await _loaded(tx, rows, trust)


async def first_to_expire(tx: Transaction, now: str, limit: int, trust: Trust) -> tuple[ProposalRecord, ...]:
    """Return the proposals that can be decided on, those that expire first before the others."""
    return await _loaded(tx, await tx.all("first_to_expire", now=now, limit=limit), trust)


async def own_waiting(tx: Transaction, scope: Scope, now: str, limit: int, trust: Trust) -> tuple[ProposalRecord, ...]:
    """Return the proposals of a tenant and a principal that are in review, newest first."""
    rows = await tx.all("own_waiting_proposals", tenant=scope.tenant, principal=scope.principal, now=now, limit=limit)
    return await _loaded(tx, rows, trust)


async def own_handles(tx: Transaction, scope: Scope, beginning: str, limit: int) -> list[Row]:
    """Return the newest proposals of a tenant and a principal whose handles begin so, without undos."""
    asked = {"tenant": scope.tenant, "principal": scope.principal, "beginning": beginning, "limit": limit}
    return await tx.all("own_proposal_handles", undoes="$.undoes", **asked)


async def statuses(tx: Transaction, wanted: Collection[str]) -> dict[str, Status]:
    """Return where proposals stand."""
    found = [(proposal_id, await tx.one("proposal_status", id=proposal_id)) for proposal_id in wanted]
    return {proposal_id: Status(row["status"]) for proposal_id, row in found if row is not None}


async def due(tx: Transaction, now: str, trust: Trust) -> list[Row]:
    """Return some of the proposals in review past their time, oldest first; not those of which only their row says so."""
    found: list[Row] = []
    after = 0
    while not found and (rows := await tx.all("due_proposals", after=after, now=now, limit=EXPIRE_AT_ONCE)):
        found = [row for row in rows if await is_believed(tx, row["id"], trust)]
        after = rows[-1]["seq"]
    return found


async def expire(book: Book, now: str, trust: Trust) -> int:
    """Move some of the proposals past their time to `expired`, and say how many."""
    fallen: set[str] = set()
    past = await due(book.tx, now, trust)
    for row in past:
        if row["group_id"] not in fallen:
            await step(book, row["id"], Status.REVIEW_REQUIRED, Status.EXPIRED, at=now, trust=trust)
        if row["group_id"] is not None:
            fallen.add(row["group_id"])
    return len(past)


def _asks_the_same(known: Proposal, new: Proposal) -> bool:
    """Tell whether an approval of one would be an approval of the other: same contract, same rows, same change, same guarded tokens.

    What a proposal makes of itself, such as its moment, is another thing in each and makes no other change of it.
    """
    return known.contract == new.contract and _asks(known) == _asks(new)


def _asks(proposal: Proposal) -> list[Any]:
    members = [
        [
            [(name, token) for name, token in member.key if name not in proposal.own],
            {name: token for name, token in member.changes.items() if name not in proposal.own},
            [member.before[name] for name in proposal.guards],
            member.depends,
        ]
        for member in proposal.members
    ]
    return [proposal.guards, members]


def _told(row: Row) -> tuple[Row, Told]:
    told = believed.told_by(row)
    if told.kind == "policy_deferred":
        from_body(Deferral, told.facts)
    return row, told


def _shown(row: Row, told: Told) -> dict[str, Any]:
    records = {name: list(named) for name, named in told.records.items()}
    return {"seq": row["seq"], "hash": row["hash"], **to_body(told), "records": records}


async def existing(tx: Transaction, proposal_id: str, trust: Trust) -> ProposalRecord:
    """Return a proposal that this transaction has just written or seen."""
    found = await load(tx, proposal_id, trust)
    assert found is not None  # noqa: S101  # it is there
    return found
