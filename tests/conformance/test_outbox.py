"""An application that has an outbox: what it accepts is claimed, made and confirmed once, on each engine, through FastAPI and SQLAlchemy."""

import asyncio
import datetime as dt
import hashlib
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import event, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from synapsor.core.writeback import Confirmed
from synapsor.handler import Answer, Failed, Job, read
from synapsor.handler.kept import now_of
from synapsor.handler.outbox import Claim, Outbox, Unconfirmed
from synapsor.handler.wire import Ask, Came
from synapsor.handler_ports import Heard
from synapsor.testing import TestClock
from tests.attack.doubts import resolved
from tests.attack.shop import Shop
from tests.attack.steered import say
from tests.databases import Database
from tests.handlers.answering import Answering, heard
from tests.handlers.payments import Payments, Provider, dispatch, payments
from tests.handlers.serving import handled_shop, served

WAIVED = (0, "Paid next day.", 2)
AS_IT_WAS = (5500, None, 1)
ACCEPTED = [("accepted", "handler_accepted")]


@pytest_asyncio.fixture
async def application(database: Database) -> AsyncIterator[Payments]:
    found = payments(database, again=0)
    yield found
    await found.aclose()


@pytest_asyncio.fixture
async def shop(tmp_path: Path, database: Database, application: Payments) -> AsyncIterator[Shop]:
    async with (
        served(application.app()) as port,
        handled_shop(tmp_path / "project", database, f"http://127.0.0.1:{port}/synapsor") as found,
    ):
        yield found


async def handed(shop: Shop) -> Job:
    """Return the job of a waiver as it is handed over; it was lost on its way, and is due again."""
    await shop.waiver()
    lost = Answering(heard(Heard.UNREACHED))
    assert await shop.attempt(handlers={"app": lost}) == [("retry", "handler_unreached")]
    return read(json.dumps(lost.asked[0]).encode())


def another(job: Job, number: int, **changed: Any) -> Job:
    """Return a job like this one under a key of its own."""
    return replace(job, changes=(replace(job.changes[0], key=str(number) * 64, **changed),))


async def refused(application: Payments, *told: Any) -> str:
    """Return the code by which a confirmation is refused."""
    with pytest.raises(Unconfirmed) as caught:
        await application.confirm(*told)
    return caught.value.code


@pytest.mark.requirement("outbox:once")
async def test_what_is_accepted_is_applied_when_its_effect_is_confirmed_and_the_receipt_says_by_whom(
    shop: Shop, application: Payments, tmp_path: Path
) -> None:
    proposal, provider = await shop.waiver(), Provider(tmp_path)
    assert await shop.attempt() == ACCEPTED
    assert (shop.invoice(), await shop.status(proposal)) == (AS_IT_WAS, "approved")
    assert await shop.attempt() == ACCEPTED
    assert await dispatch(application, provider) == "already_applied"
    assert await dispatch(application, provider) == "nothing"
    assert await shop.attempt() == [("already_applied", "")]
    assert (shop.invoice(), await shop.status(proposal), provider.paid) == (WAIVED, "applied", 1)
    assert [job.ask for job in application.jobs] == [Ask.APPLY, Ask.LOOK, Ask.LOOK]
    (receipt,) = (await shop.record(proposal)).receipts
    assert receipt.confirmed is not None
    evidence = f"sha256:{hashlib.sha256(f'payment for {provider.asked[0]}'.encode()).hexdigest()}"
    assert receipt.confirmed == Confirmed(by="pay-1", at=receipt.confirmed.at, evidence=evidence)
    assert provider.asked == [application.jobs[0].changes[0].key]


@pytest.mark.requirement("outbox:once")
async def test_of_calls_at_once_with_one_key_one_is_accepted_and_all_are_told_so(
    shop: Shop, application: Payments
) -> None:
    job = await handed(shop)
    answers = await asyncio.gather(*(application.handle(job) for _ in range(5)), return_exceptions=True)
    assert {answer.came for answer in answers if isinstance(answer, Answer)} == {Came.ACCEPTED}
    assert application.entries() == [("accepted", "", "", 0)]
    other = replace(job, changes=(replace(job.changes[0], digest="sha256:" + "0" * 64),))
    said = await application.handle(other)
    assert (said.came, said.code) == (Came.CONFLICT, "receipt_of_another_digest")


@pytest.mark.requirement("outbox:claim")
async def test_of_dispatchers_at_once_one_claims_an_entry(shop: Shop, application: Payments) -> None:
    await application.handle(await handed(shop))
    found = await asyncio.gather(*(application.claim(f"pay-{n}") for n in range(5)))
    assert len([claim for claim in found if claim is not None]) == 1
    assert application.entries() == [("accepted", "", "", 1)]


@pytest.mark.requirement("outbox:claim")
async def test_a_claim_that_is_over_confirms_nothing_and_its_entry_is_free_for_another_under_the_same_key(
    shop: Shop, application: Payments
) -> None:
    await application.handle(await handed(shop))
    first = await application.claimed("pay-1", lock=0)
    assert await refused(application, first) == "claim_expired"
    second = await application.claimed("pay-2")
    assert (second.key, second.attempt, await application.claim("pay-3")) == (first.key, 2, None)
    assert await refused(application, first) == "claim_lost"
    with pytest.raises(Unconfirmed):
        await application.release(first)
    assert (await application.confirm(second)).came is Came.ALREADY_APPLIED
    assert await refused(application, first) == "claim_lost"
    assert (shop.invoice(), application.entries("claimed_by")) == (WAIVED, [("pay-2",)])


@pytest.mark.requirement("outbox:confirm")
@pytest.mark.one_engine
async def test_the_same_confirmation_again_changes_nothing_and_another_one_is_refused(
    shop: Shop, application: Payments
) -> None:
    await application.handle(await handed(shop))
    claim = await application.claimed()
    first = await application.confirm(claim, evidence="receipt 7")
    shop.change("UPDATE {invoices} SET note = 'touched' WHERE id = 'INV-3001'")
    before, kept = shop.invoice(), application.entries("confirmed_at, said, evidence")
    application.doctor("claimed_until = 0")
    assert await application.confirm(claim, evidence="receipt 7") == first
    assert await refused(application, claim, Came.APPLIED, "receipt 8") == "confirmed_otherwise"
    assert await refused(application, claim, Failed("refused"), "receipt 7") == "confirmed_otherwise"
    with pytest.raises(Unconfirmed, match="confirmed_otherwise"):
        await application.release(claim)
    assert (shop.invoice(), application.entries("confirmed_at, said, evidence")) == (before, kept)


@pytest.mark.requirement("outbox:confirm")
@pytest.mark.one_engine
@pytest.mark.parametrize("word", [Came.FAILED, Came.CONFLICT, Came.ALREADY_APPLIED, Failed, "failed", None])
async def test_a_word_that_is_no_outcome_of_an_effect_confirms_nothing(
    shop: Shop, application: Payments, word: object
) -> None:
    await application.handle(await handed(shop))
    claim = await application.claimed()
    with pytest.raises(ValueError, match="an effect is confirmed"):
        await application.confirm(claim, word)
    assert (shop.invoice(), application.entries("state, outcome")) == (AS_IT_WAS, [("accepted", "")])
    assert (await application.confirm(claim, Failed("refused"))).came is Came.FAILED


@pytest.mark.requirement("outbox:confirm")
@pytest.mark.one_engine
async def test_an_effect_that_was_refused_is_a_failed_change_and_what_was_prepared_is_taken_back(
    shop: Shop, application: Payments
) -> None:
    proposal = await shop.waiver()
    assert await shop.attempt() == ACCEPTED
    claim = await application.claimed()
    said = await application.confirm(claim, Failed("refused"), "no funds")
    assert (said.came, said.code, application.touched) == (Came.FAILED, "refused", ["prepared", "undone"])
    assert await application.confirm(claim, Failed("refused"), "no funds") == said
    assert await shop.attempt() == [("failed", "handler_refused")]
    assert (await shop.status(proposal), shop.invoice()) == ("failed", AS_IT_WAS)
    (receipt,) = (await shop.record(proposal)).receipts
    assert receipt.confirmed is not None
    assert receipt.confirmed.by == "pay-1"


@pytest.mark.requirement("outbox:exact")
@pytest.mark.one_engine
@pytest.mark.parametrize("how", ["moved", "inexact"])
async def test_an_effect_whose_rows_cannot_be_changed_as_they_were_approved_is_for_a_person(
    shop: Shop, application: Payments, how: str
) -> None:
    proposal = await shop.waiver()
    assert await shop.attempt() == ACCEPTED
    claim = await application.claimed()
    if how == "moved":
        shop.change("UPDATE {invoices} SET row_version = 7 WHERE id = 'INV-3001'")
    else:
        application.sets = {"waiver_reason": "Because."}
    before = shop.invoice()
    said = await application.confirm(claim)
    assert (said.came, said.code, shop.invoice()) == (Came.CONFLICT, "effect_stands", before)
    assert await application.confirm(claim) == said
    assert await shop.attempt() == [("reconciliation_required", "effect_stands")]
    assert await shop.status(proposal) == "reconciliation_required"


@pytest.mark.requirement("outbox:claim")
async def test_entries_about_one_row_are_claimed_in_the_order_in_which_they_were_accepted(
    shop: Shop, application: Payments
) -> None:
    job = await handed(shop)
    member = job.changes[0].members[0]
    tokens = {**member.tokens, "key": {"id": "INV-3002"}}
    elsewhere = replace(member, key={"id": "INV-3002"}, tokens=tokens)
    each: tuple[dict[str, Any], ...] = (
        {},
        {},
        {"members": (elsewhere,)},
        {"members": (member, elsewhere)},
        {"relation": "other"},
    )
    application.outbox = replace(application.outbox, prepare=lambda *_: None)
    application.later = replace(application.later, prepare=lambda *_: asyncio.sleep(0))
    for number, changed in enumerate(each, start=1):
        assert (await application.handle(another(job, number, **changed))).came is Came.ACCEPTED
    claims = [await application.claim() for _ in range(4)]
    assert [claim and claim.key[0] for claim in claims] == ["1", "3", "5", None]
    assert claims[0] is not None
    await application.confirm(claims[0])
    assert (await application.claimed()).key[0] == "2"
    assert await application.claim() is None


@pytest.mark.requirement("outbox:claim")
async def test_an_entry_that_somebody_has_locked_is_passed_over(shop: Shop, application: Payments) -> None:
    if not application.is_async:
        pytest.skip("SQLite locks the whole of a database")
    job = await handed(shop)
    application.outbox = replace(application.outbox, prepare=lambda *_: None)
    application.later = replace(application.later, prepare=lambda *_: asyncio.sleep(0))
    await application.handle(another(job, 1))
    await application.handle(another(job, 2, relation="other"))
    table = application.later.table
    async with application.engine.connect() as held:
        await held.execute(select(table.c.seq).where(table.c.handled_key == "1" * 64).with_for_update())
        assert (await application.claimed()).key[0] == "2"
    assert (await application.claimed()).key[0] == "1"


@pytest.mark.requirement("outbox:withdrawn")
@pytest.mark.one_engine
async def test_what_is_canceled_is_taken_back_where_nobody_has_claimed_it_and_never_afterwards(
    shop: Shop, application: Payments
) -> None:
    begun = await shop.waiver()
    assert await shop.attempt() == ACCEPTED
    claim = await application.claimed()
    await say(shop, "cancel", begun)
    assert await shop.attempt() == ACCEPTED
    await application.confirm(claim)
    assert await shop.attempt() == [("already_applied", "")]
    other = await shop.waiver("INV-3002")
    assert await shop.attempt() == ACCEPTED
    await say(shop, "cancel", other)
    assert await shop.attempt() == [("canceled", "canceled")]
    assert (await shop.status(begun), await shop.status(other)) == ("applied", "canceled")
    assert (application.touched[-1], await application.claim()) == ("undone", None)


@pytest.mark.requirement("outbox:withdrawn")
@pytest.mark.one_engine
async def test_a_close_that_comes_first_keeps_a_job_from_being_accepted(shop: Shop, application: Payments) -> None:
    job = await handed(shop)
    for ask in (Ask.CLOSE, Ask.APPLY, Ask.LOOK):
        said = await application.handle(replace(job, ask=ask))
        assert (said.came, said.code) == (Came.FAILED, "closed")
    assert await application.claim() is None


@pytest.mark.requirement("outbox:withdrawn")
@pytest.mark.one_engine
async def test_what_nobody_has_begun_in_time_is_never_begun(shop: Shop, application: Payments) -> None:
    job = await handed(shop)
    past = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    late = await application.handle(another(job, 1, expires_at=past))
    assert (late.came, late.code) == (Came.FAILED, "expired")
    for number in (2, 3):
        await application.handle(another(job, number, relation=f"other{number}"))
    begun = await application.claimed(lock=0)
    told = job.changes[0].expires_at.isoformat()
    application.doctor(f"body = replace(body, '{told}', '{past.isoformat()}')")
    assert (await application.claimed()).key == begun.key
    assert await application.claim() is None
    assert application.entries() == [
        ("confirmed", "failed", "expired", 0),
        ("accepted", "", "", 2),
        ("confirmed", "failed", "expired", 0),
    ]


@pytest.mark.requirement("outbox:abandoned")
async def test_what_a_person_says_was_not_applied_is_done_no_more_once_the_application_has_given_it_up(
    shop: Shop, application: Payments
) -> None:
    job = await handed(shop)
    abandons = replace(job, ask=Ask.ABANDON)
    await application.handle(job)
    first = await application.claimed(lock=0)
    second = await application.claimed()
    assert (await application.handle(abandons)).came is Came.ACCEPTED
    await application.release(second)
    for _ in range(2):
        said = await application.handle(abandons)
        assert (said.came, said.code, said.confirmed) == (Came.FAILED, "abandoned", None)
    for claim in (first, second):
        assert await refused(application, claim) == "claim_lost"
    assert (await application.claim(), application.touched[-1]) == (None, "undone")
    assert application.entries() == [("confirmed", "failed", "abandoned", 2)]
    assert (await application.handle(job)).code == "abandoned"
    assert shop.invoice() == AS_IT_WAS


@pytest.mark.requirement("outbox:abandoned")
@pytest.mark.one_engine
@pytest.mark.parametrize("how", ["unclaimed", "expired", "dead", "applied", "unknown"])
async def test_how_far_an_entry_has_come_says_what_an_abandon_of_it_is_answered(
    shop: Shop, application: Payments, how: str
) -> None:
    job = await handed(shop)
    if how != "unknown":
        await application.handle(job)
    if how in {"expired", "dead", "applied"}:
        claim = await application.claimed(lock=60 if how == "applied" else 0)
        if how == "applied":
            await application.confirm(claim)
    if how == "dead":
        application.outbox = replace(application.outbox, most=1)
        assert await application.claim() is None
    said = await application.handle(replace(job, ask=Ask.ABANDON))
    wanted = {"applied": (Came.ALREADY_APPLIED, ""), "unclaimed": (Came.FAILED, "closed")}
    wanted["unknown"] = wanted["unclaimed"]
    assert (said.came, said.code) == wanted.get(how, (Came.FAILED, "abandoned"))
    if how == "expired":
        assert (await application.handle(job)).confirmed is None
        assert await refused(application, claim) == "claim_lost"
    assert (await application.claim(), await application.dead()) == (None, ())


@pytest.mark.requirement("outbox:abandoned", "reconcile:given-up")
async def test_an_overdue_entry_is_abandoned_by_the_worker_before_its_change_is_said_to_have_failed(
    shop: Shop, application: Payments
) -> None:
    proposal, clock = await shop.waiver(), TestClock(shop.project.clock.now())
    assert await shop.attempt(clock=clock) == ACCEPTED
    await application.claimed(lock=0)
    clock.move(days=4)
    assert await shop.attempt(clock=clock) == [("reconciliation_required", "handler_overdue")]
    await resolved(shop, proposal, "not_applied")
    assert (await shop.work(), await shop.status(proposal)) == ([], "failed")
    assert (await application.claim(), shop.invoice()) == (None, AS_IT_WAS)
    assert application.jobs[-1].ask is Ask.ABANDON


@pytest.mark.requirement("outbox:claim")
@pytest.mark.one_engine
@pytest.mark.parametrize("how", ["undo", "body"])
async def test_an_entry_that_cannot_be_ended_or_read_keeps_no_other_from_being_claimed(
    shop: Shop, application: Payments, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    job, broken = await handed(shop), [RuntimeError("canary"), RuntimeError("canary")]

    def undo(_session: Session, _change: Any) -> None:
        if broken:
            raise broken.pop()

    application.outbox = replace(application.outbox, undo=undo)
    for number in (1, 2):
        await application.handle(another(job, number, relation=f"of{number}"))
    told = job.changes[0].expires_at.isoformat()
    spoiled = "'{'" if how == "body" else f"replace(body, '{told}', '2026-01-01T00:00:00+00:00')"
    application.doctor(f"body = {spoiled} WHERE handled_key LIKE '1%'")
    assert (await application.claimed()).key[0] == "2"
    assert [r.action for r in caplog.records if hasattr(r, "action")].count("outbox_broke") == 1
    assert await application.claim() is None
    assert application.entries("state, due_at > accepted_at")[0] == ("accepted", 1)
    if how == "undo":
        application.doctor("due_at = 0")
        assert await application.claim() is None
        application.doctor("due_at = 0")
        assert await application.claim() is None
        assert application.entries("state, code")[0] == ("confirmed", "expired")


@pytest.mark.requirement("outbox:claim")
@pytest.mark.one_engine
@pytest.mark.parametrize("how", ["state = 'dead'", "claim = 'another'", "attempts = 1"])
async def test_an_entry_whose_parts_stand_otherwise_keeps_no_other_from_being_claimed(
    shop: Shop, application: Payments, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, real, looks = await handed(shop), Outbox._due, list[Session]()
    parts = [another(job, number, relation=f"of{number}").changes[0] for number in (1, 2)]
    await application.handle(replace(job, changes=tuple(parts)))
    await application.handle(another(job, 3, relation="of3"))

    def due(self: Outbox, session: Session) -> Any:
        looks.append(session)
        assert len(looks) < 5, "it looks at one entry again and again"
        return real(self, session)

    monkeypatch.setattr(Outbox, "_due", due)
    application.doctor(f"{how} WHERE handled_key LIKE '2%'")
    if how == "attempts = 1":
        told = job.changes[0].expires_at.isoformat()
        application.doctor(f"body = replace(body, '{told}', '2026-01-01T00:00:00+00:00') WHERE entry LIKE '1%'")
    assert (await application.claimed()).key[0] == "3"
    assert await application.claim() is None


@pytest.mark.requirement("outbox:confirm")
@pytest.mark.one_engine
@pytest.mark.parametrize("times", [1, 3])
async def test_a_confirmation_that_the_database_undoes_by_itself_is_made_again_and_not_for_ever(
    shop: Shop, application: Payments, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await application.handle(await handed(shop))
    claim, left, real = await application.claimed(), [None] * times, Outbox._end

    def end(self: Outbox, *told: Any, **more: Any) -> Answer:
        if left:
            left.pop()
            raise OperationalError("UPDATE", {}, Exception("deadlock"))
        return real(self, *told, **more)

    monkeypatch.setattr(Outbox, "_end", end)
    if times == 3:
        with pytest.raises(OperationalError):
            await application.confirm(claim)
        assert (shop.invoice(), application.entries("state")) == (AS_IT_WAS, [("accepted",)])
    assert (await application.confirm(claim)).came is Came.ALREADY_APPLIED
    assert shop.invoice() == WAIVED


@pytest.mark.requirement("outbox:claim")
@pytest.mark.one_engine
async def test_what_was_accepted_by_a_clock_that_was_set_back_since_is_due(
    shop: Shop, application: Payments, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await handed(shop)
    with monkeypatch.context() as ahead:
        ahead.setattr("synapsor.handler.outbox.now_of", lambda session: now_of(session) + 3_600_000)
        assert (await application.handle(job)).came is Came.ACCEPTED
    assert (await application.claimed()).attempt == 1


@pytest.mark.requirement("outbox:dead")
@pytest.mark.one_engine
async def test_an_entry_that_was_claimed_too_often_is_dead_and_told_until_somebody_revives_it(
    shop: Shop, application: Payments, caplog: pytest.LogCaptureFixture
) -> None:
    job = await handed(shop)
    application.outbox = replace(application.outbox, most=2)
    await application.handle(job)
    for _ in range(2):
        await application.release(await application.claimed())
    assert await application.claim() is None
    key, proposal = job.changes[0].key, job.changes[0].proposal
    assert await application.dead() == ((key, proposal, 2),)
    assert [r.getMessage() for r in caplog.records if getattr(r, "action", "") == "outbox_dead"] == [
        f"entry {key} is dead after 2 attempts"
    ]
    with caplog.at_level(logging.WARNING):
        assert await shop.attempt() == ACCEPTED
    assert "executor app says: dead after 2 attempts" in caplog.text
    assert (await application.handle(replace(job, ask=Ask.CLOSE))).came is Came.ACCEPTED
    assert (await application.revive(key), await application.revive(key)) == (True, False)
    assert (await application.claimed()).attempt == 2


@pytest.mark.requirement("outbox:claim")
@pytest.mark.one_engine
async def test_an_entry_that_was_given_back_for_later_is_not_claimed_before(shop: Shop, application: Payments) -> None:
    await application.handle(await handed(shop))
    await application.release(await application.claimed(), wait=3600)
    assert await application.claim() is None
    application.doctor("due_at = 0")
    assert (await application.claimed()).attempt == 2


@pytest.mark.requirement("outbox:once")
@pytest.mark.one_engine
async def test_what_the_application_refuses_at_once_is_not_accepted_and_stays_refused(
    shop: Shop, application: Payments
) -> None:
    application.sets = {"refuses": True}
    await shop.waiver()
    assert await shop.attempt() == [("failed", "handler_refused")]
    assert application.entries() == [("confirmed", "failed", "refused", 0)]
    job = replace(application.jobs[0], ask=Ask.APPLY)
    application.sets = {}
    assert (await application.handle(job)).came is Came.FAILED


@pytest.mark.requirement("outbox:once")
@pytest.mark.one_engine
async def test_what_was_applied_at_once_before_is_not_accepted_again(shop: Shop, application: Payments) -> None:
    job = await handed(shop)
    assert (await asyncio.to_thread(application.handle_here, job)).came is Came.APPLIED
    assert (await application.handle(job)).came is Came.ALREADY_APPLIED
    assert application.entries() == []


@pytest.mark.requirement("outbox:claim")
@pytest.mark.one_engine
async def test_a_session_in_a_transaction_and_a_worker_without_a_name_are_refused(
    shop: Shop, application: Payments
) -> None:
    job = await handed(shop)
    for worker in ("", "x" * 65, "naïve"):
        with pytest.raises(ValueError, match="worker"):
            await application.claim(worker)
    with Session(application.engine) as session:
        session.execute(text("SELECT 1"))
        for call in (lambda: application.outbox.accept(session, job), lambda: application.outbox.claim(session, "w")):
            with pytest.raises(ValueError, match="transaction"):
                call()


@pytest.mark.requirement("outbox:claim")
@pytest.mark.one_engine
async def test_an_entry_that_another_was_quicker_to_claim_is_not_claimed_by_what_was_seen_before(
    shop: Shop, application: Payments, monkeypatch: pytest.MonkeyPatch
) -> None:
    await application.handle(await handed(shop))
    real, others = Outbox._due, list[Claim | None]()

    def due(self: Outbox, session: Session) -> Any:
        found = real(self, session)
        session.rollback()
        if not others:
            others.append(None)
            with Session(application.engine) as other:
                others[0] = self.claim(other, "pay-2")
        return found

    monkeypatch.setattr(Outbox, "_due", due)
    assert await application.claim("pay-1") is None
    assert others[0] is not None
    assert (await application.confirm(others[0])).came is Came.ALREADY_APPLIED


@pytest.mark.requirement("outbox:claim")
@pytest.mark.one_engine
async def test_a_claim_that_is_lost_while_rows_that_cannot_be_changed_are_taken_back_confirms_nothing(
    shop: Shop, application: Payments
) -> None:
    await application.handle(await handed(shop))
    claim = await application.claimed()
    shop.change("UPDATE {invoices} SET row_version = 9 WHERE id = 'INV-3001'")
    with Session(application.engine) as session:
        event.listen(session, "after_rollback", lambda _: application.doctor("claim = 'another'"), once=True)
        with pytest.raises(Unconfirmed, match="claim_lost"):
            application.outbox.confirm(session, claim, Came.APPLIED)
    assert application.entries("state, outcome") == [("accepted", "")]


@pytest.mark.requirement("outbox:once")
@pytest.mark.one_engine
async def test_what_was_accepted_apart_or_in_part_is_not_told_as_one_job(shop: Shop, application: Payments) -> None:
    job = await handed(shop)
    first, second, third = (another(job, number) for number in (1, 2, 3))
    for one in (first, second):
        assert (await application.handle(one)).came is Came.ACCEPTED
    for others in (second, third):
        both = replace(job, changes=first.changes + others.changes)
        for ask in (Ask.APPLY, Ask.LOOK, Ask.CLOSE):
            said = await application.handle(replace(both, ask=ask))
            assert (said.came, said.code) == (Came.CONFLICT, "receipts_differ")
    assert application.entries("state") == [("accepted",)] * 2
