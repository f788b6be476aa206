"""What looks at the source for a reviewer, as the places where people decide are handed it: they hold no credential themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from synapsor.core.blast import Blast
from synapsor.core.live import Live
from synapsor.core.proposal import Proposal
from synapsor.core.reconcile import Found


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How the rows of a proposal stand now, and what the change touches beside them."""

    live: Live
    blast: Blast


class Looks(Protocol):
    """Looks through the read credential; `looking.SourceLooks` does. Whatever is in the way is told as a word of a closed list.

    Raises, from every method:
        LedgerFailure: the look could not be recorded, so nothing of it is told.
    """

    async def now(self, proposal: Proposal, *, who: str) -> Look:
        """Return both; `who` looks, as far as that is known, and that is recorded."""
        ...

    async def again(self, proposal: Proposal, *, who: str) -> Live:
        """Return how the rows stand, for whoever is about to sign; `flow.decide` takes it."""
        ...

    async def found(self, proposal: Proposal, *, who: str) -> Found:
        """Return how the rows look beside what was proposed, for whoever says what became of it."""
        ...
