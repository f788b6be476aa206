"""Two people who say at the same moment what became of one proposal: the first counts, and the second is told, whatever their program asked before."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synapsor.core.statements import SignedResolution
from synapsor.errors import DecisionRefused
from synapsor.refusals import Rule
from tests.attack.doubts import in_doubt, resolved
from tests.attack.shop import WAIVER, Shop, open_shop
from tests.databases import Database

pytestmark = pytest.mark.one_engine


@pytest_asyncio.fixture
async def shop(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path / "project", database) as found:
        yield found


async def signed(shop: Shop, handle: str, verdict: Any) -> tuple[SignedResolution, ...]:
    """Return what somebody signs, before it is recorded."""
    taken: list[SignedResolution] = []

    async def keep(given: Any) -> None:
        taken.extend(given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shop.ledger.doubts, "resolve", keep)
        await resolved(shop, handle, verdict, contrary=True)
    return tuple(taken)


@pytest.mark.requirement("reconcile:once")
async def test_of_two_resolutions_at_once_the_first_counts_and_the_second_is_refused(shop: Shop) -> None:
    handle = await in_doubt(shop, WAIVER, {"invoice_id": "INV-3001", "reason": "Paid next day."})
    one, other = await signed(shop, handle, "not_applied"), await signed(shop, handle, "applied")
    await shop.ledger.doubts.resolve(one)
    for late in (other, one):
        with pytest.raises(DecisionRefused) as refused:
            await shop.ledger.doubts.resolve(late)
        assert refused.value.rule is Rule.NOT_IN_DOUBT
    record = await shop.record(handle)
    assert (record.status.value, record.resolution) == ("failed", one[0])
    assert (await shop.project.verify()).ok


@pytest.mark.requirement("reconcile:once")
async def test_a_resolution_of_another_moment_is_not_recorded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    handle = await in_doubt(shop, WAIVER, {"invoice_id": "INV-3001", "reason": "Paid next day."})
    taken = await signed(shop, handle, "not_applied")
    with monkeypatch.context() as patch:
        patch.setattr("synapsor.ledger.chain.Book.is_now", lambda *_: False)
        with pytest.raises(DecisionRefused) as refused:
            await shop.ledger.doubts.resolve(taken)
    assert refused.value.rule is Rule.CLOCK_MOVED
    assert await shop.status(handle) == "reconciliation_required"
