"""What a reviewer is told of the source as it is now: how the rows of a proposal stand, and what the change touches beside them.

It looks through the read credential, and only after that was proven to be safe and the contract to be activated. Whatever is in the way
becomes a word of a closed list: a source that cannot be reached keeps nobody from reading a proposal.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from synapsor.core.blast import Blast
from synapsor.core.live import Live
from synapsor.core.moment import stamp
from synapsor.core.untold import Untold, untold_by_failure
from synapsor.errors import Code, ConfigError, ContractError, DecisionRefused, SourceFailure, UnsafeSource
from synapsor.flow.blast import blast, unknown
from synapsor.flow.recheck import call_of_look, recheck, untold

if TYPE_CHECKING:
    from synapsor.core.proposal import Proposal
    from synapsor.flow.prepare import Served
    from synapsor.runtime import Project

LOOK_SECONDS: Final = 15
"""How long a reviewer waits for a look at the most, the proof of the credential included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Both looks at one proposal."""

    live: Live
    blast: Blast


async def look_now(project: Project, proposal: Proposal, *, who: str, client: str) -> Look:
    """Return how the rows of a proposal stand now and what the change touches beside them, or why that cannot be told.

    `who` looks, by the command or page `client`; both are recorded.

    Raises:
        LedgerFailure: the look could not be recorded, so nothing of it is told.
    """
    at = stamp(project.clock.now())
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            served = await _served(project, proposal)
            if isinstance(served, Untold):
                return Look(live=untold(proposal, served, at), blast=unknown(proposal, served, at))
            ledger = await project.ledger()
            live = await recheck(proposal, served, ledger, call_of_look(proposal, who=who, client=client, at=at))
            beside = await blast(proposal, served, ledger, call_of_look(proposal, who=who, client=client, at=at))
            return Look(live=live, blast=beside)
    except TimeoutError:
        return Look(live=untold(proposal, Untold.TIMEOUT, at), blast=unknown(proposal, Untold.TIMEOUT, at))


async def look_again(project: Project, proposal: Proposal, *, who: str, client: str) -> Live:
    """Return how the rows of a proposal stand now, for whoever is about to sign; as `look_now` does, and nothing beside.

    Raises:
        LedgerFailure: the look could not be recorded, so nothing of it is told.
    """
    at = stamp(project.clock.now())
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            served = await _served(project, proposal)
            if isinstance(served, Untold):
                return untold(proposal, served, at)
            call = call_of_look(proposal, who=who, client=client, at=at)
            return await recheck(proposal, served, await project.ledger(), call)
    except TimeoutError:
        return untold(proposal, Untold.TIMEOUT, at)


async def _served(project: Project, proposal: Proposal) -> Served | Untold:
    """Return the proposal's capability as it is activated, over the read credential, or why there is none to look by."""
    try:
        return await project.activated(proposal.capability)
    except SourceFailure as failed:
        return untold_by_failure(failed)
    except UnsafeSource:
        return Untold.UNSAFE_SOURCE
    except DecisionRefused as refused:
        return Untold.SCHEMA_DRIFT if refused.rule == Code.SCHEMA_DRIFT.value else Untold.NOT_ACTIVATED
    except (ConfigError, ContractError):
        return Untold.NOT_CONFIGURED
