"""What an aggregate computes, as models: measures of groups, groups by columns and by stretches of time, and two periods to compare."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from synapsor.contract.base import ColumnPath, Model
from synapsor.contract.conditions import Compare
from synapsor.contract.mapping import RANGED, SETTABLE
from synapsor.values import ColumnType

PLACES: Final = 2
"""Decimal places of an average where the contract names none."""


class Function(StrEnum):
    """What is computed of the rows of a group."""

    COUNT = "count"
    COUNT_DISTINCT = "count_distinct"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"


class Unit(StrEnum):
    """A stretch of time that rows are grouped by; a week begins on Monday, as in ISO 8601."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


NUMBERS: Final = frozenset({ColumnType.INTEGER, ColumnType.NUMERIC})
TAKES: Final[dict[Function, frozenset[ColumnType]]] = {
    Function.COUNT_DISTINCT: SETTABLE,
    Function.SUM: NUMBERS,
    Function.AVG: NUMBERS,
    Function.MIN: RANGED,
    Function.MAX: RANGED,
}
"""The types that each function is exact for on every engine. Floats are in none of them: engines add them up differently."""

GROUPED: Final = frozenset({ColumnType.TEXT, ColumnType.INTEGER, ColumnType.BOOLEAN, ColumnType.DATE, ColumnType.UUID})
"""Types of which equal values have one spelling, so that they make one group on every engine."""

BUCKETED: Final = frozenset({ColumnType.DATE, ColumnType.TIMESTAMP, ColumnType.TIMESTAMPTZ})


class Measure(Model):
    """One function of one column, its own or one behind links to one row; `places` are those of an average."""

    count_distinct: ColumnPath | None = None
    sum: ColumnPath | None = None
    avg: ColumnPath | None = None
    min: ColumnPath | None = None
    max: ColumnPath | None = None
    places: int | None = Field(default=None, ge=0, le=12)


class Bucket(Model):
    """A column of time, cut into hours, days, weeks, months, quarters or years; `zone` says by whose clock an instant is cut."""

    hour: ColumnPath | None = None
    day: ColumnPath | None = None
    week: ColumnPath | None = None
    month: ColumnPath | None = None
    quarter: ColumnPath | None = None
    year: ColumnPath | None = None
    zone: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$")] | None = None


class Periods(Model):
    """The two periods that are compared; the change is the current one less the previous one."""

    current: Compare
    previous: Compare


class Comparison(Model):
    """Every measure for two periods, side by side, and how it changed."""

    column: ColumnPath
    periods: Periods


def _measure_kind(value: Any) -> str:
    return "<word>" if isinstance(value, str) else "<measure>"


def _group_kind(value: Any) -> str:
    return "<column>" if isinstance(value, str) else "<bucket>"


Measured = Annotated[
    Annotated[Literal["count"], Tag("<word>")] | Annotated[Measure, Tag("<measure>")], Discriminator(_measure_kind)
]
"""`count` of the rows, or a function of a column."""

Grouped = Annotated[
    Annotated[ColumnPath, Tag("<column>")] | Annotated[Bucket, Tag("<bucket>")], Discriminator(_group_kind)
]
"""A column whose values make the groups, or a stretch of time."""


def functions_of(measure: str | Measure) -> list[tuple[Function, str]]:
    """Return each function that a measure names, with its column; a measure in order has exactly one."""
    if isinstance(measure, str):
        return [(Function.COUNT, "")]
    named = ((function, getattr(measure, function.value)) for function in TAKES)
    return [(function, column) for function, column in named if column is not None]


def units_of(group: str | Bucket) -> list[tuple[Unit | None, str]]:
    """Return each stretch of time that a group names, with its column, and None for a column as it is."""
    if isinstance(group, str):
        return [(None, group)]
    named = ((unit, getattr(group, unit.value)) for unit in Unit)
    return [(unit, column) for unit, column in named if column is not None]
