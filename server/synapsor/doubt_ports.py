"""What nobody may know the end of, as a ledger keeps it: intents of workers and resolutions of people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from synapsor.core.statements import SignedResolution
from synapsor.core.writeback import Lease


class Doubts(Protocol):
    """What nobody may know the end of.

    Raises, from every method:
        LedgerFailure: nothing was recorded.
    """

    async def intend(self, lease: Lease) -> bool:
        """Record durably that a leased job is about to be applied to a source that keeps no receipts; False when the lease was lost, and
        then nothing is recorded.
        """
        ...

    async def accept(self, lease: Lease, *, until: str, not_before: str, code: str, at: str) -> bool:
        """Record that an application has accepted a leased job, with the moment from which on a person is to look, and give the job back until
        it is asked again; that it was accepted is told once, and by its first moment. False when the lease was lost.
        """
        ...

    async def resolve(self, signed: Sequence[SignedResolution]) -> None:
        """Record what a person says became of a proposal and of all that stands or falls with it, and move them all, in one transaction; where
        an application carries them out and must be asked to give them up first (`core.resolving.asks_first`), that waits for a worker.

        Raises:
            DecisionRefused: one of them is in no doubt any more (rule `not_in_doubt`), or does not stand where its events say (`records_differ`).
            IntegrityError: the resolutions are not about the whole of one group, in one way.
        """
        ...

    async def waiting(self, sources: Sequence[str]) -> tuple[str, ...]:
        """Return the proposals of these sources of which a person has said what became of them, and that wait for the application."""
        ...

    async def end(self, signed: Sequence[SignedResolution], *, code: str, counts: bool) -> bool:
        """Move a proposal and all that stands or falls with it to where the resolutions that waited say, or refuse these; `code` is what the
        application answered. False, and nothing is recorded, where it was resolved or spoken of anew meanwhile.

        Raises:
            DecisionRefused: one does not stand where its events say (`records_differ`).
        """
        ...
