"""An application applies what was approved, on each engine, through FastAPI and SQLAlchemy over a real socket."""

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy.orm import Session

from synapsor.handler import Answer, Job, read
from synapsor.handler.once import once
from synapsor.handler.wire import Ask, Came
from synapsor.handler_ports import Heard
from tests.attack.shop import Shop, meanwhile
from tests.attack.steered import TWICE, say
from tests.databases import Database
from tests.handlers.answering import Answering, heard
from tests.handlers.invoices import Invoices
from tests.handlers.serving import handled_shop, invoices, served

WAIVED = (0, "Paid next day.", 2)
AS_IT_WAS = (5500, None, 1)


@pytest_asyncio.fixture
async def application(database: Database) -> AsyncIterator[Invoices]:
    found = invoices(database)
    yield found
    await found.aclose()


@pytest_asyncio.fixture
async def shop(tmp_path: Path, database: Database, application: Invoices) -> AsyncIterator[Shop]:
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


@pytest.mark.requirement("executor:handler-applies")
async def test_an_application_applies_what_was_approved_and_the_worker_needs_no_right_to(
    shop: Shop, application: Invoices
) -> None:
    proposal = await shop.waiver()
    if shop.database.engine == "sqlite":
        assert await shop.work() == [("applied", "")]
    else:
        host = "@'127.0.0.1'" if shop.database.engine == "mariadb" else ""
        verb = "UPDATE (late_fee_cents, waiver_reason, note) ON {invoices}"
        with meanwhile(shop, f"REVOKE {verb} FROM synapsor_writer{host}", f"GRANT {verb} TO synapsor_writer{host}"):
            assert await shop.work() == [("applied", "")]
    assert shop.invoice() == WAIVED
    assert await shop.status(proposal) == "applied"
    assert (shop.receipts(), application.kept()) == (0, [("applied", "")])
    (receipt,) = (await shop.record(proposal)).receipts
    assert receipt.after == ({"late_fee_cents": "0", "waiver_reason": "Paid next day."},)


@pytest.mark.requirement("executor:once")
async def test_an_effect_whose_answer_was_lost_is_not_made_again(shop: Shop, application: Invoices) -> None:
    await shop.waiver()
    application.breaks = [RuntimeError("canary: after the commit")]
    assert await shop.attempt() == [("retry", "handler_busy")]
    assert shop.invoice() == WAIVED
    assert await shop.attempt() == [("already_applied", "")]
    assert (shop.invoice(), application.kept()) == (WAIVED, [("applied", "")])


@pytest.mark.requirement("executor:once")
async def test_what_is_not_as_it_was_is_a_conflict_and_stays_one(shop: Shop, application: Invoices) -> None:
    job = await handed(shop)
    shop.change("UPDATE {invoices} SET late_fee_cents = 1 WHERE id = 'INV-3001'")
    assert await shop.attempt() == [("conflict", "version_moved")]
    shop.change("UPDATE {invoices} SET late_fee_cents = 5500, row_version = 1 WHERE id = 'INV-3001'")
    again = await application.handle(job)
    assert (again.came, again.code) == (Came.CONFLICT, "version_moved")
    assert application.kept() == [("conflict", "version_moved")]


@pytest.mark.requirement("executor:once")
async def test_of_calls_at_once_with_one_key_one_makes_the_change(shop: Shop, application: Invoices) -> None:
    job = await handed(shop)
    answers = await asyncio.gather(*(application.handle(job) for _ in range(6)), return_exceptions=True)
    said = [answer.came for answer in answers if isinstance(answer, Answer)]
    assert said.count(Came.APPLIED) == 1
    assert set(said) <= {Came.APPLIED, Came.ALREADY_APPLIED}
    assert (shop.invoice(), application.kept()) == (WAIVED, [("applied", "")])
    assert (await application.handle(job)).came is Came.ALREADY_APPLIED


@pytest.mark.requirement("executor:once")
@pytest.mark.one_engine
async def test_another_digest_under_the_same_key_is_no_repetition(shop: Shop, application: Invoices) -> None:
    job = await handed(shop)
    other = replace(job, changes=(replace(job.changes[0], digest="sha256:" + "0" * 64),))
    assert (await application.handle(other)).came is Came.APPLIED
    assert await shop.attempt() == [("reconciliation_required", "receipt_of_another_digest")]


@pytest.mark.requirement("executor:closed")
@pytest.mark.one_engine
async def test_what_was_closed_is_never_applied_by_a_call_that_was_late(shop: Shop, application: Invoices) -> None:
    job = await handed(shop)
    application.breaks = [RuntimeError("down")]
    application.early = True
    assert await shop.attempt(pace=TWICE) == [("parked", "handler_busy")]
    await say(shop, "discard", job.changes[0].proposal)
    assert await shop.attempt() == [("canceled", "discarded")]
    late = await application.handle(job)
    assert (late.came, late.code, shop.invoice()) == (Came.FAILED, "closed", AS_IT_WAS)


@pytest.mark.requirement("executor:exact")
@pytest.mark.one_engine
async def test_a_change_that_is_not_exactly_what_was_approved_is_undone_by_the_helper(
    shop: Shop, application: Invoices
) -> None:
    application.sets = {"waiver_reason": "Because."}
    await shop.waiver()
    assert await shop.attempt() == [("failed", "after_image")]
    assert (shop.invoice(), application.kept()) == (AS_IT_WAS, [("failed", "after_image")])


@pytest.mark.requirement("executor:verdict")
async def test_what_a_rule_of_the_database_refuses_is_undone_and_recorded(shop: Shop, application: Invoices) -> None:
    await shop.waiver()
    application.sets = {"customer": None}
    assert await shop.attempt() == [("failed", "constraint")]
    assert (shop.invoice(), application.kept()) == (AS_IT_WAS, [("failed", "constraint")])


@pytest.mark.requirement("executor:verdict")
@pytest.mark.one_engine
@pytest.mark.parametrize("code", ["refused", "expired"])
async def test_what_the_application_refuses_stays_refused(shop: Shop, application: Invoices, code: str) -> None:
    job = await handed(shop)
    if code == "refused":
        application.sets = {"refuses": True}
    else:
        past = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        job = replace(job, changes=(replace(job.changes[0], expires_at=past),))
    for _ in range(2):
        answer = await application.handle(job)
        assert (answer.came, answer.code) == (Came.FAILED, code)
        application.sets = {}
    assert (shop.invoice(), application.kept()) == (AS_IT_WAS, [("failed", code)])


@pytest.mark.requirement("executor:once")
@pytest.mark.one_engine
async def test_a_look_tells_what_is_recorded_and_changes_nothing(shop: Shop, application: Invoices) -> None:
    job = await handed(shop)
    look = replace(job, ask=Ask.LOOK)
    assert (await application.handle(look)).came is Came.NOTHING
    assert application.kept() == []
    await application.handle(job)
    assert (await application.handle(look)).came is Came.ALREADY_APPLIED


@pytest.mark.requirement("executor:once")
@pytest.mark.one_engine
async def test_a_session_that_is_in_a_transaction_is_refused(shop: Shop, application: Invoices) -> None:
    job = await handed(shop)
    with Session(application.engine) as session:
        session.connection()
        with pytest.raises(ValueError, match="transaction"):
            once(session, job, application.change)
