"""The console is killed and started again under an open page: the page says so by itself, and the way leads back to it."""

import signal
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.attack.shop import reopened
from tests.browser.conftest import log_in, patient
from tests.chaos.deciders import console, ended
from tests.console import Console, Office, write_office

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.timeout(300)  # a browser and two consoles, beside the other half of the tests
@pytest.mark.requirement("console:over-told", "console:live")
async def test_a_page_that_listens_says_that_its_session_is_over_and_leads_back_to_itself(
    browser: Browser, tmp_path: Path
) -> None:
    async with reopened(write_office(tmp_path)) as shop:
        context = await patient(browser)
        page = await context.new_page()
        with console(shop) as (hall, process):
            office = Office(console=Console(files=shop.files, url=hall.url, process=process), shop=shop)
            proposal = await office.note()
            await log_in(page, office, "leo")
            await page.goto(f"{hall.url}/proposals/{proposal}")
            await page.locator("body[data-listening]").wait_for()
            process.send_signal(signal.SIGKILL)
            assert await ended(process) == -signal.SIGKILL
        with console(shop, port=hall.port) as (_, process):
            await page.get_by_text("Your session is over.").wait_for()
            await page.get_by_role("link", name="Show it").click()
            await page.get_by_text("or the console was started again").wait_for()
            await page.get_by_role("button", name="Log in with your key").click()
            signed = await office.console.sign(await page.locator("pre code").inner_text(), "leo")
            assert signed.returncode == 0, signed.stderr
            await page.wait_for_url(f"{hall.url}/s-*/proposals/{proposal}")
            await page.locator("body[data-listening]").wait_for()
            await page.get_by_label("I have read").check()
            await page.get_by_role("button", name="Approve").click()
            await page.get_by_text("is approved. The worker applies it.").wait_for()
        await context.close()
        assert await shop.status(proposal) == "approved"
