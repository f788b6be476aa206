"""Decide in one call, as every place where people decide does in the end."""

import datetime as dt
from collections.abc import Mapping

from synapsor.config import Mode
from synapsor.core.live import Live
from synapsor.core.presets import RejectCode
from synapsor.core.proposal import Proposal
from synapsor.core.statements import Operator
from synapsor.flow.decide import Deciding, Listed, decide
from synapsor.flow.signing import Signer
from synapsor.ports import ProposalRecord, ReviewLedger
from synapsor.testing.clock import TestClock


async def approve(
    ledger: ReviewLedger,
    proposal_id: str,
    *,
    digest: str,
    signer: Signer,
    now: dt.datetime,
    mode: Mode = "writeback",
    operators: Mapping[str, Operator] | None = None,
    reason: str = "",
    live: Live | None = None,
    stale_anyway: bool = False,
) -> ProposalRecord:
    """Approve what was shown; `live` is what a look at the rows says just before. Only who signs is trusted, unless others are named."""
    record = await ledger.proposal(proposal_id)

    trusted = operators or {signer.operator.name: signer.operator}

    async def look(_: Proposal) -> Live | None:
        return live

    deciding = Deciding(
        verdict="approve",
        signer=signer,
        clock=TestClock(now),
        modes={record.proposal.source: mode} if record is not None else {},
        operators=lambda: trusted,
        reason=reason,
        look_again=look if live is not None else None,
        stale_anyway=stale_anyway,
    )
    return await decide(ledger, deciding, Listed(proposal=proposal_id, digest=digest))


async def reject(
    ledger: ReviewLedger,
    proposal_id: str,
    *,
    digest: str,
    signer: Signer,
    now: dt.datetime,
    operators: Mapping[str, Operator] | None = None,
    reason: str,
    preset: RejectCode | None = None,
) -> ProposalRecord:
    """Reject what was shown."""
    trusted = operators or {signer.operator.name: signer.operator}
    deciding = Deciding(
        verdict="reject",
        signer=signer,
        clock=TestClock(now),
        modes={},
        operators=lambda: trusted,
        reason=reason,
        preset=preset,
    )
    return await decide(ledger, deciding, Listed(proposal=proposal_id, digest=digest))
