"""An aggregate made ready to plan, once at start; a call adds its scope and tokens and gets a plan.

Filters and scope are those of a read, made by the same functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from synapsor.contract.capability import AggregateCapability
from synapsor.contract.conditions import terms
from synapsor.contract.mapping import RowSecurity, Table
from synapsor.contract.measures import PLACES, Bucket, Function, Measure, functions_of, units_of
from synapsor.contract.spans import span_of
from synapsor.core.aggregate import (
    CURRENT,
    PREVIOUS,
    AggregatePlan,
    AggregateShape,
    GroupColumn,
    MeasureColumn,
    Ordering,
)
from synapsor.core.links import Joins, Mapped
from synapsor.core.plan import Column, Relation
from synapsor.core.question import (
    MOST_SHAPES,
    Asked,
    asked_of,
    conditions_of,
    joined_tokens,
    left_out_of,
    scope_tokens,
    values_of,
)
from synapsor.core.row_security import settings_of
from synapsor.core.scope import Scope
from synapsor.errors import Code, Refusal


@dataclass(frozen=True, kw_only=True)
class CountQuestion:
    """An aggregate made ready to plan.

    Attributes:
        shape: with every condition.
        periods: the conditions of each period that is compared.
        joined: for each join of the shape, the tokens of its fixed filters.
        optional: the arguments that may be left out.
    """

    shape: AggregateShape
    asked: tuple[Asked, ...]
    periods: tuple[tuple[Asked, ...], ...]
    optional: frozenset[str]
    time_ms: int
    joined: tuple[tuple[str, ...], ...] = ()
    row_security: tuple[RowSecurity, ...] = ()
    _shapes: dict[frozenset[str], AggregateShape] = field(default_factory=dict, compare=False)

    def shape_for(self, left_out: frozenset[str]) -> AggregateShape:
        """Return the shape without the conditions of some arguments."""
        if not left_out:
            return self.shape
        if left_out not in self._shapes:
            if len(self._shapes) >= MOST_SHAPES:  # as with a read: to try every set of filters must not fill the memory
                self._shapes.clear()
            where = tuple(a.condition for a in self.asked if a.argument not in left_out or not a.argument)
            self._shapes[left_out] = replace(self.shape, where=where)
        return self._shapes[left_out]


def count_question_of(
    capability: AggregateCapability,
    table: Table,
    natives: Mapping[str, str] | None = None,
    tables: Mapping[str, Mapped] | None = None,
) -> CountQuestion:
    """Prepare an aggregate for planning; done once at start.

    `table` is the contract's own, whose scales are the same everywhere; `tables` are those that links may lead to.
    """
    joins = Joins(Mapped(table=table, natives=natives or {}), tables or {})
    see = joins.column
    asked = conditions_of(capability.where, capability, table, joins)
    periods = _periods(capability, joins)
    limits = capability.limits
    groups = tuple(_group(name, group, see) for name, group in capability.group.items())
    measures = tuple(measure_of(name, measure, joins) for name, measure in capability.measures.items())
    shape = AggregateShape(
        relation=Relation.parse(table.relation),
        groups=groups,
        measures=measures,
        tenant=see(table.tenant_column) if table.tenant_column else None,
        principal=see(table.principal) if table.principal else None,
        joins=tuple(joins.joins),
        where=tuple(a.condition for a in asked),
        periods=tuple(tuple(a.condition for a in period) for period in periods),
        order=tuple(_ordering(said) for said in capability.order),
        minimum=capability.minimum_group,
        most=limits.groups,
        rows=limits.rows,
        bytes=limits.bytes,
    )
    optional = frozenset(a.argument for a in asked if a.optional)
    return CountQuestion(
        shape=shape,
        asked=asked,
        periods=periods,
        optional=optional,
        time_ms=limits.time_ms,
        joined=tuple(joins.constants),
        row_security=joins.row_security,
    )


def measure_of(name: str, measure: str | Measure, joins: Joins) -> MeasureColumn:
    """Return the planner's view of a measure."""
    ((function, column),) = functions_of(measure)
    if function is Function.COUNT:
        return MeasureColumn(name=name, function=function)
    places = joins.rule(column).scale or 0
    if function is Function.AVG and isinstance(measure, Measure):
        places = PLACES if measure.places is None else measure.places
    elif function is Function.COUNT_DISTINCT:
        places = 0
    return MeasureColumn(name=name, function=function, column=joins.column(column), places=places)


def plan_count(
    question: CountQuestion, scope: Scope, arguments: Mapping[str, Any], *, apart: bool = True
) -> AggregatePlan:
    """Return the plan of one call; `apart` is left out only where nothing is counted.

    Raises:
        Refusal: an argument cannot be a value of its column, or the compared periods overlap (`invalid_arguments`).
    """
    values = values_of(question.asked, arguments)
    periods = [values_of(period, arguments) for period in question.periods]
    if apart:
        _check_apart(question, periods)
    shape = question.shape_for(left_out_of(question.optional, arguments))
    for period in periods:
        values += period
    return AggregatePlan(
        shape=shape,
        scope=scope_tokens(shape, scope),
        values=tuple(values),
        joined=joined_tokens(shape.joins, question.joined, scope),
        time_ms=question.time_ms,
        settings=settings_of(question.row_security, scope),
    )


def _check_apart(question: CountQuestion, periods: list[list[str]]) -> None:
    """Refuse periods that share values: the rows in them would follow from the rest."""
    if not periods:
        return
    current, previous = (
        span_of(
            [(a.condition.operator, token) for a, token in zip(asked, tokens, strict=True)],
            asked[0].condition.column.type,
        )
        for asked, tokens in zip(question.periods, periods, strict=True)
    )
    if current.overlaps(previous):
        raise Refusal(Code.INVALID_ARGUMENTS, "The two periods overlap.")


def _periods(capability: AggregateCapability, joins: Joins) -> tuple[tuple[Asked, ...], ...]:
    compare = capability.compare
    if compare is None:
        return ()
    return tuple(
        tuple(
            asked_of(name, operator, values, capability, joins)
            for name, operator, values in terms({compare.column: getattr(compare.periods, period)})
        )
        for period in (CURRENT, PREVIOUS)
    )


def _group(name: str, group: str | Bucket, see: Callable[[str], Column]) -> GroupColumn:
    ((unit, column),) = units_of(group)
    zone = group.zone or "" if isinstance(group, Bucket) else ""
    return GroupColumn(name=name, column=see(column), unit=unit, zone=zone)


def _ordering(said: str) -> Ordering:
    name, _, part = said.removeprefix("-").partition(".")
    return Ordering(name=name, part=part, descending=said.startswith("-"))
