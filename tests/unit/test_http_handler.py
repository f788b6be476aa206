"""A handler over HTTP: signed, one address and no other, so many bytes and so long; what comes back is told apart and never interpreted."""

import asyncio
import datetime as dt
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trustme

from synapsor.errors import ConfigError
from synapsor.executors import http
from synapsor.executors.http import HttpHandler
from synapsor.handler import IDEMPOTENCY_KEY, SIGNATURE, NotSigned, sign, verify
from synapsor.handler_ports import Heard, Reply
from synapsor.secrets import Secret
from synapsor.testing.clock import TestClock
from tests.handlers.wire import saying, text

SECRET = "a-secret-of-at-least-24-characters"
BODY = b'{"synapsor-handler": 1}'
NOW = dt.datetime(2026, 11, 29, 12, 0, tzinfo=dt.UTC)
Say = Callable[[asyncio.StreamWriter], Awaitable[None]]


def handler(
    port: int, *, scheme: str = "http", host: str = "127.0.0.1", seconds: float = 20, ca: Path | None = None
) -> HttpHandler:
    url = f"{scheme}://{host}:{port}/apply"
    return HttpHandler(name="app", url=url, secret=Secret(SECRET), seconds=seconds, clock=TestClock(NOW), ca=ca)


def signed(body: bytes, *, secret: str = SECRET, executor: str = "app") -> str:
    return sign(secret, body, executor=executor, at=1000)


@pytest.mark.requirement("executor:signed")
async def test_a_job_is_signed_over_its_exact_bytes_the_moment_and_the_executor_and_has_its_key_beside_it() -> None:
    async with saying(text("200 OK", b"{}")) as server:
        reply = await handler(server.port).ask(BODY, key="k" * 64)
    assert reply == Reply(heard=Heard.ANSWERED, status=200, body=b"{}")
    assert server.bodies == [BODY]
    assert server.heads[0].startswith("POST /apply HTTP/1.1\r\n")
    assert server.header(IDEMPOTENCY_KEY) == "k" * 64
    assert server.header(SIGNATURE) == sign(SECRET, BODY, executor="app", at=int(NOW.timestamp()))
    assert server.header("content-type") == "application/json"
    assert server.header("host") == f"127.0.0.1:{server.port}"


@pytest.mark.requirement("executor:signed")
@pytest.mark.parametrize(
    ("body", "header", "secrets", "now"),
    [
        (BODY + b" ", signed(BODY), SECRET, 1000),
        (BODY, signed(BODY, secret=SECRET + "!"), SECRET, 1000),
        (BODY, signed(BODY).replace("t=1000", "t=1001"), SECRET, 1000),
        (BODY, signed(BODY), SECRET, 1301),
        (BODY, signed(BODY), SECRET, 699),
        (BODY, signed(BODY) + " ", SECRET, 1000),
        (BODY, signed(BODY).upper(), SECRET, 1000),
        (BODY, signed(BODY).replace("t=1000", "t=\u0661000"), SECRET, 1000),
        (BODY, signed(BODY, executor="other"), SECRET, 1000),
        (BODY, signed(BODY).replace("v2", "v1"), SECRET, 1000),
        (BODY, "t=1000,v2=", SECRET, 1000),
        (BODY, "", SECRET, 1000),
        (b"x" * 33_554_433, signed(b"x" * 33_554_433), SECRET, 1000),
    ],
)
def test_what_the_worker_did_not_sign_now_is_refused(body: bytes, header: str, secrets: str, now: int) -> None:
    with pytest.raises(NotSigned):
        verify(body, {"synapsor-signature": header}, secrets, executor="app", now=now)


@pytest.mark.requirement("executor:signed")
def test_a_secret_is_changed_by_knowing_both_for_a_while_and_one_that_could_be_guessed_is_none() -> None:
    header = {"Synapsor-Signature": signed(BODY)}
    verify(BODY, header, ("another-secret-of-24-characters", SECRET), executor="app", now=1300)
    with pytest.raises(ValueError, match="24"):
        verify(BODY, header, "short", executor="app", now=1000)
    with pytest.raises(ValueError, match="24"):
        verify(BODY, header, (), executor="app", now=1000)
    for name in ("", "app.b", "App", "a" * 64):
        with pytest.raises(ValueError, match="name"):
            verify(BODY, header, SECRET, executor=name, now=1000)
        with pytest.raises(ValueError, match="name"):
            signed(BODY, executor=name)
    with pytest.raises(ConfigError):
        HttpHandler(name="app", url="https://x/", secret=Secret("short"), seconds=1, clock=TestClock(NOW))


async def _dripping(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


async def _silent(_: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _cut(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{")
    await writer.drain()


async def _gone(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


@pytest.mark.requirement("executor:bounded")
@pytest.mark.parametrize("say", [_dripping, _silent, _cut, _gone, text("200 OK", b"x", content_encoding="gzip")])
async def test_an_answer_that_is_late_cut_or_packed_is_unknown(say: Say) -> None:
    async with saying(say) as server:
        patient = say in {_cut, _gone}
        reply = await handler(server.port, seconds=20 if patient else 0.3).ask(BODY, key="k")
    assert reply == Reply(heard=Heard.UNKNOWN)


@pytest.mark.requirement("executor:bounded")
async def test_an_answer_that_is_too_large_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MOST_ANSWER_BYTES", 1000)
    async with saying(text("200 OK", b"x" * 1001)) as server:
        assert await handler(server.port).ask(BODY, key="k") == Reply(heard=Heard.UNKNOWN)


@pytest.mark.requirement("executor:one-address")
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_no_redirect_is_followed(status: str) -> None:
    async with saying(text("200 OK", b"{}")) as other:
        to = f"http://127.0.0.1:{other.port}/"
        async with saying(text(status, location=to)) as server:
            reply = await handler(server.port).ask(BODY, key="k")
    assert (reply.heard, reply.body, other.heads) == (Heard.ANSWERED, b"", [])


@pytest.mark.requirement("executor:one-address")
async def test_no_proxy_of_the_environment_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    async with saying(text("200 OK", b"{}")) as proxy, saying(text("200 OK", b"{}")) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        await handler(server.port).ask(BODY, key="k")
    assert (len(server.heads), proxy.heads) == (1, [])


@pytest.mark.requirement("executor:unknown")
@pytest.mark.parametrize(
    ("said", "reply"),
    [
        (text("401 Unauthorized"), Reply(heard=Heard.DENIED)),
        (text("429 Too Many", retry_after="7"), Reply(heard=Heard.BUSY, wait=7.0)),
        (text("503 Unavailable", retry_after="99999999"), Reply(heard=Heard.BUSY, wait=600.0)),
        (text("503 Unavailable", retry_after="-1"), Reply(heard=Heard.BUSY)),
        (text("503 Unavailable"), Reply(heard=Heard.BUSY)),
        (text("500 Oops", b"trace"), Reply(heard=Heard.ANSWERED, status=500, body=b"trace")),
    ],
)
async def test_what_a_handler_does_not_take_is_told_apart(said: Say, reply: Reply) -> None:
    async with saying(said) as server:
        assert await handler(server.port).ask(BODY, key="k") == reply


@pytest.mark.requirement("executor:unknown")
async def test_a_handler_that_cannot_be_reached_was_handed_nothing() -> None:
    async with saying(text("200 OK")) as server:
        closed = server.port
    assert await handler(closed).ask(BODY, key="k") == Reply(heard=Heard.UNREACHED)
    assert await handler(80, host="169.254.169.254").ask(BODY, key="k") == Reply(heard=Heard.UNREACHED)


@pytest.mark.requirement("executor:one-address")
async def test_a_handler_proves_that_it_is_the_one_that_is_meant(tmp_path: Path) -> None:
    mine, other = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    mine.issue_cert("localhost").configure_cert(context)
    for name, authority in (("mine", mine), ("other", other)):
        authority.cert_pem.write_to_path(str(tmp_path / name))
    async with saying(text("200 OK", b"{}"), tls=context) as server:
        ask = {"scheme": "https", "port": server.port}
        assert (await handler(**ask, host="localhost", ca=tmp_path / "mine").ask(BODY, key="k")).body == b"{}"  # type: ignore[arg-type]
        for host, ca in (("localhost", tmp_path / "other"), ("localhost", None), ("127.0.0.1", tmp_path / "mine")):
            reply = await handler(**ask, host=host, ca=ca).ask(BODY, key="k")  # type: ignore[arg-type]
            assert reply == Reply(heard=Heard.UNREACHED)
    assert server.bodies == [BODY]
