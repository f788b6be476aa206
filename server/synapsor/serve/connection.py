"""One HTTP connection whose headers are bounded in size and in time, which uvicorn leaves open.

A client that sends an endless header, or one byte a minute, is cut off before any application code runs.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from synapsor.serve.limits import Limits

# A body in chunks of one byte has seven bytes of marks around each.
_FRAMING_PER_BYTE = 8


class BoundedConnection(HttpToolsProtocol):
    """A connection of uvicorn's, with a byte count and a clock on what precedes a body."""

    limits = Limits()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._framing = 0
        self._body = 0
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Start the clock."""
        super().connection_made(transport)
        self._start_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop_clock()
        super().connection_lost(exc)

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
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Count what is body, and not framing around it."""
        self._body += len(body)
        super().on_body(body)

    def _start_clock(self) -> None:
        self._stop_clock()
        self._deadline = self.loop.call_later(self.limits.header_s, self._cut)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cut(self) -> None:
        self.transport.abort()


def connection_class(limits: Limits) -> type[BoundedConnection]:
    """Return the connection class for these limits."""
    return type("BoundedConnection", (BoundedConnection,), {"limits": limits})
