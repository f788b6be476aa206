"""Measurements: what a shadow apply of a proposal came to, recorded while it is in review; the newest is what is approved with it."""

from __future__ import annotations

from collections.abc import Sequence

from synapsor.core.measured import Measurement
from synapsor.core.proposal import Status
from synapsor.core.records import from_body, to_body
from synapsor.errors import IntegrityError
from synapsor.ledger.chain import Book, event
from synapsor.ledger.connection import Row, Transaction
from synapsor.ledger.kinds import MEASUREMENT, loads, record
from synapsor.values import digest_bytes


async def waiting(tx: Transaction, now: str, sources: Sequence[str], limit: int) -> tuple[str, ...]:
    """Return the proposals of these sources that are to be measured, oldest first in each."""
    found = [await tx.all("for_shadows", source=source, now=now, limit=limit) for source in sources]
    return tuple(row["id"] for rows in found for row in rows)


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


def measurement_of(row: Row) -> Measurement:
    """Return the measurement that a row holds."""
    return from_body(Measurement, loads(row["body"]))
