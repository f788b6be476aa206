"""A policy drafted in the browser: the text of the command, of what people approved alone, and nothing else comes of it."""

import asyncio
import html
import json
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio

from synapsor.approve.console.draft import may_be_drafted
from synapsor.core.proposal import Status
from tests.attack.desk import Hall, approval, hall, word_of
from tests.attack.forms import form_of, placeless
from tests.attack.shop import NOTE, WAIVER, open_shop
from tests.databases import load_sqlite
from tests.projects import leo_rejects


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Hall]:
    async with open_shop(tmp_path / "project", load_sqlite(tmp_path / "billing.db")) as shop, hall(shop) as found:
        yield found


def everything(desk: Hall) -> dict[str, bytes]:
    """Return every file of the project but the ledger's own."""
    root = desk.shop.files.root
    kept = (path for path in root.rglob("*") if path.is_file() and not path.name.startswith("ledger"))
    return {str(path.relative_to(root)): path.read_bytes() for path in kept}


async def by_command(desk: Hall, *arguments: str) -> str:
    """Return the draft that the command makes."""
    files = desk.shop.files
    line = files.command("--json", "policy", "draft", *arguments)
    given = {**files.environment, "COLUMNS": "200"}
    done = await asyncio.to_thread(subprocess.run, line, env=given, cwd=files.root, capture_output=True, check=False)
    return str(json.loads(done.stdout)["draft"]["yaml"])


@pytest.mark.requirement("console:drafts", "policy:draft")
async def test_a_draft_is_led_to_from_a_decision_and_the_history_and_changes_nothing(desk: Hall) -> None:
    shop = desk.shop
    first = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", "reason": "Paid."})
    second = await shop.waiver("INV-3002")
    left = await shop.proposed(NOTE, {"invoice_id": "INV-3003", "note": "No number."})
    before, head = everything(desk), None
    async with desk.client() as client:
        word = await desk.login(client)
        form = approval(word, first["digest"], typed=first["digest"][7:15])
        assert (await client.post(f"/proposals/{first['id']}/approve", data=form)).status_code == 303
        link = f"/draft?of={first['id']}"
        told = placeless((await client.get("/")).text)
        assert (f'href="{link}"' in told, f"{first['id']}</a> (INV-3001) is approved." in told) == (True, True)
        # What no draft could come of leads to none.
        decided = await shop.record(first["id"])
        others = [
            replace(decided, proposal=replace(decided.proposal, **more)) for more in ({"risk": "high"}, {"quorum": 2})
        ]
        assert [may_be_drafted(each) for each in (decided, *others)] == [True, False, False]
        assert f'href="{link}"' in placeless((await client.get(f"/proposals/{first['id']}")).text)
        assert "/draft?" not in (await client.get(f"/proposals/{left['id']}")).text
        head = await shop.ledger.head()
        page = await client.get(link)
        assert (page.status_code, "late_fee_cents:" in page.text, first["id"] in page.text) == (200, True, True)
        history = (await client.get("/history")).text
        assert history.count('type="checkbox" name="of"') == 2
        assert form_of(history, "/draft") == {}
        both = await client.get(f"/draft?of={first['id']}&of={second}&of={first['id']}&name=of_two")
        assert ("A policy from 2 decisions" in both.text, "of_two" in both.text) == (True, True)
        file = await client.get(f"/draft.yaml?of={first['id']}&of={second}&name=of_two")
        assert file.headers["content-disposition"] == 'attachment; filename="of_two.yaml"'
        assert file.headers["content-type"] == "application/yaml; charset=utf-8"
        assert f"{html.escape(file.text.rstrip(), quote=False)}</code>" in both.text.replace("&#39;", "'")
        assert file.text == f"{await by_command(desk, first['id'], second, '--name', 'of_two')}\n"
    assert (everything(desk), await shop.ledger.head()) == (before, head)


@pytest.mark.requirement("console:drafts", "policy:draft")
async def test_what_no_policy_should_repeat_is_told_by_its_rule_and_a_doctored_address_gives_nothing(
    desk: Hall,
) -> None:
    shop = desk.shop
    waiting = str((await shop.proposed(WAIVER, {"invoice_id": "INV-3001", "reason": "Paid."}))["id"])
    note = await shop.approved(NOTE, {"invoice_id": "INV-3003", "note": "No number."})
    rejected = await shop.proposed(WAIVER, {"invoice_id": "INV-3002", "reason": "Now."})
    await leo_rejects(shop.files, shop.project, rejected, reason="<script>owned()</script>")
    fee = await shop.waiver("INV-3002")
    async with desk.client() as client, desk.client() as stranger:
        assert (await stranger.get(f"/draft?of={fee}")).status_code == 303
        await desk.login(client)
        for query, status, words in (
            (f"of={waiting}", 409, "not_approved"),
            (f"of={rejected['id']}", 409, "not_approved"),
            (f"of={note}", 409, "no_bounded_number"),
            (f"of={note}&of={fee}", 409, "other_capability"),
            (f"of={fee}&name={quote('<b>')}", 409, "not_in_order"),
            ("of=wrp_nothing", 404, "There is no such record."),
            ("", 404, "A draft is of one decision or of several."),
            ("&".join(f"of=wrp_{number}" for number in range(51)), 404, "A draft is of one decision or of several."),
        ):
            for path in ("/draft", "/draft.yaml"):
                answered = await client.get(f"{path}?{query}")
                assert (answered.status_code, words in answered.text) == (status, True), query
        # What a person had rejected and the draft would approve is said, and harmless.
        page = (await client.get(f"/draft?of={fee}")).text
        assert ("<script>owned" in page, "&lt;script&gt;owned()" in page, "Too wide." in page) == (False, True, True)


@pytest.mark.requirement("console:batch", "batch:each")
async def test_a_batch_that_names_one_twice_or_more_than_a_page_shows_decides_nothing(desk: Hall) -> None:
    made = [await desk.shop.proposed(NOTE, {"invoice_id": f"INV-300{n}", "note": "Call."}) for n in (1, 2)]
    picks = [f"{one['id']} {one['digest']}" for one in made]
    async with desk.client() as client:
        await desk.login(client)
        word = word_of((await client.get("/settings")).text)
        for chosen, words in (
            ([*picks, picks[0]], "digest_differs"),
            ([*picks, f"{made[0]['id']} sha256:{'0' * 64}"], "digest_differs"),
            ([*picks, *(f"wrp_{n} x" for n in range(49))], "More are chosen"),
            ([], "Nothing is chosen"),
        ):
            for verb in ("approve", "reject"):
                fields = {"csrf": word, "seen": "yes", "reason": "No.", "pick": chosen}
                answered = await client.post(f"/batch/{verb}", data=fields)
                assert (answered.status_code >= 400, words in answered.text) == (True, True), chosen
        # One that is another by now, or is not there, keeps none of the others from being decided on.
        fields = {"csrf": word, "seen": "yes", "pick": [picks[0], f"{made[1]['id']} sha256:{'0' * 64}", "wrp_none x"]}
        answered = await client.post("/batch/approve", data=fields)
        assert "1 of 3 approved" in answered.text
    assert [await desk.shop.status(one["id"]) for one in made] == ["approved", "review_required"]
    waiting = await desk.shop.ledger.inbox(status=Status.REVIEW_REQUIRED, limit=9)
    assert [record.decisions for record in waiting] == [()]
