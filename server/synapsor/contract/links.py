"""The rules of links: where they lead, what they compare, and which rows a read may bring along with its one row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from synapsor.contract.capability import Capability, Child, ReadCapability, is_single
from synapsor.contract.columns import column_problems, listed_once, order_problems
from synapsor.contract.document import Path, Positions
from synapsor.contract.filters import filter_problems
from synapsor.contract.mapping import JOINED, Link, Table
from synapsor.contract.paths import named, split, tables_read
from synapsor.contract.rules import suggest
from synapsor.errors import Problem

_MOST_LINKS = 16


def link_problems(path: Path, table: Table, tables: Mapping[str, Table], at: Positions) -> Iterator[Problem]:
    """Yield what is wrong with the links of one mapping."""
    taken = {name.casefold() for name in table.columns}
    for name, link in table.links.items():
        here = (*path, "links", name)
        if name.casefold() in taken:
            such = f", such as `{link.to}`" if link.to.casefold() not in taken else ""
            fix = f"Give the link another name{such}; paths begin with it."
            yield at.at_key(here, "SYN705", f"`{name}` is a column of this table.", fix)
        if link.because is not None and (link.many or not link.because.strip()):
            message = "Nothing is to be proven of a list." if link.many else "`because` is blank."
            yield at.at_value((*here, "because"), "SYN710", message, "Remove it, or say why there is one row at most.")
        target = tables.get(link.to)
        if target is None:
            fix = suggest(link.to, tables)
            yield at.at_value((*here, "to"), "SYN701", f"`{link.to}` is not a table of this contract.", fix)
            continue
        if target.source != table.source:
            yield at.at_value(
                (*here, "to"), "SYN702", f"`{link.to}` is in another source.", "Link tables of one source."
            )
        yield from _pairs((*here, "on"), link, table, target, at)


def _pairs(here: Path, link: Link, table: Table, target: Table, at: Positions) -> Iterator[Problem]:
    turned = {theirs: own for own, theirs in link.on.items()}
    if not _allowed(link.on, table, target) and _allowed(turned, table, target):
        fix = f"Turn it round: `on: {{{', '.join(f'{own}: {theirs}' for own, theirs in turned.items())}}}`."
        message = "A link names a column of its own table first, and then the one of the other table."
        yield at.at_key((*here, next(iter(link.on))), "SYN703", message, fix)
        return
    for own, theirs in link.on.items():
        place = (*here, own)
        sides = ((table, own, at.at_key), (target, theirs, at.at_value))
        found = [
            report(place, "SYN703", f"`{column}` is not an allowed column of its table.", suggest(column, side.allowed))
            for side, column, report in sides
            if column not in side.allowed
        ]
        found += [
            report(
                place,
                "SYN810",
                f"`{column}` is not shown as it is, and the other side would tell it.",
                "Link by another column.",
            )
            for side, column, report in sides
            if column in side.hidden
        ]
        yield from found
        if found:
            continue
        kind, other = table.columns[own].type, target.columns[theirs].type
        if kind is not other or kind not in JOINED:
            message = f"`{own}` is {kind.value} and `{theirs}` is {other.value}."
            fix = f"Both must be one of {', '.join(sorted(JOINED))}."
            yield at.at_value(place, "SYN704", message, fix)


def _allowed(pairs: Mapping[str, str], table: Table, target: Table) -> bool:
    return set(pairs) <= set(table.allowed) and set(pairs.values()) <= set(target.allowed)


def reach_problems(
    path: Path, capability: Capability, name: str, tables: Mapping[str, Table], at: Positions
) -> Iterator[Problem]:
    """Yield what is wrong with the rows that a capability reads beside those of its own table."""
    read = [tables[n] for n in tables_read(capability, name, tables)]
    kinds = {t.columns[t.tenant_column].type for t in read if t.tenant_column in t.columns}
    if len(kinds) > 1:
        message = "The tables that this reads do not hold the tenant in one type."
        yield at.at_key(path, "SYN709", message, "Link tables whose tenant columns are of one type.")
    yield from _followed(path, capability, at)
    if isinstance(capability, ReadCapability) and capability.with_:
        yield from _children(path, capability, tables[name], tables, at)


def _followed(path: Path, said: Capability | Child, at: Positions) -> Iterator[Problem]:
    """Yield a problem where one statement would look up too many related rows."""
    ways = [split(path)[0] for path in named(said)]
    followed = {links[: number + 1] for links in ways for number in range(len(links))}
    if len(followed) > _MOST_LINKS:
        message = f"This follows {len(followed)} links, and there is room for {_MOST_LINKS}."
        yield at.at_key(path, "SYN711", message, "Make two capabilities of it.")


def _children(
    path: Path, capability: ReadCapability, table: Table, tables: Mapping[str, Table], at: Positions
) -> Iterator[Problem]:
    if not is_single(capability, table):
        fix = "Remove `with`, or name the key in `where`."
        yield at.at_key((*path, "with"), "SYN708", "A list brings no lists along: nothing would bound it.", fix)
    lists = [name for name, link in table.links.items() if link.many]
    for name, child in capability.with_.items():
        here = (*path, "with", name)
        if name not in lists:
            fix = suggest(name, lists) or "Give the table a link with `many: true`."
            yield at.at_key(here, "SYN707", f"`{name}` is not a list of related rows.", fix)
        elif (target := tables.get(table.links[name].to)) is not None:
            yield from _child(here, child, target, tables, at)


def _child(here: Path, child: Child, table: Table, tables: Mapping[str, Table], at: Positions) -> Iterator[Problem]:
    yield from _followed(here, child, at)
    if child.returns is None and not table.returned:
        fix = "Allow a column beside the tenant."
        yield at.at_key(here, "SYN307", "There is no column that this could return.", fix)
    for index, path in enumerate(child.returns or ()):
        yield from column_problems((*here, "returns", index), path, table, at, tables)
    yield from listed_once((*here, "returns"), child.returns or (), at)
    yield from filter_problems((*here, "where"), child.where, table, at, tables)
    yield from order_problems((*here, "order"), child.order, table, at, tables)
