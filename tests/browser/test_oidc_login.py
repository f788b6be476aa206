"""Logging in with a provider of another site, in a real Chromium: cookies that no other site's page sends, and forms that lead nowhere else."""

import re

import pytest
from playwright.async_api import Browser, BrowserContext

from tests.browser.conftest import patient
from tests.identities import LEO
from tests.serving.oidc_console import OidcConsole, oidc_console

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def log_in(context: BrowserContext, here: OidcConsole, person: str, *, onward: str = "/history") -> str:
    """Log in from a page that asks for it, and return the address and the text of where that ends."""
    page = await context.new_page()
    await page.goto(here.url + onward)
    await page.get_by_role("button", name="Log in with localhost").click()
    await page.get_by_role("button", name=person).click()
    await page.wait_for_url(f"{here.url}/**")
    await page.locator("main").wait_for()
    path = re.sub(r"^/s-[\w-]{43}", "", page.url.removeprefix(here.url).partition("?")[0])
    return f"{path} {await page.locator('body').inner_text()}"


@pytest.mark.requirement("oidc:never-more")
@pytest.mark.parametrize("script", [True, False])
async def test_a_person_comes_back_from_the_provider_to_the_page_they_wanted(browser: Browser, script: bool) -> None:
    async with oidc_console() as here:
        context = await patient(browser, ignore_https_errors=True, java_script_enabled=script)
        ended = await log_in(context, here, LEO)
        assert ended.startswith("/history ")
        assert "leo" in ended
        cookies = {cookie["name"]: cookie for cookie in await context.cookies()}
        assert list(cookies) == ["synapsor-session"], "nothing is left of the login"
        assert (cookies["synapsor-session"]["sameSite"], cookies["synapsor-session"]["httpOnly"]) == ("Strict", True)
        assert await here.ledger.refused_logins(limit=9) == ()
        await context.close()


@pytest.mark.requirement("oidc:recorded")
async def test_a_person_who_is_no_operator_is_told_so_and_gets_no_session(browser: Browser) -> None:
    async with oidc_console() as here:
        context = await patient(browser, ignore_https_errors=True)
        ended = await log_in(context, here, "vera-77")
        assert ended.startswith("/login/oidc/callback ")
        assert "no operator logs in as them" in ended
        assert "synapsor-session" not in {cookie["name"] for cookie in await context.cookies()}
        assert [one.rule for one in await here.ledger.refused_logins(limit=9)] == ["person_unknown"]
        await context.close()
