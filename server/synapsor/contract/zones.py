"""Time zones as data: from which instant on which offset holds, so that no engine has to know any zone itself.

All engines count with the same table, made here from this machine's IANA data for 1900 to 2099; before and after, the offset of that end
holds.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

_NOT_IANA: Final = frozenset({"localtime", "Factory", "posixrules"})
_FIRST: Final = dt.datetime(1900, 1, 1, tzinfo=dt.UTC)
_LAST: Final = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
# No zone of the IANA data has changed its offset twice within three days; Freetown took four, in 1939.
_STEP: Final = 3 * 86_400


def is_zone(name: str) -> bool:
    """Tell whether this machine knows an IANA zone of this name."""
    return name in _zones()


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - _NOT_IANA


@cache
def offsets(name: str) -> tuple[tuple[int, int], ...]:
    """Return (instant, offset) pairs in seconds, in order: from that instant on, that offset holds. The first holds before, too.

    Raises:
        ZoneInfoNotFoundError: there is no such zone.
    """
    zone = ZoneInfo(name)
    low, end = int(_FIRST.timestamp()), int(_LAST.timestamp())
    found = [(low, _offset(zone, low))]
    while low < end:
        high = min(low + _STEP, end)
        if _offset(zone, high) != found[-1][1]:
            at = _change(zone, low, high)
            found.append((at, _offset(zone, at)))
        low = high
    return tuple(found)


def _change(zone: ZoneInfo, low: int, high: int) -> int:
    """Return the first second with another offset than that of `low`."""
    before = _offset(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, middle) == before:
            low = middle
        else:
            high = middle
    return high


def _offset(zone: ZoneInfo, instant: int) -> int:
    offset = dt.datetime.fromtimestamp(instant, zone).utcoffset()
    assert offset is not None  # noqa: S101  # every zone has one at every instant
    return offset.days * 86_400 + offset.seconds
