"""The sessions that older versions of the protocol open over HTTP and often never close: so many of one owner, and so many of all.

At its bound an owner's longest unused session ends, which its client notices as it would an expired one: 404, and it opens another. Only
when all are in use is a new one refused. Other owners' sessions are touched only at the bound of all, and then those of the one that
has most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mcp.types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from synapsor.web.limits import TooMuch

_ID = b"mcp-session-id"
_VERSIONS = frozenset(version.encode() for version in HANDSHAKE_PROTOCOL_VERSIONS)
_FAILED = 400
_GONE = 404


def has_sessions(scope: Scope) -> bool:
    """Return whether a request is of a protocol version that has sessions: one of those, or none that it names."""
    named = next((value for name, value in scope["headers"] if name == b"mcp-protocol-version"), None)
    return named is None or named in _VERSIONS


def session_of(scope: Scope) -> str | None:
    """Return the session that a request names."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == _ID), None)


@dataclass(slots=True, kw_only=True)
class Session:
    """A session; `requests` are the ids of those that are open in it, for who wants to know them."""

    owner: str
    user: Any
    in_use: int = 0
    requests: set[str] = field(default_factory=set)


class Sessions:
    """The sessions of the SDK's application, which has them itself; one is ended as its own client would."""

    def __init__(self, app: ASGIApp, *, each: int, together: int) -> None:
        self._app = app
        self._each = each
        self._together = together
        self._open: dict[str, Session] = {}
        """By id, the longest unused first."""

    def known(self, name: str, owner: str) -> Session | None:
        """Return an owner's open session, or None."""
        session = self._open.get(name)
        return session if session is not None and session.owner == owner else None

    async def begin(self, owner: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that opens a session.

        Raises:
            TooMuch: it would be one more than its owner may have.
        """
        coming = f"opening {id(scope)}"
        session = self._open[coming] = Session(owner=owner, user=scope["user"], in_use=1)

        def opened(name: str) -> None:
            # Before its client hears of it: the next request may come while this answer is still on its way.
            self._open[name] = self._open.pop(coming)

        try:
            await self._make_room(session, scope)
            await self._app(scope, receive, _Watched(send, opened))
        finally:
            self._open.pop(coming, None)
            session.in_use -= 1

    async def go_on(self, name: str, session: Session, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request within a session."""
        answer = _Watched(send)
        session.in_use += 1
        try:
            await self._app(scope, receive, answer)
        finally:
            session.in_use -= 1
            known = self._open.pop(name, None)
            ended = answer.status == _GONE or (scope["method"] == "DELETE" and answer.status < _FAILED)
            if known is not None and not ended:
                self._open[name] = known

    async def _make_room(self, coming: Session, scope: Scope) -> None:
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

    async def _end(self, name: str, session: Session, scope: Scope) -> None:
        """End a session as its own client would."""
        host = [header for header in scope["headers"] if header[0] == b"host"]
        request = {**scope, "method": "DELETE", "headers": [*host, (_ID, name.encode())], "user": session.user}
        await self._app(request, _nothing, _nowhere)


class _Watched:
    """The way back to a client, which notes what the answer says; `opened` is told of a session that it opens."""

    def __init__(self, send: Send, opened: Callable[[str], None] | None = None) -> None:
        self._send = send
        self._opened = opened
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            named = next((v.decode() for n, v in message.get("headers", ()) if n.lower() == _ID), None)
            if self._opened is not None and named is not None and self.status < _FAILED:
                self._opened(named)
        await self._send(message)


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _nowhere(_: Message) -> None:
    pass
