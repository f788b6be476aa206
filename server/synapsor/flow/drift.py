"""Whether the relations of a contract still have the shape that it was activated with, as a running server learns it.

The catalogue is asked at most once in a while, and never for a call. A mapping that drifted refuses its calls while the others serve;
an activation that accepts the new shape has its capabilities made anew from it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import anyio

from synapsor.core.facts import RelationFacts
from synapsor.core.plan import Relation
from synapsor.core.shape import compare, recorded, shape_of
from synapsor.errors import Code, Failure, IntegrityError, Refusal, SourceFailure
from synapsor.flow.prepare import Served
from synapsor.ports import AgentLedger

log = logging.getLogger("synapsor.desk")

LASTS: Final = 30.0
"""Seconds for which a look at the catalogue is good."""

RETRY: Final = 1.0
"""Seconds after which a mapping that drifted is looked at again."""


@dataclass(kw_only=True)
class _Seen:
    """What is known of one table."""

    until: float
    facts: RelationFacts | None
    changed: list[str] = field(default_factory=list)


class Watch:
    """What became of the relations of one contract."""

    def __init__(
        self,
        contract: str,
        digest: str,
        served: Iterable[Served],
        ledger: AgentLedger,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with what the capabilities were made from; nothing is compared yet."""
        self._contract = contract
        self._digest = digest
        self._ledger = ledger
        self._clock = clock
        self._asking = anyio.Lock()
        self._sources = {name: (s.tables[name], s.source) for s in served for name in s.mappings}
        made = next(iter(served), None)
        self._facts = dict(made.facts) if made is not None else {}
        self._seen = {name: _Seen(until=clock(), facts=self._facts[name]) for name in self._sources}
        self._generation = 0
        self._remade: dict[str, tuple[int, Served]] = {}

    async def begin(self) -> dict[str, list[str]]:
        """Compare what the capabilities were made from, and return what changed of each table that drifted.

        Raises:
            LedgerFailure: nobody can tell.
        """
        for name, seen in self._seen.items():
            await self._compare(name, seen, seen.facts)
        return {name: seen.changed for name, seen in self._seen.items() if seen.changed}

    async def fit(self, served: Served) -> Served:
        """Return a capability as it is to be called now.

        Raises:
            Refusal: a relation that it reads drifted, or its database cannot be asked whether it did.
            LedgerFailure: nobody can tell.
        """
        for name in served.mappings:
            seen = self._seen[name]
            if self._clock() >= seen.until:
                async with self._asking:
                    if self._clock() >= seen.until:
                        await self._look(name, seen)
            if seen.changed:
                raise Refusal(Code.SCHEMA_DRIFT)
        if not self._generation:
            return served
        generation, made = self._remade.get(served.tool.name, (0, served))
        if generation != self._generation:
            made = served.remake(self._facts)
            self._remade[served.tool.name] = self._generation, made
        return made

    async def _look(self, name: str, seen: _Seen) -> None:
        table, source = self._sources[name]
        try:
            facts = await source.describe(Relation.parse(table.relation))
        except SourceFailure as failed:
            raise Refusal(Code.BUSY if failed.kind is Failure.BUSY else Code.SOURCE_UNAVAILABLE) from failed
        await self._compare(name, seen, facts)

    async def _compare(self, name: str, seen: _Seen, facts: RelationFacts | None) -> None:
        before, seen.changed = seen.changed, await self._changed(name, facts)
        if seen.changed and seen.changed != before:
            told = "; ".join(seen.changed)
            log.warning(
                "table %s of contract %s drifted and refuses its calls: %s",
                name,
                self._contract,
                told,
                extra={"action": "schema_drift"},
            )
        if not seen.changed and facts != seen.facts:
            seen.facts = self._facts[name] = facts
            self._generation += 1
        seen.until = self._clock() + (RETRY if seen.changed else LASTS)

    async def _changed(self, name: str, facts: RelationFacts | None) -> list[str]:
        try:
            active = await self._ledger.active_contract(self._contract)
        except IntegrityError:
            active = None
        if active is None or active.activation.digest != self._digest:
            return []  # only what was activated has a shape to keep; whether it may be served at all is asked elsewhere
        table, _ = self._sources[name]
        return compare(
            recorded(active.metadata, active.activation.shapes, name),
            shape_of(table, facts) if facts is not None else None,
            signed=name in active.activation.shapes,
        )
