"""Intents in the ledger: durable before anything is begun in the source, under a lease that is held, and cleared with what proves them vain."""

from __future__ import annotations

from synapsor.core.intents import CLEARED, INTENDED, is_certain, standing
from synapsor.core.writeback import Job, Lease
from synapsor.ledger.believed import told_by
from synapsor.ledger.chain import Book, event, is_sealed


async def intend(book: Book, held: Lease, *, at: str) -> bool:
    """Record that a job is about to be applied, while its lease is held and no other intent of it stands, which nobody may write over."""
    if await book.tx.one("lease_holds", id=held.job.id, lease=held.id) is None:
        return False
    if await stands(book, held.job) is not None:
        return False
    facts = {"job": held.job.id, "worker": held.worker, "attempt": held.attempt, "lease": held.id}
    # Signed at once: what was cut off unnoticed after a kill would be applied again.
    await book.append(event(INTENDED, held.job.lead.proposal, at, facts=facts), checkpoint=True)
    return True


async def clear(book: Book, held: Lease, *, code: str, at: str) -> None:
    """Record that the intent of an attempt which has ended so had no effect, where it had one and that is certain."""
    if is_certain(code) and await stands(book, held.job) == held.id:
        facts = {"job": held.job.id, "worker": held.worker, "attempt": held.attempt, "lease": held.id, "code": code}
        await book.append(event(CLEARED, held.job.lead.proposal, at, facts=facts))


async def in_doubt(book: Book, held: Lease, *, code: str) -> bool:
    """Tell whether nobody may say that a job was not applied: another attempt's intent stands, or its own of which nothing is known."""
    lease = await stands(book, held.job)
    return lease is not None and (lease != held.id or not is_certain(code))


async def stands(book: Book, job: Job) -> str | None:
    """Return the lease under which a job was to be applied last, unless that had no effect, by this ledger's own events alone."""
    for part in job.parts:
        rows = await book.tx.all("intents_of", subject=part.proposal)
        own = [told_by(row) for row in rows if is_sealed(row, book.seals)]
        if (lease := standing((told.kind, told.facts) for told in own)) is not None:
            return lease
    return None
