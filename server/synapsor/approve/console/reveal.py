"""Looking behind the hidden values that a proposal would change, to decide on it: asked for by a form of its own, and on record first.

The values are on the page that answers, which no browser keeps, and nowhere else: in no address, no event, no log and no memory of the
console. What a session remembers is which digest it was shown whole.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import Response
from starlette.routing import Route

from synapsor.approve.console.acting import intent_of, signer_of
from synapsor.approve.console.proposal import proposal_page
from synapsor.approve.console.room import Room
from synapsor.approve.console.visit import Visit, page
from synapsor.core.proposal import Proposal
from synapsor.errors import UsageError
from synapsor.flow.named import proposal_of
from synapsor.flow.objection import may_ask
from synapsor.flow.reveal import reveal_for_decision
from synapsor.ports import ProposalRecord


def routes(room: Room) -> Iterable[Route]:
    """Return the form, and where a page leads that was made by it."""
    yield page(room, "/proposals/{handle}/reveal", _reveal, posts=True)
    yield page(room, "/proposals/{handle}/reveal", back)


async def _reveal(visit: Visit) -> Response:
    record = await proposal_of(visit.room.ledger, str(visit.request.path_params["handle"]))
    if not record.proposal.changes_hidden:
        raise UsageError("It changes no hidden value.", fix="Go back to the proposal.")
    return await proposal_page(visit, record, whole=await uncovered(visit, record, shown=visit.sent("digest")))


async def uncovered(visit: Visit, record: ProposalRecord, *, shown: str) -> Proposal:
    """Return a proposal with the hidden values that it would change, the look recorded; nobody looks behind what they could not approve,
    or were not `shown`.

    Raises:
        DecisionRefused: this person may not decide on it; that is recorded, too.
    """
    operators, ledger = visit.room.operators(), visit.room.ledger
    signer = signer_of(visit, operators)
    await may_ask(ledger, record, intent_of(visit, operators), shown=shown)
    return await reveal_for_decision(ledger, record, signer=signer, operators=operators, now=visit.room.now())


async def back(visit: Visit) -> Response:
    """Lead to the page of the proposal, from where a form of it was sent."""
    record = await proposal_of(visit.room.ledger, str(visit.request.path_params["handle"]))
    return visit.lead(f"/proposals/{record.proposal.id}")
