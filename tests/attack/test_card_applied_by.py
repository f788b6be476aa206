"""What a card tells before an approval of who carries a change out, and of who keeps the receipt of it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from synapsor.approve.card.card import card_of
from synapsor.approve.card.now import with_now
from synapsor.approve.card.view import RECEIPTLESS
from synapsor.approve.terminal.card import render
from synapsor.core.blast import Colour
from synapsor.looking import SourceLooks
from tests.attack.desk import hall
from tests.attack.shop import Shop, open_shop
from tests.databases import Database
from tests.handlers.serving import handled_shop

pytestmark = pytest.mark.asyncio


def unfolded(text: str) -> str:
    """Return a card in one line."""
    return " ".join(text.replace("┆", " ").split())


async def drawn(shop: Shop, proposal: str, *, looked: bool = False) -> tuple[str, Any]:
    """Return the card of a proposal as a terminal shows it, and the look at the source where there was one."""
    record, config = await shop.record(proposal), shop.project.config
    now, operators = shop.project.clock.now(), shop.project.deciders()
    card = await card_of(shop.ledger, record, operators=operators, now=now, receiptless=config.receiptless)
    if not looked:
        return unfolded(render(card, width=100)), None
    seen = await SourceLooks(project=shop.project, client="test").now(record.proposal, who="leo")
    return unfolded(render(with_now(card, record.proposal, seen, now=now), width=100)), seen


@pytest.fixture
async def receiptless(tmp_path: Path, sqlite_db: Database) -> AsyncIterator[Shop]:
    config = {f"receipts: {sqlite_db.schema}.synapsor_receipts": "receipts: ledger"}
    async with open_shop(tmp_path / "project", sqlite_db, config=config) as shop:
        yield shop


@pytest.mark.requirement("blast:application")
async def test_of_what_an_application_carries_out_nobody_says_that_nothing_else_is_touched(
    tmp_path: Path, sqlite_db: Database
) -> None:
    async with handled_shop(tmp_path / "project", sqlite_db, "http://127.0.0.1:9/") as shop:
        told, seen = await drawn(shop, await shop.waiver(), looked=True)
    assert (seen.blast.colour, seen.blast.applied_by) == (Colour.AMBER, "app")
    assert "look twice the application carries it out, and what that does beside cannot be seen here" in told
    assert "nothing else" not in told


@pytest.mark.requirement("card:receiptless")
async def test_the_card_says_before_an_approval_what_it_means_that_a_source_keeps_no_receipts(
    receiptless: Shop,
) -> None:
    proposal = await receiptless.waiver()
    told, _ = await drawn(receiptless, proposal)
    assert RECEIPTLESS in told
    async with hall(receiptless) as desk, desk.client() as client:
        await desk.login(client, "leo")
        assert f"Its receipts are {RECEIPTLESS}." in (await client.get(f"/proposals/{proposal}")).text


@pytest.mark.requirement("card:receiptless")
async def test_the_card_says_nothing_of_it_where_the_source_or_the_application_keeps_them(
    tmp_path: Path, sqlite_db: Database
) -> None:
    async with open_shop(tmp_path / "kept", sqlite_db) as shop:
        told, _ = await drawn(shop, await shop.waiver())
    assert RECEIPTLESS not in told
