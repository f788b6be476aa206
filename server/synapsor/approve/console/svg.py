"""Bar charts as SVG that a server draws: no script, no inline style, and the same numbers as a table beside them.

Bars are told apart by their place and pattern and not by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 720
HEIGHT: Final = 180
_LEFT: Final = 44
_BOTTOM: Final = 24
_TOP: Final = 10
_STEPS: Final = 4
_FEW: Final = 8
_GAP: Final = 0.28


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
class Chart:
    """A chart made ready to be drawn.

    Attributes:
        empty: there is nothing to draw.
    """

    title: str
    unit: str
    days: tuple[str, ...]
    series: tuple[Series, ...]
    bars: tuple[Bar, ...]
    scale: tuple[Tick, ...]
    under: tuple[Tick, ...]
    empty: bool


def chart(title: str, unit: str, days: Sequence[str], series: Sequence[Series]) -> Chart:
    """Return a chart of days, with the bars of each day side by side."""
    top = _round_up(max((value for one in series for value in one.values if value is not None), default=0.0))
    room = (WIDTH - _LEFT) / max(1, len(days))
    wide = room * (1 - _GAP) / max(1, len(series))
    bars = tuple(
        _bar(one, number, day, words, value, top=top, room=room, wide=wide, unit=unit)
        for number, one in enumerate(series)
        for day, (words, value) in enumerate(zip(days, one.values, strict=True))
        if value
    )
    every = max(1, -(-len(days) // _FEW))
    return Chart(
        title=title,
        unit=unit,
        days=tuple(days),
        series=tuple(series),
        bars=bars,
        scale=tuple(Tick(at=_height(top * n / _STEPS, top), words=f"{top * n / _STEPS:g}") for n in range(_STEPS + 1)),
        under=tuple(Tick(at=_LEFT + room * (n + 0.5), words=day[5:]) for n, day in enumerate(days) if n % every == 0),
        empty=not bars,
    )


def _bar(
    one: Series, number: int, day: int, words: str, value: float, *, top: float, room: float, wide: float, unit: str
) -> Bar:
    y = _height(value, top)
    return Bar(
        x=round(_LEFT + room * day + room * _GAP / 2 + wide * number, 2),
        y=y,
        width=round(wide, 2),
        height=round(HEIGHT - _BOTTOM - y, 2),
        kind=one.kind,
        words=f"{words}: {value:g} {unit} {one.name}".strip(),
    )


def _height(value: float, top: float) -> float:
    return round(_TOP + (HEIGHT - _BOTTOM - _TOP) * (1 - (value / top if top else 0)), 2)


def _round_up(value: float) -> float:
    """Return the next round number that four steps of a scale divide well."""
    size = 4.0
    while size < value:
        size *= 2 if str(size)[0] in "48" else 2.5
    return size
