"""Which groups are too small to be told, and which others must go with them so that no subtraction gives them away.

A group's sizes are how many rows stand behind it and behind each of its measures, in each period. It is too small when one of them is
below the minimum without being nought. What is withheld together, in all or along any line of the table that the groups make, must
not be too small either: otherwise the next smallest group is withheld as well. No order and no limit has a say in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

Key: TypeAlias = tuple[str | int | None, ...]


@dataclass(frozen=True, slots=True)
class Sized:
    """A group as far as this is concerned."""

    key: Key
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """What may be told.

    Attributes:
        keys: of the groups that may be.
        withheld: whether there may be more: that there are fewer rows than the minimum in all looks the same as that there are none.
    """

    keys: frozenset[Key]
    withheld: bool


def suppress(groups: Sequence[Sized], minimum: int) -> Shown:
    """Return which groups may be told."""
    ordered = sorted(groups, key=lambda group: _order(group.key))
    if minimum <= 1:
        return Shown(frozenset(group.key for group in ordered), withheld=False)
    hidden = {group.key for group in ordered if not any(group.sizes) or _small(group, minimum)}
    lines = list(_lines(ordered))
    unsettled = True
    while unsettled:
        # A group that is withheld for one line may leave too little in another.
        unsettled = False
        for line in lines:
            unsettled |= _complete(line, hidden, minimum)
    keys = frozenset(group.key for group in ordered) - hidden
    return Shown(keys, withheld=bool(hidden) or not keys)


def _small(group: Sized, minimum: int) -> bool:
    return any(0 < size < minimum for size in group.sizes)


def _lines(groups: Sequence[Sized]) -> Iterator[list[Sized]]:
    """Yield all groups, and those that have some of their names in common: what a total of one of the values is about."""
    width = len(groups[0].key) if groups else 0
    for count in range(width):
        for places in combinations(range(width), count):
            found: dict[Key, list[Sized]] = {}
            for group in groups:
                found.setdefault(tuple(group.key[place] for place in places), []).append(group)
            yield from found.values()


def _complete(line: Sequence[Sized], hidden: set[Key], minimum: int) -> bool:
    """Withhold the next smallest groups of a line until what is withheld is enough; tell whether any was."""
    before = len(hidden)
    for at in range(len(line[0].sizes)):
        together = sum(group.sizes[at] for group in line if group.key in hidden)
        if not 0 < together < minimum:
            continue
        rest = [group for group in line if group.key not in hidden and group.sizes[at]]
        if rest:
            hidden.add(
                min(rest, key=lambda group: (group.sizes[at], group.sizes, _order(group.key))).key
            )  # used at once
    return len(hidden) > before


def _order(key: Key) -> tuple[tuple[bool, str | int | None], ...]:
    """Return what keys are ordered by; None cannot be compared, and comes last."""
    return tuple((part is None, part) for part in key)
