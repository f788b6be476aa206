"""Templates to pages: everything that is filled in is escaped, and a template that names what is not there fails."""

from __future__ import annotations

import datetime as dt
import re
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from synapsor import __version__
from synapsor.approve.console.places import place_of
from synapsor.approve.console.wording import coded
from synapsor.core.moment import is_stamp, parse, stamp
from synapsor.core.plain import brief, span, visible
from synapsor.core.words import many
from synapsor.flow.chain import why_altered

if TYPE_CHECKING:
    from synapsor.approve.console.room import Room
    from synapsor.approve.console.sessions import Session

_HERE: Final = Path(__file__).parent
THEMES: Final = ("system", "light", "dark")
_CUT_AT: Final = 90
_OWN: Final = re.compile(r'\b(?:href|action|formaction|data-href)="(?=/(?!static/|login\b))')


class _OwnAddresses(Extension):
    """Every address that a template writes leads to the place of its page; what everybody may see has none."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002  # as jinja2 calls it
        """Return the template with `home` before its own addresses."""
        return _OWN.sub(r"\g<0>{{ home }}", source)


@cache
def environment() -> Environment:
    """Return the templates."""
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=[_OwnAddresses],
    )
    made.filters.update(
        seen=visible, coded=coded, short=_short, day=_day, minute=_minute, many=_many, span=span, breakable=_breakable
    )
    return made


async def render(
    request: Request,
    room: Room,
    template: str,
    *,
    session: Session | None,
    now: dt.datetime,
    status: int = HTTPStatus.OK,
    quiet: bool = False,
    **context: Any,
) -> Response:
    """Return a page; what every page shows is filled in here. A `quiet` one leaves what is told once to the next."""
    waiting = await room.overview.count_waiting(now=stamp(now)) if session else 0
    altered = await why_altered(room.ledger) if session else None
    text = (
        environment()
        .get_template(template)
        .render(
            **context,
            session=session,
            flash=session.told() if session and not quiet else (),
            path=request.url.path,
            home=place_of(request),
            waiting=waiting,
            altered=altered,
            now=now,
            theme=theme_of(request),
            shortcuts=request.cookies.get("shortcuts") != "off",
            development=room.given.profile == "development",
            version=__version__,
            ago=lambda at: f"{span(now - _moment(at))} ago",
            left=lambda at: span(_moment(at) - now),
            is_past=lambda at: _moment(at) <= now,
        )
    )
    return HTMLResponse(text, status_code=status)


def theme_of(request: Request) -> str:
    """Return how the person wants pages to look."""
    wanted = request.cookies.get("theme", "")
    return wanted if wanted in THEMES else THEMES[0]


def _moment(at: str | dt.datetime) -> dt.datetime:
    return parse(at) if isinstance(at, str) else at


def _short(text: object) -> str:
    """Return an untrusted text for a list, cut where it is long."""
    return brief(str(text), _CUT_AT)


def _breakable(text: object) -> Markup:
    """Return a name that may be broken behind its stops and underscores, and copied without them."""
    return Markup(str(escape(str(text))).replace("_", "_<wbr>").replace(".", ".<wbr>"))  # noqa: S704  # it was escaped


def _day(at: str | dt.datetime) -> str:
    return _told(at, "%Y-%m-%d")


def _minute(at: str | dt.datetime) -> str:
    return _told(at, "%Y-%m-%d %H:%M UTC")


def _told(at: str | dt.datetime, form: str) -> str:
    if isinstance(at, str) and not is_stamp(at):
        return _short(at)  # the ledger was altered; `verify` says where
    return _moment(at).strftime(form)


def _many(count: int, one: str, more: str = "") -> str:
    return many(count, one, more)
