"""The rules of a capability's arguments: declared and used, bounded, without authority, and no wider than their columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from synapsor.contract.arguments import integer_range
from synapsor.contract.capability import (
    AggregateCapability,
    Argument,
    Capability,
    ProposeCapability,
    ReadCapability,
    is_single,
)
from synapsor.contract.changes import Computed
from synapsor.contract.columns import listed_once
from synapsor.contract.conditions import Compare, Operator, Scalar, is_argument, terms
from synapsor.contract.document import Path, Positions
from synapsor.contract.filters import token_of
from synapsor.contract.mapping import ColumnRule, Table
from synapsor.contract.model import Contract
from synapsor.contract.paths import rule_at, tables_read
from synapsor.contract.rules import suggest
from synapsor.contract.wording import AUTHORITY_FIX, claims_authority
from synapsor.errors import Problem
from synapsor.values import ColumnType, ValueUnfit

_T = ColumnType
FITS: Final[dict[str, frozenset[ColumnType]]] = {
    "string": frozenset({_T.TEXT, _T.NUMERIC, _T.DATE, _T.TIMESTAMP, _T.TIMESTAMPTZ, _T.UUID}),
    "integer": frozenset({_T.INTEGER, _T.NUMERIC}),
    "boolean": frozenset({_T.BOOLEAN}),
    # A JSON number is binary, and no column that may be compared or set is.
    "number": frozenset(),
    "items": frozenset(),
}
"""Which columns an argument of a type may stand for. Exact decimals, dates and times travel as text."""


@dataclass(frozen=True, slots=True)
class _Use:
    """Where an argument stands: the place, the column and how it is compared; no operator where it is set.

    Attributes:
        rule: the column's; None where there is no such column.
        list: it stands in a filter of a list, where it may be left out.
        counts: it is an amount, and not the column's value.
    """

    here: Path
    column: str
    operator: Operator | None
    name: str
    rule: ColumnRule | None
    list: bool
    counts: bool = False


def argument_problems(
    path: Path, capability: Capability, name_of_table: str, contract: Contract, at: Positions
) -> Iterator[Problem]:
    """Yield what is wrong with the arguments of one capability."""
    tables = contract.tables
    uses = list(_uses(path, capability, tables[name_of_table], tables))
    reason = capability.reason_argument if isinstance(capability, ProposeCapability) else None
    used = {*(use.name for use in uses), reason}
    trusted = _trusted(contract, [tables[n] for n in tables_read(capability, name_of_table, tables)])
    declared = dict(_declared(path, capability))
    for name, (here, argument) in declared.items():
        if claims_authority(str(here[-1]), trusted):
            yield at.at_key(here, "SYN403", f"`{here[-1]}` claims authority.", AUTHORITY_FIX)
        if argument.type == "items":
            yield from _items(here, argument, capability, at)
        elif name not in used:
            yield at.at_key(
                here, "SYN402", f"`{name}` is not used.", f"Use `${name}` in `where`, `set` or a period, or remove it."
            )
        yield from _declaration(here, argument, at)
    if isinstance(capability, ProposeCapability) and capability.items is not None:
        named = capability.arguments.get(capability.items[1:])
        if named is None or named.type != "items":
            message = f"`{capability.items}` is no argument of type items."
            yield at.at_value((*path, "items"), "SYN350", message, "Declare it with `type: items` and `fields`.")
    for use in uses:
        found = declared.get(use.name)
        rule = use.rule
        if found is None:
            fix = (
                suggest(use.name, declared) or f"Declare `{use.name}` in `arguments`, or write `$$` for a dollar sign."
            )
            yield at.at_value(use.here, "SYN401", f"`${use.name}` is not declared.", fix)
        elif rule is not None and not rule.denied:
            yield from _against(found[0], found[1], use, rule, at)
            yield from _placed(use, found[1], at)


def _declared(path: Path, capability: Capability) -> Iterator[tuple[str, tuple[Path, Argument]]]:
    """Yield every argument and every field of items, by the name that `$` stands before."""
    for name, argument in capability.arguments.items():
        here = (*path, "arguments", name)
        yield name, (here, argument)
        for field, inner in (argument.fields or {}).items():
            yield f"{name}.{field}", ((*here, "fields", field), inner)


def _items(here: Path, argument: Argument, capability: Capability, at: Positions) -> Iterator[Problem]:
    named = capability.items if isinstance(capability, ProposeCapability) else None
    if named != f"${here[-1]}":
        fix = "Name it in the `items` of an insert."
        yield at.at_key(here, "SYN350", f"`{here[-1]}` is what no insert is made of.", fix)
    if argument.fields is None or argument.many is None:
        yield at.at_key(here, "SYN350", "It does not say how many items of which fields.", "Add `many` and `fields`.")
    for field, inner in (argument.fields or {}).items():
        if inner.optional or inner.many is not None or inner.fields is not None or inner.type == "items":
            at_field = (*here, "fields", field)
            yield at.at_key(at_field, "SYN350", "A field is one value that is always there.", "Keep it plain.")


def _uses(path: Path, capability: Capability, table: Table, tables: Mapping[str, Table]) -> Iterator[_Use]:
    """Yield every `$argument`."""
    many = not isinstance(capability, ProposeCapability) and not is_single(capability, table)
    yield from _filters((*path, "where"), capability.where, table, tables, many=many)
    if isinstance(capability, AggregateCapability) and capability.compare is not None:
        column = capability.compare.column
        for period in ("current", "previous"):
            here = (*path, "compare", "periods", period)
            for use in _filters(here, {column: getattr(capability.compare.periods, period)}, table, tables, many=False):
                yield replace(use, here=(*here, *use.here[len(here) + 1 :]))
    if isinstance(capability, ProposeCapability):
        for column, given in capability.set.items():
            here = (*path, "set", column)
            rule = table.columns.get(column)
            if not isinstance(given, Computed):
                if is_argument(given):
                    yield _Use(here, column, None, str(given)[1:], rule, list=False)
            elif is_argument(given.amount):
                word = "add" if given.add is not None else "subtract"
                yield _Use((*here, word), column, None, str(given.amount)[1:], rule, list=False, counts=True)
    elif isinstance(capability, ReadCapability):
        for name, child in capability.with_.items():
            link = table.links.get(name)
            target = tables.get(link.to) if link is not None else None
            if target is not None:
                yield from _filters((*path, "with", name, "where"), child.where, target, tables, many=True)


def _filters(
    path: Path, where: Mapping[str, Scalar | Compare], table: Table, tables: Mapping[str, Table], *, many: bool
) -> Iterator[_Use]:
    for column, operator, values in terms(where):
        here = (*path, column) if operator is Operator.EQUALS else (*path, column, operator.value)
        for value in values:
            if is_argument(value):
                yield _Use(here, column, operator, str(value)[1:], rule_at(column, table, tables), many)


def _placed(use: _Use, argument: Argument, at: Positions) -> Iterator[Problem]:
    """Yield where an optional argument, or a list of values, stands in a place that needs one value."""
    if argument.type == "items":
        return
    if argument.optional and not use.list:
        yield at.at_value(
            use.here, "SYN408", f"`${use.name}` is optional, and this is always needed.", "Remove `optional`."
        )
    if (argument.many is not None) != (use.operator is Operator.ONE_OF):
        fix = f"Give `{use.name}` a `many`, such as 10." if argument.many is None else "Write it as `one_of`."
        yield at.at_value(use.here, "SYN409", "A list of values stands for `one_of`, and nothing else does.", fix)


def _trusted(contract: Contract, read: list[Table]) -> list[str]:
    """Return the names that are the session's to fill: its own, and those of the columns that guard a row that is read."""
    named = [key.removeprefix("session.") for c in contract.contexts.values() for key in (c.tenant, c.principal)]
    guards = [n for table in read for n in (*table.scope, table.version) if n is not None]
    return [*named, *guards]


def _declaration(here: Path, argument: Argument, at: Positions) -> Iterator[Problem]:
    if argument.fields is not None and argument.type != "items":
        yield at.at_key((*here, "fields"), "SYN406", f"`fields` does not fit {argument.type}.", "Remove it.")
    said = {
        "max_length": (argument.max_length, {"string"}),
        "one_of": (argument.one_of, {"string"}),
        "minimum": (argument.minimum, {"integer", "number"}),
        "maximum": (argument.maximum, {"integer", "number"}),
    }
    for key, (value, kinds) in said.items():
        if value is not None and argument.type not in kinds:
            yield at.at_value((*here, key), "SYN406", f"`{key}` does not fit {argument.type}.", "Remove it.")
    if argument.minimum is not None and argument.maximum is not None and argument.minimum > argument.maximum:
        yield at.at_value((*here, "minimum"), "SYN406", "`minimum` is above `maximum`.", "Exchange them.")
    if argument.type == "string" and argument.max_length is None and argument.one_of is None:
        yield at.at_key(here, "SYN405", "A string of any length is not allowed.", "Add `max_length` or `one_of`.")
    yield from listed_once((*here, "one_of"), argument.one_of or (), at)
    for index, word in enumerate(argument.one_of or ()):
        if argument.max_length is not None and len(word) > argument.max_length:
            yield at.at_value(
                (*here, "one_of", index), "SYN406", "This value is longer than `max_length`.", "Raise `max_length`."
            )


def _against(here: Path, argument: Argument, use: _Use, rule: ColumnRule, at: Positions) -> Iterator[Problem]:
    column = use.column
    if rule.type not in FITS[argument.type]:
        kinds = [kind for kind, types in FITS.items() if rule.type in types]
        fix = f"Declare it as {' or '.join(kinds)}." if kinds else "No argument can stand for this column."
        yield at.at_key(here, "SYN404", f"A {argument.type} does not fit `{column}`, which is {rule.type.value}.", fix)
        return
    if use.counts:
        if argument.type == "integer" and (argument.minimum is None or argument.minimum < 0):
            message = f"An amount for `{column}` could be negative."
            yield at.at_key(here, "SYN342", message, "Declare a `minimum` of 0 or more.")
    elif argument.one_of is not None:
        for index, word in enumerate(argument.one_of):
            try:
                token_of(word, rule, use.operator or Operator.EQUALS)
            except ValueUnfit as unfit:
                message = f"This value does not fit `{column}`: {unfit}."
                yield at.at_value((*here, "one_of", index), "SYN407", message, "Remove it.")
    elif rule.one_of is not None and use.operator is not Operator.STARTS_WITH:
        yield at.at_key(
            here,
            "SYN407",
            f"`{column}` holds one of a list, and this could be anything.",
            f"Add `one_of: [{', '.join(rule.one_of)}]`.",
        )
    elif rule.max_length is not None and (argument.max_length or 0) > rule.max_length:
        fix = f"Lower it to {rule.max_length}."
        yield at.at_value((*here, "max_length"), "SYN407", f"This is longer than `{column}` allows.", fix)
    if rule.type is ColumnType.INTEGER and not use.counts:
        low, high = integer_range(argument)
        if (rule.minimum is not None and low < rule.minimum) or (rule.maximum is not None and high > rule.maximum):
            fix = "Declare a `minimum` and `maximum` within the column's."
            yield at.at_key(here, "SYN407", f"This goes beyond the range of `{column}`.", fix)
