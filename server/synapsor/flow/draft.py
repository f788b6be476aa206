"""Draft a policy from decisions that people took: their proposals are found in the ledger, and nothing is recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from synapsor.contract.load import LoadedContract
from synapsor.core.draft import Draft, drafted
from synapsor.core.past import Past
from synapsor.core.proposal import Status, undo_key
from synapsor.flow.review import proposal_of
from synapsor.ports import ReviewLedger


async def draft(
    ledger: ReviewLedger, handles: Iterable[str], contracts: Sequence[LoadedContract], *, name: str | None = None
) -> Draft:
    """Return the policy that would have approved what these handles lead to.

    Raises:
        DecisionRefused: by a rule of `core.draft.REFUSED`.
        UsageError: a handle leads to no proposal.
    """
    pasts = {past.id: past for past in [await _past(ledger, handle) for handle in handles]}
    by_capability = {named: loaded.contract for loaded in contracts for named in loaded.contract.capabilities}
    return drafted(sorted(pasts.values(), key=lambda past: (past.at, past.id)), by_capability, name)


async def _past(ledger: ReviewLedger, handle: str) -> Past:
    record = await proposal_of(ledger, handle)
    proposal = record.proposal
    undos = await ledger.asked_before(undo_key(proposal.id, proposal.digest))
    return Past(
        id=proposal.id,
        at=proposal.at,
        capability=proposal.capability,
        contract=None,
        policy=proposal.policy,
        status=record.status,
        proposal=proposal,
        decisions=tuple(signed.decision for signed in record.decisions),
        undone=any(undo.status is Status.APPLIED for undo in undos),
    )
