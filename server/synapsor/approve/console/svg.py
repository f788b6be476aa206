"""Bar charts as SVG that a server draws: no script, no inline style, and the same numbers as a table beside them.

Bars are told apart by their place and pattern and not by colour alone.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from synapsor.core.plain import span

_TOP: Final = 16
_STEPS: Final = 4
_GAP: Final = 0.28
_LEAST: Final = 2.0
"""How high the smallest bar is: what is there is seen."""
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_TOPS_OF_TIME: Final = (
    *(4, 8, 20, 40),
    *(_MINUTE * n for n in (1, 2, 4, 8, 20, 40)),
    *(_HOUR * n for n in (1, 2, 4, 8, 12)),
    *(_DAY * n for n in (1, 2, 4, 8)),
)
"""What scales of time end with; a quarter of each is a round number of a unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What bars are measured in: how a number is said, and the round number that a scale ends with."""

    words: Callable[[float], str]
    top: Callable[[float], float]


def counted(value: float) -> str:
    """Return a count, or an average of counts, in words."""
    return f"{value:,.1f}".removesuffix(".0")


def lasting(seconds: float) -> str:
    """Return a length of time in words, such as `12 s`, `3 min` or `2 h`."""
    if seconds < 1:
        return "under 1 s" if seconds else "0 s"
    return span(dt.timedelta(seconds=seconds)).removesuffix(" 0 min").removesuffix(" 0 h")


def _top_of_counts(value: float) -> float:
    """Return the next round number that four steps of a scale divide well."""
    size = 4.0
    while size < value:
        size *= 2 if str(size)[0] in "48" else 2.5
    return size


def _top_of_time(seconds: float) -> float:
    at = bisect_left(_TOPS_OF_TIME, seconds)
    return _TOPS_OF_TIME[at] if at < len(_TOPS_OF_TIME) else _top_of_counts(seconds / _DAY) * _DAY


COUNTS: Final = Measure(words=counted, top=_top_of_counts)
TIMES: Final = Measure(words=lasting, top=_top_of_time)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One kind of bar: what it counts, the class that colours it, and a number for each day; None where there is none."""

    name: str
    kind: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar, where it stands and what it says."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A line of the scale, or a day under it."""

    at: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """How large a drawing is, what stands left of it, and how many days it names at the most."""

    name: str
    width: int
    height: int
    left: int
    days: int

    @property
    def floor(self) -> int:
        """Where bars stand."""
        return self.height - 24


FRAMES: Final = (
    Frame(name="wide", width=720, height=180, left=76, days=8),
    Frame(name="narrow", width=320, height=180, left=72, days=4),
)
"""For a desk and for a telephone: letters are drawn about as large as they are read, and a page shows the one that fits it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A chart laid out in a frame."""

    frame: Frame
    bars: tuple[Bar, ...]
    scale: tuple[Tick, ...]
    under: tuple[Tick, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart made ready to be drawn, with the same numbers in words: `rows` are the days, the last one first.

    Attributes:
        empty: there is nothing to draw.
    """

    title: str
    series: tuple[Series, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    drawings: tuple[Drawing, ...]
    empty: bool


def chart(title: str, days: Sequence[str], series: Sequence[Series], *, measure: Measure = COUNTS) -> Chart:
    """Return a chart of days, with the bars of each day side by side."""
    top = measure.top(max((value for one in series for value in one.values if value is not None), default=0.0))
    return Chart(
        title=title,
        series=tuple(series),
        rows=tuple(reversed([(day, _row(series, at, measure)) for at, day in enumerate(days)])),
        drawings=tuple(_drawing(frame, days, series, measure, top) for frame in FRAMES),
        empty=all(value is None for one in series for value in one.values),
    )


def _drawing(frame: Frame, days: Sequence[str], series: Sequence[Series], measure: Measure, top: float) -> Drawing:
    room = (frame.width - frame.left) / max(1, len(days))
    wide = room * (1 - _GAP) / max(1, len(series))
    bars = tuple(
        Bar(
            x=round(frame.left + room * (day + _GAP / 2) + wide * number, 2),
            y=(y := min(_height(value, top, frame), frame.floor - _LEAST)),
            width=round(wide, 2),
            height=round(frame.floor - y, 2),
            kind=one.kind,
            words=f"{words}: {one.name}, {measure.words(value)}",
        )
        for number, one in enumerate(series)
        for day, (words, value) in enumerate(zip(days, one.values, strict=True))
        if value is not None
    )
    every = max(1, -(-len(days) // frame.days))
    steps = [top * n / _STEPS for n in range(_STEPS + 1)]
    return Drawing(
        frame=frame,
        bars=bars,
        scale=tuple(Tick(at=_height(step, top, frame), words=measure.words(step)) for step in steps),
        under=tuple(
            Tick(at=frame.left + room * (n + 0.5), words=day[5:]) for n, day in enumerate(days) if n % every == 0
        ),
    )


def _row(series: Sequence[Series], at: int, measure: Measure) -> tuple[str, ...]:
    values = [one.values[at] for one in series]
    return tuple("\N{EN DASH}" if value is None else measure.words(value) for value in values)


def _height(value: float, top: float, frame: Frame) -> float:
    return round(_TOP + (frame.floor - _TOP) * (1 - value / top), 2)
