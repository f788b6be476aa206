"""The inbox page: what waits for a decision, oldest first, a page at a time, narrowed by what is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, get_args
from urllib.parse import urlencode

import anyio.to_thread
from starlette.responses import Response
from starlette.routing import Route

from synapsor.approve.card.outline import WITH_CODE, behind
from synapsor.approve.card.terms import units_behind
from synapsor.approve.console.entries import entry, loaded
from synapsor.approve.console.room import Room
from synapsor.approve.console.visit import Visit, page
from synapsor.contract.approval import Level
from synapsor.core.moment import stamp
from synapsor.core.overview import Search

PAGE: Final = 25
_MOST_NAMES: Final = 100
RISKS: Final[tuple[str, ...]] = get_args(Level)


def routes(room: Room) -> Iterable[Route]:
    """Return the page."""
    yield page(room, "/", _inbox)


async def _inbox(visit: Visit) -> Response:
    room, now = visit.room, stamp(visit.now)
    search = search_of(visit)
    found = await room.overview.waiting(search, after=visit.whole_number("after"), now=now, limit=PAGE)
    records = await loaded(room.ledger, found.ids)
    operators = room.operators()
    replaced = await behind(room.ledger, records)
    units = await units_behind(room.ledger, (record.proposal for record in records), operators)
    entries = [
        entry(r, visit=visit, operators=operators, replaced=replaced, units=units[r.proposal.id]) for r in records
    ]
    return await visit.page(
        "inbox.html",
        entries=entries,
        with_code=WITH_CODE,
        search=search,
        capabilities=await room.overview.capabilities_waiting(now=now, limit=_MOST_NAMES),
        risks=RISKS,
        next=onward(visit, "after", found.next),
        is_first=visit.whole_number("after") is None,
        silence=await anyio.to_thread.run_sync(room.given.silence),
    )


def search_of(visit: Visit) -> Search:
    """Return what is looked for, as the address says it; what is none of ours is left out."""
    risk = visit.asked("risk")
    return Search(
        capability=visit.asked("capability") or None,
        principal=visit.asked("principal") or None,
        operator=visit.asked("operator") or None,
        risk=next((level for level in get_args(Level) if level == risk), None),
        text=visit.asked("q") or None,
    )


def onward(visit: Visit, name: str, number: int | None) -> str | None:
    """Return the address of the next page, or None at the end."""
    if number is None:
        return None
    kept = {key: value for key, value in visit.request.query_params.items() if key != name and value}
    return f"{visit.request.url.path}?{urlencode({**kept, name: number})}"
