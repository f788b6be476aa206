"""The rules of a mapping: which columns give its key, tenant and version, and what may be said of a column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from synapsor.contract.columns import listed_once
from synapsor.contract.conditions import is_argument, terms
from synapsor.contract.document import Path, Positions
from synapsor.contract.filters import filter_problems
from synapsor.contract.mapping import SETTABLE, ColumnRule, SingleTenant, Table
from synapsor.contract.model import Contract
from synapsor.contract.rules import suggest
from synapsor.contract.showing import showing_differs, showing_problems
from synapsor.errors import Problem
from synapsor.values import ColumnType

TENANTS: Final = frozenset({ColumnType.TEXT, ColumnType.UUID, ColumnType.INTEGER})
PRINCIPALS: Final = frozenset({ColumnType.TEXT, ColumnType.UUID})
VERSIONS: Final = frozenset({ColumnType.INTEGER, ColumnType.TIMESTAMP, ColumnType.TIMESTAMPTZ})
NUMBERS: Final = frozenset({ColumnType.INTEGER, ColumnType.NUMERIC})
_SYSTEM: Final = frozenset({"pg_catalog", "pg_toast", "information_schema", "mysql", "performance_schema", "sys"})
_RECEIPTS: Final = "synapsor_receipts"
_KINDS: Final = {
    "key": ("SYN203", SETTABLE),
    "tenant": ("SYN204", TENANTS),
    "principal": ("SYN204", PRINCIPALS),
    "version": ("SYN205", VERSIONS),
}


def table_problems(path: Path, table: Table, at: Positions) -> Iterator[Problem]:
    """Yield what is wrong with one mapping."""
    yield from _relations(path, table, at)
    yield from _roles(path, table, at)
    yield from filter_problems((*path, "only"), table.only, table, at)
    yield from _fixed_only(path, table, at)
    yield from showing_problems(path, table, at)
    folded = Counter(name.casefold() for name in table.columns)
    for name, rule in table.columns.items():
        here = (*path, "columns", name)
        if folded[name.casefold()] > 1:
            yield at.at_key(
                here,
                "SYN208",
                f"`{name}` differs from another column only in case.",
                "Some databases take them for one.",
            )
        yield from _details(here, rule, at)


def _relations(path: Path, table: Table, at: Positions) -> Iterator[Problem]:
    for key, relation in (("relation", table.relation), ("write_to", table.write_to)):
        schema, _, name = (relation or "").casefold().partition(".")
        if schema in _SYSTEM or schema.startswith("pg_") or name == _RECEIPTS:
            yield at.at_value(
                (*path, key), "SYN209", f"`{relation}` cannot be mapped.", "Name a table or view of the application."
            )
    if isinstance(table.tenant, SingleTenant) and not table.tenant.because.strip():
        yield at.at_value(
            (*path, "tenant", "because"), "SYN107", "`because` is blank.", "Say why all rows belong to one tenant."
        )


def _roles(path: Path, table: Table, at: Positions) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    for role, here, column in _named_roles(path, table):
        yield from _mapped(here, column, table, at)
        if column in taken:
            fix = (
                "Leave it out of the key: each look is of one tenant." if len(table.key) > 1 else "Name another column."
            )
            yield at.at_value(here, "SYN206", f"`{column}` is the {taken[column]} already.", fix)
        taken.setdefault(column, role)
        rule = table.columns.get(column)
        rule_id, allowed = _KINDS[role]
        if rule is not None and not rule.denied and rule.type not in allowed:
            yield at.at_value(
                here, rule_id, f"`{column}` is {rule.type.value}, which cannot be a {role}.", _one_of(allowed)
            )
    for index, column in enumerate(table.moves):
        here = (*path, "moves", index)
        yield from _mapped(here, column, table, at)
        if column in {*table.key, *table.scope}:
            yield at.at_value(
                here, "SYN206", f"`{column}` is the {taken[column]}, and does not move.", "Remove it from `moves`."
            )
        if column in table.moves[:index]:
            yield at.at_value(here, "SYN308", f"`{column}` is listed twice.", "Keep one of them.")


def _named_roles(path: Path, table: Table) -> Iterator[tuple[str, Path, str]]:
    for index, column in enumerate(table.key):
        yield "key", (*path, "key", index), column
    version = table.version if table.version != "whole_row" else None
    for role, named in (("tenant", table.tenant_column), ("principal", table.principal), ("version", version)):
        if named is not None:
            yield role, (*path, role), named


def _fixed_only(path: Path, table: Table, at: Positions) -> Iterator[Problem]:
    for column, _, values in terms(table.only):
        here = (*path, "only", column)
        if any(is_argument(value) for value in values):
            yield at.at_value(here, "SYN211", "`only` holds for every call, so it is fixed.", "Write a fixed value.")
        if column in table.scope:
            yield at.at_key(here, "SYN306", f"`{column}` is for the session to decide.", "Remove it.")


def _mapped(here: Path, column: str, table: Table, at: Positions) -> Iterator[Problem]:
    rule = table.columns.get(column)
    if rule is None:
        near = suggest(column, table.columns)
        yield at.at_value(
            here, "SYN201", f"`{column}` is not among the columns.", near or f"Add `{column}` to `columns`."
        )
    elif rule.denied:
        yield at.at_value(here, "SYN202", f"`{column}` is denied.", "Give it its type instead.")


def _details(here: Path, rule: ColumnRule, at: Positions) -> Iterator[Problem]:
    said = {
        "one_of": (rule.one_of, {ColumnType.TEXT}),
        "max_length": (rule.max_length, {ColumnType.TEXT}),
        "scale": (rule.scale, {ColumnType.NUMERIC}),
        "minimum": (rule.minimum, {ColumnType.INTEGER}),
        "maximum": (rule.maximum, {ColumnType.INTEGER}),
        "unit": (rule.unit, {*NUMBERS, ColumnType.FLOAT}),
    }
    for key, (value, kinds) in said.items():
        if value is not None and rule.type not in kinds:
            yield at.at_value(
                (*here, key), "SYN207", f"`{key}` does not fit {rule.type.value}.", f"It belongs to {_words(kinds)}."
            )
    if rule.minimum is not None and rule.maximum is not None and rule.minimum > rule.maximum:
        yield at.at_value((*here, "minimum"), "SYN207", "`minimum` is above `maximum`.", "Exchange them.")
    yield from listed_once((*here, "one_of"), rule.one_of or (), at)
    for index, word in enumerate(rule.one_of or ()):
        if rule.max_length is not None and len(word) > rule.max_length:
            yield at.at_value(
                (*here, "one_of", index), "SYN207", "This value is longer than `max_length`.", "Raise `max_length`."
            )


def pair_problems(contracts: Iterable[tuple[Contract, Positions]]) -> Iterator[Problem]:
    """Yield where two mappings over one relation disagree, so that one would undo what the other guards."""
    first: dict[tuple[str, str], Table] = {}
    for contract, at in contracts:
        for name, table in contract.tables.items():
            for relation in sorted({table.relation, table.write_to or table.relation}):
                other = first.setdefault((table.source, relation.casefold()), table)
                yield from _disagreements(("tables", name), table, other, at)


def _disagreements(path: Path, table: Table, other: Table, at: Positions) -> Iterator[Problem]:
    yield from showing_differs(table, other, path, at)
    if table.tenant_column != other.tenant_column:
        yield at.at_value(
            (*path, "tenant"), "SYN210", "Another table over this relation has another tenant.", "Agree on one."
        )
    for column in table.columns:
        theirs = other.columns.get(column)
        if theirs is not None and theirs.denied != table.columns[column].denied:
            yield at.at_key(
                (*path, "columns", column),
                "SYN210",
                f"`{column}` is denied in one of two tables over this relation.",
                "Agree on it.",
            )


def _one_of(kinds: Iterable[ColumnType]) -> str:
    return f"It must be {_words(kinds)}."


def _words(kinds: Iterable[ColumnType]) -> str:
    order = list(ColumnType)
    return " or ".join(kind.value for kind in sorted(kinds, key=order.index))
