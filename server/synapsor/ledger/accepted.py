"""What an application has accepted, in the ledger: told once in the chain, and its job given back until it is asked again."""

from __future__ import annotations

from synapsor.core.accepted import ACCEPTED
from synapsor.core.writeback import Lease
from synapsor.ledger import jobs
from synapsor.ledger.chain import Book, event


async def keep(book: Book, held: Lease, *, until: str, not_before: str, code: str, at: str) -> bool:
    """Record that a leased job is accepted, and give it back until it is asked again; at once where a person has said something meanwhile.

    Whether it is told already, the chain says; the job's column proves nothing.
    """
    row = await book.tx.one("lease_holds", id=held.job.id, lease=held.id)
    if row is None:
        return False
    told = await book.tx.all("proposal_events", subject=held.job.lead.proposal)
    if not any(one["kind"] == ACCEPTED for one in told):
        facts = {"job": held.job.id, "worker": held.worker, "attempt": held.attempt, "until": until}
        # Signed at once: where it is forgotten, the application is asked to begin it, and must know by itself that it has.
        await book.append(event(ACCEPTED, held.job.lead.proposal, at, facts=facts), checkpoint=True)
        if row["accepted"] is None:
            await book.tx.execute("accept_job", id=held.job.id, lease=held.id, until=until)
    later = at if row["anew"] >= held.attempt else not_before
    return await jobs.release(book, held, not_before=later, code=code, at=at)
