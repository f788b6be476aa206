"""Who stays with a call that waits: it gives the call's turn to others meanwhile, and tells its client how long it has waited.

Streamable HTTP answers with one JSON body, which has no room for word on the way. Where a client asked for progress and takes event
streams, the first word makes the answer a stream, and the body that the SDK makes becomes its last event.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from typing import Any, Final

from mcp.server.context import ServerRequestContext
from mcp.shared.jsonrpc_dispatcher import progress_token_from_params
from mcp.types import JSONRPCRequest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from synapsor.serve.gate import MESSAGE
from synapsor.serve.shares import current_share

WORDS: Final = "The proposal waits for a person's decision."
_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class Companion:
    """The company of one request, for every transport."""

    def __init__(self, ctx: ServerRequestContext[Any, Any]) -> None:
        self._ctx = ctx
        self._way = current_way.get()
        self._share = current_share.get()

    def aside(self) -> AbstractAsyncContextManager[None]:
        """Let other calls of the token have the turn."""
        return _nothing() if self._share is None else self._share.aside()

    async def tell(self, waited: float, most: float) -> None:
        """Send a progress notification, where the client gave a token for it; a client that has left is told nothing."""
        try:
            if self._way is not None:
                await self._way.tell(waited, most)
            else:
                await self._ctx.session.report_progress(waited, most, WORDS)
        except Exception:  # noqa: BLE001  # what cannot be told is no failure of the call
            return


@asynccontextmanager
async def _nothing() -> AsyncIterator[None]:
    yield


class _Way:
    """The way back to the client of one POST, which becomes an event stream when something is told before the answer."""

    def __init__(self, send: Send, token: str | int) -> None:
        self._send = send
        self._token = token
        self._streams = False
        self._body = b""
        self._answered = False

    async def tell(self, waited: float, most: float) -> None:
        """Send a progress notification, unless the answer is on its way."""
        if self._answered:
            return
        params = {"progressToken": self._token, "progress": waited, "total": most, "message": WORDS}
        body = json.dumps({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})
        if not self._streams:
            await self._send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            self._streams = True
        await self._event(body.encode(), more=True)

    async def __call__(self, message: Message) -> None:
        """Send a part of the SDK's answer: as it is, or as the last event."""
        self._answered = True
        if not self._streams:
            await self._send(message)
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._event(self._body, more=False)

    def end(self) -> None:
        """Tell nothing more: whoever asked has gone."""
        self._answered = True

    async def _event(self, data: bytes, *, more: bool) -> None:
        event = b"event: message\r\ndata: " + data + b"\r\n\r\n"
        await self._send({"type": "http.response.body", "body": event, "more_body": more})


current_way: ContextVar[_Way | None] = ContextVar("synapsor_way", default=None)
"""The way of the current request, where its client asked for progress and takes a stream."""


class Accompanied:
    """An ASGI application around the SDK's, which gives it one JSON body to answer with."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        token = _asked_for(scope)
        if token is None:
            await self._app(scope, receive, send)
            return
        way = _Way(send, token)
        slot = current_way.set(way)
        try:
            await self._app(scope, receive, way)
        finally:
            current_way.reset(slot)
            way.end()


def _asked_for(scope: Scope) -> str | int | None:
    """Return the token with which a request asks for progress that it can be given."""
    message = scope.get(MESSAGE)
    if not isinstance(message, JSONRPCRequest) or message.method != "tools/call":
        return None
    accepted = b",".join(value for name, value in scope["headers"] if name == b"accept")
    kinds = {kind.partition(b";")[0].strip().lower() for kind in accepted.split(b",")}
    return progress_token_from_params(message.params) if kinds & {b"text/event-stream", b"text/*", b"*/*"} else None
