"""Every page: whole under hostile content, usable with a keyboard and a small screen, and clean by an accessibility checker."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import axe_core_python  # type: ignore[import-untyped]  # it ships no types
import pytest
import pytest_asyncio
from playwright.async_api import Page

from tests.attack.forms import placeless
from tests.browser.conftest import INBOX, Enter
from tests.console import HOLD, PAGES, PAPER, REMOVAL, WAIVER, Office

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTILE = (
    "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "{{ 7*7 }} \u202eevil\u2066 \x07\u200b 'quoted' \"double\" &amp; <style>*{display:none}</style>"
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def filled(office: Office) -> AsyncIterator[dict[str, str]]:
    """Proposals of every kind, and something on every page."""
    shop = office.shop
    told = {
        "low": await office.note("INV-3001", HOSTILE[:400].replace("\x07", "")),
        "medium": await office.waiver("INV-3001", "Paid."),
        "high": await office.waiver("INV-3013", "Paid."),
        "set": str((await office.propose(HOLD, {"customer": "Birch & Sons", "note": "On hold."}))["id"]),
        "removal": str((await office.propose(REMOVAL, {"invoice_id": "INV-3030"}))["id"]),
    }
    done = await shop.approved("billing.propose_note", {"invoice_id": "INV-3020", "note": "Done."})
    late = await shop.approved(WAIVER, {"invoice_id": "INV-3005", "reason": "Too late."})
    shop.change("UPDATE {invoices} SET note = 'Meanwhile', row_version = row_version + 1 WHERE id = 'INV-3005'")
    await shop.work()
    yield {**told, "applied": done, "conflict": late}


_CHECKER = (Path(str(axe_core_python.__file__)).parent / "axe.min.js").read_text(encoding="utf-8")
_FOUND = """axe.run({resultTypes: ["violations"]}).then(
  (ran) => ran.violations.map((one) => [one.id, one.nodes.map((node) => node.html.slice(0, 200))]))"""


async def violations(page: Page, *schemes: Literal["light", "dark"]) -> list[tuple[str, list[str]]]:
    """Return what an accessibility checker finds wrong with a page, and where: as it is, or in each of the schemes."""
    # In a world of its own, past the page's policy and the page itself.
    # What is folded away is hidden in a way that the checker does not know.
    await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    await page.evaluate("window.scrollTo(0, 0)")
    session = await page.context.new_cdp_session(page)
    tree = await session.send("Page.getFrameTree")
    world = await session.send(
        "Page.createIsolatedWorld", {"frameId": tree["frameTree"]["frame"]["id"], "worldName": "axe"}
    )
    where = {"contextId": world["executionContextId"], "returnByValue": True, "awaitPromise": True}
    await session.send("Runtime.evaluate", {"expression": _CHECKER, **where})
    found: list[tuple[str, list[str]]] = []
    for scheme in schemes or (None,):
        if scheme is not None:
            await page.emulate_media(color_scheme=scheme)
        ran = await session.send("Runtime.evaluate", {"expression": _FOUND, **where})
        found += [(f"{rule} {scheme or ''}".strip(), places) for rule, places in ran["result"]["value"]]
    await session.detach()
    return found


PATHS = (*PAGES, "/nothing")


@pytest.mark.timeout(600)
@pytest.mark.requirement("console:accessible")
async def test_no_page_has_anything_that_an_accessibility_checker_finds_in_light_and_in_dark(
    enter: Enter, office: Office, filled: dict[str, str]
) -> None:
    page = await enter("leo", reduced_motion="reduce")
    wrong = {}
    for path in (*PATHS, *(f"/proposals/{proposal}" for proposal in filled.values())):
        await page.goto(office.url + path)
        if found := await violations(page, "light", "dark"):
            wrong[path] = found
    await page.goto(office.url)
    await page.locator("[data-pick]").first.check()
    await page.get_by_role("button", name="Look at the chosen ones together").click()
    await page.get_by_role("heading", name="Decide on 1 together").wait_for()
    if found := await violations(page, "light", "dark"):
        wrong["/batch"] = found
    await page.context.clear_cookies()
    for path in ("/login", "/login/wait"):
        await page.goto(office.url + path)
        if found := await violations(page, "light", "dark"):
            wrong[path] = found
    assert wrong == {}


@pytest.mark.requirement("console:accessible")
async def test_no_page_is_wider_than_a_small_screen_and_what_is_pressed_is_large_enough(
    enter: Enter, office: Office, filled: dict[str, str]
) -> None:
    page = await enter("leo")
    for path in (*PATHS, *(f"/proposals/{proposal}" for proposal in filled.values())):
        await page.goto(office.url + path)
        for width in (360, 768):
            await page.set_viewport_size({"width": width, "height": 740})
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
            small = await page.evaluate(
                "[...document.querySelectorAll('main button, main select, main input:not([type=hidden])')]"
                ".filter(e => e.offsetParent && (e.getBoundingClientRect().height < 18)).map(e => e.outerHTML)"
            )
            assert small == [], (path, width)


@pytest.mark.requirement("console:keyboard")
async def test_the_inbox_and_a_proposal_are_worked_with_single_keys_and_no_key_decides(
    enter: Enter, office: Office, filled: dict[str, str]
) -> None:
    page = await enter("leo")
    items = page.locator("[data-item]")
    marked = page.locator("[data-item][data-current]")
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    second = await items.nth(1).get_attribute("data-href")
    assert await marked.get_attribute("data-href") == second
    await page.keyboard.press("k")
    first = await items.nth(0).get_attribute("data-href")
    assert await marked.get_attribute("data-href") == first
    await page.keyboard.press("x")
    assert await items.nth(0).locator("[data-pick]").is_checked()
    await page.keyboard.press("x")
    await page.keyboard.press("/")
    await page.keyboard.type("jjx")
    assert await page.get_by_label("Search").input_value() == "jjx"
    await page.keyboard.press("Escape")
    await page.keyboard.press("?")
    await page.get_by_role("heading", name="Keyboard").wait_for()
    await page.keyboard.press("Escape")
    await page.get_by_role("heading", name="Keyboard").wait_for(state="hidden")
    assert await marked.get_attribute("data-href") == first
    await page.keyboard.press("o")
    await page.wait_for_url(f"{office.url}{first}")
    assert first is not None
    assert first.endswith(f"/proposals/{filled['low']}")
    await page.keyboard.press("a")
    assert await page.get_by_label("I have read it").evaluate("e => e === document.activeElement")
    await page.keyboard.press("r")
    assert await page.get_by_label("Why").evaluate("e => e === document.activeElement")
    await page.get_by_role("heading", level=1).click()
    await page.keyboard.press("u")
    await page.wait_for_url(INBOX)
    assert await office.shop.status(filled["low"]) == "review_required"


@pytest.mark.requirement("console:keyboard")
async def test_single_keys_can_be_turned_off_and_the_page_begins_with_a_link_to_its_content(
    enter: Enter, office: Office, filled: dict[str, str]
) -> None:
    assert filled
    page = await enter("leo")
    await page.goto(f"{office.url}/settings")
    await page.get_by_label("Off").check()
    async with page.expect_navigation():
        await page.get_by_role("button", name="Keep").click()
    await page.goto(office.url)
    await page.keyboard.press("j")
    assert await page.locator("[data-item][data-current]").count() == 0
    assert await page.get_by_role("button", name=re.compile("Keyboard")).count() == 0
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.textContent") == "Skip to the content"
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"


@pytest.mark.requirement("console:accessible")
async def test_the_look_that_was_chosen_stays_whatever_the_system_says(enter: Enter, office: Office) -> None:
    page = await enter("leo", color_scheme="light")
    light = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    await page.goto(f"{office.url}/settings")
    await page.get_by_label("Dark").check()
    await page.get_by_role("button", name="Keep").click()
    await page.locator("html[data-theme=dark]").wait_for()
    dark = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert dark != light
    await page.goto(f"{office.url}/history")
    assert await page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == dark


@pytest.mark.requirement("console:hostile-content")
async def test_hostile_text_of_an_agent_is_shown_as_text_everywhere(
    enter: Enter, office: Office, filled: dict[str, str]
) -> None:
    page = await enter("leo")
    for path in (
        "/",
        f"/proposals/{filled['low']}",
        "/history?q=owned",
        "/history?q=%3Cscript%3E&capability=%22%3E%3Cb%3E",
    ):
        await page.goto(office.url + path)
        assert "owned" not in await page.title()
        assert await page.locator("main img, main script, main style").count() == 0
    await page.goto(f"{office.url}/proposals/{filled['low']}")
    shown = await page.locator("main").inner_text()
    assert "{{ 7*7 }}" in shown
    assert "\\u202eevil\\u2066" in shown
    assert "\\u200b" in shown
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x07]", shown)
    last = await page.locator("main section").last.get_attribute("aria-labelledby")
    assert last in {"sent", None}


@pytest.mark.requirement("console:hostile-content")
async def test_what_is_too_large_is_cut_said_so_and_cannot_be_approved_on_the_page(
    enter: Enter, office: Office, filled: dict[str, str]
) -> None:
    assert filled
    office.shop.change("UPDATE {hostile_invoices} SET note = '" + "long " * 200_000 + "' WHERE id = 'H-acme-01'")
    proposal = (await office.propose(PAPER, {"paper": "H-acme-01", "note": "Short."}))["id"]
    page = await enter("leo")
    answered = await page.goto(f"{office.url}/proposals/{proposal}")
    assert answered is not None
    assert len(await answered.body()) < 400_000
    await page.get_by_text("Part of the proposal was cut, and nobody approves what they have not seen.").wait_for()
    await page.get_by_text(f"synapsor show {proposal} --full").first.wait_for()
    assert await page.get_by_role("button", name="Approve").count() == 0
    assert await page.get_by_role("button", name="Reject").count() == 1


@pytest.mark.requirement("console:accessible")
@pytest.mark.usefixtures("filled")
async def test_on_a_telephone_the_tab_of_a_page_is_in_view_and_the_letters_of_a_chart_can_be_read(
    enter: Enter, office: Office
) -> None:
    page = await enter("leo", viewport={"width": 360, "height": 720})
    for path in ("/", "/charts", "/ledger", "/people"):
        await page.goto(f"{office.url}{path}")
        tab = await page.locator(".top nav [aria-current]").bounding_box()
        assert tab is not None
        assert (tab["x"] >= 0, tab["x"] + tab["width"] <= 360) == (True, True), path
    await page.goto(f"{office.url}/charts")
    letters = await page.locator("svg .axis:visible").evaluate_all(
        "all => all.map((one) => parseFloat(getComputedStyle(one).fontSize) * one.getScreenCTM().a)"
    )
    assert min(letters) >= 11
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360


_STRUCK = """all => all.filter((one) => {
  for (let each = one; each; each = each.parentElement)
    if (getComputedStyle(each).textDecorationLine.includes("line-through")) return true;
  return false;
}).map((one) => one.textContent)"""


@pytest.mark.requirement("console:signs-are-seen")
async def test_no_line_goes_through_a_value_so_that_a_minus_sign_is_seen(enter: Enter, office: Office) -> None:
    office.shop.change("UPDATE {invoices} SET late_fee_cents = 1500, note = '-1500 -- a-b' WHERE id = 'INV-3026'")
    notes = [await office.note("INV-3026", "1500 a b"), await office.waiver("INV-3026", "No fee - none.")]
    page = await enter("leo")
    for path in ("/", *(f"/proposals/{each}" for each in notes), "/history"):
        await page.goto(office.url + path)
        values = page.locator(".val, .brief *, .was *, del, ins, .lines *, dd *")
        assert await values.evaluate_all(_STRUCK) == [], path
    await page.goto(f"{office.url}/proposals/{notes[0]}")
    assert await page.locator(".was .val").inner_text() == "“-1500 -- a-b”"
    assert await page.locator(".was .mark").inner_text() == "−"


@pytest.mark.requirement("console:accessible")
@pytest.mark.parametrize("width", [360, 641, 768, 825, 960, 961])
async def test_every_entry_of_the_navigation_is_on_the_page_whatever_its_width(
    enter: Enter, office: Office, width: int
) -> None:
    page = await enter("leo", viewport={"width": width, "height": 720})
    await page.goto(f"{office.url}/people")
    entries = page.locator(".top nav a")
    assert await entries.count() == 7
    for number in range(7):
        place = await entries.nth(number).bounding_box()
        assert place is not None
        assert (place["x"] >= 0, place["x"] + place["width"] <= width) == (True, True), (number, width)
    nav = page.locator(".top nav")
    assert await nav.evaluate("e => e.scrollWidth <= e.clientWidth")


@pytest.mark.requirement("console:overview")
async def test_the_other_pages_tell_what_the_record_holds(enter: Enter, office: Office, filled: dict[str, str]) -> None:
    page = await enter("leo")
    await page.goto(f"{office.url}/history?status=conflict")
    assert await page.locator("[data-item]").count() == 1
    href = await page.locator("[data-item]").get_attribute("data-href")
    assert placeless(href or "") == f"/proposals/{filled['conflict']}"
    await page.goto(f"{office.url}/worker")
    receipts = page.get_by_role("region", name="Receipts")
    await receipts.get_by_text("conflict").first.wait_for()
    await page.goto(f"{office.url}/charts?days=7")
    assert await page.locator(".figures dd").last.inner_text() == "1"
    assert await page.locator("svg rect title").count() > 0
    await page.goto(f"{office.url}/people")
    await page.get_by_role("row", name=re.compile("leo.*you.*billing_lead")).wait_for()
    await page.goto(f"{office.url}/ledger")
    await page.get_by_role("button", name="Verify it now").click()
    await page.get_by_text("It holds.").wait_for()
    await page.goto(f"{office.url}/contracts/billing")
    await page.get_by_text("active", exact=True).wait_for()
    await page.locator("summary", has_text="billing.propose_removal").click()
    await page.get_by_text("It asks for the removal of one row of invoices.").wait_for()
