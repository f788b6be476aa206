"""The page of charts: how much is asked for, how long it waits for a person, and how often it came too late."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from synapsor.approve.console.room import Room
from synapsor.approve.console.svg import TIMES, Series, chart, lasting
from synapsor.approve.console.visit import Visit, page
from synapsor.core.moment import parse, stamp
from synapsor.core.overview import Decided, Tallies

SPANS: Final = (7, 30, 90)


def routes(room: Room) -> Iterable[Route]:
    """Return the page."""
    yield page(room, "/charts", _charts)


async def _charts(visit: Visit) -> Response:
    wanted = visit.whole_number("days")
    span = wanted if wanted in SPANS else SPANS[1]
    first = (visit.now - dt.timedelta(days=span - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [(first + dt.timedelta(days=n)).date().isoformat() for n in range(span)]
    tallies = await visit.room.overview.tallies(since=stamp(first))
    by_people = [one for one in tallies.decided if not one.by_policy]
    waits = [_waited(one) for one in by_people]
    return await visit.page(
        "charts.html",
        spans=SPANS,
        span=span,
        cut=tallies.cut,
        charts=[
            chart("Proposals and decisions", days, _volume(tallies, days)),
            chart("Time until a person decided", days, _times(by_people, days), measure=TIMES),
            chart("Outcomes in the source", days, _ends(tallies, days)),
        ],
        filed=sum(tallies.filed.values()),
        decided=len(by_people),
        by_policy=len(tallies.decided) - len(by_people),
        median=lasting(median(waits)) if waits else None,
        conflicts=sum(ended.get("conflict", 0) for ended in tallies.ended.values()),
    )


def _volume(tallies: Tallies, days: list[str]) -> list[Series]:
    counts: dict[str, dict[str, float]] = {"approve": {}, "reject": {}, "policy": {}}
    for one in tallies.decided:
        of = counts["policy" if one.by_policy else one.verdict]
        of[one.at[:10]] = of.get(one.at[:10], 0) + 1
    return [
        Series(name="filed", kind="filed", values=_of(tallies.filed, days)),
        Series(name="approved", kind="good", values=_of(counts["approve"], days)),
        Series(name="rejected", kind="bad", values=_of(counts["reject"], days)),
        Series(name="approved by policy", kind="policy", values=_of(counts["policy"], days)),
    ]


def _times(decided: list[Decided], days: list[str]) -> list[Series]:
    by_day: dict[str, list[float]] = {}
    for one in decided:
        by_day.setdefault(one.at[:10], []).append(_waited(one))
    middle = {day: median(found) for day, found in by_day.items()}
    longest = {day: max(found) for day, found in by_day.items()}
    return [
        Series(name="median", kind="filed", values=_of(middle, days)),
        Series(name="longest", kind="policy", values=_of(longest, days)),
    ]


def _ends(tallies: Tallies, days: list[str]) -> list[Series]:
    def of(*statuses: str) -> dict[str, float]:
        sums = {day: sum(ended.get(one, 0) for one in statuses) for day, ended in tallies.ended.items()}
        return {day: count for day, count in sums.items() if count}

    return [
        Series(name="applied", kind="good", values=_of(of("applied"), days)),
        Series(name="conflicts", kind="bad", values=_of(of("conflict"), days)),
        Series(
            name="failed or to be looked at", kind="policy", values=_of(of("failed", "reconciliation_required"), days)
        ),
    ]


def _of(counts: Mapping[str, float], days: list[str]) -> tuple[float | None, ...]:
    return tuple(counts.get(day) for day in days)


def _waited(one: Decided) -> float:
    return (parse(one.at) - parse(one.filed)).total_seconds()
