"""Every page under very much and hostile content: no script runs, nothing is wider than the screen or clipped, and pages stay small."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page

from synapsor.core.moment import stamp
from tests.browser.conftest import Enter
from tests.browser.test_pages import violations
from tests.console import Office
from tests.crowd import HOSTILE, MEGABYTE, WORD, Filed, another, file_all, row
from tests.projects import activate_all, opened

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(900)]

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


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crowd(office: Office) -> AsyncIterator[dict[str, str]]:
    """Ten thousand proposals, and hostile ones among them; the handles of those."""
    shop = office.shop
    like = (await shop.record(await office.note("INV-3001", "Call back."))).proposal
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
        "names": another(like, capability=f"{'b' * 31}.{'x' * 63}", role="r" * 63, principal=WORD),
        "hostile": another(
            like,
            arguments={"note": HOSTILE},
            members=row(like, key=HOSTILE, before={"note": HOSTILE}, after=HOSTILE + "."),
            principal=HOSTILE,
            client=HOSTILE,
        ),
    }
    first = [named["hostile"], named["word"], named["names"]]
    rest = [one for one in named.values() if one not in first]
    many = [another(like, members=row(like, key=f"INV-{n}", after=f"No. {n}")) for n in range(MANY - len(named) - 1)]
    await file_all(shop.ledger, [*first, *many, *rest])
    for who in (HOSTILE, WORD, "W" * MEGABYTE):
        await shop.ledger.refused_decision(
            named["hostile"].proposal.id, who, "not_trusted", stamp(shop.project.clock.now())
        )
    for invoice, worker in (("INV-3020", HOSTILE), ("INV-3021", WORD)):
        await shop.approved("billing.propose_note", {"invoice_id": invoice, "note": "Done."})
        await shop.work(name=worker)
    policy = shop.files.root / "policies" / "billing.yaml"
    text = policy.read_text(encoding="utf-8")
    assert _DESCRIPTION in text
    policy.write_text(text.replace(_DESCRIPTION, f"'<script>document.title=\"owned\"</script> {'W' * 900}'"))
    async with opened(shop.files) as project:
        await activate_all(shop.files, project)
    yield {name: one.proposal.id for name, one in named.items()}


def paths_of(crowd: dict[str, str]) -> tuple[str, ...]:
    return (
        "/",
        "/?after=9000",
        "/?q=onerror&principal=%3Cscript%3E&capability=%22%3E%3Cb%3E",
        "/history",
        "/history?before=20",
        f"/history?q={'W' * 190}",
        "/contracts",
        "/contracts/billing",
        "/jobs",
        "/charts?days=7",
        "/charts?days=90",
        "/charts/policies",
        "/ledger",
        "/people",
        *(f"/proposals/{proposal}" for proposal in crowd.values()),
    )


async def goes_to(page: Page, office: Office, path: str) -> None:
    """Go to a page that must be there, small and nobody else's."""
    answer = await page.goto(office.url + path)
    assert answer is not None
    assert answer.status == 200, path
    assert len(await answer.body()) < MOST_BYTES, path
    assert "owned" not in await page.title(), path
    assert await page.locator("main img, main script, main style").count() == 0, path
    shown = await page.locator("main").inner_text()
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\u2028\x07]", shown), path


async def diff_of(office: Office) -> str:
    new, _ = await office.shop.ledger.activations("billing", limit=2)
    return f"/contracts/billing/diff?to={new.activation.id}"


@pytest.mark.requirement("console:hostile-content", "console:page-size", "console:accessible")
@pytest.mark.parametrize("width", [360])
async def test_no_page_runs_anything_is_large_or_wider_than_the_screen_whatever_it_shows(
    enter: Enter, office: Office, crowd: dict[str, str], width: int
) -> None:
    page = await enter("leo", viewport={"width": width, "height": 800})
    wide = {}
    for path in (*paths_of(crowd), await diff_of(office)):
        await goes_to(page, office, path)
        if found := await page.evaluate(_WIDER):
            wide[path] = found
        await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        if found := await page.evaluate(_WIDER):
            wide[path] = found
    assert wide == {}


@pytest.mark.requirement("console:accessible")
async def test_an_accessibility_checker_finds_nothing_on_pages_full_of_hostile_content(
    enter: Enter, office: Office, crowd: dict[str, str]
) -> None:
    page = await enter("leo", reduced_motion="reduce")
    wrong = {}
    hostile = [f"/proposals/{crowd[name]}" for name in ("rows", "lines", "word", "hostile")]
    for path in ("/", "/history?before=20", "/contracts/billing", "/jobs", "/people", await diff_of(office), *hostile):
        await goes_to(page, office, path)
        if found := await violations(page):
            wrong[path] = found
    assert wrong == {}
