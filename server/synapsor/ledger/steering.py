"""How people steer the worker, in the ledger: sources that rest, and what is to become of a job. It is kept as it was signed, and who acts by
it proves the signature; here is only seen to it that it is about what the ledger has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from synapsor.core.instructions import Instruction, JobVerb
from synapsor.core.records import to_body
from synapsor.core.statements import SignedInstruction, SignedPause
from synapsor.core.steering import EVENTS
from synapsor.core.writeback import Lease
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.ledger import intents, jobs, proposals
from synapsor.ledger.believed import Trust
from synapsor.ledger.chain import Book, Write, event
from synapsor.ledger.connection import Connection, Row
from synapsor.ledger.kinds import INSTRUCTION, PAUSE, record
from synapsor.ledger.pauses import pauses
from synapsor.ledger.rows import job_of
from synapsor.ledger.tail import Followed, as_of_now
from synapsor.ports import ProposalRecord
from synapsor.refusals import Rule


class Steering:
    """What people have signed to steer the worker, over any engine."""

    def __init__(self, connection: Connection, write: Write, followed: Followed) -> None:
        self._connection = connection
        self._write = write
        self._followed = followed

    async def pauses(self, sources: Sequence[str]) -> Mapping[str, SignedPause | None]:
        """Return the newest pause of all sources (under "") and of each of these, or its end."""
        return await self._connection.glance(lambda tx: pauses(tx, sources, self._followed.trust))

    async def pause(self, signed: SignedPause, *, instead_of: str | None = None) -> None:
        """Record a signed pause, or its end; `instead_of` names the one that must still be the newest there, "" where there was none."""
        await self._write(lambda book: pause(book, self._followed.trust, signed, instead_of=instead_of))

    async def park(self, lease: Lease, *, code: str, at: str) -> tuple[bool, bool]:
        """Give a job up until a person says what becomes of it; return whether that is on record, and whether it was given up."""
        return await self._write(lambda book: park(book, lease, code=code, at=at))

    async def instruct(self, signed: SignedInstruction) -> ProposalRecord:
        """Record what a person says is to become of a job."""

        async def work(book: Book) -> ProposalRecord:
            kept_with = await instruct(book, self._followed.trust, signed)
            return await proposals.existing(book.tx, kept_with, self._followed.trust)

        return await self._write(work)


async def pause(book: Book, trust: Trust, signed: SignedPause, *, instead_of: str | None) -> None:
    """Record a pause, or its end.

    Raises:
        DecisionRefused: by rule `other_pause`: somebody has paused it, or let it go on, since the one that was named.
        IntegrityError: which is the newest cannot be told.
    """
    made = signed.pause
    if instead_of is not None:
        newest = (await pauses(book.tx, (made.source,), trust))[made.source]
        if (newest.pause.id if newest else "") != instead_of:
            raise DecisionRefused(Rule.OTHER_PAUSE)
    kind = "worker_paused" if made.state == "paused" else "worker_resumed"
    entry = record(PAUSE, made.id, to_body(signed))
    await book.append(event(kind, made.source, made.at, (entry,)), checkpoint=True)


async def park(book: Book, held: Lease, *, code: str, at: str) -> tuple[bool, bool]:
    """Give a job up until a person says what becomes of it, and say why in the chain. Where somebody has said so since it was leased, it is
    only given back, and its attempts begin anew. Return whether that is on record, and whether it was given up.
    """
    row = await book.tx.one("lease_holds", id=held.job.id, lease=held.id)
    if row is None or row["anew"] >= held.attempt:
        return await jobs.release(book, held, not_before=at, code=code, at=at), False
    await intents.clear(book, held, code=code, at=at)
    facts = {"job": held.job.id, "worker": held.worker, "attempts": held.tries, "code": code}
    await book.append(event("job_parked", held.job.lead.proposal, at, facts=facts), checkpoint=True)
    await book.tx.execute("park_job", id=held.job.id, lease=held.id, at=at, code=code)
    return True, True


async def instruct(book: Book, trust: Trust, signed: SignedInstruction) -> str:
    """Record what a person says is to become of a job, and let a worker take it at once; return the proposal that it is kept with.

    Raises:
        DecisionRefused: the job is done (`job_done`) or was not given up (`not_given_up`), the chain does not go on (`ledger_altered`),
            or the ledger's own records contradict each other about one of its proposals (`records_differ`).
        IntegrityError: it is about another job.
    """
    told = signed.instruction
    trust = await as_of_now(book.tx, trust)
    row = await book.tx.one("open_job", id=told.job)
    if row is None:
        raise DecisionRefused(Rule.JOB_DONE)
    _check_about(told, row, trust)
    for proposal, _ in told.parts:
        found = await book.tx.one("proposal_by_id", id=proposal)
        if found is None:
            raise IntegrityError("The job is of another proposal.")
        await proposals.check_stands(book.tx, found, trust)
    if told.verb != "cancel" and row["parked"] is None:
        raise DecisionRefused(Rule.NOT_GIVEN_UP)
    if not book.is_now(told.at):
        raise DecisionRefused(Rule.CLOCK_MOVED, "The clock of this machine moved meanwhile.", fix="Do it again.")
    facts = {"job": told.job, "attempt": row["attempt"]}
    entry = record(INSTRUCTION, told.id, to_body(signed))
    await book.append(event(_kind(told.verb), row["proposal"], told.at, (entry,), facts), checkpoint=True)
    await book.tx.execute("begin_anew", id=told.job)
    return str(row["proposal"])


def _kind(verb: JobVerb) -> str:
    return EVENTS[verb]


def _check_about(told: Instruction, row: Row, trust: Trust) -> None:
    job = job_of(row)
    parts = tuple((part.proposal, part.digest) for part in job.parts)
    named = told.proposal in dict(parts)
    if told.ledger != trust.ledger or job.id != told.job or told.parts != parts or not named:
        raise IntegrityError("The instruction is about another job.")
