"""Deciding on several proposals at once: each is shown, each digest is bound by itself, and each is decided on by itself.

What asks for more than a look, or differs from the others, is said; the first kind is decided on alone. The page is as large as that of
one proposal may be, and takes as much work: what no longer fits is not looked at, and is decided on alone as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from synapsor.approve.card.extent import ON_A_PAGE, one_of
from synapsor.approve.card.now import with_now
from synapsor.approve.card.sparing import Sparing
from synapsor.approve.console.acting import listed_objection
from synapsor.approve.console.decide import deciding_of, reason_of, told
from synapsor.approve.console.entries import alone, loaded
from synapsor.approve.console.kept import kept
from synapsor.approve.console.proposal import MOST_BYTES, MOST_PIECES, Looked, looked_at, pieces_of
from synapsor.approve.console.room import Room
from synapsor.approve.console.visit import Visit, page
from synapsor.approve.sheet import odd_words
from synapsor.core.alike import clusters
from synapsor.core.moment import stamp
from synapsor.core.presets import REJECT_WORDS
from synapsor.core.proposal import Proposal
from synapsor.core.records import to_body
from synapsor.core.statements import Verdict
from synapsor.errors import DecisionRefused, LedgerFailure, UsageError
from synapsor.flow.batch import EachOutcome, decide_each, digest_over
from synapsor.flow.decide import Listed
from synapsor.flow.reason import check_reason
from synapsor.flow.refused import record_refused
from synapsor.ports import ProposalRecord
from synapsor.refusals import Rule
from synapsor.values import canonical

MOST: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """One that may be decided on with the others; `unlike` says why it stands out of those that are like it, in words."""

    looked: Looked
    digest: str
    unlike: tuple[str, ...]


Sorted = tuple[list[tuple[ProposalRecord, Looked]], list[tuple[ProposalRecord, DecisionRefused]]]
"""Those that may be decided on together, as they are shown, and the others, with the reason."""


def routes(room: Room) -> Iterable[Route]:
    """Return the page that shows them, and the two forms."""
    yield page(room, "/batch", _batch, posts=True)
    yield page(room, "/batch/approve", _approve, posts=True)
    yield page(room, "/batch/reject", _reject, posts=True)


async def _batch(visit: Visit) -> Response:
    return await _shown(visit, visit.form.get("pick", ()))


async def _again(visit: Visit, words: str) -> Response:
    """Return the page that was sent, as it was filled, with what is to be mended."""
    ticked = [text.partition(" ")[0] for text in visit.form.get("pick", ())]
    shown = visit.form.get("shown", ()) or ticked
    return await _shown(visit, shown, ticked=ticked, trouble=words, status=HTTPStatus.UNPROCESSABLE_ENTITY)


async def _shown(
    visit: Visit,
    picked: Iterable[str],
    *,
    ticked: Iterable[str] | None = None,
    trouble: str = "",
    status: int = HTTPStatus.OK,
) -> Response:
    """Return the page of those that were chosen, all ticked or as they were, with what went wrong before."""
    ids = list(dict.fromkeys(picked))
    if not ids:
        raise UsageError("Nothing is chosen.", fix="Tick the proposals that you want to decide on together.")
    records = await loaded(visit.room.ledger, ids[:MOST])
    together, apart = await _sorted(visit, records)
    sparing = Sparing(looks=visit.room.given.looks, who=visit.session.name)
    together = [(record, await _as_it_is(visit, record, looked, sparing)) for record, looked in together]
    alike = clusters([record for record, _ in together], now=stamp(visit.room.now()))
    return await visit.page(
        "batch.html",
        status=status,
        trouble=trouble,
        together=[
            Together(
                looked=looked,
                digest=record.shown,
                unlike=tuple(words for cluster in alike for words in odd_words(cluster, record.proposal.id)),
            )
            for record, looked in together
        ],
        alone=[(record.proposal, why) for record, why in apart],
        beyond=max(0, len(ids) - MOST),
        presets=REJECT_WORDS,
        kept=kept("/batch", visit.form, same=True),
        picked=None if ticked is None else frozenset(ticked),
    )


async def _as_it_is(visit: Visit, record: ProposalRecord, looked: Looked, sparing: Sparing) -> Looked:
    """Return what is shown of one of them with its source as it is now; an approval looks once more."""
    seen = await sparing.at(record.proposal)
    if seen is None:
        return looked
    card = with_now(looked.card, record.proposal, seen, now=visit.room.now(), beside_it=ON_A_PAGE)
    return replace(looked, card=card)


async def _sorted(visit: Visit, records: Sequence[ProposalRecord]) -> Sorted:
    """Look at those that may be decided on together, as long as the page has room; fewer of the same take no more of it."""
    operators, extent = visit.room.operators(), one_of(len(records))
    together, apart = [], []
    room, pieces = MOST_BYTES, MOST_PIECES
    for record in records:
        size = _room_of(record)
        why = listed_objection(visit, record, operators) or _by_itself(record.proposal)
        if why is None and size > room:
            why = _no_room()
        if why is None:
            looked = await looked_at(visit, record, operators, beside_it=extent)
            why = looked.against or (_no_room() if pieces_of(looked.card) > pieces else None)
        if why is None:
            together.append((record, looked))
            room, pieces = room - size, pieces - pieces_of(looked.card)
        else:
            apart.append((record, why))
    return together, apart


def _room_of(record: ProposalRecord) -> int:
    """Return how much of a page a proposal takes; a sign that a page has to write in letters takes five."""
    group = (record.proposal, *(other.proposal for other in record.group))
    written = [canonical(to_body(each)) for each in group]
    return sum(len(each) + 4 * sum(map(each.count, (b"<", b">", b"&", b"'"))) for each in written)


def _by_itself(proposal: Proposal) -> DecisionRefused | None:
    """Return why a proposal asks for more than a look, whatever is on its card."""
    why = alone(proposal)
    return _alone(why) if why else None


def _no_room() -> DecisionRefused:
    return _alone("It does not fit on this page with the others.")


def _alone(why: str) -> DecisionRefused:
    return DecisionRefused(Rule.ALONE, why, fix="Decide on it by itself.")


async def _approve(visit: Visit) -> Response:
    if visit.sent("seen") != "yes":
        return await _again(visit, "Tick that you have read all of them; nothing was signed.")
    return await _decided(visit, "approve")


async def _reject(visit: Visit) -> Response:
    try:
        check_reason("reject", reason_of(visit))
    except UsageError as error:
        return await _again(visit, f"{error.message} {error.fix} Nothing was signed.")
    return await _decided(visit, "reject")


async def _decided(visit: Visit, verdict: Verdict) -> Response:
    """Decide on each of those that were sent, over the digest that the page showed of it."""
    room, shown = visit.room, _listed(visit)
    deciding = deciding_of(visit, verdict)
    left_out = await _left_out(visit, shown, verdict)
    outcomes = await decide_each(room.ledger, deciding, shown, over=digest_over(shown), left_out=left_out)
    verb = "approved" if verdict == "approve" else "rejected"
    try:
        decided = {one.proposal.id: one for one in await loaded(room.ledger, [o.proposal for o in outcomes if o.ok])}
    except LedgerFailure:  # what came of each is told all the same
        decided = {}

    def words(one: EachOutcome) -> str:
        if not one.ok:
            return one.words
        return told(decided[one.proposal], verb)[1] if one.proposal in decided else f"is {verb} by you."

    return await visit.page("outcomes.html", verb=verb, outcomes=[(one, words(one)) for one in outcomes])


async def _left_out(visit: Visit, shown: Sequence[Listed], verdict: Verdict) -> dict[str, EachOutcome]:
    """Return those that are decided on alone, and why; what is certain to be refused is recorded like any attempt."""
    ledger, left = visit.room.ledger, {}
    records = await loaded(ledger, [one.proposal for one in shown])
    if verdict == "approve":
        _, apart = await _sorted(visit, records)
    else:
        apart = [(record, why) for record in records if (why := _by_itself(record.proposal)) is not None]
    for record, why in apart:
        await record_refused(ledger, record.proposal.id, visit.session.name, why, visit.now)
        left[record.proposal.id] = EachOutcome(
            proposal=record.proposal.id, status=record.status, rule=why.rule, words=f"{why.message} {why.fix}".strip()
        )
    return left


def _listed(visit: Visit) -> tuple[Listed, ...]:
    """Return what a form names, with the digest that was on the page."""
    pairs = [text.partition(" ") for text in visit.form.get("pick", ())]
    if not pairs:
        raise UsageError("Nothing is chosen.", fix="Go back, and tick what you mean.")
    if len(pairs) > MOST:
        raise UsageError(f"More are chosen than the {MOST} that one page shows.", fix="Choose fewer.")
    return tuple(Listed(proposal=handle, digest=digest) for handle, _, digest in pairs)
