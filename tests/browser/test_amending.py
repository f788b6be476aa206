"""Editing, giving more time and drafting a policy in the browser, on every screen, with and without a script."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.conftest import Enter
from tests.browser.test_pages import violations
from tests.console import Office

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def is_sound(page: Page, width: int, *, script: bool) -> None:
    """Check that a page is no wider than its screen, and that an accessibility checker, which is a script, finds nothing on it."""
    assert await page.evaluate("document.documentElement.scrollWidth") <= width, page.url
    if script:
        assert await violations(page) == [], page.url


async def picture(page: Page, name: str, kept: Path | None) -> None:
    if kept is not None:
        await page.screenshot(path=str(kept / f"{name}.png"), full_page=True)


SCREENS = pytest.mark.parametrize(
    ("scheme", "width", "script", "invoices"),
    [
        ("light", 1280, True, ("INV-3001", "INV-3002")),
        ("dark", 360, True, ("INV-3006", "INV-3004")),
        ("light", 360, False, ("INV-3007", "INV-3014")),
    ],
)


def options(scheme: str, width: int, *, script: bool) -> dict[str, Any]:
    """Return the browser of somebody with such a screen."""
    return {"color_scheme": scheme, "viewport": {"width": width, "height": 800}, "java_script_enabled": script}


@pytest.mark.timeout(300)
@pytest.mark.requirement("console:edits", "console:extends", "console:accessible", "console:no-script")
@SCREENS
async def test_one_person_edits_and_another_gives_it_more_time_and_approves_it(
    enter: Enter, office: Office, kept: Path | None, scheme: str, width: int, script: bool, invoices: tuple[str, str]
) -> None:
    named = f"{scheme}-{width}{'' if script else '-no-script'}"
    proposal = await office.note(invoices[0], "Ring <b>twice</b>.\u202e Then wait.\nAnd write.")
    page = await enter("leo", **options(scheme, width, script=script))
    await page.goto(f"{office.url}/proposals/{proposal}")
    await page.get_by_role("link", name="Edit it").click()
    await page.get_by_role("heading", name="Edit billing.propose_note").wait_for()
    assert "\\u202e Then wait.\nAnd write." in await page.get_by_label("note").input_value()
    await picture(page, f"edit-{named}", kept)
    await is_sound(page, width, script=script)
    await page.get_by_label("note").fill("Ring once. " * 60)
    await page.get_by_label("Why").fill("Twice is rude.")
    await page.get_by_role("button", name="File the edited proposal").click()
    await page.locator(".wrong-words", has_text="note: must be at most 500 characters long").wait_for()
    head, _ = await office.shop.ledger.head()
    assert await page.locator("body").get_attribute("data-head") == str(head), "its own refusal is no news to the page"
    await page.get_by_label("Why you edit it (whoever decides reads it, and the agent is told)").wait_for()
    assert await page.get_by_label("note").get_attribute("aria-invalid") == "true"
    assert await page.get_by_label("Why").input_value() == "Twice is rude."
    await picture(page, f"edit-refused-{named}", kept)
    await is_sound(page, width, script=script)
    await page.get_by_label("note").fill("Ring once.\nThen write.")
    await page.get_by_role("button", name="File the edited proposal").click()
    await page.get_by_text(f"has taken the place of {proposal}").wait_for()
    await page.get_by_role("heading", name="Edited by a reviewer").wait_for()
    assert await page.get_by_role("button", name="Approve").count() == 0
    await picture(page, f"edited-{named}", kept)
    await is_sound(page, width, script=script)
    edited = page.url.rsplit("/", 1)[1]
    assert (await office.shop.record(edited)).proposal.arguments["note"] == "Ring once.\nThen write."
    assert await office.shop.status(proposal) == "superseded"

    mia = await enter("mia", **options(scheme, width, script=script))
    await mia.goto(f"{office.url}/proposals/{edited}")
    await mia.get_by_role("link", name="Give it more time").click()
    await mia.get_by_label("Why").fill("Leo comes back on Monday.")
    await picture(mia, f"extend-{named}", kept)
    await is_sound(mia, width, script=script)
    await mia.get_by_role("button", name="Give it more time").click()
    await mia.get_by_role("heading", name="Given more time by a reviewer").wait_for()
    await mia.get_by_label("I have read it").check()
    await mia.get_by_role("button", name="Approve").click()
    await mia.get_by_text("is approved. The worker applies it.").wait_for()
    assert await office.shop.work() == [("applied", "")]
    assert office.shop.invoice(invoices[0], "note") == ("Ring once.\nThen write.",)


@pytest.mark.timeout(300)
@pytest.mark.requirement("console:drafts", "console:accessible", "console:no-script")
@SCREENS
async def test_a_policy_is_drafted_from_a_decision_just_taken_and_from_the_history(
    enter: Enter, office: Office, kept: Path | None, scheme: str, width: int, script: bool, invoices: tuple[str, str]
) -> None:
    named = f"{scheme}-{width}{'' if script else '-no-script'}"
    waiver = await office.waiver(invoices[1])
    page = await enter("leo", **options(scheme, width, script=script))
    await page.goto(f"{office.url}/proposals/{waiver}")
    await page.get_by_label("I have read it").check()
    await page.get_by_role("button", name="Approve").click()
    await page.get_by_role("link", name="Draft a policy from it").click()
    await page.get_by_role("heading", name="A policy from 1 decision").wait_for()
    text = await page.locator("pre").inner_text()
    assert ("late_fee_cents:" in text, waiver in text) == (True, True)
    await picture(page, f"draft-{named}", kept)
    await is_sound(page, width, script=script)
    async with page.expect_download() as told:
        await page.get_by_role("link", name="Download").click()
    saved = await (await told.value).path()
    assert saved.read_text(encoding="utf-8") == f"{text}\n"
    assert await office.shop.work() == [("applied", "")]
    await page.goto(f"{office.url}/history")
    await page.get_by_label(f"Draft a policy from {waiver}").check()
    await picture(page, f"history-{named}", kept)
    await is_sound(page, width, script=script)
    await page.get_by_role("button", name="Draft a policy from the chosen ones").click()
    await page.get_by_role("heading", name="A policy from 1 decision").wait_for()
