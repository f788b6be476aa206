"""What is not what it was made from is approved nowhere and may be rejected everywhere, and every surface says so in the same words."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from mcp import Client

from synapsor.approve.board.work import Reviewing
from synapsor.approve.card.card import card_of
from synapsor.approve.card.shown import unseen
from synapsor.approve.sheet import sheet_of
from synapsor.core.statements import Verdict
from synapsor.flow.batch import open_clusters, picked
from synapsor.flow.decider import Named
from synapsor.flow.objection import Intent, objection
from tests.attack.desk import Hall, approval, hall, refusals
from tests.attack.shop import WAIVER, Shop, as_owner, open_shop
from tests.companion import said, write_companion
from tests.databases import Database, load_sqlite
from tests.projects import opened

pytestmark = pytest.mark.requirement("evidence:may-be-rejected", "evidence:digest-checked")
WORDS = "The evidence is not what the proposal was made from. Run `synapsor verify`. This one can be rejected."
ALTERED = "UPDATE evidence SET body = replace(body, '5500', '9900')"


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Hall]:
    async with open_shop(tmp_path / "project", load_sqlite(tmp_path / "shop.db")) as shop, hall(shop) as found:
        yield found


def alter(ledger: Path) -> None:
    """Alter the evidence as whoever owns the ledger's file can."""
    with as_owner(ledger) as raw:
        raw.execute(ALTERED)


async def altered(shop: Shop) -> list[str]:
    """Return two proposals that are alike, whose evidence was altered since."""
    filed = [await shop.proposed(WAIVER, {"invoice_id": f"INV-300{n}", "reason": "Paid."}) for n in (1, 2)]
    alter(shop.ledger_path)
    return [each["id"] for each in filed]


async def test_by_what_was_shown_it_may_be_rejected_and_not_approved(desk: Hall) -> None:
    (handle, _), shop = await altered(desk.shop), desk.shop
    record = await shop.record(handle)
    now, operators = shop.project.clock.now(), shop.files.operators
    card = await card_of(shop.ledger, record, operators=operators, now=now, full=True)
    approves = Intent(verdict="approve", who=Named(operator=operators["leo"]), operators=operators, now=now)
    refused = await objection(shop.ledger, record, approves)
    assert refused is not None
    assert (refused.rule, refused.exit_code) == ("evidence_differs", 5)
    assert f"{refused.message} {refused.fix}" == WORDS
    assert await objection(shop.ledger, record, replace(approves, verdict="reject")) is None
    assert unseen(card, record.proposal, "reject", whole=False) is None
    assert any("it is not approved, and can be rejected" in warning for warning in card.warnings)


async def test_the_page_offers_to_reject_it_and_not_to_approve_it(desk: Hall) -> None:
    handle, _ = await altered(desk.shop)
    digest = (await desk.shop.record(handle)).proposal.digest
    async with desk.client() as client:
        word = await desk.login(client)
        page = (await client.get(f"/proposals/{handle}")).text
        assert "You cannot approve it here" in page
        assert ("This one can be rejected." in page, 'id="reject"' in page, 'id="approve"' in page) == (
            True,
            True,
            False,
        )
        answered = await client.post(f"/proposals/{handle}/approve", data=approval(word, digest))
        assert (answered.status_code, "evidence_differs" in answered.text) == (403, True)
        assert refusals(desk.shop, handle) == [("leo", "evidence_differs")]
        told = {"csrf": word, "digest": digest, "reason": "Who changed the record?"}
        assert (await client.post(f"/proposals/{handle}/reject", data=told)).status_code == 303
    assert await desk.shop.status(handle) == "rejected"


async def test_the_board_and_a_batch_say_the_same(desk: Hall) -> None:
    handles, shop = await altered(desk.shop), desk.shop
    now, operators = shop.project.clock.now(), shop.files.operators
    board = Reviewing(
        ledger=shop.ledger,
        operators=lambda: operators,
        modes=shop.project.config.modes,
        clock=shop.project.clock,
        operator="leo",
        unlock=lambda: shop.files.keys["leo"],
    )
    opened_ = await board.card(handles[0], width=100, full=True)
    assert (opened_.approvable, opened_.why_not) == (False, WORDS)
    (cluster,) = await open_clusters(shop.ledger, now=now)

    async def left_out(verdict: Verdict) -> set[str | None]:
        intent = Intent(verdict=verdict, who=Named(operator=operators["leo"]), operators=operators, now=now)
        sheet = await sheet_of(shop.ledger, cluster, picked(cluster), intent, full=True)
        return {each.rule for each in sheet.left_out.values()}

    assert (await left_out("approve"), await left_out("reject")) == ({"evidence_differs"}, set())


async def test_through_prompts_it_may_be_rejected(tmp_path: Path, sqlite_db: Database) -> None:
    companion = write_companion(tmp_path / "project", sqlite_db)
    async with opened(companion.files):
        pass
    asked = await companion.filed()
    alter(companion.files.root / ".synapsor" / "ledger.db")
    given, digest = {"proposal": asked["id"]}, asked["digest"]
    async with Client(companion.stdio(), mode="2026-07-28") as client:
        card = await said(client, "review_proposal", **given)
        assert f"It is not approved through a prompt (evidence_differs): {WORDS}" in card
        assert f"To reject here: run `synapsor code {asked['id']} --reject`" in card
        given |= {"reason": "not_needed", "code": companion.code(digest, "reject")}
        assert "was rejected by leo" in await said(client, "decide_proposal", verdict="reject", **given)
    assert await companion.status(asked["id"]) == ("rejected", 1, [])
