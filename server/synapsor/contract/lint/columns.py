"""Lints of tables and columns: what looks personal or secret, what anybody may have written, and whose rows they are."""

from __future__ import annotations

from collections.abc import Iterator

from synapsor.contract.capability import (
    AggregateCapability,
    Capability,
    ProposeCapability,
    ReadCapability,
    is_single,
    shown,
)
from synapsor.contract.document import Path, Positions
from synapsor.contract.lint import words
from synapsor.contract.mapping import ColumnRule, SingleTenant, Table
from synapsor.contract.model import Contract
from synapsor.contract.paths import rule_at, split, table_of_list, used_columns
from synapsor.errors import Problem
from synapsor.values import ColumnType


def column_lints(contract: Contract, at: Positions) -> Iterator[Problem]:
    """Yield what should not be seen, or not so easily."""
    named = {pair for capability in contract.capabilities.values() for pair in _used(capability, contract)}
    for name, table in contract.tables.items():
        used = {column for of, column in named if of == name}
        yield from _denied(("tables", name, "columns"), table, used, at)
        yield from _tenancy(("tables", name), table, at)
    for name, capability in contract.capabilities.items():
        yield from _returned(("capabilities", name), capability, contract, at)
        yield from _listed(("capabilities", name), capability, contract, at)


def _used(capability: Capability, contract: Contract) -> Iterator[tuple[str, str]]:
    own = next(iter(contract.tables_of(capability)))
    yield from used_columns(capability, own, contract.tables)
    if not isinstance(capability, AggregateCapability):
        yield from ((own, name) for name in shown(capability, contract.tables[own]) if "." not in name)


def _denied(path: Path, table: Table, used: set[str], at: Positions) -> Iterator[Problem]:
    needed = {*table.key, *table.scope, table.version, *table.only, *used}
    for name, rule in table.allowed.items():
        if words.secret(name, rule):
            message = f"`{name}` looks like something that nobody else may know."
            yield at.at_key((*path, name), "LNT203", message, f"Write `{name}: denied`.")
        elif name not in needed and words.personal(name, rule):
            message = f"`{name}` looks personal, and nothing uses it."
            yield at.at_key((*path, name), "LNT202", message, f"Write `{name}: denied`.")


def _tenancy(path: Path, table: Table, at: Positions) -> Iterator[Problem]:
    view = table.write_to is not None and table.write_to != table.relation
    view = view or words.VIEW.search(table.relation.partition(".")[2]) is not None
    if not view and len(table.allowed) == len(table.columns):
        fix = "Map a view, or name what must not be seen, as in `card_token: denied`."
        yield at.at_key(path, "LNT301", "It maps a table as it is, and no column is denied.", fix)
    if isinstance(table.tenant, SingleTenant):
        message = "Every session sees every row of it."
        yield at.at_key((*path, "tenant"), "LNT302", message, "Look at `because` again.")
        for name in table.columns:
            if words.tenant_like(name):
                message = f"`{name}` looks as if the rows belonged to several."
                yield at.at_key((*path, "columns", name), "LNT303", message, f"Write `tenant: {name}`.")


def _returned(path: Path, capability: Capability, contract: Contract, at: Positions) -> Iterator[Problem]:
    if isinstance(capability, AggregateCapability):
        return  # no value of one row is told
    table = contract.table_of(capability)
    places = {column: index for index, column in enumerate(capability.returns or ())}
    listing = isinstance(capability, ReadCapability) and not is_single(capability, table)
    for name in shown(capability, table):
        here: Path = (*path, "returns", places[name]) if name in places else path
        changed = isinstance(capability, ProposeCapability) and name in capability.set
        yield from _seen(here, name, rule_at(name, table, contract.tables), at, many=listing, changed=changed)


def _listed(path: Path, capability: Capability, contract: Contract, at: Positions) -> Iterator[Problem]:
    """Yield what should not be seen of the related rows that come along."""
    table, tables = contract.table_of(capability), contract.tables
    for word, child in capability.with_.items() if isinstance(capability, ReadCapability) else ():
        target = table_of_list(word, table, tables)
        names = child.returns or (target.returned if target else ())
        for index, name in enumerate(names if target else ()):
            here: Path = (*path, "with", word, "returns", index) if child.returns else (*path, "with", word)
            assert target is not None  # noqa: S101  # without one there are no names
            yield from _seen(here, name, rule_at(name, target, tables), at, many=True)


def _seen(
    here: Path, path: str, rule: ColumnRule | None, at: Positions, *, many: bool, changed: bool = False
) -> Iterator[Problem]:
    report = at.at_value if "returns" in here else at.at_key
    name = split(path)[1]
    if rule is None:
        return
    if words.personal(name, rule) and not changed and rule.show is None:
        fix = (
            "Leave it out, show less of it with `show: token` or `show: last_four`, or write why the model must see it."
        )
        yield report(here, "LNT201", f"`{path}` looks personal.", fix)
    if many and words.free_text(name, rule):
        message = f"`{path}` holds what anybody wrote, for every row of a list."
        yield report(here, "LNT204", message, "Return it where one row is read.")
    if many and rule.type is ColumnType.JSON:
        message = f"`{path}` is a whole document, for every row of a list."
        yield report(here, "LNT205", message, "Return it where one row is read, or map what is needed of it.")
