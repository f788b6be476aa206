"""One visit: a request of somebody who is logged in, with what they sent; and how a page is made of it.

Who is not logged in is led to the login page. What changes something carries the session's own word, and what a page cannot do is told
on a page of its own.
"""

from __future__ import annotations

import datetime as dt
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Literal
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from synapsor.approve.console.places import place_of
from synapsor.approve.console.rendering import render
from synapsor.approve.console.room import Room
from synapsor.approve.console.sessions import Session
from synapsor.core.statements import Identity
from synapsor.errors import DecisionRefused, IntegrityError, LedgerFailure, Refusal, SynapsorError, UsageError
from synapsor.refusals import Rule

log = logging.getLogger("synapsor.console")

UNREADABLE: Final = "trust_unreadable"
"""The rule by which every page is refused while the operators cannot be read."""
MOST_FIELDS: Final = 1000
BY_ITSELF: Final = "x-synapsor-by-itself"
"""The header of what a page asks by itself; it can only take from what a request is worth."""
_STATUS: Final = {
    1: HTTPStatus.CONFLICT,
    2: HTTPStatus.NOT_FOUND,
    3: HTTPStatus.CONFLICT,
    4: HTTPStatus.SERVICE_UNAVAILABLE,
}
Form = Mapping[str, tuple[str, ...]]
Cookie = Literal["session", "waiting", "oidc"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What a page is made from.

    Attributes:
        form: what was sent; empty of a page that is only looked at.
    """

    request: Request
    room: Room
    session: Session
    now: dt.datetime
    form: Form

    def sent(self, name: str) -> str:
        """Return one field of the form, "" where it is not there."""
        return (self.form.get(name) or ("",))[0]

    def asked(self, name: str) -> str:
        """Return one word of the address's query, "" where it is not there."""
        return str(self.request.query_params.get(name, "")).strip()[:200]

    def whole_number(self, name: str) -> int | None:
        """Return a number of the address's query, None where there is none."""
        text = self.asked(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None  # noqa: PLR2004  # below 2^63

    def lead(self, path: str) -> Response:
        """Lead on to another page of the console, in the same place."""
        return RedirectResponse(place_of(self.request) + own_path(path), status_code=HTTPStatus.SEE_OTHER)

    async def page(self, template: str, *, status: int = 200, **context: object) -> Response:
        """Return a page."""
        return await render(
            self.request,
            self.room,
            template,
            session=self.session,
            now=self.now,
            status=status,
            quiet=by_itself(self.request),
            **context,
        )


Make = Callable[[Visit], Awaitable[Response]]


def page(room: Room, path: str, make: Make, *, posts: bool = False) -> Route:
    """Return the route of a page for who is logged in; one that `posts` takes a form and nothing else."""

    async def endpoint(request: Request) -> Response:
        now, operators = room.now(), room.operators()
        session = room.sessions.find(
            proof_of(request, room),
            browser=browser_of(request),
            now=now,
            operators=operators,
            used=not by_itself(request),
        )
        if session is None:
            return to_login(request, room, posts=posts)
        form: Form = {}
        try:
            if posts:
                form = read_form(await request.body())
                check_word(form, session.csrf)
            visit = Visit(request=request, room=room, session=session, now=now, form=form)
            return await make(visit)
        except SynapsorError as error:
            if isinstance(error, DecisionRefused) and error.rule is Rule.FORM_FOREIGN:
                await room.attempts.record(error.rule, "form", Identity(issuer="", subject=session.name))
            visit = Visit(request=request, room=room, session=session, now=now, form=form)
            return await refusal(visit, error)

    return Route(path, endpoint, methods=["POST"] if posts else ["GET"])


async def refusal(visit: Visit, error: SynapsorError) -> Response:
    """Return the page that says what was refused, and what helps."""
    rule = error.code.value if isinstance(error, Refusal) else ""
    if isinstance(error, DecisionRefused | LedgerFailure):
        rule = error.rule
    status = _STATUS.get(error.exit_code, HTTPStatus.FORBIDDEN)
    if isinstance(error, UsageError) and visit.form:
        status = HTTPStatus.BAD_REQUEST
    fix = error.fix
    if not fix and isinstance(error, IntegrityError):
        fix = "Run `synapsor verify`; decide and apply nothing before."
    if not fix and isinstance(error, LedgerFailure):
        fix = "Look at the ledger's file, its directory and the space on its disk."
    return await visit.page("refused.html", status=status, message=error.message, fix=fix, rule=rule)


async def trust_unreadable(request: Request, room: Room, error: Exception) -> Response:
    """Return the page that stands for every other one while nobody can tell who is trusted. Who was let in before is told what to mend."""
    why, now = error.__cause__, room.now()
    told = (why.message, why.fix) if isinstance(why, SynapsorError) else ("A file of the operators cannot be read.", "")
    log.error("nobody is let in: %s %s", *told, extra={"action": UNREADABLE})
    known = room.sessions.is_known(proof_of(request, room), browser=browser_of(request), now=now)
    return await render(
        request,
        room,
        "refused.html",
        session=None,
        now=now,
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        message=told[0] if known else "Nobody can be let in now: whom to trust cannot be read.",
        fix=told[1] if known else "Whoever runs this console finds in its log what to mend.",
        rule=UNREADABLE,
    )


def to_login(request: Request, room: Room, *, posts: bool) -> Response:
    """Lead to the login page, and back to where the person was; it says that a session was over, and that what was sent was not done."""
    if request.url.path == "/events":
        return Response(status_code=HTTPStatus.UNAUTHORIZED)
    asked: dict[str, str] = {}
    if (back := _before(request) if posts else _here(request)) != "/":
        asked["next"] = back
    if place_of(request) or proof_of(request, room):
        asked["over"] = "unsent" if posts else "yes"
    return RedirectResponse(f"/login?{urlencode(asked)}" if asked else "/login", status_code=HTTPStatus.SEE_OTHER)


def _before(request: Request) -> str:
    """Return the page on which a form stands: that of what it names, or the first."""
    return request.url.path.rpartition("/")[0] if "handle" in request.path_params else "/"


def _here(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{request.url.path}{query}"


def own_path(text: str) -> str:
    """Return a path of this console to go on to, or the first page where it is none."""
    plain = (
        text.startswith("/") and not text.startswith(("//", "/\\", "/login")) and text.isascii() and text.isprintable()
    )
    return text if plain and "\\" not in text and len(text) <= 1000 else "/"  # noqa: PLR2004  # longer than any of ours


def proof_of(request: Request, room: Room) -> str:
    """Return what proves a session: its place and its cookie, "" where there is no cookie."""
    place = place_of(request)
    cookie = cookie_of(request, cookie_name("session", secure=room.given.way.secure, place=place))
    return place + cookie if cookie else ""


def cookie_of(request: Request, name: str) -> str:
    """Return a cookie, "" where there is none. Of several the first counts: it has the longest path, which no other port could know."""
    for part in request.headers.get("cookie", "").split(";"):
        given, _, value = part.strip().partition("=")
        if given == name:
            return value
    return ""


def cookie_name(what: Cookie, *, secure: bool, place: str = "") -> str:
    """Return what a cookie of ours is called; with https the browser itself holds it to https, and outside of a place to this very host."""
    held = ("__Secure-" if place else "__Host-") if secure else ""
    return f"{held}synapsor-{what}"


def by_itself(request: Request) -> bool:
    """Tell whether a page asks by itself, and not the person who has it open."""
    return request.headers.get(BY_ITSELF) is not None or request.url.path == "/events"


def browser_of(request: Request) -> str:
    """Return what the browser calls itself."""
    return request.headers.get("user-agent", "")


def read_form(body: bytes) -> Form:
    """Return the fields of a form.

    Raises:
        UsageError: it is no form of ours.
    """
    try:
        pairs = parse_qsl(
            body.decode(),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise UsageError("What was sent is no form of this console.", fix="Go back, and try again.") from None
    form: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        form[name] = (*form.get(name, ()), value)
    return form


def check_word(form: Form, expected: str) -> None:
    """Check that a form carries the word of its session.

    Raises:
        DecisionRefused: by rule `form_foreign`.
    """
    given = form.get("csrf", ())
    if len(given) != 1 or not secrets.compare_digest(given[0].encode(), expected.encode()):
        raise DecisionRefused(Rule.FORM_FOREIGN, "This form is not from your session.", fix="Open the page again.")
