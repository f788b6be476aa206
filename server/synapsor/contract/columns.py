"""The rules of naming a column: it is there, not denied, not the session's to decide, listed once, and ordered by if it has an order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from synapsor.contract.document import Path, Positions
from synapsor.contract.mapping import SETTABLE, Table
from synapsor.contract.paths import rule_at, split
from synapsor.contract.rules import suggest
from synapsor.contract.spelling import spelled
from synapsor.errors import Problem
from synapsor.values import ColumnType

_ORDERED: Final = SETTABLE | {ColumnType.FLOAT, ColumnType.TIME}


def column_problems(
    here: Path, column: str, table: Table, at: Positions, tables: Mapping[str, Table] | None = None
) -> Iterator[Problem]:
    """Yield why a capability may not use a column, or a path where `tables` are given; `here` is where it is named."""
    report = at.at_key if here[-1] == column else at.at_value
    links, last = split(column)
    found = table
    for step in links:
        link = found.links.get(step)
        if tables is None or link is None or link.many:
            yield report(here, "SYN706", *_astray(step, found, known=tables is not None))
            return
        if link.to not in tables:
            return  # told where the link is
        found = tables[link.to]
    rule = found.columns.get(last)
    if rule is None:
        yield report(here, "SYN304", f"`{column}` is not a column of this table.", suggest(last, found.allowed))
    elif rule.denied:
        yield report(here, "SYN305", f"`{column}` is denied.", "Remove it.")
    elif last in found.scope:
        whose = "tenant" if last == found.tenant_column else "principal"
        yield report(here, "SYN306", f"`{column}` is the {whose}, which the session decides.", "Remove it.")


def _astray(step: str, table: Table, *, known: bool) -> tuple[str, str]:
    if not known:
        return "A proposal names related rows only in `requires` and `unchanged`.", "Name a column of the table itself."
    if step in table.links:
        return f"`{step}` leads to many rows.", f"Read them with `with: {{{step}: …}}`."
    single = [name for name, link in table.links.items() if not link.many]
    has = (
        f"Its links to one row: {', '.join(single)}."
        if single
        else f"It has none yet. {spelled(('tables', '', 'links'))}"
    )
    return f"`{step}` is not a link of the table before it.", suggest(step, single) or has


def order_problems(
    here: Path,
    order: Iterable[str],
    table: Table,
    at: Positions,
    tables: Mapping[str, Table],
    *,
    pages: bool = False,
) -> Iterator[Problem]:
    """Yield what is wrong with the order of a list."""
    names = tuple(o.removeprefix("-") for o in order)
    for index, column in enumerate(names):
        place = (*here, index)
        found = list(column_problems(place, column, table, at, tables))
        yield from found
        rule = None if found else rule_at(column, table, tables)
        kind = rule.type if rule is not None else None
        if kind is not None and kind not in _ORDERED:
            yield at.at_value(place, "SYN314", f"`{column}` is {kind.value}, which has no order.", "Remove it.")
        elif kind is not None and pages and kind not in SETTABLE:
            message = f"`{column}` is {kind.value}, from which no next page can begin exactly."
            yield at.at_value(place, "SYN319", message, "Order by another column, or do without `pages`.")
    yield from listed_once(here, names, at)


def listed_once(here: Path, names: Iterable[object], at: Positions) -> Iterator[Problem]:
    """Yield a problem for each name that a list holds again."""
    seen: set[object] = set()
    for index, name in enumerate(names):
        if (type(name), name) in seen:
            yield at.at_value((*here, index), "SYN308", f"`{name}` is listed twice.", "Keep one of them.")
        seen.add((type(name), name))
