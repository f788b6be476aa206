"""Steering the worker in the browser: every button of it, on every screen, and a page that tells what happens meanwhile."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page

from tests.attack.doubts import in_doubt
from tests.attack.forms import placeless
from tests.attack.steered import given_up, person, turn
from tests.browser.conftest import Enter
from tests.browser.test_amending import is_sound, options, picture
from tests.console import NOTE, Office, open_office, write_office

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """An office in which opal steers the worker."""
    async with open_office(write_office(Path(tmp_path_factory.mktemp("steering")))) as found:
        person(found.shop)
        yield found


_BEYOND = "cells => cells.filter(one => one.getBoundingClientRect().right > innerWidth).map(one => one.dataset.label)"
"""The cells of tables that one would have to scroll sideways for."""
_NARROW = 640


async def looked_at(page: Page, name: str, width: int, kept: Path | None, *, script: bool = True) -> None:
    await picture(page, name, kept)
    await is_sound(page, width, script=script)
    if width < _NARROW:
        assert await page.locator(".grid td:visible").evaluate_all(_BEYOND) == []


def why(page: Page, button: str) -> Locator:
    """Return the field of the form that a button sends."""
    return page.locator("form", has=page.get_by_role("button", name=button, exact=True)).get_by_label("Why")


SCREENS = pytest.mark.parametrize(
    ("scheme", "width", "script"), [("light", 1280, True), ("dark", 390, True), ("light", 390, False)]
)


@pytest.mark.timeout(300)
@pytest.mark.requirement("console:steers", "console:accessible", "console:no-script", "console:no-sideways")
@SCREENS
async def test_an_operator_pauses_and_lets_go_on_and_says_what_becomes_of_what_was_given_up(
    enter: Enter,
    office: Office,
    kept: Path | None,
    scheme: str,
    width: int,
    script: bool,  # as above
) -> None:
    named, shop = f"{scheme}-{width}", office.shop
    again = await given_up(shop)
    page = await enter("opal", **options(scheme, width, script=script))
    await page.get_by_role("link", name="Worker", exact=True).click()
    await page.get_by_role("heading", name="Given up").wait_for()
    await page.locator("summary", has_text="Pause shop").click()
    await why(page, "Pause shop").fill("The source is moved.")
    await looked_at(page, f"worker-{named}", width, kept, script=script)
    await page.get_by_role("button", name="Pause shop").click()
    await page.get_by_text("shop rests: workers take no new job of it.").wait_for()
    await page.locator("summary", has_text="Let shop go on").click()
    await looked_at(page, f"paused-{named}", width, kept, script=script)
    await why(page, "Let shop go on").fill("It is there.")
    await page.get_by_role("button", name="Let shop go on").click()
    await page.get_by_text("shop goes on").wait_for()
    await page.get_by_role("region", name="Given up").get_by_role("link").first.click()
    await page.get_by_role("heading", name="The job of").wait_for()
    await looked_at(page, f"job-{named}", width, kept, script=script)
    await why(page, "Try it again").fill("The lock is gone.")
    await page.get_by_role("button", name="Try it again").click()
    await page.get_by_text("is tried again, and its attempts begin anew.").wait_for()
    assert await shop.work() == [("applied", "")]
    shop.change("UPDATE {invoices} SET late_fee_cents = 5500 WHERE id = 'INV-3001'")
    assert await shop.status(again) == "applied"


@pytest.mark.timeout(300)
@pytest.mark.requirement("console:steers")
async def test_what_was_given_up_is_discarded_and_what_waits_is_canceled_on_the_page_of_its_job(
    enter: Enter, office: Office
) -> None:
    shop = office.shop
    dead = await given_up(shop)
    page = await enter("opal")
    for proposal, button in ((dead, "Discard it"), (await shop.waiver("INV-3002"), "Cancel it")):
        await page.goto(f"{office.url}/proposals/{proposal}")
        await page.get_by_role("region", name="What became of it").get_by_role("link", name="job_").click()
        await why(page, button).fill("Nobody wants it.")
        await page.get_by_role("button", name=button).click()
        await page.get_by_role("note").get_by_text("It is to be canceled when a worker comes to it.").wait_for()
        assert await page.get_by_role("button", name="Cancel it").count() == 0
    assert sorted(await shop.work()) == [("canceled", "canceled"), ("canceled", "discarded")]


@pytest.mark.timeout(300)
@pytest.mark.requirement("console:steers", "console:measures", "console:accessible", "console:no-script")
@SCREENS
async def test_who_decides_has_a_change_measured_first_approves_it_and_cancels_it(
    enter: Enter,
    office: Office,
    kept: Path | None,
    scheme: str,
    width: int,
    script: bool,  # as above
) -> None:
    named, shop = f"{scheme}-{width}", office.shop
    proposal = await office.note("INV-3007", "Ring once.")
    page = await enter("leo", **options(scheme, width, script=script))
    await page.goto(f"{office.url}/proposals/{proposal}")
    await looked_at(page, f"card-{named}", width, kept, script=script)
    await page.get_by_role("button", name="Have it measured").click()
    await page.get_by_text("is measured by the worker before anybody approves it.").wait_for()
    assert await page.get_by_role("button", name="Approve").count() == 0
    assert await shop.work() == []
    await page.goto(f"{office.url}/proposals/{proposal}")
    await page.get_by_text("Carried out and rolled back").wait_for()
    await page.get_by_label("I have read it").check()
    await page.get_by_role("button", name="Approve").click()
    await page.get_by_text("is approved. The worker applies it.").wait_for()
    await page.goto(f"{office.url}/proposals/{proposal}")
    await why(page, "Cancel it").fill("It was paid.")
    await looked_at(page, f"cancel-{named}", width, kept, script=script)
    await page.get_by_role("button", name="Cancel it").click()
    await page.get_by_text("is to be canceled; a worker has that recorded").wait_for()
    assert await shop.work() == [("canceled", "canceled")]


@pytest.mark.timeout(300)
@pytest.mark.requirement("console:resolves", "console:accessible", "console:no-script")
@SCREENS
async def test_what_nobody_knows_is_looked_at_and_resolved(
    enter: Enter,
    office: Office,
    kept: Path | None,
    scheme: str,
    width: int,
    script: bool,  # as above
) -> None:
    named, shop = f"{scheme}-{width}", office.shop
    proposal = await in_doubt(shop, NOTE, {"invoice_id": "INV-3014", "note": f"Write to them, and ring on {named}."})
    shop.change("UPDATE {invoices} SET note = 'Somebody else', row_version = row_version + 1 WHERE id = 'INV-3014'")
    page = await enter("leo", **options(scheme, width, script=script))
    await page.goto(f"{office.url}/worker")
    await page.get_by_role("link", name="Unknown outcomes").click()
    await page.get_by_role("heading", name="Unknown outcomes").wait_for()
    await looked_at(page, f"unknown-{named}", width, kept, script=script)
    await page.get_by_role("link", name="billing.propose_note").click()
    await page.get_by_text("All in all: neither as before nor as approved.").wait_for()
    await looked_at(page, f"doubt-{named}", width, kept, script=script)
    await page.get_by_label("was not applied").check()
    await page.get_by_label("How you know").fill("The owner's log has another change.")
    await page.get_by_label("I have looked at the source").check()
    await page.get_by_role("button", name="Sign it").click()
    await page.get_by_text("has failed: you said so, and signed it.").wait_for()
    assert placeless(page.url).endswith(f"/proposals/{proposal}")
    assert await shop.status(proposal) == "failed"


@pytest.mark.timeout(300)
@pytest.mark.requirement("console:live", "console:steers")
async def test_the_page_of_the_worker_tells_of_a_pause_as_it_happens_and_takes_no_words_from_who_types(
    enter: Enter, office: Office
) -> None:
    page = await enter("opal")
    await page.goto(f"{office.url}/worker")
    await page.locator("body[data-listening]").wait_for()
    await turn(office.shop, "paused", source="shop", by=person(office.shop, "ines"))
    await page.get_by_text("Paused by ines").wait_for()
    await page.locator("summary", has_text="Pause every source").click()
    await why(page, "Pause every source").fill("All of it is moved.")
    await page.get_by_role("heading", name="Worker", exact=True).click()
    await turn(office.shop, "running", source="shop")
    await page.get_by_role("status").get_by_text("Something changed.").wait_for()
    assert await why(page, "Pause every source").input_value() == "All of it is moved."
    await page.get_by_text("Paused by ines").wait_for()


@pytest.mark.timeout(300)
@pytest.mark.requirement("console:switch", "console:accessible", "console:no-sideways")
async def test_a_steward_stops_and_starts_automatic_approval(enter: Enter, office: Office, kept: Path | None) -> None:
    person(office.shop, "rosa", "policy_steward")
    page = await enter("rosa", **options("dark", 390, script=True))
    await page.get_by_role("link", name="Worker", exact=True).click()
    for verb, done in (("Stop", "No policy approves anything any more"), ("Start", "Policies approve again")):
        button = f"{verb} automatic approval"
        await page.locator("summary", has_text=button).click()
        await looked_at(page, f"switch-{verb}-390", 390, kept)
        await why(page, button).fill("Too many today.")
        await page.get_by_role("button", name=button, exact=True).click()
        await page.get_by_text(done).wait_for()
