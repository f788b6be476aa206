"""The rows of a card on a terminal: what is there now above what is to be, and below it what it may be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from synapsor.approve.card.cells import Change, Copied, Field, Mark, MovedOn, PathChange, Row, TextLine, Total, Value
from synapsor.approve.card.view import Card, Target
from synapsor.approve.terminal.drawing import Line, Tone, replaced
from synapsor.core.plain import Text, line_of
from synapsor.core.words import many

_NO_ZONE: Final = "none"


def value(told: Value) -> str:
    """Return a value in quotes where it is text, so that no text can look like what is told beside it; and what it says to the eye."""
    aside = [line_of(text) for text in (told.zone, told.reading) if text is not None and text.text != _NO_ZONE]
    if told.zone is not None and told.zone.text == _NO_ZONE:
        aside.insert(0, "without a zone")
    return f"{exactly(told)} ({', '.join(aside)})" if aside else exactly(told)


def exactly(told: Value) -> str:
    """Return a value as it is, with what it counts."""
    if told.state == "null":
        return "NULL"
    text = line_of(told.text, quoted=told.quoted)
    if told.state == "hidden":
        return f"{text} (hidden)".lstrip()
    return f"{text} {line_of(told.unit)}" if told.unit is not None else text


def fields(told: Iterable[Field]) -> str:
    """Return columns with what they hold, in one line."""
    return " and ".join(map(_field, told))


def rows(card: Card) -> Iterator[Line]:
    """Yield each row with its guards."""
    of = len(card.rows)
    for row in card.rows:
        yield Line("Change" if of == 1 else f"Row {row.number} of {of}", "", "title")
        if of > 1:
            yield Line("row", fields(row.key))
        yield from _changed(row, full=card.full)
        if row.guards or row.depends:
            if of == 1:
                yield Line("Guards", "", "title")
            yield from _guards(row, card.target)


def totals(card: Card) -> Iterator[Line]:
    """Yield what the numbers of several rows come to."""
    if card.totals:
        yield Line("Totals", "", "title")
    for total in card.totals:
        yield from _total(total, card.target)
        yield from _bounds(total.bounds)


def _changed(row: Row, *, full: bool) -> Iterator[Line]:
    if row.moved_on is not None:
        yield from _moved_on(row.moved_on)
    yield from (line for change in row.changes for line in _change(change))
    if row.action == "removed":
        yield Line("  →", "the row is removed", "warning")
        yield from (Line("", f"and {line_of(words)}", "warning") for words in row.effects)
    elif row.action == "added":
        yield Line("  →", "the row is added; what else it holds is the database's to fill", "new")
    elif full:
        yield from (_quiet(held, "unchanged") for held in row.unchanged)
        yield from (_quiet(held, "moved by the database") for held in row.moved)
    elif row.unchanged:
        names = ", ".join(line_of(held.name) for held in row.unchanged)
        yield Line(f"{len(row.unchanged)} unchanged", names, "quiet")


def _moved_on(moved: MovedOn) -> Iterator[Line]:
    """Yield what others have done to a row that an undo is about: all of it stays."""
    if moved.written is None and not (moved.others or moved.back):
        yield Line("moved on", "whether the row was written since the change is not on record", "warning")
        return
    yield Line("moved on", "the row was written since the change that is undone; what others have set stays", "warning")
    if moved.others:
        yield Line("", f"others have set {', '.join(map(line_of, moved.others))}", "warning")
    if moved.back:
        yield Line("", f"set back already: {', '.join(map(line_of, moved.back))}", "warning")
    if not (moved.others or moved.back):
        yield Line("", "no column holds anything else than the change left, but for its version", "warning")


def _change(change: Change) -> Iterator[Line]:
    label = line_of(change.name)
    if change.how == "same" and change.before is not None:
        yield Line(label, f"{value(change.before)} (as it is)", "quiet")
    elif change.before is None and change.after is not None:
        yield Line(label, value(change.after), "new")
    elif change.before is not None:
        yield from _replaced(label, change, change.before)
    if change.difference is not None:
        yield Line("", f"difference {value(change.difference)}", "quiet")
    yield from (Line("", line_of(note), "warning") for note in change.notes)
    yield from (Line("", _copied(copied), "warning") for copied in change.copied)
    yield from _bounds(change.bounds)


def _copied(copied: Copied) -> str:
    row = "the same row" if copied.same_row else f"row {copied.row}"
    of = f"{row} of {line_of(copied.list)}" if copied.list is not None else row
    where = f"{line_of(copied.column)} of {of} that was read ({line_of(copied.evidence)})"
    return f"this also stands in {where}: {line_of(copied.piece, quoted=True)}"


def _replaced(label: str, change: Change, before: Value) -> Iterator[Line]:
    """Yield what was and what is to be; a text of several lines as these, and both texts besides where some are left out."""
    lines = change.lines if change.paths is None else None
    if lines is not None and lines.whole:
        yield Line(label, "a text of several lines" if lines.by_line else "a long text, sentence by sentence", "quiet")
    else:
        yield Line(label, value(before), "old")
        if change.after is not None:
            yield Line("  →", value(change.after), "new")
    if lines is not None:
        yield from map(_part, lines.lines)
    if change.paths is not None:
        yield from (line for place in change.paths.paths for line in _path(place))
        if change.paths.more:
            yield Line("", f"and {many(change.paths.more, 'more place')}, see --full", "warning")


_SIGNS: Final[Mapping[Mark, str]] = {"added": "  +", "removed": "  -", "same": "  ="}
_TONES: Final[Mapping[Mark, Tone]] = {"added": "new", "removed": "old", "same": "quiet"}


def _part(part: TextLine) -> Line:
    if part.text is not None:
        return Line(_SIGNS[part.mark], line_of(part.text, quoted=True), _TONES[part.mark])
    what = {"added": "that come", "removed": "that go", "same": "that stay"}[part.mark]
    return Line("", f"{many(part.count, 'part')} {what}, see --full", "quiet" if part.mark == "same" else "warning")


def _path(place: PathChange) -> Iterator[Line]:
    path = line_of(place.path)
    before, after = (None if text is None else line_of(text) for text in (place.before, place.after))
    if before is not None and after is not None:
        yield from replaced("", before, after, head=f"{path}: ")
    elif before is None:
        yield Line("", f"{path} is added: {after}", "new")
    else:
        yield Line("", f"{path} is removed: {before}", "old")


def _guards(row: Row, target: Target) -> Iterator[Line]:
    held = map(_field, (*row.guards, *row.depends))
    yield from (Line("" if at else "must still be", words) for at, words in enumerate(held))
    if target.advances is not None:
        yield Line("must move", line_of(target.advances))
    if target.moves and row.action != "removed":
        names = ", ".join(map(line_of, target.moves))
        yield Line("may move", f"{names}: the database changes it with every update")


def _total(total: Total, target: Target) -> Iterator[Line]:
    label = line_of(total.name)
    before, after, difference = map(_known, (total.before, total.after, total.difference))
    if target.action in {"removed", "added"}:
        yield Line(label, before if target.action == "removed" else after)
    else:
        yield from replaced(label, before, after, more=f", difference {difference}")


def _known(told: Value | None) -> str:
    return "not known" if told is None else value(told)


def _field(held: Field) -> str:
    return f"{line_of(held.name)} = {exactly(held.value)}"


def _quiet(held: Field, word: str) -> Line:
    return Line(line_of(held.name), f"{value(held.value)} ({word})", "quiet")


def _bounds(words: Text | None) -> Iterator[Line]:
    if words is not None:
        yield Line("", f"bounds: {line_of(words)}", "quiet")
