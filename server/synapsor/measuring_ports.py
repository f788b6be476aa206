"""What is measured of changes before anybody approves them, as a ledger keeps it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from synapsor.core.kept import ProposalRecord
from synapsor.core.measured import Measurement
from synapsor.core.statements import SignedShadowRequest


class Measuring(Protocol):
    """That reviewers want changes measured, and what that came to.

    Raises, from every method:
        LedgerFailure: nothing was recorded, or it cannot be read.
    """

    async def ask(self, signed: SignedShadowRequest) -> ProposalRecord:
        """Record that a reviewer wants a proposal measured.

        Raises:
            DecisionRefused: it is no longer `review_required` (rule `already_decided`), or enough was asked (`too_many_shadows`).
        """
        ...

    async def waiting(self, *, now: str, sources: Sequence[str], limit: int) -> tuple[str, ...]:
        """Return the proposals in review that are to be measured and are not yet, at most so many of each source, the longest waiting first; one of
        what stands or falls together, when all of it is there.
        """
        ...

    async def record(self, measurements: Sequence[Measurement], *, answers: Collection[str]) -> bool:
        """Record what a shadow apply came to, of all that was carried out together; `answers` are the requests that were there before it.

        False where nobody waits for it any more: one has left review meanwhile, or another worker has measured it, or somebody has asked anew.

        Raises:
            IntegrityError: one is of another proposal, or they are not all that stand or fall together.
        """
        ...
