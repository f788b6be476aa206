"""The console says that nobody is told, where somebody should be: on its pages of the inbox and of the jobs, and harmlessly."""

from pathlib import Path

import pytest

from tests.attack.desk import hall
from tests.attack.shop import open_shop
from tests.databases import load_sqlite


@pytest.mark.requirement("notify:silence-told")
@pytest.mark.parametrize("silence", ["", "No notifier has run for 3 h <b>\u202e</b>."])
async def test_the_console_says_that_no_notifier_runs_where_it_is_looked_at(tmp_path: Path, silence: str) -> None:
    database = load_sqlite(tmp_path / "billing.db")
    async with (
        open_shop(tmp_path / "project", database) as shop,
        hall(shop, silence=silence) as desk,
        desk.client() as client,
    ):
        await desk.login(client)
        pages = [(await client.get(path)).text for path in ("/", "/worker")]
    for page in pages:
        assert ("No notifier has run for 3 h &lt;b&gt;\\u202e&lt;/b&gt;." in page) == bool(silence)
        assert ("notice warn" in page) == bool(silence)
        assert "\u202e" not in page
