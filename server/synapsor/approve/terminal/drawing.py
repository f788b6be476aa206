"""How a card and its like are drawn: lines of label and text, folded to the terminal's width, and no control character but its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from synapsor.core.plain import cells, fold, is_right_to_left, padded

_NARROW = 64
_LONG = 76
"""Up to how many cells what was and what is to be stand in one line."""
LABEL = 18
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

Tone = Literal["plain", "title", "old", "new", "warning", "quiet"]
Piece: TypeAlias = tuple[Tone, str]
Row: TypeAlias = tuple[Piece, ...]
"""One line of a terminal: pieces of text, each in its tone."""

_ANSI: Mapping[Tone, str] = {"plain": "", "title": "1", "old": "31", "new": "32", "warning": "1;33", "quiet": "2"}


@dataclass(frozen=True, slots=True)
class Line:
    """One field of a card; `text` holds no character that could act on a terminal."""

    label: str
    text: str
    tone: Tone = "plain"


def replaced(
    label: str, before: str, after: str, *, head: str = "", more: str = "", tone: Tone = "plain"
) -> Iterator[Line]:
    """Yield what was and what is to be: in one line, or where that is long or a terminal could turn it round, in a line each."""
    whole = head + before + after + more
    if cells(whole) <= _LONG and not is_right_to_left(whole):
        yield Line(label, f"{head}{before} → {after}{more}", tone)
        return
    if head:
        yield Line(label, head.rstrip(), tone)
    yield Line("" if head else label, before, tone)
    yield Line("  →", after, tone)
    if more:
        yield Line("", more.lstrip(" ,"), tone)


def drawn(lines: Iterable[Line], *, colour: bool = False, width: int, label: int = LABEL) -> str:
    """Return fields as text, with a column of `label` cells for what they are called."""
    found = rows(lines, width=width, label=label)
    return "\n".join("".join(_paint(text, tone, colour=colour) for tone, text in row) for row in found)


def rows(lines: Iterable[Line], *, width: int, label: int = LABEL) -> Iterator[Row]:
    """Yield fields as lines of a terminal, for who paints them otherwise."""
    return (row for line in lines for row in _drawn(line, width=width, column=label))


def entry(head: str, body: Iterable[str], *, width: int) -> Iterator[str]:
    """Yield one of a list: its head, and set in below it what is told of it. What goes on is marked, as on a card."""
    for indent, text in (("", head), *(("  ", told) for told in body)):
        first, *more = fold(text, max(LABEL, width - 2 - len(indent)))
        yield indent + first.rstrip()
        yield from (f"{indent}┆ {part.strip()}" for part in more)


def _drawn(line: Line, *, width: int, column: int) -> Iterator[Row]:
    """Yield a field as lines. What follows the first line of a text is marked, so that it cannot be taken for a field of the card."""
    if not line.text:
        first, *more = fold(line.label, max(LABEL, width - 2))
        yield from ((), ((line.tone, first),))
        yield from (((line.tone, "┆ " + part),) for part in more)
        return
    label, indent = f"  {padded(line.label, column)} ", " " * (column + 3)
    # A digest is copied, so it stands in one piece wherever there is room for it.
    if width < _NARROW or cells(line.label) > column or (_DIGEST.fullmatch(line.text) and width < column + 76):
        indent = " " * 4
        if cells(mark := line.label.strip()) <= 1:
            label = f"  {mark:<1} "
        else:
            name, *more = fold(line.label, max(LABEL, width - 4))
            yield (("plain", f"  {name}"),)
            yield from ((("plain", f"  ┆ {part}"),) for part in more)
            label = indent
    first, *more = fold(line.text, max(LABEL, width - len(indent) - 2))
    yield (("plain", label), (line.tone, first))
    # A line may have been broken before its space as well as behind it; the mark has one of its own.
    more = [part.removeprefix(" ") for part in more]
    yield from ((("plain", indent), (line.tone, "┆ " + part)) for part in more)


def _paint(text: str, tone: Tone, *, colour: bool) -> str:
    return f"\x1b[{_ANSI[tone]}m{text}\x1b[0m" if colour and _ANSI[tone] else text
