"""Pages worked by hand: with the keyboard alone, without motion, without a script, and without single keys."""

import re

import pytest
from playwright.async_api import Page

from tests.attack.test_worker_permission import AUTOMATIC
from tests.browser.conftest import Enter
from tests.browser.test_pages import PATHS
from tests.console import Office

pytestmark = pytest.mark.asyncio(loop_scope="session")

_FOCUS = """() => {
  const at = document.activeElement, style = getComputedStyle(at), all = [...document.querySelectorAll("*")];
  const label = (at.labels?.[0]?.textContent ?? "") + (at.getAttribute("aria-label") ?? "") + at.textContent;
  return at === document.body ? null
    : {at: all.indexOf(at), seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2, named: label.trim() !== "", html: at.outerHTML.slice(0, 120)};
}"""


async def walked(page: Page) -> list[dict[str, object]]:
    """Return what the tab key comes to, one after the other, until it leaves the page."""
    found: list[dict[str, object]] = []
    for _ in range(200):
        await page.keyboard.press("Tab")
        here = await page.evaluate(_FOCUS)
        if here is None or any(one["at"] == here["at"] for one in found):
            break
        found.append(here)
    return found


@pytest.mark.requirement("console:keyboard")
async def test_the_tab_key_goes_through_a_page_in_its_order_and_what_it_is_at_is_seen_and_named(
    enter: Enter, office: Office
) -> None:
    proposal = await office.waiver("INV-3001")
    page = await enter("leo")
    for path in ("/", "/history", f"/proposals/{proposal}", "/charts", "/charts/policies", "/settings"):
        await page.goto(office.url + path)
        found = await walked(page)
        places = [one["at"] for one in found]
        assert places == sorted(places), path  # type: ignore[type-var]  # numbers
        assert [one["html"] for one in found if not one["seen"] or not one["named"]] == [], path
        needed = "main a, main button, main input:not([type=hidden], [type=radio]), main select, main textarea"
        inside = await page.evaluate(
            f"[...document.querySelectorAll('{needed}')].filter(e => e.checkVisibility() && !e.hidden).length"
        )
        assert len(found) >= inside, path


@pytest.mark.requirement("console:accessible")
async def test_nothing_moves_for_who_wants_no_motion(enter: Enter, office: Office) -> None:
    proposal = await office.note("INV-3005", "Still.")
    page = await enter("leo", reduced_motion="reduce")
    moves = (
        "[...document.querySelectorAll('*')].filter(e => { const s = getComputedStyle(e);"
        " return parseFloat(s.transitionDuration) > 0 || s.animationName !== 'none' || s.scrollBehavior === 'smooth' })"
        ".map(e => e.outerHTML.slice(0, 80))"
    )
    for path in (*PATHS, f"/proposals/{proposal}"):
        await page.goto(office.url + path)
        assert await page.evaluate(moves) == [], path


@pytest.mark.requirement("console:keyboard")
async def test_with_single_keys_off_no_key_does_anything_and_none_is_announced(enter: Enter, office: Office) -> None:
    proposal = await office.note("INV-3006", "Keys.")
    page = await enter("leo")
    await page.goto(f"{office.url}/proposals/{proposal}")
    assert await page.locator("[aria-keyshortcuts]").count() > 0
    await page.goto(f"{office.url}/settings")
    await page.get_by_label("Off").check()
    await page.get_by_role("button", name="Keep").click()
    await page.get_by_role("button", name="Keep").wait_for()
    for path in ("/", "/history", f"/proposals/{proposal}"):
        await page.goto(office.url + path)
        assert await page.locator("[aria-keyshortcuts], kbd, dialog").count() == 0, path
        for key in ("j", "k", "x", "o", "a", "r", "u", "/", "?"):
            await page.keyboard.press(key)
        assert page.url.endswith(path)
        assert await page.evaluate("document.activeElement === document.body"), path


@pytest.mark.requirement("console:no-script")
async def test_searching_settings_verifying_testing_a_policy_and_leaving_need_no_script(
    enter: Enter, office: Office
) -> None:
    await office.note("INV-3007", "Searched for.")
    await office.note("INV-3008", "Another.")
    page = await enter("rita", java_script_enabled=False)
    await page.get_by_label("Search").fill("Searched for")
    await page.get_by_role("button", name="Filter").click()
    assert await page.locator("[data-item]").count() == 1
    await page.goto(f"{office.url}/history")
    await page.get_by_label("Search").fill("Searched for")
    await page.get_by_role("button", name="Search").click()
    assert await page.locator("[data-item]").count() == 1
    await page.goto(f"{office.url}/settings")
    await page.get_by_label("Dark").check()
    await page.get_by_role("button", name="Keep").click()
    await page.locator("html[data-theme=dark]").wait_for()
    await page.goto(f"{office.url}/ledger")
    await page.get_by_role("button", name="Verify it now").click()
    await page.get_by_text("It holds.").wait_for()
    await page.goto(f"{office.url}/charts")
    await page.get_by_role("link", name="Test a policy").click()
    await page.get_by_label("A contract that I paste").check()
    await page.get_by_role("textbox", name="Contract").fill(AUTOMATIC)
    await page.get_by_label("Capability").select_option("billing.propose_note")
    await page.get_by_role("button", name="Decide again").click()
    await page.get_by_role("heading", name="What would be other").wait_for()
    await page.get_by_text(re.compile("No proposal since|decided again")).first.wait_for()
    await page.locator("summary", has_text="rita").click()
    await page.get_by_role("button", name="Log out").click()
    await page.wait_for_url(re.compile("/login"))


@pytest.mark.requirement("console:policy-test", "console:charts")
async def test_a_report_of_a_policy_is_drawn_and_can_be_read_as_a_table(enter: Enter, office: Office) -> None:
    await office.waiver("INV-3009")
    page = await enter("rita", viewport={"width": 360, "height": 800})
    await page.goto(f"{office.url}/charts/policies")
    await page.get_by_label("A contract that I paste").check()
    await page.get_by_role("textbox", name="Contract").fill(AUTOMATIC)
    await page.get_by_role("button", name="Decide again").click()
    drawn = page.locator("figure", has=page.get_by_role("heading", name="Under the candidate"))
    # The last is the narrow one; before the style is there, both can be seen.
    await drawn.get_by_role("img", name=re.compile("Under the candidate, by day")).last.wait_for()
    bars = await drawn.locator("svg.narrow rect title").all_text_contents()
    await drawn.locator("summary").click()
    heads = await drawn.locator("thead th").all_inner_texts()
    rows = [await row.locator("th, td").all_inner_texts() for row in await drawn.locator("tbody tr").all()]
    told = [
        f"{day}: {head}, {cell}"
        for head_at, head in enumerate(heads[1:])
        for day, *cells in reversed(rows)
        if (cell := cells[head_at]) != "\N{EN DASH}"
    ]
    assert bars == told != []
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.requirement("console:live")
async def test_what_somebody_is_about_to_press_is_not_taken_away_from_under_the_mouse(
    enter: Enter, office: Office
) -> None:
    first = await office.note("INV-3001", "First.")
    page = await enter("leo")
    await page.goto(office.url)
    await page.locator("body[data-listening]").wait_for()
    link = page.locator(f"a[href$='/proposals/{first}']").first
    await link.hover()
    await page.mouse.down()
    await office.note("INV-3002", "Second.")
    await page.get_by_text("Something changed.").wait_for()
    async with page.expect_navigation():
        await page.mouse.up()
    assert page.url.endswith(f"/proposals/{first}")
