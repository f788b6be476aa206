"""Two texts line by line: which lines went and which came, exactly; the two can be put together again from what is told.

The work is bounded: texts that differ in more lines than are looked for are told as one replaced by the other, which is as true.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal, TypeAlias, TypeVar

T = TypeVar("T")
Mark: TypeAlias = Literal["added", "removed", "same"]

MOST_CHANGES: Final = 200
"""How many lines that went and came are looked for between the first and the last line that differ."""

_PIECES = re.compile(r"(?<=[.!?;])(?=\s)")


def lines_of(one: str, other: str) -> list[tuple[Mark, str]]:
    """Return each line of two texts once, in order. Of texts of one line each, their sentences."""
    if "\n" in one or "\n" in other:
        return list(_steps(one.split("\n"), other.split("\n")))
    return list(_steps(_PIECES.split(one), _PIECES.split(other)))


def _steps(one: Sequence[str], other: Sequence[str]) -> Iterator[tuple[Mark, str]]:
    """Yield the steps from one to the other; what both begin and end with is not looked into."""
    shorter = min(len(one), len(other))
    head = next((at for at in range(shorter) if one[at] != other[at]), shorter)
    most = shorter - head
    tail = next((at for at in range(most) if one[-1 - at] != other[-1 - at]), most)
    yield from (("same", line) for line in one[:head])
    yield from changes(one[head : len(one) - tail], other[head : len(other) - tail])
    yield from (("same", line) for line in one[len(one) - tail :])


def changes(one: Sequence[T], other: Sequence[T]) -> Iterator[tuple[Mark, T]]:
    """Yield the fewest steps that lead from one to the other (Myers, 1986), or all of one and then all of the other."""
    trail = _trail(one, other)
    if trail is None:
        yield from (("removed", line) for line in one)
        yield from (("added", line) for line in other)
        return
    x, y = len(one), len(other)
    back: list[tuple[Mark, T]] = []
    for step in range(len(trail) - 1, -1, -1):
        ends = trail[step]
        line = x - y
        down = line == -step or (line != step and ends.get(line - 1, -1) < ends.get(line + 1, -1))
        before = line + 1 if down else line - 1
        start = ends.get(before, 0) if step else 0
        begins = (start, start - before) if step else (0, 0)
        while x > begins[0] and y > begins[1]:
            x, y = x - 1, y - 1
            back.append(("same", one[x]))
        if not step:
            break
        if down:
            y -= 1
            back.append(("added", other[y]))
        else:
            x -= 1
            back.append(("removed", one[x]))
    yield from reversed(back)


def _trail(one: Sequence[T], other: Sequence[T]) -> list[dict[int, int]] | None:
    """Return how far each diagonal had come before each step, or None when it takes too many."""
    ends: dict[int, int] = {1: 0}
    trail: list[dict[int, int]] = []
    for step in range(min(MOST_CHANGES, len(one) + len(other)) + 1):
        trail.append(dict(ends))
        for line in range(-step, step + 1, 2):
            down = line == -step or (line != step and ends.get(line - 1, -1) < ends.get(line + 1, -1))
            x = ends[line + 1] if down else ends[line - 1] + 1
            y = x - line
            while x < len(one) and y < len(other) and one[x] == other[y]:
                x, y = x + 1, y + 1
            ends[line] = x
            if x >= len(one) and y >= len(other):
                return trail
    return None
