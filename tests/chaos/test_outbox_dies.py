"""A dispatcher that is killed between its claim, the effect and the confirmation: the next one finishes it, and the effect is there once."""

import asyncio
import datetime as dt
import os
import sys
from pathlib import Path

import pytest

from synapsor.handler.wire import Ask
from synapsor.ports import SystemClock
from synapsor.testing import TestClock
from tests.databases import Database
from tests.handlers.invoices import url_of
from tests.handlers.payments import Payments, Provider, dispatch, payments
from tests.handlers.serving import handled_shop, served
from tests.projects import ROOT


async def killed(database: Database, provider: Provider, place: str) -> int:
    """Let a dispatcher in a process of its own die at a place, and return how it ended."""
    schema = database.schema if database.engine == "postgres" else ""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.handlers.payments", url_of(database), schema, str(provider.folder), place),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT / 'server'}"},
    )
    return await process.wait()


async def finished(application: Payments, provider: Provider) -> list[str]:
    """Return what a dispatcher that lives does, before the dead one's claim is over and after it."""
    before = await dispatch(application, provider)
    application.doctor("claimed_until = 0")
    return [before, await dispatch(application, provider, worker="pay-2")]


@pytest.mark.chaos
@pytest.mark.one_engine
@pytest.mark.requirement("outbox:once", "outbox:claim")
@pytest.mark.parametrize(("place", "asked"), [("claimed", 1), ("paid", 2)])
async def test_the_effect_of_a_dispatcher_that_is_killed_is_made_once_and_its_change_is_applied(
    tmp_path: Path, database: Database, place: str, asked: int
) -> None:
    application, provider = payments(database, again=0), Provider(tmp_path)
    async with (
        served(application.app()) as port,
        handled_shop(tmp_path / "project", database, f"http://127.0.0.1:{port}/synapsor") as shop,
    ):
        proposal = await shop.waiver()
        assert await shop.attempt() == [("accepted", "handler_accepted")]
        assert await killed(database, provider, place) == -9
        assert await shop.attempt() == [("accepted", "handler_accepted")]
        assert await finished(application, provider) == ["nothing", "already_applied"]
        assert await shop.attempt() == [("already_applied", "")]
        assert (provider.paid, len(provider.asked), len(set(provider.asked))) == (1, asked, 1)
        assert (shop.invoice(), await shop.status(proposal)) == ((0, "Paid next day.", 2), "applied")
        (receipt,) = (await shop.record(proposal)).receipts
        assert receipt.confirmed is not None
        assert receipt.confirmed.by == "pay-2"
    await application.aclose()


@pytest.mark.chaos
@pytest.mark.one_engine
@pytest.mark.requirement("accepted:waits", "outbox:once")
async def test_a_worker_that_is_killed_before_it_has_told_that_a_change_is_accepted_has_begun_it_once(
    tmp_path: Path, database: Database
) -> None:
    application, clock = payments(database, again=0), TestClock(SystemClock().now() + dt.timedelta(minutes=2))
    async with (
        served(application.app()) as port,
        handled_shop(tmp_path / "project", database, f"http://127.0.0.1:{port}/synapsor") as shop,
    ):
        proposal = await shop.waiver()
        worker = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "synapsor.cli.main", "--config", str(shop.files.config_path), "worker", "--once"),
            env={**os.environ, "SYNAPSOR_TESTING": "1", "SYNAPSOR_FAILPOINT": "work.applied:kill9"},
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert await worker.wait() == -9
        told = {event["kind"] for event in (await shop.record(proposal)).events}
        assert ("job_leased" in told, "job_accepted" in told) == (True, False)
        assert await shop.attempt(clock=clock) == [("accepted", "handler_accepted")]
        assert [job.ask for job in application.jobs] == [Ask.APPLY, Ask.APPLY]
        assert application.entries() == [("accepted", "", "", 0)]
    await application.aclose()
