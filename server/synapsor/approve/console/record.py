"""The page of the ledger itself: its head, how much of it is under a signature, and what the last walk over it found."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import Response
from starlette.routing import Route

from synapsor.approve.console.room import Room
from synapsor.approve.console.visit import Visit, page
from synapsor.core.statements import key_fingerprint
from synapsor.flow.switched import switched


def routes(room: Room) -> Iterable[Route]:
    """Return the page and its one button."""
    yield page(room, "/ledger", _ledger)
    yield page(room, "/ledger/verify", _verify, posts=True)


async def _ledger(visit: Visit) -> Response:
    room = visit.room
    number, digest = await room.ledger.head()
    return await visit.page(
        "ledger.html",
        ledger=room.ledger.id,
        fingerprint=key_fingerprint(room.ledger.public_key),
        head=(number, digest),
        signed=await room.overview.signed(),
        verifying=room.verifying,
        switched=await switched(room.ledger, room.operators()),
        automatic=room.given.automatic,
    )


async def _verify(visit: Visit) -> Response:
    visit.room.verifying.begin()
    return visit.lead("/ledger")
