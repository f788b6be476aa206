"""Stretches of time as whole numbers, computed alike on every engine: seconds of an instant, its zone's offset, and what they are of.

No engine is asked for a time zone. The offsets stand in the statement as numbers, in a tree of comparisons as deep as their count needs.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from synapsor.contract.measures import Unit
from synapsor.contract.zones import offsets
from synapsor.core.aggregate import GroupColumn
from synapsor.core.buckets import DAY, FIRST, HOUR, HOUR_STEP, LAST, LATER, OFFSET_ZERO
from synapsor.core.plan import Column
from synapsor.sql import trees
from synapsor.sql.statement import Dialect
from synapsor.values import ColumnType

SECONDS = "synapsor_seconds"
"""A function of SQLite sessions: the seconds since 1970 of a stored date or timestamp."""

MONTHS = "synapsor_months"
"""A function of SQLite sessions: the months since the year 0 of a number of days since 1970."""

# Before this many days every division rounds towards the beginning of time; a multiple of seven.
_BASE_DAYS = 719_530 - 719_530 % 7
_TO_SECONDS_1970 = 62_167_219_200
_FROM_DAYS_1970 = 719_528
_MONDAY = 3  # 1970-01-01 was a Thursday


def seconds(ref: exp.Expression, column: Column, dialect: Dialect) -> exp.Expression:
    """Return the seconds since 1970 of a column, by its own clock or, of an instant, by that of UTC; fractions are cut off."""
    if dialect == "sqlite":
        return trees.call(SECONDS, ref, _number(int(column.type is ColumnType.TIMESTAMPTZ)))
    if dialect == "mysql":
        return exp.Sub(this=trees.call("TO_SECONDS", ref), expression=_number(_TO_SECONDS_1970))
    epoch = exp.Extract(this=exp.var("EPOCH"), expression=ref)
    # Infinity is no whole number.
    return exp.Case(
        ifs=[
            exp.If(this=exp.GT(this=epoch, expression=_number(LAST)), true=_number(LAST + 1)),
            exp.If(this=exp.LT(this=epoch.copy(), expression=_number(FIRST)), true=_number(FIRST - 1)),
        ],
        default=trees.cast_to(trees.call("FLOOR", epoch.copy()), "bigint"),
    )


def offset(ref: exp.Expression, group: GroupColumn) -> exp.Expression:
    """Return the offset of a group's zone at a number of seconds."""
    return _search(ref, offsets(group.zone)) if group.zone else _number(0)


def bucket(at: exp.Expression, shift: exp.Expression, group: GroupColumn, dialect: Dialect) -> exp.Expression:
    """Return the number of the stretch of time that seconds, read with an offset, fall into."""
    assert group.unit is not None  # noqa: S101  # only such groups come here
    local = exp.paren(exp.Add(this=at, expression=shift))
    number = _hours(local, shift, dialect) if group.unit is Unit.HOUR else _days(local, group.unit, dialect)
    return exp.Case(
        ifs=[
            exp.If(this=exp.GT(this=at.copy(), expression=_number(LAST)), true=_number(LATER)),
            exp.If(this=exp.LT(this=at.copy(), expression=_number(FIRST)), true=_number(-LATER)),
        ],
        default=number,
    )


def _search(ref: exp.Expression, table: Sequence[tuple[int, int]]) -> exp.Expression:
    """Return the offset that holds, found by halving."""
    if len(table) == 1:
        return _number(table[0][1])
    middle = len(table) // 2
    before = exp.LT(this=ref.copy(), expression=_number(table[middle][0]))
    return exp.Case(ifs=[exp.If(this=before, true=_search(ref, table[:middle]))], default=_search(ref, table[middle:]))


def _hours(local: exp.Expression, shift: exp.Expression, dialect: Dialect) -> exp.Expression:
    hour = _floor(local, HOUR, dialect)
    return _sum(exp.Mul(this=exp.paren(hour), expression=_number(HOUR_STEP)), shift.copy(), _number(OFFSET_ZERO))


def _days(local: exp.Expression, unit: Unit, dialect: Dialect) -> exp.Expression:
    days = exp.paren(_floor(local, DAY, dialect))
    if unit is Unit.DAY:
        return days
    if unit is Unit.WEEK:
        return _floored(_sum(days, _number(_MONDAY + _BASE_DAYS)), 7, _BASE_DAYS // 7, dialect)
    months = exp.paren(_months(local, days, dialect))
    per = {Unit.MONTH: 1, Unit.QUARTER: 3, Unit.YEAR: 12}[unit]
    return months if per == 1 else _divide(months, per, dialect)


def _months(local: exp.Expression, days: exp.Expression, dialect: Dialect) -> exp.Expression:
    """Return how many months lie before this one, counted from January of the year 0."""
    if dialect == "sqlite":
        return trees.call(MONTHS, days)
    if dialect == "mysql":
        date = trees.call("FROM_DAYS", _sum(days, _number(_FROM_DAYS_1970)))
        year, month = trees.call("YEAR", date), trees.call("MONTH", date.copy())
    else:
        # The session's zone is pinned to UTC, so that this clock is the one that `local` was read by.
        moment = trees.call("TO_TIMESTAMP", local)
        parts = (exp.Extract(this=exp.var(part), expression=moment.copy()) for part in ("YEAR", "MONTH"))
        year, month = (trees.cast_to(part, "bigint") for part in parts)
    return exp.Sub(this=_sum(exp.Mul(this=year, expression=_number(12)), month), expression=_number(1))


def _floor(local: exp.Expression, size: int, dialect: Dialect) -> exp.Expression:
    """Return local seconds divided by `size`, rounded down also before 1970."""
    base = _BASE_DAYS * DAY
    return _floored(_sum(local, _number(base)), size, base // size, dialect)


def _floored(shifted: exp.Expression, size: int, base: int, dialect: Dialect) -> exp.Expression:
    return exp.Sub(this=exp.paren(_divide(exp.paren(shifted), size, dialect)), expression=_number(base))


def _divide(value: exp.Expression, size: int, dialect: Dialect) -> exp.Expression:
    if dialect == "mysql":
        return exp.IntDiv(this=value, expression=_number(size))
    return exp.Div(this=value, expression=_number(size), typed=True, safe=False)


def _sum(first: exp.Expression, *rest: exp.Expression) -> exp.Expression:
    total = first
    for one in rest:
        total = exp.Add(this=total, expression=one)
    return total


def _number(value: int) -> exp.Expression:
    return exp.Neg(this=exp.Literal.number(-value)) if value < 0 else exp.Literal.number(value)
