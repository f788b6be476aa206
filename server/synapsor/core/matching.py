"""Whether a row satisfies reviewed filters, told from its tokens alone: asked when a proposal is made, and again by the worker.

Where it cannot be told from the tokens, the row does not satisfy: a set is never wider than what can be proven again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from synapsor.contract.conditions import Compare, Operator, Scalar, constant, is_argument, terms
from synapsor.contract.filters import token_of
from synapsor.contract.mapping import ColumnRule
from synapsor.values import ColumnType, Token

_NUMBERS = frozenset({ColumnType.INTEGER, ColumnType.NUMERIC})
_MOMENTS = frozenset({ColumnType.TIMESTAMP, ColumnType.TIMESTAMPTZ})
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", re.ASCII)
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?(?:\+00)?\Z", re.ASCII)


def satisfies(
    row: Mapping[str, Token],
    where: Mapping[str, Scalar | Compare],
    rules: Mapping[str, ColumnRule],
    arguments: Mapping[str, Any],
) -> bool:
    """Tell whether a row satisfies a `where`, `only` or `requires` with these arguments; `rules` are those of its columns.

    Raises:
        ValueUnfit: an argument is no value of its column.
    """
    for column, operator, values in terms(where):
        rule = rules[column]
        given: list[Any] = []
        for value in values:
            asked = arguments[str(value)[1:]] if is_argument(value) else constant(value)
            given += asked if type(asked) is list else [asked]
        tokens = tuple(token_of(item, rule, operator) for item in given)
        if not _MADE[operator](row[column], tokens, rule.type):
            return False
    return True


def _equals(token: Token, given: tuple[str, ...], kind: ColumnType) -> bool:
    if token is None:
        return False
    if kind is ColumnType.NUMERIC:
        number = Decimal(token)
        return any(number == Decimal(other) for other in given)
    if kind in _MOMENTS:
        return _ordered(token, kind) in {_ordered(other, kind) for other in given} - {None}
    return token in given


def _differs(token: Token, given: tuple[str, ...], kind: ColumnType) -> bool:
    """Tell whether a value is surely another one; of a moment that is spelled in a way of its own nobody can tell."""
    if token is not None and kind in _MOMENTS and None in {_ordered(one, kind) for one in (token, *given)}:
        return False
    return not _equals(token, given, kind)


def _ordered(token: str, kind: ColumnType) -> str | None:
    """Return a day or moment so that one value has one spelling and sorts as text does, or None where that cannot be told.

    Years before 1 or after 9999, and infinity, do not sort so; SQLite keeps whatever spelling it was given.
    """
    if kind not in _MOMENTS:
        return token if _DAY.match(token) else None
    found = _MOMENT.match(token)
    return None if found is None else found[1] + (found[2] or "").rstrip("0").rstrip(".")


def _compared(holds: Callable[[Any, Any], bool]) -> Callable[[Token, tuple[str, ...], ColumnType], bool]:
    def compare(token: Token, given: tuple[str, ...], kind: ColumnType) -> bool:
        if token is None:
            return False
        if kind in _NUMBERS:
            number = Decimal(token)
            return not number.is_nan() and holds(number, Decimal(given[0]))
        one, other = _ordered(token, kind), _ordered(given[0], kind)
        return one is not None and other is not None and holds(one, other)

    return compare


_MADE: Final[dict[Operator, Callable[[Token, tuple[str, ...], ColumnType], bool]]] = {
    Operator.EQUALS: _equals,
    Operator.ONE_OF: _equals,
    Operator.NOT: _differs,
    Operator.AT_LEAST: _compared(lambda one, other: bool(one >= other)),
    Operator.ABOVE: _compared(lambda one, other: bool(one > other)),
    Operator.AT_MOST: _compared(lambda one, other: bool(one <= other)),
    Operator.BELOW: _compared(lambda one, other: bool(one < other)),
    Operator.STARTS_WITH: lambda token, given, _: token is not None and token.startswith(given[0]),
    Operator.HAS_VALUE: lambda token, _, __: token is not None,
    Operator.NO_VALUE: lambda token, _, __: token is None,
}
