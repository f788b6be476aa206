"""What was found of the rows of a proposal whose end nobody knows, on a terminal: each row beside what it was and what was proposed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from synapsor.approve.card.teller import Teller
from synapsor.approve.terminal.drawing import Line, Tone
from synapsor.approve.terminal.rows import fields, value
from synapsor.core.plain import line_of, visible
from synapsor.core.proposal import Proposal
from synapsor.core.reconcile import MEANINGS, Differs, Found, FoundRow, Match, whole_of

_TONES: dict[str, Tone] = {Match.MATCHES_PROPOSED: "new", Match.MATCHES_BEFORE: "old"}
_WORDS = {
    Match.MATCHES_PROPOSED: "as proposed",
    Match.MATCHES_BEFORE: "as before",
    Match.ABSENT: "not there any more",
    Match.DRIFTED: "neither as before nor as proposed",
}


def lines(found: Sequence[tuple[Proposal, str, Found, Teller]], *, advice: str) -> Iterator[Line]:
    """Yield what was found of a proposal and its group, each with what its last receipt says; then what it means, and what to do."""
    for proposal, code, one, teller in found:
        yield Line(visible(f"{proposal.id}, {proposal.capability}"), "", "title")
        yield Line("why", visible(code), "warning")
        yield Line("looked", f"{line_of(teller.moment(one.at).at)}, evidence {visible(one.evidence or 'none')}")
        if one.untold is not None:
            yield Line("rows", f"{one.untold.value}. {one.untold.meaning}", "warning")
        for number, row in enumerate(one.rows, 1):
            yield from _row(number, row, teller)
    whole = whole_of(one for _, _, one, _ in found)
    yield Line("What that means", "", "title")
    yield Line(whole, MEANINGS[whole], _TONES.get(whole, "warning"))
    yield Line("to do", advice)


def _row(number: int, row: FoundRow, teller: Teller) -> Iterator[Line]:
    key = fields(teller.field(name, teller.value(name, token)) for name, token in row.key)
    yield Line(f"row {number}", f"{key} is {_WORDS[row.match]}", _TONES.get(row.match, "warning"))
    for one in row.differs:
        yield from _differs(one, teller)


def _differs(one: Differs, teller: Teller) -> Iterator[Line]:
    label = line_of(teller.text(one.column))
    if one.hidden:
        yield Line(label, "differs, and is not shown", "warning")
        return
    before, proposed, now = (value(teller.value(one.column, token)) for token in (one.before, one.proposed, one.now))
    yield Line(label, f"before {before}", "old")
    yield Line("", f"proposed {proposed}", "new")
    yield Line("", f"now {now}", "warning")
