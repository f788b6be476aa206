"""Logging in with an identity provider: the browser goes there and comes back with a code, and the console's voucher signs who it was.

The browser is led away by a page and not by a redirect, since a form of the console may lead nowhere else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from synapsor.approve.console.browsers import described
from synapsor.approve.console.login import drop_cookie, enter, is_shared, login_page, set_cookie
from synapsor.approve.console.needs import Offer
from synapsor.approve.console.places import place_from, place_of
from synapsor.approve.console.rendering import render
from synapsor.approve.console.room import Room
from synapsor.approve.console.sessions import hashed
from synapsor.approve.console.visit import browser_of, cookie_name, cookie_of, own_path, read_form
from synapsor.approve.identity.attempts import Attempts
from synapsor.approve.identity.oidc import Fetcher, OidcLogin, Provider, fails, speaker
from synapsor.approve.identity.voucher import vouch
from synapsor.config import OidcConfig
from synapsor.config.oidc import CALLBACK
from synapsor.core.signatures import public_text
from synapsor.core.trust import ProgramKey
from synapsor.errors import DecisionRefused, LoginRefused, UsageError
from synapsor.flow.signing import SessionKey
from synapsor.ports import Clock, ReviewLedger
from synapsor.secrets import resolve

_BEGIN: Final = "/login/oidc/begin"
_Endpoint = Callable[[Request], Awaitable[Response]]


class OidcMethod:
    """The method: the provider's logins, who vouches for them here, and where refused ones are put on record."""

    def __init__(self, login: OidcLogin, *, voucher: ProgramKey, attempts: Attempts) -> None:
        self._login = login
        self._voucher = voucher
        self._attempts = attempts

    @property
    def offered(self) -> Offer:
        """How the login page offers it."""
        host = urlsplit(self._login.issuer).hostname or ""
        return Offer(title=f"Log in with {host}", words="You prove there who you are, and come back.", path=_BEGIN)

    def routes(self, room: Room) -> Sequence[Route]:
        """Return its pages."""
        return [
            Route(_BEGIN, self._begin(room), methods=["POST"]),
            Route(CALLBACK, self._end(room), methods=["GET"]),
        ]

    def _begin(self, room: Room) -> _Endpoint:
        async def endpoint(request: Request) -> Response:
            home = urlsplit(self._login.redirect_uri)
            if request.headers["host"].lower() != home.netloc.lower():
                words = f"Open the console at {home.scheme}://{home.netloc}: logins come back there."
                return await login_page(request, room, trouble=words, status=HTTPStatus.MISDIRECTED_REQUEST)
            try:
                form = read_form(await request.body())
                back = own_path((form.get("next") or ("/",))[0])
                begun = await self._login.begin(session=hashed(browser_of(request)), back=back)
            except UsageError as error:
                return await login_page(request, room, trouble=error.message, status=HTTPStatus.BAD_REQUEST)
            except LoginRefused as refused:
                return await self._refuse(request, room, refused)
            response = await render(request, room, "leaving.html", session=None, now=room.now(), address=begun.url)
            # Only who has the state of this login can come back to where its cookie is.
            place = place_from(begun.state) if is_shared(request, room) else ""
            set_cookie(response, room, "oidc", begun.sealed, place=place)
            return response

        return endpoint

    def _end(self, room: Room) -> _Endpoint:
        async def endpoint(request: Request) -> Response:
            state = request.query_params.get("state")
            if state and not place_of(request) and is_shared(request, room):
                there = f"{place_from(state)}{CALLBACK}?{request.url.query}"
                return RedirectResponse(there, status_code=HTTPStatus.SEE_OTHER)
            try:
                return await self._entered(request, room)
            except LoginRefused as refused:
                return await self._refuse(request, room, refused)
            except DecisionRefused as refused:
                # The console's own trust has changed meanwhile, such as in its voucher.
                return await self._refuse(request, room, LoginRefused(refused.rule, refused.message))

        return endpoint

    async def _entered(self, request: Request, room: Room) -> Response:
        browser = browser_of(request)
        answer = request.query_params.multi_items()
        place = place_of(request)
        sealed = cookie_of(request, cookie_name("oidc", secure=room.given.way.secure, place=place))
        arrived = await self._login.finish(answer, sealed, session=hashed(browser))
        who = speaker(arrived.vouched, room.operators())
        key = Ed25519PrivateKey.generate()
        session = SessionKey(
            key=public_text(key),
            ledger=room.ledger.id,
            client=f"The console at {request.headers['host']} for {described(browser)}"[:200],
            lasts=room.sessions.lasts,
        )
        operators, now = room.operators(), room.now()
        login = vouch(
            self._voucher, who.operator, session, method="oidc", roles=who.roles, operators=operators, now=now
        )
        response = enter(request, room, key, login, onward=arrived.back)
        drop_cookie(response, room, "oidc", place=place)
        return response

    async def _refuse(self, request: Request, room: Room, refused: LoginRefused) -> Response:
        await self._attempts.refused(refused, "oidc")
        status = HTTPStatus.SERVICE_UNAVAILABLE if fails(refused.rule) else HTTPStatus.FORBIDDEN
        return await login_page(request, room, trouble=f"{refused.message} {refused.fix}".rstrip(), status=status)


def oidc_method(config: OidcConfig, *, voucher: ProgramKey, ledger: ReviewLedger, clock: Clock) -> OidcMethod:
    """Return the method for a configured provider, which is not asked for anything yet.

    Raises:
        ConfigError: logins cannot come back, or the client's secret or the authority's certificate cannot be read.
    """
    if config.client_secret is not None:
        resolve(config.client_secret)  # now, and not at the first login
    fetcher = Fetcher(ca=config.ca, allow_private=config.allow_private)
    provider = Provider(fetcher, issuer=config.issuer, algorithms=config.algorithms)
    login = OidcLogin(config, provider, fetcher, clock=clock, redirect_uri=config.redirect_uri or "")
    attempts = Attempts(ledger=ledger, clock=clock, door="console", issuer=config.issuer)
    return OidcMethod(login, voucher=voucher, attempts=attempts)
