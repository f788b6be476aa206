"""The rules of naming a column: it is there, not denied, not the session's to decide, and listed once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from synapsor.contract.document import Path, Positions
from synapsor.contract.mapping import Table
from synapsor.contract.rules import suggest
from synapsor.errors import Problem


def column_problems(here: Path, column: str, table: Table, at: Positions) -> Iterator[Problem]:
    """Yield why a capability may not use a column; `here` is where it is named, as a key or in a list."""
    report = at.at_key if here[-1] == column else at.at_value
    rule = table.columns.get(column)
    if rule is None:
        yield report(here, "SYN304", f"`{column}` is not a column of this table.", suggest(column, table.allowed))
    elif rule.denied:
        yield report(here, "SYN305", f"`{column}` is denied.", "Remove it.")
    elif column in table.scope:
        whose = "tenant" if column == table.tenant_column else "principal"
        yield report(here, "SYN306", f"`{column}` is the {whose}, which the session decides.", "Remove it.")


def listed_once(here: Path, names: Iterable[object], at: Positions) -> Iterator[Problem]:
    """Yield a problem for each name that a list holds again."""
    seen: set[object] = set()
    for index, name in enumerate(names):
        if (type(name), name) in seen:
            yield at.at_value((*here, index), "SYN308", f"`{name}` is listed twice.", "Keep one of them.")
        seen.add((type(name), name))
