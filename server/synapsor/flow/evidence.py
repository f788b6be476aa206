"""Prove that what a proposal rests on is what was read when it was made: nobody approves on the word of a record that was changed since."""

from __future__ import annotations

from synapsor.core.proposal import Proposal
from synapsor.errors import DecisionRefused
from synapsor.ports import AgentLedger
from synapsor.refusals import Rule
from synapsor.values import digest


async def unproven(proposal: Proposal, ledger: AgentLedger) -> str | None:
    """Return the handle of evidence that is gone or not what the proposal names; None when all of it is proven."""
    for _, handle, told in (("", proposal.evidence, proposal.evidence_digest), *proposal.rests_on):
        evidence = await ledger.evidence(handle)
        if evidence is None or digest("evidence", evidence) != told:
            return handle
    return None


async def check_evidence(proposal: Proposal, ledger: AgentLedger) -> None:
    """Refuse to approve what rests on evidence that is not proven; rejecting it changes nothing, and is let through.

    Raises:
        DecisionRefused: by rule `evidence_differs`.
    """
    if await unproven(proposal, ledger) is not None:
        raise DecisionRefused(
            Rule.EVIDENCE_DIFFERS,
            "The evidence is not what the proposal was made from.",
            fix="Run `synapsor verify`. This one can be rejected.",
        )
