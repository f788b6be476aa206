"""What a reviewer is told of the source as it is now: how the rows of a proposal stand, and what the change touches beside them.

It looks through the read credential, and only after that was proven to be safe and the contract to be activated. Whatever is in the way
becomes a word of a closed list: a source that cannot be reached keeps nobody from reading a proposal.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from synapsor.approve.card.looks import Look
from synapsor.core.live import Live
from synapsor.core.moment import stamp
from synapsor.core.reconcile import Found
from synapsor.core.untold import Untold, untold_by_failure
from synapsor.errors import Code, ConfigError, ContractError, DecisionRefused, SourceFailure, UnsafeSource
from synapsor.flow.blast import blast, unknown
from synapsor.flow.recheck import call_of_look, recheck, untold
from synapsor.flow.reconcile import find, unfound

if TYPE_CHECKING:
    from synapsor.core.proposal import Proposal
    from synapsor.flow.prepare import Served
    from synapsor.runtime import Project

LOOK_SECONDS: Final = 15
"""How long a reviewer waits for a look at the most, the proof of the credential included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLooks:
    """Looks at the sources of a project; `client` is the command or page that asks, which is recorded with each look."""

    project: Project
    client: str

    async def now(self, proposal: Proposal, *, who: str) -> Look:
        """Return how the rows of a proposal stand now and what the change touches beside them, or why that cannot be told."""
        at = stamp(self.project.clock.now())
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                served = await _served(self.project, proposal)
                if isinstance(served, Untold):
                    return Look(live=untold(proposal, served, at), blast=unknown(proposal, served, at))
                live = await self._live(proposal, served, who, at)
                call = call_of_look(proposal, who=who, client=self.client, at=at)
                return Look(live=live, blast=await blast(proposal, served, await self.project.ledger(), call))
        except TimeoutError:
            return Look(live=untold(proposal, Untold.TIMEOUT, at), blast=unknown(proposal, Untold.TIMEOUT, at))

    async def again(self, proposal: Proposal, *, who: str) -> Live:
        """Return how the rows of a proposal stand now, for whoever is about to sign, or why that cannot be told."""
        at = stamp(self.project.clock.now())
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                served = await _served(self.project, proposal)
                if isinstance(served, Untold):
                    return untold(proposal, served, at)
                return await self._live(proposal, served, who, at)
        except TimeoutError:
            return untold(proposal, Untold.TIMEOUT, at)

    async def found(self, proposal: Proposal, *, who: str) -> Found:
        """Return how the rows of a proposal look beside what it proposed, for whoever resolves it, or why that cannot be told."""
        at = stamp(self.project.clock.now())
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                served = await _served(self.project, proposal)
                if isinstance(served, Untold):
                    return unfound(proposal, served, at)
                call = call_of_look(proposal, who=who, client=self.client, at=at)
                return await find(proposal, served, await self.project.ledger(), call)
        except TimeoutError:
            return unfound(proposal, Untold.TIMEOUT, at)

    async def _live(self, proposal: Proposal, served: Served, who: str, at: str) -> Live:
        call = call_of_look(proposal, who=who, client=self.client, at=at)
        return await recheck(proposal, served, await self.project.ledger(), call)


async def _served(project: Project, proposal: Proposal) -> Served | Untold:
    """Return the proposal's capability as it is activated, over the read credential, or why there is none to look by."""
    try:
        return await project.activated(proposal.capability)
    except SourceFailure as failed:
        return untold_by_failure(failed)
    except UnsafeSource:
        return Untold.UNSAFE_SOURCE
    except DecisionRefused as refused:
        return Untold.SCHEMA_DRIFT if refused.rule is Code.SCHEMA_DRIFT else Untold.NOT_ACTIVATED
    except (ConfigError, ContractError):
        return Untold.NOT_CONFIGURED
