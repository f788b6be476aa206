"""Streamable HTTP, with a bound on the sessions that older protocol versions open and often never close.

At its bound a token's longest unused session ends, which its client notices as it would an expired one: 404, and it opens another. Only
when all are in use is a new one refused. Other tokens' sessions are touched only at the bound of all, and then those of the token that
has most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from mcp.types import INVALID_REQUEST, JSONRPCRequest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from synapsor.serve.gate import MESSAGE, has_sessions, owner
from synapsor.serve.identity import in_run
from synapsor.serve.shares import TooMuch
from synapsor.serve.wire import Malformed

_ID = b"mcp-session-id"
_FAILED = 400
_GONE = 404


@dataclass(slots=True, kw_only=True)
class _Session:
    owner: str
    user: Any
    in_use: int = 0
    requests: set[str] = field(default_factory=set)


class Sessions:
    """An ASGI application around the SDK's, which has the sessions themselves."""

    def __init__(self, app: ASGIApp, *, each: int, together: int) -> None:
        self._app = app
        self._each = each
        self._together = together
        self._open: dict[str, _Session] = {}
        """By id, the longest unused first."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request.

        Raises:
            TooMuch: it would open one session more than its token may have.
            Malformed: its session has an open request with the same id.
        """
        named = next((value.decode("latin-1") for name, value in scope["headers"] if name == _ID), None)
        if not has_sessions(scope):
            await self._app(scope, receive, send)
        elif named is None and _is_hello(scope):
            await self._hello(scope, receive, send)
        elif named is not None and (session := self._open.get(named)) and session.owner == owner():
            await self._within(named, session, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _hello(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _Watched(send)
        with self._place(scope) as session:
            await self._make_room(session, scope)
            await self._app(scope, receive, answer)
            session.in_use = 0
        if answer.session is not None and answer.status < _FAILED:
            self._open[answer.session] = session

    async def _within(self, name: str, session: _Session, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _Watched(send)
        session.in_use += 1
        try:
            with _request(session, scope.get(MESSAGE)), in_run(name):
                await self._app(scope, receive, answer)
        finally:
            session.in_use -= 1
            known = self._open.pop(name, None)
            ended = answer.status == _GONE or (scope["method"] == "DELETE" and answer.status < _FAILED)
            if known is not None and not ended:
                self._open[name] = known

    @contextmanager
    def _place(self, scope: Scope) -> Iterator[_Session]:
        """Count a session that is not open yet."""
        name = f"opening {id(scope)}"
        session = self._open[name] = _Session(owner=owner(), user=scope["user"], in_use=1)
        try:
            yield session
        finally:
            del self._open[name]

    async def _make_room(self, coming: _Session, scope: Scope) -> None:
        while True:
            held = Counter(session.owner for session in self._open.values())
            if held[coming.owner] > self._each:
                loser = coming.owner
            elif len(self._open) > self._together:
                loser = max(held, key=lambda name: (held[name], name == coming.owner))
            else:
                return
            unused = next((n for n, s in self._open.items() if s.owner == loser and not s.in_use), None)
            if unused is None:
                raise TooMuch("Too many sessions are in use; end one with DELETE, or wait for an answer")
            await self._end(unused, self._open.pop(unused), scope)

    async def _end(self, name: str, session: _Session, scope: Scope) -> None:
        """End a session as its own client would."""
        host = [header for header in scope["headers"] if header[0] == b"host"]
        request = {**scope, "method": "DELETE", "headers": [*host, (_ID, name.encode())], "user": session.user}
        await self._app(request, _nothing, _nowhere)


class _Watched:
    """The way back to a client, which notes what the answer says."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.session: str | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.session = next((v.decode() for n, v in message.get("headers", ()) if n.lower() == _ID), None)
        await self._send(message)


def _is_hello(scope: Scope) -> bool:
    message = scope.get(MESSAGE)
    return isinstance(message, JSONRPCRequest) and message.method == "initialize"


@contextmanager
def _request(session: _Session, message: Any) -> Iterator[None]:
    """Note a request's id for as long as it is open: the SDK would give one of two with the same id no answer at all."""
    if not isinstance(message, JSONRPCRequest):
        yield
        return
    name = str(message.id)
    if name in session.requests:
        raise Malformed(INVALID_REQUEST, "This id is in use", message.id)
    session.requests.add(name)
    try:
        yield
    finally:
        session.requests.discard(name)


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _nowhere(_: Message) -> None:
    pass
