"""The source as it is now, on a terminal: how each row stands, and what the change touches beside it."""

from __future__ import annotations

from collections.abc import Iterator

from synapsor.approve.card.now_view import BlastNow, CheckedNow, FiredNow, LiveNow, MovedNow, Now, ReachedNow, RowNow
from synapsor.approve.terminal.drawing import Line, Tone, replaced
from synapsor.approve.terminal.rows import fields, value
from synapsor.core.plain import line_of

_TONES: dict[str, Tone] = {"green": "new", "amber": "warning", "red": "old"}
_STANDS = {
    "changed": "changed",
    "gone": "is not there any more, or not for this tenant",
    "there": "is there already",
}
_UNSEEN = {
    "referrers": "which rows refer to it",
    "references": "what it refers to",
    "triggers": "whether triggers fire",
}


def now(told: Now) -> Iterator[Line]:
    """Yield a look at the source."""
    yield from _live(told.live)
    yield from _blast(told.blast)


def _live(live: LiveNow) -> Iterator[Line]:
    yield Line("The rows as they are now", "", "title")
    tones: dict[str, Tone] = {"same": "new", "changed": "old"}
    yield Line("looked", f"{line_of(live.at.at)} ({live.at.away} ago)")
    yield Line("state", live.words, tones.get(live.state, "warning"))
    for row in live.rows:
        yield from _row(row)


def _row(row: RowNow) -> Iterator[Line]:
    yield Line(f"row {row.number}", f"{fields(row.key)} {_STANDS[row.stands]}", "old")
    yield from (line for one in row.moved for line in _moved(one))
    if row.lost is not None:
        yield Line("", f"the related row {line_of(row.lost)} is not there any more", "warning")
    yield Line("would end in", f"{row.ends}, {row.code}: {row.words}", "warning")


def _moved(one: MovedNow) -> Iterator[Line]:
    label = line_of(one.name)
    word = " (its version)" if one.version else "" if one.guards else " (no guard)"
    if one.then.state == "hidden":
        yield Line(label, f"changed, and is not shown{word}", "warning")
    else:
        yield from replaced(label, value(one.then), f"now {value(one.now)}", more=word, tone="warning")


def _blast(blast: BlastNow) -> Iterator[Line]:
    yield Line("What it touches beside", "", "title")
    tone = _TONES[blast.colour]
    if blast.untold is not None:
        yield Line(blast.called, blast.words, tone)
        return
    reasons = "; ".join(words for _, words in blast.reasons)
    yield Line(blast.called, reasons or "is touched that is known of", tone)
    yield from (line for one in blast.reached for line in _reached(one))
    yield from (Line("fires", _fired(one)) for one in blast.fired)
    yield from (Line("must be there", _checked(one)) for one in blast.checked)
    if blast.computed:
        yield Line("computed anew", ", ".join(map(line_of, blast.computed)))
    yield from (Line("not seen", _UNSEEN[word], "warning") for word in blast.unseen)
    if blast.cut:
        yield Line("", "there are more tables behind, which were not looked at", "warning")


def _reached(one: ReachedNow) -> Iterator[Line]:
    pairs = ", by " + ", ".join(f"{line_of(a)} = {line_of(b)}" for a, b in one.columns) if one.columns else ""
    name = f" ({line_of(one.constraint)})" if one.constraint is not None else ""
    if one.depth > 1:
        yield Line("and beyond", f"{line_of(one.relation)}{pairs}{name}: {one.becomes}", "warning")
        return
    yield Line("rows of", f"{line_of(one.relation)}{pairs}{name}")
    yield Line("", f"{one.counted}; {one.becomes}", "quiet" if one.rows == 0 else "warning")
    if not one.accepted:
        yield Line("", "its contract does not accept this, so the worker would not apply it", "warning")


def _fired(one: FiredNow) -> str:
    where = f" of {line_of(one.on)}" if one.on is not None else ""
    when = f", {one.timing} {one.event}" if one.timing else f", with a {one.event}"
    return f"{line_of(one.name)}{when}{where}"


def _checked(one: CheckedNow) -> str:
    return f"the row of {line_of(one.to)} with {', '.join(f'{line_of(b)} = {line_of(a)}' for a, b in one.columns)}"
