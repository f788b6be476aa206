"""Hidden values in the browser: covered until somebody asks for them, on one page, and gone with it."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.attack.people import CARD, MAIL, POLICY, people_table
from tests.browser.conftest import Enter
from tests.browser.test_pages import violations
from tests.console import Office, open_office
from tests.databases import load_sqlite
from tests.projects import ACME, write_project

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """An office whose table of people has hidden columns."""
    root = Path(tmp_path_factory.mktemp("people"))
    database = load_sqlite(root / "shop.db")
    with people_table(database):
        async with open_office(write_project(root / "project", database, policy=POLICY)) as found:
            yield found


@pytest.mark.requirement("console:reveals", "console:accessible")
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
async def test_hidden_values_are_shown_to_who_asks_for_them_and_are_gone_with_the_page(
    enter: Enter, office: Office, scheme: str, width: int
) -> None:
    contact = {"person": "P-1", "address": f"ada@{scheme}.example", "number": "5555666677778888"}
    proposal = str((await office.shop.proposed("people.propose_contact", contact, ACME))["id"])
    page = await enter("leo", color_scheme=scheme, viewport={"width": width, "height": 800})
    await page.goto(f"{office.url}/proposals/{proposal}")
    before = await page.content()
    assert not any(value in before for value in (MAIL, CARD))
    await page.get_by_role("button", name="Reveal hidden values").click()
    await page.get_by_text("Hidden values are on this page.").wait_for()
    shown = await page.locator("main").inner_text()
    assert (MAIL in shown, CARD in shown) == (scheme == "light", scheme == "light")
    if "SYN_PICTURES" in os.environ:
        await page.screenshot(path=f"{os.environ['SYN_PICTURES']}/reveal-{scheme}-{width}.png", full_page=True)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await violations(page) == []
    await page.goto(f"{office.url}/history")
    await page.goto(f"{office.url}/proposals/{proposal}")
    assert await page.get_by_role("button", name="Approve").count() == 0
    await page.get_by_role("button", name="Reveal hidden values").click()
    await page.get_by_label("I have read it").check()
    await page.get_by_role("button", name="Approve").click()
    await page.get_by_text("is approved. The worker applies it.").wait_for()
    assert await office.shop.work() == [("applied", "")]
