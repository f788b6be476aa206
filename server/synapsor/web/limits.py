"""How much an HTTP client may ask for, and the reading of a body within that.

Every limit holds without the client's help: a body without a length is counted as it arrives, and a silent client runs out of time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import anyio
from starlette.types import Message, Receive, Scope

_DIGITS = 18


class TooMuch(Exception):
    """An owner has as much open as they may have; the words say of what, and what helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of the HTTP transports; what is said of one token holds for each, so that none can take what is the others'.

    Attributes:
        body: bytes of one message.
        hello: bytes of a message that opens a session, which is kept as long as the session.
        held: bytes of one token's messages that are being received, waiting or answered.
        header_bytes: bytes of one request's line and headers.
        header_s: how long a client may take to send them.
        pipelined: requests that a connection may send before it has read an answer.
        body_s: how long a client may take to send one message.
        messages: messages of one token that are being received, waiting or answered.
        calls: those of them that are worked on at once; fewer than the connections of a source's pool.
        request_s: how long one message may take, from its first byte to its answer.
        send_s: how long a client may take to receive what was sent to it.
        streams: open event streams of one token.
        stream_requests: requests of one event stream that are not answered yet.
        sessions: open sessions of one token, of protocol versions that have them.
        all_sessions: open sessions of all tokens.
        session_idle_s: how long such a session may stay unused.
        connections: open connections of all clients.
        handshakes: further connections by TLS in which nobody has shaken hands yet.
    """

    body: int = 4 * 1024 * 1024
    hello: int = 65_536
    held: int = 16 * 1024 * 1024
    header_bytes: int = 32_768
    header_s: float = 10.0
    pipelined: int = 8
    body_s: float = 15.0
    messages: int = 128
    calls: int = 6
    request_s: float = 120.0
    send_s: float = 30.0
    streams: int = 8
    stream_requests: int = 32
    sessions: int = 64
    all_sessions: int = 1000
    session_idle_s: float = 1800.0
    connections: int = 1024
    handshakes: int = 64


class BodyTooLarge(Exception):
    """The body is over the limit."""


class Disconnected(Exception):
    """The client left before its message was complete."""


async def read_body(scope: Scope, receive: Receive, limit: int, weigh: Callable[[int], None]) -> bytes:
    """Return the whole body; `weigh` is told the size of each part, and may raise to refuse it.

    Raises:
        BodyTooLarge: it is longer than the limit, or says that it will be.
        Disconnected: the client left.
    """
    body = _Body(receive, limit, weigh)
    try:
        _check_length(scope, limit)
        return await body.whole()
    except Exception:
        if body.more:
            await _drain(receive, limit)
        raise


class _Body:
    """A body that is arriving; `more` says that there is more of it."""

    def __init__(self, receive: Receive, limit: int, weigh: Callable[[int], None]) -> None:
        self.more = True
        self._receive = receive
        self._limit = limit
        self._weigh = weigh

    async def whole(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        while self.more:
            message = await self._receive()
            self.more = message.get("more_body", False)
            if message["type"] != "http.request":
                raise Disconnected
            part: bytes = message.get("body", b"")
            size += len(part)
            if size > self._limit:
                raise BodyTooLarge
            self._weigh(len(part))
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _check_length(scope: Scope, limit: int) -> None:
    for name, value in scope["headers"]:
        if name == b"content-length" and (not value.isdigit() or len(value) > _DIGITS or int(value) > limit):
            raise BodyTooLarge


async def _drain(receive: Receive, limit: int) -> None:
    """Read on for a moment, so that a client in the middle of sending gets to see the refusal."""
    left = 4 * limit
    with anyio.move_on_after(2):
        while left > 0:
            message = await receive()
            if message["type"] != "http.request" or not message.get("more_body", False):
                return
            left -= len(message.get("body", b""))


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that delivers the body once and then whatever follows it."""
    delivered = False

    async def again() -> Message:
        nonlocal delivered
        if delivered:
            return await receive()
        delivered = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
