"""Verdicts that are kept in the ledger alone, where the source's owner has no room for receipts: an intent before, and the settlement after.

An intent is durable before anything is begun in the source. While one stands that is not this very attempt's, nothing is applied and nothing
is said to have failed: the ledger sees to both, and a person resolves what is left. Whether a commit came through, the source cannot be asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from synapsor.core.intents import trusts_receipts
from synapsor.core.outcome import Outcome, Why
from synapsor.core.proposal import Proposal, Status, Undone
from synapsor.core.writeback import Lease
from synapsor.flow.verdict import Claim, Result
from synapsor.ports import WorkLedger, WriteTransaction

_UNRESOLVED: Final = Result(outcome=Outcome.RECONCILIATION_REQUIRED, why=Why.INTENT_UNRESOLVED)
INTENT_STEPS: Final = ("apply.intended",)
"""Named points that the chaos tests stop at, beside those of every apply."""


@dataclass(frozen=True, slots=True)
class Intents:
    """The intents of one leased job."""

    ledger: WorkLedger
    lease: Lease

    async def begin(self, claim: Claim) -> Result | None:
        """Record that its proposals are about to be applied, under the lease; who has lost it records nothing, and applies nothing."""
        if (unknown := await self.read(claim)) is not None:
            return unknown
        if not await self.ledger.doubts.intend(self.lease):
            return Result(outcome=Outcome.RETRY, why=Why.LEASE_LOST)
        await claim.reached("apply.intended")
        return None

    def lost(self) -> Result:
        """Leave it to a person: nothing tells what became of it."""
        return _UNRESOLVED

    async def known(self, claim: Claim, tx: WriteTransaction) -> Result | None:
        """Know nothing: what an earlier attempt left stands in the ledger, and was looked at before."""
        del claim, tx
        return None

    async def leave(self, claim: Claim, proposal: Proposal, tx: WriteTransaction, outcome: Outcome) -> None:
        """Leave nothing in the source."""

    async def applied(self, claim: Claim, undoes: Undone, tx: WriteTransaction) -> bool:
        """Tell whether the ledger's own receipt says that a change was applied, under this digest; not what a person said of it."""
        del claim, tx
        record = await self.ledger.proposal(undoes.proposal)
        if record is None or record.differs or not record.receipts:
            return False
        last = record.receipts[-1]
        told = (record.status, record.proposal.digest, last.digest, last.outcome)
        return told == (Status.APPLIED, undoes.digest, undoes.digest, Outcome.APPLIED.value)

    async def record(self, claim: Claim, result: Result) -> Result:
        """Return it as it is, unless an attempt of before may have got through: it is settled in the ledger, and there alone."""
        return await self.read(claim) or result

    async def read(self, claim: Claim) -> Result | None:
        """Know nothing of the source, and nobody does where it kept receipts before, and an attempt of then has not ended for certain."""
        if self.lease.attempt == 1:
            return None
        for proposal in claim.proposals:
            record = await self.ledger.proposal(proposal.id)
            told = [(one["kind"], one["facts"]) for one in record.events] if record is not None else []
            if trusts_receipts(told, before=self.lease.attempt):
                return _UNRESOLVED
        return None
