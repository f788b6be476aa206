"""Every page under very much and hostile content: no script runs, nothing is wider than the screen or clipped, and pages stay small."""

import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from typing import Any, Literal

import pytest
import pytest_asyncio
from playwright.async_api import Page, Response

from synapsor.approve.console.inbox import PAGE
from synapsor.core.moment import stamp
from synapsor.core.proposal import Proposal
from tests.attack.forms import placeless
from tests.browser.conftest import Enter
from tests.browser.test_pages import violations
from tests.console import Office
from tests.crowd import HOSTILE, MEGABYTE, WORD, Filed, another, file_all, row
from tests.projects import activate_all, opened

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(900)]

KEY = HOSTILE[:64]
MANY = 10_000
ROWS = 10_000
MOST_BYTES = 700_000
_DESCRIPTION = "Ask for one invoice to be removed. A person decides."
_WIDER = """() => {
  const wide = document.documentElement.scrollWidth > window.innerWidth ? [`page ${document.documentElement.scrollWidth}`] : [];
  for (const e of document.querySelectorAll("main *")) {
    const clips = ["clip", "hidden"].includes(getComputedStyle(e).overflowX) && !e.closest(".away, .q, input, select, textarea");
    if (clips && e.scrollWidth > e.clientWidth + 1) wide.push(`${e.tagName}.${e.className} clips ${e.scrollWidth}`);
  }
  return wide;
}"""
_HREFS = "all => all.map((one) => one.dataset.href)"
_LINKS = "all => all.map((one) => one.getAttribute('href'))"
_VALUES = "all => all.map((one) => one.value)"
_ELEMENTS = "document.querySelectorAll('*').length"


def true_to(like: Proposal, key: str, note: str, *, before: str = "", **changed: Any) -> Filed:
    """Return a note that is what the contract makes of its arguments, so that nothing but its content is in the way of an approval."""
    arguments = {"invoice_id": key, "note": note}
    return another(
        like, arguments=arguments, members=row(like, key=key, before={"id": key, "note": before}, after=note), **changed
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crowd(office: Office) -> AsyncIterator[dict[str, str]]:
    """Ten thousand proposals, and hostile ones among them; the handles of those."""
    shop = office.shop
    for invoice, worker in (("INV-3020", HOSTILE), ("INV-3021", WORD)):
        await shop.approved("billing.propose_note", {"invoice_id": invoice, "note": "Done."})
        await shop.work(name=worker)
    like = (await shop.record(await office.note("INV-3001", "Call back."))).proposal
    policy = shop.files.root / "policies" / "billing.yaml"
    text = policy.read_text(encoding="utf-8")
    assert _DESCRIPTION in text
    policy.write_text(text.replace(_DESCRIPTION, f"'<script>document.title=\"owned\"</script> {'W' * 900}'"))
    async with opened(shop.files) as project:
        await activate_all(shop.files, project)
    (new,) = await shop.ledger.activations("billing", limit=1)
    like = replace(like, contract=new.activation.digest)
    named: dict[str, Filed] = {
        "rows": another(like, rows=[[f"N-{n}", HOSTILE, "5500", None, "W" * 400] for n in range(ROWS)]),
        "after": another(like, members=row(like, after=(HOSTILE * 6000)[:MEGABYTE])),
        "before": another(like, members=row(like, before={"note": "W" * MEGABYTE}, after="short")),
        "lines": another(like, members=row(like, before={"note": "a\n" * 500_000}, after="b\n" * 30_000)),
        "pieces": another(like, members=row(like, before={"note": "a\n" * 15_000}, after="b\n" * 15_000)),
        "key": another(like, members=row(like, key="K" * 130_000)),
        "reason": another(like, arguments={**like.arguments, "note": WORD * 333}),
        "word": another(
            like, arguments={"note": WORD}, members=row(like, key=WORD, after=WORD), principal=WORD, client=WORD
        ),
        "names": another(
            like,
            members=row(like, key=HOSTILE),
            capability=f"{'b' * 31}.{'x' * 63}",
            role="r" * 63,
            principal=WORD,
        ),
        "hostile": true_to(like, KEY, HOSTILE + ".", before=HOSTILE, principal=HOSTILE, client=HOSTILE),
        "wide": true_to(like, WORD[:64], WORD[:500], before=WORD, principal=WORD, client=WORD),
        "old": true_to(like, "INV-OLD", "short", before=(HOSTILE * 6000)[:MEGABYTE]),
    }
    first = [named[name] for name in ("hostile", "word", "names", "wide", "old")]
    rest = [one for one in named.values() if one not in first]
    many = [true_to(like, f"INV-{n}", f"No. {n}") for n in range(MANY - len(named) - 1)]
    await file_all(shop.ledger, [*first, *many, *rest])
    for who in (HOSTILE, WORD, "W" * MEGABYTE):
        await shop.ledger.refused_decision(
            named["hostile"].proposal.id, who, "not_trusted", stamp(shop.project.clock.now())
        )
    yield {name: one.proposal.id for name, one in named.items()}


def waiting_in(office: Office) -> list[tuple[str, int]]:
    """Return the handle and the number of each proposal that waits, the oldest first, as the ledger's file has them."""
    with closing(sqlite3.connect(office.shop.ledger_path)) as raw:
        return raw.execute("SELECT id, seq FROM proposal WHERE status = 'review_required' ORDER BY seq").fetchall()


def paths_of(crowd: dict[str, str]) -> tuple[str, ...]:
    """Return the pages; by themselves, two of the crowd hold nothing that another one does not."""
    return (
        "/",
        "/?after=9000",
        "/?q=onerror&principal=%3Cscript%3E&capability=%22%3E%3Cb%3E",
        "/history",
        "/history?before=20",
        f"/history?q={'W' * 190}",
        "/contracts",
        "/contracts/billing",
        "/worker",
        "/charts?days=7",
        "/charts?days=90",
        "/charts/policies",
        "/ledger",
        "/people",
        *(f"/proposals/{proposal}" for name, proposal in crowd.items() if name not in {"wide", "old"}),
    )


async def goes_to(page: Page, office: Office, path: str) -> None:
    """Go to a page that must be there, small and nobody else's."""
    await holds(page, await page.goto(office.url + path), path)


async def holds(page: Page, answer: Response | None, path: str) -> None:
    """Check that a page which was answered is small and nobody else's."""
    assert answer is not None
    assert answer.status == 200, path
    assert len(await answer.body()) < MOST_BYTES, path
    assert "owned" not in await page.title(), path
    assert await page.locator("main img, main script, main style").count() == 0, path
    shown = await page.locator("main").inner_text()
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\u2028\x07]", shown), path


async def presses(page: Page, role: Literal["link", "button"], name: str) -> None:
    """Press what leads to another page, which must hold as well."""
    async with page.expect_navigation() as led:
        await page.get_by_role(role, name=name, exact=True).click()
    await holds(page, await led.value, name)


async def diff_of(office: Office) -> str:
    new, _ = await office.shop.ledger.activations("billing", limit=2)
    return f"/contracts/billing/diff?to={new.activation.id}"


async def wider(page: Page) -> dict[int, list[str]]:
    """Return what of a page is clipped or wider than the screen, folded and unfolded, at each width that has any."""
    found: dict[int, list[str]] = {}
    for width, unfolded in ((360, False), (360, True), (1280, True)):
        await page.set_viewport_size({"width": width, "height": 800})
        if unfolded:
            await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        if wide := await page.evaluate(_WIDER):
            found[width] = wide
    return found


@pytest.mark.requirement("console:hostile-content", "console:page-size", "console:accessible")
async def test_no_page_runs_anything_is_large_or_wider_than_the_screen_whatever_it_shows(
    enter: Enter, office: Office, crowd: dict[str, str]
) -> None:
    page = await enter("leo")
    wide = {}
    for path in (*paths_of(crowd), await diff_of(office)):
        await goes_to(page, office, path)
        if found := await wider(page):
            wide[path] = found
    assert wide == {}


async def listed(page: Page) -> list[str]:
    """Return the handles on a page of the inbox."""
    return [placeless(each).rpartition("/")[2] for each in await page.locator("[data-item]").evaluate_all(_HREFS)]


@pytest.mark.requirement("console:overview", "console:page-size")
async def test_ten_thousand_that_wait_are_walked_a_page_at_a_time_and_searched_to_the_last_and_more_grow_no_page(
    enter: Enter, office: Office, crowd: dict[str, str]
) -> None:
    rows = waiting_in(office)
    handles = [handle for handle, _ in rows]
    page = await enter("leo")
    walked = await listed(page)
    for _ in range(2):
        await presses(page, "link", "Next page")
        walked += await listed(page)
    assert walked == handles[: 3 * PAGE]
    await goes_to(page, office, f"/?after={rows[-PAGE - 3][1]}")
    last = await listed(page)
    await presses(page, "link", "Next page")
    assert last + await listed(page) == handles[-PAGE - 2 :]
    assert await page.get_by_role("link", name="Next page").count() == 0
    await presses(page, "link", "To the beginning")
    await page.get_by_label("Search").fill(f"No. {MANY - len(crowd) - 2}")
    await presses(page, "button", "Filter")
    for _ in range(MANY // 1000 - 1):
        assert await listed(page) == []
        await presses(page, "link", "Next page")
    assert await listed(page) == [handles[handles.index(crowd["rows"]) - 1]]
    await presses(page, "link", "Clear")
    await _arrive(page, office, (await office.shop.record(crowd["reason"])).proposal)


async def _arrive(page: Page, office: Office, like: Proposal) -> None:
    """Let more arrive while the inbox stands open: it counts them, and has no element more."""
    await page.locator("body[data-listening]").wait_for()
    before = await page.evaluate(_ELEMENTS)
    for number in range(2):
        await file_all(office.shop.ledger, [another(like, members=row(like, key=f"LATE-{number}"))])
        await page.get_by_text(f"{len(waiting_in(office))} wait for a decision, the oldest first.").wait_for()
        assert await page.evaluate(_ELEMENTS) == before
    assert len(await listed(page)) == PAGE


@pytest.mark.requirement("console:hostile-content", "console:page-size", "console:accessible", "console:batch")
async def test_a_page_of_several_holds_whatever_they_hold_and_names_those_for_which_it_has_no_room(
    enter: Enter, office: Office, crowd: dict[str, str]
) -> None:
    page = await enter("leo", reduced_motion="reduce")
    rows = waiting_in(office)
    handles = [handle for handle, _ in rows]
    few, large = handles.index(crowd["old"]) + 1, handles.index(crowd["rows"])
    for path, first, alone in (
        ("/", [crowd["hostile"], crowd["wide"], *handles[few:PAGE]], [crowd["word"], crowd["old"]]),
        (f"/?after={rows[large][1]}", [], handles[large + 1 :]),
    ):
        await goes_to(page, office, path)
        for each in await page.locator("[data-pick]").all():
            await each.check()
        await presses(page, "button", "Look at the chosen ones together")
        assert await page.locator("[name=shown]").evaluate_all(_VALUES) == first
        assert [
            placeless(h).rpartition("/")[2] for h in await page.locator("#alone + ul a").evaluate_all(_LINKS)
        ] == alone
        assert await page.get_by_text("asked for through another client than most").count() == len(first[:2])
        assert await wider(page) == {}
        assert not await violations(page)
    await page.get_by_role("heading", name="None to decide on together").wait_for()


@pytest.mark.requirement("console:accessible")
async def test_an_accessibility_checker_finds_nothing_on_pages_full_of_hostile_content(
    enter: Enter, office: Office, crowd: dict[str, str]
) -> None:
    page = await enter("leo", reduced_motion="reduce")
    wrong = {}
    hostile = [f"/proposals/{crowd[name]}" for name in ("rows", "lines", "word", "hostile")]
    for path in (
        "/",
        "/history?before=20",
        "/contracts/billing",
        "/worker",
        "/people",
        await diff_of(office),
        *hostile,
    ):
        await goes_to(page, office, path)
        if found := await violations(page):
            wrong[path] = found
    assert wrong == {}
