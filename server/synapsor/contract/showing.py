"""The rules of columns that a model does not see as they are, and of row security: no capability may be a way to guess a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TypeAlias

from synapsor.contract.approval import levels
from synapsor.contract.capability import AggregateCapability, Capability, ProposeCapability, ReadCapability
from synapsor.contract.changes import Computed
from synapsor.contract.conditions import Compare, Operator, Scalar, is_argument, terms
from synapsor.contract.document import Path, Positions
from synapsor.contract.mapping import SETTABLE, ColumnRule, SingleTenant, Table
from synapsor.contract.measures import Function, functions_of, units_of
from synapsor.contract.model import Contract
from synapsor.contract.paths import split, table_at, table_of_list
from synapsor.errors import Problem
from synapsor.values import ColumnType

_ORACLE = "whose value could so be guessed"


def showing_problems(path: Path, table: Table, at: Positions) -> Iterator[Problem]:
    """Yield what is wrong with how the columns of a mapping are shown, and with its row security."""
    for name, rule in table.columns.items():
        here = (*path, "columns", name)
        if rule.show is not None and name in _roles(table):
            message = f"`{name}` names a row, its owner or its version, and is shown as it is."
            yield at.at_value((*here, "show"), "SYN801", message, "Remove `show`.")
        yield from _fits(here, rule, at)
    yield from _row_security((*path, "row_security"), table, at)


def _roles(table: Table) -> set[str | None]:
    return {*table.key, *table.scope, table.version}


def _fits(here: Path, rule: ColumnRule, at: Positions) -> Iterator[Problem]:
    if rule.denied:
        for key in ("show", "reveal"):
            if getattr(rule, key) is not None:
                yield at.at_value((*here, key), "SYN802", "A denied column is not shown at all.", f"Remove `{key}`.")
        return
    if rule.show == "last_four" and rule.type is not ColumnType.TEXT:
        message = f"`last_four` does not fit {rule.type.value}."
        yield at.at_value((*here, "show"), "SYN802", message, "It belongs to text; use `token`, or deny the column.")
    if rule.show == "token" and rule.type not in SETTABLE:
        message = f"`token` does not fit {rule.type.value}."
        yield at.at_value((*here, "show"), "SYN802", message, "Deny the column.")
    if rule.reveal is not None and rule.show != "token":
        yield at.at_value((*here, "reveal"), "SYN802", "Only a token can be looked behind.", "Remove `reveal`.")


def _row_security(here: Path, table: Table, at: Positions) -> Iterator[Problem]:
    said = table.row_security
    if said is None:
        return
    if not said.settings:
        yield at.at_key(here, "SYN808", "Row security names no setting.", "Add `tenant:` or `principal:`.")
    if len(set(said.settings)) < len(said.settings):
        yield at.at_value(
            (*here, "principal"), "SYN808", "Tenant and principal need a setting each.", "Name another setting."
        )
    if said.tenant is not None and isinstance(table.tenant, SingleTenant):
        yield at.at_value((*here, "tenant"), "SYN808", "All rows belong to one tenant here.", "Remove `tenant`.")


def hidden_problems(
    path: Path, capability: Capability, table: Table, contract: Contract, at: Positions
) -> Iterator[Problem]:
    """Yield where a capability would show, sort by or compare what a model does not see as it is, also behind links."""
    tables = contract.tables
    hidden = partial(_hidden, table=table, tables=tables)
    yield from _filters(path, capability.where, hidden, at)
    if not isinstance(capability, AggregateCapability):
        yield from _returned(path, capability.returns, hidden, at)
    if isinstance(capability, ReadCapability):
        yield from _ordered(path, capability.order, hidden, at)
        for name, child in capability.with_.items():
            if (target := table_of_list(name, table, tables)) is not None:
                here, behind = (*path, "with", name), partial(_hidden, table=target, tables=tables)
                yield from _filters(here, child.where, behind, at)
                yield from _returned(here, child.returns, behind, at)
                yield from _ordered(here, child.order, behind, at)
    if isinstance(capability, AggregateCapability):
        yield from _counted(path, capability, hidden, at)
    if isinstance(capability, ProposeCapability):
        yield from _propose(path, capability, hidden, at)
        yield from _notified(path, capability, hidden, at)
        yield from _judged(path, capability, contract, hidden, at)


Hidden: TypeAlias = Callable[[str], "ColumnRule | None"]
"""Returns the rule of the column at a path, where that is not shown as it is."""


def _hidden(path: str, *, table: Table, tables: Mapping[str, Table]) -> ColumnRule | None:
    links, column = split(path)
    target = table_at(links, table, tables)
    rule = target.columns.get(column) if target is not None else None
    # What a key or the like is hidden for is told once, with its table.
    if target is None or rule is None or rule.show is None or rule.denied or column in _roles(target):
        return None
    return rule


def _filters(here: Path, where: Mapping[str, Scalar | Compare], hidden: Hidden, at: Positions) -> Iterator[Problem]:
    for column, operator, values in terms(where):
        if hidden(column) is not None and any(is_argument(value) for value in values):
            plain = operator is Operator.EQUALS
            place = (*here, "where", column) if plain else (*here, "where", column, operator.value)
            message = f"`{column}` is not shown as it is, {_ORACLE}."
            yield at.at_value(place, "SYN803", message, "Compare it with a fixed value.")


def _returned(here: Path, returns: Iterable[str] | None, hidden: Hidden, at: Positions) -> Iterator[Problem]:
    for index, column in enumerate(returns or ()):
        rule = hidden(column)
        if rule is not None and rule.show == "aggregate":
            yield at.at_value((*here, "returns", index), "SYN806", f"`{column}` is for aggregates only.", "Remove it.")


def _ordered(here: Path, order: Iterable[str], hidden: Hidden, at: Positions) -> Iterator[Problem]:
    for index, name in enumerate(order):
        if hidden(column := name.removeprefix("-")) is not None:
            message = f"`{column}` is not shown as it is, {_ORACLE}."
            yield at.at_value((*here, "order", index), "SYN804", message, "Order by another column.")


def _counted(path: Path, capability: AggregateCapability, hidden: Hidden, at: Positions) -> Iterator[Problem]:
    """Yield where an aggregate would tell a value of a row that a model does not see: as a group, a period or an extreme."""
    places: list[tuple[Path, str]] = [
        ((*path, "group", name), column) for name, group in capability.group.items() for _, column in units_of(group)
    ]
    if capability.compare is not None:
        places.append(((*path, "compare", "column"), capability.compare.column))
    chosen = any(is_argument(value) for _, _, values in terms(capability.where) for value in values)
    for name, measure in capability.measures.items():
        here = (*path, "measures", name)
        for function, column in functions_of(measure):
            rule, counts = hidden(column), function is Function.COUNT_DISTINCT
            # Behind a link, every row of a group may lead to one and the same: a sum of them tells its value.
            told = rule is not None and (rule.show != "aggregate" or "." in column)
            if told and not counts:
                places.append((here, column))
            elif rule is not None and counts and chosen:
                message = f"`{column}` is not shown as it is, {_ORACLE}: one row more, and no value more, has it, too."
                yield at.at_value(here, "SYN809", message, "Let no argument choose the rows.")
            elif rule is not None and capability.minimum_group == 1:
                message = f"`{column}` is not shown as it is, and a group of one row would tell its value."
                yield at.at_value(here, "SYN809", message, "Raise `minimum_group`.")
    for here, column in places:
        if hidden(column) is not None:
            message = f"`{column}` is not shown as it is, and this would tell values of it."
            yield at.at_value(here, "SYN809", message, "Count different values, or use another column.")


def _propose(path: Path, capability: ProposeCapability, hidden: Hidden, at: Positions) -> Iterator[Problem]:
    computed = [n for n, value in capability.set.items() if isinstance(value, Computed) and value.amount is not None]
    totals = capability.members.totals if capability.members is not None else ()
    for key, columns in (
        (("bounds",), capability.bounds),
        (("members", "totals"), totals),
        (("transitions",), capability.transitions),
        (("set",), computed),
    ):
        for column in columns:
            if hidden(column) is not None:
                message = f"`{column}` is not shown as it is, {_ORACLE}."
                yield at.at_key((*path, *key, column), "SYN805", message, "Let nothing follow from its value.")
    for index, column in enumerate(capability.dedup):
        if hidden(column) is not None:
            message = f"`{column}` is not shown as it is, {_ORACLE}."
            yield at.at_value((*path, "dedup", index), "SYN805", message, "Tell rows apart by other columns.")
    for index, column in enumerate(capability.unchanged):
        if column in capability.depends and hidden(column) is not None:
            message = f"`{column}` is not shown as it is, and its row would tell when it changes."
            yield at.at_value((*path, "unchanged", index), "SYN805", message, "Depend on other columns.")
    for column in capability.requires:
        if hidden(column) is not None:
            message = f"`{column}` is not shown as it is, {_ORACLE}."
            yield at.at_key((*path, "requires", column), "SYN805", message, "Require something of other columns.")
    for column in capability.set:
        rule = hidden(column)
        if rule is not None and rule.show == "aggregate":
            yield at.at_key((*path, "set", column), "SYN806", f"`{column}` is for aggregates only.", "Remove it.")


def _notified(path: Path, capability: ProposeCapability, hidden: Hidden, at: Positions) -> Iterator[Problem]:
    for index, column in enumerate(capability.notify):
        if hidden(column) is not None:
            message = f"`{column}` is not shown as it is, and a notification would tell it."
            yield at.at_value((*path, "notify", index), "SYN811", message, "Remove it.")


def _judged(
    path: Path, capability: ProposeCapability, contract: Contract, hidden: Hidden, at: Positions
) -> Iterator[Problem]:
    """Yield where who decides would follow from a value that a model does not see: it could tell that from what is asked for."""
    policy = contract.policies.get(capability.approval.policy or "")
    places: list[tuple[Path, Iterable[str]]] = [
        ((*path, "risk", level), entry) for level, entry in levels(capability.risk).items()
    ]
    if policy is not None:
        # A model could have its guesses written, each without a person, and read their tokens.
        places.append(((*path, "approval", "policy"), capability.set))
        places.append(((*path, "approval", "policy"), policy.when))
        places += [((*path, "approval", "policy"), limit.total) for limit in policy.limits.per_day]
    for here, columns in places:
        for column in columns:
            if hidden(column) is not None:
                message = f"`{column}` is not shown as it is, {_ORACLE}."
                yield at.at_value(
                    here, "SYN805", message, "Judge by other columns, and let a person decide on this one."
                )


def showing_differs(table: Table, other: Table, path: Path, at: Positions) -> Iterator[Problem]:
    """Yield where two mappings over one relation show a column in two ways, so that one would tell what the other hides."""
    for column, rule in table.columns.items():
        theirs = other.columns.get(column)
        if theirs is None or rule.denied or theirs.denied:
            continue
        if (rule.show, rule.reveal) != (theirs.show, theirs.reveal):
            message = f"`{column}` is shown in another way by another table over this relation."
            yield at.at_key((*path, "columns", column), "SYN807", message, "Agree on it.")
    if table.row_security != other.row_security:
        message = "Another table over this relation has other row security."
        yield at.at_key((*path, "row_security"), "SYN807", message, "Agree on it.")
