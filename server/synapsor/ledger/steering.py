"""How people steer the worker, in the ledger: sources that rest, and what is to become of a job. It is kept as it was signed, and who acts by
it proves the signature; here is only seen to it that it is about what the ledger has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from synapsor.core.records import from_body, to_body
from synapsor.core.statements import Instruction, JobVerb, SignedInstruction, SignedPause
from synapsor.core.steering import EVENTS
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.ledger import proposals
from synapsor.ledger.believed import NOTHING, Trust, is_told, newest
from synapsor.ledger.chain import Book, event
from synapsor.ledger.connection import Row, Transaction
from synapsor.ledger.kinds import INSTRUCTION, PAUSE, loads, record
from synapsor.ledger.tail import as_of_now
from synapsor.refusals import Rule

_ALL: Final = ""
"""What a pause of all sources is of."""


async def pauses(tx: Transaction, sources: Sequence[str], trust: Trust) -> dict[str, SignedPause | None]:
    """Return the newest pause of all sources and of each of these, or its end, as it was signed; None of one that never rested.

    Raises:
        IntegrityError: one was taken away, is another one than its event tells of, or cannot be read.
    """
    return {source: await _newest(tx, source, trust) for source in (_ALL, *sources)}


async def _newest(tx: Transaction, source: str, trust: Trust) -> SignedPause | None:
    row, paused = await tx.one("newest_pause", source=source), await tx.one("newest_paused", subject=source)
    what = f"The newest pause of {source or 'all sources'}"
    told = newest(paused, trust, seen=trust.proven.paused.get(source, NOTHING), what=what)
    if row is None and paused is None:
        return None
    is_there = row is not None and paused is not None and row["seq"] == paused["seq"]
    if row is None or told is None or not is_there or not is_told(PAUSE, row["id"], row["body"], told):
        raise IntegrityError(f"{what} is not the one that its event tells of.")
    return from_body(SignedPause, loads(row["body"]))


async def unchanged(
    tx: Transaction, sources: Sequence[str], judged: Mapping[str, str | None], trust: Trust
) -> tuple[str, ...]:
    """Return those of these sources of which the newest pauses are still the ones that were judged: of no other is a job leased."""
    try:
        now = await pauses(tx, sources, trust)
    except IntegrityError:
        return ()
    same = {name for name, one in now.items() if judged.get(name) == (one.pause.id if one else None)}
    return tuple(name for name in sources if {name, _ALL} <= same)


async def pause(book: Book, signed: SignedPause) -> None:
    """Record a pause, or its end."""
    made = signed.pause
    kind = "worker_paused" if made.state == "paused" else "worker_resumed"
    entry = record(PAUSE, made.id, to_body(signed))
    await book.append(event(kind, made.source, made.at, (entry,)), checkpoint=True)


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
    job = proposals.job_of(row)
    parts = tuple((part.proposal, part.digest) for part in job.parts)
    named = told.proposal in dict(parts)
    if told.ledger != trust.ledger or job.id != told.job or told.parts != parts or not named:
        raise IntegrityError("The instruction is about another job.")
