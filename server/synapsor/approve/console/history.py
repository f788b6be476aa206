"""The history page: every proposal and what became of it, newest first, with a search in whatever it says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from synapsor.approve.console.draft import may_be_drafted
from synapsor.approve.console.entries import entry, loaded
from synapsor.approve.console.inbox import RISKS, onward, search_of
from synapsor.approve.console.room import Room
from synapsor.approve.console.visit import Visit, page
from synapsor.core.proposal import Status

PAGE: Final = 40


def routes(room: Room) -> Iterable[Route]:
    """Return the page."""
    yield page(room, "/history", _history)


async def _history(visit: Visit) -> Response:
    room = visit.room
    wanted = visit.asked("status")
    search = replace(search_of(visit), status=next((one for one in Status if one.value == wanted), None))
    found = await room.overview.found(search, before=visit.whole_number("before"), limit=PAGE)
    operators = room.operators()
    records = await loaded(room.ledger, found.ids)
    entries = [entry(record, visit=visit, operators=operators) for record in records]
    return await visit.page(
        "history.html",
        entries=entries,
        draftable={record.proposal.id for record in records if may_be_drafted(record)},
        search=search,
        statuses=list(Status),
        risks=RISKS,
        next=onward(visit, "before", found.next),
    )
