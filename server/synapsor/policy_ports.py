"""Automatic approval, as a ledger keeps it: the switch that stops it, what policies have used up, and what they decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from synapsor.contract.approval import PerDay
from synapsor.core.policy import Deferral, Near, PolicyUse
from synapsor.core.statements import SignedDecision, SignedSwitch
from synapsor.core.writeback import Job


class Policies(Protocol):
    """What people see of automatic approval, and how they stop it.

    Raises, from every method:
        LedgerFailure: nothing was recorded, or it cannot be read.
    """

    async def switch(self) -> SignedSwitch | None:
        """Return the newest switch of automatic approval; whoever acts on it checks its signature.

        Raises:
            IntegrityError: it is not the one that its event tells of, or was taken away.
        """
        ...

    async def throw(self, signed: SignedSwitch, *, instead_of: str | None = None) -> None:
        """Record a switch of automatic approval as it was signed; returns after the commit. `instead_of` names the one that must still be the
        newest, "" where there was none.

        Raises:
            DecisionRefused: another one is the newest by now (rule `other_switch`).
            IntegrityError: which one is the newest cannot be told.
        """
        ...

    async def uses(self, policy: str, *, day: str) -> tuple[PolicyUse, ...]:
        """Return what a policy, by contract and name, has approved in a day (UTC)."""
        ...


class DecidingPolicies(Policies, Protocol):
    """What the worker may do as well: decide by policy."""

    async def waiting(self, *, now: str, sources: Sequence[str], limit: int) -> tuple[str, ...]:
        """Return the proposals in review that name a policy which has not left them to a person, oldest first in each source."""
        ...

    async def defer(self, proposal_id: str, deferral: Deferral, *, at: str) -> None:
        """Record that a policy leaves a proposal to a person, and why."""
        ...

    async def approve(
        self,
        signed: SignedDecision,
        *,
        job: Job | None,
        use: PolicyUse,
        limits: Sequence[PerDay],
        switch: str | None,
    ) -> Deferral | tuple[Near, ...]:
        """Record a policy's approval, what it uses up and the job, or that a limit leaves the proposal to a person: all in one transaction.

        Of an approval, the limits are returned that it brings near their end.

        Raises:
            DecisionRefused: somebody decided meanwhile, or the newest switch is not this one (`decided_meanwhile`).
        """
        ...
