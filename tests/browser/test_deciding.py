"""Deciding in the browser: what was shown is what is signed, each decision once, whoever clicks what and when."""

import asyncio

import pyotp
import pytest
from playwright.async_api import Page

from synapsor.core.login import decision_holds
from tests.browser.conftest import Enter
from tests.console import HOLD, REMOVAL, Office, codes_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def approve_by_tick(page: Page) -> None:
    await page.get_by_label("I have read it").check()
    await page.get_by_role("button", name="Approve").click()


async def verdicts(office: Office, proposal: str) -> list[tuple[str, str]]:
    record = await office.shop.record(proposal)
    return [(signed.decision.verdict, signed.decision.operator) for signed in record.decisions]


@pytest.mark.requirement("console:decides-what-was-shown")
async def test_a_ticked_approval_is_signed_by_the_session_carries_its_login_and_is_applied(
    enter: Enter, office: Office
) -> None:
    proposal = await office.note("INV-3001", "Ask for <b>Mrs. Aldous</b>.")
    page = await enter("leo")
    await page.goto(f"{office.url}/proposals/{proposal}")
    await page.get_by_text("Ask for <b>Mrs. Aldous</b>.").first.wait_for()
    await approve_by_tick(page)
    await page.get_by_text("is approved. The worker applies it.").wait_for()
    record = await office.shop.record(proposal)
    (signed,) = record.decisions
    assert (signed.decision.operator, signed.decision.digest) == ("leo", record.proposal.digest)
    assert signed.login is not None
    assert (signed.login.login.method, signed.login.login.operator) == ("key", "leo")
    assert decision_holds(signed, office.shop.project.operators())
    assert await office.shop.work() == [("applied", "")]
    assert office.shop.invoice("INV-3001", "note") == ("Ask for <b>Mrs. Aldous</b>.",)


@pytest.mark.requirement("console:decides-what-was-shown")
async def test_a_riskier_change_has_the_digest_typed_and_a_wrong_one_signs_nothing(
    enter: Enter, office: Office
) -> None:
    proposal = await office.waiver("INV-3001")
    page = await enter("leo")
    await page.goto(f"{office.url}/proposals/{proposal}")
    digest = await page.locator("[data-digest]").inner_text()
    typed = page.get_by_label("The first 8 characters of the digest")
    await typed.fill("0" * 8 if not digest.startswith("0" * 8) else "1" * 8)
    await page.get_by_role("button", name="Approve").click()
    await page.get_by_text("nothing was signed").wait_for()
    assert await verdicts(office, proposal) == []
    await typed.fill(digest[:8])
    await page.get_by_role("button", name="Approve").click()
    await page.get_by_text("is approved").wait_for()
    assert await verdicts(office, proposal) == [("approve", "leo")]
    await office.shop.work()


@pytest.mark.requirement("console:decides-what-was-shown")
async def test_a_rejection_tells_the_agent_the_reason_that_was_chosen_or_written(enter: Enter, office: Office) -> None:
    first, second = await office.note("INV-3006", "One"), await office.note("INV-3007", "Two")
    page = await enter("leo")
    await page.goto(f"{office.url}/proposals/{first}")
    await page.get_by_label("Why").select_option("A value that was asked for looks wrong.")
    await page.get_by_role("button", name="Reject").click()
    await page.get_by_text("is rejected.").wait_for()
    await page.goto(f"{office.url}/proposals/{second}")
    await page.get_by_role("button", name="Reject").click()
    await page.get_by_text("A rejection needs a reason.").wait_for()
    await page.get_by_label("Your own words").fill("Not this customer.")
    await page.get_by_role("button", name="Reject").click()
    await page.get_by_text("is rejected.").wait_for()
    told = [(await office.shop.record(one)).decisions[-1].decision for one in (first, second)]
    assert [(one.code, one.reason) for one in told] == [
        ("odd_arguments", "A value that was asked for looks wrong."),
        (None, "Not this customer."),
    ]


@pytest.mark.requirement("console:decides-what-was-shown")
async def test_a_question_to_the_agent_is_signed_and_shown_and_decides_nothing(enter: Enter, office: Office) -> None:
    proposal = await office.note("INV-3032", "Why?")
    page = await enter("leo")
    await page.goto(f"{office.url}/proposals/{proposal}")
    await page.get_by_label("Question").fill("Who asked you for this?")
    await page.get_by_role("button", name="Ask", exact=True).click()
    await page.get_by_text("waits for the agent's answer").wait_for()
    await page.get_by_role("heading", name="Asked and answered").wait_for()
    await page.get_by_text("Who asked you for this?").wait_for()
    assert await office.shop.status(proposal) == "review_required"
    assert await verdicts(office, proposal) == []


@pytest.mark.requirement("console:no-script")
async def test_looking_approving_rejecting_and_deciding_on_several_need_no_script(enter: Enter, office: Office) -> None:
    one, two = await office.note("INV-3008", "One"), await office.note("INV-3009", "Two")
    three, four = await office.note("INV-3010", "Three"), await office.note("INV-3011", "Four")
    page = await enter("leo", java_script_enabled=False)
    await page.goto(f"{office.url}/proposals/{one}")
    await approve_by_tick(page)
    await page.goto(f"{office.url}/proposals/{two}")
    await page.get_by_label("Your own words").fill("No.")
    await page.get_by_role("button", name="Reject").click()
    await page.goto(office.url)
    for handle in (three, four):
        await page.locator(f"input[name=pick][value='{handle}']").check()
    await page.get_by_role("button", name="Look at the chosen ones together").click()
    await page.get_by_label("I have read all of them").check()
    await page.get_by_role("button", name="Approve").click()
    await page.get_by_role("heading", name="2 of 2 approved").wait_for()
    assert [await office.shop.status(each) for each in (one, two, three, four)] == [
        "approved",
        "rejected",
        "approved",
        "approved",
    ]
    await office.shop.work()


@pytest.mark.requirement("console:batch")
async def test_several_are_decided_on_together_with_exceptions_and_what_differs_is_pointed_out(
    enter: Enter, office: Office
) -> None:
    alike = [await office.note(f"INV-30{n}", "Closed for the season.") for n in (12, 14, 15, 21)]
    odd = await office.note("INV-3016", "Pay out everything.")
    risky = await office.waiver("INV-3025")
    page = await enter("leo")
    await page.goto(office.url)
    assert await page.locator(f"input[name=pick][value='{risky}']").count() == 0  # it is decided on by its own page
    for handle in (*alike, odd):
        await page.locator(f"input[name=pick][value='{handle}']").check()
    await page.get_by_role("button", name="Look at the chosen ones together").click()
    await page.get_by_role("heading", name="Decide on 5 together").wait_for()
    assert await page.get_by_text("stands out: note after: hardly any other has this value").count() == 1
    await page.get_by_role("button", name="Reject").click()
    await page.get_by_text("A rejection needs a reason. Say why; the agent is told. Nothing was signed.").wait_for()
    await page.locator(f"input[name=pick][value^='{odd} ']").uncheck()
    await page.get_by_label("I have read all of them").check()
    await page.get_by_role("button", name="Approve").click()
    await page.get_by_role("heading", name="4 of 4 approved").wait_for()
    assert [await office.shop.status(each) for each in (*alike, odd, risky)] == [
        *["approved"] * 4,
        *["review_required"] * 2,
    ]
    await office.shop.work()


@pytest.mark.requirement("console:decides-once")
async def test_two_reviewers_at_once_decide_once_and_the_second_is_told(enter: Enter, office: Office) -> None:
    proposal = await office.note("INV-3017", "Once.")
    leo, mia = await enter("leo"), await enter("mia")
    for page in (leo, mia):
        await page.goto(f"{office.url}/proposals/{proposal}")
        await page.get_by_label("I have read it").check()
    await mia.locator("body[data-listening]").wait_for()
    await asyncio.gather(*(page.get_by_role("button", name="Approve").click() for page in (leo, mia)))
    for page in (leo, mia):
        await page.get_by_text("is approved").first.wait_for()
    assert len(await verdicts(office, proposal)) == 1
    await office.shop.work()
    assert office.shop.invoice("INV-3017", "note, row_version")[0] == "Once."


@pytest.mark.requirement("console:decides-once")
async def test_a_form_that_is_sent_twice_decides_once(enter: Enter, office: Office) -> None:
    proposal = await office.note("INV-3018", "Twice.")
    page = await enter("leo")
    await page.goto(f"{office.url}/proposals/{proposal}")
    await approve_by_tick(page)
    await page.get_by_text("is approved").wait_for()
    await page.go_back()
    form = page.locator("form#approve")
    if await form.count():
        await page.get_by_label("I have read it").check()
        await form.get_by_role("button", name="Approve").click()
        await page.get_by_text("The proposal is approved.").wait_for()
    assert await verdicts(office, proposal) == [("approve", "leo")]
    await office.shop.work()


@pytest.mark.requirement("console:step-up")
async def test_high_risk_takes_a_one_time_code_and_two_people_and_a_wrong_code_signs_nothing(
    enter: Enter, office: Office
) -> None:
    secrets = {who: codes_of(office.console.files, who) for who in ("leo", "mia")}
    proposal = await office.waiver("INV-3013")
    for who, words in (("leo", "waits for more"), ("mia", "The worker applies it")):
        page = await enter(who)
        await page.goto(f"{office.url}/proposals/{proposal}")
        totp = pyotp.TOTP(base32(secrets[who]))
        for wrong in (True, False):
            good = totp.now()
            code = ("000000" if good != "000000" else "111111") if wrong else good
            await page.get_by_label("The first 8 characters of the digest").fill(
                (await page.locator("[data-digest]").inner_text())[:8]
            )
            await page.get_by_label("One-time code of your authenticator").fill(code)
            await page.get_by_role("button", name="Approve").click()
            if wrong:
                await page.get_by_text("The one-time code is not one of now.").wait_for()
        await page.get_by_text(words).wait_for()
    assert await verdicts(office, proposal) == [("approve", "leo"), ("approve", "mia")]
    assert await office.shop.work() == [("applied", "")]


@pytest.mark.requirement("console:live")
async def test_a_new_proposal_and_a_decision_show_on_open_pages_by_themselves(enter: Enter, office: Office) -> None:
    page, other = await enter("leo"), await enter("mia")
    await page.locator("body[data-listening]").wait_for()
    proposal = await office.note("INV-3019", "Look, it is there.")
    link = page.locator(f"[data-href$='/proposals/{proposal}']")
    await link.wait_for()
    await other.goto(f"{office.url}/proposals/{proposal}")
    await other.locator("body[data-listening]").wait_for()
    await page.goto(f"{office.url}/proposals/{proposal}")
    await approve_by_tick(page)
    await other.get_by_text("This proposal has changed since the page was made.").wait_for()
    await page.goto(office.url)
    assert await link.count() == 0
    await office.shop.work()


@pytest.mark.requirement("console:decides-what-was-shown")
async def test_a_row_that_has_changed_since_is_shown_and_approved_only_by_who_says_so(
    enter: Enter, office: Office
) -> None:
    proposal = await office.note("INV-3004", "Stale.")
    page = await enter("leo")
    await page.goto(f"{office.url}/proposals/{proposal}")
    await page.get_by_text("still as it was").wait_for()
    office.shop.change("UPDATE {invoices} SET note = 'Meanwhile', row_version = row_version + 1 WHERE id = 'INV-3004'")
    await approve_by_tick(page)
    await page.get_by_text("A row is not as it was when the change was asked for").first.wait_for()
    assert await verdicts(office, proposal) == []
    await page.get_by_text("“Meanwhile”").first.wait_for()
    await page.get_by_label("A row has changed since.").check()
    await approve_by_tick(page)
    await page.get_by_text("is approved").wait_for()
    await office.shop.work()
    assert await office.shop.status(proposal) == "conflict"


@pytest.mark.requirement("batch:stale-said-before")
async def test_of_several_the_one_whose_row_has_changed_says_so_and_is_not_ticked(enter: Enter, office: Office) -> None:
    stays, moves = [await office.note(f"INV-30{n}", "Ring twice.") for n in (17, 18)]
    office.shop.change("UPDATE {invoices} SET note = 'Meanwhile', row_version = row_version + 1 WHERE id = 'INV-3018'")
    page = await enter("leo")
    await page.goto(office.url)
    for handle in (stays, moves):
        await page.locator(f"input[name=pick][value='{handle}']").check()
    await page.get_by_role("button", name="Look at the chosen ones together").click()
    await page.get_by_role("heading", name="Decide on 2 together").wait_for()
    await page.get_by_text("1 row is not as it was").wait_for()
    await page.get_by_text("It is approved on its own page only").wait_for()
    ticks = {name: page.locator(f"input[name=pick][value^='{name} ']") for name in (stays, moves)}
    assert [await tick.is_checked() for tick in ticks.values()] == [True, False]
    await ticks[moves].check()
    await page.get_by_label("I have read all of them").check()
    await page.get_by_role("button", name="Approve").click()
    await page.get_by_role("heading", name="1 of 2 approved").wait_for()
    await page.get_by_text("approve it on its own page and tick that there").wait_for()
    assert [await office.shop.status(each) for each in (stays, moves)] == ["approved", "review_required"]
    await office.shop.work()


@pytest.mark.timeout(900)
@pytest.mark.requirement("console:decides-once")
async def test_a_hundred_mixed_proposals_are_decided_through_the_page_and_none_is_lost_or_decided_twice(
    enter: Enter, office: Office
) -> None:
    filed = [await office.note(f"INV-30{n:02d}", f"Note {n}.") for n in range(1, 41)]
    filed += [await _waiver_or_note(office, n) for n in range(1, 41)]
    filed += [str((await office.propose(REMOVAL, {"invoice_id": f"INV-30{n}"}))["id"]) for n in range(30, 40)]
    filed += [
        str((await office.propose(HOLD, {"customer": name, "note": f"{name} {again}"}))["id"])
        for again in range(5)
        for name in ("Birch & Sons", "Delta Looms")
    ]
    assert len(set(filed)) == 100
    page = await enter("leo")
    wanted: dict[str, str] = {}
    for number, proposal in enumerate(filed):
        await page.goto(f"{office.url}/proposals/{proposal}")
        if number % 4 == 3:
            await page.get_by_label("Why").select_option(index=1 + number % 3)
            await page.get_by_role("button", name="Reject").click()
            wanted[proposal] = "reject"
        else:
            await _approve(page)
            wanted[proposal] = "approve"
        await page.locator(".notice.good").wait_for()
    assert {one: [verdict for verdict, _ in await verdicts(office, one)] for one in filed} == {
        one: [verdict] for one, verdict in wanted.items()
    }
    report = await office.shop.ledger.verify()
    assert report.ok


async def _waiver_or_note(office: Office, number: int) -> str:
    invoice = f"INV-30{number:02d}"
    fee, status = office.shop.invoice(invoice, "late_fee_cents, status")
    if 0 < fee < 9000:
        return await office.waiver(invoice, f"Reason {number}.")
    return str((await office.propose(HOLD, {"customer": "Kestrel Freight", "note": f"{status} {number}"}))["id"])


async def _approve(page: Page) -> None:
    typed = page.get_by_label("The first 8 characters of the digest")
    if await typed.count():
        await typed.fill((await page.locator("[data-digest]").inner_text())[:8])
        await page.get_by_role("button", name="Approve").click()
    else:
        await approve_by_tick(page)


def base32(secret: bytes) -> str:
    """Return a secret as authenticators take it."""
    import base64  # noqa: PLC0415  # here alone

    return base64.b32encode(secret).decode()
