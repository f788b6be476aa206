"""A receipts table whose owner has a rule or a trigger that swallows what it is given: nothing is applied without its receipt."""

from pathlib import Path

import pytest

from tests.attack.shop import meanwhile, open_shop
from tests.attack.steered import say
from tests.databases import Database

SWALLOWS = {
    "postgres": (
        "CREATE RULE swallow AS ON INSERT TO {synapsor_receipts} DO INSTEAD NOTHING",
        "DROP RULE swallow ON {synapsor_receipts}",
    ),
    "sqlite": (
        "CREATE TRIGGER swallow BEFORE INSERT ON {synapsor_receipts} BEGIN SELECT raise(IGNORE); END",
        "DROP TRIGGER swallow",
    ),
}


@pytest.mark.requirement("apply:receipt-kept")
@pytest.mark.parametrize("canceled", [False, True])
@pytest.mark.parametrize("engine", SWALLOWS)
async def test_nothing_is_applied_or_canceled_whose_receipt_is_swallowed(
    engine: str, canceled: bool, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    database: Database = request.getfixturevalue(f"{engine}_db")
    async with open_shop(tmp_path / "project", database) as shop:
        invoice = "INV-3002" if canceled else "INV-3001"
        proposal, before, kept = await shop.waiver(invoice), shop.invoice(invoice), shop.receipts()
        if canceled:
            await say(shop, "cancel", proposal)
        with meanwhile(shop, *SWALLOWS[engine]):
            assert await shop.attempt() == [("retry", "drift")]
            assert (shop.invoice(invoice), shop.receipts()) == (before, kept)
            assert await shop.status(proposal) == "approved"
        assert await shop.until_settled(proposal) == ["canceled" if canceled else "applied"]
        assert shop.receipts() == kept + 1
