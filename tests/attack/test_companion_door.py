"""The companion's HTTP door: who only connects, or sends slowly, keeps nobody out, and it ends in an orderly way."""

import asyncio
import hashlib
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message

from synapsor.approve.companion.http import LIMITS
from synapsor.approve.companion.sessions import EACH, TOGETHER
from synapsor.web.bodies import TimedBodies
from tests.companion import TOKEN, Companion, served, write_companion
from tests.databases import Database
from tests.projects import opened
from tests.serving.forked import forked

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}
FORM = {"Accept": "application/json, text/event-stream"}


async def hello(http: httpx2.AsyncClient, url: str, token: str) -> httpx2.Response:
    """Open a session, as a client program does."""
    return await http.post(f"{url}/mcp", json=HELLO, headers={**FORM, "Authorization": f"Bearer {token}"})


@pytest.fixture
async def companion(tmp_path: Path, sqlite_db: Database) -> Companion:
    made = write_companion(tmp_path / "project", sqlite_db)
    async with opened(made.files):
        return made


@pytest.mark.requirement("companion:bounded")
async def test_connections_in_which_nothing_is_asked_shut_nobody_out(companion: Companion) -> None:
    async with served(companion) as url:
        port = urlsplit(url).port or 0
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(LIMITS.connections + 8)]
        async with httpx2.AsyncClient(trust_env=False, timeout=60) as http:
            assert (await hello(http, url, TOKEN)).status_code == 200
        for _, writer in idle:
            writer.close()


@pytest.mark.requirement("companion:bounded")
async def test_a_taken_port_is_told_in_words_and_nothing_is_said_to_be_served(companion: Companion) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = forked(companion.command("--http", f"127.0.0.1:{taken.getsockname()[1]}"))
        done = await anyio.run_process(command, env=companion.files.environment, cwd=companion.files.root, check=False)
    said = done.stderr.decode()
    assert (done.returncode, "The port cannot be taken." in said, "serving on" in said) == (2, True, False)


@pytest.mark.requirement("companion:bounded")
async def test_a_body_that_does_not_arrive_is_not_waited_for_and_one_that_arrived_may_take_its_time() -> None:
    async def reads(request: Request) -> Response:
        body = await request.body()
        await working.wait()
        return PlainTextResponse(str(len(body)))

    app = TimedBodies(Starlette(routes=[Route("/", reads, methods=["POST"])]), seconds=0.2)
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b"", "http_version": "1.1"}
    working = anyio.Event()
    sent: list[Message] = []

    async def half() -> Message:
        if not sent:
            sent.append({"type": "begun"})
            return {"type": "http.request", "body": b"a", "more_body": True}
        await anyio.sleep_forever()
        raise AssertionError

    async def keep(message: Message) -> None:
        sent.append(message)

    with anyio.fail_after(60):
        await app(dict(scope), half, keep)
    assert [message.get("status") for message in sent if message["type"] == "http.response.start"] == [408]

    async def whole() -> Message:
        return {"type": "http.request", "body": b"ab", "more_body": False}

    sent.clear()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(app, dict(scope), whole, keep)
        with anyio.move_on_after(0.6):
            await anyio.sleep_forever()  # longer than a body may take
        working.set()
    assert [message.get("status") for message in sent if message["type"] == "http.response.start"] == [200]


@pytest.mark.requirement("companion:sessions")
async def test_one_persons_client_programs_take_no_session_from_another(companion: Companion) -> None:
    second, ritas = "another-token-of-leo", "canary-of-rita"
    with companion.path.open("a", encoding="utf-8") as file:
        for operator, token in (("leo", second), ("rita", ritas)):
            file.write(f"  - {{operator: {operator}, sha256: {hashlib.sha256(token.encode()).hexdigest()}}}\n")
    async with served(companion) as url, httpx2.AsyncClient(trust_env=False, timeout=60) as http:

        async def asked(session: str, token: str) -> int:
            ask = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
            named = {"Mcp-Session-Id": session, "MCP-Protocol-Version": "2025-11-25"}
            headers = {**FORM, **named, "Authorization": f"Bearer {token}"}
            return (await http.post(f"{url}/mcp", json=ask, headers=headers)).status_code

        theirs = (await hello(http, url, ritas)).headers["mcp-session-id"]
        opened_ = [await hello(http, url, token) for token in (TOKEN, second) for _ in range(TOGETHER)]
        assert {one.status_code for one in opened_} == {200}
        sessions = [one.headers["mcp-session-id"] for one in opened_]
        assert [await asked(one, TOKEN) for one in sessions[:TOGETHER]] == [404] * TOGETHER
        assert [await asked(one, second) for one in sessions[TOGETHER:]] == [404] * (TOGETHER - EACH) + [200] * EACH
        assert await asked(theirs, ritas) == 200
        assert (await hello(http, url, ritas)).status_code == 200


@pytest.mark.requirement("companion:sessions")
async def test_of_sessions_that_are_all_in_use_none_ends_and_another_is_refused(companion: Companion) -> None:
    async with (
        served(companion) as url,
        httpx2.AsyncClient(trust_env=False, timeout=60) as http,
        AsyncExitStack() as streams,
    ):
        for _ in range(EACH):
            session = (await hello(http, url, TOKEN)).headers["mcp-session-id"]
            named = {"Mcp-Session-Id": session, "MCP-Protocol-Version": "2025-11-25"}
            headers = {**FORM, **named, "Authorization": f"Bearer {TOKEN}"}
            stream = await streams.enter_async_context(http.stream("GET", f"{url}/mcp", headers=headers))
            assert stream.status_code == 200
        refused = await hello(http, url, TOKEN)
        assert (refused.status_code, "Too many sessions are in use" in refused.text) == (429, True)
