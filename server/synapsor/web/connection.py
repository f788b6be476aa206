"""One HTTP connection, bounded in what uvicorn leaves open: its headers, the time to receive an answer, and the number of all.

A client that sends an endless header, or one byte a minute, is cut off before any application code runs. One that does not read is cut
off with all that waits for it. Connections in which nothing is asked make room for new ones.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from synapsor.web.limits import Limits

CLIENT: Final = "synapsor.client"
"""Where the scope of a request has the client's side of the connection."""
# A body in chunks of one byte has seven bytes of marks around each.
_FRAMING_PER_BYTE = 8
# Of the ledger, the sources' pools and the process.
_OTHER_DESCRIPTORS = 256


class BoundedConnection(HttpToolsProtocol):
    """A connection of uvicorn's, with a byte count and a clock on what precedes a body, and a clock on what is not read."""

    limits = Limits()
    strangers: dict[BoundedConnection, None]
    """The connections in which nothing is being answered and no token has come, the oldest first."""
    quiet: dict[BoundedConnection, None]
    """The others in which nothing is being answered, the longest quiet first."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._framing = 0
        self._body = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._when_left: Callable[[], None] | None = None

    @property
    def left(self) -> bool:
        """Whether the client has left."""
        return self.transport.is_closing()

    def when_left(self, do: Callable[[], None]) -> None:
        """Do this when the client leaves during the current request."""
        if self.left:
            do()
        self._when_left = do
        self.flow.resume_reading()  # or its leaving would not be seen

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Make room, and start the clock."""
        super().connection_made(transport)
        # Whatever the client's side has not taken stops the sender and starts a clock. With TLS the mark stops a sender who reaches it,
        # and not only one who passes it: at nothing, nothing would ever be sent.
        transport.set_write_buffer_limits(high=0 if transport.get_extra_info("ssl_object") is None else 1)
        if len(self.connections) > self.limits.connections:
            next(chain(self.strangers, self.quiet), self).cut()
        if self in self.connections:
            self.strangers[self] = None
            self._start_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks, and tell whoever works for the client."""
        if self._when_left is not None:
            self._when_left()
        self._leave()
        self._stop_clock()
        self._stop_waiting()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Give the client its time to receive what was sent."""
        super().pause_writing()
        self._stop_waiting()
        self._unread = self.loop.call_later(self.limits.send_s, self.cut)

    def resume_writing(self) -> None:
        """Stop that clock: the client's side has taken all."""
        self._stop_waiting()
        super().resume_writing()

    def on_response_complete(self) -> None:
        """Note that the connection is quiet, unless its client has asked on."""
        self._when_left = None
        super().on_response_complete()
        if self.cycle.response_complete:
            (self.quiet if "user" in self.scope else self.strangers)[self] = None

    def data_received(self, data: bytes) -> None:
        """Parse, and cut the connection off when it sends more headers, trailers or chunk marks than it may."""
        self._framing += len(data)
        super().data_received(data)
        if (
            self._framing - _FRAMING_PER_BYTE * self._body > self.limits.header_bytes
            and not self.transport.is_closing()
        ):
            self.send_400_response("The headers are too long.")

    def on_message_begin(self) -> None:
        """Start the clock of a request."""
        super().on_message_begin()
        self.scope[CLIENT] = self  # type: ignore[typeddict-unknown-key]  # an extension, as ASGI allows
        self._framing = self._body = 0
        self._start_clock()

    def on_headers_complete(self) -> None:
        """Stop the clock, and refuse what came in one piece but is too long."""
        self._stop_clock()
        if len(self.pipeline) > self.limits.pipelined:
            self.transport.abort()  # it sends and does not read: a polite close would wait for it to read
            raise ValueError("too many requests without reading an answer")
        if len(self.url) + sum(len(n) + len(v) + 4 for n, v in self.headers) > self.limits.header_bytes:
            raise ValueError("headers too long")
        self._framing = 0
        self._leave()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Count what is body, and not framing around it."""
        self._body += len(body)
        super().on_body(body)

    def cut(self) -> None:
        """End the connection now, with whatever waits in it."""
        # Counted no longer: the loop tells of the end only later, and more may come before.
        self.connections.discard(self)
        self._leave()
        self.transport.abort()

    def _leave(self) -> None:
        self.strangers.pop(self, None)
        self.quiet.pop(self, None)

    def _start_clock(self) -> None:
        self._stop_clock()
        self._deadline = self.loop.call_later(self.limits.header_s, self.cut)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _stop_waiting(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None


def connection_class(limits: Limits) -> type[BoundedConnection]:
    """Return the connection class of one server with these limits."""
    return type("BoundedConnection", (BoundedConnection,), {"limits": limits, "strangers": {}, "quiet": {}})


def with_room(limits: Limits, *, tls: bool = False) -> Limits:
    """Return the limits with no more connections than the process can have beside its other descriptors, after asking for enough."""
    others = _OTHER_DESCRIPTORS + (limits.handshakes if tls else 0)
    wanted = limits.connections + others
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
            soft = allowed
        return replace(limits, connections=max(1, min(limits.connections, soft - others)))
    return limits
