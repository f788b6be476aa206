"""One Chromium for the whole run, and an office of its own for each module: a project, its console and its people."""

import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Response, async_playwright

from tests.attack.desk import Hall
from tests.console import Office, chromium, open_office, write_office

# Each window would get two pages of the address bar's own, and a process in reserve. The last such list counts: Playwright's own is in it.
_WITHOUT = (
    "WebUIOmniboxPopup,WebUIOmniboxAimPopup,SpareRendererForSitePerProcess,"
    "AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,LensOverlay,"
    "MediaRouter,PaintHolding,ThirdPartyStoragePartitioning,AvoidCorsURLLoaderRestartOnRedirect,OptimizationHints,"
    "NetworkTimeServiceQuerying,AimEnabled,PreconnectToSearch"
)
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={_WITHOUT}",
)
PATIENCE_MS = 60_000
Enter = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A Chromium; a missing one fails in CI and skips elsewhere."""
    found = chromium()
    if found is None:
        if os.environ.get("CI"):
            raise FileNotFoundError("there is no Chromium; run scripts/servers.sh")
        pytest.skip("there is no Chromium; run scripts/servers.sh")
    place, environment = found
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(
            executable_path=place, args=list(ARGUMENTS), env={**os.environ, **environment}
        )
        yield opened
        await opened.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """An office for the tests of one module."""
    async with open_office(write_office(Path(tmp_path_factory.mktemp("office")))) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def enter(browser: Browser, office: Office) -> AsyncIterator[Enter]:
    """Return a page of a new browser in which somebody is logged in; nothing of it may fail or break the page's own rules."""
    opened: list[BrowserContext] = []
    wrong: list[str] = []

    async def logged_in(who: str = "leo", **options: object) -> Page:
        context = await patient(browser, **{"viewport": {"width": 1280, "height": 860}, **options})
        opened.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if said.type in {"error", "warning"} else None)
        page.on(
            "request",
            lambda asked: None if asked.url.startswith(office.url) else wrong.append(f"asked for {asked.url}"),
        )
        await let_in(page, office, who)
        return page

    yield logged_in
    for context in opened:
        await context.close()
    assert [words for words in wrong if "status of 4" not in words] == []  # a page that refuses is no failure


@pytest.fixture
def kept() -> Path | None:
    """Where pictures of the pages go, where somebody wants to look at them."""
    return Path(os.environ["SYN_PICTURES"]) if "SYN_PICTURES" in os.environ else None


async def patient(browser: Browser, **options: Any) -> BrowserContext:
    """Return a new browser that waits as long as a busy machine needs."""
    context = await browser.new_context(**options)
    context.set_default_timeout(PATIENCE_MS)
    return context


INBOX = re.compile(r"/s-[\w-]{43}/$")
"""The first page, in the place of a session."""


async def log_in(page: Page, office: Office, who: str) -> None:
    """Log somebody in by their own key; the page stays in its place then, wherever a test goes."""
    await page.goto(f"{office.url}/login")
    await page.get_by_role("button", name="Log in with your key").click()
    signed = await office.console.sign(await page.locator("pre code").inner_text(), who)
    assert signed.returncode == 0, signed.stderr
    await page.wait_for_url(INBOX)
    stays(page, office)


async def let_in(page: Page, office: Office, who: str) -> None:
    """Put somebody in who has logged in already: as `log_in` does, and without the pages of logging in, which have tests of their own."""
    hall = Hall(shop=office.shop, given=None, port=httpx2.URL(office.url).port)  # type: ignore[arg-type]  # it is in another process
    async with hall.client(**{"user-agent": await page.evaluate("navigator.userAgent")}) as client:
        await hall.login(client, who)
        kept = [
            {"name": one.name, "value": one.value, "domain": "127.0.0.1", "path": one.path}
            for one in client.cookies.jar
        ]
        await page.context.add_cookies([{**one, "httpOnly": True, "sameSite": "Strict"} for one in kept])  # type: ignore[typeddict-item]
        await page.goto(str(client.base_url))
    assert INBOX.search(page.url)
    stays(page, office)


def stays(page: Page, office: Office) -> None:
    """Let a page stay in its place, wherever a test goes."""
    here, go = page.url.removesuffix("/"), page.goto

    async def stay(url: str, **options: Any) -> Response | None:
        return await go(f"{here}{url.removeprefix(office.url) or '/'}" if here not in url else url, **options)

    page.goto = stay  # type: ignore[method-assign]
