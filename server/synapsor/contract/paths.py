"""Paths: a column of a table, or of the one row that its links lead to. Every step is a link that a reviewer wrote down.

What is read through a link is read under the target's own mapping: its columns, its tenant, its principal and its fixed filters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from synapsor.contract.capability import (
    AggregateCapability,
    Capability,
    Child,
    ProposeCapability,
    ReadCapability,
    used,
)
from synapsor.contract.mapping import ColumnRule, Link, Table


@dataclass(frozen=True, slots=True)
class Step:
    """One link that is followed: from which table, by which name, to which table."""

    table: str
    link: str
    to: str


def split(path: str) -> tuple[tuple[str, ...], str]:
    """Return the links of a path and the column behind them."""
    *links, column = path.split(".")
    return tuple(links), column


def table_at(links: Sequence[str], table: Table, tables: Mapping[str, Table]) -> Table | None:
    """Return the table that links to one row lead to, or None where they lead nowhere."""
    for name in links:
        link = table.links.get(name)
        found = tables.get(link.to) if link is not None and not link.many else None
        if found is None:
            return None
        table = found
    return table


def table_of_list(name: str, table: Table | None, tables: Mapping[str, Table]) -> Table | None:
    """Return the table whose rows a list of a table holds, or None where there is no such list."""
    link = table.links.get(name) if table is not None else None
    return tables.get(link.to) if link is not None else None


def used_columns(capability: Capability, name: str, tables: Mapping[str, Table]) -> Iterator[tuple[str, str]]:
    """Yield table and column of every path that a capability names, and of every link on its way."""
    yield from columns_of(named(capability), name, tables)
    for step in steps_of(capability, name, tables):
        for own, theirs in tables[step.table].links[step.link].on.items():
            yield from ((step.table, own), (step.to, theirs))
    if isinstance(capability, ReadCapability):
        for word, child in capability.with_.items():
            to = tables[name].links[word].to
            yield from columns_of((*named(child), *(() if child.returns else tables[to].returned)), to, tables)


def compared_columns(capability: Capability, name: str, tables: Mapping[str, Table]) -> Iterator[tuple[str, str]]:
    """Yield table and column of every path that a capability, or a list of it, filters by."""
    yield from columns_of(capability.where, name, tables)
    if isinstance(capability, ReadCapability):
        for word, child in capability.with_.items():
            yield from columns_of(child.where, tables[name].links[word].to, tables)


def named(said: Capability | Child) -> tuple[str, ...]:
    """Return every path that a capability, or a list of one, names: it may return it, filter or order by it, compute or depend on it."""
    returned = () if isinstance(said, AggregateCapability) else said.returns or ()
    needed = (*said.requires, *said.depends) if isinstance(said, ProposeCapability) else ()
    return (*returned, *said.where, *used(said), *needed)


def columns_of(paths: Iterable[str], name: str, tables: Mapping[str, Table]) -> Iterator[tuple[str, str]]:
    """Yield the table and the column of each path from a table."""
    for path in paths:
        links, column = split(path)
        here = name
        for word in links:
            here = tables[here].links[word].to
        yield here, column


def rule_at(path: str, table: Table, tables: Mapping[str, Table]) -> ColumnRule | None:
    """Return the rule of the column at a path, or None where there is none."""
    links, column = split(path)
    found = table_at(links, table, tables)
    return None if found is None else found.columns.get(column)


def steps_of(capability: Capability, name: str, tables: Mapping[str, Table]) -> tuple[Step, ...]:
    """Return every link that a capability over a table follows, as far as they lead somewhere; each one once."""
    return tuple(dict.fromkeys(_steps(capability, name, tables)))


def _steps(capability: Capability, name: str, tables: Mapping[str, Table]) -> Iterator[Step]:
    yield from _along(named(capability), name, tables)
    if not isinstance(capability, ReadCapability):
        return
    for child_name, child in capability.with_.items():
        link = tables[name].links.get(child_name)
        if link is not None and link.to in tables:
            yield Step(name, child_name, link.to)
            yield from _along(named(child), link.to, tables)


def _along(paths: Iterable[str], name: str, tables: Mapping[str, Table]) -> Iterator[Step]:
    for path in paths:
        here = name
        for word in split(path)[0]:
            link: Link | None = tables[here].links.get(word)
            if link is None or link.to not in tables:
                break
            yield Step(here, word, link.to)
            here = link.to


def counted_steps(capability: Capability, name: str, tables: Mapping[str, Table]) -> tuple[Step, ...]:
    """Return the links of which a second row would be counted with the rows: those of an aggregate, and of a total that filters by one."""
    counts: Iterable[str] = ()
    if isinstance(capability, AggregateCapability):
        counts = named(capability)
    elif isinstance(capability, ReadCapability) and capability.total:
        counts = capability.where
    return tuple(dict.fromkeys(_along(counts, name, tables)))


def tables_read(capability: Capability, name: str, tables: Mapping[str, Table]) -> tuple[str, ...]:
    """Return the names of all tables that a capability reads, its own first."""
    return tuple(dict.fromkeys((name, *(step.to for step in steps_of(capability, name, tables)))))
