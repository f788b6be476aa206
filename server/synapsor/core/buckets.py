"""Stretches of time by number, as an engine counts them, and the text by which they are told: ISO 8601 as far as it goes.

Days are counted from 1970-01-01, weeks from its Monday (1969-12-29), months from January of the year 0. An hour is counted from
1970-01-01T00 by its own clock, and carries the clock's offset, so that the hour which comes twice when a clock is put back is two.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from synapsor.contract.measures import Unit
from synapsor.values import ValueUnfit

HOUR: Final = 3600
DAY: Final = 86_400
FIRST: Final = -62_135_596_800
LAST: Final = 253_402_300_799
"""The first and the last second of what can be told: the years 1 to 9999."""

LATER: Final = 2**52
"""The number of all that is later, or infinite; minus this, of all that is earlier."""

HOUR_STEP: Final = 1_000_000
OFFSET_ZERO: Final = 500_000
"""An hour's number is `hour * HOUR_STEP + offset + OFFSET_ZERO`, with the offset in seconds."""

_EPOCH: Final = dt.date(1970, 1, 1).toordinal()
_MONTHS: Final = 12
_PER_QUARTER: Final = 3


def moment_of(unit: Unit, number: int) -> int:
    """Return what stretches of one unit are ordered by; of an hour that comes twice, the first one first."""
    if unit is not Unit.HOUR or abs(number) == LATER:
        return number
    hour, offset = _hour(number)
    return hour * HOUR - offset


def text_of(unit: Unit, number: int, *, zoned: bool) -> str:
    """Return how a stretch of time is told.

    Raises:
        ValueUnfit: it is no stretch that can be.
    """
    if abs(number) == LATER:
        return "later" if number > 0 else "earlier"
    try:
        return _TEXTS[unit](number, zoned)
    except (OverflowError, ValueError):
        raise ValueUnfit("not a stretch of time") from None


def _hour(number: int) -> tuple[int, int]:
    hour, rest = divmod(number, HOUR_STEP)
    return hour, rest - OFFSET_ZERO


def _by_hour(number: int, zoned: bool) -> str:
    hour, offset = _hour(number)
    days, hours = divmod(hour, DAY // HOUR)
    told = f"{_date(days).isoformat()}T{hours:02}:00"
    if not zoned:
        return told
    at = dt.time(tzinfo=dt.timezone(dt.timedelta(seconds=offset)))
    return told + at.isoformat()[len("00:00:00") :]


def _by_day(number: int, _: bool) -> str:
    return _date(number).isoformat()


def _by_week(number: int, _: bool) -> str:
    year, week, _day = _date(max(number * 7 - 3, 1 - _EPOCH)).isocalendar()
    return f"{year:04}-W{week:02}"


def _by_month(number: int, _: bool) -> str:
    year, month = divmod(number, _MONTHS)
    return f"{year:04}-{month + 1:02}"


def _by_quarter(number: int, _: bool) -> str:
    year, quarter = divmod(number, _MONTHS // _PER_QUARTER)
    return f"{year:04}-Q{quarter + 1}"


def _by_year(number: int, _: bool) -> str:
    return f"{number:04}"


def _date(days: int) -> dt.date:
    return dt.date.fromordinal(days + _EPOCH)


_TEXTS = {
    Unit.HOUR: _by_hour,
    Unit.DAY: _by_day,
    Unit.WEEK: _by_week,
    Unit.MONTH: _by_month,
    Unit.QUARTER: _by_quarter,
    Unit.YEAR: _by_year,
}
