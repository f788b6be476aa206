"""Who may not become somebody: a listener on another port that is sent cookies, a flood of logins, and streams that never end."""

import asyncio
import datetime as dt
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import anyio
import httpx2
import pytest
import pytest_asyncio

from synapsor.approve.console import app
from synapsor.approve.console.app import MOST_STREAMS, MOST_STREAMS_OF_ONE
from synapsor.approve.console.key_login import MOST_OF_ONE
from synapsor.approve.identity.operators import revoke_operator
from synapsor.core.moment import stamp
from synapsor.core.records import to_body
from synapsor.ledger.decisions import REFUSED_A_MINUTE
from tests.attack.desk import BROWSER, Hall, approval, hall
from tests.attack.shop import NOTE, open_shop
from tests.databases import load_sqlite


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Hall]:
    async with open_shop(tmp_path / "project", load_sqlite(tmp_path / "billing.db")) as shop, hall(shop) as found:
        yield found


def cookies_of(client: httpx2.AsyncClient) -> str:
    """Return all that a client keeps, as one header."""
    return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


@pytest.mark.requirement("console:own-place")
async def test_a_cookie_alone_is_nobody_though_everything_else_of_the_browser_is_known(desk: Hall) -> None:
    async with desk.client() as client:
        await desk.login(client)
        cookie = cookies_of(client)
        places = ("", "/s-" + "A" * 43, client.base_url.path[:-5] + "AAAA")
        for place in places:
            async with desk.client(cookie=cookie) as thief:
                answered = await thief.get(f"{place}/history")
                assert (answered.status_code, answered.headers.get("location", "").partition("?")[0]) == (303, "/login")
        async with desk.client() as thief:
            thief.base_url = client.base_url
            assert (await thief.get("/history")).status_code == 303, "the place alone"
        assert (await client.get("/history")).status_code == 200


@pytest.mark.requirement("console:own-place")
async def test_a_cookie_that_another_port_has_set_beside_it_does_not_end_a_session(desk: Hall) -> None:
    async with desk.client() as client:
        await desk.login(client)
        both = f"{cookies_of(client)}; synapsor-session=chosen-by-somebody-else"
        async with desk.client(cookie=both) as same:
            same.base_url = client.base_url
            assert (await same.get("/history")).status_code == 200


@pytest.mark.requirement("console:own-place")
async def test_a_page_that_waits_for_its_login_is_as_hidden_as_a_session(desk: Hall) -> None:
    async with desk.client() as client:
        code = await desk.begin(client)
        async with desk.client(cookie=cookies_of(client)) as thief:
            assert (await desk.hand_over(code, await desk.sign(code, "leo"))).status_code == 200
            assert "The code is over" in (await thief.get("/login/wait")).text
        assert (await client.get("/login/wait")).status_code == 303


@pytest.mark.requirement("console:own-place")
async def test_every_address_of_a_page_lies_in_its_place_and_none_of_it_is_told_to_a_login_page(desk: Hall) -> None:
    proposal = await desk.shop.proposed(NOTE, {"invoice_id": "INV-3001", "note": "Call back."})
    async with desk.client() as client:
        await desk.login(client)
        place = client.base_url.path.rstrip("/")
        for path in ("/", "/history", "/contracts/billing", "/settings", "/charts", f"/proposals/{proposal['id']}"):
            text = (await client.get(path)).text
            links = set(re.findall(r'(?:href|action|formaction|data-href)="(/[^"]*)"', text))
            assert {one for one in links if not one.startswith((f"{place}/", "/static/"))} == set(), path
        await client.get("/nothing")
        assert (await client.get("/settings")).status_code == 200
        desk.shop.project.deciders()
        revoke_operator(desk.shop.files.root / "operators.yaml", "leo")
        left = await client.get("/history")
        assert left.headers["location"] == "/login?next=%2Fhistory&over=yes"
        assert place not in (await client.get(left.headers["location"])).text


@pytest.mark.requirement("console:login-by-key")
async def test_no_flood_of_logins_ends_one_that_somebody_else_has_begun(desk: Hall) -> None:
    async with desk.client() as first, desk.client() as client:
        code = await desk.begin(first)
        seen = {await desk.begin(client) for _ in range(100)}
        assert (len(seen), code in seen) == (100, False)
        assert (await desk.hand_over(code, await desk.sign(code, "leo"))).status_code == 200
        assert (await first.get("/login/wait")).status_code == 303


@pytest.mark.requirement("console:login-by-key")
async def test_a_code_that_was_mistyped_or_made_up_is_no_code(desk: Hall) -> None:
    async with desk.client() as client:
        code = await desk.begin(client)
    letters = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
    wrong = [code[:at] + letters[letters.index(code[at]) - 1] + code[at + 1 :] for at in range(14) if code[at] != "-"]
    async with desk.machine() as machine:
        for one in (
            *wrong,
            code.lower(),
            code.replace("-", ""),
            code + "A",
            "AAAA-AAAA-AAAA",
            "%00",
            "A" * 2000,
            "ABCD-EFGH-J%C3%A9KL",
        ):
            assert (await machine.get(f"/login/challenge/{one}")).status_code == 404, one
        login = await desk.sign(code, "leo")
        body = {"code": "ABCD-EFGH-J\u00e9KL", "login": to_body(login.login), "signature": login.signature}
        assert (await machine.post("/login/key", json=body)).status_code == 404


@pytest.mark.requirement("console:login-by-key")
async def test_a_login_that_was_handed_over_is_taken_once(desk: Hall) -> None:
    async with desk.client() as client:
        code = await desk.begin(client)
        assert (await desk.hand_over(code, await desk.sign(code, "leo"))).status_code == 200
        async with desk.client(cookie=cookies_of(client)) as again:
            again.base_url = client.base_url
            assert (await client.get("/login/wait")).status_code == 303
            assert "The code is over" in (await again.get("/login/wait")).text


async def opened(
    desk: Hall, client: httpx2.AsyncClient, path: str, count: int
) -> list[tuple[bytes, asyncio.StreamWriter]]:
    """Open streams, and return the status of each, with what closes it."""
    asked = (
        f"GET {client.base_url.path.rstrip('/')}{path} HTTP/1.1\r\nHost: 127.0.0.1:{desk.port}\r\nUser-Agent: {BROWSER}\r\n"
        f"Cookie: {cookies_of(client)}\r\n\r\n"
    ).encode()
    ends = [await asyncio.open_connection("127.0.0.1", desk.port) for _ in range(count)]
    for _, writer in ends:
        writer.write(asked)
    return [((await asyncio.wait_for(reader.readline(), 60)).split()[1], writer) for reader, writer in ends]


@pytest.mark.requirement("console:streams-bounded")
async def test_nobody_takes_more_than_their_share_of_the_streams(desk: Hall) -> None:
    async with desk.client() as client, desk.client() as waiting, desk.client() as other:
        await desk.login(client)
        await desk.begin(waiting)
        await desk.login(other, "rita")
        ends = []
        try:
            for one, path, most in ((client, "/events", MOST_STREAMS_OF_ONE), (waiting, "/login/events", MOST_OF_ONE)):
                taken = await opened(desk, one, path, most + 3)
                ends += taken
                assert sorted(status for status, _ in taken) == [b"200"] * most + [b"503"] * 3, path
            taken = await opened(desk, other, "/events", 1)
            ends += taken
            assert [status for status, _ in taken] == [b"200"]
            assert (await other.get("/login")).status_code == 303
        finally:
            for _, writer in ends:
                writer.close()
        assert MOST_STREAMS_OF_ONE < MOST_STREAMS


@pytest.mark.requirement("console:streams-bounded")
async def test_all_together_have_only_so_many_streams_and_who_leaves_makes_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "MOST_STREAMS", 2)
    async with (
        open_shop(tmp_path / "project", load_sqlite(tmp_path / "billing.db")) as shop,
        hall(shop) as desk,
        desk.client() as client,
        desk.client() as other,
    ):
        await desk.login(client)
        await desk.login(other, "rita")
        first = await opened(desk, client, "/events", 2)
        (full,) = await opened(desk, other, "/events", 1)
        assert [status for status, _ in (*first, full)] == [b"200", b"200", b"503"]
        first[0][1].close()
        with anyio.fail_after(60):  # the server notices when it notices
            while (free := (await opened(desk, other, "/events", 1))[0])[0] != b"200":
                free[1].close()
        for _, writer in (*first, full, free):
            writer.close()


async def revoked(desk: Hall, _: httpx2.AsyncClient, __: str) -> None:
    """Trust the person no more."""
    revoke_operator(desk.shop.files.root / "operators.yaml", "leo")


async def left(desk: Hall, client: httpx2.AsyncClient, word: str) -> None:
    """Log out in another tab."""
    async with desk.client(cookie=cookies_of(client)) as tab:
        tab.base_url = client.base_url
        assert (await tab.post("/logout", data={"csrf": word})).status_code == 303


@pytest.mark.requirement("console:streams-bounded")
@pytest.mark.parametrize("end", [revoked, left])
async def test_a_stream_ends_with_its_session_and_tells_nothing_more(
    desk: Hall, end: Callable[[Hall, httpx2.AsyncClient, str], Awaitable[None]]
) -> None:
    async with desk.client() as client:
        word = await desk.login(client)
        told: list[str] = []
        async with client.stream("GET", "/events") as stream:
            lines = stream.aiter_lines()
            with anyio.fail_after(60):
                await anext(lines)
                await end(desk, client, word)
                await desk.shop.proposed(NOTE, {"invoice_id": "INV-3001", "note": "Call back."})
                told = [line async for line in lines]
        assert "event: over" in told
        assert [line for line in told if "happened" in line] == []


@pytest.mark.requirement("console:refusals-recorded")
async def test_a_refused_key_login_and_a_form_with_a_foreign_word_are_on_record(desk: Hall) -> None:
    proposal = await desk.shop.proposed(NOTE, {"invoice_id": "INV-3001", "note": "Call back."})
    async with desk.client() as client:
        code = await desk.begin(client)
        assert (await desk.hand_over(code, await desk.sign(code, "leo", ledger="led_other"))).status_code == 403
        await desk.login(client)
        form = approval("x", proposal["digest"])
        assert (await client.post(f"/proposals/{proposal['id']}/approve", data=form)).status_code == 403
    told = [(one.rule, one.way, one.subject) for one in await desk.shop.ledger.refused_logins(limit=9)]
    assert told == [("form_foreign", "form", "leo"), ("login_invalid", "key", "")]


@pytest.mark.requirement("console:refusals-recorded")
async def test_who_is_refused_all_the_time_is_on_record_so_often_in_a_minute_and_then_in_one_number(
    tmp_path: Path,
) -> None:
    clock = _Clock()
    async with (
        open_shop(tmp_path / "project", load_sqlite(tmp_path / "billing.db"), clock=clock) as shop,
        hall(shop) as desk,
        desk.client() as client,
    ):
        proposal = await shop.proposed(NOTE, {"invoice_id": "INV-3001", "note": "Call back."})
        word = await desk.login(client, "rita")

        async def tries(times: int) -> None:
            for _ in range(times):
                form = approval(word, proposal["digest"])
                assert (await client.post(f"/proposals/{proposal['id']}/approve", data=form)).status_code == 403

        await tries(REFUSED_A_MINUTE + 12)
        refused = await shop.ledger.overview.refused(limit=100)
        assert [one.unrecorded for one in refused] == [0] * REFUSED_A_MINUTE
        assert {(one.operator, one.rule) for one in refused} == {("rita", "role_missing")}
        await shop.ledger.refused_decision(proposal["id"], "leo", "role_missing", stamp(clock.now()))
        clock.later(seconds=61)
        await tries(1)
        told = [(one.operator, one.unrecorded) for one in await shop.ledger.overview.refused(limit=2)]
        assert told == [("rita", 12), ("leo", 0)]
        assert "and 12 more before" in (await client.get("/people")).text


class _Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self._now = dt.datetime.now(dt.UTC)

    def now(self) -> dt.datetime:
        return self._now

    def later(self, *, seconds: int) -> None:
        self._now += dt.timedelta(seconds=seconds)
