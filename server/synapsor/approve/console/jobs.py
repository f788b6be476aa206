"""The page of one job, and what a person says is to become of it: tried again, discarded or canceled.

What is signed names the job with the digest of all that it applies, and goes through `flow.steering` as a command's does; a worker carries
it out. A form names what its page showed.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from http import HTTPStatus

from starlette.responses import Response
from starlette.routing import Route

from synapsor.approve.card.card import card_of
from synapsor.approve.card.extent import ON_A_PAGE
from synapsor.approve.console.acting import objection_to, signer_of
from synapsor.approve.console.decide import again
from synapsor.approve.console.kept import kept
from synapsor.approve.console.room import Room
from synapsor.approve.console.visit import Visit, page
from synapsor.core.instructions import JobVerb
from synapsor.core.moment import stamp
from synapsor.core.outcome import meaning_of
from synapsor.core.proposal import Status
from synapsor.core.steering import TOLD, standing
from synapsor.errors import DecisionRefused, UsageError
from synapsor.flow.named import proposal_of
from synapsor.flow.resting import holding, resting
from synapsor.flow.steering import instruct, steering
from synapsor.ports import ProposalRecord

_VERBS: tuple[JobVerb, ...] = ("requeue", "discard", "cancel")


def routes(room: Room) -> Iterable[Route]:
    """Return the page, and where its forms and that of a proposal's page are sent to."""
    yield page(room, "/worker/jobs/{handle}", _job)
    for verb in _VERBS:
        yield page(room, f"/worker/jobs/{{handle}}/{verb}", partial(_said_there, verb), posts=True)
        yield page(room, f"/worker/jobs/{{handle}}/{verb}", _back)
    yield page(room, "/proposals/{handle}/cancel", _canceled, posts=True)


async def _job(visit: Visit) -> Response:
    return await _page(visit, await _named(visit))


async def _back(visit: Visit) -> Response:
    return visit.lead(f"/worker/jobs/{visit.request.path_params['handle']}")


async def _said_there(verb: JobVerb, visit: Visit) -> Response:
    record = await _named(visit)
    try:
        await _said(visit, record, verb)
    except UsageError as error:
        words = f"{error.message} {error.fix}".strip()
        return await _page(visit, record, trouble=words, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return visit.lead(f"/worker/jobs/{record.job.id if record.job else record.proposal.id}")


async def _canceled(visit: Visit) -> Response:
    """Cancel a change from its own page."""
    record = await proposal_of(visit.room.ledger, str(visit.request.path_params["handle"]))
    try:
        await _said(visit, record, "cancel")
    except UsageError as error:
        return await again(visit, record, error)
    return visit.lead(f"/proposals/{record.proposal.id}")


async def _said(visit: Visit, record: ProposalRecord, verb: JobVerb) -> None:
    operators = visit.room.operators()
    await instruct(
        visit.room.ledger,
        verb,
        record,
        signer=signer_of(visit, operators),
        operators=operators,
        now=visit.room.now(),
        reason=visit.sent("reason").strip(),
        shown=visit.sent("digest"),
    )
    visit.session.flash = (record.proposal.id, f"{TOLD[verb]}.")


def _against(visit: Visit, record: ProposalRecord, verb: JobVerb) -> DecisionRefused | None:
    """Return why the person who visits does not say so of the job of a proposal, or None; saying it asks again."""
    try:
        signer = signer_of(visit, visit.room.operators())
    except DecisionRefused as nobody:
        return nobody
    return objection_to(visit, record, steering(verb, signer))


async def _named(visit: Visit) -> ProposalRecord:
    record = await proposal_of(visit.room.ledger, str(visit.request.path_params["handle"]))
    if record.job is None:
        raise UsageError("No job applies this proposal.", fix="Look at its own page.")
    return record


async def _page(visit: Visit, record: ProposalRecord, *, trouble: str = "", status: int = HTTPStatus.OK) -> Response:
    room = visit.room
    head, _ = await room.ledger.head()
    # As it is at that event, whatever was recorded since it was asked for.
    record = await room.ledger.proposal(record.proposal.id) or record
    job = await room.overview.job(record.job.id) if record.job else None
    if job is None:
        raise UsageError("No job applies this proposal.", fix="Look at its own page.")
    rests = holding(await resting(room.ledger, (job.source,), room.operators()), job.source)
    return await visit.page(
        "job.html",
        status=status,
        head=head,
        job=job,
        stands=job.stands(stamp(visit.now), rests=bool(rests)),
        rests=rests if job.is_open else (),
        meaning=meaning_of(job.code) if job.code else "",
        card=await card_of(
            room.ledger,
            record,
            operators=room.operators(),
            now=visit.now,
            beside_it=ON_A_PAGE,
            receiptless=room.given.receiptless,
        ),
        parts=record.together,
        asked=standing(record.together).asked,
        unknown=record.status is Status.RECONCILIATION_REQUIRED,
        against={verb: _against(visit, record, verb) for verb in _VERBS},
        trouble=trouble,
        kept=kept(visit.request.url.path, visit.form, same=visit.sent("digest") == record.shown),
        digest=record.shown,
    )
