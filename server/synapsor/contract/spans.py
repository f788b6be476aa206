"""Spans of ordered values: whether two of them share one. Rows that two compared periods share would tell the others apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from synapsor.contract.conditions import Operator
from synapsor.values import ColumnType

_LOWS = frozenset({Operator.AT_LEAST, Operator.ABOVE})
_INCLUSIVE = frozenset({Operator.AT_LEAST, Operator.AT_MOST})


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The values from `low` to `high`; without an end where that is None."""

    low: Any = None
    with_low: bool = False
    high: Any = None
    with_high: bool = False

    def overlaps(self, other: Span) -> bool:
        """Tell whether there may be a value in both."""
        return _begins_in(self, other) and _begins_in(other, self)


def span_of(limits: Iterable[tuple[Operator, str]], kind: ColumnType) -> Span:
    """Return the span that comparisons with tokens of a type leave."""
    low: tuple[Any, bool] = (None, False)
    high: tuple[Any, bool] = (None, False)
    for operator, token in limits:
        end = (_value(token, kind), operator in _INCLUSIVE)
        if operator in _LOWS:
            low = end
        else:
            high = end
    return Span(low=low[0], with_low=low[1], high=high[0], with_high=high[1])


def _begins_in(one: Span, other: Span) -> bool:
    """Tell whether `one` begins before `other` has ended."""
    if one.low is None or other.high is None:
        return True
    return bool(one.low < other.high) or (one.low == other.high and one.with_low and other.with_high)


def _value(token: str, kind: ColumnType) -> Any:
    """Return what a token is ordered by; the tokens of dates and instants are in order as they are."""
    if kind is ColumnType.INTEGER:
        return int(token)
    return Decimal(token) if kind is ColumnType.NUMERIC else token
