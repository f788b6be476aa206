"""Follow a change to the related rows that it depends on, one link after the other, each row looked at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from synapsor.core.depends import Hop
from synapsor.core.plan import ReadPlan
from synapsor.core.scope import Scope
from synapsor.values import Token

Row: TypeAlias = Mapping[str, Token]
Ask: TypeAlias = Callable[[Hop, ReadPlan], Awaitable[Row | None]]
"""Returns the one row that answers a look, or None where there is none."""

_NOTHING: Final = object()
"""Stands for a path that is not there, which NULL is not."""


@dataclass(frozen=True, kw_only=True)
class Related:
    """The related rows of one proposal; two of its rows that depend on one row see the same."""

    hops: Iterable[Hop]
    scope: Scope
    time_ms: int
    ask: Ask
    _seen: dict[tuple[str, tuple[str, ...]], Row | None] = field(default_factory=dict)

    async def of(self, row: Row) -> dict[str, Token] | None:
        """Return what a row depends on, by its paths; None where a related row is not there for this tenant."""
        found, gone = await self.follow(row)
        return None if gone else found

    async def moved(self, row: Row, before: Mapping[str, Token]) -> tuple[str, ...]:
        """Return the paths that do not hold what they held; of a related row that is not there for this tenant the links that lead to it."""
        found, gone = await self.follow(row)
        named = found if gone else {**found, **before}
        differ = (path for path in sorted(named) if before.get(path, _NOTHING) != found.get(path, _NOTHING))
        return (*differ, *([gone] if gone else []))

    async def follow(self, row: Row) -> tuple[dict[str, Token], str]:
        """Return what is found until a row is not there, and the links that lead to that one; "" where all are there."""
        rows: dict[tuple[str, ...], Row] = {(): row}
        paths: dict[str, Token] = {}
        for hop in self.hops:
            found = await self._row(hop, rows[hop.links[:-1]])
            if found is None:
                return paths, hop.name
            rows[hop.links] = found
            paths |= {path: found[column] for path, column in hop.paths.items()}
        return paths, ""

    async def _row(self, hop: Hop, before: Row) -> Row | None:
        plan = hop.plan(before, self.scope, time_ms=self.time_ms)
        if plan is None:
            return None
        place = hop.name, plan.values
        if place not in self._seen:
            self._seen[place] = await self.ask(hop, plan)
        return self._seen[place]
