"""Automatic approval, stopped and started in the console: the same signed act as at a terminal, and nothing by a page that is not as it was."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor.core.review import switch_holds
from synapsor.core.signatures import public_text
from synapsor.core.statements import Identity, SignedLogin, SignedSwitch, SwitchState, sign
from synapsor.core.trust import ProgramKey
from synapsor.flow.refused import POLICIES
from synapsor.flow.signing import SessionKey, Signer, vouched_login
from synapsor.flow.switched import switched
from synapsor.flow.throw import switch, throw
from tests.attack.desk import Hall, hall, refusals
from tests.attack.forms import form_of
from tests.attack.shop import Shop, open_shop
from tests.attack.steered import person, revoke
from tests.attack.test_console_steering import send, session
from tests.databases import load_sqlite

pytestmark = pytest.mark.asyncio
STEWARD = "policy_steward"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Hall]:
    async with open_shop(tmp_path / "project", load_sqlite(tmp_path / "billing.db")) as shop, hall(shop) as found:
        person(shop, "rosa", STEWARD)
        yield found


async def thrown(shop: Shop, state: SwitchState, *, by: Signer | None = None) -> SignedSwitch:
    """Let a person stop automatic approval, or start it."""
    signer = by or person(shop, "rosa", STEWARD)
    now, operators = shop.project.clock.now(), shop.project.operators()
    return await throw(shop.ledger, switch(state), signer=signer, operators=operators, now=now, reason="so")


async def stands(shop: Shop) -> tuple[bool, str]:
    found = await switched(shop.ledger, shop.project.operators())
    return found.stopped, found.because


@pytest.mark.requirement("console:switch")
async def test_automatic_approval_is_stopped_and_started_as_somebody_signs_in_the_console(desk: Hall) -> None:
    shop = desk.shop
    assert await stands(shop) == (False, "")
    async with desk.client() as client:
        await desk.login(client, "rosa")
        assert (await send(client, "/worker", "/worker/stop", reason="too many")).status_code == 303
        page = (await client.get("/worker")).text
        assert "Stopped by <bdi>rosa</bdi>" in page
        assert "too many" in page
        newest = await shop.ledger.policies.switch()
        assert newest is not None
        assert (newest.switch.role, newest.login is not None) == (STEWARD, True)
        assert await stands(shop) == (True, "")
        assert (await send(client, "/worker", "/worker/start")).status_code == 303
        assert "Started by <bdi>rosa</bdi>" in (await client.get("/worker")).text
    assert await stands(shop) == (False, "")
    assert (await shop.ledger.verify()).first_bad is None


@pytest.mark.requirement("console:switch")
async def test_who_is_no_steward_has_no_form_for_it_and_is_refused_on_record(desk: Hall) -> None:
    async with desk.client() as rosa, desk.client() as leo:
        await desk.login(rosa, "rosa")
        await desk.login(leo, "leo")
        page = (await leo.get("/worker")).text
        assert "You cannot stop or start it here" in page
        assert "/worker/stop" not in page
        fields = form_of((await rosa.get("/worker")).text, "/worker/stop")
        own = form_of((await leo.get("/ledger")).text, "/ledger/verify")
        answered = await leo.post("/worker/stop", data={**fields, "csrf": own["csrf"], "reason": "so"})
        assert "<code>role_missing</code>" in answered.text
        foreign = await leo.post("/worker/stop", data={**fields, "csrf": "x", "reason": "so"})
        assert "<code>form_foreign</code>" in foreign.text
    assert await stands(desk.shop) == (False, "")
    assert refusals(desk.shop, POLICIES) == [("leo", "role_missing")]


@pytest.mark.requirement("console:switch")
async def test_a_page_that_is_not_as_it_was_starts_nothing_that_somebody_has_stopped_since(desk: Hall) -> None:
    shop = desk.shop
    await thrown(shop, "stopped")
    async with desk.client() as client:
        await desk.login(client, "rosa")
        fields = form_of((await client.get("/worker")).text, "/worker/start")
        await thrown(shop, "running")
        await thrown(shop, "stopped", by=person(shop, "ines", STEWARD))
        answered = await client.post("/worker/start", data={**fields, "reason": "it is over"})
        assert (answered.status_code, "<code>other_switch</code>" in answered.text) == (409, True)
        assert "Stopped by <bdi>ines</bdi>" in (await client.get("/worker")).text
        del fields["switch"]
        assert (await client.post("/worker/start", data={**fields, "reason": "so"})).status_code != 303
    assert await stands(shop) == (True, "")
    assert refusals(shop, POLICIES) == [("rosa", "other_switch")]


@pytest.mark.requirement("console:switch")
async def test_of_two_who_start_it_at_once_one_does_and_the_other_is_told_so(desk: Hall) -> None:
    shop = desk.shop
    await thrown(shop, "stopped")
    person(shop, "ines", STEWARD)

    async def start(client: httpx2.AsyncClient, form: dict[str, Any]) -> int:
        return (await client.post("/worker/start", data={**form, "reason": "so"})).status_code

    async with desk.client() as rosa, desk.client() as ines:
        await desk.login(rosa, "rosa")
        await desk.login(ines, "ines")
        forms = [form_of((await one.get("/worker")).text, "/worker/start") for one in (rosa, ines)]
        answered = await asyncio.gather(start(rosa, forms[0]), start(ines, forms[1]))
    assert sorted(answered) == [303, 409]
    assert await stands(shop) == (False, "")


@pytest.mark.requirement("console:switch", "policy:stop")
async def test_a_start_counts_by_a_login_that_holds_in_the_role_of_a_steward_and_while_its_person_is_trusted(
    desk: Hall,
) -> None:
    shop = desk.shop
    both = person(shop, "ida", "billing_lead", STEWARD)
    operators, held = shop.project.operators(), session(shop, "rosa", STEWARD)
    good = await thrown(shop, "running", by=held)
    assert switch_holds(good, operators, ledger=shop.ledger.id)
    login = good.login
    assert login is not None
    late = replace(login.login, expires_at=good.switch.at)
    others: list[SignedLogin | None] = [
        None,
        session(shop, "leo", "billing_lead").login,
        SignedLogin(login=late, signature=sign(late, shop.files.keys["rosa"])),
    ]
    for each in others:
        assert not switch_holds(replace(good, login=each), operators, ledger=shop.ledger.id)
    narrow = session(shop, "ida", "billing_lead")
    assert narrow.login is not None
    of_ida = replace(good.switch, operator="ida")
    signed = SignedSwitch(switch=of_ida, signature=sign(of_ida, narrow.key), login=narrow.login)
    assert not switch_holds(signed, operators, ledger=shop.ledger.id)
    other = replace(good.switch, role="billing_lead", operator="ida")
    assert not switch_holds(
        SignedSwitch(switch=other, signature=sign(other, both.key)), operators, ledger=shop.ledger.id
    )
    revoke(shop, "rosa")
    assert await stands(shop) == (True, "unproven")
    async with desk.client() as client:
        await desk.login(client, "leo")
        assert "Nobody who is trusted now has signed that it runs" in (await client.get("/worker")).text


@pytest.mark.requirement("console:switch", "policy:stop")
async def test_a_start_counts_while_who_vouched_for_the_login_is_trusted(desk: Hall) -> None:
    shop, key = desk.shop, Ed25519PrivateKey.generate()
    console = person(shop, "console", "login_voucher")
    rosa = replace(shop.files.operators["rosa"], login=Identity(issuer="https://id.example", subject="rosa-1"))
    operators = {**shop.project.operators(), "rosa": rosa}
    asked = SessionKey(key=public_text(key), ledger=shop.ledger.id, client="console", lasts=dt.timedelta(hours=1))
    now, program = shop.project.clock.now(), ProgramKey(operator=console.operator, key=console.key)
    login = vouched_login(rosa, asked, voucher=program, method="oidc", roles=rosa.roles, now=now)
    plain = (await thrown(shop, "running")).switch
    good = SignedSwitch(switch=plain, signature=sign(plain, key), login=login)
    assert switch_holds(good, operators, ledger=shop.ledger.id)
    gone = {**operators, "console": replace(operators["console"], revoked=True)}
    assert not switch_holds(good, gone, ledger=shop.ledger.id)
