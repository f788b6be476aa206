"""Deciding on several proposals at once: each is shown, each digest is bound by itself, and each is decided on by itself.

What asks for more than a look, or differs from the others, is said; the first kind is decided on alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from synapsor.approve.console.decide import approve_one, reason_of, reject_one, told
from synapsor.approve.console.entries import loaded
from synapsor.approve.console.proposal import Looked, looked_at
from synapsor.approve.console.room import Room
from synapsor.approve.console.visit import Visit, page
from synapsor.approve.sheet import odd_words
from synapsor.core.alike import clusters
from synapsor.core.moment import stamp
from synapsor.core.presets import REJECT_WORDS
from synapsor.errors import DecisionRefused, LedgerFailure, SynapsorError, UsageError
from synapsor.flow.batch import UNTRIED
from synapsor.flow.reason import check_reason
from synapsor.ports import ProposalRecord

MOST: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One of them.

    Attributes:
        alone: why it is decided on by itself, "" where it may be decided on with the others.
        unlike: why it stands out of those that are like it, in words.
    """

    looked: Looked
    digest: str
    alone: str
    unlike: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of the decision on one of them."""

    proposal: str
    words: str
    ok: bool


def routes(room: Room) -> Iterable[Route]:
    """Return the page that shows them, and the two forms."""
    yield page(room, "/batch", _batch, posts=True)
    yield page(room, "/batch/approve", _approve, posts=True)
    yield page(room, "/batch/reject", _reject, posts=True)


async def _batch(visit: Visit) -> Response:
    return await _shown(visit, visit.form.get("pick", ()))


async def _shown(visit: Visit, picked: Iterable[str], *, trouble: str = "", status: int = HTTPStatus.OK) -> Response:
    """Return the page of those that were chosen, with what went wrong before."""
    ids = list(dict.fromkeys(picked))
    if not ids:
        raise UsageError("Nothing is chosen.", fix="Tick the proposals that you want to decide on together.")
    records = await loaded(visit.room.ledger, ids[:MOST])
    operators = visit.room.operators()
    alike = clusters(records, now=stamp(visit.room.now()))
    chosen = []
    for record in records:
        looked = await looked_at(visit, record, operators)
        chosen.append(
            Chosen(
                looked=looked,
                digest=record.proposal.digest,
                alone=_alone(record, looked),
                unlike=tuple(words for cluster in alike for words in odd_words(cluster, record.proposal.id)),
            )
        )
    together = [one for one in chosen if not one.alone]
    return await visit.page(
        "batch.html",
        status=status,
        trouble=trouble,
        together=together,
        alone=[one for one in chosen if one.alone],
        beyond=max(0, len(ids) - MOST),
        presets=REJECT_WORDS,
    )


def _alone(record: ProposalRecord, looked: Looked) -> str:
    if looked.against is not None:
        return looked.against.message
    if record.proposal.step_up:
        return "It takes a one-time code."
    if looked.types:
        return f"Its risk is {record.proposal.risk}."
    return ""


async def _approve(visit: Visit) -> Response:
    if visit.sent("seen") != "yes":
        words = "Tick that you have read all of them; nothing was signed."
        ids = [_pair(text)[0] for text in visit.form.get("pick", ())]
        return await _shown(visit, ids, trouble=words, status=HTTPStatus.UNPROCESSABLE_ENTITY)

    async def approved(record: ProposalRecord, digest: str) -> ProposalRecord:
        looked = await looked_at(visit, record, visit.room.operators())
        if why := _alone(record, looked):
            raise looked.against or DecisionRefused("alone", why, fix="Decide on it by itself.")
        return await approve_one(visit, record, digest=digest, confirmed=True)

    return await _each(visit, "approved", approved)


async def _reject(visit: Visit) -> Response:
    reason = reason_of(visit)
    try:
        check_reason("reject", reason)
    except UsageError as error:
        ids = [_pair(text)[0] for text in visit.form.get("pick", ())]
        words = f"{error.message} Nothing was signed."
        return await _shown(visit, ids, trouble=words, status=HTTPStatus.UNPROCESSABLE_ENTITY)

    async def rejected(record: ProposalRecord, digest: str) -> ProposalRecord:
        return await reject_one(visit, record, digest=digest, reason=reason)

    return await _each(visit, "rejected", rejected)


async def _each(
    visit: Visit, verb: str, decide: Callable[[ProposalRecord, str], Awaitable[ProposalRecord]]
) -> Response:
    picked = dict(_pair(text) for text in visit.form.get("pick", ())[:MOST])
    if not picked:
        raise UsageError("Nothing is chosen.", fix="Go back, and tick what you mean.")
    outcomes: list[Outcome] = []
    failed = False
    for record in await loaded(visit.room.ledger, picked):
        proposal = record.proposal.id
        if failed:
            outcomes.append(Outcome(proposal=proposal, words=UNTRIED, ok=False))
            continue
        try:
            decided = await decide(record, picked[proposal])
            outcomes.append(Outcome(proposal=proposal, words=told(decided, verb)[1], ok=True))
        except SynapsorError as error:
            failed = isinstance(error, LedgerFailure) and not error.of_one_record
            outcomes.append(Outcome(proposal=proposal, words=f"{error.message} {error.fix}".strip(), ok=False))
    return await visit.page("outcomes.html", outcomes=outcomes, verb=verb)


def _pair(text: str) -> tuple[str, str]:
    handle, _, digest = text.partition(" ")
    return handle, digest
