"""What a contract grants, in plain words: the one place where filters, values, bounds and limits are worded for a person."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from synapsor.contract.capability import (
    AggregateCapability,
    ProposeCapability,
)
from synapsor.contract.changes import Accepts, Bound, Computed, Range, SetTo
from synapsor.contract.conditions import Compare, Operator, Scalar, constant, is_argument, terms
from synapsor.contract.mapping import REVEALER, ColumnRule, Table
from synapsor.contract.measures import Bucket, functions_of, units_of

_SIGNS: Final = {
    Operator.EQUALS: "=",
    Operator.NOT: "is not",
    Operator.AT_LEAST: ">=",
    Operator.ABOVE: ">",
    Operator.AT_MOST: "<=",
    Operator.BELOW: "<",
    Operator.HAS_VALUE: "has a value",
    Operator.NO_VALUE: "has no value",
}
WORDS: Final = {
    Operator.EQUALS: "is",
    Operator.NOT: "is not",
    Operator.AT_LEAST: "is at least",
    Operator.ABOVE: "is more than",
    Operator.AT_MOST: "is at most",
    Operator.BELOW: "is less than",
    Operator.ONE_OF: "is one of",
    Operator.STARTS_WITH: "begins with",
    Operator.HAS_VALUE: "has a value",
    Operator.NO_VALUE: "has no value",
}
"""The same for those who do not read signs."""


def guarded(table: Table) -> Iterator[str]:
    """Yield which columns are not seen as they are, and what the database's own policies are told."""
    yield from (f"{name} {veiled(rule)}" for name, rule in table.hidden.items())
    if table.row_security is not None:
        yield f"row security is told {' and '.join(table.row_security.settings)}"


def veiled(rule: ColumnRule) -> str:
    """Return how a column that is not seen as it is is shown, and who may look behind it."""
    who = f", behind which {rule.reveal or REVEALER} may look" if rule.show == "token" else ""
    return f"is shown as {rule.show}{who}"


def computed(capability: AggregateCapability) -> Iterator[str]:
    """Yield what an aggregate tells, and of how few rows it tells nothing."""
    for name, measure in capability.measures.items():
        ((function, column),) = functions_of(measure)
        yield f"computes {name} = {function.value} of {column or 'rows'}"
    for name, group in capability.group.items():
        ((unit, column),) = units_of(group)
        zone = f" in {group.zone}" if isinstance(group, Bucket) and group.zone else ""
        yield f"by {name} = {unit.value + ' of ' if unit else ''}{column}{zone}"
    if capability.compare is not None:
        column, periods = capability.compare.column, capability.compare.periods
        for name in ("current", "previous"):
            yield f"{name} period: {' and '.join(comparisons({column: getattr(periods, name)}))}"
    few = capability.minimum_group
    yield f"tells nothing of fewer than {few} rows" if few > 1 else "tells of single rows: `minimum_group` is 1"


def comparisons(where: Mapping[str, Scalar | Compare], signs: Mapping[Operator, str] = _SIGNS) -> Iterator[str]:
    """Yield each comparison of a filter, in signs or in the words that are given."""
    for column, operator, values in terms(where):
        words = ", ".join(value_of(value) for value in values)
        sign = signs.get(operator, operator.value.replace("_", " "))
        yield f"{column} {sign} {words}".rstrip()


_MADE: Final = {
    "now": "the moment at which it is proposed",
    "principal": "the one who asks, as the session names them",
    "tenant": "the tenant of the session",
    "proposal": "the proposal's handle",
}


def set_to(value: SetTo) -> str:
    """Return what a column is set to, in words."""
    if not isinstance(value, Computed):
        return value_of(value)
    if value.from_ is not None:
        return _MADE[value.from_]
    return f"as it was {'+' if value.add is not None else '-'} {value_of(value.amount)}"


def reviewed_of(capability: ProposeCapability, table: Table) -> Iterator[str]:
    """Yield what else a reviewer grants or demands with a proposal."""
    if capability.members is not None:
        yield f"at most {capability.members.at_most} rows at once, all or none"
    for name, words in totals_of(capability, table).items():
        yield f"total of {name}: {words}"
    if capability.items is not None:
        yield f"a row of each item of {capability.items}"
    if capability.dedup:
        yield f"never a second row with the same {', '.join(capability.dedup)}"
    for name, steps in capability.transitions.items():
        allowed = "; ".join(f"from {one} to {' or '.join(others)}" for one, others in steps.items())
        yield f"{name} may go {allowed}"
    yield from (f"only if {words}" for words in comparisons(capability.requires, WORDS))
    if capability.unchanged:
        yield f"only while unchanged: {', '.join(capability.unchanged)}"
    yield from (f"with it {words}" for words in effects_of(capability))


def effects_of(capability: ProposeCapability) -> tuple[str, ...]:
    """Return what a delete is known to do beside."""
    known = capability.accepts or Accepts()
    fired = (f"the trigger {name} may fire" for name in known.triggers)
    return (*fired, *(f"rows of {name} may be removed or changed" for name in known.cascades))


def totals_of(capability: ProposeCapability, table: Table) -> dict[str, str]:
    """Return the bounds on the sums of a set, by column."""
    totals = capability.members.totals if capability.members else {}
    return {name: "; ".join(_held(bound, table.columns[name].unit or "")) for name, bound in totals.items()}


def value_of(value: Scalar) -> str:
    """Return an argument as `$name` and a constant as JSON, so that neither is taken for the other."""
    return str(value) if is_argument(value) else json.dumps(constant(value), ensure_ascii=False)


def bounds_of(capability: ProposeCapability, table: Table, changed: tuple[str, ...]) -> dict[str, str]:
    """Return the bounds in plain words, by column: of the changed ones first, then of others that `bounds` names."""
    bounds: dict[str, str] = {}
    for name in dict.fromkeys((*changed, *capability.bounds)):
        rule = table.columns[name]
        if words := "; ".join(_words(rule, capability.bounds.get(name), rule.unit or "")):
            bounds[name] = words
    return bounds


def _words(rule: ColumnRule, bound: Bound | None, unit: str) -> Iterator[str]:
    if bound is not None:
        yield from _held(bound, unit)
    yield from _limits("the column takes", rule.minimum, rule.maximum, unit)


def _held(bound: Bound, unit: str) -> Iterator[str]:
    yield from _span("before the change", bound.before, unit)
    yield from _span("after the change", bound.after, unit)
    yield from _span("difference", bound.change, unit)


def _span(which: str, limits: Range | None, unit: str) -> Iterator[str]:
    if limits is not None:
        yield from _limits(which, limits.at_least, limits.at_most, unit)


def _limits(which: str, low: int | None, high: int | None, unit: str) -> Iterator[str]:
    counted = f" {unit}" if unit else ""
    if low is not None and high is not None:
        yield f"{which} exactly {low}{counted}" if low == high else f"{which} from {low} to {high}{counted}"
    elif low is not None:
        yield f"{which} at least {low}{counted}"
    elif high is not None:
        yield f"{which} at most {high}{counted}"
