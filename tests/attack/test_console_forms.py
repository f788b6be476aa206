"""Forms and lists of the console: what is refused comes back as it was filled, and everybody is led to what they can decide on."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synapsor.approve.identity.keys import create_key
from synapsor.approve.identity.operators import add_operator
from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator
from synapsor.flow.amend import edit
from synapsor.flow.filing import Filing
from synapsor.flow.signing import Signer
from tests.attack.desk import Hall, approval, hall
from tests.attack.forms import placeless
from tests.attack.shop import NOTE, WAIVER, open_shop
from tests.attack.steered import given_up, say
from tests.console import HOLD, codes_of, policy
from tests.databases import load_sqlite

PARTED = policy().replace("{role: billing_lead, expires_hours: 48}", "{role: archivist, expires_hours: 48}")


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Hall]:
    config = {"operators: operators.yaml\n": "operators: operators.yaml\none_time_codes: secrets/codes.yaml\n"}
    async with (
        open_shop(tmp_path / "project", load_sqlite(tmp_path / "billing.db"), policy=PARTED, config=config) as shop,
        hall(shop) as found,
    ):
        yield found


async def a_note(desk: Hall, invoice: str) -> tuple[str, str]:
    made = await desk.shop.proposed(NOTE, {"invoice_id": invoice, "note": "Call back."})
    return made["id"], made["digest"]


async def a_hold(desk: Hall) -> tuple[str, str]:
    made = await desk.shop.proposed(HOLD, {"customer": "Birch & Sons", "note": "On hold."})
    return made["id"], made["digest"]


def field(page: str, name: str) -> str:
    """Return the tag of a field."""
    found = re.search(rf'<(?:input|option)[^>]*id="{name}"[^>]*>', page)
    assert found is not None, name
    return found[0]


def next_of(page: str) -> list[str]:
    return re.findall(r'<a href="/proposals/(\w+)">Another one that waits', placeless(page))


@pytest.mark.requirement("console:forms-kept")
async def test_a_refused_approval_comes_back_as_it_was_filled_and_without_its_code(desk: Hall) -> None:
    codes_of(desk.shop.files, "leo")
    made = await desk.shop.proposed(WAIVER, {"invoice_id": "INV-3013", "reason": "Paid."})
    start = made["digest"][7:15]
    async with desk.client() as client:
        word = await desk.login(client)
        sent = approval(word, made["digest"], typed=f"sha256:{start}", code="123456", reason='He said "yes" <b>')
        answered = await client.post(f"/proposals/{made['id']}/approve", data=sent)
        assert (answered.status_code, "wrong_code" in answered.text or "code" in answered.text) == (422, True)
        assert 'value="He said &#34;yes&#34; &lt;b&gt;"' in field(answered.text, "approve-reason")
        assert f'value="sha256:{start}"' in field(answered.text, "typed")
        assert "123456" not in answered.text
        assert 'value=""' in field(answered.text, "reject-reason")
        # What was typed over another digest says nothing about this one.
        other = {**sent, "digest": f"sha256:{'0' * 64}", "typed": "0" * 8}
        answered = await client.post(f"/proposals/{made['id']}/approve", data=other)
        assert (answered.status_code, 'value=""' in field(answered.text, "typed")) == (422, True)
        # A digest may be pasted whole, and not one character of it may be another.
        for typed, is_it in (
            (made["digest"], True),
            (f"{start}0" if made["digest"][15] != "0" else f"{start}1", False),
        ):
            answered = await client.post(f"/proposals/{made['id']}/approve", data={**sent, "typed": typed})
            assert ("These are not the first" in answered.text) is not is_it


@pytest.mark.requirement("console:forms-kept")
async def test_a_refused_tick_rejection_and_question_come_back_as_they_were_filled(desk: Hall) -> None:
    proposal, digest = await a_note(desk, "INV-3001")
    nurse = "Ask the nurse \U0001f469\u200d\u2695\ufe0f."
    async with desk.client() as client:
        word = await desk.login(client)
        answered = await client.post(f"/proposals/{proposal}/approve", data=approval(word, digest, reason=nurse))
        assert (answered.status_code, "invisible character (U+200D)" in answered.text) == (422, True)
        assert " checked" in field(answered.text, "seen")
        assert "Ask the nurse" in field(answered.text, "approve-reason")
        sent = {"csrf": word, "digest": digest, "preset": "not_needed", "reason": nurse}
        answered = await client.post(f"/proposals/{proposal}/reject", data=sent)
        assert (answered.status_code, '<option value="not_needed" selected>' in answered.text) == (422, True)
        assert "Ask the nurse" in field(answered.text, "reject-reason")
        assert 'value=""' in field(answered.text, "approve-reason")
        assert " checked" not in field(answered.text, "seen")
        answered = await client.post(f"/proposals/{proposal}/ask", data={"csrf": word, "question": nurse})
        assert (answered.status_code, "Ask the nurse" in field(answered.text, "question")) == (422, True)
    assert await desk.shop.status(proposal) == "review_required"


@pytest.mark.requirement("console:forms-kept")
async def test_a_refused_sheet_of_several_comes_back_with_those_ticks_that_it_had(desk: Hall) -> None:
    (one, digest), (other, _) = await a_note(desk, "INV-3001"), await a_note(desk, "INV-3002")
    async with desk.client() as client:
        word = await desk.login(client)
        sent: dict[str, Any] = {"csrf": word, "pick": f"{one} {digest}", "shown": [one, other], "reason": "a\u200bb"}
        answered = await client.post("/batch/reject", data={**sent, "preset": "not_needed"})
        ticked = re.findall(r'name="pick" value="(\w+) [^"]*" checked', answered.text)
        assert (answered.status_code, ticked, other in answered.text) == (422, [one], True)
        assert '<option value="not_needed" selected>' in answered.text
        assert "(U+200B)" in answered.text


@pytest.mark.requirement("console:leads-on")
async def test_the_next_one_is_one_that_this_person_can_approve(desk: Hall) -> None:
    await a_hold(desk)  # of another role, and older than the others
    (first, digest), (own, _), (last, _) = [await a_note(desk, f"INV-300{n}") for n in (1, 2, 3)]
    leo = desk.shop.files.operators["leo"]
    signer = Signer(operator=leo, key=desk.shop.files.keys["leo"])
    amending = Filing(
        record=await desk.shop.record(own),
        served=await desk.shop.project.activated(NOTE),
        operator=leo,
        operators=desk.shop.project.deciders,
        unlock=lambda: signer,
        reason="Shorter.",
        now=desk.shop.project.clock.now(),
    )
    await edit(desk.shop.ledger, amending, {"note": "Shorter."})
    async with desk.client() as client:
        word = await desk.login(client)
        assert next_of((await client.get(f"/proposals/{first}")).text) == [last]
        assert next_of((await client.get(f"/proposals/{last}")).text) == [first]
        sent = approval(word, digest, onward=f"/proposals/{last}")
        assert (await client.post(f"/proposals/{first}/approve", data=sent)).status_code == 303
        assert next_of((await client.get(f"/proposals/{last}")).text) == []


@pytest.mark.requirement("console:leads-on")
async def test_the_inbox_names_the_role_marks_what_is_for_others_and_counts_what_fits_the_filter(desk: Hall) -> None:
    (hold, _), (note, _) = await a_hold(desk), await a_note(desk, "INV-3001")
    medium = (await desk.shop.proposed(WAIVER, {"invoice_id": "INV-3001", "reason": "Paid."}))["id"]
    async with desk.client() as client:
        await desk.login(client)
        page = placeless((await client.get("/")).text)
        rows = dict(re.findall(r'data-href="/proposals/(\w+)">(.*?)</li>', page, re.DOTALL))
        assert list(rows) == [hold, note, medium]
        assert [("decided by archivist" in r, "decided by billing_lead" in r) for r in rows.values()] == [
            (True, False),
            (False, True),
            (False, True),
        ]
        assert ["not for you to approve" in row for row in rows.values()] == [True, False, False]
        assert "This needs the role archivist, which leo has not." in rows[hold]
        assert ['name="pick"' in row for row in rows.values()] == [False, True, False]
        assert "3 wait for a decision, the oldest first." in page
        assert "2 of 3 that wait for a decision." in (await client.get("/?q=INV-3001")).text
        page = (await client.get("/?q=nothing-of-the-kind")).text
        assert ("Nothing fits the filter." in page, "it shows here by itself" in page) == (True, False)
        page = (await client.get(f"/proposals/{hold}")).text
        assert ("Ask somebody who has it." in page, "--operator" in page) == (True, False)


@pytest.mark.requirement("console:batch")
@pytest.mark.parametrize("verb", ["approve", "reject"])
async def test_what_is_decided_on_by_its_own_page_is_decided_on_with_no_others(desk: Hall, verb: str) -> None:
    add_archivist(desk)
    (hold, digest), (note, other) = await a_hold(desk), await a_note(desk, "INV-3001")
    async with desk.client() as client:
        word = await desk.login(client, "ada")
        page = (await client.post("/batch", data={"csrf": word, "pick": [hold, note]})).text
        assert ("Decide on 1 together" in page, "It is not of one row." in page, "INV-3001" in page) == (True,) * 3
        sent = {"csrf": word, "seen": "yes", "reason": "No.", "pick": [f"{hold} {digest}", f"{note} {other}"]}
        answered = await client.post(f"/batch/{verb}", data=sent)
        assert ("1 of 2" in answered.text, "It is not of one row." in answered.text) == (True, True)
    assert [bool((await desk.shop.record(one)).decisions) for one in (hold, note)] == [False, True]


def add_archivist(desk: Hall) -> None:
    """Let somebody be trusted with both roles."""
    files = desk.shop.files
    files.keys["ada"] = create_key(files.root / "keys" / "ada.pem", passphrase=None)
    ada = Operator(name="ada", key=public_text(files.keys["ada"]), roles=("archivist", "billing_lead"))
    files.operators = add_operator(files.root / "operators.yaml", ada)


@pytest.mark.requirement("console:live")
async def test_a_page_knows_the_event_that_it_was_made_at_so_that_its_own_edit_is_no_news_to_it(desk: Hall) -> None:
    proposal, digest = await a_note(desk, "INV-3001")
    async with desk.client() as client:
        word = await desk.login(client)
        sent = {"csrf": word, "digest": digest, "arg.note": "Shorter.", "reason": "Clearer."}
        answered = await client.post(f"/proposals/{proposal}/edit", data=sent)
        assert answered.status_code == 303
        page = (await client.get(answered.headers["location"])).text
        made_at = re.search(r'data-live="proposal (\w+)" data-head="([0-9]+)"', page)
        assert made_at is not None
        told = await desk.shop.ledger.overview.changes(after=0)
        own = [one.seq for one in told if one.subject == made_at[1]]
        assert own != []
        assert max(own) <= int(made_at[2])


@pytest.mark.requirement("console:page-words")
async def test_the_page_of_what_was_applied_has_no_warning_and_no_expiry(desk: Hall) -> None:
    done = await desk.shop.approved(NOTE, {"invoice_id": "INV-3020", "note": "Done."})
    await desk.shop.work()
    (waits, _) = await a_note(desk, "INV-3001")
    async with desk.client() as client:
        await desk.login(client)
        page = (await client.get(f"/proposals/{done}")).text
        assert [words in page for words in ("Warning:", "<dt>Expires", "to be changed", "`")] == [False] * 4
        assert "<code>undo: reviewed</code>" in page
        page = (await client.get(f"/proposals/{waits}")).text
        assert [words in page for words in ("<dt>Expires", "to be changed")] == [True, True]
        assert ">closed<" not in (await client.get("/worker")).text


@pytest.mark.requirement("steer:told")
async def test_a_page_tells_of_a_job_that_was_given_up_and_what_was_said_of_it(desk: Hall) -> None:
    proposal = await given_up(desk.shop)
    async with desk.client() as client:
        await desk.login(client)
        page = (await client.get("/worker")).text
        assert ">given up<" in page
        assert "has each tried again or discards it, on its page" in page
        words = "Its job was given up after 2 attempts (busy): an operator must requeue or discard it."
        assert words in (await client.get(f"/proposals/{proposal}")).text
        await say(desk.shop, "discard", proposal, reason="Nobody wants it.")
        page = (await client.get(f"/proposals/{proposal}")).text
        assert "discarded by opal (writeback_operator)" in page
        assert "It is to be canceled when a worker comes to it." in page
