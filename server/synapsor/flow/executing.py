"""Who carries out a job: the worker itself by SQL, or the application's handler that its contract names; all that is done goes through here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from synapsor.flow import apply as sql
from synapsor.flow import verdict as receipts
from synapsor.flow.apply import Task
from synapsor.flow.handing import ByHandler
from synapsor.flow.verdict import Claim, Result


class Executor(Protocol):
    """Carries out jobs. `DirectSql` and `ByHandler` do; what either returns is true whatever happened, and `RETRY` says nothing is known."""

    async def apply(self, tasks: Sequence[Task]) -> Result:
        """Try to apply one proposal, or a whole group in its order, all of it or nothing."""
        ...

    async def read_verdict(self, claims: Sequence[Claim]) -> Result | None:
        """Return what has come of these, without leaving anything; None where nothing has."""
        ...

    async def record_verdict(self, claims: Sequence[Claim], result: Result) -> Result:
        """See to it that these are never applied, unless another verdict is there already, which then counts."""
        ...


class DirectSql:
    """Applies by one transaction in the source; its receipts are rows there."""

    async def apply(self, tasks: Sequence[Task]) -> Result:
        """Apply in one transaction."""
        return await sql.apply(tasks)

    async def read_verdict(self, claims: Sequence[Claim]) -> Result | None:
        """Read the receipts."""
        return await receipts.read_verdict(claims)

    async def record_verdict(self, claims: Sequence[Claim], result: Result) -> Result:
        """Leave receipts."""
        return await receipts.record_verdict(claims, result)


def executor_of(claims: Sequence[Claim]) -> Executor:
    """Return who carries out a job; of a group all proposals have the same."""
    handler = claims[0].handler
    return DirectSql() if handler is None else ByHandler(handler)


async def apply(tasks: Sequence[Task]) -> Result:
    """Have a job applied by whoever carries it out."""
    return await executor_of(tasks).apply(tasks)


async def read_verdict(claims: Sequence[Claim]) -> Result | None:
    """Ask whoever carries it out what has come of a job."""
    return await executor_of(claims).read_verdict(claims)


async def record_verdict(claims: Sequence[Claim], result: Result) -> Result:
    """Have it recorded, by whoever carries it out, that a job was not applied."""
    return await executor_of(claims).record_verdict(claims, result)
