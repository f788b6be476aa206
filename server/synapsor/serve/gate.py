"""The one door of the HTTP transports: every request of every route passes here before any other code sees it.

Host, origin, token, size, shape and time are checked in this order, and each refusal is the same bytes for everyone. The token's
identity is set for this request alone; nothing behind the door remembers it for a connection.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from typing import Final, Protocol

import anyio
import anyio.lowlevel
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.types import JSONRPCMessage, JSONRPCRequest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from synapsor.serve.identity import Bearer, TokenVerifier, current
from synapsor.serve.shares import Share, Shares, Streams
from synapsor.serve.wire import Malformed, error_bytes, message_of
from synapsor.web.connection import CLIENT
from synapsor.web.limits import BodyTooLarge, Disconnected, Limits, TooMuch, read_body, replay
from synapsor.web.sessions import has_sessions

log = logging.getLogger("synapsor.serve")

LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
MESSAGE: Final = "synapsor.message"
"""Where the scope of a POST holds the message that was read from its body."""
_PORT = re.compile(r"(?::[0-9]{1,5})?\Z")
_SCHEME = re.compile(r"https?://\Z")
_ONCE = frozenset({b"host", b"origin", b"authorization", b"content-length", b"mcp-session-id", b"mcp-protocol-version"})


class Client(Protocol):
    """The client's side of a connection; `synapsor.web.connection.BoundedConnection` is one."""

    @property
    def left(self) -> bool:
        """Whether it is closed, which the server tells the application only later."""
        ...

    def when_left(self, do: Callable[[], None]) -> None:
        """Do this when it closes while the current request is being answered, or now when it has."""
        ...


class _Refused(Exception):
    def __init__(self, status: int, words: str, *headers: tuple[bytes, bytes], body: bytes | None = None) -> None:
        super().__init__(words)
        self.status = status
        self.headers = headers
        self.body = body or error_bytes(-32000, words, None)


class Gate:
    """ASGI middleware around the whole application."""

    def __init__(
        self, app: ASGIApp, *, tokens: TokenVerifier, hosts: Iterable[str], limits: Limits, streams: Streams
    ) -> None:
        self._app = app
        self._tokens = tokens
        self._hosts = tuple(h.lower() for h in hosts)
        self._limits = limits
        self._streams = streams
        self._shares = Shares(limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it here."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        answer = _Answer(send, scope[CLIENT])
        try:
            await self._admit(scope, receive, answer)
        except _Refused as refused:
            await answer.refuse(refused)
        except Disconnected:
            return
        except Exception as error:  # noqa: BLE001  # nothing that an application raises may reach a client
            log.error("http request failed: %s", type(error).__name__, extra={"action": "request_failed"})  # noqa: TRY400  # a traceback may quote values
            await answer.refuse(_Refused(500, "Internal error"))

    async def _admit(self, scope: Scope, receive: Receive, send: _Answer) -> None:
        headers = _single_headers(scope)
        self._check_host(headers)
        if scope["path"] == "/healthz":
            with anyio.move_on_after(self._limits.header_s):
                await self._app(scope, receive, send)
            return
        bearer = self._tokens.verify(headers.get(b"authorization", b""))
        if bearer is None:
            raise _Refused(401, "Unauthorized", (b"www-authenticate", b'Bearer realm="synapsor"'))
        scope["user"] = _user(bearer)
        slot = current.set(bearer)
        try:
            if scope["method"] in {"GET", "HEAD"}:
                await self._stream(scope, receive, send, bearer)
            else:
                with self._shares.message(bearer.sha256) as share:
                    await self._message(scope, receive, send, share)
        except TooMuch as too_much:
            raise _Refused(429, str(too_much)) from None
        except Malformed as malformed:
            raise _Refused(400, malformed.message, body=malformed.answer()) from None
        finally:
            current.reset(slot)

    def _check_host(self, headers: dict[bytes, bytes]) -> None:
        if not self._is_ours(headers.get(b"host", b"").decode("latin-1").lower()):
            raise _Refused(421, "Misdirected request")
        origin = headers.get(b"origin")
        if origin is not None:
            scheme, slashes, host = origin.decode("latin-1").lower().partition("://")
            if not _SCHEME.match(scheme + slashes) or not self._is_ours(host):
                raise _Refused(403, "Forbidden origin")

    def _is_ours(self, host: str) -> bool:
        return any(host.startswith(known) and _PORT.match(host[len(known) :]) for known in self._hosts)

    async def _stream(self, scope: Scope, receive: Receive, send: _Answer, bearer: Bearer) -> None:
        with self._streams.one(bearer.sha256):
            await self._app(scope, self._streams.until_closed(receive), send)
            await send.finish()

    async def _message(self, scope: Scope, receive: Receive, send: _Answer, share: Share) -> None:
        with anyio.move_on_after(self._limits.request_s) as limit:
            share.limit = limit
            body = await self._body(scope, receive, share)
            if scope["method"] == "POST":
                scope[MESSAGE] = self._opened(message_of(body), body)
            if has_sessions(scope):
                await self._app(scope, replay(body, receive), send)
            else:
                await self._cancelable(scope, body, send)
        if limit.cancelled_caught:
            raise _Refused(504, "The request took too long")

    async def _body(self, scope: Scope, receive: Receive, share: Share) -> bytes:
        try:
            with anyio.fail_after(self._limits.body_s):
                return await read_body(scope, receive, self._limits.body, share.weigh)
        except TimeoutError:
            raise _Refused(408, "The message took too long to arrive") from None
        except BodyTooLarge:
            raise _Refused(413, "The message is too large") from None

    def _opened(self, message: JSONRPCMessage, body: bytes) -> JSONRPCMessage:
        if isinstance(message, JSONRPCRequest) and message.method == "initialize" and len(body) > self._limits.hello:
            raise _Refused(413, "The message that opens a session is too large")
        return message

    async def _cancelable(self, scope: Scope, body: bytes, send: Send) -> None:
        """Run a request that its client cancels by leaving, as protocol versions without sessions do."""
        client: Client = scope[CLIENT]
        with anyio.CancelScope() as whole:
            client.when_left(whole.cancel)
            await self._app(scope, replay(body, _never), send)


class _Answer:
    """The way back to the client, which knows whether an answer has begun."""

    def __init__(self, send: Send, client: Client) -> None:
        self._send = send
        self._client = client
        self._begun = False
        self._ended = False

    async def __call__(self, message: Message) -> None:
        """Send, and return when the client's side has taken it: what is not taken is never more than one piece."""
        self._begun = True
        last = message["type"] == "http.response.body" and not message.get("more_body", False)
        if message.get("body"):
            await self._pass_on({**message, "more_body": True})
            message = {"type": "http.response.body", "more_body": not last}
        self._ended = last
        await self._pass_on(message)

    async def finish(self) -> None:
        """End an answer that was broken off."""
        if self._begun and not self._ended:
            await self({"type": "http.response.body", "body": b""})

    async def refuse(self, refused: _Refused) -> None:
        """Answer with a refusal, unless another answer has begun."""
        if self._begun:
            return
        length = str(len(refused.body)).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", length),
            (b"connection", b"close"),
            *refused.headers,
        ]
        await self({"type": "http.response.start", "status": refused.status, "headers": headers})
        await self({"type": "http.response.body", "body": refused.body})

    async def _pass_on(self, message: Message) -> None:
        if self._client.left:
            await anyio.lowlevel.checkpoint()  # the server notes it when it gets a turn
        else:
            await self._send(message)


def owner() -> str:
    """Return whose token the current request carries, as its hash."""
    bearer = current.get()
    assert bearer is not None  # noqa: S101  # nothing behind the gate runs without
    return bearer.sha256


def _single_headers(scope: Scope) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in found and name in _ONCE:
            raise _Refused(400, "A header appears twice")
        found[name] = value
    return found


def _user(bearer: Bearer) -> AuthenticatedUser:
    # The SDK ties a session to this identity: the token's hash, so that another token never enters it.
    return AuthenticatedUser(AccessToken(token="", client_id=bearer.name, scopes=[], subject=bearer.sha256))


async def _never() -> Message:
    await anyio.sleep_forever()
    raise AssertionError
