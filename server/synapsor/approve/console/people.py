"""The page of people: whom the project trusts with what, and which attempts at a decision were refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from synapsor.approve.console.room import Room
from synapsor.approve.console.visit import Visit, page
from synapsor.core.statements import key_fingerprint

MOST: Final = 50


def routes(room: Room) -> Iterable[Route]:
    """Return the page."""
    yield page(room, "/people", _people)


async def _people(visit: Visit) -> Response:
    operators = visit.room.operators()
    told = [(one, key_fingerprint(one.key) if one.key else "") for _, one in sorted(operators.items())]
    return await visit.page(
        "people.html",
        people=told,
        refused=await visit.room.overview.refused(limit=MOST),
        own=visit.room.sessions.of(visit.session.name),
    )
