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
    used,
)
from synapsor.contract.document import Path, Positions
from synapsor.contract.lint import words
from synapsor.contract.mapping import SingleTenant, Table
from synapsor.contract.model import Contract
from synapsor.errors import Problem
from synapsor.values import ColumnType


def column_lints(contract: Contract, at: Positions) -> Iterator[Problem]:
    """Yield what should not be seen, or not so easily."""
    for name, table in contract.tables.items():
        used = {
            c for cap in contract.capabilities.values() if contract.table_of(cap) is table for c in _used(cap, table)
        }
        yield from _denied(("tables", name, "columns"), table, used, at)
        yield from _tenancy(("tables", name), table, at)
    for name, capability in contract.capabilities.items():
        yield from _returned(("capabilities", name), capability, contract.table_of(capability), at)


def _used(capability: Capability, table: Table) -> set[str]:
    columns = () if isinstance(capability, AggregateCapability) else shown(capability, table)
    return {*columns, *capability.where, *used(capability)}


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


def _returned(path: Path, capability: Capability, table: Table, at: Positions) -> Iterator[Problem]:
    if isinstance(capability, AggregateCapability):
        return  # no value of one row is told
    places = {column: index for index, column in enumerate(capability.returns or ())}
    listing = isinstance(capability, ReadCapability) and not is_single(capability, table)
    for name in shown(capability, table):
        rule = table.columns[name]
        here: Path = (*path, "returns", places[name]) if name in places else path
        report = at.at_value if name in places else at.at_key
        changed = isinstance(capability, ProposeCapability) and name in capability.set
        if words.personal(name, rule) and not changed:
            fix = "Leave it out, or write why the model must see it."
            yield report(here, "LNT201", f"`{name}` looks personal.", fix)
        if listing and words.free_text(name, rule):
            message = f"`{name}` holds what anybody wrote, for every row of a list."
            yield report(here, "LNT204", message, "Return it where one row is read.")
        if listing and rule.type is ColumnType.JSON:
            message = f"`{name}` is a whole document, for every row of a list."
            yield report(here, "LNT205", message, "Return it where one row is read, or map what is needed of it.")
