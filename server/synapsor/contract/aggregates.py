"""The rules of an aggregate: what is measured, grouped and compared is exact on every engine, and its names are its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from synapsor.contract.capability import AggregateCapability, names_row
from synapsor.contract.columns import column_problems, listed_once
from synapsor.contract.conditions import RANGES, Compare, constant, is_argument, terms
from synapsor.contract.document import Path, Positions
from synapsor.contract.filters import compared_problems, token_of
from synapsor.contract.mapping import RANGED, ColumnRule, Table
from synapsor.contract.measures import (
    BUCKETED,
    GROUPED,
    TAKES,
    Bucket,
    Comparison,
    Function,
    Measure,
    Unit,
    functions_of,
    units_of,
)
from synapsor.contract.paths import rule_at, tables_read
from synapsor.contract.rules import suggest
from synapsor.contract.spans import Span, span_of
from synapsor.contract.zones import is_zone
from synapsor.errors import Problem
from synapsor.values import ColumnType, ValueUnfit

_PART: Final = "."


def aggregate_problems(
    path: Path, capability: AggregateCapability, table: Table, tables: Mapping[str, Table], at: Positions
) -> Iterator[Problem]:
    """Yield what is wrong with an aggregate beside its filters and arguments; `tables` are those that its paths may lead to."""
    yield from _Aggregate(path, capability, table, tables, at).problems()


@dataclass(frozen=True, slots=True)
class _Aggregate:
    path: Path
    capability: AggregateCapability
    table: Table
    tables: Mapping[str, Table]
    at: Positions

    def _column(self, here: Path, path: str) -> Iterator[Problem]:
        yield from column_problems(here, path, self.table, self.at, self.tables)

    def _rule(self, path: str) -> ColumnRule | None:
        return rule_at(path, self.table, self.tables)

    def problems(self) -> Iterator[Problem]:
        for name, measure in self.capability.measures.items():
            yield from self._measure((*self.path, "measures", name), measure)
        for name, group in self.capability.group.items():
            yield from self._group((*self.path, "group", name), group)
            if name in self.capability.measures:
                message = f"`{name}` is a measure, too."
                yield self.at.at_key((*self.path, "group", name), "SYN605", message, "Rename one of them.")
        yield from self._names()
        if self.capability.compare is not None:
            yield from self._compare((*self.path, "compare"), self.capability.compare)
        yield from self._order()
        if names_row(self.capability, self.table):
            message = "A where that names the whole key leaves one row, of which nothing may be told."
            yield self.at.at_key((*self.path, "where"), "SYN609", message, "Read the row instead.")

    def _measure(self, here: Path, measure: str | Measure) -> Iterator[Problem]:
        if isinstance(measure, str):
            return
        named = functions_of(measure)
        if len(named) != 1:
            fix = "Write `count`, or one function such as `{sum: column}`."
            yield self.at.at_value(here, "SYN601", "A measure is one function of one column.", fix)
        if measure.places is not None and measure.avg is None:
            message = "Only an average is rounded, so `places` belongs to `avg`."
            yield self.at.at_key((*here, "places"), "SYN601", message, "Remove it.")
        for function, column in named:
            place = (*here, function.value)
            found, rule = list(self._column(place, column)), self._rule(column)
            yield from found
            if not found and rule is not None and rule.type not in TAKES[function]:
                message = f"`{column}` is {rule.type.value}, of which databases do not agree on the {function.value}."
                yield self.at.at_value(place, "SYN602", message, f"It takes {_words(TAKES[function])}.")

    def _group(self, here: Path, group: str | Bucket) -> Iterator[Problem]:
        named = units_of(group)
        if len(named) != 1:
            fix = "Write a column, or one unit such as `{month: column}`."
            yield self.at.at_value(here, "SYN603", "A group is one column or one stretch of time.", fix)
        for unit, column in named:
            place = here if unit is None else (*here, unit.value)
            found, rule = list(self._column(place, column)), self._rule(column)
            yield from found
            if not found and rule is not None:
                yield from self._grouped(here, place, unit, column, rule.type)
        if isinstance(group, Bucket) and len(named) == 1:
            yield from self._zone(here, group, named[0][1])

    def _grouped(self, here: Path, place: Path, unit: Unit | None, column: str, kind: ColumnType) -> Iterator[Problem]:
        if unit is None and kind not in GROUPED:
            fix = "Write a unit, such as `{month: …}`." if kind in BUCKETED else f"It takes {_words(GROUPED)}."
            yield self.at.at_value(here, "SYN603", f"`{column}` is {kind.value}, and makes no groups.", fix)
        elif unit is not None and kind not in BUCKETED:
            message = f"`{column}` is {kind.value}, and not a time."
            yield self.at.at_value(place, "SYN603", message, f"It takes {_words(BUCKETED)}.")
        elif unit is Unit.HOUR and kind is ColumnType.DATE:
            yield self.at.at_value(place, "SYN603", f"`{column}` is a date, which has no hours.", "Write `day`.")

    def _zone(self, here: Path, bucket: Bucket, column: str) -> Iterator[Problem]:
        rule = self._rule(column)
        if rule is None or rule.denied or rule.type not in BUCKETED:
            return
        if rule.type is not ColumnType.TIMESTAMPTZ:
            if bucket.zone is not None:
                message = f"`{column}` is {rule.type.value}, which is read by no zone's clock."
                yield self.at.at_key((*here, "zone"), "SYN604", message, "Remove it.")
        elif bucket.zone is None:
            message = f"`{column}` is an instant, which is another hour and day in every zone."
            yield self.at.at_value(here, "SYN604", message, "Add `zone:`, such as UTC or Europe/Berlin.")
        elif not is_zone(bucket.zone):
            message = f"`{bucket.zone}` is not a time zone that this machine knows."
            fix = "Write an IANA name, such as Europe/Berlin; if it is one, install tzdata."
            yield self.at.at_value((*here, "zone"), "SYN604", message, fix)

    def _names(self) -> Iterator[Problem]:
        """The model reads the names of groups and measures, so they may not be those of what is hidden, also behind links."""
        read = [self.tables[n] for n in tables_read(self.capability, self.capability.table, self.tables)]
        hidden = {n for t in read for n in (*t.scope, *(n for n, rule in t.columns.items() if rule.denied))}
        for part in ("group", "measures"):
            for name in getattr(self.capability, part):
                if name in hidden:
                    message = f"The model would read `{name}` here."
                    yield self.at.at_key((*self.path, part, name), "SYN309", message, "Use another name.")

    def _compare(self, here: Path, compare: Comparison) -> Iterator[Problem]:
        column = compare.column
        found, rule = list(self._column((*here, "column"), column)), self._rule(column)
        yield from found
        if found or rule is None:
            return
        if rule.type not in RANGED:
            message = f"`{column}` is {rule.type.value}, which has no periods."
            yield self.at.at_value((*here, "column"), "SYN607", message, f"It takes {_words(RANGED)}.")
            return
        spans = []
        for name in ("current", "previous"):
            said: Compare = getattr(compare.periods, name)
            place = (*here, "periods", name)
            yield from compared_problems(place, column, said, rule, self.at)
            for _, operator, _ in terms({column: said}):
                if operator not in RANGES:
                    message = "A period begins and ends, and says nothing else."
                    fix = "Write `at_least`, `above`, `at_most` or `below`."
                    yield self.at.at_key((*place, operator.value), "SYN607", message, fix)
            spans.append(_fixed_span(column, said, rule))
        current, previous = spans
        if current is not None and previous is not None and current.overlaps(previous):
            message = "The periods overlap, so that what they share could be computed."
            yield self.at.at_key((*here, "periods"), "SYN608", message, "Let one begin where the other ends.")

    def _order(self) -> Iterator[Problem]:
        listed = self.capability.order
        if listed and not self.capability.group:
            yield self.at.at_key((*self.path, "order"), "SYN606", "Without `group` there is one result.", "Remove it.")
        known = (*self.capability.group, *self.capability.measures)
        for index, said in enumerate(listed):
            here = (*self.path, "order", index)
            name, _, part = said.removeprefix("-").partition(_PART)
            if name not in known:
                message = f"`{name}` is neither a group nor a measure."
                yield self.at.at_value(here, "SYN606", message, suggest(name, known))
            elif part and (self.capability.compare is None or name in self.capability.group):
                yield self.at.at_value(here, "SYN606", f"`{name}` has no `{part}`.", f"Write `{name}`.")
            elif part == "change" and not self._has_change(name):
                yield self.at.at_value(here, "SYN606", f"`{name}` is no number, and has no change.", "Remove it.")
        yield from listed_once((*self.path, "order"), (o.removeprefix("-") for o in listed), self.at)

    def _has_change(self, name: str) -> bool:
        return has_change(self.capability.measures[name], self.table, self.tables)


def has_change(measure: str | Measure, table: Table, tables: Mapping[str, Table]) -> bool:
    """Tell whether a measure is a number, of which the previous one can be taken away."""
    if isinstance(measure, str):
        return True
    return all(
        function not in {Function.MIN, Function.MAX} or rule.type in TAKES[Function.SUM]
        for function, column in functions_of(measure)
        if (rule := rule_at(column, table, tables)) is not None
    )


def _fixed_span(column: str, said: Compare, rule: ColumnRule) -> Span | None:
    """Return the span of a period that no argument stands in, else None."""
    limits = []
    for _, operator, values in terms({column: said}):
        if operator not in RANGES or is_argument(values[0]):
            return None
        try:
            limits.append((operator, token_of(constant(values[0]), rule, operator)))
        except ValueUnfit:
            return None
    return span_of(limits, rule.type)


def _words(kinds: frozenset[ColumnType]) -> str:
    return ", ".join(kind.value for kind in ColumnType if kind in kinds)
