"""What an application has accepted and not done yet: the worker waits and only asks, whoever says otherwise, and a person is told in the end."""

import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synapsor.core.moment import parse, stamp
from synapsor.core.steering import state_words
from synapsor.flow.named import proposal_of
from synapsor.handler_ports import Heard
from synapsor.testing import TestClock
from synapsor.work.pace import Pace
from tests.attack.shop import NOTE, SOON, Shop, as_ledger_owner
from tests.attack.steered import at, person, revoke, say, turn
from tests.attack.test_handler_answers import Speech
from tests.attack.test_withdrawn_contract import withdraw
from tests.databases import Database
from tests.handlers.answering import Answering, accepted, heard, of_first, raw, said, told, without
from tests.handlers.serving import handled_shop

pytestmark = pytest.mark.one_engine
WAITS = [("accepted", "handler_accepted")]
APPLIED = [("already_applied", "")]


@pytest_asyncio.fixture
async def shop(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    async with handled_shop(tmp_path / "project", database, "http://127.0.0.1:9/synapsor") as found:
        yield found


async def attempt(shop: Shop, handler: Answering, **options: object) -> list[tuple[str, str]]:
    return await shop.attempt(handlers={"app": handler}, **options)


async def waiting(shop: Shop, *then: Speech) -> tuple[str, Answering]:
    """Return a waiver that the application has accepted, and the application, which then says something else."""
    proposal, handler = await shop.waiver(), Answering(accepted(), *then)
    assert await attempt(shop, handler) == WAITS
    return proposal, handler


async def job(shop: Shop, proposal: str) -> Any:
    """Return the job of a proposal as it is listed."""
    record = await shop.record(proposal)
    assert record.job is not None
    return await shop.ledger.overview.job(record.job.id)


@pytest.mark.requirement("accepted:asked")
async def test_what_is_accepted_is_asked_again_under_the_same_key_by_a_look_that_begins_nothing(shop: Shop) -> None:
    proposal, handler = await waiting(shop, accepted(), said("already_applied"))
    assert [await attempt(shop, handler) for _ in range(2)] == [WAITS, APPLIED]
    assert await shop.status(proposal) == "applied"
    assert handler.asks == ["apply", "look", "look"]
    assert handler.asked[0]["changes"] == handler.asked[1]["changes"] == handler.asked[2]["changes"]
    assert len(set(handler.keys)) == 1


@pytest.mark.requirement("accepted:waits")
@pytest.mark.parametrize("then", [accepted(), heard(Heard.UNREACHED), heard(Heard.UNKNOWN), heard(Heard.DENIED)])
async def test_what_is_accepted_is_never_given_up_however_often_it_is_asked(shop: Shop, then: Speech) -> None:
    proposal, handler = await waiting(shop, *[then] * 12, said("applied"))
    once, often = (Pace(attempts=attempts, backoff_seconds=0, lease_seconds=30) for attempts in (1, 100))
    for number in range(12):
        ((outcome, _),) = await attempt(shop, handler, pace=once if number % 2 else often)
        assert (outcome, await shop.status(proposal)) == ("accepted", "approved")
    assert await attempt(shop, handler, pace=once) == [("applied", "")]


@pytest.mark.requirement("accepted:waits")
async def test_what_is_found_to_be_accepted_when_it_was_tried_too_often_waits_and_is_not_given_up(shop: Shop) -> None:
    await shop.waiver()
    handler = Answering(heard(Heard.UNKNOWN), accepted(), said("applied"))
    assert await attempt(shop, handler, pace=Pace(attempts=1, backoff_seconds=0)) == WAITS
    assert await attempt(shop, handler) == [("applied", "")]
    assert handler.asks == ["apply", "look", "look"]


@pytest.mark.requirement("accepted:waits")
async def test_what_is_accepted_is_not_given_up_where_nobody_can_be_asked(shop: Shop) -> None:
    proposal, _ = await waiting(shop)
    once = Pace(attempts=1, backoff_seconds=0)
    assert await shop.attempt(handlers={}, pace=once) == [("accepted", "executor_missing")]
    assert await shop.status(proposal) == "approved"
    assert (await job(shop, proposal)).stands("") != "parked"
    assert await attempt(shop, Answering(said("applied")), pace=once) == [("applied", "")]


@pytest.mark.requirement("accepted:waits", "apply:outcome-true")
async def test_what_was_tried_before_and_cannot_be_read_any_more_is_not_said_to_have_failed(shop: Shop) -> None:
    proposal, _ = await waiting(shop)
    with as_ledger_owner(shop) as raw:
        raw.execute("UPDATE proposal SET body = '{}' WHERE id = ?", (proposal,))
    ((outcome, _),) = await shop.attempt(handlers={"app": Answering(said("applied"))})
    assert outcome == "reconciliation_required"


@pytest.mark.requirement("accepted:told")
async def test_that_a_change_is_accepted_and_not_done_is_told_everywhere(shop: Shop) -> None:
    proposal, handler = await waiting(shop)
    words = state_words((await shop.record(proposal)).together)
    assert words.startswith("The application has accepted it and has not said yet that it is done; it is asked again")
    listed = await job(shop, proposal)
    assert (listed.stands(stamp(shop.project.clock.now())), listed.code) == ("accepted", "handler_accepted")
    assert listed.accepted in words
    view = await shop.call("synapsor.wait_for_decision", {"proposal_id": proposal})
    assert words in view["summary"]
    assert (view["proposal"]["status"], view["proposal"]["allowed_next"]) == ("approved", ["wait"])
    assert view["proposal"]["next_poll_s"] == 60
    await attempt(shop, Answering(said("applied")))
    assert state_words((await shop.record(proposal)).together) == ""
    assert (await job(shop, proposal)).stands("") == "closed"
    assert handler.asks == ["apply"]


@pytest.mark.requirement("accepted:order")
async def test_later_changes_of_its_row_wait_for_what_is_accepted(shop: Shop) -> None:
    proposal, handler = await waiting(shop, accepted(600), said("failed", "refused"))
    note = await shop.approved(NOTE, {"invoice_id": "INV-3001", "note": "called"})
    assert await attempt(shop, handler) == WAITS
    assert await shop.work() == []
    await say(shop, "cancel", proposal)
    assert await attempt(shop, handler) == [("failed", "handler_refused")]
    assert await attempt(shop, handler) == [("failed", "handler_refused")]
    assert [document["changes"][0]["proposal"] for document in handler.asked] == [proposal] * 3 + [note]


@pytest.mark.requirement("accepted:asked", "executor:waits")
@pytest.mark.parametrize("answer", [accepted(86_400), heard(Heard.BUSY, wait=3600.0)])
async def test_it_is_asked_when_the_application_wants_to_be_and_at_least_every_ten_minutes(
    shop: Shop, answer: Speech
) -> None:
    await shop.waiver()
    clock, handler = TestClock(shop.project.clock.now()), Answering(answer)
    assert len(await attempt(shop, handler, clock=clock)) == 1
    clock.move(minutes=9)
    assert await attempt(shop, handler, clock=clock) == []
    clock.move(minutes=1, seconds=1)
    assert len(await attempt(shop, handler, clock=clock)) == 1


@pytest.mark.requirement("accepted:bound")
async def test_what_is_open_for_too_long_since_it_was_first_accepted_is_for_a_person(shop: Shop) -> None:
    clock, handler = TestClock(shop.project.clock.now()), Answering(accepted())
    proposal = await shop.waiver()
    assert await attempt(shop, handler, clock=clock) == WAITS
    until = (await job(shop, proposal)).accepted
    assert parse(until) - clock.now() == dt.timedelta(hours=1)
    clock.move(minutes=59)
    assert await attempt(shop, handler, clock=clock) == WAITS
    assert (await job(shop, proposal)).accepted == until
    clock.move(minutes=1)
    assert await attempt(shop, handler, clock=clock) == [("reconciliation_required", "handler_overdue")]
    assert await shop.status(proposal) == "reconciliation_required"
    assert handler.asks == ["apply", "look", "look"]


@pytest.mark.requirement("accepted:bound")
async def test_what_has_come_to_its_end_by_the_last_look_is_no_question_for_a_person(shop: Shop) -> None:
    proposal, handler = await waiting(shop, said("already_applied"))
    clock = TestClock(shop.project.clock.now())
    clock.move(hours=2)
    assert await attempt(shop, handler, clock=clock) == APPLIED
    assert await shop.status(proposal) == "applied"


LIES: list[tuple[Speech, str]] = [
    (said("nothing"), "handler_forgot"),
    (told(lambda a: of_first(a, digest="sha256:" + "0" * 64), came="accepted"), "handler_differs"),
    (told(lambda a: of_first(a, key="0" * 64), came="accepted"), "handler_differs"),
    (told(lambda a: of_first(a, rows=[]), came="already_applied"), "handler_differs"),
    (said("conflict", "receipt_of_another_digest"), "receipt_of_another_digest"),
]


@pytest.mark.requirement("accepted:truth")
@pytest.mark.parametrize(("lie", "code"), LIES)
async def test_what_contradicts_what_was_accepted_is_for_a_person(shop: Shop, lie: Speech, code: str) -> None:
    proposal, handler = await waiting(shop, lie)
    assert await attempt(shop, handler) == [("reconciliation_required", code)]
    assert await shop.status(proposal) == "reconciliation_required"


NO_ANSWERS: list[Speech] = [
    told(lambda a: a, came="accepted", status=200),
    told(lambda a: a, came="applied", status=202),
    told(lambda a: without(a, ["ask_again_in"]), came="accepted"),
    *(said("accepted", ask_again_in=n) for n in (-1, 86_401, True, "5", None)),
    told(lambda a: a | {"ask_again_in": 5}),
    told(lambda a: of_first(a, rows=[{"key": {}, "changes": {}}]), came="accepted"),
    told(lambda a: a | {"confirmed": {"by": "x", "at": "2026-11-29T10:00:00.000000Z"}}, came="accepted"),
    *(
        said("applied", confirmed={"by": "pay-1", "at": "2026-11-29T10:00:00.000000Z", "evidence": ""} | c)
        for c in ({"by": ""}, {"by": "x\n"}, {"by": "x" * 65}, {"at": "now"}, {"evidence": "sha256:x"}, {"more": 1})
    ),
    told(lambda a: a | {"confirmed": {"by": "pay-1"}}),
    told(lambda a: a | {"confirmed": None}),
    raw(b"", 202),
]


@pytest.mark.requirement("accepted:truth", "executor:unknown")
async def test_a_half_word_that_something_is_accepted_or_confirmed_is_no_answer(shop: Shop) -> None:
    await shop.waiver()
    handler = Answering(*NO_ANSWERS, said("applied"))
    pace = replace(SOON, attempts=100)
    for number in range(len(NO_ANSWERS)):
        assert await attempt(shop, handler, pace=pace) == [("retry", "handler_unknown")], number
    assert await attempt(shop, handler) == [("applied", "")]


@pytest.mark.requirement("accepted:steered")
async def test_a_cancel_of_what_is_accepted_is_true_only_where_the_application_takes_it_back(shop: Shop) -> None:
    proposal, handler = await waiting(shop, accepted(600), accepted(), said("failed", "closed"))
    await attempt(shop, handler)
    await say(shop, "cancel", proposal)
    assert await attempt(shop, handler) == WAITS
    assert state_words((await shop.record(proposal)).together).startswith(
        "It is to be canceled, which may come too late."
    )
    assert await shop.status(proposal) == "approved"
    assert await attempt(shop, handler) == [("canceled", "canceled")]
    assert handler.asks == ["apply", "look", "close", "close"]


@pytest.mark.requirement("accepted:steered")
async def test_a_cancel_that_came_too_late_for_what_is_accepted_is_told(shop: Shop) -> None:
    proposal, handler = await waiting(shop, said("already_applied"))
    await say(shop, "cancel", proposal)
    assert await attempt(shop, handler) == APPLIED
    assert "too late" in state_words((await shop.record(proposal)).together)


@pytest.mark.requirement("accepted:steered")
@pytest.mark.parametrize("how", ["revoked", "withdrawn", "cancel_unproven"])
async def test_whoever_takes_back_an_approval_the_truth_of_what_is_accepted_is_asked_for(shop: Shop, how: str) -> None:
    proposal, handler = await waiting(shop, accepted(), said("already_applied"))
    trusted = shop.project.deciders()
    if how == "revoked":
        trusted = {**trusted, "leo": replace(trusted["leo"], revoked=True)}
    elif how == "withdrawn":
        await withdraw(shop)
    else:
        await say(shop, "cancel", proposal, by=person(shop))
        revoke(shop, "opal")
        trusted = shop.project.deciders()
    assert await attempt(shop, handler, operators=lambda: trusted) == WAITS
    assert await attempt(shop, handler, operators=lambda: trusted) == APPLIED
    assert (handler.asks, await shop.status(proposal)) == (["apply", "look", "look"], "applied")


@pytest.mark.requirement("accepted:steered")
async def test_what_is_accepted_rests_with_its_source_and_is_asked_when_that_goes_on(shop: Shop) -> None:
    _, handler = await waiting(shop, said("already_applied"))
    await turn(shop, "paused")
    assert await attempt(shop, handler) == []
    await turn(shop, "running")
    assert await attempt(shop, handler) == APPLIED
    assert handler.asks == ["apply", "look"]


@pytest.mark.requirement("accepted:waits")
async def test_a_worker_that_breaks_before_it_has_told_that_something_is_accepted_hands_it_over_again(
    shop: Shop,
) -> None:
    proposal, handler = await shop.waiver(), Answering(accepted(), accepted(), said("applied"))
    clock = TestClock(shop.project.clock.now())

    async def breaks(point: str) -> None:
        if point == "work.applied":
            raise RuntimeError(point)

    assert await attempt(shop, handler, clock=clock, reached=breaks) == []
    assert (await job(shop, proposal)).accepted is None
    clock.move(minutes=1)
    assert await attempt(shop, handler, clock=clock) == WAITS
    assert await attempt(shop, handler, clock=clock) == [("applied", "")]
    assert handler.asks == ["apply", "apply", "look"]


@pytest.mark.requirement("accepted:forged")
async def test_a_column_that_says_that_something_is_accepted_is_found_and_proves_nothing(shop: Shop) -> None:
    proposal, handler = await shop.waiver(), Answering(said("applied"))
    with as_ledger_owner(shop) as owner:
        owner.execute("UPDATE job SET accepted = '2026-01-01T00:00:00.000000Z'")
    assert not (await shop.ledger.verify()).ok
    assert await attempt(shop, handler) == [("applied", "")]
    assert (handler.asks, await shop.status(proposal)) == (["apply"], "applied")


@pytest.mark.requirement("accepted:forged")
async def test_a_forged_column_does_not_keep_it_from_being_told_that_something_is_accepted(shop: Shop) -> None:
    proposal, handler = await shop.waiver(), Answering(accepted(), accepted(), said("already_applied"))
    with as_ledger_owner(shop) as owner:
        owner.execute("UPDATE job SET accepted = '2099-01-01T00:00:00.000000Z'")
    assert [await attempt(shop, handler) for _ in range(3)] == [WAITS, WAITS, APPLIED]
    record = await proposal_of(shop.ledger, proposal)
    assert [event["kind"] for event in record.events].count("job_accepted") == 1
    assert handler.asks == ["apply", "look", "look"]


@pytest.mark.requirement("accepted:forged")
async def test_what_is_told_of_something_accepted_is_what_the_ledger_tells_and_verify_holds_it_to_that(
    shop: Shop,
) -> None:
    proposal, handler = await waiting(shop, accepted(), said("already_applied"))
    assert (await shop.ledger.verify()).ok
    record = await proposal_of(shop.ledger, proposal)
    assert [event["kind"] for event in record.events].count("job_accepted") == 1
    with as_ledger_owner(shop) as owner:
        owner.execute("UPDATE job SET accepted = NULL")
    assert not (await shop.ledger.verify()).ok
    await attempt(shop, handler)
    assert handler.asks == ["apply", "look"]


@pytest.mark.requirement("accepted:steered")
async def test_what_is_canceled_while_it_is_asked_about_is_asked_about_again_at_once(shop: Shop) -> None:
    proposal, handler = await shop.waiver(), Answering(accepted(600), said("failed", "closed"))
    cancel = at("work.applied", lambda: say(shop, "cancel", proposal))
    assert await attempt(shop, handler, reached=cancel) == WAITS
    assert await attempt(shop, handler) == [("canceled", "canceled")]
    assert handler.asks == ["apply", "close"]
