"""A look at a proposal: everything that its card is made of, gathered from the ledger in one place for every surface that shows it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import replace

from synapsor.approve.card.amended import lineage
from synapsor.approve.card.beside import RIVALS
from synapsor.approve.card.extent import Extent
from synapsor.approve.card.making import Gathered, made
from synapsor.approve.card.read import ALSO
from synapsor.approve.card.terms import terms_behind
from synapsor.approve.card.view import Card
from synapsor.core.moment import stamp
from synapsor.core.proposal import Proposal, undo_key
from synapsor.core.review import lets_approve
from synapsor.core.statements import Operator
from synapsor.errors import IntegrityError
from synapsor.ports import ProposalRecord, ReviewLedger


async def card_of(
    ledger: ReviewLedger,
    record: ProposalRecord,
    *,
    operators: Mapping[str, Operator],
    now: dt.datetime,
    full: bool = False,
    beside_it: Extent | None = None,
    whole: Proposal | None = None,
    receiptless: Collection[str] = (),
) -> Card:
    """Return the card of a proposal; `full` cuts nothing, and `whole` is the proposal with its hidden values, for who decides.

    `beside_it` is how much is told of what nobody decides on, where that is not the same; `receiptless` are the sources that keep no receipts.
    """
    found = await _gathered(ledger, record, operators, now, receiptless)
    card = made(found, full=full, beside_it=beside_it, whole=whole)
    if card.policy is None:
        return card
    try:
        goes = lets_approve(await ledger.policies.switch(), operators, ledger=ledger.id)
    except IntegrityError:
        goes = False
    return replace(card, policy=replace(card.policy, stopped=not goes))


async def _gathered(
    ledger: ReviewLedger,
    record: ProposalRecord,
    operators: Mapping[str, Operator],
    now: dt.datetime,
    receiptless: Collection[str],
) -> Gathered:
    proposal = record.proposal
    return Gathered(
        record=record,
        operators=operators,
        now=now,
        terms=await terms_behind(ledger, proposal, operators),
        evidence=await ledger.evidence(proposal.evidence),
        read={handle: await ledger.evidence(handle) for _, handle, _ in proposal.rests_on},
        also=await ledger.read_before(proposal.evidence, limit=ALSO + len(proposal.rests_on) + 1),
        undos=await ledger.asked_before(undo_key(proposal.id, proposal.digest)),
        rivals=await ledger.rivals(proposal, now=stamp(now), limit=RIVALS + 1),
        before=await lineage(ledger, proposal),
        receiptless=receiptless,
    )
