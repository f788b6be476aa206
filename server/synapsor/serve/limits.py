"""How much one HTTP client may ask for: bytes, time and open streams.

Every limit holds without the client's help: a body without a length is counted as it arrives, and a silent client runs out of time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import anyio
from starlette.types import Message, Receive, Scope

_DIGITS = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of the HTTP transports.

    Attributes:
        body: bytes of one message.
        header_bytes: bytes of one request's line and headers.
        header_s: how long a client may take to send them.
        pipelined: requests that a connection may send before it has read an answer.
        body_s: how long a client may take to send one message.
        messages: messages of one token that are being received or answered.
        request_s: how long one message may take, from its first byte to its answer.
        streams: open event streams of one token.
        sessions: open sessions of protocol versions that have them, of all tokens.
        session_idle_s: how long such a session may stay unused.
        connections: open connections of all clients.
    """

    body: int = 4 * 1024 * 1024
    header_bytes: int = 32_768
    header_s: float = 10.0
    pipelined: int = 8
    body_s: float = 15.0
    messages: int = 256
    request_s: float = 120.0
    streams: int = 8
    sessions: int = 1000
    session_idle_s: float = 1800.0
    connections: int = 1024


class BodyTooLarge(Exception):
    """The body is over the limit."""


class Disconnected(Exception):
    """The client left before its message was complete."""


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Return the whole body.

    Raises:
        BodyTooLarge: it is longer than the limit, or says that it will be.
        Disconnected: the client left.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and (not value.isdigit() or len(value) > _DIGITS or int(value) > limit):
            raise BodyTooLarge
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise BodyTooLarge
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def drain(receive: Receive, limit: int) -> None:
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


class TooManyStreams(Exception):
    """The token has as many open streams as it may have."""


class Streams:
    """What is open of each token, event streams or messages; streams end when the server does."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: Counter[str] = Counter()
        self._closing = anyio.Event()

    @contextmanager
    def one(self, owner: str) -> Iterator[None]:
        """Hold one stream open.

        Raises:
            TooManyStreams: the owner has none left, or the server is ending.
        """
        if self._closing.is_set() or self._open[owner] >= self._limit:
            raise TooManyStreams
        self._open[owner] += 1
        try:
            yield
        finally:
            self._open[owner] -= 1

    def until_closed(self, receive: Receive) -> Receive:
        """Return a `receive` that says the client left when the server ends."""

        async def either() -> Message:
            found: list[Message] = []

            async def closing() -> None:
                await self._closing.wait()
                found.append({"type": "http.disconnect"})
                group.cancel_scope.cancel()

            async with anyio.create_task_group() as group:
                group.start_soon(closing)
                found.append(await receive())
                group.cancel_scope.cancel()
            return found[0]

        return either

    def close(self) -> None:
        """End all streams and open no further one."""
        self._closing.set()
