"""How people steer the worker, as a ledger keeps it: what rests, and what is to become of a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from synapsor.core.kept import ProposalRecord
from synapsor.core.statements import SignedInstruction, SignedPause
from synapsor.core.writeback import Lease


class Steering(Protocol):
    """What people have signed to steer the worker.

    Raises, from every method:
        LedgerFailure: nothing was recorded, or it cannot be read.
    """

    async def pauses(self, sources: Sequence[str]) -> Mapping[str, SignedPause | None]:
        """Return the newest pause of all sources (under "") and of each of these, or its end; None of what never rested. Whoever acts on
        it checks its signature.

        Raises:
            IntegrityError: one is not the one that its event tells of, or was taken away.
        """
        ...

    async def pause(self, signed: SignedPause, *, instead_of: str | None = None) -> None:
        """Record a pause, or its end, as it was signed; returns after the commit, and from then on no job is leased that was judged by
        another. `instead_of` names the one that must still be the newest there, "" where there was none; None asks for nothing.

        Raises:
            DecisionRefused: another one is the newest by now (rule `other_pause`).
            IntegrityError: which is the newest cannot be told.
        """
        ...

    async def park(self, lease: Lease, *, code: str, at: str) -> tuple[bool, bool]:
        """Give a leased job up until a person says what becomes of it; where one has said so since it was leased, only give it back.

        Return whether that is on record, and whether it was given up.
        """
        ...

    async def instruct(self, signed: SignedInstruction) -> ProposalRecord:
        """Record what a person says is to become of a job, and let a worker take it at once; return the proposal that the job is kept with.

        Raises:
            DecisionRefused: the job is done (rule `job_done`) or was not given up (`not_given_up`), or by a rule of the chain.
            IntegrityError: it is about another job.
        """
        ...
