"""The older transport: an event stream at GET /sse takes the answers to what is sent by POST /messages/.

A POST ends only when its answer is in the client's hands, so a client that does not read its stream can ask for no more than what a stream
may have open; a message never leaves the share of its token before.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import Context, copy_context
from typing import Any, Final
from uuid import uuid4

import anyio
from mcp.server import Server
from mcp.shared.dispatcher import coerce_request_id
from mcp.shared.message import ServerMessageMetadata, SessionMessage
from mcp.types import INVALID_REQUEST, JSONRPCError, JSONRPCMessage, JSONRPCRequest, JSONRPCResponse, RequestId
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from synapsor.serve.gate import MESSAGE, owner
from synapsor.serve.identity import in_run
from synapsor.serve.streams import SdkReadStream
from synapsor.serve.wire import Malformed, internal_error
from synapsor.web.limits import TooMuch

STREAM: Final = "/sse"
MESSAGES: Final = "/messages/"
_PING_SECONDS = 15.0
_SESSION = re.compile(rb"session_id=([0-9a-f]{32})\Z")
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class EventStreams:
    """Both routes, and the streams that are open."""

    def __init__(self, server: Server[Any], *, requests: int) -> None:
        self._server = server
        self._requests = requests
        self._open: dict[bytes, _Stream] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of either route."""
        await (self._listen if scope["path"] == STREAM else self._post)(scope, receive, send)

    async def _listen(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a stream until its client leaves or the server ends."""
        if scope["method"] != "GET":
            await Response(status_code=405, headers={"Allow": "GET"})(scope, receive, send)
            return
        async with self._stream(send) as (name, stream):
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await stream.event("endpoint", f"{MESSAGES}?session_id={name.decode()}")
            async with anyio.create_task_group() as group:

                async def until_left() -> None:
                    while (await receive())["type"] != "http.disconnect":
                        pass
                    stream.end()
                    group.cancel_scope.cancel()

                group.start_soon(until_left)
                group.start_soon(stream.ping)
                await self._server.run(stream, stream, self._server.create_initialization_options())
                group.cancel_scope.cancel()

    async def _post(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a message to its stream, and return when it is answered.

        Raises:
            TooMuch: the stream has too many requests open.
            Malformed: the stream has an open request with this id.
        """
        if scope["method"] != "POST":
            await Response(status_code=405, headers={"Allow": "POST"})(scope, receive, send)
            return
        asked = _SESSION.match(scope["query_string"])
        stream = self._open.get(asked.group(1)) if asked else None
        if asked is None or stream is None or stream.owner != owner():
            # Somebody else's stream answers exactly as one that is not there.
            await PlainTextResponse("Could not find session", 404)(scope, receive, send)
            return
        message: JSONRPCMessage = scope[MESSAGE]
        accepted = PlainTextResponse("Accepted", 202)
        if not isinstance(message, JSONRPCRequest):
            await accepted(scope, receive, send)
            await stream.take(SessionMessage(message))
            return
        with stream.request(message.id) as request, in_run(asked[1].decode()):
            await accepted(scope, receive, send)
            await stream.take(request.carrying(message))
            await request.settled.wait()

    @asynccontextmanager
    async def _stream(self, send: Send) -> AsyncIterator[tuple[bytes, _Stream]]:
        name = uuid4().hex.encode()
        stream = self._open[name] = _Stream(send, owner=owner(), requests=self._requests)
        try:
            yield name, stream
        finally:
            del self._open[name]
            stream.end()


class _Request:
    """A request that is owed an answer."""

    def __init__(self) -> None:
        self.settled = anyio.Event()

    def carrying(self, message: JSONRPCRequest) -> SessionMessage:
        """Return the message with word to the SDK of what to do when it answers nothing, as for a canceled request."""
        return SessionMessage(message, ServerMessageMetadata(on_request_unanswered=self._unanswered))

    async def _unanswered(self) -> None:
        self.settled.set()


class _Stream(SdkReadStream):
    """One event stream: the SDK's read stream, filled by the POSTs, and its write stream, which sends events, in one."""

    def __init__(self, send: Send, *, owner: str, requests: int) -> None:
        self.owner = owner
        self.last_context: Context | None = None
        self._send = send
        self._requests = requests
        self._open: dict[RequestId, _Request] = {}
        self._writing = anyio.Lock()
        self._ended = False
        # Without a buffer: whoever posts waits until the SDK has taken it.
        self._inbox, self._taken = anyio.create_memory_object_stream[tuple[Context, SessionMessage]](0)

    @contextmanager
    def request(self, request_id: RequestId) -> Iterator[_Request]:
        """Note a request that is owed an answer.

        Raises:
            TooMuch: too many are.
            Malformed: one with this id is.
        """
        key = coerce_request_id(request_id)
        if key in self._open:
            raise Malformed(INVALID_REQUEST, "This id is in use", request_id)
        if len(self._open) >= self._requests:
            raise TooMuch("Too many open requests on this stream; read its answers")
        request = self._open[key] = _Request()
        try:
            yield request
        finally:
            del self._open[key]

    async def take(self, item: SessionMessage) -> None:
        """Pass a message on in the context of the caller, whose token it carries; does nothing when the stream has ended."""
        try:
            await self._inbox.send((copy_context(), item))
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return

    async def receive(self) -> SessionMessage:
        """Return the next message; `last_context` is then the one it was sent in.

        Raises:
            anyio.EndOfStream: there will be no further one.
        """
        self.last_context, item = await self._taken.receive()
        return item

    async def send(self, item: SessionMessage, /) -> None:
        """Send a message to the client, and settle the request that it answers.

        Raises:
            anyio.BrokenResourceError: the client has left.
        """
        message = item.message
        answered = message.id if isinstance(message, JSONRPCResponse | JSONRPCError) else None
        try:
            try:
                data = message.model_dump_json(by_alias=True, exclude_unset=True)
            except ValueError:
                data = internal_error(answered).decode()
            await self.event("message", data)
        finally:
            request = self._open.get(coerce_request_id(answered)) if answered is not None else None
            if request is not None:
                request.settled.set()

    async def event(self, name: str, data: str) -> None:
        """Send an event, and return when the client's side has taken it.

        Raises:
            anyio.BrokenResourceError: the client has left.
        """
        await self._write(f"event: {name}\r\ndata: {data}\r\n\r\n")

    async def ping(self) -> None:
        """Send a comment now and then, for whatever counts silence as the end."""
        while True:
            await anyio.sleep(_PING_SECONDS)
            await self._write(": ping\r\n\r\n")

    def end(self) -> None:
        """Take and send nothing more, and let go of whoever waits."""
        self._ended = True
        self._inbox.close()
        self._taken.close()
        for request in self._open.values():
            request.settled.set()

    async def _write(self, text: str) -> None:
        async with self._writing:
            if self._ended:
                raise anyio.BrokenResourceError
            await self._send({"type": "http.response.body", "body": text.encode(), "more_body": True})
