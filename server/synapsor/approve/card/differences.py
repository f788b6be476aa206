"""How a value differs from the one before it, as its type tells it: an amount, a length of time, lines of a text, places of a document.

It is told beside the two values and never instead of them; what is hidden is compared with nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from synapsor.approve.card.cells import JsonDiff, PathChange, TextDiff, TextLine, Value
from synapsor.approve.card.teller import Teller
from synapsor.core.jsondiff import places_of
from synapsor.core.measure import difference
from synapsor.core.plain import CUT_AT, Text
from synapsor.core.readings import apart
from synapsor.core.textdiff import Mark, lines_of
from synapsor.values import ColumnType, Token

AROUND: Final = 2
"""Lines that stay and are told on each side of those that do not."""

MOST_LINES: Final = 60
MOST_PLACES: Final = 40

_COUNTED: Final = frozenset({ColumnType.INTEGER, ColumnType.NUMERIC, ColumnType.FLOAT})
_WRITTEN: Final = frozenset({ColumnType.TEXT, ColumnType.JSON, ColumnType.ARRAY})


def step(name: str, before: Token, after: Token, teller: Teller) -> Value | None:
    """Return by how much a value changes, where its type has an answer to that."""
    kind = ColumnType(teller.kind(name))
    if kind in _COUNTED:
        gap = difference(before, after)
        return None if gap is None else teller.value(name, gap)
    words = apart(before, after, kind)
    return None if words is None else Value(kind=ColumnType.INTERVAL.value, state="value", text=Text(words))


def lines(name: str, before: Token, after: Token, teller: Teller) -> TextDiff | None:
    """Return a text line by line, where it has several or is long; not everything unless the teller tells all."""
    if before is None or after is None or ColumnType(teller.kind(name)) not in _WRITTEN:
        return None
    by_line = "\n" in before or "\n" in after
    if not by_line and len(before) <= CUT_AT and len(after) <= CUT_AT:
        return None
    steps = lines_of(before, after)
    told = tuple(_all(steps, teller) if teller.full else _some(steps, teller))
    whole = all(line.text is not None and line.text.whole for line in told)
    return TextDiff(lines=told, whole=whole, by_line=by_line)


def paths(name: str, before: Token, after: Token, teller: Teller) -> JsonDiff | None:
    """Return a document place by place; None of what is no document before and after."""
    if ColumnType(teller.kind(name)) not in _WRITTEN:
        return None
    found = places_of(before, after)
    if found is None:
        return None
    most = len(found) if teller.full else MOST_PLACES
    told = tuple(
        PathChange(
            path=teller.text(place.path),
            mark=place.kind,
            before=None if place.before is None else teller.text(place.before),
            after=None if place.after is None else teller.text(place.after),
        )
        for place in found[:most]
    )
    return JsonDiff(paths=told, more=len(found) - len(told))


def _all(steps: Sequence[tuple[Mark, str]], teller: Teller) -> Iterator[TextLine]:
    return (TextLine(mark=mark, text=teller.text(text)) for mark, text in steps)


def _some(steps: Sequence[tuple[Mark, str]], teller: Teller) -> Iterator[TextLine]:
    """Yield what differs with some lines around it, and how many lines are left out in each place."""
    differ = islice((at for at, (mark, _) in enumerate(steps) if mark != "same"), MOST_LINES)
    near = {at + by for at in differ for by in range(-AROUND, AROUND + 1)}
    told, left = 0, [0, 0, 0]
    marks: tuple[Mark, ...] = ("same", "removed", "added")

    def left_out() -> Iterator[TextLine]:
        for at, mark in enumerate(marks):
            if left[at]:
                yield TextLine(mark=mark, text=None, count=left[at])
                left[at] = 0

    for at, (mark, text) in enumerate(steps):
        if at in near and told < MOST_LINES:
            yield from left_out()
            yield TextLine(mark=mark, text=teller.text(text))
            told += 1
        else:
            left[marks.index(mark)] += 1
    yield from left_out()
