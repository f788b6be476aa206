"""Editing and extending in the browser: within the contract, over the digest that was shown, and for somebody else to decide on."""

import asyncio
import datetime as dt
import html
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from synapsor.approve.console.edit import MOST_BYTES
from synapsor.approve.identity.keys import create_key
from synapsor.approve.identity.operators import add_operator
from synapsor.core.proposal import Status
from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator
from tests.attack.credits import POLICY
from tests.attack.desk import Hall, approval, hall, refusals
from tests.attack.forms import form_of, placeless
from tests.attack.undoing import ADJUST, open_credits
from tests.databases import load_sqlite
from tests.projects import ACME, leo_approves

BOUNDED = (
    POLICY.replace("note: {type: text, max_length: 200}", "note: {type: text, max_length: 90000}")
    .replace(
        "bounds: {points: {change: {at_least: 1}}}",
        "bounds: {points: {change: {at_least: 1}}, amount: {after: {at_least: 0}}}",
    )
    .replace(
        "note: {type: string, max_length: 200}}\n    where: {book: $book, number: $number}\n    set: {amount: {subtract",
        "note: {type: string, max_length: 90000}}\n    where: {book: $book, number: $number}\n    set: {amount: {subtract",
    )
)
WHY = "The customer agreed to less."
HOSTILE = "</textarea><script>owned()</script>\u202eevil\u2066 C:\\temp\r\nsecond\tline"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self._now = dt.datetime.now(dt.UTC)

    def now(self) -> dt.datetime:
        return self._now

    def later(self, **span: int) -> None:
        self._now += dt.timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def desk(tmp_path: Path, clock: Clock) -> AsyncIterator[Hall]:
    database = load_sqlite(tmp_path / "billing.db")
    async with open_credits(tmp_path / "project", database, BOUNDED, clock=clock) as shop, hall(shop) as found:
        yield found


async def asked(desk: Hall, **other: Any) -> str:
    """Return the handle of a proposal that waits."""
    return str((await desk.shop.proposed("credits.adjust", {**ADJUST, **other}))["id"])


async def form(client: httpx2.AsyncClient, proposal: str, kind: str = "edit") -> dict[str, str]:
    """Return the form of a page as it stands there, with a reason in it."""
    page = await client.get(f"/proposals/{proposal}/{kind}")
    assert page.status_code == 200, page.text
    return {**form_of(page.text, f"/proposals/{proposal}/{kind}"), "reason": WHY}


async def sent(
    desk: Hall, client: httpx2.AsyncClient, proposal: str, fields: Mapping[str, str], kind: str = "edit"
) -> httpx2.Response:
    """Send a form, and return the answer when the source's connection is at rest."""
    answered = await client.post(f"/proposals/{proposal}/{kind}", data=dict(fields))
    await desk.shop.project.reader("shop")._pool.tidied()  # type: ignore[attr-defined]  # no event tells
    return answered


async def filed(desk: Hall) -> list[str]:
    return [record.proposal.id for record in await desk.shop.ledger.inbox(status=None, limit=100)]


@pytest.mark.requirement("console:edits", "acting:one-opening")
async def test_a_question_an_edit_and_more_time_are_offered_to_those_who_may(desk: Hall) -> None:
    proposal = await asked(desk)
    offered = ('id="ask"', f'/proposals/{proposal}/edit"', f'/proposals/{proposal}/extend"')
    for who, may in (("leo", True), ("rita", False), (None, False)):
        async with desk.client() as client:
            if who is not None:
                await desk.login(client, who)
            page = (await client.get(f"/proposals/{proposal}")).text
            assert [each in page for each in offered] == [may] * 3


@pytest.mark.requirement("console:edits", "amend:people-decide")
async def test_an_edit_of_a_page_takes_the_place_of_a_proposal_and_its_editor_does_not_decide_on_it(desk: Hall) -> None:
    proposal = await asked(desk)
    async with desk.client() as leo, desk.client() as mia:
        await desk.login(leo)
        word = await desk.login(mia, "mia")
        fields = await form(leo, proposal)
        assert (fields["arg.book"], fields["arg.number"], fields["arg.less"]) == ("a", "1", "3.10")
        answered = await sent(desk, leo, proposal, {**fields, "arg.less": "2.10", "arg.note": "Line one.\r\nTwo."})
        assert answered.status_code == 303
        new = answered.headers["location"].removeprefix("/proposals/")
        record = await desk.shop.record(new)
        assert record.proposal.arguments == {"book": "a", "number": 1, "less": "2.10", "note": "Line one.\nTwo."}
        amends = record.proposal.amends
        assert amends is not None
        assert (amends.kind, amends.operator, amends.reason, amends.arguments) == ("edit", "leo", WHY, ("less", "note"))
        assert amends.login is not None
        assert (await desk.shop.status(proposal), await desk.shop.status(new)) == ("superseded", "review_required")
        page = (await leo.get(answered.headers["location"])).text
        assert f"has taken the place of {proposal}" in page
        assert "Nobody decides on what they have edited." in page
        old = placeless((await leo.get(f"/proposals/{proposal}")).text)
        assert f'<a href="/proposals/{new}"><bdi>{new}</bdi></a> has taken its place' in old
        assert 'action="/proposals/' not in old
        own = approval(word_in(page), record.proposal.digest)
        refused = await leo.post(f"/proposals/{new}/approve", data=own)
        assert (refused.status_code, "own_edit" in refused.text) == (403, True)
        approved = await mia.post(f"/proposals/{new}/approve", data=approval(word, record.proposal.digest))
        assert approved.status_code == 303
    assert await desk.shop.work() == [("applied", "")]
    assert desk.shop.rows("SELECT amount FROM {credits} WHERE tenant_id = 'acme' AND book = 'a' AND number = 1") == [
        ("8.00",)
    ]


def word_in(page: str) -> str:
    """Return the word of the session's forms, wherever on the page it stands."""
    return html.unescape(page.split('name="csrf" value="')[1].split('"', maxsplit=1)[0])


@pytest.mark.requirement("console:edits", "amend:bounded")
async def test_what_the_contract_refuses_is_told_at_the_argument_that_it_is_about_and_files_nothing(desk: Hall) -> None:
    proposal = await asked(desk)
    before = await filed(desk)
    async with desk.client() as client:
        await desk.login(client)
        fields = await form(client, proposal)
        for change, about, code, words in (
            ({"arg.number": "one"}, "number", "invalid_arguments", "must be a whole number"),
            ({"arg.number": "1.0"}, "number", "invalid_arguments", "must be a whole number"),
            ({"arg.number": "9" * 5000}, "number", "invalid_arguments", "must be a whole number"),
            ({"arg.number": "true"}, "number", "invalid_arguments", "must be a whole number"),
            ({"arg.book": "b" * 21}, "book", "invalid_arguments", "must be at most 20 characters long"),
            ({"arg.note": "a\0b"}, "note", "invalid_arguments", "must not hold a NUL character"),
            ({"arg.less": "1.005"}, "less", "invalid_arguments", "less"),
            ({"arg.less": "50"}, "less", "out_of_bounds", "amount (after): after the change at least 0"),
            ({"arg.other": "1"}, None, "invalid_arguments", "other is not an argument of this capability."),
            ({"arg.number": "2", "arg.less": "0.01"}, None, "other_rows", "It would be about other rows"),
            ({}, None, "nothing_edited", "These are the arguments that it has already."),
            ({"reason": " "}, None, "", "reason"),
        ):
            answered = await sent(desk, client, proposal, {**fields, **change})
            assert (answered.status_code, f"<code>{code}</code>" in answered.text) == (422, bool(code)), change
            marked = [part.split('"')[0] for part in answered.text.split('class="wrong-words">')[1:]]
            assert [one.split(":")[0] for one in marked] == ([about] if about else []), change
            assert words in html.unescape(answered.text)
            assert "input schema" not in answered.text, "that is said to an agent"
            # What was sent stands in the form again.
            again = form_of(answered.text, f"/proposals/{proposal}/edit")
            kept = {name: value for name, value in change.items() if "\0" not in value and name != "arg.other"}
            assert {name: again[name] for name in kept} == kept
    assert await filed(desk) == before
    assert await desk.shop.status(proposal) == "review_required"
    rules = [rule for who, rule in refusals(desk.shop, proposal) if who == "leo"]
    assert rules == [*["invalid_arguments"] * 7, "out_of_bounds", "invalid_arguments", "other_rows", "nothing_edited"]


@pytest.mark.requirement("console:edits", "console:same-origin", "amend:by-whom", "amend:refusals-recorded")
@pytest.mark.parametrize("kind", ["edit", "extend"])
async def test_a_form_that_is_not_of_this_session_page_or_person_files_nothing(desk: Hall, kind: str) -> None:
    shop = desk.shop
    key = create_key(shop.files.root / "keys" / "asker.pem", passphrase=None)
    asker = Operator(name=str(ACME.values["user"]), key=public_text(key), roles=("billing_lead",))
    shop.files.operators = add_operator(shop.files.root / "operators.yaml", asker)
    shop.files.keys[asker.name] = key
    proposal, other = await asked(desk), await asked(desk, number=2, less="0.01")
    before = await filed(desk)
    async with desk.client() as leo, desk.client() as rita, desk.client() as own, desk.client() as nobody:
        await desk.login(leo)
        words = {"rita": await desk.login(rita, "rita"), "own": await desk.login(own, asker.name)}
        fields = {**await form(leo, proposal, kind), "arg.less": "2.00"}
        for change in ({"csrf": ""}, {"csrf": words["rita"]}, {"csrf": fields["csrf"][:-1]}):
            answered = await sent(desk, leo, proposal, {**fields, **change}, kind)
            assert (answered.status_code, "form_foreign" in answered.text) == (403, True)
        elsewhere = await leo.post(
            f"/proposals/{proposal}/{kind}", data=fields, headers={"origin": "https://evil.example"}
        )
        assert elsewhere.status_code == 403
        for digest in ("", "sha256:" + "0" * 64, (await shop.record(other)).proposal.digest):
            answered = await sent(desk, leo, proposal, {**fields, "digest": digest}, kind)
            assert (answered.status_code, "not the one that was shown" in answered.text) == (403, True)
        for client, word, rule in ((rita, words["rita"], "role_missing"), (own, words["own"], "own_request")):
            answered = await sent(desk, client, proposal, {**fields, "csrf": word}, kind)
            assert (answered.status_code, rule in answered.text) == (403, True)
            looked = await client.get(f"/proposals/{proposal}/{kind}")
            assert (looked.status_code, rule in looked.text, "<form class" in looked.text) == (403, True, False)
            assert f"/{kind}" not in (await client.get(f"/proposals/{proposal}")).text
        assert (
            (await nobody.post(f"/proposals/{proposal}/{kind}", data=fields)).headers["location"].startswith("/login?")
        )
    assert await filed(desk) == before
    assert refusals(shop, proposal) == [
        *[("leo", "not_what_was_shown")] * 3,
        ("rita", "role_missing"),
        (asker.name, "own_request"),
    ]


@pytest.mark.requirement("console:edits", "amend:superseded")
@pytest.mark.parametrize("kind", ["edit", "extend"])
async def test_what_is_decided_or_expired_is_neither_edited_nor_extended(desk: Hall, clock: Clock, kind: str) -> None:
    shop = desk.shop
    decided, expired = await asked(desk), await asked(desk, number=2, less="0.01")
    async with desk.client() as client:
        await desk.login(client)
        first, second = [{**await form(client, proposal, kind), "arg.less": "0.01"} for proposal in (decided, expired)]
        await leo_approves(shop.files, shop.project, decided, first["digest"])
        answered = await sent(desk, client, decided, first, kind)
        assert (answered.status_code, "already_decided" in answered.text) == (409, True)
        assert (await client.get(f"/proposals/{decided}/{kind}")).status_code == 409
    clock.later(days=8)
    before = await filed(desk)
    async with desk.client() as client:
        word = await desk.login(client)
        answered = await sent(desk, client, expired, {**second, "csrf": word}, kind)
        assert (answered.status_code, "expired" in answered.text) == (409, True)
        assert (await client.get(f"/proposals/{expired}/{kind}")).status_code == 409
        assert f"/{kind}" not in (await client.get(f"/proposals/{expired}")).text
    assert await filed(desk) == before


@pytest.mark.requirement("console:edits", "amend:superseded")
async def test_of_two_editors_at_once_one_takes_its_place_and_the_other_is_told(desk: Hall) -> None:
    proposal = await asked(desk)
    async with desk.client() as leo, desk.client() as mia:
        await desk.login(leo)
        await desk.login(mia, "mia")
        forms = [{**await form(one, proposal), "arg.less": less} for one, less in ((leo, "1.00"), (mia, "2.00"))]
        answers = await asyncio.gather(*(sent(desk, c, proposal, f) for c, f in zip((leo, mia), forms, strict=True)))
    assert sorted(one.status_code for one in answers) == [303, 409]
    assert "already_decided" in next(one for one in answers if one.status_code == 409).text
    waiting = [r.proposal for r in await desk.shop.ledger.inbox(status=Status.REVIEW_REQUIRED, limit=10)]
    assert [one.amends.proposal for one in waiting if one.amends] == [proposal]


@pytest.mark.requirement("console:edits", "console:hostile-content")
async def test_hostile_text_is_text_in_a_field_and_what_nobody_changed_stays_exactly_what_it_was(desk: Hall) -> None:
    proposal = await asked(desk, note=HOSTILE)
    async with desk.client() as client:
        await desk.login(client)
        page = (await client.get(f"/proposals/{proposal}/edit")).text
        assert "<script>owned" not in page
        assert not set("\u202e\u2066") & set(page)
        assert "It holds characters that do not show" in page
        fields = await form(client, proposal)
        assert fields["arg.note"] == (
            "</textarea><script>owned()</script>\\u202eevil\\u2066 C:\\\\temp\\r\r\nsecond\\tline"
        )
        first = await sent(desk, client, proposal, {**fields, "arg.less": "2.00"})
        new = first.headers["location"].removeprefix("/proposals/")
        assert (await desk.shop.record(new)).proposal.arguments["note"] == HOSTILE
        # Once it is changed, what stood in the field is what is filed.
        fields = await form(client, new)
        second = await sent(desk, client, new, {**fields, "arg.note": fields["arg.note"] + "!"})
        newer = second.headers["location"].removeprefix("/proposals/")
        assert (await desk.shop.record(newer)).proposal.arguments["note"] == fields["arg.note"].replace(
            "\r\n", "\n"
        ) + "!"


@pytest.mark.requirement("console:edits")
async def test_items_and_long_arguments_are_json_in_a_form_and_too_large_ones_are_for_a_terminal(desk: Hall) -> None:
    items = [{"number": 5, "amount": "1.00"}, {"number": 6, "amount": "2.\u200b00"[:1] + ".00"}]
    proposal = str((await desk.shop.proposed("credits.add_all", {"list": items}))["id"])
    large = await asked(desk, number=2, less="0.01", note="x" * MOST_BYTES)
    async with desk.client() as client:
        await desk.login(client)
        fields = await form(client, proposal)
        text = fields["arg.list"].replace('"1.00"', '"1.50"')
        answered = await sent(desk, client, proposal, {**fields, "arg.list": text})
        new = answered.headers["location"].removeprefix("/proposals/")
        assert (await desk.shop.record(new)).proposal.arguments == {
            "list": [{"number": 5, "amount": "1.50"}, {"number": 6, "amount": "2.00"}]
        }
        refused = await client.get(f"/proposals/{large}/edit")
        assert (refused.status_code, f"synapsor edit {large}" in refused.text) == (409, True)


@pytest.mark.requirement("console:extends", "amend:anew")
async def test_more_time_is_the_same_change_in_a_new_proposal_that_its_giver_may_approve(
    desk: Hall, clock: Clock
) -> None:
    proposal = await asked(desk)
    old = (await desk.shop.record(proposal)).proposal
    clock.later(hours=1)
    async with desk.client() as client:
        word = await desk.login(client)
        fields = await form(client, proposal, "extend")
        missing = await sent(desk, client, proposal, {**fields, "reason": ""}, "extend")
        assert (missing.status_code, await desk.shop.status(proposal)) == (422, "review_required")
        # Whatever else a form says, an extension changes no argument.
        answered = await sent(desk, client, proposal, {**fields, "arg.less": "9.00"}, "extend")
        new = (await desk.shop.record(answered.headers["location"].removeprefix("/proposals/"))).proposal
        assert (new.arguments, new.expires_at > old.expires_at) == (old.arguments, True)
        assert new.amends is not None
        assert (new.amends.kind, new.amends.editors) == ("extend", ())
        approved = await client.post(f"/proposals/{new.id}/approve", data=approval(word, new.digest))
        assert approved.status_code == 303
    assert await desk.shop.status(new.id) == "approved"
