"""What must not get anybody past the console: other pages, other hosts, other people's cookies, forged logins and doctored forms."""

import asyncio
import base64
import datetime as dt
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pyotp
import pytest
import pytest_asyncio
import trustme

from synapsor.approve.console.guard import HEADERS, LIMITS
from synapsor.approve.console.sessions import MOST_OF_ONE
from synapsor.approve.console.visit import BY_ITSELF, own_path
from synapsor.core.records import to_body
from synapsor.core.statements import Login, SignedLogin, sign
from synapsor.errors import ConfigError
from synapsor.flow.amend import edit
from synapsor.flow.filing import Filing
from synapsor.flow.signing import Signer
from tests.attack.desk import BROWSER, Hall, approval, hall, word_of
from tests.attack.shop import NOTE, WAIVER, as_ledger_owner, open_shop
from tests.attack.test_forged_ledger import forge_decision
from tests.console import PAGES, PAPER, codes_of, policy
from tests.databases import load_sqlite


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Hall]:
    async with open_shop(tmp_path / "project", load_sqlite(tmp_path / "billing.db")) as shop, hall(shop) as found:
        yield found


async def a_note(desk: Hall, invoice: str = "INV-3001") -> tuple[str, str]:
    proposal = await desk.shop.proposed(NOTE, {"invoice_id": invoice, "note": "Call back."})
    return proposal["id"], proposal["digest"]


async def raw(desk: Hall, text: str) -> bytes:
    """Return the first line of the answer to exactly these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.port)
    try:
        writer.write(text.encode())
        return await asyncio.wait_for(reader.readline(), 60)
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.requirement("console:login-needed")
async def test_no_page_is_shown_and_nothing_is_done_without_a_session(desk: Hall) -> None:
    proposal, digest = await a_note(desk)
    async with desk.client() as client:
        for path in (*PAGES, f"/proposals/{proposal}"):
            answered = await client.get(path)
            assert (answered.status_code, answered.headers["location"].partition("?")[0]) == (303, "/login"), path
        assert (await client.get("/events")).status_code == 401
        for path in (
            f"/proposals/{proposal}/approve",
            f"/proposals/{proposal}/reject",
            "/batch/approve",
            "/ledger/verify",
        ):
            answered = await client.post(path, data=approval("x", digest))
            assert (answered.status_code, answered.headers["location"].partition("?")[0]) == (303, "/login"), path
    assert (await desk.shop.record(proposal)).decisions == ()


@pytest.mark.requirement("console:same-origin")
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://127.0.0.1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ],
    ids=str,
)
async def test_a_form_that_another_page_sends_is_refused_though_it_knows_everything(
    desk: Hall, headers: dict[str, str]
) -> None:
    proposal, digest = await a_note(desk)
    async with desk.client() as client:
        word = await desk.login(client)
        answered = await client.post(f"/proposals/{proposal}/approve", data=approval(word, digest), headers=headers)
    assert (answered.status_code, await desk.shop.status(proposal)) == (403, "review_required")


@pytest.mark.requirement("console:same-origin")
async def test_a_form_without_an_origin_or_without_the_word_of_its_session_is_refused(desk: Hall) -> None:
    proposal, digest = await a_note(desk)
    async with desk.client() as client, desk.client() as other:
        word, foreign = await desk.login(client), await desk.login(other, "rita")
        for form in (
            approval("", digest),
            approval(foreign, digest),
            approval(word[:-1], digest),
            {"digest": digest, "seen": "yes"},
        ):
            answered = await client.post(f"/proposals/{proposal}/approve", data=form)
            assert (answered.status_code, "form_foreign" in answered.text) == (403, True)
        twice = f"csrf={word}&csrf={word}&digest={digest}&seen=yes"
        kind = {"content-type": "application/x-www-form-urlencoded"}
        answered = await client.post(f"/proposals/{proposal}/approve", content=twice, headers=kind)
        assert answered.status_code == 403
        del client.headers["origin"]
        answered = await client.post(f"/proposals/{proposal}/approve", data=approval(word, digest))
        assert answered.status_code == 403
    assert await desk.shop.status(proposal) == "review_required"


@pytest.mark.requirement("console:host")
@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1:80x", "127.0.0.10", "", "localhost.", "0.0.0.0"]
)
async def test_a_foreign_host_is_refused_on_every_page(desk: Hall, host: str) -> None:
    for path in (*PAGES, "/login", "/static/console.css", "/healthz", "/events", "/login/challenge/ABCD-EFGH"):
        first = await raw(desk, f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
        assert first.split()[1] in {b"421", b"400"}, path


@pytest.mark.requirement("console:host")
async def test_doubled_headers_are_refused(desk: Hall) -> None:
    own = f"127.0.0.1:{desk.port}"
    for name, one, other in (
        ("Host", own, "evil.example"),
        ("Cookie", "synapsor-session=a", "synapsor-session=b"),
        ("Origin", f"http://{own}", "http://evil.example"),
    ):
        host = "" if name == "Host" else f"Host: {own}\r\n"
        text = f"POST /logout HTTP/1.1\r\n{host}{name}: {one}\r\n{name}: {other}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        assert (await raw(desk, text)).split()[1] == b"400", name


@pytest.mark.requirement("console:headers")
async def test_every_answer_has_the_headers_that_keep_a_page_to_itself(desk: Hall) -> None:
    proposal, _ = await a_note(desk)
    async with desk.client() as client:
        await desk.login(client)
        answers = [
            await client.get(path) for path in (*PAGES, f"/proposals/{proposal}", "/login", "/nothing", "/healthz")
        ]
        answers.append(await client.post("/logout", data={}))
        answers.append(await client.get("/", headers={"host": "evil.example"}))
    for answered in answers:
        told = {name: answered.headers.get(name) for name in HEADERS}
        assert told == dict(HEADERS), answered.url
        assert answered.headers["cache-control"] == "no-store", answered.url
        assert "server" not in answered.headers
    assert "'unsafe" not in HEADERS["content-security-policy"]


@pytest.mark.requirement("console:headers")
async def test_no_page_has_a_style_a_script_or_a_handler_of_its_own_or_names_anything_outside(desk: Hall) -> None:
    proposal, _ = await a_note(desk)
    async with desk.client() as client:
        await desk.login(client)
        for path in (*PAGES, f"/proposals/{proposal}", "/login"):
            text = (await client.get(path)).text
            assert re.findall(r"<style|style=|\son[a-z]+=|javascript:|<script(?! src=\"/static)", text) == [], path
            links = re.findall(r'(?:href|src|action)="([^"]*)"', text)
            assert [link for link in links if link and not link.startswith(("/", "#"))] == [], path


@pytest.mark.requirement("console:sessions")
async def test_a_cookie_of_another_browser_is_no_session_and_ends_the_real_one(desk: Hall) -> None:
    async with desk.client() as client, desk.client() as thief:
        await desk.login(client)
        thief.cookies, thief.base_url = client.cookies, client.base_url
        thief.headers["user-agent"] = BROWSER.replace("142", "141")
        assert (await thief.get("/history")).status_code == 303
        assert (await client.get("/history")).status_code == 303


@pytest.mark.requirement("console:sessions")
@pytest.mark.parametrize("cookie", ["", "x", "A" * 43, "../../etc", "%00", "a" * 4000])
async def test_a_made_up_cookie_is_nobody(desk: Hall, cookie: str) -> None:
    async with desk.client(cookie=f"synapsor-session={cookie}") as client:
        assert (await client.get("/history")).status_code == 303


@pytest.mark.requirement("console:sessions")
async def test_a_session_gets_a_new_cookie_at_its_login_whatever_was_there_before(desk: Hall) -> None:
    async with desk.client() as client:
        client.cookies.set("synapsor-session", "chosen-by-somebody-else", domain="127.0.0.1", path="/")
        await desk.login(client)
        assert (await client.get("/history")).status_code == 200
        await desk.login(client)
        values = [cookie.value for cookie in client.cookies.jar if cookie.name == "synapsor-session"]
        assert len(set(values)) == 3


@pytest.mark.requirement("console:sessions")
async def test_one_person_has_only_so_many_sessions_and_the_oldest_ends(desk: Hall) -> None:
    clients = [desk.client() for _ in range(MOST_OF_ONE + 1)]
    for client in clients:
        await desk.login(client)
    standing = [(await client.get("/history")).status_code for client in clients]
    assert standing == [303, *[200] * MOST_OF_ONE]
    for client in clients:
        await client.aclose()


@pytest.mark.requirement("console:sessions")
async def test_a_session_ends_when_it_is_not_used_and_in_any_case_with_its_login(tmp_path: Path) -> None:
    database = load_sqlite(tmp_path / "billing.db")
    clock = _Clock()
    async with (
        open_shop(tmp_path / "project", database, clock=clock) as shop,
        hall(shop, sessions={"idle_minutes": 10, "hours": 1}) as desk,
        desk.client() as client,
    ):
        await desk.login(client)
        for _ in range(5):
            clock.later(minutes=9)
            assert (await client.get("/settings")).status_code == 200
        clock.later(minutes=9)
        assert (
            await client.get("/", headers={BY_ITSELF: "yes"})
        ).status_code == 200  # a page that is open and nobody uses
        clock.later(minutes=1)
        assert (await client.get("/settings")).status_code == 303
        await desk.login(client)
        for _ in range(6):
            clock.later(minutes=9)
            assert (await client.get("/settings")).status_code == 200
        clock.later(minutes=6)
        assert (await client.get("/settings")).status_code == 303


@pytest.mark.requirement("login:clocks-apart")
@pytest.mark.parametrize("seconds", [-240, 1, 240])
async def test_who_logs_in_from_a_machine_whose_clock_differs_a_little_is_logged_in(desk: Hall, seconds: int) -> None:
    async with desk.client() as client:
        code = await desk.begin(client)
        there = desk.shop.project.clock.now() + dt.timedelta(seconds=seconds)
        assert (await desk.hand_over(code, await desk.sign(code, "leo", now=there))).status_code == 200
        entered = await client.get("/login/wait")
        assert (entered.status_code, entered.headers["location"]) == (303, "/")
        assert (await client.get("/settings")).status_code == 200


@pytest.mark.requirement("console:login-by-key")
async def test_a_login_that_is_not_signed_for_this_very_page_by_somebody_who_is_trusted_begins_nothing(
    desk: Hall,
) -> None:
    async with desk.client() as client, desk.client() as other:
        code, second = await desk.begin(client), await desk.begin(other)
        good = await desk.sign(code, "leo")
        key = desk.shop.files.keys["leo"]

        def forged(**fields: Any) -> SignedLogin:
            login = replace(good.login, **fields)
            return SignedLogin(login=login, signature=sign(login, key))

        past, ahead = (desk.shop.project.clock.now() + dt.timedelta(minutes=minutes) for minutes in (-540, 6))
        for doctored in (
            replace(good, signature=good.signature[:-4] + "AAA="),
            replace(good, login=replace(good.login, operator="rita")),
            forged(operator="rita"),
            forged(operator="nobody"),
            forged(ledger="led_other"),
            forged(method="oidc", voucher="leo"),
            forged(method="code", voucher="leo"),
            forged(expires_at="2999-01-01T00:00:00.000000Z"),
            await desk.sign(second, "leo"),
            await desk.sign(code, "leo", now=past),
            await desk.sign(code, "leo", now=ahead),
        ):
            answered = await desk.hand_over(code, doctored)
            assert answered.status_code == 403, doctored
            assert "Sign in your terminal" in (await client.get("/login/wait")).text
        async with desk.machine() as machine:
            for body in (
                b"",
                b"[]",
                b"{}",
                b'{"code": 1}',
                b"\xff",
                b'{"code":"' + code.encode() + b'","login":{},"signature":""}',
            ):
                answered = await machine.post("/login/key", content=body, headers={"content-type": "application/json"})
                assert answered.status_code == 400, body
            told: dict[str, Any] = {
                "code": code,
                "login": {**to_body(good.login), "roles": [["leo"]]},
                "signature": good.signature,
            }
            assert (await machine.post("/login/key", json=told)).status_code in {400, 403}
            told = {"code": "AAAA-AAAA", "login": to_body(good.login), "signature": good.signature}
            assert (await machine.post("/login/key", json=told)).status_code == 404
        assert (await desk.hand_over(code, good)).status_code == 200
        assert (await desk.hand_over(code, good)).status_code == 404


@pytest.mark.requirement("console:login-by-key")
async def test_a_browser_cannot_hand_a_login_over_and_a_login_for_more_than_the_person_may_gives_no_more(
    desk: Hall,
) -> None:
    async with desk.client() as client:
        code = await desk.begin(client)
        good = await desk.sign(code, "rita")
        for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"cookie": "a=b"}):
            assert (await desk.hand_over(code, good, **headers)).status_code == 403
        more: Login = replace(good.login, roles=("contract_reviewer", "billing_lead"))
        login = SignedLogin(login=more, signature=sign(more, desk.shop.files.keys["rita"]))
        assert (await desk.hand_over(code, login)).status_code == 200
        await client.get("/login/wait")
        proposal, digest = await a_note(desk)
        page = await client.get(f"/proposals/{proposal}")
        assert "which rita has not" in page.text
        answered = await client.post(f"/proposals/{proposal}/approve", data=approval(word_of(page.text), digest))
        assert (answered.status_code, "role_missing" in answered.text) == (403, True)
        assert await desk.shop.status(proposal) == "review_required"


@pytest.mark.requirement("console:decides-what-was-shown")
async def test_an_approval_of_another_digest_is_refused_and_recorded(desk: Hall) -> None:
    (one, digest), (other, foreign) = await a_note(desk), await a_note(desk, "INV-3002")
    async with desk.client() as client:
        word = await desk.login(client)
        for given in (foreign, "", digest[:-1], digest.upper()):
            answered = await client.post(f"/proposals/{one}/approve", data=approval(word, given))
            assert answered.status_code == 403
        for given in (foreign, ""):
            answered = await client.post(
                f"/proposals/{one}/reject", data={"csrf": word, "digest": given, "reason": "No."}
            )
            assert answered.status_code == 403
        answered = await client.post(
            "/batch/approve", data={"csrf": word, "seen": "yes", "pick": [f"{one} {foreign}", f"{other} {digest}"]}
        )
        assert "0 of 2 approved" in answered.text
    assert [await desk.shop.status(each) for each in (one, other)] == ["review_required"] * 2
    refused = await desk.shop.ledger.overview.refused(limit=50)
    assert {(each.operator, each.rule) for each in refused} == {("leo", "not_what_was_shown")}
    assert len(refused) == 8


@pytest.mark.requirement("console:decides-what-was-shown")
async def test_without_the_tick_nothing_is_signed(desk: Hall) -> None:
    proposal, digest = await a_note(desk)
    async with desk.client() as client:
        word = await desk.login(client)
        for seen in ("", "no", "on"):
            answered = await client.post(f"/proposals/{proposal}/approve", data=approval(word, digest, seen=seen))
            assert (answered.status_code, "nothing was signed" in answered.text) == (422, True)
        answered = await client.post("/batch/approve", data={"csrf": word, "pick": f"{proposal} {digest}"})
        assert (answered.status_code, "nothing was signed" in answered.text) == (422, True)
    assert await desk.shop.status(proposal) == "review_required"


@pytest.mark.requirement("console:overview")
async def test_of_what_is_decided_the_page_does_not_say_that_it_still_waits_for_people(desk: Hall) -> None:
    proposal, digest = await a_note(desk)
    async with desk.client() as client:
        word = await desk.login(client)
        waits = await client.get(f"/proposals/{proposal}")
        rejection = {"csrf": word, "digest": digest, "reason": "No need."}
        lacks = await client.post(f"/proposals/{proposal}/reject", data={**rejection, "reason": ""})
        assert ["autofocus" in page.text for page in (waits, lacks)] == [False, True], "where it is to be mended"
        await client.post(f"/proposals/{proposal}/reject", data=rejection)
        decided = await client.get(f"/proposals/{proposal}")
    assert ["approvals</span>" in page.text for page in (waits, decided)] == [True, False]
    assert await desk.shop.status(proposal) == "rejected"


@pytest.mark.requirement("console:decides-what-was-shown")
async def test_who_types_nothing_or_too_little_of_a_riskier_changes_digest_signs_nothing(tmp_path: Path) -> None:
    async with risky(tmp_path, codes=False) as desk, desk.client() as client:
        asked = await desk.shop.proposed(WAIVER, {"invoice_id": "INV-3001", "reason": "Paid."})
        word = await desk.login(client)
        whole = asked["digest"].removeprefix("sha256:")
        for typed in ("", " ", "sha256:", whole[:1], whole[:7], f"sha256:{whole[:7]}"):
            form = approval(word, asked["digest"], typed=typed)
            answered = await client.post(f"/proposals/{asked['id']}/approve", data=form)
            assert (answered.status_code, "nothing was signed" in answered.text) == (422, True), typed
        assert (await desk.shop.record(asked["id"])).decisions == ()
        form = approval(word, asked["digest"], typed=whole[:8])
        assert (await client.post(f"/proposals/{asked['id']}/approve", data=form)).status_code == 303


@pytest.mark.requirement("console:unverified")
async def test_an_unverified_identity_looks_and_decides_nothing(tmp_path: Path) -> None:
    async with (
        open_shop(tmp_path / "project", load_sqlite(tmp_path / "billing.db")) as shop,
        hall(shop, development_identity="leo") as desk,
        desk.client() as client,
    ):
        proposal, digest = await a_note(desk)
        assert (await client.post("/login/unverified")).status_code == 303
        page = await client.get(f"/proposals/{proposal}")
        assert "Unverified: leo." in page.text
        assert 'action="/proposals/' not in page.text
        word = word_of(page.text)
        for path in ("approve", "reject"):
            form = approval(word, digest, reason="No.")
            assert (await client.post(f"/proposals/{proposal}/{path}", data=form)).status_code == 403
        for path in ("/batch/approve", "/batch/reject"):
            form = {"csrf": word, "seen": "yes", "reason": "No.", "pick": f"{proposal} {digest}"}
            answered = await client.post(path, data=form)
            assert (answered.status_code, "unverified" in answered.text) == (403, True)
        assert (await shop.record(proposal)).decisions == ()


@pytest.mark.requirement("console:bounded")
async def test_a_body_that_is_too_large_slow_or_no_form_is_refused(desk: Hall) -> None:
    async with desk.client() as client:
        word = await desk.login(client)
        assert (await client.post("/settings/keep", data={"csrf": word, "x": "x" * LIMITS.body})).status_code == 413
        kind = {"content-type": "application/x-www-form-urlencoded"}
        for body in (b"\xff\xfe", b"csrf", b"&".join(b"a=1" for _ in range(2000))):
            answered = await client.post("/settings/keep", content=body, headers=kind)
            assert answered.status_code in {400, 404}, body[:20]
        assert (await client.put("/settings/keep")).status_code == 405
        assert (await client.request("TRACE", "/")).status_code == 405
    head = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{desk.port}\r\nX: {'x' * LIMITS.header_bytes}\r\n\r\n"
    assert (await raw(desk, head)).split()[1:2] in [[b"400"], []]


@pytest.mark.requirement("console:same-origin")
@pytest.mark.parametrize(
    ("onward", "path"),
    [
        ("/proposals/wrp_1?a=b", "/proposals/wrp_1?a=b"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/login", "/"),
        ("/\r\nset-cookie: a=b", "/"),
        ("/" + "a" * 2000, "/"),
        ("", "/"),
        ("/ü", "/"),
    ],
)
def test_a_page_leads_on_to_this_console_and_nowhere_else(onward: str, path: str) -> None:
    assert own_path(onward) == path


@pytest.mark.requirement("console:same-origin")
async def test_a_link_from_another_site_leads_in_by_the_browser_itself_and_a_part_of_a_page_does_not(
    desk: Hall,
) -> None:
    async with desk.client() as client:
        came = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
        answered = await client.get("/history", headers=came)
        assert (answered.status_code, 'http-equiv="refresh"' in answered.text) == (200, True)
        for mode in ("no-cors", "cors", "websocket"):
            assert (await client.get("/history", headers={**came, "sec-fetch-mode": mode})).status_code == 403
        assert (await client.get("/events", headers=came)).status_code == 403


@pytest.mark.requirement("console:hostile-content")
@pytest.mark.parametrize(
    "handle",
    ["<script>alert(1)</script>", "%00", "..%2f..%2fetc", "latest%0aX", "wrp_" + "0" * 300, "\u202ewrp_1", "%F0%28"],
)
async def test_a_handle_that_is_none_is_told_so_and_comes_back_nowhere(desk: Hall, handle: str) -> None:
    async with desk.client() as client:
        await desk.login(client)
        answered = await client.get(f"/proposals/{handle}")
        assert answered.status_code in {400, 404}
        assert "<script>alert" not in answered.text


@asynccontextmanager
async def risky(tmp_path: Path, *, codes: bool = True, **config: Any) -> AsyncIterator[Hall]:
    """A console over a contract with risks, a set, a removal and large texts."""
    text = policy() if codes else policy().replace(", step_up: high", "")
    kept = {"operators: operators.yaml\n": "operators: operators.yaml\none_time_codes: secrets/codes.yaml\n"}
    async with (
        open_shop(tmp_path / "project", load_sqlite(tmp_path / "billing.db"), policy=text, config=kept) as shop,
        hall(shop, **config) as found,
    ):
        yield found


@pytest.mark.requirement("console:login-by-key")
async def test_a_login_is_good_in_the_browser_that_began_it_and_in_no_other(desk: Hall) -> None:
    async with desk.client() as client, desk.client() as stranger, desk.client() as other:
        code = await desk.begin(client)
        other.cookies, other.base_url = client.cookies, client.base_url
        other.headers["user-agent"] = BROWSER.replace("Linux", "Windows")
        assert (await desk.hand_over(code, await desk.sign(code, "leo"))).status_code == 200
        for one in (stranger, other):
            assert "The code is over" in (await one.get("/login/wait")).text
            assert (await one.get("/login/events")).status_code == 401
        assert (await client.get("/login/wait")).status_code == 303


@pytest.mark.requirement("console:step-up")
async def test_one_time_codes_that_were_set_up_after_the_login_count_and_without_one_nothing_is_signed(
    tmp_path: Path,
) -> None:
    async with risky(tmp_path) as desk, desk.client() as client:
        word = await desk.login(client)
        proposal = await desk.shop.proposed(WAIVER, {"invoice_id": "INV-3013", "reason": "Paid."})
        path, typed = f"/proposals/{proposal['id']}/approve", proposal["digest"][7:15]
        for code in ("", "000000"):
            form = approval(word, proposal["digest"], typed=typed, code=code)
            assert (await client.post(path, data=form)).status_code == 422
        secret = codes_of(desk.shop.files, "leo")
        code = pyotp.TOTP(base64.b32encode(secret).decode()).now()
        wrong = approval(word, proposal["digest"], typed="00000000", code=code)
        assert (await client.post(path, data=wrong)).status_code == 422
        form = approval(word, proposal["digest"], typed=typed, code=code)
        assert (await client.post(path, data=form)).status_code == 303
        assert len((await desk.shop.record(proposal["id"])).decisions) == 1


@pytest.mark.requirement("console:hostile-content")
async def test_what_a_page_cannot_show_whole_is_not_approved_by_a_form_that_somebody_made_by_hand(
    tmp_path: Path,
) -> None:
    async with risky(tmp_path) as desk, desk.client() as client:
        desk.shop.change("UPDATE {hostile_invoices} SET note = '" + "long " * 200_000 + "' WHERE id = 'H-acme-01'")
        proposal = await desk.shop.proposed(PAPER, {"paper": "H-acme-01", "note": "Short."})
        word = await desk.login(client)
        answered = await client.post(f"/proposals/{proposal['id']}/approve", data=approval(word, proposal["digest"]))
        assert (answered.status_code, "not_fully_shown" in answered.text) == (409, True)
        together = {"csrf": word, "seen": "yes", "pick": f"{proposal['id']} {proposal['digest']}"}
        assert "0 of 1 approved" in (await client.post("/batch/approve", data=together)).text
        assert await desk.shop.status(proposal["id"]) == "review_required"


@pytest.mark.requirement("console:batch")
async def test_what_asks_for_more_than_a_look_is_not_decided_on_with_others(tmp_path: Path) -> None:
    async with risky(tmp_path, codes=False) as desk, desk.client() as client:
        high = await desk.shop.proposed(WAIVER, {"invoice_id": "INV-3013", "reason": "Paid."})
        medium = await desk.shop.proposed(WAIVER, {"invoice_id": "INV-3001", "reason": "Paid."})
        low = await desk.shop.proposed(NOTE, {"invoice_id": "INV-3001", "note": "Low."})
        word = await desk.login(client)
        picks = [f"{one['id']} {one['digest']}" for one in (high, medium, low)]
        answered = await client.post("/batch/approve", data={"csrf": word, "seen": "yes", "pick": picks})
        assert ("1 of 3 approved" in answered.text, "Its risk is high." in answered.text) == (True, True)
        assert [(await desk.shop.record(one["id"])).decisions for one in (high, medium)] == [(), ()]


@pytest.mark.requirement("console:decides-what-was-shown")
async def test_a_row_that_has_changed_since_the_page_was_shown_keeps_an_approval_from_being_signed(desk: Hall) -> None:
    proposal, digest = await a_note(desk)
    async with desk.client() as client:
        word = await desk.login(client)
        assert "still as it was" in (await client.get(f"/proposals/{proposal}")).text
        desk.shop.change(
            "UPDATE {invoices} SET note = 'Meanwhile', row_version = row_version + 1 WHERE id = 'INV-3001'"
        )
        answered = await client.post(f"/proposals/{proposal}/approve", data=approval(word, digest))
        assert (answered.status_code, "A row is not as it was" in answered.text) == (422, True)
        assert (await desk.shop.record(proposal)).decisions == ()
        answered = await client.post(f"/proposals/{proposal}/approve", data=approval(word, digest, stale="yes"))
        assert answered.status_code == 303


async def test_a_rejection_without_a_reason_is_told_so_at_the_field_that_the_page_goes_to(desk: Hall) -> None:
    proposal, digest = await a_note(desk)
    async with desk.client() as client:
        word = await desk.login(client)
        answered = await client.post(f"/proposals/{proposal}/reject", data=approval(word, digest))
    told = re.findall(r'<p class="small wrong-words" id="reject-trouble" role="alert">([^<]*)</p>', answered.text)
    assert (answered.status_code, len(told), answered.text.count('role="alert"')) == (422, 1, 1)
    assert told[0].startswith("A rejection needs a reason.")
    assert re.search(r'id="reject-reason"[^>]* autofocus aria-describedby="reject-trouble"', answered.text)


@pytest.mark.requirement("console:public-needs-tls")
async def test_behind_a_proxy_only_the_proxy_is_answered_and_only_what_came_to_it_by_https(tmp_path: Path) -> None:
    named = {"host": "desk.example", "origin": "https://desk.example", "x-forwarded-proto": "https"}
    async with (
        open_shop(tmp_path / "project", load_sqlite(tmp_path / "billing.db")) as shop,
        hall(shop, hosts=["desk.example"], proxy={"trusted": ["192.0.2.0/24"]}) as far,
        hall(shop, hosts=["desk.example"], proxy={"trusted": ["127.0.0.1"]}) as near,
    ):
        async with far.client(**named) as client:
            assert (await client.get("/login")).status_code == 403
        async with near.client(**named) as client:
            assert (await client.get("/login")).status_code == 200
            for headers in ({"x-forwarded-proto": "http"}, {"x-forwarded-proto": "https, http"}):
                assert (await client.get("/login", headers=headers)).status_code == 403
            assert (await client.get("/login", headers={"host": f"127.0.0.1:{near.port}"})).status_code == 421
            begun = await client.post("/login/key/begin", headers=named)
            assert begun.status_code == 303
            cookie = begun.headers["set-cookie"]
            assert cookie.startswith("__Host-synapsor-waiting=")
            assert {"Secure", "HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; ")[1:])
            assert "strict-transport-security" in begun.headers
            answered = await client.post("/login/key/begin", headers={"origin": "http://desk.example"})
            assert answered.status_code == 403


@pytest.mark.requirement("console:public-needs-tls")
async def test_the_console_ends_tls_itself_with_a_key_that_nobody_else_may_read(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "desk.example")
    async with open_shop(tmp_path / "project", load_sqlite(tmp_path / "billing.db")) as shop:
        chain, key = shop.files.root / "tls.pem", shop.files.root / "tls.key"
        chain.write_bytes(b"".join(part.bytes() for part in certificate.cert_chain_pems))
        key.touch(mode=0o600)
        key.write_bytes(certificate.private_key_pem.bytes())
        tls = {"certificate": str(chain), "key": str(key)}
        context = ssl.create_default_context()
        authority.configure_trust(context)
        async with (
            hall(shop, hosts=["desk.example"], tls=tls) as desk,
            httpx2.AsyncClient(
                base_url=f"https://127.0.0.1:{desk.port}", verify=context, trust_env=False, timeout=60
            ) as client,
        ):
            answered = await client.get("/login")
            assert (answered.status_code, "strict-transport-security" in answered.headers) == (200, True)
        key.chmod(0o640)
        with pytest.raises(ConfigError):
            async with hall(shop, hosts=["desk.example"], tls=tls):
                raise AssertionError


@pytest.mark.requirement("console:decides-what-was-shown")
async def test_what_a_reviewer_has_edited_is_told_so_and_the_editor_does_not_decide_on_it(desk: Hall) -> None:
    shop, leo = desk.shop, desk.shop.files.operators["leo"]
    proposal, _ = await a_note(desk)
    signer = Signer(operator=leo, key=shop.files.keys["leo"])
    amending = Filing(
        record=await shop.record(proposal),
        served=await shop.project.activated(NOTE),
        operator=leo,
        operators=shop.project.deciders,
        unlock=lambda: signer,
        reason="Shorter is enough.",
        now=shop.project.clock.now(),
    )
    made = (await edit(shop.ledger, amending, {"note": "<b>Shorter</b>"})).proposal
    async with desk.client() as client:
        word = await desk.login(client)
        page = (await client.get(f"/proposals/{made.id}")).text
        assert ("Edited by a reviewer" in page, "Nobody decides on what they have edited." in page) == (True, True)
        assert ("&lt;b&gt;Shorter" in page, "<b>Shorter" in page) == (True, False)
        for verb in ("approve", "reject"):
            form = approval(word, made.digest, reason="No.")
            answered = await client.post(f"/proposals/{made.id}/{verb}", data=form)
            assert (answered.status_code, "own_edit" in answered.text) == (403, True)
    assert (await shop.record(made.id)).decisions == ()


class _Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self._now = dt.datetime.now(dt.UTC)

    def now(self) -> dt.datetime:
        return self._now

    def later(self, *, minutes: int) -> None:
        self._now += dt.timedelta(minutes=minutes)


@pytest.mark.requirement("approval:login")
async def test_the_history_says_that_a_decision_which_nobody_made_is_in_doubt(tmp_path: Path) -> None:
    opened = open_shop(tmp_path / "project", load_sqlite(tmp_path / "billing.db"))
    async with opened as shop, hall(shop) as desk, desk.client() as client:
        proposal, digest = await a_note(desk)
        word = await desk.login(client)
        await client.post(f"/proposals/{proposal}/approve", data=approval(word, digest))
        assert "in doubt" not in (await client.get("/history")).text
        forged, _ = await a_note(desk, "INV-3002")
        record = await shop.record(forged)
        with as_ledger_owner(shop) as raw:
            forge_decision(raw, record.proposal, reason="Looks good.")
        page = (await client.get("/history")).text
        assert page.count("in doubt") == 1
