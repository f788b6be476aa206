"""An application applies what was approved, on each engine, through FastAPI and SQLAlchemy over a real socket."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.attack.shop import Shop
from tests.databases import Database
from tests.handlers.invoices import Invoices
from tests.handlers.serving import handled_shop, invoices, served


@pytest.fixture
def application(database: Database) -> Invoices:
    return invoices(database)


@pytest_asyncio.fixture
async def shop(tmp_path: Path, database: Database, application: Invoices) -> AsyncIterator[Shop]:
    async with served(application.app()) as port:
        async with handled_shop(tmp_path / "project", database, f"http://127.0.0.1:{port}/synapsor") as found:
            yield found
        if application.is_async:
            await application.engine.dispose()


@pytest.mark.requirement("executor:handler-applies")
async def test_an_application_applies_what_was_approved_and_its_receipt_is_the_verdict(
    shop: Shop, application: Invoices
) -> None:
    proposal = await shop.waiver()
    assert await shop.work() == [("applied", "")]
    assert shop.invoice() == (0, "Paid next day.", 2)
    assert await shop.status(proposal) == "applied"
    assert shop.receipts() == 0
    assert [job.ask for job in application.jobs] == ["apply"]
