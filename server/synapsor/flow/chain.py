"""Follow the ledger's chain of events where people decide: before they are told whether they may, and before anything is signed for them.

Who can write the ledger's file can hide what stands in somebody's way. The chain tells of it all the same; where it does not go on from
what this process, or one that noted it, has proven of it, nothing that it tells is decided by.
"""

from __future__ import annotations

from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.ports import AgentLedger, ProposalRecord, ReviewLedger
from synapsor.refusals import Rule


async def check_chain(ledger: AgentLedger) -> None:
    """Refuse to decide by a ledger that was altered: what is new since it was proven, or noted to be, is proven now; else all of it.

    Raises:
        DecisionRefused: by rule `ledger_altered`.
    """
    try:
        await ledger.follow()
    except IntegrityError as broken:
        raise DecisionRefused.altered(broken) from None


async def proven(ledger: ReviewLedger, proposal_id: str) -> ProposalRecord:
    """Return a proposal to act upon, by a ledger that was not altered.

    Raises:
        DecisionRefused: by rule `ledger_altered` or `no_such_proposal`.
    """
    try:
        record = await ledger.proven(proposal_id)
    except IntegrityError as broken:
        raise DecisionRefused.altered(broken) from None
    if record is None:
        raise DecisionRefused(Rule.NO_SUCH_PROPOSAL)
    return record


async def why_altered(ledger: AgentLedger) -> DecisionRefused | None:
    """Return why nothing is decided by this ledger, or None; for a place that shows what waits."""
    try:
        await check_chain(ledger)
    except DecisionRefused as refused:
        return refused
    return None


def check_agrees(record: ProposalRecord) -> None:
    """Refuse to act upon a proposal about which the ledger contradicts itself.

    Raises:
        DecisionRefused: by rule `records_differ`.
    """
    if record.differs:
        raise DecisionRefused(
            Rule.RECORDS_DIFFER,
            "The ledger's own records contradict each other about it.",
            fix="Decide nothing, and run `synapsor verify`.",
        )
