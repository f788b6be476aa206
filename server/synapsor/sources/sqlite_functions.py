"""What a SQLite session is given beside what SQLite has, so that it counts as exactly as the other engines do.

A value that is not stored as its reviewed type raises, which ends the statement; nothing is rounded, cut or taken for nought.
"""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any

from synapsor.core.buckets import FIRST
from synapsor.sources.sqlite_order import decimals_by_value, moments_by_value
from synapsor.sql.aggregate import EXACT_SUM
from synapsor.sql.buckets import MONTHS, SECONDS
from synapsor.sql.tokens import DECIMAL_ORDER, MOMENT_ORDER
from synapsor.values import ValueUnfit

NAMES = frozenset({EXACT_SUM, MONTHS, SECONDS})
"""The functions, for the authorizer."""

_EXACT = Context(prec=10_000, traps=[Inexact, InvalidOperation])
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001  # a clock's reading, of no zone
_STAMP = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[ T]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?(Z|\+00(?::?00)?)?)?\Z",
    re.ASCII,
)


def install(connection: sqlite3.Connection) -> None:
    """Give a session its functions and its orders."""
    connection.create_collation(DECIMAL_ORDER, decimals_by_value)
    connection.create_collation(MOMENT_ORDER, moments_by_value)
    connection.create_function(SECONDS, 2, seconds, deterministic=True)
    connection.create_function(MONTHS, 1, months, deterministic=True)
    connection.create_aggregate(EXACT_SUM, 1, ExactSum)  # type: ignore[arg-type]  # typeshed asks for a sum that is a number


def seconds(stored: Any, zoned: int) -> int | None:
    """Return the seconds since 1970 of a stored date or timestamp; an instant may say that it is in UTC, and nothing else may.

    Raises:
        ValueUnfit: it is stored as something else.
    """
    if stored is None:
        return None
    found = _STAMP.match(stored) if type(stored) is str else None
    if found is None or (found[7] and not zoned):
        raise ValueUnfit("not stored as a time")
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    if year == 0:
        return FIRST - 1
    try:
        moment = dt.datetime(year, month, day, hour, minute, second)  # noqa: DTZ001  # as above
    except ValueError:
        raise ValueUnfit("not a time") from None
    since = moment - _EPOCH
    return since.days * 86_400 + since.seconds


def months(days: Any) -> int | None:
    """Return the months since the year 0 of a number of days since 1970."""
    if days is None:
        return None
    date = dt.date.fromordinal(min(max(_EPOCH.toordinal() + int(days), 1), dt.date.max.toordinal()))
    return date.year * 12 + date.month - 1


class ExactSum:
    """The sum of integers and decimals, as text; nothing for no value."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._total: Decimal | None = None

    def step(self, stored: Any) -> None:
        """Add a value.

        Raises:
            ValueUnfit: it is not stored as a number.
        """
        if stored is None:
            return
        try:
            number = Decimal(repr(stored) if type(stored) is float else stored)
        except (InvalidOperation, TypeError, ValueError):
            raise ValueUnfit("not stored as a number") from None
        self._total = number if self._total is None else _EXACT.add(self._total, number)

    def finalize(self) -> str | None:
        """Return the sum in plain digits."""
        return None if self._total is None else format(self._total, "f")
