"""Logging in with one's own key: the page shows a code, `synapsor login` signs for it in the person's terminal, and the page goes on.

The key never comes near the browser or the console; what comes is a signed login for the public key of this one session. Its private half
is made of the code and a secret of this process. A page that waits is sealed into its own cookie and costs nothing here.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Final

import anyio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from synapsor.approve.console.codes import WAITS, Asked, Codes
from synapsor.approve.console.login import drop_cookie, enter, is_shared, login_page, set_cookie
from synapsor.approve.console.needs import Offer
from synapsor.approve.console.places import new_place, place_of
from synapsor.approve.console.rendering import render
from synapsor.approve.console.room import Room
from synapsor.approve.console.sessions import hashed
from synapsor.approve.console.visit import browser_of, cookie_name, cookie_of, own_path, read_form
from synapsor.approve.identity.attempts import NOBODY, Attempts
from synapsor.config.fields import Strict
from synapsor.core.moment import parse, stamp
from synapsor.core.records import from_body
from synapsor.core.signatures import public_text
from synapsor.core.statements import SignedLogin
from synapsor.errors import DecisionRefused, IntegrityError, UsageError
from synapsor.flow.signing import Signer
from synapsor.refusals import Rule
from synapsor.web.seal import Seal
from synapsor.web.seats import SeatedStream, Seats

MOST_STREAMS: Final = 32
MOST_OF_ONE: Final = 2
MOST_GRANTED: Final = 16
_KEEP: Final = 2 * WAITS
_Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """A page that waits for its login, as its own cookie says; `browser` is the hash of what the browser calls itself."""

    code: str
    place: str
    browser: str
    until: str
    onward: str


@dataclass(slots=True, kw_only=True)
class _Granted:
    """A login that was handed over; None once its page has taken it."""

    login: SignedLogin | None
    operator: str
    until: dt.datetime


class _Handed(Strict):
    """What `synapsor login` hands over."""

    code: str = Field(max_length=16)
    login: dict[str, object]
    signature: str = Field(max_length=128)


class KeyLogin:
    """The method. What waits is in the browsers; here is what somebody who is trusted has signed, until its page comes for it."""

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts
        self._codes = Codes()
        self._seal = Seal("synapsor:key-login")
        self._seats = Seats(most=MOST_STREAMS, most_of_one=MOST_OF_ONE)
        self._granted: dict[str, _Granted] = {}
        self._rings = anyio.Event()

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
            form, now = read_form(await request.body()), room.now()
            place = new_place() if is_shared(request, room) else ""
            waiting = _Waiting(
                code=self._codes.new(browser_of(request), now),
                place=place,
                browser=hashed(browser_of(request)),
                until=stamp(now + WAITS),
                onward=own_path((form.get("next") or ("/",))[0]),
            )
            response = RedirectResponse(f"{place}/login/wait", status_code=HTTPStatus.SEE_OTHER)
            set_cookie(response, room, "waiting", self._seal.close(asdict(waiting)), place=place)
            return response

        return endpoint

    def _wait(self, room: Room) -> _Endpoint:
        async def endpoint(request: Request) -> Response:
            waiting = self._of(request, room)
            if waiting is None:
                return await login_page(request, room, trouble="The code is over. Begin again.")
            granted = self._granted.get(waiting.code)
            if granted is None:
                address = f"{room.given.way.scheme}://{request.headers['host']}"
                return await render(
                    request,
                    room,
                    "waiting.html",
                    session=None,
                    now=room.now(),
                    code=waiting.code,
                    command=f"synapsor login {address} {waiting.code}",
                    until=parse(waiting.until),
                )
            return await self._entered(request, room, waiting, granted)

        return endpoint

    async def _entered(self, request: Request, room: Room, waiting: _Waiting, granted: _Granted) -> Response:
        login, granted.login = granted.login, None
        asked = self._codes.read(waiting.code, room.now())
        if login is None or asked is None:
            return await login_page(request, room, trouble="The code is over. Begin again.")
        try:
            response = enter(request, room, asked.key, login, onward=waiting.onward)
        except DecisionRefused as refused:
            return await login_page(request, room, trouble=refused.message, status=HTTPStatus.FORBIDDEN)
        drop_cookie(response, room, "waiting", place=place_of(request))
        return response

    def _events(self, room: Room) -> _Endpoint:
        async def endpoint(request: Request) -> Response:
            waiting = self._of(request, room)
            if waiting is None:
                return Response(status_code=HTTPStatus.UNAUTHORIZED)
            return SeatedStream(self._told(waiting, room), seats=self._seats, who=waiting.code)

        return endpoint

    async def _told(self, waiting: _Waiting, room: Room) -> AsyncIterator[dict[str, str]]:
        yield {"event": "open", "data": json.dumps({})}
        until = parse(waiting.until)
        while waiting.code not in self._granted and not room.pulse.ended and room.now() < until:
            with anyio.move_on_after(1.0):
                await self._rings.wait()
        yield {"event": "go", "data": json.dumps({})}

    def _challenge(self, room: Room) -> _Endpoint:
        async def endpoint(request: Request) -> Response:
            try:
                asked = self._asking(str(request.path_params["code"]), room)
            except UsageError:
                return JSONResponse({"error": "no_such_code"}, status_code=HTTPStatus.NOT_FOUND)
            client = f"The console at {request.headers['host']} for {asked.kind}"
            return JSONResponse(
                {
                    "ledger": room.ledger.id,
                    "session": public_text(asked.key),
                    "client": client[:200],
                    "lasts_s": int(room.sessions.lasts.total_seconds()),
                }
            )

        return endpoint

    def _take(self, room: Room) -> _Endpoint:
        async def endpoint(request: Request) -> Response:
            try:
                handed = _Handed.model_validate_json(await request.body())
                login = from_body(SignedLogin, {"login": handed.login, "signature": handed.signature})
                _prove(room, self._asking(handed.code, room).key, login)
            except (ValidationError, IntegrityError):
                return JSONResponse({"error": "malformed"}, status_code=HTTPStatus.BAD_REQUEST)
            except UsageError:
                return JSONResponse({"error": "no_such_code"}, status_code=HTTPStatus.NOT_FOUND)
            except DecisionRefused as refused:
                await self._attempts.record(refused.rule, "key", NOBODY)
                return JSONResponse({"error": refused.rule}, status_code=HTTPStatus.FORBIDDEN)
            self._grant(handed.code, login, room.now())
            return JSONResponse({"ok": True})

        return endpoint

    def _grant(self, code: str, login: SignedLogin, now: dt.datetime) -> None:
        """Keep a login for its page; of one person only so many, so that nobody's can make another's be forgotten."""
        operator = login.login.operator
        for known in [known for known, one in self._granted.items() if now >= one.until]:
            del self._granted[known]
        own = [known for known, one in self._granted.items() if one.operator == operator]
        for known in own[: max(0, len(own) - MOST_GRANTED + 1)]:
            del self._granted[known]
        self._granted[code] = _Granted(login=login, operator=operator, until=now + _KEEP)
        rings, self._rings = self._rings, anyio.Event()
        rings.set()

    def _asking(self, code: str, room: Room) -> Asked:
        """Return what is asked under a code that nobody has signed for."""
        asked = self._codes.read(code, room.now())
        if asked is None or code in self._granted:
            raise UsageError("The code is over.", fix="Open the login page again.")
        return asked

    def _of(self, request: Request, room: Room) -> _Waiting | None:
        """Return what waits in this browser, and only in this one."""
        cookie = cookie_of(request, cookie_name("waiting", secure=room.given.way.secure, place=place_of(request)))
        opened = self._seal.open(cookie)
        if opened is None:
            return None
        waiting = _Waiting(**opened)
        here = hashed(browser_of(request)) + place_of(request)
        ours = secrets.compare_digest(waiting.browser + waiting.place, here)
        return waiting if ours and room.now() < parse(waiting.until) else None


def _prove(room: Room, key: Ed25519PrivateKey, login: SignedLogin) -> None:
    """Refuse at once, where the person can still see it in the terminal, what would begin no session."""
    operators = room.operators()
    operator = operators.get(login.login.operator)
    if operator is None or login.login.method != "key":
        raise DecisionRefused(Rule.LOGIN_INVALID, "The login is of nobody who is trusted here.")
    signer = Signer(operator=operator, key=key, login=login)
    signer.check(operators, ledger=room.ledger.id, now=room.now())
