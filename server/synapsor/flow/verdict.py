"""The receipts that applying leaves in the source: what an attempt came to, and the verdict that a later one finds.

The receipt commits with the change, and the first receipt of a proposal is its verdict: a conflict or failure leaves one too, so that a
worker that was paused cannot apply what another has already reported as not applied.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from synapsor.core.outcome import Outcome, Why, why_failed
from synapsor.core.plan import Relation
from synapsor.core.proposal import Proposal
from synapsor.core.writeback import Done, SourceReceipt, receipt_key, told_of
from synapsor.errors import Failure, SourceFailure
from synapsor.handler_ports import Handler
from synapsor.ports import WriteSource, WriteTransaction
from synapsor.sql.receipts import insert_receipt, read_receipt, select_receipt


def raw_digest(text: str) -> bytes:
    """Return the bytes of a digest that is told as text."""
    return bytes.fromhex(text.removeprefix("sha256:"))


async def nowhere(_: str) -> None:
    """Pass a named point; what production does."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A proposal and where its receipt is kept: enough to learn or to record its verdict, and not enough to change a row.

    Attributes:
        handler: who carries it out and keeps its receipt; None for the worker itself, in the source.
        job: the job that it is a part of.
        held: whether the lease of its job is certainly held now.
    """

    proposal: Proposal
    source: WriteSource
    receipts: Relation
    ledger_head: bytes
    worker: str
    time_ms: int
    reached: Callable[[str], Awaitable[None]] = field(default=nowhere)
    handler: Handler | None = None
    job: str = ""
    held: Callable[[], bool] = field(default=lambda: True)

    def check_held(self) -> None:
        """Stop before a commit where the job may be another worker's by now. It saves work: that nothing is applied twice, the receipt sees to."""
        if not self.held():
            raise Stop(Result(outcome=Outcome.RETRY, why=Why.LEASE_LOST))

    def receipt(self, outcome: Outcome) -> SourceReceipt:
        """Return the receipt row of this outcome."""
        return SourceReceipt(
            key=receipt_key(self.proposal.ledger, self.proposal.id),
            digest=raw_digest(self.proposal.digest),
            proposal=self.proposal.id,
            tenant=self.proposal.tenant or "",
            outcome=outcome.value,
            ledger_head=self.ledger_head,
            worker=self.worker,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one attempt came to; of a group all proposals come to the same.

    Attributes:
        why: the reason, unless it was applied.
        by: the proposal that the reason is about; None where it is about no one of them.
        recorded: the source holds a receipt of it already.
        done: what was done to each member of each proposal.
        newcomers: how many rows match the set of each proposal now and were left as they are.
        moved: the columns of related rows that are not as they were, by their paths.
        until: the moment before which another attempt is in vain, "" for none.
        wait: for how many seconds at least whoever was asked wants to be left alone.
    """

    outcome: Outcome
    why: Why | None = None
    by: str | None = None
    recorded: bool = False
    done: Mapping[str, tuple[Done, ...]] = field(default_factory=dict)
    newcomers: Mapping[str, int] = field(default_factory=dict)
    moved: tuple[str, ...] = ()
    until: str = ""
    wait: float = 0.0

    @property
    def code(self) -> str:
        """What records keep of the reason."""
        return self.why.value if self.why else ""

    def code_for(self, proposal: str) -> str:
        """What the records of one of the proposals keep of it: of one that another one took with it, that."""
        return self.code if self.by in {None, proposal} else Why.GROUP_FAILED.value


class Stop(Exception):
    """Leave the transaction with a result that is not a commit."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.code)
        self.result = result


def stopped(task: Claim, outcome: Outcome, why: Why, moved: tuple[str, ...] = ()) -> Stop:
    """Return what leaves the transaction because of one of the proposals, to be raised."""
    return Stop(Result(outcome=outcome, why=why, by=task.proposal.id, moved=moved))


async def record_verdict(claims: Sequence[Claim], result: Result) -> Result:
    """Leave receipts that say these were not applied, unless another verdict is there already, which then counts."""
    assert result.outcome in {Outcome.CONFLICT, Outcome.FAILED, Outcome.CANCELED}  # noqa: S101  # the only verdicts without a change
    lead = claims[0]
    try:
        async with lead.source.transaction(time_ms=lead.time_ms) as tx:
            await lead.reached("apply.verdict_begun")
            known = await known_of(claims, tx)
            if known is not None:
                return known
            for claim in claims:
                await leave(claim, tx, result.outcome)
            lead.check_held()
            await lead.reached("apply.verdict_before_commit")
            await tx.commit()
    except SourceFailure as failed:
        return Result(outcome=Outcome.RETRY, why=why_failed(failed.kind))
    except Stop as stop:
        return stop.result
    await lead.reached("apply.verdict_committed")
    return result


async def read_verdict(claims: Sequence[Claim]) -> Result | None:
    """Return what the source says has come of these, without leaving anything there; `RETRY` when it cannot be asked now."""
    lead = claims[0]
    try:
        async with lead.source.transaction(time_ms=lead.time_ms) as tx:
            return await known_of(claims, tx)
    except SourceFailure as failed:
        return Result(outcome=Outcome.RETRY, why=why_failed(failed.kind))


async def known_of(claims: Sequence[Claim], tx: WriteTransaction) -> Result | None:
    """Return what an earlier attempt came to, from the receipts; those of a group were left in one transaction."""
    found = [await _receipt(claim, tx) for claim in claims]
    if None in found and any(found):
        # Another worker has committed them, all at once, between the first look and the last: now all can be seen.
        found = [await _receipt(claim, tx) for claim in claims]
    outcomes = set(found)
    if outcomes == {None}:
        return None
    if Outcome.RECONCILIATION_REQUIRED in outcomes:
        return Result(outcome=Outcome.RECONCILIATION_REQUIRED, why=Why.RECEIPT_OF_ANOTHER_DIGEST)
    if len(outcomes) > 1:
        return Result(outcome=Outcome.RECONCILIATION_REQUIRED, why=Why.RECEIPTS_DIFFER)
    (outcome,) = outcomes
    assert outcome is not None  # noqa: S101  # see above
    if outcome is Outcome.APPLIED:
        return Result(outcome=Outcome.ALREADY_APPLIED, done={c.proposal.id: told_of(c.proposal) for c in claims})
    return Result(outcome=outcome, why=Why.RECORDED_BEFORE, recorded=True)


async def _receipt(claim: Claim, tx: WriteTransaction) -> Outcome | None:
    """Return the outcome that a proposal's receipt tells; one of another digest is for a person to look at."""
    mine = claim.receipt(Outcome.APPLIED)
    found = await tx.fetch(select_receipt(claim.receipts, claim.source.dialect, mine.key))
    if not found:
        return None
    digest, outcome = read_receipt(found[0])
    return Outcome(outcome) if digest == mine.digest else Outcome.RECONCILIATION_REQUIRED


async def leave(task: Claim, tx: WriteTransaction, outcome: Outcome) -> None:
    """Leave a receipt in the transaction; `Stop` where another worker's came first."""
    try:
        await tx.execute(insert_receipt(task.receipts, task.source.dialect, task.receipt(outcome)))
    except SourceFailure as failed:
        if failed.kind is Failure.CONSTRAINT:  # another worker's receipt came first: the next attempt reads it
            raise Stop(Result(outcome=Outcome.RETRY, why=Why.RECEIPT_RACED)) from None
        raise
