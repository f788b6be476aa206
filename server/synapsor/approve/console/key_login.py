"""Logging in with one's own key: the page shows a code, `synapsor login` signs for it in the person's terminal, and the page goes on.

The key never comes near the browser or the console; what comes is a signed login for the public key of this one session. The private
half is made here, waits in memory for some minutes, and is forgotten with the code.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import anyio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sse_starlette.sse import EventSourceResponse
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from synapsor.approve.console.browsers import described
from synapsor.approve.console.login import enter, login_page, set_cookie
from synapsor.approve.console.needs import Offer
from synapsor.approve.console.rendering import render
from synapsor.approve.console.room import Room
from synapsor.approve.console.sessions import hashed
from synapsor.approve.console.visit import browser_of, cookie_name, own_path, read_form
from synapsor.core.records import from_body
from synapsor.core.signatures import public_text
from synapsor.core.statements import SignedLogin
from synapsor.errors import DecisionRefused, IntegrityError, UsageError
from synapsor.flow.signing import Signer

WAITS: Final = dt.timedelta(minutes=5)
MOST_WAITING: Final = 64
_LETTERS: Final = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
_HALF: Final = 4
_Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(slots=True, kw_only=True, eq=False)
class _Waiting:
    """A page that waits for its login."""

    code: str
    cookie: str
    browser: str
    client: str
    key: Ed25519PrivateKey = field(repr=False)
    until: dt.datetime
    onward: str
    login: SignedLogin | None = None
    granted: anyio.Event = field(default_factory=anyio.Event)


class _Handed(BaseModel):
    """What `synapsor login` hands over."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    code: str = Field(max_length=16)
    login: dict[str, object]
    signature: str = Field(max_length=128)


class KeyLogin:
    """The method, and what waits for it."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Waiting] = {}

    @property
    def offered(self) -> Offer:
        """How the login page offers it."""
        return Offer(
            title="Log in with your key",
            words="The page shows a code; you sign for it in your own terminal. Your key stays where it is.",
            path="/login/key/begin",
        )

    def routes(self, room: Room) -> Sequence[Route]:
        """Return its pages."""
        return [
            Route("/login/key/begin", self._begin(room), methods=["POST"]),
            Route("/login/wait", self._wait(room), methods=["GET"]),
            Route("/login/events", self._events(room), methods=["GET"]),
            Route("/login/challenge/{code}", self._challenge(room), methods=["GET"]),
            Route("/login/key", self._take(room), methods=["POST"]),
        ]

    def _begin(self, room: Room) -> _Endpoint:
        async def endpoint(request: Request) -> Response:
            form = read_form(await request.body())
            token, now, secure = secrets.token_urlsafe(32), room.now(), room.given.way.secure
            self._forget(now)
            waiting = _Waiting(
                code=_code(),
                cookie=hashed(token),
                browser=hashed(browser_of(request)),
                client=f"The console at {request.headers['host']} for {described(browser_of(request))}",
                key=Ed25519PrivateKey.generate(),
                until=now + WAITS,
                onward=own_path((form.get("next") or ("/",))[0]),
            )
            self._waiting[waiting.code] = waiting
            response = RedirectResponse("/login/wait", status_code=HTTPStatus.SEE_OTHER)
            set_cookie(response, cookie_name(secure=secure, waiting=True), token, secure=secure)
            return response

        return endpoint

    def _wait(self, room: Room) -> _Endpoint:
        async def endpoint(request: Request) -> Response:
            waiting = self._of(request, room)
            if waiting is None:
                return await login_page(request, room, trouble="The code is over. Begin again.")
            if waiting.login is None:
                address = f"{room.given.way.scheme}://{request.headers['host']}"
                return await render(
                    request,
                    room,
                    "waiting.html",
                    session=None,
                    now=room.now(),
                    code=waiting.code,
                    command=f"synapsor login {address} {waiting.code}",
                    until=waiting.until,
                )
            self._waiting.pop(waiting.code, None)
            try:
                response = enter(request, room, waiting.key, waiting.login, onward=waiting.onward)
            except DecisionRefused as refused:
                return await login_page(request, room, trouble=refused.message, status=HTTPStatus.FORBIDDEN)
            secure = room.given.way.secure
            response.delete_cookie(cookie_name(secure=secure, waiting=True), path="/", secure=secure)
            return response

        return endpoint

    def _events(self, room: Room) -> _Endpoint:
        async def endpoint(request: Request) -> Response:
            waiting = self._of(request, room)
            if waiting is None:
                return Response(status_code=HTTPStatus.UNAUTHORIZED)
            return EventSourceResponse(_granted(waiting, room))

        return endpoint

    def _challenge(self, room: Room) -> _Endpoint:
        async def endpoint(request: Request) -> Response:
            try:
                waiting = self._asking(str(request.path_params["code"]), room)
            except UsageError:
                return JSONResponse({"error": "no_such_code"}, status_code=HTTPStatus.NOT_FOUND)
            return JSONResponse(
                {
                    "ledger": room.ledger.id,
                    "session": public_text(waiting.key),
                    "client": waiting.client[:200],
                    "lasts_s": int(room.sessions.lasts.total_seconds()),
                }
            )

        return endpoint

    def _take(self, room: Room) -> _Endpoint:
        async def endpoint(request: Request) -> Response:
            try:
                handed = _Handed.model_validate_json(await request.body())
                login = from_body(SignedLogin, {"login": handed.login, "signature": handed.signature})
                waiting = self._asking(handed.code, room)
                _prove(room, waiting, login)
            except (ValidationError, IntegrityError):
                return JSONResponse({"error": "malformed"}, status_code=HTTPStatus.BAD_REQUEST)
            except UsageError:
                return JSONResponse({"error": "no_such_code"}, status_code=HTTPStatus.NOT_FOUND)
            except DecisionRefused as refused:
                return JSONResponse({"error": refused.rule}, status_code=HTTPStatus.FORBIDDEN)
            waiting.login = login
            waiting.granted.set()
            return JSONResponse({"ok": True})

        return endpoint

    def _asking(self, code: str, room: Room) -> _Waiting:
        """Return what waits for a login under a code."""
        waiting = self._waiting.get(code)
        if waiting is None or waiting.login is not None or room.now() >= waiting.until:
            raise UsageError("The code is over.", fix="Open the login page again.")
        return waiting

    def _of(self, request: Request, room: Room) -> _Waiting | None:
        """Return what waits in this browser, and only in this one."""
        given = hashed(request.cookies.get(cookie_name(secure=room.given.way.secure, waiting=True), ""))
        found = next((one for one in self._waiting.values() if secrets.compare_digest(one.cookie, given)), None)
        if found is None or found.browser != hashed(browser_of(request)) or room.now() >= found.until:
            return None
        return found

    def _forget(self, now: dt.datetime) -> None:
        """Forget what is over, and the oldest where there are too many."""
        for code in [code for code, one in self._waiting.items() if now >= one.until]:
            del self._waiting[code]
        while len(self._waiting) >= MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]


def _prove(room: Room, waiting: _Waiting, login: SignedLogin) -> None:
    """Refuse at once, where the person can still see it in the terminal, what would begin no session."""
    operators = room.operators()
    operator = operators.get(login.login.operator)
    if operator is None or login.login.method != "key":
        raise DecisionRefused("login_invalid", "The login is of nobody who is trusted here.", exit_code=5)
    signer = Signer(operator=operator, key=waiting.key, login=login)
    signer.check(operators, ledger=room.ledger.id, now=room.now())


async def _granted(waiting: _Waiting, room: Room) -> AsyncIterator[dict[str, str]]:
    yield {"event": "open", "data": json.dumps({})}
    while waiting.login is None and not room.pulse.ended and room.now() < waiting.until:
        with anyio.move_on_after(1.0):
            await waiting.granted.wait()
    yield {"event": "go", "data": json.dumps({})}


def _code() -> str:
    letters = "".join(secrets.choice(_LETTERS) for _ in range(2 * _HALF))
    return f"{letters[:_HALF]}-{letters[_HALF:]}"
