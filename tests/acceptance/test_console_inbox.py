"""The console's inbox says in short what would become of a row, and what its numbers count."""

import html
import re
from pathlib import Path

import pytest

from tests.attack.desk import hall
from tests.attack.shop import WAIVER, open_shop
from tests.databases import load_sqlite


@pytest.mark.requirement("console:overview")
async def test_a_number_in_the_inbox_is_told_with_what_it_counts(tmp_path: Path) -> None:
    database = load_sqlite(tmp_path / "billing.db")
    async with open_shop(tmp_path / "project", database) as shop, hall(shop) as desk, desk.client() as client:
        await shop.proposed(WAIVER, {"invoice_id": "INV-3001", "reason": "Paid next day."})
        await desk.login(client)
        words = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", (await client.get("/")).text)).split())
    assert "late_fee_cents 5500 → becomes 0 cents (55.00 to 0.00) waiver_reason NULL → becomes Paid next day." in words
