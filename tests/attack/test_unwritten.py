"""A source whose changes applications carry out has no credential that writes, and the worker neither misses nor invents one."""

import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from synapsor.core.plan import Relation
from synapsor.errors import ConfigError, Failure, SourceFailure
from synapsor.examine.sources import of_sources
from synapsor.handler_ports import Heard
from synapsor.work.unwritten import Unwritten
from tests.attack.shop import Shop, open_shop
from tests.attack.steered import TWICE, say
from tests.databases import Database
from tests.handlers.answering import Answering, heard
from tests.handlers.invoices import SECRET, Invoices
from tests.handlers.serving import POLICY, configured, invoices, served

WAIVED = (0, "Paid next day.", 2)


def without_writer(database: Database) -> dict[str, str]:
    """Return how a project's configuration is changed so that its source has no write credential."""
    taken = {"    write: ${file:secrets/write}\n": "", f"    receipts: {database.schema}.synapsor_receipts\n": ""}
    return taken if database.engine == "sqlite" else {**taken, "    allow: [writer_writes_more]\n": ""}


def opened(root: Path, database: Database, url: str, policy: str = POLICY) -> AbstractAsyncContextManager[Shop]:
    """Open the shop over a source without a write credential, of which not even the file is there."""
    (root / "secrets").mkdir(parents=True, mode=0o700)
    secret = root / "secrets" / "handler"
    secret.touch(mode=0o600)
    secret.write_text(SECRET, encoding="utf-8")
    return open_shop(root, database, policy=policy, config={**configured(url), **without_writer(database)})


@pytest_asyncio.fixture
async def application(database: Database) -> AsyncIterator[Invoices]:
    found = invoices(database)
    yield found
    await found.aclose()


@pytest_asyncio.fixture
async def shop(tmp_path: Path, database: Database, application: Invoices) -> AsyncIterator[Shop]:
    root = tmp_path / "project"
    async with (
        served(application.app()) as port,
        opened(root, database, f"http://127.0.0.1:{port}/synapsor") as found,
    ):
        (root / "secrets" / "write").unlink()
        yield found


@pytest.mark.requirement("executor:no-writer")
@pytest.mark.one_engine
async def test_the_application_applies_and_the_worker_holds_no_credential_and_says_so(
    shop: Shop, application: Invoices, caplog: pytest.LogCaptureFixture
) -> None:
    proposal = await shop.waiver()
    with caplog.at_level(logging.WARNING, logger="synapsor"):
        assert await shop.work() == [("applied", "")]
    assert [r.getMessage().split(":")[0] for r in caplog.records if "no_writer" in r.getMessage()] == ["no_writer"]
    assert (shop.invoice(), shop.receipts(), application.kept()) == (WAIVED, 0, [("applied", "")])
    assert await shop.status(proposal) == "applied"


@pytest.mark.requirement("executor:no-writer")
@pytest.mark.one_engine
async def test_what_is_canceled_or_given_up_is_closed_by_the_application_alone(
    shop: Shop, application: Invoices
) -> None:
    lost = Answering(heard(Heard.UNREACHED))
    one = await shop.waiver()
    assert await shop.attempt(handlers={"app": lost}, pace=TWICE) == [("retry", "handler_unreached")]
    await say(shop, "cancel", one)
    assert await shop.work() == [("canceled", "canceled")]
    assert (shop.invoice()[0], application.kept()) == (5500, [("failed", "closed")])


@pytest.mark.requirement("executor:no-writer")
@pytest.mark.one_engine
async def test_doctor_and_the_running_worker_prove_nothing_of_a_writer_that_is_not_there(shop: Shop) -> None:
    told = [f for f in await of_sources(shop.project) if "writer" in f.rule]
    assert [(f.rule, f.fatal) for f in told] == [("no_writer", False)]
    worker = await shop.worker()
    assert worker.proving is not None
    worker.proving.doubt("shop", None)
    worker.proving._doubted.add("shop")  # no outcome of an application makes one look
    assert await worker.proving.writable() == ("shop",)


@pytest.mark.requirement("executor:no-writer")
@pytest.mark.one_engine
async def test_a_change_that_no_application_carries_out_needs_a_writer_before_anything_starts(
    tmp_path: Path, database: Database
) -> None:
    policy = POLICY.replace("    executor: app\n", "", 1)
    with pytest.raises(ConfigError, match=r"no `write` by which the worker could"):
        async with opened(tmp_path / "project", database, "http://127.0.0.1:9/synapsor", policy):
            pass


@pytest.mark.requirement("executor:no-writer")
@pytest.mark.one_engine
async def test_an_older_job_that_only_a_writer_could_carry_out_waits_and_ends_as_nothing(
    tmp_path: Path, database: Database
) -> None:
    async with open_shop(tmp_path / "project", database) as before:
        proposal = await before.waiver()
        bench = (await before.worker()).bench
        gone = replace(bench.targets["shop"], source=Unwritten(name="shop", dialect="sqlite"), has_writer=False)
        found = await before.attempt(targets={"shop": gone}, proving=None)
        assert found == [("retry", "source_not_writable")]
        assert await before.status(proposal) == "approved"
        assert await before.work() == [("applied", "")]


async def test_what_stands_in_for_a_writer_refuses_whatever_it_is_asked() -> None:
    nobody, place = Unwritten(name="shop", dialect="sqlite"), Relation(schema="main", name="t")
    for asked in (nobody.describe(place), nobody.effects(place), nobody.lasting(place), nobody.posture((), None)):
        with pytest.raises(SourceFailure) as refused:
            await asked
        assert refused.value.kind is Failure.DENIED
    with pytest.raises(SourceFailure):
        async with nobody.transaction(time_ms=1):
            pass
