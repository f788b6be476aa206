"""An application that does something else than what was approved, through the helper that is to keep it from that, and answers that are none."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from synapsor.handler.answer import read_answer
from tests.attack.shop import Shop
from tests.databases import Database
from tests.handlers.invoices import Invoices
from tests.handlers.serving import handled_shop, invoices, served


@pytest_asyncio.fixture
async def application(sqlite_db: Database) -> AsyncIterator[Invoices]:
    found = invoices(sqlite_db)
    yield found
    await found.aclose()


@pytest_asyncio.fixture
async def shop(tmp_path: Path, sqlite_db: Database, application: Invoices) -> AsyncIterator[Shop]:
    async with (
        served(application.app()) as port,
        handled_shop(tmp_path / "project", sqlite_db, f"http://127.0.0.1:{port}/synapsor") as found,
    ):
        yield found


@pytest.mark.requirement("executor:exact-scope")
async def test_a_row_that_the_application_gives_to_another_tenant_is_put_back_by_the_helper(
    shop: Shop, application: Invoices
) -> None:
    proposal = await shop.waiver()
    application.sets = {"tenant_id": "globex"}
    assert await shop.work() == [("failed", "after_image")]
    assert shop.invoice(columns="tenant_id, late_fee_cents") == ("acme", 5500)
    assert await shop.status(proposal) == "failed"


@pytest.mark.requirement("executor:unknown")
@pytest.mark.parametrize("code", ["[]", "{}", "null", "5", "true"])
@pytest.mark.parametrize("outcome", ["failed", "conflict", "applied"])
def test_an_answer_whose_code_is_no_text_is_none(outcome: str, code: str) -> None:
    body = f'{{"synapsor-handler": 1, "outcome": "{outcome}", "changes": [], "code": {code}}}'
    assert read_answer(body.encode()) is None
