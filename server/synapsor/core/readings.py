"""What a value says to the eye: amounts with their decimal point, instants with their distance, lengths in words.

A reading stands beside the exact value and never instead of it. Amounts and lengths are exact; distances are cut to two units.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, localcontext
from typing import Final

from synapsor.core.plain import span
from synapsor.core.words import many
from synapsor.values import ColumnType, Token

_HUNDREDTHS: Final = frozenset(
    "cent cents penny pence centime centimes centavo centavos paisa paise kopeck kopecks grosz groszy rappen øre öre".split()  # noqa: SIM905  # as a list it would be a page
)
_BASIS: Final = frozenset({"basis points", "basis point", "bps", "bp"})
_SECONDS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 0),
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3600),
}
_NEXT: Final[Mapping[int, int]] = {1: 60, 60: 3600, 3600: 86_400}
_BYTES: Final = frozenset({"byte", "bytes"})
_CURRENCY: Final = re.compile(r"[A-Z]{3}\Z")
_GROUPED_FROM: Final = 10_000
_PLAIN: Final = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?\Z")
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_EXACT = Context(prec=400, traps=[Inexact, InvalidOperation, Overflow])


def reading_of(token: str, kind: ColumnType, unit: str | None, now: dt.datetime) -> str | None:
    """Return what a value says to the eye, or None where it says no more than its text."""
    reader = _READERS.get(kind)
    try:
        if kind in {ColumnType.INTEGER, ColumnType.NUMERIC}:
            return amount(token, unit) if unit else None
        return reader(token, now) if reader else None
    except (ValueError, OverflowError):  # infinity, a day before Christ, or a text that is no instant
        return None


def amount(token: str, unit: str) -> str | None:
    """Return a number as what it counts: `5500` cents are `55.00`; None where the unit says no more than it does."""
    if not _PLAIN.match(token):
        return None
    number = Decimal(token)
    words = unit.split()
    hundredths = [word for word in words if word.lower() in _HUNDREDTHS]
    if hundredths:
        rest = [word for word in words if word not in hundredths and _CURRENCY.match(word)]
        return " ".join((_grouped(_hundredth(number)), *rest[:1]))
    if unit.lower() in _BASIS:
        return f"{_grouped(_hundredth(number))} %"
    if unit.lower() in _SECONDS:
        return _long(number, unit.lower())
    if unit.lower() in _BYTES:
        return _large(number)
    return f"{_grouped(number)} {unit}" if abs(number) >= _GROUPED_FROM else None


def zone_of(token: str, kind: ColumnType) -> str | None:
    """Return the zone that the text of an instant is in: `UTC`, an offset, or `none`."""
    if kind is ColumnType.TIMESTAMP:
        return "none"
    if kind is not ColumnType.TIMESTAMPTZ:
        return None
    try:
        offset = dt.datetime.fromisoformat(token).utcoffset()
    except ValueError:
        return None
    if offset is None:
        return "none"
    return "UTC" if not offset else token[max(token.rfind("+"), token.rfind("-")) :]


def apart(before: Token, after: Token, kind: ColumnType) -> str | None:
    """Return how much later or earlier one instant is than another, in words; None where nothing can be told."""
    if before is None or after is None or kind not in _INSTANTS:
        return None
    try:
        one, other = (dt.datetime.fromisoformat(token) for token in (before, after))
        gap = other - one
    except (ValueError, TypeError, OverflowError):  # a text that is no instant, or one with a zone and one without
        return None
    words = many(abs(gap.days), "day") if kind is ColumnType.DATE else _parts(abs(gap))
    return f"{words} {'later' if gap > dt.timedelta() else 'earlier'}" if gap else None


def _hundredth(number: Decimal) -> Decimal:
    with localcontext(_EXACT):
        return number.scaleb(-2)


def _grouped(number: Decimal) -> str:
    with localcontext(_EXACT):
        return format(number, ",f")


def _long(number: Decimal, unit: str) -> str | None:
    """Return a length of time in its parts; of one that is shorter than the next unit there is nothing to say."""
    with localcontext(_EXACT):
        seconds = number * _SECONDS[unit] if _SECONDS[unit] else number.scaleb(-3)
        if not _SECONDS[unit]:
            return f"{_grouped(seconds)} s" if abs(seconds) >= 1 else None
        if seconds != int(seconds) or abs(seconds) < _NEXT[_SECONDS[unit]]:
            return None
    return ("-" if seconds < 0 else "") + _parts(dt.timedelta(seconds=abs(int(seconds))))


def _parts(length: dt.timedelta) -> str:
    """Return a length of time in its parts, exactly."""
    days, hours, minutes = length.days, length.seconds // 3600, length.seconds // 60 % 60
    seconds = Decimal(length.seconds % 60) + Decimal(length.microseconds).scaleb(-6).normalize()
    named = ((Decimal(days), "d"), (Decimal(hours), "h"), (Decimal(minutes), "min"), (seconds, "s"))
    return " ".join(f"{count:,f} {name}" for count, name in named if count)


def _large(number: Decimal) -> str | None:
    for power, name in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if abs(number) >= 1024**power:
            return f"about {number / 1024**power:,.1f} {name}"
    return None


def _moment(token: str, now: dt.datetime) -> str | None:
    moment = dt.datetime.fromisoformat(token)
    if moment.tzinfo is None:  # nobody knows which instant that is
        return None
    return f"in {span(moment - now)}" if moment > now else f"{span(now - moment)} ago"


def _day(token: str, now: dt.datetime) -> str:
    day = dt.date.fromisoformat(token)
    away = (day - now.astimezone(dt.UTC).date()).days
    near = {-1: "yesterday", 0: "today", 1: "tomorrow"}
    far = f"in {many(away, 'day')}" if away > 0 else f"{many(-away, 'day')} ago"
    return f"{_DAYS[day.weekday()]}, {near.get(away, far)}"


def _truth(token: str, _now: dt.datetime) -> str | None:
    return {"1": "true", "t": "true", "0": "false", "f": "false"}.get(token)


def _size(token: str, _now: dt.datetime) -> str:
    return many(len(bytes.fromhex(token.removeprefix("\\x"))), "byte")


_INSTANTS: Final = frozenset({ColumnType.DATE, ColumnType.TIMESTAMP, ColumnType.TIMESTAMPTZ})
_READERS: Final[Mapping[ColumnType, Callable[[str, dt.datetime], str | None]]] = {
    ColumnType.BOOLEAN: _truth,
    ColumnType.DATE: _day,
    ColumnType.TIMESTAMPTZ: _moment,
    ColumnType.BYTES: _size,
}
