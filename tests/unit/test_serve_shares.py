"""However much one token opens, sends or leaves unread, there is an end to it, and the other tokens do not notice."""

import asyncio
import json
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

import anyio
import anyio.lowlevel
import httpx2
import pytest
from mcp import MCPError

from synapsor.config import Pool
from synapsor.serve.shares import Share, Shares
from synapsor.serve.wire import MAX_NAME, MAX_PARTS
from synapsor.values import MOST_LEVELS
from synapsor.web import connection
from synapsor.web.limits import Limits
from synapsor.web.sessions import Sessions
from tests.serving.desk import FakeDesk
from tests.serving.http_client import (
    PATIENCE,
    Deaf,
    deaf,
    head,
    legacy_call,
    modern,
    open_session,
    open_sse,
)
from tests.serving.messages import INITIALIZE, LEGACY_HEADERS, call, legacy
from tests.serving.process import ROOT, environment
from tests.serving.web import ALICE, BOB, Web, web

LARGE = "x" * 1_000_000
"""Twice in an answer, and far more than the system's buffers hold."""

Ask = Callable[[int, str], Coroutine[Any, Any, Any]]


async def until(done: Callable[[], bool]) -> None:
    with anyio.fail_after(PATIENCE):
        while not done():
            await anyio.lowlevel.checkpoint()


async def hello(client: httpx2.AsyncClient) -> httpx2.Response:
    return await client.post("/mcp", json=INITIALIZE, headers=LEGACY_HEADERS)


async def alive(client: httpx2.AsyncClient, session: dict[str, str]) -> bool:
    answer = await client.post("/mcp", json=legacy("alive", "ping"), headers=session)
    assert answer.status_code in {200, 404}
    return answer.status_code == 200


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    assert answer.json()["id"] is None
    return answer.status_code, answer.json()["error"]["message"]


# Sessions


@pytest.mark.requirement("http:sessions-bounded")
async def test_at_its_bound_a_tokens_longest_unused_session_ends_and_no_other() -> None:
    async with web(limits=Limits(sessions=2)) as served, served.client(ALICE) as alice, served.client(BOB) as bob:
        bobs = await open_session(bob)
        first, second = await open_session(alice), await open_session(alice)
        assert await alive(alice, first)
        third = await open_session(alice)
        assert [await alive(alice, session) for session in (first, second, third)] == [True, False, True]
        assert await alive(bob, bobs)


@pytest.mark.requirement("http:sessions-bounded")
async def test_at_the_bound_of_all_the_token_with_most_sessions_loses_one() -> None:
    limits = Limits(sessions=3, all_sessions=4)
    async with web(limits=limits) as served, served.client(ALICE) as alice, served.client(BOB) as bob:
        bobs = [await open_session(bob)]
        alices = [await open_session(alice) for _ in range(3)]
        bobs.append(await open_session(bob))
        assert [await alive(alice, session) for session in alices] == [False, True, True]
        alices.append(await open_session(alice))
        assert [await alive(alice, session) for session in alices] == [False, False, True, True]
        assert [await alive(bob, session) for session in bobs] == [True, True]


@pytest.mark.requirement("http:sessions-bounded")
async def test_a_session_in_use_never_ends_for_a_new_one() -> None:
    async with web(limits=Limits(sessions=1)) as served, served.client(ALICE) as client:
        session = await open_session(client)
        async with anyio.create_task_group() as group:
            answers: list[httpx2.Response] = []

            async def ask() -> None:
                answers.append(await client.post("/mcp", json=legacy_call(1, "wait"), headers=session))

            group.start_soon(ask)
            await served.desk.waiting.wait()
            words = "Too many sessions are in use; end one with DELETE, or wait for an answer"
            assert refusal(await hello(client)) == (429, words)
            served.desk.go_on.set()
        assert answers[0].json()["result"]["isError"] is False
        assert (await hello(client)).status_code == 200


async def test_a_request_that_opens_no_session_ends_none() -> None:
    async with web(limits=Limits(sessions=1)) as served, served.client(ALICE) as client:
        session = await open_session(client)
        for message in (legacy(1, "tools/list"), {**INITIALIZE, "params": {}}):
            answer = await client.post("/mcp", json=message, headers=LEGACY_HEADERS)
            assert "result" not in answer.json()
        unknown = {**session, "mcp-session-id": "0" * 32}
        assert not await alive(client, unknown)
        assert await alive(client, session) is (message["method"] != "initialize")


@pytest.mark.requirement("http:sessions-bounded")
async def test_a_message_that_opens_a_session_is_short_as_it_is_kept() -> None:
    async with web(limits=Limits(hello=1000)) as served, served.client(ALICE) as client:
        info = {"name": "n" * 1000, "version": "0"}
        large = {**INITIALIZE, "params": {**INITIALIZE["params"], "clientInfo": info}}
        words = "The message that opens a session is too large"
        assert refusal(await client.post("/mcp", json=large, headers=LEGACY_HEADERS)) == (413, words)
        sse, post = await open_sse(served, ALICE)
        assert refusal(await client.post(post, json=large)) == (413, words)
        await sse.close()


async def test_two_open_requests_of_one_id_are_one_too_many() -> None:
    async with web() as served, served.client(ALICE) as client:
        session = await open_session(client)
        sse, post = await open_sse(served, ALICE)
        await client.post(post, json=INITIALIZE)
        await sse.message()
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: client.post("/mcp", json=legacy_call(7, "wait"), headers=session))
            group.start_soon(lambda: client.post(post, json=legacy_call(7, "wait")))
            await until(lambda: len(served.desk.calls) == 2)
            again = [
                await client.post("/mcp", json=legacy_call("7", "x"), headers=session),
                await client.post(post, json=legacy_call("7", "x")),
            ]
            served.desk.go_on.set()
        for answer in again:
            assert (answer.status_code, answer.json()) == (
                400,
                {"jsonrpc": "2.0", "id": "7", "error": {"code": -32600, "message": "This id is in use"}},
            )
        assert (await client.post("/mcp", json=legacy_call(7, "x"), headers=session)).status_code == 200
        await sse.close()


# What a client does not read


@asynccontextmanager
async def listening(served: Web) -> AsyncIterator[tuple[Deaf, str]]:
    """Open an event stream and read nothing but where to post to."""
    async with deaf(served) as stream:
        await stream.send("GET", "/sse")
        await stream.read_until(b"data: ")
        yield stream, (await stream.read_until(b"\r\n")).decode().strip()


@pytest.mark.requirement("http:unread-bounded")
async def test_an_event_stream_that_is_not_read_takes_only_so_many_requests() -> None:
    limits = Limits(stream_requests=4, calls=2)
    async with web(limits=limits) as served, served.client(ALICE) as client, listening(served) as (_, post):
        found = [await client.post(post, json=call(number, LARGE)) for number in range(4)]
        assert [answer.status_code for answer in found] == [202] * 4
        words = "Too many open requests on this stream; read its answers"
        assert refusal(await client.post(post, json=call(5, "x"))) == (429, words)
        # No further answer is even computed before one is read.
        assert len(served.desk.calls) <= 2


@pytest.mark.requirement("http:unread-bounded")
async def test_an_event_stream_that_is_not_read_ends_and_frees_what_it_held() -> None:
    limits = Limits(send_s=1.5, messages=1, streams=1)  # a message has to come to it while it stands
    async with web(limits=limits) as served, served.client(ALICE) as client:
        async with listening(served) as (stream, post):
            assert (await client.post(post, json=call(1, LARGE))).status_code == 202
            assert (await client.post(post, json=call(2, "x"))).status_code == 429
            await until(lambda: len(served.desk.calls) == 1)
            with anyio.fail_after(PATIENCE):
                while (await client.post(post, json=call(3, "x"))).status_code != 404:
                    await anyio.lowlevel.checkpoint()
            assert len(await stream.rest()) < len(LARGE)
        sse, _ = await open_sse(served, ALICE)
        await sse.close()


@pytest.mark.requirement("http:unread-bounded")
@pytest.mark.parametrize("era", ["2025", "2026"])
async def test_an_answer_that_is_not_read_is_cut_off_and_frees_what_it_held(era: str) -> None:
    limits = Limits(send_s=0.3, messages=2, calls=1)
    async with web(limits=limits) as served, served.client(ALICE) as client, deaf(served) as unread:
        if era == "2025":
            session = await open_session(client)
            body = json.dumps(legacy_call(1, LARGE)).encode()
            given = {
                **session,
                "host": "localhost",
                "content-length": str(len(body)),
                "authorization": f"Bearer {ALICE}",
            }
            lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
            await unread.send_bytes(f"POST /mcp HTTP/1.1\r\n{lines}\r\n".encode() + body)
        else:
            await unread.send("POST", "/mcp", call(1, LARGE))
        await until(lambda: len(served.desk.calls) == 1)
        # The turn is held for as long as the answer waits, so this one is answered only after the cut.
        with anyio.fail_after(PATIENCE):
            assert (await modern(client, call(2, "after"))).status_code == 200
        assert len(await unread.rest()) < 2 * len(LARGE)


@pytest.mark.requirement("http:unread-bounded")
async def test_even_a_little_that_is_not_read_is_let_go_of() -> None:
    async with web(limits=Limits(send_s=0.3)) as served, deaf(served) as unread:
        await unread.send("POST", "/mcp", call(0, "x"))
        await until(lambda: bool(answered()))
        (one,) = answered()
        while not one.transport.get_write_buffer_size():
            await unread.send("POST", "/mcp", call(len(served.desk.calls), "x" * 10_000))
            await until(lambda: one not in answered())
            await until(lambda: one in answered() or bool(one.transport.get_write_buffer_size()))
        await until(lambda: one not in one.connections)


def answered() -> list[connection.BoundedConnection]:
    """The connections of the one server that is running which have had an answer and are not asked anything."""
    return [one for kind in connection.BoundedConnection.__subclasses__() for one in kind.quiet]


SERVE = """
from synapsor.serve.http import serve_http
from synapsor.serve.identity import TokenBook, TokenSession
from synapsor.web.limits import Limits
from synapsor.web.loop import run
from synapsor.serve.server import build_server
from tests.serving.desk import FakeDesk
from tests.serving.web import bearers
server = build_server(FakeDesk(), TokenSession(), names="dotted", version="0")
limits = Limits(send_s=2.5, messages=1)
run(serve_http(server, port=0, tokens=TokenBook(bearers()), limits=limits, ready=lambda port: print(port, flush=True)))
"""


@pytest.mark.requirement("http:unread-bounded")
async def test_the_event_loop_of_a_serving_process_lets_go_of_what_is_not_read() -> None:
    command = [sys.executable, "-W", "error", "-c", SERVE]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), cwd=ROOT
    )
    assert process.stdout is not None
    try:
        served = Web(desk=FakeDesk(), port=int(await process.stdout.readline()))
        async with served.client(ALICE) as client, deaf(served) as unread:
            await unread.send("POST", "/mcp", call(1, LARGE))
            for status in (429, 200):
                with anyio.fail_after(PATIENCE):
                    while (await modern(client, call(2, "x"))).status_code != status:
                        await anyio.lowlevel.checkpoint()
            assert len(await unread.rest()) < 2 * len(LARGE)
    finally:
        process.terminate()
        _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")


async def test_an_answer_that_is_read_slowly_but_in_time_is_whole() -> None:
    async with web() as served, served.client(ALICE) as client, deaf(served) as slow:
        await slow.send("POST", "/mcp", call(1, LARGE))
        await until(lambda: len(served.desk.calls) == 1)
        assert (await modern(client, call(2, "x"))).status_code == 200
        top = await slow.read_until(b"\r\n\r\n")
        length = next(int(line[15:]) for line in top.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        body = b""
        while len(body) < length:
            body += await slow.read(length - len(body))
        assert json.loads(body)["result"]["structuredContent"]["data"]["invoice_id"] == LARGE


async def test_large_answers_come_through_an_event_stream_whole_and_in_order() -> None:
    async with web() as served, served.client(ALICE) as client:
        sse, post = await open_sse(served, ALICE)
        async with anyio.create_task_group() as group:
            for number in range(5):
                group.start_soon(partial(client.post, post, json=call(number, LARGE)))
            found = [await sse.message() for _ in range(5)]
        assert {answer["id"] for answer in found} == set(range(5))
        assert {answer["result"]["structuredContent"]["data"]["invoice_id"] for answer in found} == {LARGE}
        await sse.close()


# Turns, sizes and numbers


@asynccontextmanager
async def asking(served: Web, how: str) -> AsyncIterator[Ask]:
    """Give a way for Alice to ask: of either era, or over an event stream."""
    async with served.client(ALICE) as client:
        if how == "2026":
            yield lambda number, wish: modern(client, call(number, wish))
        elif how == "2025":
            session = await open_session(client)
            yield lambda number, wish: client.post("/mcp", json=legacy_call(number, wish), headers=session)
        else:
            sse, post = await open_sse(served, ALICE)
            await client.post(post, json=INITIALIZE)
            await sse.message()
            yield lambda number, wish: client.post(post, json=legacy_call(number, wish))
            await sse.close()


WAYS = ("2026", "2025", "sse")


@pytest.mark.requirement("http:fair")
@pytest.mark.parametrize("how", WAYS)
async def test_only_so_many_calls_of_one_token_are_worked_on_at_once(how: str) -> None:
    limits = Limits(calls=2)
    async with (
        web(limits=limits) as served,
        asking(served, how) as ask,
        served.client(BOB) as bob,
        anyio.create_task_group() as group,
    ):
        for number in range(6):
            group.start_soon(ask, number, "wait")
        await until(lambda: len(served.desk.calls) == 2)
        assert (await modern(bob, call(1, "x"))).status_code == 200
        assert [session.values["user"] for _, _, session in served.desk.calls] == ["alice", "alice", "bob"]
        served.desk.go_on.set()
        await until(lambda: len(served.desk.calls) == 7)


@pytest.mark.requirement("http:fair")
async def test_whoever_leaves_while_waiting_for_a_turn_takes_none() -> None:
    async with web(limits=Limits(calls=1)) as served, served.client(ALICE) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(modern, client, call(1, "wait"))
            await served.desk.waiting.wait()
            async with deaf(served) as one, deaf(served) as two:
                for leaving in (one, two):
                    await leaving.send("POST", "/mcp", call(2, "left"))
            served.desk.go_on.set()
        assert (await modern(client, call(3, "x"))).status_code == 200
        assert (await modern(client, call(4, "x"))).status_code == 200


@pytest.mark.requirement("http:fair")
async def test_a_cancellation_and_a_ping_wait_for_no_turn() -> None:
    async with web(limits=Limits(calls=1)) as served, served.client(ALICE) as client:
        session = await open_session(client)
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: client.post("/mcp", json=legacy_call(1, "wait"), headers=session))
            await served.desk.waiting.wait()
            assert await alive(client, session)
            cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
            assert (await client.post("/mcp", json=cancel, headers=session)).status_code == 202
            with anyio.fail_after(PATIENCE):
                await served.desk.canceled.wait()
        assert (await modern(client, call(2, "x"))).status_code == 200


@pytest.mark.requirement("http:fair")
async def test_a_call_whose_message_has_ended_is_not_made_and_takes_no_turn() -> None:
    shares = Shares(Limits(calls=1))
    refused: list[MCPError] = []

    async def wait(share: Share) -> None:
        try:
            await share.turn()
        except MCPError as error:
            refused.append(error)

    async with anyio.create_task_group() as group:
        with shares.message("alice") as working:
            await working.turn()
            with shares.message("alice") as late:
                group.start_soon(wait, late)
                await anyio.wait_all_tasks_blocked()
    assert [error.message for error in refused] == ["The request took too long"]
    with anyio.fail_after(PATIENCE), shares.message("alice") as share:
        await share.turn()


@pytest.mark.requirement("http:fair")
async def test_a_token_has_only_so_many_messages_open() -> None:
    async with web(limits=Limits(messages=1)) as served, served.client(ALICE) as alice, served.client(BOB) as bob:
        async with anyio.create_task_group() as group:
            group.start_soon(modern, alice, call(1, "wait"))
            await served.desk.waiting.wait()
            words = "Too many messages at once; wait for an answer"
            assert refusal(await modern(alice, call(2, "x"))) == (429, words)
            assert (await modern(bob, call(3, "x"))).status_code == 200
            served.desk.go_on.set()
        assert (await modern(alice, call(4, "x"))).status_code == 200


@pytest.mark.requirement("http:fair")
async def test_a_tokens_open_messages_have_only_so_much_weight() -> None:
    limits = Limits(held=100_000)
    async with web(limits=limits) as served, served.client(ALICE) as alice, served.client(BOB) as bob:
        async with deaf(served) as half:
            await half.send_bytes(head("POST", "/mcp", None, 90_001) + b" " * 90_000)
            words = "The open messages of this token are too large together; wait for an answer"
            with anyio.fail_after(PATIENCE):
                while (answer := await modern(alice, call(1, "x" * 20_000))).status_code == 200:
                    await anyio.lowlevel.checkpoint()
            assert refusal(answer) == (429, words)
            assert (await modern(bob, call(2, "x" * 20_000))).status_code == 200
            assert (await modern(alice, call(3, "x"))).status_code == 200
        with anyio.fail_after(PATIENCE):
            while (await modern(alice, call(4, "x" * 20_000))).status_code != 200:
                await anyio.lowlevel.checkpoint()


@pytest.mark.requirement("http:fair")
async def test_connections_in_which_nothing_is_asked_make_room_strangers_first() -> None:
    limits = Limits(connections=4, header_s=100)
    async with web(limits=limits) as served, deaf(served) as known, deaf(served) as busy:
        await busy.send("POST", "/mcp", call(1, "wait"))
        await served.desk.waiting.wait()
        await known.send("POST", "/mcp", call(2, "x"))
        await known.read_until(b"\r\n\r\n")
        async with deaf(served) as first, deaf(served) as second:
            await second.send("GET", "/healthz", token=None)
            assert b"200" in await second.read_until(b"\r\n")
            async with deaf(served) as other, deaf(served) as more:
                for newcomer in (other, more):
                    await newcomer.send("GET", "/healthz", token=None)
                    assert b"200" in await newcomer.read_until(b"\r\n")
                assert await first.rest() == b""
                assert (await second.rest()).endswith(b"ok")
        await known.send("POST", "/mcp", call(3, "x"))
        await known.read_until(b"HTTP/1.1 200")
        served.desk.go_on.set()
        await busy.read_until(b"HTTP/1.1 200")


def test_there_are_no_more_connections_than_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: asked.append(pair))
    found = []
    for soft, hard in ((1024, 524_288), (1024, 1024), (300, 300), (65_536, 65_536), (-1, -1), (1024, -1)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, pair=(soft, hard): pair)
        found.append(connection.with_room(Limits(connections=1000)).connections)
    assert found == [1000, 768, 44, 1000, 1000, 1000]
    assert asked == [(1256, 524_288), (1024, 1024), (300, 300), (1256, -1)]


@pytest.mark.requirement("docs:true")
def test_the_documented_limits_are_the_limits() -> None:
    limits, page = Limits(), (ROOT / "docs" / "how-to" / "connect-a-client.md").read_text(encoding="utf-8")
    for words in (
        f"| {limits.messages}, of {limits.held // 2**20} MiB together |",
        f"| {limits.calls} | the others wait",
        f"| {limits.body // 2**20} MiB, {MAX_PARTS:,} values, {MOST_LEVELS} levels, {MAX_NAME} characters of id |",
        f"| {limits.sessions} | the longest unused one ends",
        f"| {limits.streams}, with {limits.stream_requests} open requests each |",
        f"| {limits.send_s:.0f} seconds | the connection is cut off |",
        f"{limits.connections:,} connections and {limits.all_sessions:,} sessions",
    ):
        assert words in page


def test_one_token_leaves_connections_of_a_usual_pool_to_the_others() -> None:
    assert (Limits().calls, Pool().size) == (6, 8)


@pytest.mark.requirement("http:sessions-bounded")
async def test_a_session_is_known_before_its_client_hears_of_it() -> None:
    async def app(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"mcp-session-id", b"one")]})
        await send({"type": "http.response.body", "body": b""})

    sessions = Sessions(app, each=1, together=1)
    known: list[int | None] = []

    async def client(_: Any) -> None:
        found = sessions.known("one", "leo")
        known.append(found.in_use if found is not None else None)

    await sessions.begin("leo", {"user": None, "headers": []}, cast("Any", None), client)
    await client(None)
    assert known == [1, 1, 0]
    assert sessions.known("one", "mia") is None
