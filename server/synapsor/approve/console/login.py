"""Logging in: what every way of doing it has in common, and the pages before anybody is logged in.

A method proves who somebody is and brings a signed login, by which the key of a new session speaks for an operator. The cookie of the
time before is never the cookie of the session.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Final, Protocol, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from synapsor.approve.console.needs import Offer
from synapsor.approve.console.places import new_place, place_of
from synapsor.approve.console.rendering import render
from synapsor.approve.console.room import Room
from synapsor.approve.console.visit import Cookie, Visit, browser_of, cookie_name, own_path, page, proof_of
from synapsor.core.statements import SignedLogin
from synapsor.errors import DecisionRefused
from synapsor.flow.signing import Signer
from synapsor.refusals import Rule

_OVER: Final = {
    "yes": "Your session is over: it ended, your name or key is not trusted here any more, or the console was started again. "
    "Log in, and you come back to the page.",
    "unsent": "Your session is over, so what you sent was not done: nothing was signed. Log in, and do it again.",
}
"""What the login page says to who comes from a page whose session is over."""

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


class LoginMethod(Protocol):
    """A method of logging in, such as `console.key_login`; a further one needs this and its own routes.

    Whatever page ends it calls `enter` with a login that somebody signed.
    """

    @property
    def offered(self) -> Offer:
        """How the login page offers it."""
        ...

    def routes(self, room: Room) -> Sequence[Route]:
        """Return its pages; `offered.path` is one of them."""
        ...


def enter(request: Request, room: Room, key: Ed25519PrivateKey, login: SignedLogin, *, onward: str) -> Response:
    """Begin the session of a login and lead on; the login is proven once more here, whoever brings it.

    Raises:
        DecisionRefused: the login does not make this key speak for an operator now.
    """
    now, operators = room.now(), room.operators()
    operator = operators.get(login.login.operator)
    if operator is None:
        raise DecisionRefused(Rule.LOGIN_INVALID, "The login is of nobody who is trusted here.")
    signer = Signer(operator=operator, key=key, login=login)
    signer.check(operators, ledger=room.ledger.id, now=now)
    return _entered(request, room, operator.name, signer, now, onward)


def _entered(request: Request, room: Room, name: str, signer: Signer | None, now: dt.datetime, onward: str) -> Response:
    room.sessions.close(proof_of(request, room))
    place = new_place() if is_shared(request, room) else ""
    token = room.sessions.open(name, signer, browser=browser_of(request), now=now, place=place)
    response = RedirectResponse(place + own_path(onward), status_code=HTTPStatus.SEE_OTHER)
    set_cookie(response, room, "session", token, place=place)
    return response


def is_shared(request: Request, room: Room) -> bool:
    """Tell whether other programs may answer under the name that this request is for."""
    return room.given.way.is_shared(request.headers["host"])


def set_cookie(response: Response, room: Room, what: Cookie, value: str, *, place: str) -> None:
    """Set a cookie that no script reads, no other site's page sends, no port beside this one is sent, and no closed browser keeps."""
    secure = room.given.way.secure
    name = cookie_name(what, secure=secure, place=place)
    response.set_cookie(name, value, path=f"{place}/", secure=secure, httponly=True, samesite="strict")


def drop_cookie(response: Response, room: Room, what: Cookie, *, place: str) -> None:
    """Have the browser forget a cookie."""
    secure = room.given.way.secure
    response.delete_cookie(cookie_name(what, secure=secure, place=place), path=f"{place}/", secure=secure)


def routes(room: Room, methods: Iterable[LoginMethod]) -> Iterable[Route]:
    """Return the pages of logging in, by each of the methods, and of logging out."""
    yield Route("/login", _page_of(room), methods=["GET"])
    if room.given.config.development_identity is not None:
        yield Route("/login/unverified", _unverified(room, room.given.config.development_identity), methods=["POST"])
    yield page(room, "/logout", _leave, posts=True)
    for method in methods:
        yield from method.routes(room)


def _page_of(room: Room) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        now = room.now()
        onward = own_path(request.query_params.get("next", "/"))
        found = room.sessions.find(
            proof_of(request, room), browser=browser_of(request), now=now, operators=room.operators()
        )
        if found is not None:
            return RedirectResponse(place_of(request) + onward, status_code=HTTPStatus.SEE_OTHER)
        over = request.query_params.get("over", "")
        return await login_page(request, room, onward=onward, trouble=_OVER.get(over, ""), leads=True, over=bool(over))

    return endpoint


async def login_page(
    request: Request,
    room: Room,
    *,
    onward: str = "/",
    trouble: str = "",
    status: int = HTTPStatus.OK,
    leads: bool = False,
    over: bool = False,
) -> Response:
    """Return the login page, with what went wrong before; one that `leads` goes on to where this browser is logged in, unless that is over."""
    return await render(
        request,
        room,
        "login.html",
        session=None,
        now=room.now(),
        status=status,
        offers=room.offers,
        unverified=room.given.config.development_identity,
        onward=onward,
        trouble=trouble,
        leads=leads,
        over=over,
    )


def _unverified(room: Room, name: str) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return _entered(request, room, name, None, room.now(), "/")

    return endpoint


async def _leave(visit: Visit) -> Response:
    place = place_of(visit.request)
    visit.room.sessions.close(proof_of(visit.request, visit.room))
    response = RedirectResponse("/login?over=left" if place else "/login", status_code=HTTPStatus.SEE_OTHER)
    drop_cookie(response, visit.room, "session", place=place)
    response.headers["clear-site-data"] = '"cache"'
    return response
