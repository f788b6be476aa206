"""Which channel hears what, and when it is left alone."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from synapsor.config.events import QUIETLY, Event, event_of
from synapsor.config.notify import Channel, Notify, Quiet
from synapsor.core.moment import stamp
from synapsor.notify.notice import Notice
from synapsor.notify.routing import FLOOD, batches, channels_of, is_quiet

NOW = dt.datetime(2026, 6, 1, 12, 0, tzinfo=dt.UTC)
WEBHOOK = {"url": "https://hooks.example.com/x", "secret": "${env:HOOK}"}


def notify(**fields: Any) -> Notify:
    given = {"channels": {"desk": {"webhook": WEBHOOK}, "team": {"slack": {"url": "${env:SLACK}"}}}, **fields}
    return Notify.model_validate(given, context={"root": Path("/srv")})


def channel(name: str = "team", **fields: Any) -> Channel:
    kinds = {"desk": {"webhook": WEBHOOK}, "team": {"slack": {"url": "${env:SLACK}"}}}
    return notify(channels={name: {**kinds[name], **fields}}).channels[name]


def notice(number: int = 1, **changed: Any) -> Notice:
    fields: dict[str, Any] = {
        "event": Event.FILED,
        "capability": "billing.note",
        "contract": "billing",
        "role": "lead",
        "risk": "low",
    }
    return Notice(**{"key": str(number), "at": stamp(NOW), **fields, **changed})


@pytest.mark.parametrize(
    ("route", "goes"),
    [
        ({}, True),
        ({"events": ["filed", "applied"]}, True),
        ({"events": ["applied"]}, False),
        ({"capabilities": ["billing.note"]}, True),
        ({"capabilities": ["billing.other"]}, False),
        ({"contracts": ["billing"]}, True),
        ({"contracts": ["shop"]}, False),
        ({"roles": ["lead"]}, True),
        ({"roles": ["boss"]}, False),
        ({"risks": ["low", "high"]}, True),
        ({"risks": ["high"]}, False),
        ({"capabilities": ["billing.note"], "risks": ["high"]}, False),
    ],
)
def test_a_route_takes_what_fits_all_that_it_says(route: dict[str, Any], goes: bool) -> None:
    told = list(channels_of(notice(), notify(routes=[{"to": ["desk"], **route}])))
    assert told == (["desk"] if goes else [])


def test_each_channel_hears_a_thing_once_however_many_routes_lead_there() -> None:
    routes = [{"to": ["desk", "team"]}, {"to": ["team"]}, {"to": ["desk"]}]
    assert list(channels_of(notice(), notify(routes=routes))) == ["desk", "team"]


def test_without_routes_every_channel_hears_what_a_person_may_have_to_do() -> None:
    assert [list(channels_of(notice(event=event), notify())) for event in QUIETLY] == [["desk", "team"]] * len(QUIETLY)
    others = {"question_asked", "approved", "rejected", "applied", "canceled", "superseded", "policies_running"}
    others |= {"worker_resumed"}
    assert {*Event} - {*QUIETLY} == others
    for event in map(event_of, others):
        assert list(channels_of(notice(event=event), notify())) == []


@pytest.mark.parametrize(
    ("begin", "end", "zone", "moment", "quiet"),
    [
        ("22:00", "07:00", "Europe/Berlin", "2026-01-15T21:00", True),  # 22:00 there
        ("22:00", "07:00", "Europe/Berlin", "2026-01-15T20:59", False),
        ("22:00", "07:00", "Europe/Berlin", "2026-01-16T05:59", True),
        ("22:00", "07:00", "Europe/Berlin", "2026-01-16T06:00", False),
        ("22:00", "07:00", "Europe/Berlin", "2026-07-15T20:00", True),  # summer time
        ("22:00", "07:00", "Europe/Berlin", "2026-07-16T05:00", False),
        ("02:30", "03:00", "Europe/Berlin", "2026-03-29T00:59", False),  # 01:59, and then 03:00: the half hour is not
        ("02:30", "03:00", "Europe/Berlin", "2026-03-29T01:00", False),
        ("02:30", "03:00", "Europe/Berlin", "2026-10-25T00:30", True),  # 02:30 comes twice
        ("02:30", "03:00", "Europe/Berlin", "2026-10-25T01:30", True),
        ("09:00", "17:00", "Asia/Kolkata", "2026-01-15T03:30", True),
        ("09:00", "17:00", "Asia/Kolkata", "2026-01-15T11:30", False),
        ("09:00", "17:00", "Pacific/Apia", "2026-01-14T20:00", True),
    ],
)
@pytest.mark.requirement("notify:quiet-hours")
def test_quiet_hours_are_those_of_the_clock_on_the_wall(
    begin: str, end: str, zone: str, moment: str, quiet: bool
) -> None:
    hours = Quiet.model_validate({"from": begin, "to": end, "zone": zone})
    assert is_quiet(hours, dt.datetime.fromisoformat(moment).replace(tzinfo=dt.UTC)) is quiet


def test_people_get_a_flood_as_one_message_and_programs_one_for_each() -> None:
    held = [(notice(number), stamp(NOW)) for number in range(FLOOD + 1)]
    assert [len(batch) for batch in batches(channel(), held, NOW)] == [FLOOD + 1]
    assert [len(batch) for batch in batches(channel(), held[:FLOOD], NOW)] == [1] * FLOOD
    assert [len(batch) for batch in batches(channel("desk"), held, NOW)] == [1] * (FLOOD + 1)


@pytest.mark.requirement("notify:quiet-hours")
def test_what_is_urgent_is_neither_collected_nor_held_back() -> None:
    quiet = {"from": "00:00", "to": "23:59", "zone": "UTC"}
    held = [
        (notice(1), stamp(NOW)),
        (notice(2, risk="high"), stamp(NOW)),
        (notice(3, event=Event.SET_ASIDE), stamp(NOW)),
    ]
    for fields in ({"quiet": quiet}, {"digest": {"minutes": 60}}, {"quiet": quiet, "digest": {"minutes": 60}}):
        assert [[n.key for n in batch] for batch in batches(channel(**fields), held, NOW)] == [["2"], ["3"]]


def test_a_digest_waits_for_the_oldest_of_it_and_for_the_end_of_quiet_hours() -> None:
    held = [(notice(1), stamp(NOW)), (notice(2), stamp(NOW + dt.timedelta(minutes=59)))]
    collected = channel(digest={"minutes": 60})
    assert list(batches(collected, held, NOW + dt.timedelta(minutes=59))) == []
    assert [len(b) for b in batches(collected, held, NOW + dt.timedelta(minutes=60))] == [2]
    quiet = channel(digest={"minutes": 60}, quiet={"from": "12:30", "to": "14:00", "zone": "UTC"})
    assert list(batches(quiet, held, NOW + dt.timedelta(minutes=60))) == []
    assert [len(b) for b in batches(quiet, held, NOW + dt.timedelta(minutes=120))] == [2]


@pytest.mark.requirement("notify:flood")
def test_people_who_had_many_messages_get_no_more_until_there_is_a_lull() -> None:
    held = [(notice(number), stamp(NOW)) for number in range(3)]
    urgent = [(notice(number, risk="high"), stamp(NOW)) for number in range(10, 13)]
    for recent, rest, pressing in (
        (0, [1, 1, 1], [1, 1, 1]),
        (2, [1, 1, 1], [1, 1, 1]),
        (3, [3], [1, 1, 1]),
        (5, [], [1, 1, 1]),
        (18, [], [3]),
        (20, [], []),
        (99, [], []),
    ):
        assert [len(b) for b in batches(channel(), held, NOW, recent=recent)] == rest
        assert [len(b) for b in batches(channel(), urgent, NOW, recent=recent)] == pressing
        assert [len(b) for b in batches(channel("desk"), held, NOW, recent=recent)] == [1, 1, 1]
