"""Streamable HTTP, with a bound on the sessions of each token, and no two open requests of one session with the same id."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mcp.types import INVALID_REQUEST, JSONRPCRequest
from starlette.types import ASGIApp, Receive, Scope, Send

from synapsor.serve.gate import MESSAGE, owner
from synapsor.serve.identity import in_run
from synapsor.serve.wire import Malformed
from synapsor.web import sessions
from synapsor.web.sessions import Session, has_sessions, session_of


class Sessions:
    """An ASGI application around the SDK's, which has the sessions themselves."""

    def __init__(self, app: ASGIApp, *, each: int, together: int) -> None:
        self._app = app
        self._sessions = sessions.Sessions(app, each=each, together=together)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request.

        Raises:
            TooMuch: it would open one session more than its token may have.
            Malformed: its session has an open request with the same id.
        """
        named = session_of(scope)
        if not has_sessions(scope):
            await self._app(scope, receive, send)
        elif named is None and _is_hello(scope):
            await self._sessions.begin(owner(), scope, receive, send)
        elif named is not None and (session := self._sessions.known(named, owner())):
            with _request(session, scope.get(MESSAGE)), in_run(named):
                await self._sessions.go_on(named, session, scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _is_hello(scope: Scope) -> bool:
    message = scope.get(MESSAGE)
    return isinstance(message, JSONRPCRequest) and message.method == "initialize"


@contextmanager
def _request(session: Session, message: Any) -> Iterator[None]:
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
