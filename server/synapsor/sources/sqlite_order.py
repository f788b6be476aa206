"""How SQLite sessions compare what is text there and a number or a moment elsewhere: by value, so that every engine orders alike."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, InvalidOperation

_NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)


def decimals_by_value(one: str, other: str) -> int:
    """Compare two decimals that are written as text, exactly; NaN comes last, as in Postgres, and what is no number before all."""
    first, second = _rank(one), _rank(other)
    return (first > second) - (first < second)


def moments_by_value(one: str, other: str) -> int:
    """Compare two timestamps that are written as text; one without a zone is in UTC, and what is no timestamp comes before all."""
    first, second = _moment(one), _moment(other)
    return (first > second) - (first < second)


def _moment(text: str) -> tuple[dt.datetime, str]:
    try:
        moment = dt.datetime.fromisoformat(text)
        return (moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)), ""
    except (ValueError, OverflowError):
        return _NEVER, text


def _rank(text: str) -> tuple[int, Decimal, str]:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return 0, Decimal(0), text
    return (2, Decimal(0), "") if number.is_nan() else (1, number, "")
