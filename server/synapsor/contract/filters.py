"""The rules of a filter: what is compared with a column is of its type, can be compared alike on every engine, and says something."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from synapsor.contract.columns import column_problems, listed_once
from synapsor.contract.conditions import RANGES, Compare, Operator, Scalar, constant, is_argument, terms
from synapsor.contract.document import Path, Positions
from synapsor.contract.mapping import RANGED, SETTABLE, ColumnRule, Table
from synapsor.contract.paths import rule_at
from synapsor.contract.tokens import to_token
from synapsor.errors import Problem
from synapsor.values import ColumnType, ValueUnfit

_PAIRS: Final = (("at_least", "above"), ("at_most", "below"))


def filter_problems(
    path: Path,
    where: Mapping[str, Scalar | Compare],
    table: Table,
    at: Positions,
    tables: Mapping[str, Table] | None = None,
) -> Iterator[Problem]:
    """Yield what is wrong with the filters of a `where` or of a table's `only`; paths may stand there where `tables` are given."""
    for column, said in where.items():
        here = (*path, column)
        rule = rule_at(column, table, tables or {})
        if path[0] == "capabilities" or rule is None or rule.denied:
            found = list(column_problems(here, column, table, at, tables))
            yield from found
            if found:
                continue
        if rule is not None:  # a link on the way that leads to no table is told where the link is
            yield from compared_problems(here, column, said, rule, at)


def compared_problems(
    here: Path, column: str, said: Scalar | Compare, rule: ColumnRule, at: Positions
) -> Iterator[Problem]:
    """Yield what is wrong with how a column is compared; `here` is where that is said."""
    if isinstance(said, Compare):
        yield from _sense(here, said, at)
    found = [
        p for _, operator, values in terms({column: said}) for p in _compared(here, column, rule, operator, values, at)
    ]
    yield from found
    if isinstance(said, Compare) and not found and _is_empty(said, rule):
        yield at.at_value(here, "SYN316", "No value lies between both ends.", "Exchange them, or widen the range.")


def token_of(value: Scalar, rule: ColumnRule, operator: Operator) -> str:
    """Return the token that a value is compared as: a constant of the contract, or what the model gave, letter by letter.

    Raises:
        ValueUnfit: it is no value of such a column.
    """
    if operator is Operator.STARTS_WITH and rule.one_of is not None:
        rule = rule.model_copy(update={"one_of": None})
    token = to_token(value, rule)
    if not token and (token is None or operator is Operator.STARTS_WITH):
        raise ValueUnfit("nothing to compare with")
    return token


def _sense(here: Path, said: Compare, at: Positions) -> Iterator[Problem]:
    given = set(said.model_dump(exclude_none=True))
    if not given:
        yield at.at_value(here, "SYN316", "The comparison says nothing.", "Write a value, or `has_value: true`.")
    if said.has_value is False and given != {"has_value"}:
        yield at.at_value(here, "SYN316", "What has no value compares with nothing.", "Keep one of them.")
    for one, other in _PAIRS:
        if {one, other} <= given:
            yield at.at_key((*here, other), "SYN316", f"`{one}` and `{other}` say the same.", "Keep one of them.")


def _is_empty(said: Compare, rule: ColumnRule) -> bool:
    """Tell whether fixed ends leave nothing between them."""
    low, high = (
        next((v for v in ends if v is not None), None)
        for ends in ((said.at_least, said.above), (said.at_most, said.below))
    )
    if low is None or high is None or is_argument(low) or is_argument(high):
        return False
    first, last = (_rank(token_of(constant(end), rule, Operator.AT_LEAST), rule.type) for end in (low, high))
    return first > last or (first == last and (said.above is not None or said.below is not None))


def _rank(token: str, kind: ColumnType) -> Any:
    if kind in {ColumnType.INTEGER, ColumnType.NUMERIC}:
        return Decimal(token)
    return dt.datetime.fromisoformat(token)


def _compared(
    here: Path, column: str, rule: ColumnRule, operator: Operator, values: tuple[Scalar, ...], at: Positions
) -> Iterator[Problem]:
    if operator in {Operator.HAS_VALUE, Operator.NO_VALUE}:
        return
    kind, plain = rule.type, operator is Operator.EQUALS
    place = here if plain else (*here, operator.value)
    if kind not in SETTABLE:
        yield at.at_key(place, "SYN312", f"`{column}` is {kind.value}, which cannot stand in {here[-2]}.", "Remove it.")
        return
    if (operator in RANGES and kind not in RANGED) or (
        operator is Operator.STARTS_WITH and kind is not ColumnType.TEXT
    ):
        message = f"`{column}` is {kind.value}, and databases do not agree on its `{operator.value}`."
        yield at.at_key(place, "SYN317", message, "Compare it with a value, or with `one_of`.")
        return
    listed = operator is Operator.ONE_OF and not is_argument(values[0])
    if listed:
        yield from listed_once(place, values, at)
    for index, value in enumerate(values):
        item = (*place, index) if listed else place
        if is_argument(value):
            if len(values) > 1:
                fix = "Write `one_of: $argument` for a list that the model gives."
                yield at.at_value(item, "SYN318", "An argument cannot be one of several values.", fix)
            continue
        try:
            token_of(constant(value), rule, operator)
        except ValueUnfit as unfit:
            message = f"The value does not fit `{column}`: {unfit}."
            yield at.at_value(item, "SYN331", message, "Write a value of its type.")
