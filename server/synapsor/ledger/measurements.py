"""Measurements: what shadow applies of a proposal came to, and that reviewers want one; recorded while it is in review.

The newest measurement is what is approved with the proposal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from synapsor.core.measured import Measurement
from synapsor.core.proposal import Status
from synapsor.core.records import from_body, to_body
from synapsor.core.statements import SignedShadowRequest
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.ledger.chain import Book, Told, event
from synapsor.ledger.connection import Row, Transaction
from synapsor.ledger.kinds import MEASUREMENT, SHADOW_REQUEST, Kind, loads, read_each, record
from synapsor.ledger.review import check_asked
from synapsor.refusals import Rule
from synapsor.values import digest_bytes

R = TypeVar("R")

MOST_REQUESTS: Final = 10
"""How often a proposal is measured because reviewers want it."""


async def add(book: Book, measurement: Measurement) -> bool:
    """Record a measurement; False where the proposal has left review meanwhile, so that nobody needs it.

    Raises:
        IntegrityError: it is of another proposal.
    """
    row = await book.tx.one("proposal_by_id", id=measurement.proposal)
    if row is None or measurement.digest != digest_bytes("proposal", row["body"].encode()):
        raise IntegrityError("The measurement is of another proposal.")
    if row["status"] != Status.REVIEW_REQUIRED.value:
        return False
    entry = record(MEASUREMENT, measurement.id, to_body(measurement))
    facts = {"outcome": measurement.outcome, "code": measurement.code}
    await book.append(event("proposal_measured", measurement.proposal, measurement.at, (entry,), facts))
    return True


async def ask(book: Book, ledger: str, signed: SignedShadowRequest) -> None:
    """Record that a reviewer wants a proposal measured, or measured anew.

    Raises:
        DecisionRefused: the proposal is no longer in review (`already_decided`), somebody has approved it meanwhile (`shadow_approved`), or
            enough was asked (`too_many_shadows`).
        IntegrityError: it is about something else.
    """
    request = signed.request
    await check_asked(book, ledger, request, left="measure")
    if await book.tx.all("decisions_of", proposal=request.proposal):
        raise DecisionRefused(Rule.SHADOW_APPROVED)
    if len(await book.tx.all("shadow_requests_of", proposal=request.proposal)) >= MOST_REQUESTS:
        raise DecisionRefused(Rule.TOO_MANY_SHADOWS)
    told = record(SHADOW_REQUEST, request.id, to_body(signed))
    await book.append(event("shadow_asked", request.proposal, request.at, (told,)))


@dataclass(frozen=True, slots=True)
class Shadows:
    """What stands beside a proposal of its shadow applies, as far as events tell of it.

    Attributes:
        pending: somebody wants it measured since it was measured last.
        unreadable: what is none of ours, as kind and handle.
    """

    requests: tuple[SignedShadowRequest, ...]
    measurements: tuple[Measurement, ...]
    pending: bool
    unreadable: tuple[str, ...]


async def of_proposal(tx: Transaction, proposal_id: str, events: Sequence[Told]) -> Shadows:
    """Return the requests and measurements of a proposal that `events` tell of, oldest first."""
    wanted, asked, unasked = _told(
        await tx.all("shadow_requests_of", proposal=proposal_id), SHADOW_REQUEST, SignedShadowRequest, events
    )
    found, measured, unmeasured = _told(
        await tx.all("measurements_of", proposal=proposal_id), MEASUREMENT, Measurement, events
    )
    pending = bool(asked) and (not measured or asked[-1] > measured[-1])
    return Shadows(requests=wanted, measurements=found, pending=pending, unreadable=(*unasked, *unmeasured))


def _told(
    rows: Sequence[Row], kind: Kind, of: type[R], events: Sequence[Told]
) -> tuple[tuple[R, ...], tuple[int, ...], tuple[str, ...]]:
    """Return the records of a kind that events tell of, the numbers of their events, and the names of the others."""
    known = {named for event in events if (named := event.records.get(kind.name))}
    told = [row for row in rows if (row["id"], digest_bytes(kind.name, row["body"].encode())) in known]
    found, unreadable = read_each(kind.name, told, lambda row: from_body(of, loads(row["body"])))
    others = tuple(f"{kind.name} {row['id']}" for row in rows if row not in told)
    return found, tuple(row["seq"] for row in told), (*unreadable, *others)
