"""A program on another port of this machine, to which a real Chromium is led while somebody is logged in: it is sent no cookie of the console."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from playwright.async_api import Browser, Page

from tests.browser.conftest import INBOX, Enter, patient
from tests.console import Office

pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass(kw_only=True)
class Listener:
    """What answers on another port, and what it was sent."""

    port: int
    heads: list[str] = field(default_factory=list)

    def told(self, name: str) -> list[str]:
        """Return every header of a name that came."""
        found = re.compile(rf"(?im)^{name}: *(.*?)\r?$")
        return [value for head in self.heads for value in found.findall(head)]


@asynccontextmanager
async def listener() -> AsyncIterator[Listener]:
    """Answer as an agent's own program would: with a page that leads on to itself, so that the browser takes it for the same site."""
    here = Listener(port=0)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        here.heads.append(head)
        onward = b"<title>there</title>" if " /b " in head else b"<meta http-equiv=refresh content='0;url=/b'>"
        start = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(onward)}\r\nConnection: close\r\n"
        writer.write(start.encode() + b"Set-Cookie: synapsor-session=forged; Path=/\r\n\r\n" + onward)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        here.port = server.sockets[0].getsockname()[1]
        yield here


async def leads(page: Page, port: int) -> None:
    """Let a page be led to the other port, and on."""
    await page.goto(f"http://127.0.0.1:{port}/a")
    await page.wait_for_url("**/b")
    await page.wait_for_function("document.title === 'there'")


@pytest.mark.requirement("console:own-place")
async def test_a_listener_on_another_port_is_sent_neither_the_cookie_nor_the_place_of_a_session(
    enter: Enter,
) -> None:
    page = await enter("leo")
    inbox = page.url
    beside = await page.context.new_page()
    async with listener() as other:
        await leads(beside, other.port)
        await beside.goto(inbox)
        await beside.evaluate("port => { location.href = `http://127.0.0.1:${port}/a` }", other.port)
        await beside.wait_for_url("**/b")
        assert [head.split()[1] for head in other.heads if "favicon" not in head] == ["/a", "/b"] * 2
        assert [value for value in other.told("cookie") if value != "synapsor-session=forged"] == []
        assert [value for value in other.told("referer") if "/s-" in value] == []
    await page.reload()
    await page.get_by_role("heading", name="Inbox").wait_for()
    assert page.url == inbox, "and the cookie that it set ends nothing"


@pytest.mark.requirement("console:own-place")
async def test_a_listener_on_another_port_is_not_sent_the_cookie_of_a_page_that_waits(
    browser: Browser, office: Office
) -> None:
    context = await patient(browser)
    page = await context.new_page()
    await page.goto(f"{office.url}/login")
    await page.get_by_role("button", name="Log in with your key").click()
    command = await page.locator("pre code").inner_text()
    async with listener() as other:
        await leads(await context.new_page(), other.port)
        assert [value for value in other.told("cookie") if value != "synapsor-session=forged"] == []
    assert (await office.console.sign(command, "leo")).returncode == 0
    await page.wait_for_url(INBOX)
    await context.close()


@pytest.mark.requirement("console:own-place")
async def test_a_link_without_the_place_leads_to_it_in_the_browser_that_has_it(enter: Enter, office: Office) -> None:
    page = await enter("leo")
    inbox = page.url
    beside = await page.context.new_page()
    await beside.goto(f"{office.url}/history")
    await beside.wait_for_url(f"{inbox}history")
    await page.locator("summary", has_text="leo").click()
    await page.get_by_role("button", name="Log out").click()
    await page.wait_for_url(f"{office.url}/login?over=left")
    await beside.goto(f"{office.url}/history")
    await beside.get_by_role("heading", name="Synapsor").wait_for()
    assert beside.url == f"{office.url}/login?next=%2Fhistory"
