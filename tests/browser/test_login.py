"""Logging in with one's own key: the page goes on by itself, in the browser that began it, and in no other."""

import pytest
from playwright.async_api import Browser

from synapsor.approve.identity.operators import change_operator
from tests.browser.conftest import INBOX, Enter, log_in, patient
from tests.console import Office

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.requirement("console:login-by-key")
async def test_a_person_logs_in_by_signing_for_the_code_of_the_page_and_the_page_goes_on_by_itself(
    browser: Browser, office: Office
) -> None:
    context = await patient(browser)
    page = await context.new_page()
    await log_in(page, office, "leo")
    await page.get_by_text("leo").first.wait_for()
    assert await page.title() == "(0) Inbox · Synapsor"
    cookies = {cookie["name"]: cookie for cookie in await page.context.cookies()}
    assert list(cookies) == ["synapsor-session"]
    session = cookies["synapsor-session"]
    assert (session["httpOnly"], session["sameSite"], session["expires"]) == (True, "Strict", -1)
    await context.close()


@pytest.mark.requirement("console:no-script")
async def test_logging_in_needs_no_script(browser: Browser, office: Office) -> None:
    context = await patient(browser, java_script_enabled=False)
    page = await context.new_page()
    await log_in(page, office, "leo")
    await page.get_by_role("heading", name="Inbox").wait_for()
    await context.close()


@pytest.mark.requirement("console:login-by-key")
async def test_another_browser_does_not_get_the_session_and_a_code_is_good_once(
    browser: Browser, office: Office
) -> None:
    context, other = await patient(browser), await patient(browser)
    page, thief = await context.new_page(), await other.new_page()
    await page.goto(f"{office.url}/login")
    await page.get_by_role("button", name="Log in with your key").click()
    command = await page.locator("pre code").inner_text()
    await thief.goto(f"{office.url}/login/wait")
    await thief.get_by_text("The code is over").wait_for()
    assert (await office.console.sign(command, "leo")).returncode == 0
    await thief.goto(f"{office.url}/login/wait")
    await thief.get_by_text("The code is over").wait_for()
    await page.wait_for_url(INBOX)
    again = await office.console.sign(command, "mia")
    assert again.returncode == 2
    await context.close()
    await other.close()


@pytest.mark.requirement("console:sessions")
async def test_logging_out_ends_the_session_and_the_page_behind_it_is_not_shown_again(
    enter: Enter, office: Office
) -> None:
    page = await enter("leo")
    kept = await page.context.cookies()
    await page.locator("summary", has_text="leo").click()
    await page.get_by_role("button", name="Log out").click()
    await page.wait_for_url(f"{office.url}/login?over=left")
    await page.context.add_cookies(kept)  # type: ignore[arg-type]  # as they came
    await page.goto(f"{office.url}/history")
    assert page.url == f"{office.url}/login?next=%2Fhistory&over=yes"


@pytest.mark.requirement("console:sessions")
async def test_a_session_ends_at_once_with_the_trust_in_its_person_and_says_so(enter: Enter, office: Office) -> None:
    page = await enter("mia")
    await page.locator("body[data-listening]").wait_for()
    operators = office.console.files.root / "operators.yaml"
    text = operators.read_text(encoding="utf-8")
    operators.write_text(text.replace('  "mia":\n', '  "mia":\n    revoked: true\n'), encoding="utf-8")
    try:
        await page.get_by_text("You are logged out.").wait_for()
        await page.goto(f"{office.url}/history")
        assert page.url == f"{office.url}/login?next=%2Fhistory&over=yes"
    finally:
        operators.write_text(text, encoding="utf-8")


@pytest.mark.requirement("console:sessions")
async def test_a_role_that_is_taken_away_is_not_in_a_session_any_more(enter: Enter, office: Office) -> None:
    proposal = await office.note("INV-3005")
    page = await enter("mia")
    operators = office.console.files.root / "operators.yaml"
    change_operator(operators, "mia", roles=("viewer",), principals=None)
    try:
        await page.goto(f"{office.url}/proposals/{proposal}")
        await page.get_by_text("This needs the role billing_lead, which mia has not.").wait_for()
        assert await page.get_by_role("button", name="Approve").count() == 0
    finally:
        change_operator(operators, "mia", roles=("billing_lead",), principals=None)
