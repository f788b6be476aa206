"""The review branch of a proposal, as the ledger keeps it beside the proposal."""

from __future__ import annotations

from typing import Any

from synapsor.core.proposal import Proposal


def body_of(proposal: Proposal) -> dict[str, Any]:
    """Return the review branch: each row as it was, and the change laid over it."""
    return {
        "id": proposal.branch,
        "proposal": proposal.id,
        "digest": proposal.digest,
        "at": proposal.at,
        "rows": [{"base": m.before, "overlay": m.changes} for m in proposal.members],
    }
