"""A worker that is started without the executor of a job which an earlier attempt may have got through: nobody can be asked, so nothing is said."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from synapsor.handler_ports import Heard
from synapsor.work.pace import Pace
from tests.attack.shop import Shop
from tests.attack.steered import say
from tests.databases import Database
from tests.handlers.answering import Answering, heard, said
from tests.handlers.serving import handled_shop

pytestmark = pytest.mark.one_engine


@pytest_asyncio.fixture
async def shop(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    async with handled_shop(tmp_path / "project", database, "http://127.0.0.1:9/synapsor") as found:
        yield found


@pytest.mark.requirement("executor:unasked")
async def test_a_job_that_may_have_got_through_is_not_said_to_have_failed_by_a_worker_that_cannot_ask(
    shop: Shop,
) -> None:
    proposal = await shop.waiver()
    trusted = shop.project.deciders()
    revoked = {**trusted, "leo": replace(trusted["leo"], revoked=True)}
    handler = Answering(heard(Heard.UNKNOWN), said("already_applied"))
    assert await shop.attempt(handlers={"app": handler}) == [("retry", "handler_unknown")]
    assert await shop.attempt(handlers={}, operators=lambda: revoked) == [("retry", "executor_missing")]
    assert await shop.status(proposal) == "approved"
    assert await shop.attempt(handlers={"app": handler}, operators=lambda: revoked) == [("already_applied", "")]
    assert await shop.status(proposal) == "applied"


@pytest.mark.requirement("worker:one-line")
async def test_a_job_that_is_only_put_off_is_no_error_of_the_log(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    await shop.waiver()
    assert await shop.attempt(handlers={}) == [("retry", "executor_missing")]
    told = [(one.levelname, one.getMessage().split(" is ")[1]) for one in caplog.records if "job" in vars(one)]
    assert told == [("WARNING", "put off: executor_missing")]


@pytest.mark.requirement("executor:unasked")
async def test_a_cancel_waits_for_a_worker_that_can_have_it_closed(shop: Shop) -> None:
    proposal = await shop.waiver()
    await say(shop, "cancel", proposal)
    assert await shop.attempt(handlers={}) == [("retry", "executor_missing")]
    assert await shop.status(proposal) == "approved"
    assert await shop.attempt(handlers={"app": Answering(said("failed", "closed"))}) == [("canceled", "canceled")]


@pytest.mark.requirement("executor:unasked")
async def test_a_job_that_nobody_can_be_asked_about_is_given_up_and_nothing_is_decided(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    proposal = await shop.waiver()
    handler = Answering(heard(Heard.UNKNOWN))
    assert await shop.attempt(handlers={"app": handler}) == [("retry", "handler_unknown")]
    assert await shop.attempt(handlers={}, pace=Pace(attempts=2)) == [("parked", "executor_missing")]
    assert "job_broke" not in {getattr(told, "action", "") for told in caplog.records}
    assert await shop.status(proposal) == "approved"


@pytest.mark.requirement("steer:cancel")
async def test_nothing_is_canceled_of_which_no_claim_can_be_made(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(*_: object) -> None:
        """Find no record that could be read."""

    proposal = await shop.waiver()
    await say(shop, "cancel", proposal)
    monkeypatch.setattr("synapsor.work.lane.claim_of", none)
    assert await shop.attempt() == [("reconciliation_required", "records_differ")]
    assert await shop.status(proposal) == "approved"
