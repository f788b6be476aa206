"""Who carries out a job: the worker itself by SQL, or the application's handler that its contract names; all that is done goes through here."""

from __future__ import annotations

from typing import Protocol

from synapsor.flow import apply as sql
from synapsor.flow import verdict as receipts
from synapsor.flow.apply import InHand
from synapsor.flow.handing import ByHandler
from synapsor.flow.verdict import Claim, Result


class Executor(Protocol):
    """Carries out jobs. `DirectSql` and `ByHandler` do; what either returns is true whatever happened, and `RETRY` says nothing is known."""

    async def apply(self, job: InHand) -> Result:
        """Try to apply one proposal, or a whole group in its order, all of it or nothing."""
        ...

    async def read_verdict(self, claim: Claim) -> Result | None:
        """Return what has come of a job, without leaving anything; None where nothing has."""
        ...

    async def record_verdict(self, claim: Claim, result: Result) -> Result:
        """See to it that a job is never applied, unless another verdict is there already, which then counts."""
        ...


class DirectSql:
    """Applies by one transaction in the source; its receipts are rows there."""

    async def apply(self, job: InHand) -> Result:
        """Apply in one transaction."""
        return await sql.apply(job)

    async def read_verdict(self, claim: Claim) -> Result | None:
        """Read the receipts."""
        return await receipts.read_verdict(claim)

    async def record_verdict(self, claim: Claim, result: Result) -> Result:
        """Leave receipts."""
        return await receipts.record_verdict(claim, result)


def executor_of(claim: Claim) -> Executor:
    """Return who carries out a job; of a group all proposals have the same."""
    return DirectSql() if claim.handler is None else ByHandler(claim.handler)


async def apply(job: InHand) -> Result:
    """Have a job applied by whoever carries it out."""
    return await executor_of(job.claim).apply(job)


async def read_verdict(claim: Claim) -> Result | None:
    """Ask whoever carries it out what has come of a job."""
    return await executor_of(claim).read_verdict(claim)


async def record_verdict(claim: Claim, result: Result) -> Result:
    """Have it recorded, by whoever carries it out, that a job was not applied."""
    return await executor_of(claim).record_verdict(claim, result)
