"""Draft a policy from decisions that people took, and try it on past ones: both are looked up in the ledger, and nothing is recorded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import replace

from synapsor.contract.digest import contract_digest
from synapsor.contract.load import LoadedContract
from synapsor.core.backtest import Report
from synapsor.core.draft import Draft, drafted
from synapsor.core.past import Past
from synapsor.core.proposal import Status, undo_key
from synapsor.flow.backtest import backtest
from synapsor.flow.named import proposal_of
from synapsor.ports import ReviewLedger


async def draft(
    ledger: ReviewLedger, handles: Iterable[str], contracts: Sequence[LoadedContract], *, name: str | None = None
) -> Draft:
    """Return the policy that would have approved what these handles lead to.

    Raises:
        DecisionRefused: by a rule of `refusals.DRAFTING`.
        UsageError: a handle leads to no proposal.
    """
    pasts = {past.id: past for past in [await _past(ledger, handle) for handle in handles]}
    by_capability = {named: loaded.contract for loaded in contracts for named in loaded.contract.capabilities}
    return drafted(sorted(pasts.values(), key=lambda past: (past.at, past.id)), by_capability, name)


def home_of(made: Draft, contracts: Sequence[LoadedContract]) -> LoadedContract:
    """Return the contract that a draft is for, as it is now."""
    (own,) = (each for each in contracts if made.capability in each.contract.capabilities)
    return own


async def tried(
    ledger: ReviewLedger,
    made: Draft,
    contracts: Sequence[LoadedContract],
    *,
    since: dt.datetime,
    until: dt.datetime,
) -> Report:
    """Return what a draft would have decided of the proposals of its capability in a time."""
    candidate = replace(home_of(made, contracts), contract=made.contract, digest=contract_digest(made.contract))
    return await backtest(ledger, [candidate], since=since, until=until, capability=made.capability)


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
