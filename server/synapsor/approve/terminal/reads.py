"""The rows that the agent read on a terminal: a table where it fits, else a row after the other; what is not told is counted."""

from __future__ import annotations

from collections.abc import Iterator

from synapsor.approve.card.read_view import Evidence, Heading, Rows
from synapsor.approve.card.view import Card
from synapsor.approve.terminal.drawing import LABEL, Line
from synapsor.approve.terminal.rows import exactly
from synapsor.core.plain import cells, line_of, padded
from synapsor.core.words import many

_BETWEEN = "  "
_PROOFS = {
    "missing": "it is not in this ledger",
    "altered": "what the ledger holds is not what was read",
    "recorded": "the proposal does not name it",
}


def reads(card: Card, width: int) -> Iterator[Line]:
    """Yield every read with its rows, those that the proposal names first."""
    yield Line("What the agent read", "", "title")
    for evidence in (*card.rests_on, *card.also_read):
        yield from _read(evidence, width - LABEL - 5)
    if card.also_more:
        yield Line("", "more was read in the same run, and is not told here", "warning")


def _read(evidence: Evidence, room: int) -> Iterator[Line]:
    age = f", {evidence.at.away} ago" if evidence.at is not None else ""
    proof = _PROOFS.get(evidence.proof)
    words = f"{line_of(evidence.handle)} by {line_of(evidence.capability)}{age}{f': {proof}' if proof else ''}"
    yield Line("evidence", words, "warning" if evidence.proof in {"missing", "altered"} else "plain")
    for rows in evidence.rows:
        yield from _rows(rows, room)


def _rows(rows: Rows, room: int) -> Iterator[Line]:
    if rows.name is not None:
        yield Line("", f"{line_of(rows.name)}, a list that came along with it")
    names = [_name(heading) for heading in rows.columns]
    told = [[exactly(value) for value in row] for row in rows.rows]
    wide = [max(map(cells, column)) for column in zip(names, *told, strict=True)]
    if not told:
        yield Line("", "no rows", "quiet")
    elif sum(wide) + len(_BETWEEN) * (len(wide) - 1) <= room:
        yield Line("", _table(names, wide), "quiet")
        yield from (Line(str(number), _table(row, wide)) for number, row in enumerate(told, 1))
    else:
        yield from (Line(str(number), _record(names, row)) for number, row in enumerate(told, 1))
    if rows.more:
        yield Line("", f"and {many(rows.more, 'more row', 'more rows')}, not told here", "warning")
    if rows.cut_by is not None:
        yield Line("", f"cut by the limit on {line_of(rows.cut_by)} when it was read", "warning")


def _name(heading: Heading) -> str:
    return (
        line_of(heading.name) if heading.hidden is None else f"{line_of(heading.name)} (as {line_of(heading.hidden)})"
    )


def _table(row: list[str], wide: list[int]) -> str:
    return _BETWEEN.join(padded(cell, size) for cell, size in zip(row, wide, strict=True)).rstrip()


def _record(names: list[str], row: list[str]) -> str:
    return ", ".join(f"{name} = {cell}" for name, cell in zip(names, row, strict=True))
