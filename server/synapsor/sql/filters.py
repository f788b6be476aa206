"""Reviewed filters and the place of a page in a list, as conditions over one row; every value is a parameter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sqlglot import exp

from synapsor.contract.conditions import Operator
from synapsor.core.plan import Column, Condition
from synapsor.sql import tokens, trees
from synapsor.sql.predicates import bytewise, bytewise_parameter, is_spelled, matches
from synapsor.sql.statement import Dialect


def of_rows(
    scope: Sequence[Column], where: Sequence[Condition], dialect: Dialect, taken: int = 0
) -> tuple[list[exp.Expression], int]:
    """Return the conditions under which a row is meant, the scope's first, and how many parameters are taken with theirs."""
    conditions: list[exp.Expression] = []
    for number, column in enumerate(scope, start=taken + 1):
        conditions += matches(number, column, dialect)
    made, taken = of_conditions(taken + len(scope), where, dialect)
    return conditions + made, taken


def of_conditions(taken: int, where: Sequence[Condition], dialect: Dialect) -> tuple[list[exp.Expression], int]:
    """Return conditions whose parameters follow `taken` others, and how many there are with theirs."""
    conditions: list[exp.Expression] = []
    for condition in where:
        conditions += _MADE.get(condition.operator, _range)(taken + 1, condition, dialect)
        taken += condition.takes
    return conditions, taken


def comes_after(
    number: int, order: Sequence[tuple[Column, bool]], held: Sequence[bool], dialect: Dialect
) -> exp.Expression:
    """Return the condition under which a row comes after another one in an order that ends with the key.

    `held` tells which of that row's order columns have a value; those are the parameters from `number` on. Equality is the
    engine's own, as in its order: what a collation takes for one is told apart by the columns that follow.
    """
    level: list[exp.Expression] = []
    ways: list[exp.Expression] = []
    for (column, down), has_value in zip(order, held, strict=True):
        first = trees.nulls_first(descending=down, dialect=dialect)
        null = _is_null(column)
        same: exp.Expression = null
        further: exp.Expression | None = exp.Not(this=null.copy()) if first else None
        if has_value:
            ref, beyond = tokens.comparable(trees.ref(column), column, dialect), exp.LT if down else exp.GT
            same = exp.EQ(this=ref, expression=tokens.held(number, column, dialect))
            next_value = beyond(this=ref.copy(), expression=tokens.held(number, column, dialect))
            further = next_value if first else _either(next_value, null)
            number += 1
        if further is not None:
            ways.append(exp.paren(exp.and_(*level, further), copy=False))
        level.append(same)
    return exp.paren(exp.or_(*ways, copy=False), copy=False) if ways else exp.false()


def _no_value(_: int, condition: Condition, __: Dialect) -> list[exp.Expression]:
    return [_is_null(condition.column)]


def _has_value(_: int, condition: Condition, __: Dialect) -> list[exp.Expression]:
    return [exp.Not(this=_is_null(condition.column))]


def _equals(number: int, condition: Condition, dialect: Dialect) -> list[exp.Expression]:
    return matches(number, condition.column, dialect)


def _not(number: int, condition: Condition, dialect: Dialect) -> list[exp.Expression]:
    same = exp.paren(exp.and_(*matches(number, condition.column, dialect), copy=False), copy=False)
    return [_either(_is_null(condition.column), exp.Not(this=same))]


def _one_of(number: int, condition: Condition, dialect: Dialect) -> list[exp.Expression]:
    column = condition.column
    numbers = range(number, number + condition.takes)
    ref = trees.ref(column)
    values = [value for n in numbers for value in tokens.spellings(n, column, dialect)]
    serves_index = exp.In(this=tokens.sortable(ref.copy(), column, dialect), expressions=values)
    if not is_spelled(column, dialect):
        return [serves_index]
    exact = [bytewise_parameter(n, dialect) for n in numbers]
    return [serves_index, exp.In(this=bytewise(ref, column, dialect), expressions=exact)]


def _starts_with(number: int, condition: Condition, dialect: Dialect) -> list[exp.Expression]:
    """Return the condition under which a text begins so, byte by byte; no character of the parameter is a wildcard."""
    head = bytewise(trees.ref(condition.column), condition.column, dialect)
    wanted = bytewise_parameter(number, dialect)
    if dialect == "postgres":
        return [trees.call("STARTS_WITH", head, wanted)]
    cut = trees.call("SUBSTR", head, exp.Literal.number(1), trees.call("LENGTH", wanted.copy()))
    return [exp.EQ(this=cut, expression=wanted)]


def _range(number: int, condition: Condition, dialect: Dialect) -> list[exp.Expression]:
    column = condition.column
    ref = tokens.sortable(trees.ref(column), column, dialect)
    return [_RANGES[condition.operator](this=ref, expression=tokens.compared(number, column, dialect))]


def _is_null(column: Column) -> exp.Expression:
    return exp.Is(this=trees.ref(column), expression=exp.null())


def _either(one: exp.Expression, other: exp.Expression) -> exp.Expression:
    return exp.paren(exp.or_(one, other, copy=False), copy=False)


_RANGES: Final[dict[Operator, Callable[..., exp.Expression]]] = {
    Operator.AT_LEAST: exp.GTE,
    Operator.ABOVE: exp.GT,
    Operator.AT_MOST: exp.LTE,
    Operator.BELOW: exp.LT,
}
_MADE: Final[dict[Operator, Callable[[int, Condition, Dialect], list[exp.Expression]]]] = {
    Operator.EQUALS: _equals,
    Operator.NOT: _not,
    Operator.ONE_OF: _one_of,
    Operator.STARTS_WITH: _starts_with,
    Operator.HAS_VALUE: _has_value,
    Operator.NO_VALUE: _no_value,
}
