"""Live updates: one look at the ledger's head a second for all pages together, and server-sent events that tell that something happened.

An event names records and no value of any; the page then asks for what it may see. A stream ends with its session.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator
from typing import Any, Final

from sse_starlette.sse import EventSourceResponse
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from synapsor.approve.console.pulse import hear
from synapsor.approve.console.room import Room, TrustUnreadable
from synapsor.approve.console.visit import Visit, page
from synapsor.core.moment import stamp
from synapsor.errors import LedgerFailure

RETRY_MS: Final = 1000
"""After what time a page listens again whose stream was lost."""
STILL_S: Final = 5.0
"""How long a stream goes on before it looks whether its session does."""


async def _events(visit: Visit) -> Response:
    if visit.room.pulse.is_full:
        return PlainTextResponse("There are too many open pages.\n", status_code=503)
    return EventSourceResponse(_told(visit), ping=15)


async def _told(visit: Visit) -> AsyncIterator[dict[str, Any]]:
    room = visit.room
    with room.pulse.listening() as listener:
        yield {"event": "open", "data": "{}", "retry": RETRY_MS}
        while not room.pulse.ended:
            heard = await hear(listener, STILL_S)
            now = room.now()
            if not _is_still_trusted(visit, now):
                yield {"event": "over", "data": "{}"}
                return
            if heard:
                try:
                    waiting = await room.overview.count_waiting(now=stamp(now))
                except LedgerFailure:
                    return  # the page listens again, and asks for what it has missed
                told = {"waiting": waiting, "happened": [[one.kind, one.subject, one.seq] for one in heard]}
                yield {"event": "changed", "data": json.dumps(told)}


def _is_still_trusted(visit: Visit, now: dt.datetime) -> bool:
    try:
        return visit.room.sessions.still(visit.session, now=now, operators=visit.room.operators())
    except TrustUnreadable:
        return False  # the page that is asked for then says so


def routes(room: Room) -> list[Route]:
    """Return the stream."""
    return [page(room, "/events", _events)]
