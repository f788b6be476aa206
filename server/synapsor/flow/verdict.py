"""What an attempt to apply came to, and the verdict that it leaves for a later one to find.

Where verdicts are kept is one choice of a source: `flow.receipts` keeps them beside the change, `flow.intents` in the ledger alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from synapsor.core.outcome import Outcome, Why
from synapsor.core.proposal import Proposal, Undone
from synapsor.core.writeback import Confirmed, Done, Lease
from synapsor.handler_ports import Handler
from synapsor.ports import WriteSource, WriteTransaction


def raw_digest(text: str) -> bytes:
    """Return the bytes of a digest that is told as text."""
    return bytes.fromhex(text.removeprefix("sha256:"))


async def nowhere(_: str) -> None:
    """Pass a named point; what production does."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A leased job and where its verdict is kept: enough to learn or to record it, and not enough to change a row.

    Attributes:
        proposals: all that it applies, in the order in which that is done.
        handler: who carries it out and keeps its receipt; None for the worker itself, in the source.
        held: whether its lease is certainly held now.
        accepted: whether the application has said that it will do it: then it is only asked what has come of it.
        asked_until: from when on a person is to look, of what it has accepted, or accepts now.
    """

    lease: Lease
    proposals: tuple[Proposal, ...]
    source: WriteSource
    verdicts: Verdicts
    time_ms: int
    reached: Callable[[str], Awaitable[None]] = field(default=nowhere)
    handler: Handler | None = None
    held: Callable[[], bool] = field(default=lambda: True)
    accepted: bool = False
    asked_until: str = ""

    @property
    def ledger(self) -> str:
        """The ledger of its proposals: all of a job are of one."""
        return self.proposals[0].ledger

    def check_held(self) -> None:
        """Stop before a commit where the job may be another worker's by now. It saves work: that nothing is applied twice, the receipt sees to."""
        if not self.held():
            raise Stop(Result(outcome=Outcome.RETRY, why=Why.LEASE_LOST))


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
        asked_until: of what was accepted: from when on a person is to look.
        confirmed: who confirmed it in the application, where that had accepted it first.
        refused: what it was refused by before anybody was asked, whatever came of it then.
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
    asked_until: str = ""
    confirmed: Confirmed | None = None
    refused: Result | None = None

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


class Verdicts(Protocol):
    """Where an attempt leaves what came of it, and a later one finds it. `flow.receipts` keeps it in the source, `flow.intents` in the ledger.

    Raises, from every method that asks the ledger:
        LedgerFailure: nothing was recorded.
    """

    async def begin(self, claim: Claim) -> Result | None:
        """Say durably that its proposals are about to be applied, where that is needed; return what ends the attempt before it has begun."""
        ...

    def lost(self) -> Result:
        """Return what an attempt comes to whose commit was not answered."""
        ...

    async def known(self, claim: Claim, tx: WriteTransaction) -> Result | None:
        """Return what an earlier attempt came to, as the source says it."""
        ...

    async def leave(self, claim: Claim, proposal: Proposal, tx: WriteTransaction, outcome: Outcome) -> None:
        """Leave in the transaction what came of one of the proposals.

        Raises:
            Stop: another worker was first.
        """
        ...

    async def applied(self, claim: Claim, undoes: Undone, tx: WriteTransaction) -> bool:
        """Tell whether a change was applied, under exactly the digest by which it is to be undone."""
        ...

    async def record(self, claim: Claim, result: Result) -> Result:
        """See to it that its proposals are never applied, unless another verdict is there already, which then counts."""
        ...

    async def read(self, claim: Claim) -> Result | None:
        """Return what the source says has come of it, without leaving anything there; `RETRY` when it cannot be asked now."""
        ...


async def record_verdict(claim: Claim, result: Result) -> Result:
    """Have it recorded that a job was not applied, unless another verdict is there already, which then counts."""
    assert result.outcome in {Outcome.CONFLICT, Outcome.FAILED, Outcome.CANCELED}  # noqa: S101  # the only verdicts without a change
    return await claim.verdicts.record(claim, result)


async def read_verdict(claim: Claim) -> Result | None:
    """Return what has come of a job, without leaving anything; `RETRY` when the source cannot be asked now."""
    return await claim.verdicts.read(claim)
