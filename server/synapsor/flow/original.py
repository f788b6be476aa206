"""The applied change that an undo takes back, as the ledger has it; that it was applied, only the source's receipt proves."""

from __future__ import annotations

from collections.abc import Mapping

from synapsor.core.hidden import Keeper
from synapsor.core.outcome import Why
from synapsor.core.presenter import opened
from synapsor.core.proposal import Proposal
from synapsor.core.review import Operator, verify_undo
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.ports import AgentLedger


async def original_of(
    proposal: Proposal, ledger: AgentLedger, operators: Mapping[str, Operator]
) -> Proposal | Why | None:
    """Return the change that an undo is about, opened, and None of what is no undo; or why there is nothing to undo by it."""
    if proposal.undoes is None:
        return None
    try:
        verify_undo(proposal, operators)
    except (IntegrityError, DecisionRefused):
        return Why.UNDO_NOT_ASKED
    record = await ledger.proposal(proposal.undoes.proposal)
    if record is None or (record.proposal.digest, record.proposal.ledger) != (proposal.undoes.digest, ledger.id):
        return Why.ORIGINAL_MISSING
    try:
        return opened(record.proposal, Keeper.of(ledger.secret))
    except IntegrityError:
        return Why.HIDDEN_UNREADABLE
