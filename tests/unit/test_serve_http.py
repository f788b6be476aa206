"""Every route of the HTTP transports is behind the same gate, and a client's appetite is bounded."""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
from typing import Any

import anyio
import httpx2
import pytest

from synapsor.errors import ConfigError
from synapsor.serve.http import serve_http
from synapsor.serve.identity import Bearer, StaticSession, TokenBook
from synapsor.serve.server import build_server
from synapsor.web.limits import Limits
from tests.serving.desk import LEAK, FakeDesk
from tests.serving.http_client import legacy_call, modern, open_session, open_sse, raw
from tests.serving.messages import INITIALIZE, LEGACY_HEADERS, MODERN_HEADERS, call, modern_headers
from tests.serving.process import ROOT, environment
from tests.serving.web import ALICE, BOB, bearers, web

ROUTES = (
    ("POST", "/mcp"),
    ("GET", "/mcp"),
    ("DELETE", "/mcp"),
    ("OPTIONS", "/mcp"),
    ("GET", "/sse"),
    ("HEAD", "/sse"),
    ("POST", "/sse"),
    ("POST", "/messages/"),
    ("POST", "/messages/?session_id=00000000000000000000000000000000"),
    ("GET", "/messages/"),
    ("GET", "/"),
    ("GET", "/docs"),
    ("GET", "/healthz/"),
    ("POST", "//mcp"),
)
UNAUTHORIZED = {"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": "Unauthorized"}}


@pytest.mark.requirement("http:authenticated")
async def test_no_route_but_the_health_check_answers_without_a_token() -> None:
    async with web() as served:
        for token in (None, "x" * 40, ALICE[:-1], ALICE + "a"):
            async with served.client(token) as client:
                for method, path in ROUTES:
                    answer = await client.request(method, path, headers=MODERN_HEADERS)
                    assert (path, answer.status_code) == (path, 401)
                    assert answer.headers["www-authenticate"] == 'Bearer realm="synapsor"'
                    assert "server" not in answer.headers
                    assert method == "HEAD" or answer.json() == UNAUTHORIZED
        async with served.client(None) as client:
            healthy = await client.get("/healthz")
        assert (healthy.status_code, healthy.text) == (200, "ok")
        assert served.desk.calls == []


async def test_a_token_in_any_other_form_is_no_token() -> None:
    async with web() as served:
        for authorization in ["", "Bearer", f"Basic {ALICE}", ALICE, f"Bearer {ALICE} {BOB}", "Bearer " + "z" * 5000]:
            async with served.client(None, authorization=authorization) as client:
                assert (await modern(client, call(1, "x"))).status_code == 401


async def test_two_authorization_headers_are_refused() -> None:
    async with web() as served, served.client(None) as client:
        headers = [("authorization", f"Bearer {BOB}"), ("authorization", f"Bearer {ALICE}")]
        assert (await client.post("/mcp", json=call(1, "x"), headers=headers)).status_code == 400


HOSTS = (
    "evil.com",
    "evil.com:80",
    "127.0.0.1.evil.com",
    "localhost.evil.com",
    "localhost:80@evil.com",
    "localhost:evil",
    "localhost:",
    "localhost:123456",
    "evil.com:localhost",
    "user@localhost",
    "localhost, evil.com",
    "[::1",
    "::1",
    "0.0.0.0",
    "[::ffff:127.0.0.1]",
    "2130706433",
    "127.1",
    "",
)


@pytest.mark.requirement("http:host-and-origin")
async def test_a_foreign_host_is_misdirected_on_every_route() -> None:
    async with web() as served:
        for host, (method, path) in itertools.product(HOSTS, (*ROUTES, ("GET", "/healthz"))):
            assert (host, path, await raw(served, method, path, f"Host: {host}\r\n")) == (host, path, 421)


async def test_our_own_names_are_served_on_any_port() -> None:
    async with web() as served:
        for host in ("localhost", "LOCALHOST:1", "127.0.0.1:65535", "[::1]:80"):
            assert await raw(served, "GET", "/healthz", f"Host: {host}\r\n") == 200


async def test_a_missing_or_double_host_is_refused() -> None:
    async with web() as served:
        assert await raw(served, "GET", "/healthz", "") in {400, 421}
        assert await raw(served, "GET", "/healthz", "Host: localhost\r\nHost: evil.com\r\n") == 400


ORIGINS = [
    "https://evil.com",
    "null",
    "",
    "http://localhost.evil.com",
    "http://localhost:1@evil.com",
    "file://",
    "localhost",
    "chrome-extension://localhost",
    "http://evil.com/localhost",
]


@pytest.mark.requirement("http:host-and-origin")
async def test_a_foreign_origin_is_forbidden_on_every_route() -> None:
    async with web() as served, served.client(ALICE) as client:
        for origin, (method, path) in itertools.product(ORIGINS, (*ROUTES, ("GET", "/healthz"))):
            answer = await client.request(method, path, headers={**MODERN_HEADERS, "origin": origin})
            assert (origin, path, answer.status_code) == (origin, path, 403)


async def test_our_own_origin_is_served() -> None:
    async with web() as served, served.client(ALICE, origin="http://localhost:6274") as client:
        assert (await modern(client, call(1, "x"))).status_code == 200


async def test_each_call_runs_in_the_session_of_its_own_token() -> None:
    async with web() as served, served.client(ALICE) as alice, served.client(BOB) as bob:
        alices, bobs = await open_session(alice), await open_session(bob)
        found = []
        for client, headers in ((alice, alices), (bob, bobs), (alice, alices)):
            answer = await client.post("/mcp", json=legacy_call(1, "x"), headers=headers)
            found.append(answer.json()["result"]["structuredContent"]["data"])
            found.append((await modern(client, call(1, "x"))).json()["result"]["structuredContent"]["data"])
        assert [(d["tenant"], d["client"]) for d in found] == [
            *[("acme", "http:alice")] * 2,
            *[("globex", "http:bob")] * 2,
            *[("acme", "http:alice")] * 2,
        ]


@pytest.mark.requirement("http:tenant-per-call")
async def test_a_token_that_comes_to_mean_another_tenant_is_followed_within_oneopen_session() -> None:
    class Moving:
        book = TokenBook(bearers("acme"))

        def verify(self, authorization: bytes) -> Bearer | None:
            return self.book.verify(authorization)

    tokens = Moving()
    async with web(tokens=tokens) as served, served.client(ALICE) as client:
        headers = await open_session(client)
        sse, post = await open_sse(served, ALICE)
        seen = []
        for tenant in ("acme", "initech"):
            tokens.book = TokenBook(bearers(tenant))
            seen.append(
                (await client.post("/mcp", json=legacy_call(1, "x"), headers=headers)).json()["result"][
                    "structuredContent"
                ]["data"]["tenant"]
            )
            await client.post(post, json=call(1, "x"))
            seen.append((await sse.message())["result"]["structuredContent"]["data"]["tenant"])
        await sse.close()
    assert seen == ["acme", "acme", "initech", "initech"]


@pytest.mark.requirement("http:session-bound")
async def test_another_token_never_enters_aopen_session() -> None:
    async with web() as served, served.client(ALICE) as alice, served.client(BOB) as bob:
        headers = await open_session(alice)
        for method in ("POST", "DELETE"):
            answer = await bob.request(method, "/mcp", json=legacy_call(1, "x"), headers=headers)
            unknown = await bob.request(
                method, "/mcp", json=legacy_call(1, "x"), headers={**headers, "mcp-session-id": "0" * 32}
            )
            assert (
                (answer.status_code, answer.content) == (unknown.status_code, unknown.content) == (404, unknown.content)
            )
        sse, post = await open_sse(served, ALICE)
        assert (await bob.post(post, json=call(1, "x"))).status_code == 404
        assert (await alice.post(post, json=call(2, "x"))).status_code == 202
        assert (await sse.message())["id"] == 2
        await sse.close()
        assert {session.values["user"] for _, _, session in served.desk.calls} == {"alice"}


@pytest.mark.requirement("http:bounded")
async def test_a_large_body_is_refused_with_and_without_a_length() -> None:
    async with web(limits=Limits(body=100_000)) as served, served.client(ALICE) as client:
        large = json.dumps(call(1, "x" * 200_000)).encode()

        async def chunks() -> Any:
            for start in range(0, len(large), 1000):
                yield large[start : start + 1000]

        for path in ("/mcp", "/messages/?session_id=" + "0" * 32):
            assert (await client.post(path, content=large, headers=MODERN_HEADERS)).status_code == 413
            assert (await client.post(path, content=chunks(), headers=MODERN_HEADERS)).status_code == 413
        assert (await modern(client, call(1, "x" * 90_000))).status_code == 200
        assert len(served.desk.calls) == 1


@pytest.mark.parametrize("length", ["-1", "1e3", "9" * 400, "0x10", "1, 2"])
async def test_a_length_that_is_none_is_refused(length: str) -> None:
    async with web() as served:
        assert await raw(
            served, "POST", "/mcp", f"Host: localhost\r\nContent-Length: {length}\r\nAuthorization: Bearer {ALICE}\r\n"
        ) in {400, 413}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage",
        b"\xff\xfe",
        b"[]",
        b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]',
        b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}',
        b'{"a":NaN}',
        b"[" * 100_000,
    ],
)
async def test_a_body_that_is_no_message_is_answered_in_fixed_words(body: bytes) -> None:
    async with web() as served, served.client(ALICE) as client:
        for headers in (MODERN_HEADERS, LEGACY_HEADERS):
            answer = await client.post("/mcp", content=body, headers=headers)
            assert answer.status_code == 400
            assert answer.json()["error"]["message"] in {
                "Parse error",
                "One JSON-RPC message is expected",
                "The message has too many parts",
            }


@pytest.mark.requirement("surface:short-ids")
async def test_an_id_that_is_too_long_is_not_repeated() -> None:
    async with web() as served, served.client(ALICE) as client:
        sse, post = await open_sse(served, ALICE)
        refused = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "Invalid request"}}
        for request_id in ("x" * 257, 2**64):
            message = call(request_id, "x")
            for path, headers in (("/mcp", modern_headers(message)), ("/mcp", LEGACY_HEADERS), (post, {})):
                answer = await client.post(path, json=message, headers=headers)
                assert (answer.status_code, answer.json()) == (400, refused)
        await sse.close()
        assert served.desk.calls == []


async def test_each_route_of_the_older_transport_has_one_method() -> None:
    async with web() as served, served.client(ALICE) as client:
        for method, path in (("HEAD", "/sse"), ("POST", "/sse"), ("GET", "/messages/"), ("DELETE", "/messages/")):
            answer = await client.request(method, path, json=call(1, "x") if method == "POST" else None)
            assert (method, path, answer.status_code) == (method, path, 405)
        for session in ("", "?session_id=", "?session_id=1", "?session_id=" + "0" * 32 + "&session_id=1"):
            assert (await client.post(f"/messages/{session}", json=call(1, "x"))).status_code == 404


async def test_a_canceled_call_of_an_event_stream_is_canceled_in_the_desk() -> None:
    async with web(limits=Limits(stream_requests=1)) as served, served.client(ALICE) as client:
        sse, post = await open_sse(served, ALICE)
        await client.post(post, json=INITIALIZE)
        assert (await sse.message())["id"] == 0
        await client.post(post, json=legacy_call(1, "wait"))
        await served.desk.waiting.wait()
        await client.post(
            post, json={"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
        )
        with anyio.fail_after(30):
            await served.desk.canceled.wait()
            # It is owed no answer, and takes no place among the open ones any more.
            while (await client.post(post, json=legacy_call(2, "x"))).status_code == 429:
                await anyio.lowlevel.checkpoint()
        assert (await sse.message())["id"] == 2
        await sse.close()


@pytest.mark.requirement("serve:no-leak")
async def test_a_desk_that_raises_leaks_nothing_over_http(caplog: pytest.LogCaptureFixture) -> None:
    async with web() as served, served.client(ALICE) as client:
        headers = await open_session(client)
        answers = [
            await modern(client, call(1, "raise")),
            await client.post("/mcp", json=legacy_call(1, "raise"), headers=headers),
        ]
        for answer in answers:
            assert answer.json()["result"]["structuredContent"]["error"]["code"] == "internal"
            assert LEAK not in answer.text
            assert LEAK not in str(answer.headers)
    assert LEAK not in caplog.text


@pytest.mark.requirement("serve:cancelable")
@pytest.mark.parametrize("size", [0, 100_000, 3_000_000])
async def test_a_client_that_leaves_cancels_its_call(size: int) -> None:
    message = call(1, "wait")
    message["params"]["arguments"]["padding"] = "x" * size
    async with web() as served:
        async with served.client(ALICE) as client, anyio.create_task_group() as group:
            group.start_soon(modern, client, message)
            await served.desk.waiting.wait()
            group.cancel_scope.cancel()
        with anyio.fail_after(30):
            await served.desk.canceled.wait()


async def test_a_stream_that_ends_cancels_its_calls() -> None:
    async with web() as served, served.client(ALICE) as client:
        sse, post = await open_sse(served, ALICE)
        await client.post(post, json=call(1, "wait"))
        await served.desk.waiting.wait()
        await sse.close()
        with anyio.fail_after(30):
            await served.desk.canceled.wait()


async def test_a_canceled_call_of_a_session_is_canceled_in_the_desk() -> None:
    async with web() as served, served.client(ALICE) as client:
        headers = await open_session(client)
        async with anyio.create_task_group() as group:
            answers: list[httpx2.Response] = []

            async def wait() -> None:
                answers.append(await client.post("/mcp", json=legacy_call(1, "wait"), headers=headers))

            group.start_soon(wait)
            await served.desk.waiting.wait()
            cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
            assert (await client.post("/mcp", json=cancel, headers=headers)).status_code == 202
            with anyio.fail_after(30):
                await served.desk.canceled.wait()
        assert "error" in answers[0].json()


async def test_a_call_over_the_time_limit_is_canceled_and_answered() -> None:
    async with web(limits=Limits(request_s=1.5)) as served, served.client(ALICE) as client:
        answer = await modern(client, call(1, "wait"))
        assert (answer.status_code, answer.json()["error"]["message"]) == (504, "The request took too long")
        assert served.desk.canceled.is_set()


@pytest.mark.requirement("http:bounded")
async def test_a_token_has_only_so_many_streams() -> None:
    async with web(limits=Limits(streams=2)) as served, served.client(ALICE) as client:
        first, _ = await open_sse(served, ALICE)
        second, _ = await open_sse(served, ALICE)
        assert (await client.get("/sse")).status_code == 429
        other, _ = await open_sse(served, BOB)
        await first.close()
        with anyio.fail_after(30):
            while True:
                try:
                    third, _ = await open_sse(served, ALICE)
                    break
                except AssertionError:
                    await anyio.lowlevel.checkpoint()
        for stream in (second, third, other):
            await stream.close()


@pytest.mark.requirement("http:bounded")
async def test_headers_without_end_are_cut_off() -> None:
    limits = Limits(header_bytes=4096)
    async with web(limits=limits) as served:
        assert await raw(served, "GET", "/healthz", "Host: localhost\r\nX-A: " + "a" * 5000 + "\r\n") == 400
        assert await raw(served, "GET", "/healthz", "Host: localhost\r\n" + "X-A: b\r\n" * 1000) == 400
        assert await raw(served, "GET", "/" + "a" * 5000, "Host: localhost\r\n") == 400
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(
            b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            + f"Authorization: Bearer {ALICE}\r\n\r\n0\r\n".encode()
        )
        with anyio.fail_after(30):
            try:
                while not reader.at_eof():
                    writer.write(b"X-Trailer: " + b"a" * 1000 + b"\r\n")
                    await writer.drain()
                    await asyncio.wait([asyncio.ensure_future(reader.read(1))], timeout=0.01)
            except ConnectionError:
                pass
        writer.close()


async def test_nonsense_from_anybody_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    async with web(limits=Limits(connections=1)) as served:
        for _ in range(3):
            assert await raw(served, "NONSENSE\0", "/", "") == 400
            assert (
                await raw(served, "GET", "/healthz", "Host: localhost\r\nUpgrade: x\r\nConnection: upgrade\r\n") == 200
            )
    assert caplog.text == ""


async def test_headers_that_never_come_are_not_waited_for() -> None:
    async with web(limits=Limits(header_s=0.2)) as served:
        for start in (b"", b"GET /healthz HTTP/1.1\r\nHost: loc"):
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
            writer.write(start)
            with anyio.fail_after(30):
                assert await reader.read() == b""
            writer.close()


async def test_a_body_that_never_comes_is_not_waited_for() -> None:
    async with web(limits=Limits(request_s=0.2)) as served:
        assert (
            await raw(
                served, "POST", "/mcp", f"Host: localhost\r\nContent-Length: 10\r\nAuthorization: Bearer {ALICE}\r\n"
            )
            == 504
        )


@pytest.mark.requirement("http:bounded")
async def test_a_body_that_arrives_too_slowly_is_refused() -> None:
    async with web(limits=Limits(body_s=0.2)) as served:
        sent = f"Host: localhost\r\nContent-Length: 10\r\nAuthorization: Bearer {ALICE}\r\n"
        assert await raw(served, "POST", "/mcp", sent) == 408


@pytest.mark.requirement("http:bounded")
async def test_a_client_that_asks_on_and_on_without_reading_is_cut_off() -> None:
    async with web() as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200)
        with anyio.fail_after(30), contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                assert data.count(b"HTTP/1.1 200") < 200
        writer.close()
        async with served.client(ALICE) as client:
            assert (await client.get("/healthz")).status_code == 200


@pytest.mark.requirement("serve:orderly-end")
async def test_an_orderly_end_answers_open_calls_and_ends_streams_at_once() -> None:
    async with anyio.create_task_group() as group:
        answers: list[httpx2.Response] = []
        async with web(grace_s=90) as served:
            client = served.client(ALICE)
            sse, _ = await open_sse(served, ALICE)

            async def ask() -> None:
                answers.append(await modern(client, call(1, "slow")))

            group.start_soon(ask)
            while not served.desk.calls:
                await anyio.lowlevel.checkpoint()
            started = anyio.current_time()
        assert anyio.current_time() - started < 60  # and not the whole grace
        assert answers[0].json()["result"]["isError"] is False
        await sse.close()
        await client.aclose()


@pytest.mark.requirement("http:loopback-only")
@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.0.1", "example.com", "", "169.254.169.254", "::ffff:127.0.0.1"]
)
async def test_no_address_but_this_machines_is_served(host: str) -> None:
    server = build_server(FakeDesk(), StaticSession({}), names="dotted", version="0")
    with pytest.raises(ConfigError, match="loopback"):
        await serve_http(server, port=0, tokens=TokenBook(bearers()), host=host)


async def test_a_taken_port_is_a_configuration_error() -> None:
    async with web() as served:
        server = build_server(FakeDesk(), StaticSession({}), names="dotted", version="0")
        with pytest.raises(ConfigError, match="port"):
            await serve_http(server, port=served.port, tokens=TokenBook(bearers()))


SERVE = """
import sys
from synapsor.serve.http import serve_http
from synapsor.web.loop import run
from synapsor.serve.server import build_server
from synapsor.serve.identity import TokenSession, TokenBook
from tests.serving.desk import FakeDesk
from tests.serving.web import bearers
server = build_server(FakeDesk(), TokenSession(), names="dotted", version="0")
run(serve_http(server, port=0, tokens=TokenBook(bearers()), ready=lambda port: print(port, flush=True)))
print("closed", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_in_order(number: signal.Signals) -> None:
    command = [sys.executable, "-W", "error", "-c", SERVE]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), cwd=ROOT, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        port = int(process.stdout.readline())
        assert httpx2.get(f"http://127.0.0.1:{port}/healthz", trust_env=False, timeout=60).text == "ok"
        os.kill(process.pid, number)
        assert process.stdout.read() == "closed\n"
        assert (process.wait(60), process.stderr.read()) == (0, "")
