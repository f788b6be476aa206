"""Asking for a change to be measured before anybody approves it, from its own page: the worker carries it out and rolls it back."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import Response
from starlette.routing import Route

from synapsor.approve.console.acting import signer_of
from synapsor.approve.console.reveal import back
from synapsor.approve.console.room import Room
from synapsor.approve.console.visit import Visit, page
from synapsor.flow.ask_shadow import ask_shadow
from synapsor.flow.named import proposal_of


def routes(room: Room) -> Iterable[Route]:
    """Return the form, and where a page leads that was made by it."""
    yield page(room, "/proposals/{handle}/measure", _measure, posts=True)
    yield page(room, "/proposals/{handle}/measure", back)


async def _measure(visit: Visit) -> Response:
    room = visit.room
    record = await proposal_of(room.ledger, str(visit.request.path_params["handle"]))
    operators = room.operators()
    signer = signer_of(visit, operators)
    asked = await ask_shadow(room.ledger, record, signer=signer, now=room.now(), operators=operators)
    visit.session.flash = (asked.proposal.id, "is measured by the worker before anybody approves it.")
    return visit.lead(f"/proposals/{asked.proposal.id}")
