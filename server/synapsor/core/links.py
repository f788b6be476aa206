"""From the paths of a contract to joins: each link that is followed looks up one row, under the target's own mapping.

Every hop has its own tenant, its own principal where its table has one, and its own fixed filters; what they leave out is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from synapsor.contract.conditions import constant, terms
from synapsor.contract.filters import token_of
from synapsor.contract.mapping import ColumnRule, Link, RowSecurity, Table
from synapsor.contract.paths import split
from synapsor.core.plan import ROW, Column, Condition, Join, Relation
from synapsor.core.row_security import relied_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """A mapping with what the live catalogue says of its relation.

    Attributes:
        natives: each column's type name in the catalogue, for casts.
        unique: sets of columns proven unique.
    """

    table: Table
    natives: Mapping[str, str] = field(default_factory=dict)
    unique: tuple[frozenset[str], ...] = ()


def column_of(
    table: Table, name: str, natives: Mapping[str, str] | None = None, *, of: str = ROW, via: tuple[str, ...] = ()
) -> Column:
    """Return the planner's view of a mapped column; `natives` is what the live catalogue says of its type."""
    return Column(name, table.columns[name].type, (natives or {}).get(name, ""), of, via)


def proves_one(link: Link, target: Table, unique: tuple[frozenset[str], ...]) -> bool:
    """Tell whether no two rows of one tenant can answer to a link."""
    return any(proven <= {*link.on.values(), target.tenant_column} for proven in unique)


class Joins:
    """The columns of one statement, by their paths; asking for one behind links adds the joins that lead to it.

    Attributes:
        joins: in the order in which they were first needed; each one stands on those before it.
        constants: for each join, the tokens of its table's fixed filters.
        tables_read: the mappings that the statement reads, its own first.
    """

    def __init__(self, root: Mapped, tables: Mapping[str, Mapped]) -> None:
        self._tables = tables
        self._reached: dict[tuple[str, ...], tuple[Mapped, str]] = {(): (root, ROW)}
        self.tables_read = [root.table]
        self.joins: list[Join] = []
        self.constants: list[tuple[str, ...]] = []

    def column(self, path: str) -> Column:
        """Return the column at a path."""
        links, name = split(path)
        mapped, of = self._follow(links)
        return column_of(mapped.table, name, mapped.natives, of=of, via=links)

    def rule(self, path: str) -> ColumnRule:
        """Return the rule of the column at a path."""
        links, name = split(path)
        return self._follow(links)[0].table.columns[name]

    @property
    def row_security(self) -> tuple[RowSecurity, ...]:
        """What the tables that are read so far rely on; a policy of each is asked by the same statement."""
        return relied_on(*self.tables_read)

    def _follow(self, links: tuple[str, ...]) -> tuple[Mapped, str]:
        known = self._reached.get(links)
        if known is not None:
            return known
        before, of = self._follow(links[:-1])
        link = before.table.links[links[-1]]
        target = self._tables[link.to]
        alias = f"l{len(self.joins) + 1}"
        self._join(links, link, target, alias, partial(column_of, before.table, natives=before.natives, of=of))
        self._reached[links] = target, alias
        return target, alias

    def _join(self, links: tuple[str, ...], link: Link, target: Mapped, alias: str, own: partial[Column]) -> None:
        table = target.table
        self.tables_read.append(table)
        see = partial(column_of, table, natives=target.natives, of=alias, via=links)
        fixed, constants = fixed_filters(table, see)
        self.joins.append(
            Join(
                relation=Relation.parse(table.relation),
                path=".".join(links),
                alias=alias,
                on=tuple((own(mine, via=links[:-1]), see(theirs)) for mine, theirs in link.on.items()),
                tenant=see(table.tenant_column) if table.tenant_column else None,
                principal=see(table.principal) if table.principal else None,
                where=fixed,
                proven=proves_one(link, table, target.unique),
            )
        )
        self.constants.append(constants)


def fixed_filters(table: Table, see: partial[Column]) -> tuple[tuple[Condition, ...], tuple[str, ...]]:
    """Return what a table holds only, as conditions and their tokens."""
    conditions: list[Condition] = []
    tokens: list[str] = []
    for name, operator, values in terms(table.only):
        conditions.append(Condition(see(name), operator, len(values)))
        tokens += [token_of(constant(value), table.columns[name], operator) for value in values]
    return tuple(conditions), tuple(tokens)
