"""MCP over stdin and stdout, on the event loop's own pipes; the SDK's stdio hops to a worker thread for every line.

Hostile or broken input is answered and survived: a line that is no message gets its error, a line without end is skipped at the
limit, the end of input and a signal let calls in flight finish within a grace period. Logging goes to stderr only.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import anyio
from mcp.shared.dispatcher import coerce_request_id
from mcp.shared.jsonrpc_dispatcher import cancelled_request_id_from_params
from mcp.shared.message import ServerMessageMetadata, SessionMessage
from mcp.types import INVALID_REQUEST, JSONRPCError, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse, RequestId

from synapsor.serve.calls import Calls
from synapsor.serve.descriptors import private_wire
from synapsor.serve.lines import Lines, TooLong
from synapsor.serve.server import ToolServer
from synapsor.serve.streams import SdkReadStream, SdkStream
from synapsor.serve.wire import Malformed, internal_error, message_from, parse
from synapsor.web.loop import on_signals

MAX_LINE = 4 * 1024 * 1024
MAX_OPEN = 256
_FLUSH_SECONDS = 2.0


async def serve_stdio(
    server: ToolServer, *, grace_s: float = 5.0, max_line: int = MAX_LINE, max_open: int = MAX_OPEN
) -> None:
    """Serve the one client on stdin and stdout until it leaves or a signal comes.

    Raises:
        UsageError: stdin or stdout is closed.
    """
    loop = asyncio.get_running_loop()
    with private_wire() as (wire_in, wire_out):
        lines, outbox = Lines(max_line), Outbox()
        calls = Calls(server.caller, outbox)
        inbox = Inbox(lines, outbox, calls, grace_s=grace_s, max_open=max_open)
        outbox.on_answer, outbox.on_lost, lines.offer = calls.learn, inbox.leave, inbox.take
        # Last of all: a client may have left before, which is told at once and only once.
        await loop.connect_write_pipe(lambda: outbox, os.fdopen(wire_out, "wb", 0))
        await loop.connect_read_pipe(lambda: lines, os.fdopen(wire_in, "rb", 0))
        try:
            with on_signals(inbox.finish, inbox.leave):
                await server.run(inbox, outbox, server.create_initialization_options())
        finally:
            await calls.aclose()
            lines.close()
            await outbox.flush()


class Outbox(SdkStream, asyncio.BaseProtocol):
    """The SDK's write stream and the pipe's protocol: messages become lines, and answered requests are ticked off."""

    def __init__(self) -> None:
        self.on_lost: Callable[[], None] | None = None
        self.on_answer: Callable[[RequestId, Mapping[str, Any] | None], None] = lambda *_: None
        self._transport: asyncio.WriteTransport | None = None
        self._writable = asyncio.Event()
        self._lost = asyncio.Event()
        self._open: Counter[RequestId] = Counter()
        self._changed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start writing."""
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is one by shape only
        self._writable.set()

    def pause_writing(self) -> None:
        """Make senders wait: the client does not read."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Let senders go on."""
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        """Wake whoever waits: the client is gone, or everything is flushed."""
        self._lost.set()
        self._writable.set()
        if self.on_lost is not None:
            self.on_lost()

    async def say(self, line: bytes) -> None:
        """Write one line.

        Raises:
            anyio.BrokenResourceError: nobody can read it any more.
        """
        await self._writable.wait()
        if self._transport is None or self._lost.is_set():
            raise anyio.BrokenResourceError
        self._transport.write(line + b"\n")

    async def send(self, item: SessionMessage, /) -> None:
        """Write a message."""
        message = item.message
        answered = message.id if isinstance(message, JSONRPCResponse | JSONRPCError) else None
        if answered is not None:
            self.on_answer(answered, message.result if isinstance(message, JSONRPCResponse) else None)
        try:
            line = message.model_dump_json(by_alias=True, exclude_unset=True).encode()
        except ValueError:
            line = internal_error(answered)
        try:
            await self.say(line)
        finally:
            if answered is not None:
                self.end(answered)

    async def answer(self, line: bytes, answered: RequestId) -> None:
        """Write an answer, and tick its request off."""
        try:
            await self.say(line)
        finally:
            self.end(answered)

    def begin(self, request_id: RequestId) -> None:
        """Note a request that is owed an answer."""
        self._open[coerce_request_id(request_id)] += 1

    def end(self, request_id: RequestId) -> None:
        """Tick a request off: answered, or canceled by its sender and over."""
        key = coerce_request_id(request_id)
        self._open[key] -= 1
        if self._open[key] <= 0:
            del self._open[key]
        self._changed.set()

    def owes(self, request_id: RequestId) -> bool:
        """Tell whether a request of this id is owed an answer."""
        return self._open[coerce_request_id(request_id)] > 0

    @property
    def owed(self) -> int:
        """How many requests are owed an answer."""
        return self._open.total()

    async def below(self, limit: int) -> None:
        """Wait until fewer requests than this are owed an answer."""
        while self.owed >= limit:
            self._changed.clear()
            await self._changed.wait()

    async def flush(self) -> None:
        """Write out what is left, and give up on a client that does not read."""
        if self._transport is None:
            return
        self._transport.close()
        with anyio.move_on_after(_FLUSH_SECONDS, shield=True):
            await self._lost.wait()
        if not self._lost.is_set():
            self._transport.abort()


class Inbox(SdkReadStream):
    """The SDK's read stream: lines become messages; it ends when the open requests are answered or the grace is over."""

    def __init__(
        self,
        lines: Lines,
        outbox: Outbox,
        calls: Calls,
        *,
        grace_s: float,
        max_open: int,
    ) -> None:
        self._lines = lines
        self._outbox = outbox
        self._calls = calls
        self._grace_s = grace_s
        self._max_open = max_open
        self._taking = anyio.CancelScope()
        self._grace = anyio.CancelScope()
        self._finishing = False
        self._ended = False

    def finish(self) -> None:
        """Take no further message, and end when the open requests are answered."""
        self._finishing = True
        self._lines.close()
        self._taking.cancel()  # it may wait for a client that does not read

    def leave(self) -> None:
        """Take no further message, and end now."""
        self._grace.cancel()
        self.finish()

    def take(self, line: bytes) -> bool:
        """Begin the call that a line is, when it can be begun on the spot."""
        if self._finishing or self._outbox.owed >= self._max_open:
            return False
        try:
            return self._calls.take(parse(line.strip()))
        except Malformed:
            return False  # answered when it is read again, in its turn

    async def receive(self) -> SessionMessage:
        """Return the next message; what is none is answered here.

        Raises:
            anyio.EndOfStream: there will be no further one.
        """
        if not self._ended:
            if not self._finishing:
                with anyio.CancelScope() as self._taking:
                    if message := await self._next():
                        return message
            self._ended = True
            self._grace.deadline = anyio.current_time() + self._grace_s
            with self._grace:
                await self._outbox.below(1)
        raise anyio.EndOfStream

    async def _next(self) -> SessionMessage | None:
        try:
            while True:
                await self._outbox.below(self._max_open)
                line = await self._line()
                if line is None or self._finishing:
                    return None
                if message := await self._message(line):
                    return message
        except anyio.BrokenResourceError:
            self.leave()
            return None

    async def _line(self) -> bytes | None:
        while True:
            try:
                line = await self._lines.next()
            except TooLong:
                await self._outbox.say(Malformed(INVALID_REQUEST, "The message is too large").answer())
                continue
            if line is None or (line := line.strip()):
                return line

    async def _message(self, line: bytes) -> SessionMessage | None:
        try:
            value = parse(line)
            if self._calls.take(value):
                return None
            message = message_from(value)
        except Malformed as malformed:
            await self._outbox.say(malformed.answer())
            return None
        if isinstance(message, JSONRPCRequest):
            self._outbox.begin(message.id)
            # A canceled request is owed no answer, and is open until it has ended all the same.
            return SessionMessage(message, ServerMessageMetadata(on_request_unanswered=self._unanswered(message.id)))
        if isinstance(message, JSONRPCNotification) and (canceled := _canceled(message)) is not None:
            self._calls.cancel(canceled)
        return SessionMessage(message)

    def _unanswered(self, request_id: RequestId) -> Callable[[], Awaitable[None]]:
        async def ended() -> None:
            self._outbox.end(request_id)

        return ended


def _canceled(message: JSONRPCNotification) -> RequestId | None:
    return cancelled_request_id_from_params(message.params) if message.method == "notifications/cancelled" else None
