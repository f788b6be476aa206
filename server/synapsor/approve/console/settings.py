"""How pages look and whether single keys act: kept in the browser, and no secret."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from synapsor.approve.console.rendering import THEMES
from synapsor.approve.console.room import Room
from synapsor.approve.console.visit import Visit, page

_A_YEAR: Final = 31_536_000


def routes(room: Room) -> Iterable[Route]:
    """Return the page and its form."""
    yield page(room, "/settings", _settings)
    yield page(room, "/settings/keep", _keep, posts=True)


async def _settings(visit: Visit) -> Response:
    return await visit.page("settings.html", themes=THEMES)


async def _keep(visit: Visit) -> Response:
    response = visit.lead(visit.sent("onward") or "/settings")
    secure = visit.room.given.way.secure
    theme, shortcuts = visit.sent("theme"), visit.sent("shortcuts")
    if theme in THEMES:
        response.set_cookie("theme", theme, path="/", max_age=_A_YEAR, secure=secure, httponly=True, samesite="lax")
    if shortcuts in {"on", "off"}:
        response.set_cookie(
            "shortcuts", shortcuts, path="/", max_age=_A_YEAR, secure=secure, httponly=True, samesite="lax"
        )
    return response
