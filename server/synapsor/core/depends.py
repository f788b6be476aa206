"""The related rows that a change depends on: which they are, and which of their columns must be as they were.

A proposal reads them when it is made; the worker reads them again in its own transaction, locked, before it changes anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from synapsor.contract.capability import Limits, ProposeCapability
from synapsor.contract.mapping import Table
from synapsor.contract.model import Contract
from synapsor.contract.paths import split
from synapsor.core.links import Mapped, column_of, fixed_filters
from synapsor.core.plan import Condition, ReadPlan, ReadShape, Relation
from synapsor.core.question import scope_tokens
from synapsor.core.row_security import relied_on, settings_of
from synapsor.core.scope import Scope
from synapsor.core.writeback import target
from synapsor.values import Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One related row, looked up by what the row before it holds.

    Attributes:
        links: those that lead to it.
        own: the columns of the row before, in the order of the shape's first conditions.
        constants: the tokens of its table's fixed filters.
        kept: the columns that a change depends on, and those that say which row is next.
        seen: of a worker's look at a base table, the look through the view that was reviewed, which may leave rows out.
    """

    links: tuple[str, ...]
    own: tuple[str, ...]
    table: Table
    shape: ReadShape
    constants: tuple[str, ...]
    kept: tuple[str, ...]
    seen: ReadShape | None = None

    @property
    def name(self) -> str:
        """What evidence calls it."""
        return ".".join(self.links)

    @property
    def paths(self) -> dict[str, str]:
        """The columns that a change depends on, by their paths from its own row."""
        return {f"{self.name}.{column}": column for column in self.kept}

    @property
    def reads(self) -> frozenset[str]:
        """Every column that is read or compared."""
        return frozenset(c.name for c in (*self.shape.columns, *(one.column for one in self.shape.where)))

    def plan(self, before: Mapping[str, Token], scope: Scope, *, time_ms: int) -> ReadPlan | None:
        """Return the look for it, or None where the row before holds nothing to look by."""
        values = [before[name] for name in self.own]
        known = tuple(value for value in values if value is not None)
        if len(known) < len(values):
            return None
        return ReadPlan(
            shape=self.shape,
            scope=scope_tokens(self.shape, scope),
            values=(*known, *self.constants),
            time_ms=time_ms,
            settings=settings_of(relied_on(self.table), scope),
        )


def hops_of(paths: Iterable[str], root: Table, tables: Mapping[str, Mapped], limits: Limits) -> tuple[Hop, ...]:
    """Return the related rows that paths from a table lead to, each after the one that it is looked up by."""
    found = [split(path) for path in paths]
    ways = {links[: at + 1] for links, _ in found for at in range(len(links))}
    ordered = sorted(ways, key=lambda way: (len(way), way))
    return tuple(_hop(links, found, ways, root, tables, limits) for links in ordered)


def held_hops(
    capability: ProposeCapability, contract: Contract, natives: Mapping[str, Mapping[str, str]] = MappingProxyType({})
) -> tuple[Hop, ...]:
    """Return the worker's looks: at the rows of the base tables, held as they are until the commit.

    `natives` is what the live catalogue says of the types of each table.
    """
    mapped = {
        name: Mapped(table=table, natives=natives.get(name, {}))
        for name, table in contract.tables_of(capability).items()
    }
    hops = hops_of(capability.depends, contract.table_of(capability), mapped, capability.limits)
    return tuple(_held(hop) for hop in hops)


def _held(hop: Hop) -> Hop:
    base = target(hop.table)
    seen = None if base == hop.shape.relation else replace(hop.shape, bare=True)
    return replace(hop, shape=replace(hop.shape, relation=base, bare=True, shared=True), seen=seen)


def _hop(
    links: tuple[str, ...],
    paths: list[tuple[tuple[str, ...], str]],
    ways: set[tuple[str, ...]],
    root: Table,
    tables: Mapping[str, Mapped],
    limits: Limits,
) -> Hop:
    before = root
    for word in links[:-1]:
        before = tables[before.links[word].to].table
    link = before.links[links[-1]]
    table = tables[link.to].table
    see = partial(column_of, table, natives=tables[link.to].natives)
    fixed, constants = fixed_filters(table, see)
    named = (column for way, column in paths if way == links)
    onward = (own for way in sorted(ways) if way[:-1] == links for own in table.links[way[-1]].on)
    kept = tuple(dict.fromkeys((*named, *onward)))
    columns = dict.fromkeys((*table.key, *table.scope, *link.on.values(), *kept))
    shape = ReadShape(
        relation=Relation.parse(table.relation),
        columns=tuple(see(name) for name in columns),
        tenant=see(table.tenant_column) if table.tenant_column else None,
        principal=see(table.principal) if table.principal else None,
        where=(*(Condition(see(theirs)) for theirs in link.on.values()), *fixed),
        rows=1,
        bytes=limits.bytes,
        single=True,
    )
    return Hop(links=links, own=tuple(link.on), table=table, shape=shape, constants=constants, kept=kept)
