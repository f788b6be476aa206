"""Steering the worker in the console: the same signatures, roles and refusals as at a terminal, and nothing by a page that is not as it was."""

import asyncio
import datetime as dt
import re
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor.core.signatures import public_text
from synapsor.core.statements import Identity, SignedLogin, SignedPause, sign
from synapsor.core.steering import pause_holds
from synapsor.core.trust import ProgramKey
from synapsor.errors import DecisionRefused
from synapsor.flow.refused import WORKER
from synapsor.flow.resting import resting
from synapsor.flow.signing import SessionKey, Signer, signed_login, vouched_login
from tests.attack.desk import Hall, hall, refusals
from tests.attack.doubts import in_doubt, leave_receipt
from tests.attack.forms import form_of, placeless
from tests.attack.shop import NOTE, WAIVER, Shop, open_shop
from tests.attack.steered import given_up, person, revoke, say, turn
from tests.attack.tasks import tasks_table
from tests.attack.test_groups import GROUPED, filed
from tests.databases import load_sqlite
from tests.deciding import approve
from tests.handlers.answering import Answering, said
from tests.handlers.serving import handled_shop

pytestmark = pytest.mark.asyncio


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Hall]:
    async with open_shop(tmp_path / "project", load_sqlite(tmp_path / "billing.db")) as shop, hall(shop) as found:
        person(shop)
        yield found


async def send(client: httpx2.AsyncClient, path: str, action: str, **filled: Any) -> httpx2.Response:
    """Fill in the form of a page as it is now, and send it."""
    fields = form_of((await client.get(path)).text, action)
    return await client.post(action, data={**fields, "reason": "so", **filled})


async def newest(shop: Shop, source: str = "shop") -> SignedPause:
    found = (await shop.ledger.steering.pauses([source]))[source]
    assert found is not None
    return found


@pytest.mark.requirement("console:pauses", "steer:rest-told")
async def test_a_source_rests_and_goes_on_as_somebody_signs_in_the_console(desk: Hall) -> None:
    proposal = await desk.shop.waiver()
    async with desk.client() as client:
        await desk.login(client, "opal")
        assert (await send(client, "/worker", "/worker/pause", source="")).status_code == 303
        page = (await client.get("/worker")).text
        assert "Paused by <bdi>opal</bdi>" in page
        assert "kept by a pause" in page
        record = await desk.shop.ledger.proposal(proposal)
        assert record is not None
        assert record.job is not None
        for way in (f"/worker/jobs/{record.job.id}", f"/worker/jobs/{proposal}", f"/proposals/{proposal}"):
            of_job = (await client.get(way)).text
            assert "Every source rests: no worker takes a new job of it." in of_job
            assert "Paused by <bdi>opal</bdi>" in of_job
            assert ">due<" not in of_job
        paused = await newest(desk.shop, "")
        assert (paused.pause.state, paused.pause.role, paused.login is not None) == (
            "paused",
            "writeback_operator",
            True,
        )
        assert await desk.shop.work() == []
        assert (await send(client, "/worker", "/worker/resume")).status_code == 303
    assert await desk.shop.work() == [("applied", "")]
    assert await desk.shop.status(proposal) == "applied"
    assert (await desk.shop.ledger.verify()).first_bad is None


@pytest.mark.requirement("console:pauses", "console:steers")
async def test_who_does_not_steer_the_worker_has_no_form_for_it_and_is_refused_on_record(desk: Hall) -> None:
    proposal = await given_up(desk.shop)
    job = (await desk.shop.record(proposal)).job
    assert job is not None
    async with desk.client() as client:
        word = await desk.login(client, "leo")
        page = (await client.get("/worker")).text
        assert ("/worker/pause" in page, "You cannot pause or resume here" in page) == (False, True)
        page = (await client.get(f"/worker/jobs/{job.id}")).text
        assert [verb in page for verb in ("/requeue", "/discard", "/cancel")] == [False, False, True]
        sent = {"csrf": word, "source": "shop", "reason": "so", "digest": (await desk.shop.record(proposal)).shown}
        for path in ("/worker/pause", f"/worker/jobs/{job.id}/requeue", f"/worker/jobs/{job.id}/discard"):
            answered = await client.post(path, data=sent)
            assert (answered.status_code, "<code>role_missing</code>" in answered.text) == (403, True), path
    assert refusals(desk.shop, WORKER) == [("leo", "role_missing")]
    assert refusals(desk.shop, proposal) == [("leo", "role_missing")] * 2
    assert (await desk.shop.ledger.steering.pauses(["shop"]))["shop"] is None
    assert (await desk.shop.record(proposal)).instructions == ()


PATHS = (
    "/worker/pause",
    "/worker/resume",
    "/worker/jobs/{job}/requeue",
    "/worker/jobs/{job}/discard",
    "/worker/jobs/{job}/cancel",
    "/worker/unknown/{proposal}/resolve",
    "/proposals/{proposal}/cancel",
    "/proposals/{proposal}/measure",
)


@pytest.mark.requirement("console:steers", "console:same-origin", "console:login-needed")
async def test_no_form_of_theirs_is_taken_without_a_session_its_word_or_its_origin(desk: Hall) -> None:
    proposal = await given_up(desk.shop)
    record = await desk.shop.record(proposal)
    assert record.job is not None
    paths = [path.format(job=record.job.id, proposal=proposal) for path in PATHS]
    sent = {"source": "shop", "reason": "so", "digest": record.shown, "verdict": "applied", "seen": "yes"}
    async with desk.client() as client:
        for path in paths:
            answered = await client.post(path, data={**sent, "csrf": "x"})
            assert (answered.status_code, answered.headers["location"].partition("?")[0]) == (303, "/login"), path
        word = await desk.login(client, "opal")
        head = await desk.shop.ledger.head()
        for path in paths:
            answered = await client.post(path, data={**sent, "csrf": word}, headers={"origin": "https://evil.example"})
            assert answered.status_code == 403, path
        assert await desk.shop.ledger.head() == head
        for path in paths:
            answered = await client.post(path, data={**sent, "csrf": "x"})
            assert "<code>form_foreign</code>" in answered.text, path
    assert (await desk.shop.ledger.steering.pauses(["shop"]))["shop"] is None
    assert (await desk.shop.record(proposal)).instructions == ()


@pytest.mark.requirement("console:pauses")
async def test_who_is_revoked_while_they_type_pauses_nothing_and_what_they_let_go_on_rests_again(desk: Hall) -> None:
    async with desk.client() as client, desk.client() as other:
        await desk.login(client, "opal")
        await send(client, "/worker", "/worker/pause", source="shop")
        await send(client, "/worker", "/worker/resume", source="shop", pause=(await newest(desk.shop)).pause.id)
        assert [one.resting for one in await resting(desk.shop.ledger, ["shop"], desk.shop.project.operators())] == [
            False,
            False,
        ]
        fields = form_of((await client.get("/worker")).text, "/worker/pause")
        revoke(desk.shop, "opal")
        answered = await client.post("/worker/pause", data={**fields, "reason": "so"})
        assert (answered.status_code, answered.headers["location"].partition("?")[0]) == (303, "/login")
        _, shop = await resting(desk.shop.ledger, ["shop"], desk.shop.project.operators())
        assert (shop.resting, shop.because) == (True, "unproven")
        await desk.login(other, "leo")
        assert "Nobody who is trusted now has signed that it goes on" in (await other.get("/worker")).text


@pytest.mark.requirement("console:stale-pause")
async def test_a_page_that_is_not_as_it_was_lets_nothing_go_on_that_it_did_not_show(desk: Hall) -> None:
    await turn(desk.shop, "paused", source="")
    async with desk.client() as client:
        await desk.login(client, "opal")
        fields = form_of((await client.get("/worker")).text, "/worker/resume")
        await turn(desk.shop, "running", source="")
        await turn(desk.shop, "paused", source="", by=person(desk.shop, "ines"))
        answered = await client.post("/worker/resume", data={**fields, "reason": "it is over"})
        assert (answered.status_code, "<code>other_pause</code>" in answered.text) == (409, True)
        assert "nothing was changed" in answered.text
        assert ((await newest(desk.shop, "")).pause.state, (await newest(desk.shop, "")).pause.operator) == (
            "paused",
            "ines",
        )
        assert refusals(desk.shop, WORKER) == [("opal", "other_pause")]
        assert "Paused by <bdi>ines</bdi>" in (await client.get("/worker")).text


@pytest.mark.requirement("console:stale-pause")
async def test_of_two_who_let_it_go_on_at_once_one_does_and_the_other_is_told_so(desk: Hall) -> None:
    person(desk.shop, "ines")
    await turn(desk.shop, "paused", source="")
    async with desk.client() as opal, desk.client() as ines:
        await desk.login(opal, "opal")
        await desk.login(ines, "ines")
        forms = [form_of((await one.get("/worker")).text, "/worker/resume") for one in (opal, ines)]
        answered = await asyncio.gather(
            *(
                one.post("/worker/resume", data={**form, "reason": "so"})
                for one, form in zip((opal, ines), forms, strict=True)
            )
        )
    assert sorted(one.status_code for one in answered) == [303, 409]
    assert (await newest(desk.shop, "")).pause.state == "running"


@pytest.mark.requirement("console:pauses")
@pytest.mark.parametrize(
    ("changed", "message"),
    [({"source": "nowhere"}, "There is no such source."), ({"reason": " "}, "A pause, or its end, needs a reason.")],
)
async def test_a_form_that_is_not_whole_pauses_nothing(desk: Hall, changed: dict[str, str], message: str) -> None:
    async with desk.client() as client:
        word = await desk.login(client, "opal")
        answered = await send(client, "/worker", "/worker/pause", **changed)
        assert (answered.status_code in {400, 422}, message in answered.text, "--reason" in answered.text) == (
            True,
            True,
            False,
        )
        answered = await client.post("/worker/pause", data={"csrf": word, "reason": "so"})
        assert "There is no such source." in answered.text
    assert list((await desk.shop.ledger.steering.pauses(["shop"])).values()) == [None, None]


@pytest.mark.requirement("console:steers")
@pytest.mark.parametrize(
    ("verb", "end"),
    [
        ("requeue", ("applied", "")),
        ("discard", ("canceled", "discarded")),
    ],
)
async def test_a_job_that_was_given_up_is_tried_again_or_discarded_from_its_page(
    desk: Hall, verb: str, end: tuple[str, str]
) -> None:
    proposal = await given_up(desk.shop)
    async with desk.client() as client:
        await desk.login(client, "opal")
        page = (await client.get("/worker")).text
        found = re.search(r'href="[^"]*(/worker/jobs/job_\w+)"', page)
        assert found is not None
        assert "Given up" in page
        answered = await send(client, found[1], f"{found[1]}/{verb}", reason="the lock is gone")
        assert (answered.status_code, answered.headers["location"]) == (303, found[1])
        assert "the lock is gone" in (await client.get(found[1])).text
    said = (await desk.shop.record(proposal)).instructions[-1]
    assert (said.instruction.verb, said.instruction.role, said.login is not None) == (verb, "writeback_operator", True)
    assert await desk.shop.work() == [end]
    assert (await desk.shop.ledger.verify()).first_bad is None


@pytest.mark.requirement("console:steers")
async def test_what_is_approved_is_canceled_from_its_card_by_who_decides_on_it(desk: Hall) -> None:
    proposal = await desk.shop.waiver()
    async with desk.client() as client:
        await desk.login(client, "leo")
        path = f"/proposals/{proposal}"
        answered = await send(client, path, f"{path}/cancel", reason="")
        assert (answered.status_code, "A cancel needs a reason." in answered.text) == (422, True)
        answered = await send(client, path, f"{path}/cancel", digest="sha256:" + "0" * 64)
        assert (answered.status_code, "<code>not_what_was_shown</code>" in answered.text) == (403, True)
        assert (await desk.shop.record(proposal)).instructions == ()
        assert (await send(client, path, f"{path}/cancel", reason="It was paid.")).status_code == 303
        page = (await client.get(path)).text
        assert ("It is to be canceled when a worker comes to it." in page, f"{path}/cancel" in page) == (True, False)
    assert await desk.shop.work() == [("canceled", "canceled")]
    assert (await desk.shop.record(proposal)).instructions[0].instruction.role == "billing_lead"


@pytest.mark.requirement("console:steers")
async def test_a_card_of_before_cancels_nothing_that_is_done_and_says_so(desk: Hall) -> None:
    proposal = await desk.shop.waiver()
    path = f"/proposals/{proposal}"
    async with desk.client() as client:
        await desk.login(client, "leo")
        fields = form_of((await client.get(path)).text, f"{path}/cancel")
        assert await desk.shop.work() == [("applied", "")]
        answered = await client.post(f"{path}/cancel", data={**fields, "reason": "too late"})
        assert (answered.status_code, "<code>nothing_to_cancel</code>" in answered.text) == (409, True)
        assert "is applied" in answered.text
        assert f"{path}/cancel" not in (await client.get(path)).text


def session(shop: Shop, name: str, *roles: str) -> Signer:
    """Return a session of somebody that carries these roles of theirs and no others."""
    own, key = shop.files.operators[name], Ed25519PrivateKey.generate()
    asked = SessionKey(key=public_text(key), ledger=shop.ledger.id, client="console", lasts=dt.timedelta(hours=1))
    login = signed_login(replace(own, roles=roles), shop.files.keys[name], asked, now=shop.project.clock.now())
    return Signer(operator=own, key=key, login=login)


async def refused(doing: Awaitable[Any]) -> str:
    with pytest.raises(DecisionRefused) as found:
        await doing
    return str(found.value.rule)


@pytest.mark.requirement("steer:login")
async def test_a_login_steers_with_the_roles_that_it_carries_and_with_no_others(desk: Hall) -> None:
    shop = desk.shop
    person(shop, "ida", "billing_lead", "writeback_operator")
    dead = await given_up(shop)
    waits = await shop.waiver("INV-3002")
    decides, steers = session(shop, "ida", "billing_lead"), session(shop, "ida", "writeback_operator")
    assert await refused(turn(shop, "paused", by=decides)) == "role_missing"
    assert await refused(say(shop, "requeue", dead, by=decides)) == "role_missing"
    canceled = await say(shop, "cancel", waits, by=decides)
    assert canceled.instructions[0].instruction.role == "billing_lead"
    assert (await say(shop, "requeue", dead, by=steers)).instructions[0].instruction.role == "writeback_operator"
    assert sorted(await shop.work()) == [("applied", ""), ("canceled", "canceled")]
    assert (await shop.ledger.verify()).first_bad is None


@pytest.mark.requirement("steer:login")
async def test_an_end_of_a_pause_counts_by_a_login_that_holds_and_by_no_other(desk: Hall) -> None:
    shop = desk.shop
    operators = shop.project.operators()
    good = await turn(shop, "running", by=session(shop, "opal", "writeback_operator"))
    assert pause_holds(good, operators, ledger=shop.ledger.id)
    login = good.login
    assert login is not None
    other = session(shop, "leo", "billing_lead").login
    late = replace(login.login, expires_at=good.pause.at)
    forged = replace(login.login, key=shop.files.operators["leo"].key or "")
    wrong: list[SignedLogin | None] = [
        None,
        other,
        SignedLogin(login=late, signature=sign(late, shop.files.keys["opal"])),
        SignedLogin(login=forged, signature=login.signature),
    ]
    for each in wrong:
        assert not pause_holds(replace(good, login=each), operators, ledger=shop.ledger.id)
    trusted = {**operators, "opal": replace(operators["opal"], revoked=True)}
    assert not pause_holds(good, trusted, ledger=shop.ledger.id)


@pytest.mark.requirement("steer:login")
async def test_the_role_of_a_pause_is_that_of_who_steers_whatever_else_its_person_may(desk: Hall) -> None:
    shop = desk.shop
    ida = person(shop, "ida", "billing_lead", "writeback_operator")
    good = await turn(shop, "running", by=ida)
    other = replace(good.pause, role="billing_lead")
    signed = SignedPause(pause=other, signature=sign(other, ida.key))
    assert pause_holds(good, shop.project.operators(), ledger=shop.ledger.id)
    assert not pause_holds(signed, shop.project.operators(), ledger=shop.ledger.id)


@pytest.mark.requirement("steer:login")
async def test_an_end_of_a_pause_counts_while_who_vouched_for_the_login_is_trusted(desk: Hall) -> None:
    shop, key = desk.shop, Ed25519PrivateKey.generate()
    console = person(shop, "console", "login_voucher")
    opal = replace(shop.files.operators["opal"], login=Identity(issuer="https://id.example", subject="opal-1"))
    operators = {**shop.project.operators(), "opal": opal}
    asked = SessionKey(key=public_text(key), ledger=shop.ledger.id, client="console", lasts=dt.timedelta(hours=1))
    now, program = shop.project.clock.now(), ProgramKey(operator=console.operator, key=console.key)
    login = vouched_login(opal, asked, voucher=program, method="oidc", roles=opal.roles, now=now)
    plain = (await turn(shop, "running")).pause
    good = SignedPause(pause=plain, signature=sign(plain, key), login=login)
    assert pause_holds(good, operators, ledger=shop.ledger.id)
    revoked = {**operators, "console": replace(console.operator, revoked=True)}
    assert not pause_holds(good, revoked, ledger=shop.ledger.id)


async def unknown(shop: Shop, invoice: str = "INV-3001") -> str:
    return await in_doubt(shop, NOTE, {"invoice_id": invoice, "note": "Call back."})


@pytest.mark.requirement("console:resolves")
async def test_what_nobody_knows_is_shown_beside_what_was_approved_and_resolved_by_who_may(desk: Hall) -> None:
    proposal = await unknown(desk.shop)
    path = f"/worker/unknown/{proposal}"
    async with desk.client() as client:
        await desk.login(client, "leo")
        assert path in placeless((await client.get("/worker/unknown")).text)
        page = (await client.get(path)).text
        assert ("All in all: as before." in page, "Say that it was not applied" in page) == (True, True)
        assert re.search(r'data-label="As approved">.*?Call back\.', page, re.DOTALL)
        against = await send(client, path, f"{path}/resolve", verdict="applied", seen="yes")
        assert (against.status_code, "tick that you say so all the same" in against.text) == (422, True)
        assert await desk.shop.status(proposal) == "reconciliation_required"
        unticked = await send(client, path, f"{path}/resolve", verdict="not-applied")
        assert (unticked.status_code, "Tick that you have read it" in unticked.text) == (422, True)
        nothing = await send(client, path, f"{path}/resolve", seen="yes")
        assert (nothing.status_code, "Choose one of the two." in nothing.text) == (422, True)
        done = await send(client, path, f"{path}/resolve", verdict="not-applied", seen="yes", reason="The log says so.")
        assert (done.status_code, done.headers["location"]) == (303, f"/proposals/{proposal}")
        assert (await client.get(path)).status_code == 409
        assert "No proposal is of unknown outcome." in (await client.get("/worker/unknown")).text
    record = await desk.shop.record(proposal)
    assert (record.status.value, record.resolution is not None and record.resolution.login is not None) == (
        "failed",
        True,
    )
    assert ("leo", "contrary") in refusals(desk.shop, proposal)
    assert (await desk.shop.ledger.verify()).first_bad is None


@pytest.mark.requirement("console:resolves", "reconcile:given-up", "reconcile:advised")
async def test_what_an_application_carries_out_is_told_to_wait_until_it_is_given_up_unless_somebody_ticks_otherwise(
    tmp_path: Path,
) -> None:
    url = "http://127.0.0.1:9/synapsor"
    async with (
        handled_shop(tmp_path / "project", load_sqlite(tmp_path / "billing.db"), url) as shop,
        hall(shop) as desk,
    ):
        proposal = await shop.waiver()
        stands = {"app": Answering(said("conflict", "effect_stands"))}
        assert await shop.attempt(handlers=stands) == [("reconciliation_required", "effect_stands")]
        path = f"/worker/unknown/{proposal}"
        told = {"verdict": "not-applied", "seen": "yes", "reason": "It was taken back."}
        async with desk.client() as client:
            await desk.login(client, "leo")
            page = (await client.get(path)).text
            advised = "Say that it was not applied, only where it was taken back." in page
            assert ("That waits" in page, advised) == (False, True)
            done = await send(client, path, f"{path}/resolve", **told)
            assert (done.status_code, await shop.status(proposal)) == (303, "reconciliation_required")
            page = (await client.get(path)).text
            assert "That waits until a worker has asked the application app to give it up" in page
            done = await send(client, path, f"{path}/resolve", **told, unasked="yes")
            assert (done.status_code, await shop.status(proposal)) == (303, "failed")
        record = await shop.record(proposal)
        assert record.resolution is not None
        assert (record.resolution.resolution.unasked, record.resolution.login is not None) == (True, True)


@pytest.mark.requirement("console:resolves")
async def test_rows_that_change_between_the_page_and_its_form_are_shown_anew_and_nothing_is_signed(desk: Hall) -> None:
    proposal = await unknown(desk.shop)
    path = f"/worker/unknown/{proposal}"
    async with desk.client() as client:
        await desk.login(client, "leo")
        fields = form_of((await client.get(path)).text, f"{path}/resolve")
        desk.shop.change(
            "UPDATE {invoices} SET note = 'Meanwhile', row_version = row_version + 1 WHERE id = 'INV-3001'"
        )
        sent = {**fields, "verdict": "not-applied", "seen": "yes", "reason": "so", "contrary": "yes"}
        answered = await client.post(f"{path}/resolve", data=sent)
        assert (answered.status_code, "Look at them again" in answered.text) == (422, True)
        assert ("neither as before nor as approved" in answered.text, "Meanwhile" in answered.text) == (True, True)
        unseen = {name: value for name, value in sent.items() if name != "saw"}
        assert (await client.post(f"{path}/resolve", data=unseen)).status_code == 422
        assert await desk.shop.status(proposal) == "reconciliation_required"
        again = form_of(answered.text, f"{path}/resolve")
        assert (await client.post(f"{path}/resolve", data={**sent, **again})).status_code == 303


@pytest.mark.requirement("console:resolves")
async def test_who_may_not_say_what_became_of_it_looks_at_no_row_and_is_told_why(desk: Hall) -> None:
    proposal = await unknown(desk.shop)
    path = f"/worker/unknown/{proposal}"
    async with desk.client() as client:
        word = await desk.login(client, "opal")
        head = await desk.shop.ledger.head()
        page = (await client.get(path)).text
        assert ("You cannot say it here" in page, "All in all" in page, f"{path}/resolve" in page) == (
            True,
            False,
            False,
        )
        assert await desk.shop.ledger.head() == head
        shown = (await desk.shop.record(proposal)).shown
        sent = {"csrf": word, "digest": shown, "verdict": "not-applied", "seen": "yes", "reason": "so"}
        answered = await client.post(f"{path}/resolve", data=sent)
        assert (answered.status_code, "<code>role_missing</code>" in answered.text) == (403, True)
    assert (await desk.shop.record(proposal)).resolution is None


@pytest.mark.requirement("console:resolves")
async def test_who_may_not_say_it_of_a_whole_group_looks_at_no_row_of_it(tmp_path: Path) -> None:
    database = load_sqlite(tmp_path / "billing.db")
    head, told, tail = GROUPED.rpartition("returns: [id, title]\n    approval: {role: billing_lead}")
    policy = head + told.replace("billing_lead", "remover") + tail
    with tasks_table(database):
        async with open_shop(tmp_path / "project", database, policy=policy) as shop, hall(shop) as found:
            person(shop, "mia", "remover")
            for name, proposal in (await filed(shop)).items():
                who = "mia" if name == "tasks.remove" else "leo"
                signer = Signer(operator=shop.files.operators[who], key=shop.files.keys[who])
                record = await approve(
                    shop.ledger,
                    proposal["id"],
                    digest=proposal["digest"],
                    signer=signer,
                    now=shop.project.clock.now(),
                    mode="writeback",
                    operators=shop.files.operators,
                )
            leave_receipt(shop, record.together[0].proposal.id)
            assert await shop.work() == [("reconciliation_required", "receipt_of_another_digest")]
            before = await shop.ledger.head()
            async with found.client() as client:
                for who in ("leo", "mia"):
                    await found.login(client, who)
                    for one in record.together:
                        page = (await client.get(f"/worker/unknown/{one.proposal.id}")).text
                        assert ("You cannot say it here" in page, "All in all" in page) == (True, False)
            assert await shop.ledger.head() == before


@pytest.mark.requirement("console:measures")
async def test_a_change_is_measured_first_where_somebody_asks_for_that_on_its_card(desk: Hall) -> None:
    proposal = (await desk.shop.proposed(WAIVER, {"invoice_id": "INV-3001", "reason": "Paid."}))["id"]
    path = f"/proposals/{proposal}"
    async with desk.client() as client:
        await desk.login(client, "leo")
        fields = form_of((await client.get(path)).text, f"{path}/measure")
        assert (await client.post(f"{path}/measure", data=fields)).status_code == 303
        page = (await client.get(path)).text
        assert ("Not measured yet." in page, 'id="approve"' in page, 'id="measure"' in page) == (True, False, False)
        assert await desk.shop.work() == []
        page = (await client.get(path)).text
        assert ("What it was measured to do" in page, "Have it measured again" in page) == (True, True)
        assert 'id="approve"' in page
    request = (await desk.shop.record(proposal)).shadow_requests[0]
    assert (request.request.operator, request.login is not None) == ("leo", True)
