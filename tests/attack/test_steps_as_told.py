"""Whoever writes the ledger's file changes a column by which a proposal is found, has an honest process end it for that, and puts the column
back: the step would be sealed, and nothing would show that it was never due.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.attack.shop import WAIVER, Shop, as_ledger_owner, open_shop
from tests.attack.test_groups import HERE, filed, grouped
from tests.databases import Database
from tests.projects import leo_rejects

__all__ = ["grouped"]  # a fixture
pytestmark = pytest.mark.requirement("ledger:steps-as-told")
PAST = "2020-01-01T00:00:00.000000Z"


@pytest.fixture
def database(sqlite_db: Database) -> Database:
    """The ledger is the same on every engine."""
    return sqlite_db


def put(shop: Shop, column: str, value: Any, handle: str) -> Any:
    """Put something into a column of a proposal's row, and return what was there."""
    with as_ledger_owner(shop) as raw:
        (was,) = raw.execute(f"SELECT {column} FROM proposal WHERE id = ?", (handle,)).fetchone()
        raw.execute(f"UPDATE proposal SET {column} = ? WHERE id = ?", (value, handle))
    return was


async def stands(shop: Shop, handle: str) -> bool:
    """Tell whether a proposal is in review, and the ledger holds."""
    record = await shop.record(handle)
    return (record.status.value, record.differs, (await shop.project.verify()).ok) == ("review_required", False, True)


async def test_a_proposal_expires_when_its_time_is_over_and_not_when_its_row_says_so(
    tmp_path: Path, database: Database
) -> None:
    async with open_shop(tmp_path / "project", database) as shop:
        asked = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", "reason": "Paid."})
        was = put(shop, "expires_at", PAST, asked["id"])
        head = await shop.ledger.head()
        assert (await shop.work(), await shop.ledger.head()) == ([], head)
        put(shop, "expires_at", was, asked["id"])
        assert await stands(shop, asked["id"])


async def test_a_rejection_cancels_what_stood_or_fell_with_it_and_not_what_was_put_beside_it(grouped: Shop) -> None:
    first = await filed(grouped, "tasks.step")
    other = await filed(grouped, "tasks.step", "tasks.remove", session=replace(HERE, run="run_other"))
    left, theirs = other["tasks.remove"]["id"], first["tasks.step"]["group"]["id"]
    was = put(grouped, "group_id", theirs, left)
    await leo_rejects(grouped.files, grouped.project, first["tasks.step"])
    put(grouped, "group_id", was, left)
    assert await stands(grouped, left)


async def test_what_is_asked_for_again_takes_the_place_of_no_other_request(tmp_path: Path, database: Database) -> None:
    ask = {"invoice_id": "INV-3001", "reason": "Paid."}
    async with open_shop(tmp_path / "project", database) as shop:
        first = await shop.proposed(WAIVER, ask)
        await leo_rejects(shop.files, shop.project, first)
        other = await shop.proposed(WAIVER, {"invoice_id": "INV-3002", "reason": "Paid."})
        key = put(shop, "request", "", first["id"])
        was = put(shop, "request", key, other["id"])
        assert (await shop.call(WAIVER, ask))["error"]["code"] == "evidence_unavailable"
        put(shop, "request", was, other["id"])
        put(shop, "request", key, first["id"])
        assert await stands(shop, other["id"])
        assert (await shop.call(WAIVER, ask))["ok"]
