"""Measurements: what shadow applies of a proposal came to, and that reviewers want one; recorded while it is in review.

The newest measurement is what is approved with the proposal.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

from synapsor.core.group import is_whole
from synapsor.core.measured import Measurement
from synapsor.core.proposal import Status
from synapsor.core.records import from_body, to_body
from synapsor.core.statements import SignedShadowRequest
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.ledger.chain import Book, Told, event
from synapsor.ledger.connection import Row, Transaction
from synapsor.ledger.kinds import MEASUREMENT, SHADOW_REQUEST, Kind, loads, read_each, record
from synapsor.ledger.review import check_asked
from synapsor.ledger.rows import proposal_of
from synapsor.refusals import Rule
from synapsor.values import digest_bytes

R = TypeVar("R")

Believed: TypeAlias = Callable[[Transaction, str], Awaitable[bool]]
"""Whether a proposal is and stands as its events tell."""

MOST_REQUESTS: Final = 10
"""How often a proposal is measured because reviewers want it."""

_GROUP_OF: Final = "$.group_of"
"""Where a proposal's body names the capabilities of its group."""


async def waiting(tx: Transaction, now: str, sources: Sequence[str], limit: int, believed: Believed) -> tuple[str, ...]:
    """Return the proposals of these sources that are to be measured, at most so many of each, oldest first in each, and one of each whole group."""
    found = [await _waiting(tx, now, source, limit, believed) for source in sources]
    return tuple(handle for handles in found for handle in handles)


async def _waiting(tx: Transaction, now: str, source: str, limit: int, believed: Believed) -> list[str]:
    """Return them of one source; not one of which only its row says that it waits: it would do so for ever, and keep the others from it."""
    found: list[str] = []
    looked_at: set[str] = set()
    asked = {"source": source, "now": now, "group_of": _GROUP_OF}
    after = 0
    while len(found) < limit and (row := await tx.one("for_shadows", **asked, after=after)) is not None:
        after = row["seq"]
        together = await _together(tx, row["id"])
        if looked_at.isdisjoint(together) and all([await believed(tx, name) for name in together]):
            found.append(row["id"])
        looked_at.update(together)
    return found


async def add(book: Book, made: Sequence[Measurement], answers: Collection[str]) -> bool:
    """Record the measurements of all that was carried out together; False, and nothing is recorded, where nobody waits for them any more:
    what was measured late is what nobody has been shown, and what came before a request does not answer it.

    Raises:
        IntegrityError: one is of another proposal, or they are not all that stand or fall together.
    """
    rows = [await book.tx.one("proposal_by_id", id=one.proposal) for one in made]
    told = [(row["id"], digest_bytes("proposal", row["body"].encode())) for row in rows if row is not None]
    if told != [(one.proposal, one.digest) for one in made]:
        raise IntegrityError("The measurement is of another proposal.")
    if not is_whole([proposal_of(row) for row in rows if row is not None]):
        raise IntegrityError("The group of the proposal is not whole.")
    if not await _is_wanted(book.tx, [name for name, _ in told], answers):
        return False
    for one in made:
        entry = record(MEASUREMENT, one.id, to_body(one))
        facts = {"outcome": one.outcome, "code": one.code}
        await book.append(event("proposal_measured", one.proposal, one.at, (entry,), facts))
    return True


async def _is_wanted(tx: Transaction, proposals: Sequence[str], answers: Collection[str]) -> bool:
    """Tell whether all of these are in review, and one of them waits to be measured, for nothing that was asked since."""
    waits = False
    for name in proposals:
        (row,) = await tx.all("shadow_standing", proposal=name)
        asked = await tx.all("shadow_requests_told", proposal=name)
        if row["status"] != Status.REVIEW_REQUIRED.value or any(each["id"] not in answers for each in asked):
            return False
        waits = waits or bool(row["waits"])
    return waits


async def ask(book: Book, ledger: str, signed: SignedShadowRequest) -> None:
    """Record that a reviewer wants a proposal measured, or measured anew.

    Raises:
        DecisionRefused: the proposal is no longer in review (`already_decided`), somebody has approved it or what it stands or falls with
            (`shadow_approved`), or enough was asked (`too_many_shadows`).
        IntegrityError: it is about something else.
    """
    request = signed.request
    await check_asked(book, ledger, request, left="measure")
    if any([await book.tx.all("decisions_of", proposal=name) for name in await _together(book.tx, request.proposal)]):
        raise DecisionRefused(Rule.SHADOW_APPROVED)
    if len(await book.tx.all("shadow_requests_told", proposal=request.proposal)) >= MOST_REQUESTS:
        raise DecisionRefused(Rule.TOO_MANY_SHADOWS)
    told = record(SHADOW_REQUEST, request.id, to_body(signed))
    await book.append(event("shadow_asked", request.proposal, request.at, (told,)))


async def check_none_waits(tx: Transaction, proposals: Iterable[str]) -> None:
    """Check that none of what is approved together waits to be measured: somebody may have asked for that meanwhile.

    Raises:
        DecisionRefused: by rule `not_measured`.
    """
    for name in proposals:
        standing = await tx.one("shadow_standing", proposal=name)
        if standing is not None and standing["waits"]:
            raise DecisionRefused(Rule.NOT_MEASURED)


async def _together(tx: Transaction, proposal: str) -> tuple[str, ...]:
    """Return a proposal and what it stands or falls with, by handle."""
    row = await tx.one("proposal_by_id", id=proposal)
    if row is None or row["group_id"] is None:
        return (proposal,)
    return tuple(each["id"] for each in await tx.all("group_members", group_id=row["group_id"]))


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
