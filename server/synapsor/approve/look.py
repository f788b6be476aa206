"""A look at a proposal: everything that its card is made of, gathered from the ledger in one place for every surface that shows it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from synapsor.approve.card import card
from synapsor.approve.terms import terms_behind, unproven
from synapsor.approve.view import Card
from synapsor.core.proposal import Proposal, undo_key
from synapsor.core.statements import Operator
from synapsor.ports import ProposalRecord, ReviewLedger


async def look(
    ledger: ReviewLedger,
    record: ProposalRecord,
    *,
    operators: Mapping[str, Operator],
    now: dt.datetime,
    full: bool = False,
    whole: Proposal | None = None,
) -> Card:
    """Return the card of a proposal; `full` cuts nothing, and `whole` is the proposal with its hidden values, for who decides."""
    proposal = record.proposal
    return card(
        record,
        evidence=await ledger.evidence(proposal.evidence),
        terms=await terms_behind(ledger, proposal, operators),
        now=now,
        full=full,
        operators=operators,
        unproven=await unproven(ledger, proposal),
        whole=whole,
        undos=await ledger.asked_before(undo_key(proposal.id, proposal.digest)),
    )
