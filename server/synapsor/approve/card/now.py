"""Puts a look at the source on a card: how the rows stand now and what the change touches beside them, each value told harmless."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from synapsor.approve.card.extent import BRIEFLY, IN_FULL, Extent
from synapsor.approve.card.looks import Look
from synapsor.approve.card.now_view import BlastNow, CheckedNow, FiredNow, LiveNow, MovedNow, Now, ReachedNow, RowNow
from synapsor.approve.card.teller import Teller
from synapsor.approve.card.view import Card
from synapsor.core.blast import Blast, Fired, Reached
from synapsor.core.live import Live, LiveRow, Moved, Stands, end_of
from synapsor.core.plain import Text
from synapsor.core.proposal import Proposal
from synapsor.core.surroundings import Action
from synapsor.core.words import many

_WOULD_END = {
    "conflict": "the worker would end this in a conflict as things stand, and change nothing",
    "failed": "the worker would undo this as things stand, because the row is not what was approved",
}

_BECOMES = {
    Action.NO_ACTION: "the database refuses it while such rows are there",
    Action.RESTRICT: "the database refuses it while such rows are there",
    Action.SET_NULL: "lose what they refer to (set null)",
    Action.SET_DEFAULT: "are set to a default",
    Action.UNKNOWN: "what becomes of them, the reader may not see",
}


def with_now(card: Card, proposal: Proposal, look: Look, *, now: dt.datetime, beside_it: Extent | None = None) -> Card:
    """Return a card with a look at the source; rows that are not as they were are a warning on it."""
    extent = beside_it or (IN_FULL if card.full else BRIEFLY)
    teller = Teller(proposal.columns, now=now, most=extent.text, units=_units(card))
    told = Now(live=_live(proposal, look.live, teller), blast=_blast(look.blast, teller, deletes=proposal.deletes))
    return replace(card, now=told, warnings=(*card.warnings, *_warnings(look.live)))


def _units(card: Card) -> Mapping[str, str]:
    """Return what numbers count, as the card tells it of them already."""
    told = (field for row in card.rows for field in (*row.guards, *row.depends, *row.unchanged, *row.moved))
    return {field.name.text: field.value.unit.text for field in told if field.value.unit is not None}


def _warnings(live: Live) -> Iterator[str]:
    ends = {end_of(row.ends).value for row in live.rows if row.ends is not None}
    yield from (f"a row is not as it was: {_WOULD_END[word]}" for word in sorted(ends))


def _live(proposal: Proposal, live: Live, teller: Teller) -> LiveNow:
    others = [(at, row) for at, row in enumerate(live.rows, 1) if row.stands is not Stands.SAME]
    same = len(live.rows) - len(others)
    return LiveNow(
        at=teller.moment(live.at),
        state=live.state,
        same=same,
        rows=tuple(_row(at, row, teller) for at, row in others),
        untold=None if live.untold is None else live.untold.value,
        words=_words(proposal, live, same),
        evidence=teller.perhaps(live.evidence),
    )


def _words(proposal: Proposal, live: Live, same: int) -> str:
    if live.untold is not None:
        return f"cannot be told: {live.untold.value}. {live.untold.meaning}"
    if live.changed:
        return f"{many(len(live.rows) - same, 'row is', 'rows are')} not as {'it was' if len(live.rows) == 1 else 'they were'}"
    return "still not there" if proposal.inserts else "still as it was" if same == 1 else "still as they were"


def _row(number: int, row: LiveRow, teller: Teller) -> RowNow:
    assert row.ends is not None  # noqa: S101  # every row that is not the same has one
    return RowNow(
        number=number,
        key=tuple(teller.field(name, teller.value(name, token)) for name, token in row.key),
        stands=row.stands.value,
        moved=tuple(_moved(one, teller) for one in row.moved),
        lost=teller.perhaps(row.lost),
        ends=end_of(row.ends).value,
        code=row.ends.value,
        words=row.ends.meaning,
    )


def _moved(one: Moved, teller: Teller) -> MovedNow:
    then, now = (
        teller.hidden(one.path) if one.hidden else teller.value(one.path, token) for token in (one.then, one.now)
    )
    return MovedNow(name=teller.text(one.path), then=then, now=now, guards=one.guards, version=one.version)


def _blast(blast: Blast, teller: Teller, *, deletes: bool) -> BlastNow:
    untold = blast.untold
    return BlastNow(
        at=teller.moment(blast.at),
        colour=blast.colour.value,
        reasons=tuple((colour.value, words) for colour, words in blast.reasons),
        reached=tuple(_reached(one, teller, deletes=deletes) for one in blast.reached),
        fired=tuple(_fired(one, teller) for one in blast.fired),
        checked=tuple(
            CheckedNow(to=teller.text(str(one.to)), columns=_pairs(one.columns, teller)) for one in blast.checked
        ),
        computed=tuple(teller.text(name) for name in blast.computed),
        unseen=tuple(sorted(one.value for one in blast.unseen)),
        cut=blast.cut,
        untold=None if untold is None else untold.value,
        words=f"cannot be told: {untold.value}. {untold.meaning}" if untold is not None else "",
    )


def _reached(one: Reached, teller: Teller, *, deletes: bool) -> ReachedNow:
    return ReachedNow(
        relation=teller.text(str(one.key.relation)),
        constraint=teller.perhaps(one.key.name),
        columns=_pairs(one.key.columns, teller),
        action=one.action.value,
        becomes=_becomes(one, deletes=deletes),
        depth=one.depth,
        rows=None if one.count is None else one.count.rows,
        counted=None if one.count is None else one.count.words,
        accepted=one.accepted,
    )


def _becomes(one: Reached, *, deletes: bool) -> str:
    """Return what becomes of the rows that refer; what lies behind rows that are reached may go with these, or change with them."""
    if one.action is Action.CASCADE and one.depth > 1:
        return "go or change with it"
    if one.action is Action.CASCADE:
        are = "is" if one.count is not None and one.count.rows == 1 and not one.count.more else "are"
        return f"{are} deleted with it" if deletes else f"{are} changed with it"
    return _BECOMES[one.action]


def _fired(one: Fired, teller: Teller) -> FiredNow:
    trigger = one.trigger
    return FiredNow(name=teller.text(trigger.name), timing=trigger.timing, event=one.event, on=teller.perhaps(one.on))


def _pairs(columns: Iterable[tuple[str, str]], teller: Teller) -> tuple[tuple[Text, Text], ...]:
    return tuple((teller.text(one), teller.text(other)) for one, other in columns)
