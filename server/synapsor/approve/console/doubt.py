"""The pages "Unknown outcomes": of which changes nobody knows whether they were applied, how their rows look beside what was approved, and
the form by which a person says and signs what became of one.

What a page found is what is signed: rows that look otherwise by then are refused, and shown anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from synapsor.approve.card.cells import Field, Value
from synapsor.approve.card.teller import Teller
from synapsor.approve.card.terms import units_behind
from synapsor.approve.console.acting import objection_to, signer_of
from synapsor.approve.console.decide import check_confirmed
from synapsor.approve.console.entries import asks_for_digest, loaded, row_of
from synapsor.approve.console.kept import kept
from synapsor.approve.console.proposal import MOST_ROWS, TYPED
from synapsor.approve.console.room import Room
from synapsor.approve.console.visit import Visit, page, refusal
from synapsor.approve.console.worker import MOST
from synapsor.core.advice import advice_of
from synapsor.core.outcome import meaning_of
from synapsor.core.overview import Search
from synapsor.core.plain import visible
from synapsor.core.proposal import Member, Proposal, Status
from synapsor.core.reconcile import (
    MEANINGS,
    UNTOLD,
    Found,
    FoundRow,
    Match,
    end_of,
    speaks_against,
    whole_of,
)
from synapsor.core.resolving import asks_first, waiting_words
from synapsor.core.statements import Resolved
from synapsor.errors import DecisionRefused, SynapsorError, UsageError
from synapsor.flow.named import proposal_of
from synapsor.flow.reconcile import RESOLVING, Resolving, check_in_doubt, resolve
from synapsor.ports import ProposalRecord
from synapsor.refusals import Rule

VERDICTS: Final[Mapping[str, Resolved]] = {"applied": "applied", "not-applied": "not_applied"}
_MEND: Final = frozenset({Rule.CONTRARY, Rule.SEEN_MOVED, Rule.NOT_CONFIRMED})
"""What the same page can be asked again for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One column of a row: as it was, as it was approved and as it is now; a side of which nothing is known, or that is hidden, is None."""

    name: str
    hidden: bool
    before: Value | None
    approved: Value | None
    now: Value | None
    differs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How one row was found beside what was approved; `match` is "" where it could not be looked at."""

    key: tuple[Field, ...]
    match: str
    gone: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of the proposals that are resolved together; `code` is why nobody knows what became of it."""

    proposal: Proposal
    code: str
    meaning: str
    found: Found | None
    rows: tuple[Row, ...]
    more: int


def routes(room: Room) -> Iterable[Route]:
    """Return the list, the page of each, and where its form is sent to."""
    yield page(room, "/worker/unknown", _list)
    yield page(room, "/worker/unknown/{handle}", _one)
    yield page(room, "/worker/unknown/{handle}/resolve", _resolved, posts=True)
    yield page(room, "/worker/unknown/{handle}/resolve", _back)


async def _list(visit: Visit) -> Response:
    room = visit.room
    wanted = Search(status=Status.RECONCILIATION_REQUIRED)
    found = await room.overview.found(wanted, before=visit.whole_number("before"), limit=MOST)
    records = await loaded(room.ledger, found.ids)
    told = [(one, row_of(one.proposal), *_why(one), _objection(visit, one) is None) for one in records]
    return await visit.page("unknown.html", found=told, next=found.next)


async def _one(visit: Visit) -> Response:
    return await _page(visit, await _named(visit))


async def _back(visit: Visit) -> Response:
    return visit.lead(f"/worker/unknown/{visit.request.path_params['handle']}")


async def _named(visit: Visit) -> ProposalRecord:
    return await proposal_of(visit.room.ledger, str(visit.request.path_params["handle"]))


async def _resolved(visit: Visit) -> Response:
    room, record = visit.room, await _named(visit)
    try:
        lead, *_ = await resolve(room.ledger, record, _resolving(visit, record))
    except (DecisionRefused, UsageError) as error:
        if isinstance(error, DecisionRefused) and error.rule not in _MEND:
            return await refusal(visit, error)
        return await _page(visit, record, error)
    waits = asks_first(record.proposal, lead)
    told = f"{end_of(lead.verdict).stands}: you said so, and signed it."
    if waits:
        told = (
            "waits for its application to give it up: a worker asks for that, and what you said and signed counts then."
        )
    visit.session.flash = (record.proposal.id, told)
    return visit.lead(f"/proposals/{record.proposal.id}")


def _resolving(visit: Visit, record: ProposalRecord) -> Resolving:
    """Return what the form says became of it, by who is logged in.

    Raises:
        DecisionRefused: nobody has proven who this is, or they have not confirmed which change they mean.
        UsageError: it does not say what became of it.
    """
    room, verdict = visit.room, VERDICTS.get(visit.sent("verdict"))
    signer = signer_of(visit, room.operators())
    if verdict is None:
        raise UsageError("It is not said what became of it.", fix="Choose one of the two.")
    check_confirmed(visit, record.shown, types=asks_for_digest(record.proposal.risk))
    return Resolving(
        verdict=verdict,
        reason=visit.sent("reason").strip(),
        operator=signer.operator,
        operators=room.operators,
        unlock=lambda: signer,
        look=partial(room.given.looks.found, who=signer.name),
        clock=room.given.clock,
        contrary=visit.sent("contrary") == "yes",
        unasked=visit.sent("unasked") == "yes",
        shown=visit.form.get("saw", ()),
    )


async def _page(visit: Visit, record: ProposalRecord, error: SynapsorError | None = None) -> Response:
    """Return the page of one; only who may say what became of it has its rows looked at."""
    room = visit.room
    head, _ = await room.ledger.head()
    record = await room.ledger.proposal(record.proposal.id) or record
    check_in_doubt(record)
    why = _objection(visit, record)
    may = why is None
    found = (
        [await room.given.looks.found(one.proposal, who=visit.session.name) for one in record.together] if may else []
    )
    whole = whole_of(found) if found else ""
    return await visit.page(
        "doubt.html",
        status=HTTPStatus.OK if error is None else HTTPStatus.UNPROCESSABLE_ENTITY,
        head=head,
        record=record,
        parts=await _parts(visit, record, found),
        may=may,
        why=why,
        whole=whole,
        meaning=MEANINGS.get(whole, ""),
        advice=advice_of(whole, [r.code for one in record.together for r in one.receipts[-1:]]) if whole else "",
        untold=whole == UNTOLD,
        said=waiting_words(record.said, record.proposal.executor),
        executor=record.proposal.executor,
        against={word: bool(whole) and speaks_against(whole, verdict) for word, verdict in VERDICTS.items()},
        types=asks_for_digest(record.proposal.risk),
        typed=TYPED,
        trouble=f"{error.message} {error.fix}".strip() if error else "",
        kept=kept(visit.request.url.path, visit.form, same=visit.sent("digest") == record.shown),
    )


def _objection(visit: Visit, record: ProposalRecord) -> DecisionRefused | None:
    """Return why the person who visits does not say what became of a proposal and of all that stands or falls with it, or None."""
    against = (objection_to(visit, one, RESOLVING) for one in record.together)
    return next((why for why in against if why is not None), None)


def _why(record: ProposalRecord) -> tuple[str, str]:
    code = record.receipts[-1].code if record.receipts else ""
    return visible(code or "?"), meaning_of(code) if code else ""


async def _parts(visit: Visit, record: ProposalRecord, found: Sequence[Found]) -> list[Part]:
    proposals = [one.proposal for one in record.together]
    units = await units_behind(visit.room.ledger, proposals, visit.room.operators())
    parts = []
    for at, one in enumerate(record.together):
        code, meaning = _why(one)
        seen = found[at] if found else None
        teller = Teller(one.proposal.columns, now=visit.now, units=units[one.proposal.id])
        rows = tuple(_rows(one.proposal, seen, teller))
        parts.append(
            Part(
                proposal=one.proposal,
                code=code,
                meaning=meaning,
                found=seen,
                rows=rows,
                more=len(one.proposal.members) - len(rows),
            )
        )
    return parts


def _rows(proposal: Proposal, found: Found | None, teller: Teller) -> Iterator[Row]:
    told = found.rows if found is not None else ()
    for at, member in enumerate(proposal.members[:MOST_ROWS]):
        seen = told[at] if at < len(told) else None
        gone = seen is not None and _is_gone(proposal, seen)
        yield Row(
            key=teller.key(member),
            match=seen.match.value if seen else "",
            gone=gone,
            cells=tuple(_cells(proposal, member, seen, teller)),
        )


def _is_gone(proposal: Proposal, seen: FoundRow) -> bool:
    """Tell whether there is no such row now."""
    as_proposed, as_before = seen.match is Match.MATCHES_PROPOSED, seen.match is Match.MATCHES_BEFORE
    return seen.match is Match.ABSENT or (as_proposed and proposal.deletes) or (as_before and proposal.inserts)


def _cells(proposal: Proposal, member: Member, seen: FoundRow | None, teller: Teller) -> Iterator[Cell]:
    """Yield the columns that the change sets, and those in which the row is neither as proposed nor as before."""
    differs = {one.column: one for one in seen.differs} if seen else {}
    for name in dict.fromkeys([*member.changes, *differs]):
        hidden = name in proposal.hidden
        odd = differs.get(name)
        before = teller.value(name, member.before.get(name)) if name in member.before and not hidden else None
        approved = teller.value(name, member.changes[name]) if name in member.changes and not hidden else None
        now = None
        if seen is not None and not hidden and not _is_gone(proposal, seen):
            now = teller.value(name, odd.now) if odd else before if seen.match is Match.MATCHES_BEFORE else approved
        yield Cell(name=name, hidden=hidden, before=before, approved=approved, now=now, differs=odd is not None)
