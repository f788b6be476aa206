"""How many sessions each person's client programs may have open at the companion, so that nobody's take those of the others."""

from __future__ import annotations

from typing import Final

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from synapsor.web.limits import TooMuch
from synapsor.web.sessions import Sessions, has_sessions, session_of

EACH: Final = 8
"""Sessions of one person, whichever of their tokens opened them."""
TOGETHER: Final = 64


class BoundSessions:
    """What stands between who it is and the SDK's application: a request with no token that is known passes, and is refused there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._sessions = Sessions(app, each=EACH, together=TOGETHER)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; one that would open too many sessions is told so."""
        person = _person(scope)
        if person is None or not has_sessions(scope):
            await self._app(scope, receive, send)
        elif (named := session_of(scope)) is None:
            await self._begin(person, scope, receive, send)
        elif (session := self._sessions.known(named, person)) is not None:
            await self._sessions.go_on(named, session, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _begin(self, person: str, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._sessions.begin(person, scope, receive, send)
        except TooMuch as too_much:
            await PlainTextResponse(str(too_much), status_code=429)(scope, receive, send)


def _person(scope: Scope) -> str | None:
    user = scope.get("user")
    return user.access_token.subject if isinstance(user, AuthenticatedUser) else None
