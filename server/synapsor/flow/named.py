"""Find the proposal that a person names: by its own handle, or by that of anything which came of it."""

from __future__ import annotations

from typing import Final

from synapsor.errors import UsageError
from synapsor.flow.replay import proposal_named
from synapsor.ports import ProposalRecord, ReviewLedger

LATEST: Final = "latest"
"""What names the newest proposal, wherever one is named."""


async def proposal_of(ledger: ReviewLedger, handle: str) -> ProposalRecord:
    """Return the proposal that any handle leads to: its own, `latest`, or that of a decision, job or receipt.

    Raises:
        UsageError: nothing of that name leads to a proposal.
    """
    found = await ledger.find(handle)
    if found is None:
        raise UsageError("There is no such record.", fix="See `synapsor inbox --all`.")
    proposal_id = found["body"]["id"] if found["kind"] == "proposal" else proposal_named(found["body"])
    record = await ledger.proposal(proposal_id) if proposal_id else None
    if record is None:
        raise UsageError("No proposal answers to this handle.", fix="See `synapsor inbox --all`.")
    return record
