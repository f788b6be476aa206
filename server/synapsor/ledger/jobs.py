"""Jobs: leased to one worker at a time and in the order of their rows, and settled once, with receipt, settlement, status and event in one
transaction.

A lease saves work; it is the receipt in the source that makes a change happen once. Who has lost a lease settles nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from synapsor import handles
from synapsor.core.moment import parse, stamp
from synapsor.core.outcome import Outcome, Why
from synapsor.core.proposal import Status
from synapsor.core.records import to_body
from synapsor.core.writeback import Closed, Job, Lease, Receipt
from synapsor.errors import IntegrityError
from synapsor.ledger import intents, proposals
from synapsor.ledger.believed import Trust
from synapsor.ledger.chain import Book, event
from synapsor.ledger.connection import Row, Transaction
from synapsor.ledger.kinds import RECEIPT, SETTLEMENT, record
from synapsor.ledger.pauses import unchanged
from synapsor.ledger.rows import job_of

MAY_BE_APPLIED: Final = frozenset({Status.APPLIED, Status.RECONCILIATION_REQUIRED})
"""Ends by which it is not said that nothing was changed."""

Permits = Collection[tuple[str, str]] | None
"""Contract digests and capabilities whose jobs may be taken; None for all."""

Pauses = Mapping[str, str | None] | None
"""The newest pause of each source, and of all (""), by its handle, as they were judged; None where nobody judged any."""


LONGEST = dt.timedelta(minutes=10)
"""No lease and no delay between attempts is longer, also by a clock that is a little ahead of another one."""


async def due(tx: Transaction, now: str, sources: Collection[str], trust: Trust, permits: Permits = None) -> Row | None:
    """Return the oldest job of these sources that is due, free, permitted, and behind no older one about one of its rows."""
    times = {"now": now, "latest": stamp(parse(now) + LONGEST), "to_come": Why.APPROVAL_TO_COME.value}
    if permits is None:
        rows = [await tx.one("due_job", source=source, **times) for source in sources]
    else:
        rows = [
            await _permitted(tx, trust, source=source, contract=contract, capability=capability, **times)
            for source in sources
            for contract, capability in sorted(permits)
        ]
    return min((row for row in rows if row is not None), key=lambda row: int(row["seq"]), default=None)


async def _permitted(tx: Transaction, trust: Trust, **asked: str) -> Row | None:
    """Return the oldest job of a capability; not one of a proposal of which only its row says that it is of this one."""
    after = 0
    while (row := await tx.one("due_job_of", after=after, **asked)) is not None:
        if await proposals.is_believed(tx, row["proposal"], trust):
            return row
        after = row["seq"]
    return None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which jobs are to be leased, and until when: at most so many of each source and `most` in all; `receipts` are the sources that keep any."""

    now: str
    until: str
    sources: Mapping[str, int]
    permits: Permits = None
    pauses: Pauses = None
    most: int | None = None
    receipts: Collection[str] = ()


async def lease(book: Book, worker: str, trust: Trust, wanted: Wanted) -> tuple[Lease, ...]:
    """Lease such jobs, oldest first; of a source whose newest pauses are others than were judged, none."""
    sources, pauses, most = wanted.sources, wanted.pauses, wanted.most
    going = tuple(sources) if pauses is None else await unchanged(book.tx, tuple(sources), pauses, trust)
    room = {source: sources[source] for source in going if sources[source] > 0}
    taken: list[Lease] = []
    while room and (most is None or len(taken) < most):
        row = await due(book.tx, wanted.now, tuple(room), trust, wanted.permits)
        if row is None:
            break
        held = await _taken(book, row, worker, wanted)
        if held is None:
            continue
        taken.append(held)
        room[row["source"]] -= 1
        if not room[row["source"]]:
            del room[row["source"]]
    return tuple(taken)


async def _taken(book: Book, row: Row, worker: str, wanted: Wanted) -> Lease | None:
    """Lease a job, count the attempt and say so in the chain. One whose body is not what its row says is set aside instead: it would
    come back at once, and keep the worker from all others.
    """
    job, now, until = _read(row), wanted.now, wanted.until
    if job is None:
        await _aside(book, row["id"], row["proposal"], at=now, worker=worker, attempt=row["attempt"], came={})
        await book.tx.execute("close_unread", id=row["id"], code=Why.RECORDS_DIFFER.value)
        return None
    handle, attempt = handles.new("lea"), row["attempt"] + 1
    await book.tx.execute("take_job", id=job.id, lease=handle, worker=worker, until=until)
    keeps = job.source in wanted.receipts
    facts = {"job": job.id, "worker": worker, "attempt": attempt, "lease": handle, "receipts": keeps}
    await book.append(event("job_leased", job.lead.proposal, now, facts=facts))
    return Lease(
        id=handle,
        job=job,
        worker=worker,
        attempt=attempt,
        expires_at=until,
        head=await book.head(),
        anew=row["anew"],
        capability=row["capability"] or "",
        rows=row["rows"],
    )


def _read(row: Row) -> Job | None:
    """Return the job of a row; None where its body is no job, or another one."""
    try:
        job = job_of(row)
    except IntegrityError:
        return None
    told = (job.id, job.source, job.at, *(part.proposal for part in job.parts[:1]))
    return job if told == (row["id"], row["source"], row["at"], row["proposal"]) else None


async def renew(book: Book, held: Collection[Lease], until: str) -> frozenset[str]:
    """Prolong those of these leases that are still held, and return their handles."""
    asked = [(one.id, await book.tx.execute("renew_lease", id=one.job.id, lease=one.id, until=until)) for one in held]
    return frozenset(handle for handle, prolonged in asked if prolonged)


async def release(book: Book, held: Lease, *, not_before: str, code: str, at: str) -> bool:
    """Give a job back until later, and say why in the chain."""
    if await book.tx.execute("release_job", id=held.job.id, lease=held.id, not_before=not_before, code=code) != 1:
        return False
    await intents.clear(book, held, code=code, at=at)
    facts = {"job": held.job.id, "worker": held.worker, "attempt": held.attempt, "code": code, "not_before": not_before}
    await book.append(event("job_released", held.job.lead.proposal, at, facts=facts))
    return True


async def settle(book: Book, held: Lease, receipts: Sequence[Receipt], trust: Trust) -> Closed:
    """Record what came of a job, a receipt for each proposal, and close it.

    Whatever contradicts itself here would do so at every later attempt: such a job is closed at once, with what came of it on record.

    Raises:
        IntegrityError: the receipts are not about what the leased job applies, or do not end it in one way.
    """
    job = held.job
    status = _end_of(receipts)
    told = [(receipt.job, receipt.proposal, receipt.digest) for receipt in receipts]
    if told != [(job.id, part.proposal, part.digest) for part in job.parts]:
        raise IntegrityError("The receipt is about another job.")
    row = await book.tx.one("lease_holds", id=job.id, lease=held.id)
    if row is None:
        return Closed.LOST
    differ = any(receipt.code == Why.RECORDS_DIFFER.value for receipt in receipts)
    if differ or not await _all_stand(book.tx, job):
        await _set_aside(book, held, row["proposal"], receipts)
        return Closed.SET_ASIDE
    if status not in MAY_BE_APPLIED:
        if await intents.in_doubt(book, held, code=receipts[0].code):
            return Closed.IN_DOUBT
        await intents.clear(book, held, code=receipts[0].code, at=receipts[0].at)
    for receipt in receipts:
        await _settled(book, held, receipt, status, trust)
    own = [receipt.code for receipt in receipts if receipt.code != Why.GROUP_FAILED.value]
    await book.tx.execute("close_job", id=job.id, lease=held.id, code=own[0] if own else receipts[0].code)
    return Closed.SETTLED


def _end_of(receipts: Sequence[Receipt]) -> Status:
    """Return the status that the receipts of one transaction lead to."""
    (status, *others) = {Outcome(receipt.outcome).status for receipt in receipts} or {None}
    if status is None or others:
        raise IntegrityError("The receipts do not end the job in one way.")
    return status


async def _all_stand(tx: Transaction, job: Job) -> bool:
    """Tell whether a job names proposals that wait to be settled, each once."""
    standing = {part.proposal for part in job.parts if await tx.one("stands_approved", id=part.proposal)}
    return len(standing) == len(job.parts)


async def _set_aside(book: Book, held: Lease, kept_with: str, receipts: Sequence[Receipt]) -> None:
    """Close a job without a step of any proposal; what came of it is kept, in full of each proposal that is on record."""
    for receipt in receipts:
        if await book.tx.one("proposal_by_id", id=receipt.proposal) is not None:
            entry = record(RECEIPT, receipt.id, to_body(receipt))
            await book.append(event("receipt_kept", receipt.proposal, receipt.at, (entry,)))
    came = {receipt.proposal: [receipt.outcome, receipt.code] for receipt in receipts}
    job, last = held.job.id, receipts[0].at
    await _aside(book, job, kept_with, at=last, worker=held.worker, attempt=held.attempt, came=came)
    await book.tx.execute("close_job", id=job, lease=held.id, code=Why.RECORDS_DIFFER.value)


async def _aside(
    book: Book, job: str, kept_with: str, *, at: str, worker: str, attempt: int, came: Mapping[str, list[str]]
) -> None:
    facts = {"job": job, "worker": worker, "attempt": attempt, "code": Why.RECORDS_DIFFER.value, "came": came}
    await book.append(event("job_set_aside", kept_with, at, facts=facts), checkpoint=True)


async def _settled(book: Book, held: Lease, receipt: Receipt, status: Status, trust: Trust) -> None:
    handle = handles.new("set")
    body = {
        "id": handle,
        "proposal": receipt.proposal,
        "job": held.job.id,
        "receipt": receipt.id,
        "status": status.value,
        "code": receipt.code,
        "worker": held.worker,
        "at": receipt.at,
    }
    records = (record(RECEIPT, receipt.id, to_body(receipt)), record(SETTLEMENT, handle, body))
    await proposals.step(book, receipt.proposal, Status.APPROVED, status, at=receipt.at, records=records, trust=trust)
