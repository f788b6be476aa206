"""Verdicts that are kept in the source: a receipt commits with the change, and the first one of a proposal is its verdict.

A conflict or failure leaves a receipt too, so that a worker that was paused cannot apply what another has already reported as not applied.
"""

from __future__ import annotations

from dataclasses import dataclass

from synapsor.core.outcome import Outcome, Why, why_failed
from synapsor.core.plan import Relation
from synapsor.core.proposal import Proposal, Undone
from synapsor.core.writeback import SourceReceipt, receipt_key, told_of
from synapsor.errors import Failure, SourceFailure
from synapsor.flow.verdict import Claim, Result, Stop, raw_digest
from synapsor.ports import WriteTransaction
from synapsor.sql.receipts import insert_receipt, read_receipt, select_receipt


@dataclass(frozen=True, slots=True)
class Receipts:
    """The receipts of a source; `relation` is their table."""

    relation: Relation

    async def begin(self, claim: Claim) -> Result | None:
        """Say nothing beforehand: the receipt in the transaction says it."""
        del claim
        return None

    def lost(self) -> Result:
        """Try again: the insertion of the same receipt waits for the lost transaction, and then tells what became of it."""
        return Result(outcome=Outcome.RETRY, why=Why.UNKNOWN_COMMIT)

    async def known(self, claim: Claim, tx: WriteTransaction) -> Result | None:
        """Return what an earlier attempt came to, from the receipts; those of a group were left in one transaction."""
        found = [await self._outcome(claim, one, tx) for one in claim.proposals]
        if None in found and any(found):
            # Another worker has committed them, all at once, between the first look and the last: now all can be seen.
            found = [await self._outcome(claim, one, tx) for one in claim.proposals]
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
            return Result(outcome=Outcome.ALREADY_APPLIED, done={one.id: told_of(one) for one in claim.proposals})
        return Result(outcome=outcome, why=Why.RECORDED_BEFORE, recorded=True)

    async def _outcome(self, claim: Claim, proposal: Proposal, tx: WriteTransaction) -> Outcome | None:
        """Return the outcome that a proposal's receipt tells; one of another digest is for a person to look at."""
        mine = receipt_of(claim, proposal, Outcome.APPLIED)
        found = await tx.fetch(select_receipt(self.relation, claim.source.dialect, mine.key))
        if not found:
            return None
        digest, outcome = read_receipt(found[0])
        return Outcome(outcome) if digest == mine.digest else Outcome.RECONCILIATION_REQUIRED

    async def leave(self, claim: Claim, proposal: Proposal, tx: WriteTransaction, outcome: Outcome) -> None:
        """Leave a receipt in the transaction; `Stop` where another worker's came first."""
        receipt = receipt_of(claim, proposal, outcome)
        try:
            kept = await tx.execute(insert_receipt(self.relation, claim.source.dialect, receipt))
        except SourceFailure as failed:
            if failed.kind is Failure.CONSTRAINT:  # another worker's receipt came first: the next attempt reads it
                raise Stop(Result(outcome=Outcome.RETRY, why=Why.RECEIPT_RACED)) from None
            raise
        if kept != 1:  # a rule or trigger of the owner's swallowed it, and the change could be made twice
            raise SourceFailure(Failure.DRIFT)

    async def applied(self, claim: Claim, undoes: Undone, tx: WriteTransaction) -> bool:
        """Tell whether the source says that a change was applied, under exactly this digest: the ledger alone proves nothing."""
        key = receipt_key(claim.ledger, undoes.proposal)
        found = await tx.fetch(select_receipt(self.relation, claim.source.dialect, key))
        return bool(found) and read_receipt(found[0]) == (raw_digest(undoes.digest), Outcome.APPLIED.value)

    async def record(self, claim: Claim, result: Result) -> Result:
        """Leave receipts that say its proposals were not applied, unless another verdict is there already, which then counts."""
        try:
            async with claim.source.transaction(time_ms=claim.time_ms) as tx:
                await claim.reached("apply.verdict_begun")
                known = await self.known(claim, tx)
                if known is not None:
                    return known
                for proposal in claim.proposals:
                    await self.leave(claim, proposal, tx, result.outcome)
                claim.check_held()
                await claim.reached("apply.verdict_before_commit")
                await tx.commit()
        except SourceFailure as failed:
            return Result(outcome=Outcome.RETRY, why=why_failed(failed.kind))
        except Stop as stop:
            return stop.result
        await claim.reached("apply.verdict_committed")
        return result

    async def read(self, claim: Claim) -> Result | None:
        """Return what the source says has come of it, without leaving anything there; `RETRY` when it cannot be asked now."""
        try:
            async with claim.source.transaction(time_ms=claim.time_ms) as tx:
                return await self.known(claim, tx)
        except SourceFailure as failed:
            return Result(outcome=Outcome.RETRY, why=why_failed(failed.kind))


def receipt_of(claim: Claim, proposal: Proposal, outcome: Outcome) -> SourceReceipt:
    """Return the receipt row of this outcome of one of the proposals."""
    return SourceReceipt(
        key=receipt_key(proposal.ledger, proposal.id),
        digest=raw_digest(proposal.digest),
        proposal=proposal.id,
        tenant=proposal.tenant or "",
        outcome=outcome.value,
        ledger_head=raw_digest(claim.lease.head),
        worker=claim.lease.worker,
    )
