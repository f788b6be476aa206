"""What the notifier needs of a ledger; `ledger.chronicle` is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from synapsor.core.history import Entry, Mark, Pending
from synapsor.ports import ProposalRecord


class Chronicle(Protocol):
    """A ledger to follow.

    Raises, from every method:
        LedgerFailure: it cannot be read.
    """

    id: str

    async def head(self) -> Mark:
        """Return the place of the last event."""
        ...

    async def mark(self, seq: int) -> Mark | None:
        """Return the place of one event, or None where there is no such event."""
        ...

    async def after(self, mark: Mark, *, limit: int) -> tuple[Entry, ...]:
        """Return what happened after a place, oldest first; an event that is not of the form of any is of no kind (`UNREADABLE`).

        Raises:
            IntegrityError: this is not the chain that the place is in, or an event does not follow the one before it.
        """
        ...

    async def proposal(self, proposal_id: str) -> ProposalRecord | None:
        """Return a proposal with everything that has happened to it; None where there is no such one.

        Raises:
            IntegrityError: it cannot be read.
        """
        ...

    async def contract(self, digest: str) -> Mapping[str, Any] | None:
        """Return the recorded body of a contract version; whoever believes it computes its digest.

        Raises:
            IntegrityError: it cannot be read.
        """
        ...

    async def thrown_by(self, switch: str) -> str:
        """Return who made a switch of automatic approval, as it is recorded; "" where there is no such one."""
        ...

    async def paused_by(self, seq: int) -> str:
        """Return who made the pause of the worker, or its end, that an event tells of, as it is recorded; "" where there is no such one."""
        ...

    async def in_review(self, *, after: int, limit: int) -> Sequence[tuple[int, Pending]]:
        """Return a page of the proposals that wait for a decision, oldest first, each with the number to go on from."""
        ...
