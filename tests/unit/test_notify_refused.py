"""Refused attempts are told together, when they are many, and seldom: whoever can knock can flood nobody."""

import datetime as dt
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapsor.config.notify import Refused
from synapsor.core.history import Entry
from synapsor.core.moment import stamp
from synapsor.notify.notice import as_data
from synapsor.notify.refused import MOST, Minute, counted, oldest, told

BEGIN = dt.datetime(2026, 11, 23, 20, 17, tzinfo=dt.UTC)
RULE = Refused(at_least=5, within_minutes=10, again_minutes=60)


def at(minutes: float) -> dt.datetime:
    return BEGIN + dt.timedelta(minutes=minutes)


def entry(seq: int, minutes: float, kind: str = "login_refused", **facts: Any) -> Entry:
    return Entry(seq=seq, hash="h", at=stamp(at(minutes)), kind=kind, subject="lgr_1", facts=facts)


def minutes(*entries: Entry) -> tuple[Minute, ...]:
    return counted(entries)


def test_logins_and_decisions_are_counted_by_the_minute_and_nothing_else_is() -> None:
    found = minutes(
        entry(1, 0), entry(2, 0.5, "decision_refused"), entry(3, 0.9), entry(4, 1), entry(5, 1, "proposal_filed")
    )
    assert [(m.minute, m.logins, m.decisions, m.last_seq) for m in found] == [
        ("2026-11-23T20:17", 2, 1, 3),
        ("2026-11-23T20:18", 1, 0, 4),
    ]
    assert (found[0].first_at, found[0].last_at) == (stamp(at(0)), stamp(at(0.9)))


@pytest.mark.parametrize(("unrecorded", "logins"), [(7, 8), (0, 1), (-3, 1), ("9", 1), (10**12, MOST + 1), (None, 1)])
def test_a_record_that_stands_for_others_counts_for_them(unrecorded: Any, logins: int) -> None:
    (found,) = minutes(entry(1, 0, unrecorded=unrecorded))
    assert found.logins == logins


@pytest.mark.requirement("notify:refused-attempts")
def test_enough_within_a_stretch_is_told_in_one_notice_of_numbers() -> None:
    few = minutes(*(entry(n, n) for n in range(1, 5)))
    assert told(few, RULE, last=None, now=at(5)) is None
    enough = minutes(*(entry(n, n) for n in range(1, 5)), entry(9, 10.9, "decision_refused"))
    notice = told(enough, RULE, last=None, now=at(11))
    assert notice is not None
    assert as_data(notice) == {
        "key": "refused:9",
        "event": "attempts_refused",
        "at": stamp(at(10.9)),
        "since": stamp(at(1)),
        "refused_logins": 4,
        "refused_decisions": 1,
    }
    too_slow = minutes(*(entry(n, n * 3) for n in range(1, 6)))
    assert told(too_slow, RULE, last=None, now=at(16)) is None


@pytest.mark.requirement("notify:refused-attempts")
def test_after_it_was_told_there_is_a_rest_and_then_all_of_it_is_told() -> None:
    more = minutes(*(entry(n, 20 + n / 10) for n in range(200)))
    assert told(more, RULE, last=stamp(at(10)), now=at(69)) is None
    assert oldest(RULE, last=stamp(at(10)), now=at(69)) <= "2026-11-23T20:37"
    notice = told(more, RULE, last=stamp(at(10)), now=at(70))
    assert notice is not None
    assert notice.refused_logins == 200


def test_what_was_too_little_is_forgotten_when_it_can_count_no_more() -> None:
    assert oldest(RULE, last=None, now=at(30)) == "2026-11-23T20:37"
    assert oldest(RULE, last=stamp(at(-100)), now=at(30)) == "2026-11-23T20:37"


@pytest.mark.requirement("notify:refused-attempts")
@given(st.lists(st.tuples(st.floats(0, 600), st.sampled_from(["login_refused", "decision_refused"])), max_size=300))
def test_however_often_somebody_knocks_it_is_told_at_most_once_an_hour(knocks: list[tuple[float, str]]) -> None:
    kept: tuple[Minute, ...] = ()
    last: str | None = None
    times: list[dt.datetime] = []
    for number, (when, kind) in enumerate(sorted(knocks), 1):
        now = at(when)
        kept = (*kept, *counted([entry(number, when, kind)]))
        if told(kept, RULE, last=last, now=now) is not None:
            times.append(now)
            kept, last = (), stamp(now)
    assert all(later - earlier >= dt.timedelta(hours=1) for earlier, later in itertools.pairwise(times))
