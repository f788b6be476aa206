"""Looks at the sources of several proposals, one after another, and waits for a source that does not answer once and not for each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from synapsor.approve.card.looks import Look, Looks
from synapsor.core.proposal import Proposal
from synapsor.core.untold import Untold

_SILENT: Final = frozenset({Untold.SOURCE_UNAVAILABLE, Untold.TIMEOUT, Untold.BUSY})
"""Why one look tells nothing, and another at the same source would not either."""


@dataclass(kw_only=True)
class Sparing:
    """What one person is shown of several proposals at once; `looks` looks."""

    looks: Looks
    who: str
    _silent: set[str] = field(default_factory=set)

    async def at(self, proposal: Proposal) -> Look | None:
        """Return a look, or None where its source did not answer before.

        Raises:
            LedgerFailure: the look could not be recorded, so nothing of it is told.
        """
        if proposal.source in self._silent:
            return None
        seen = await self.looks.now(proposal, who=self.who)
        if seen.live.untold in _SILENT:
            self._silent.add(proposal.source)
        return seen
