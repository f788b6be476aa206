"""How often a person may call: by the clock, each for themselves, and through the desk."""

import datetime as dt
from contextlib import suppress

import pytest

from synapsor.core.scope import Session
from synapsor.errors import Code, Refusal
from synapsor.flow.rate import Rates
from synapsor.testing import TestClock, desk_for

ANN = ("t.list", "acme", "ann")
POLICY = """\
synapsor: 1
contract: t
contexts:
  staff: {tenant: session.tenant_id, principal: session.user}
tables:
  things:
    source: shop
    relation: main.things
    key: id
    tenant: tenant_id
    columns: {id: text, tenant_id: text}
capabilities:
  t.list:
    description: The things of this shop.
    read: things
    arguments: {head: {type: string, max_length: 5, optional: true}}
    where: {id: {starts_with: $head}}
    limits: {calls_per_minute: 2}
  t.other:
    description: The things of this shop, without a rate.
    read: things
"""
SCHEMA = "CREATE TABLE things (id TEXT PRIMARY KEY NOT NULL, tenant_id TEXT NOT NULL) STRICT;"


def refused(rates: Rates, clock: TestClock, who: tuple[str, str | None, str] = ANN, most: int = 2) -> int:
    """Return after how many milliseconds the next call may come, or 0 when this one may."""
    with suppress(Refusal):
        rates.take(who, most, clock.now())
        return 0
    with pytest.raises(Refusal) as refusal:
        rates.take(who, most, clock.now())
    assert refusal.value.code is Code.RATE_LIMITED
    return refusal.value.meaning.retry_after_ms or 0


@pytest.mark.requirement("read:rate")
def test_as_many_calls_as_are_allowed_come_through_in_any_minute() -> None:
    clock, rates = TestClock(), Rates()
    assert refused(rates, clock) == 0
    clock.move(seconds=20)
    assert refused(rates, clock) == 0
    assert refused(rates, clock) == 40_000
    clock.move(seconds=39.999)
    assert refused(rates, clock) == 1
    clock.move(seconds=0.001)
    assert refused(rates, clock) == 0
    assert refused(rates, clock) == 20_000


@pytest.mark.requirement("read:rate")
def test_a_refused_call_does_not_count_and_whoever_waited_is_let_in() -> None:
    clock, rates = TestClock(), Rates()
    for _ in range(2):
        refused(rates, clock)
    for _ in range(100):
        assert refused(rates, clock) == 60_000
    clock.move(seconds=60)
    assert refused(rates, clock) == 0


@pytest.mark.requirement("read:rate")
def test_each_person_tenant_and_capability_is_counted_alone() -> None:
    clock, rates = TestClock(), Rates()
    others: list[tuple[str, str | None, str]] = [
        ("t.other", "acme", "ann"),
        ("t.list", "globex", "ann"),
        ("t.list", "acme", "bob"),
        ("t.list", None, "ann"),
    ]
    for _ in range(2):
        assert refused(rates, clock) == 0
    assert refused(rates, clock) > 0
    assert [refused(rates, clock, who) for who in others] == [0, 0, 0, 0]


@pytest.mark.requirement("read:rate")
def test_a_clock_that_was_set_back_keeps_nobody_out_until_it_is_where_it_was() -> None:
    clock, rates = TestClock(), Rates()
    for _ in range(2):
        refused(rates, clock)
    clock.move(hours=-5)
    assert [refused(rates, clock) for _ in range(3)] == [0, 0, 60_000]


def test_callers_of_long_ago_are_forgotten() -> None:
    clock, rates = TestClock(), Rates()
    for number in range(10_050):
        refused(rates, clock, ("t.list", "acme", f"user {number}"))
    clock.move(minutes=2)
    refused(rates, clock)
    assert len(rates._calls) == 1


@pytest.mark.requirement("read:rate")
async def test_a_call_too_many_is_refused_recorded_and_told_when_to_come_again() -> None:
    clock = TestClock(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    session = {"tenant_id": "acme", "user": "ann"}
    async with desk_for(POLICY, schema=SCHEMA, session=session, clock=clock) as trial:
        # What is refused for its arguments takes none of the person's calls.
        assert (await trial.call("t.list", head=5))["error"]["code"] == "invalid_arguments"
        assert [(await trial.call("t.list"))["ok"] for _ in range(2)] == [True, True]
        clock.move(seconds=15)
        late = await trial.call("t.list", head="a")
        assert (late["ok"], late["data"], late["evidence"]) == (False, None, None)
        error = late["error"]
        assert (error["code"], error["retryable"], error["retry_after_ms"]) == ("rate_limited", True, 45_000)
        assert late["audit"]["id"].startswith("aud_")
        assert (await trial.call("t.other"))["ok"]
        bob = Session(values={**session, "user": "bob"})
        assert (await trial.desk.call("t.list", {}, bob))["ok"]
        clock.move(seconds=45)
        assert (await trial.call("t.list"))["ok"]
