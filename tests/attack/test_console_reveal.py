"""Looking behind hidden values in the browser: by who may decide, on record first, on one page, and on no other before or after."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from synapsor.approve.identity.keys import create_key
from synapsor.approve.identity.operators import add_operator
from synapsor.core.login import spoken_by
from synapsor.core.records import from_body
from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator, Reveal, SignedLogin
from tests.attack.desk import Hall, approval, hall, refusals
from tests.attack.people import CARD, MAIL, POLICY, people_table
from tests.attack.shop import Shop, open_shop
from tests.databases import load_sqlite
from tests.projects import ACME

CONTACT = {"person": "P-1", "address": "ada@new.example", "number": "5555666677778888"}


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Hall]:
    database = load_sqlite(tmp_path / "billing.db")
    with people_table(database):
        async with open_shop(tmp_path / "project", database, policy=POLICY) as shop:
            for name in ("mia", str(ACME.values["user"])):
                key = shop.files.keys[name] = create_key(shop.files.root / "keys" / f"{name}.pem", passphrase=None)
                one = Operator(name=name, key=public_text(key), roles=("billing_lead",))
                shop.files.operators = add_operator(shop.files.root / "operators.yaml", one)
            async with hall(shop) as found:
                yield found


async def contact(desk: Hall) -> tuple[str, str]:
    """Return handle and digest of a proposal that changes two hidden values."""
    proposal = await desk.shop.proposed("people.propose_contact", CONTACT)
    return proposal["id"], proposal["digest"]


def looks(shop: Shop) -> list[dict[str, Any]]:
    """Return every look and refusal of one that is on record."""
    with closing(sqlite3.connect(shop.ledger_path)) as raw:
        return [json.loads(body) for (body,) in raw.execute("SELECT body FROM reveal ORDER BY seq")]


def tells(answered: httpx2.Response) -> tuple[bool, bool]:
    """Tell whether an answer has the hidden values in it, whatever part of it."""
    whole = f"{answered.headers} {answered.text}"
    return MAIL in whole, CARD in whole


def form(word: str, digest: str) -> dict[str, str]:
    return {"csrf": word, "digest": digest}


@pytest.mark.requirement("console:reveals", "hidden:reveal-on-record", "console:decides-what-was-shown")
async def test_who_may_decide_reveals_what_would_be_replaced_on_record_and_decides_on_it(desk: Hall) -> None:
    proposal, digest = await contact(desk)
    page = f"/proposals/{proposal}"
    async with desk.client() as client:
        word = await desk.login(client)
        looked = await client.get(page)
        assert (tells(looked), "Reveal hidden values" in looked.text) == ((False, False), True)
        assert f"{page}/approve" not in looked.text
        early = await client.post(f"{page}/approve", data=approval(word, digest))
        assert (early.status_code, "covered" in early.text, looks(desk.shop)) == (409, True, [])
        shown = await client.post(f"{page}/reveal", data=form(word, digest))
        assert (shown.status_code, tells(shown), shown.headers["cache-control"]) == (200, (True, True), "no-store")
        (look,) = looks(desk.shop)
        told = from_body(Reveal, look["reveal"])
        assert (told.subject, told.operator, told.column, told.reason) == (proposal, "leo", "card, email", "to decide")
        login = from_body(SignedLogin, look["login"])
        assert spoken_by(told, look["signature"], login, desk.shop.project.deciders())
        assert MAIL not in json.dumps(look)
        for path in (page, f"{page}/reveal", "/", "/history", "/people", f"/history?q={proposal}", f"{page}/edit"):
            assert tells(await client.get(path)) == (False, False), path
        # Whoever has something to mend sees the values again, and that is another look.
        again = await client.post(f"{page}/approve", data={**approval(word, digest), "seen": ""})
        assert (again.status_code, tells(again), len(looks(desk.shop))) == (422, (True, True), 2)
        done = await client.post(f"{page}/approve", data=approval(word, digest))
        assert (done.status_code, done.headers["location"], tells(done)) == (303, "/", (False, False))
    assert await desk.shop.work() == [("applied", "")]
    assert desk.shop.rows("SELECT email, card FROM {people} WHERE id = 'P-1'") == [
        ("ada@new.example", CONTACT["number"])
    ]
    await desk.shop.ledger.verify()


@pytest.mark.requirement("console:reveals", "hidden:reveal-on-record", "console:same-origin")
async def test_whoever_may_not_decide_sent_no_form_of_their_session_or_saw_another_digest_sees_nothing(
    desk: Hall, caplog: pytest.LogCaptureFixture
) -> None:
    proposal, digest = await contact(desk)
    page, asker = f"/proposals/{proposal}/reveal", str(ACME.values["user"])
    async with desk.client() as leo, desk.client() as rita, desk.client() as own, desk.client() as nobody:
        word, foreign, others = await desk.login(leo), await desk.login(rita, "rita"), await desk.login(own, asker)
        for client, fields, status, rule in (
            (leo, form("", digest), 403, "form_foreign"),
            (leo, form(foreign, digest), 403, "form_foreign"),
            (leo, form(word, "sha256:" + "0" * 64), 403, "not the one that was shown"),
            (leo, form(word, ""), 403, "not the one that was shown"),
            (rita, form(foreign, digest), 403, "role_missing"),
            (own, form(others, digest), 403, "own_request"),
        ):
            answered = await client.post(page, data=fields)
            assert (answered.status_code, rule in answered.text, tells(answered)) == (status, True, (False, False))
        evil = await leo.post(page, data=form(word, digest), headers={"origin": "https://evil.example"})
        assert (evil.status_code, tells(evil)) == (403, (False, False))
        assert (await nobody.post(page, data=form(word, digest))).headers["location"].startswith("/login?")
        # A link reveals nothing.
        linked = await leo.get(f"{page}?csrf={word}&digest={digest}")
        assert (linked.status_code, linked.headers["location"]) == (303, f"/proposals/{proposal}")
        assert [look["outcome"] for look in looks(desk.shop)] == []
        assert "Reveal hidden values" not in (await rita.get(f"/proposals/{proposal}")).text
    assert MAIL not in caplog.text
    assert refusals(desk.shop, proposal) == [
        ("leo", "not_what_was_shown"),
        ("leo", "not_what_was_shown"),
        ("rita", "role_missing"),
        (asker, "own_request"),
    ]


@pytest.mark.requirement("console:reveals", "console:decides-what-was-shown")
async def test_a_look_of_one_session_or_person_is_no_look_of_another_and_none_is_needed_to_reject(desk: Hall) -> None:
    proposal, digest = await contact(desk)
    page = f"/proposals/{proposal}"
    async with desk.client() as leo, desk.client() as same, desk.client() as mia:
        words = [await desk.login(one, who) for one, who in ((leo, "leo"), (same, "leo"), (mia, "mia"))]
        assert tells(await leo.post(f"{page}/reveal", data=form(words[0], digest))) == (True, True)
        for client, word in ((same, words[1]), (mia, words[2])):
            answered = await client.post(f"{page}/approve", data=approval(word, digest))
            assert (answered.status_code, "covered" in answered.text) == (409, True)
        together = {"csrf": words[0], "seen": "yes", "pick": f"{proposal} {digest}"}
        answered = await leo.post("/batch/approve", data=together)
        assert ("0 of 1 approved" in answered.text, tells(answered)) == (True, (False, False))
        answered = await mia.post(f"{page}/reject", data={"csrf": words[2], "digest": digest, "reason": "No."})
        assert answered.status_code == 303
        late = await leo.post(f"{page}/reveal", data=form(words[0], digest))
        assert (late.status_code, "already_decided" in late.text, tells(late)) == (409, True, (False, False))
    assert [look["operator"] for look in looks(desk.shop)] == ["leo"]


@pytest.mark.requirement("console:reveals")
async def test_there_is_nothing_to_reveal_where_no_hidden_value_is_changed(desk: Hall) -> None:
    proposal = await desk.shop.proposed("people.propose_note", {"person": "P-1", "words": "A note."})
    async with desk.client() as client:
        word = await desk.login(client)
        answered = await client.post(f"/proposals/{proposal['id']}/reveal", data=form(word, proposal["digest"]))
        assert (answered.status_code, tells(answered), looks(desk.shop)) == (400, (False, False), [])
