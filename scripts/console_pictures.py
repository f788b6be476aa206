"""Make the pictures of the console that the how-to for reviewers shows: a real console, a real browser, and proposals of an agent.

    python -m scripts.console_pictures docs/how-to/images

Look at each of them before you keep it, and at the words that it has in `docs/how-to/review-in-the-browser.md`. No test runs it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import Page, async_playwright

from tests.browser.conftest import ARGUMENTS, let_in
from tests.console import HOLD, REMOVAL, Office, chromium, open_office, write_office

_WIDE = {"width": 1080, "height": 760}
_PHONE = {"width": 360, "height": 760}
_REASON = "Paid the next day; first time in six years."


async def main(out: Path) -> None:
    """Write the pictures into a folder."""
    found = chromium()
    if found is None:
        raise FileNotFoundError("there is no Chromium; run scripts/servers.sh")
    place, environment = found
    with TemporaryDirectory() as root:
        async with open_office(write_office(Path(root))) as office, async_playwright() as playwright:
            waiver = await _asked(office)
            browser = await playwright.chromium.launch(
                executable_path=place, args=list(ARGUMENTS), env={**os.environ, **environment}
            )
            context = await browser.new_context(viewport=_WIDE, color_scheme="light")  # type: ignore[arg-type]  # a plain mapping
            page = await context.new_page()
            await let_in(page, office, "leo")
            await _drawn(page, office, waiver, out)
            await browser.close()


async def _asked(office: Office) -> str:
    """Let the agent ask for changes of every kind, and return the one that is shown whole."""
    await office.note("INV-3011", "Call before noon; speaks Finnish and Swedish.")
    waiver = await office.waiver("INV-3001", _REASON)
    await office.waiver("INV-3013", "The letter never arrived.")
    await office.propose(HOLD, {"customer": "Birch & Sons", "note": "On hold until the audit is over."})
    await office.propose(REMOVAL, {"invoice_id": "INV-3030"})
    for number in (12, 14, 15, 16):
        await office.note(f"INV-30{number}", "Closed for the season.")
    await office.note("INV-3021", "Pay out everything.")
    return waiver


async def _drawn(page: Page, office: Office, waiver: str, out: Path) -> None:
    await page.goto(office.url)
    await page.screenshot(path=str(out / "console-inbox.png"))
    await page.goto(f"{office.url}/proposals/{waiver}")
    await page.get_by_text("still as it was").wait_for()
    await page.screenshot(path=str(out / "console-proposal.png"), full_page=True)
    await page.emulate_media(color_scheme="dark")
    await page.set_viewport_size(_PHONE)  # type: ignore[arg-type]  # a plain mapping
    await page.screenshot(path=str(out / "console-phone.png"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path)
    asyncio.run(main(parser.parse_args().out))
