"""Approve by policy: what a reviewed policy allows is signed with the worker's own key, and everything else is left to a person.

It runs in the worker's process and in no other. A stop counts from the moment at which it is recorded.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from synapsor import handles
from synapsor.contract.approvals import POLICY_SIGNER
from synapsor.core.moment import stamp
from synapsor.core.outcome import Why
from synapsor.core.policy import Deferral, Near, outside, policy_of, use_of
from synapsor.core.proposal import Proposal, Status
from synapsor.core.review import lets_approve, policy_digest
from synapsor.core.statements import Operator
from synapsor.core.trust import ProgramKey
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.flow.decide import job_of
from synapsor.flow.evidence import unproven
from synapsor.flow.permitted import Permitted, permitted
from synapsor.flow.signing import Signer, signed_decision
from synapsor.ports import ProposalRecord, ReviewLedger, WorkLedger


async def running(ledger: ReviewLedger, operators: Mapping[str, Operator]) -> tuple[bool, str | None]:
    """Return whether automatic approval is not stopped, and the switch that says so; one that nobody trusted made, or that cannot be
    read, stops it too.
    """
    try:
        newest = await ledger.policies.switch()
    except IntegrityError:
        return False, None
    goes = lets_approve(newest, operators, ledger=ledger.id)
    return goes, newest.switch.id if newest is not None else None


async def approve_by_policy(
    ledger: WorkLedger,
    proposal_id: str,
    *,
    signer: ProgramKey,
    operators: Mapping[str, Operator],
    now: dt.datetime,
) -> Deferral | tuple[Near, ...] | None:
    """Approve a proposal by its policy, file its job, and return the limits that this brings near their end; or leave it to a person
    and return why.

    Nothing at all is done, and None returned, while automatic approval is stopped, the key is not trusted for it, or somebody else decides meanwhile.
    Whatever else keeps a policy from it is recorded, so that it is looked at once and keeps no other from its turn.
    """
    goes, switch = await running(ledger, operators)
    record = await ledger.proposal(proposal_id)
    if (
        not goes
        or record is None
        or record.status is not Status.REVIEW_REQUIRED
        or not signer.is_trusted(operators, POLICY_SIGNER)
    ):
        return None
    proposal = record.proposal
    if record.unmeasured:
        return None
    deferral = _doubtful(record, proposal_id, ledger=ledger.id, now=stamp(now))
    found = Why.RECORDS_DIFFER if deferral else await permitted(proposal, ledger, operators)
    deferral = deferral or await _unproven(proposal, ledger) or _left(proposal, found) or _unmeasured(record)
    if deferral is None and isinstance(found, Permitted):
        policy = policy_of(proposal, found.contract)
        assert policy is not None and proposal.policy is not None  # noqa: S101, PT018  # it is inside of it
        told = policy_digest(proposal.contract, proposal.policy)
        own = Signer(operator=signer.operator, key=signer.key)
        signed = signed_decision(
            "approve", proposal, signer=own, now=now, policy=told, effect=record.effect, operators=operators
        )
        use_id = handles.new("use")
        use = use_of(proposal, found.contract, policy, use_id=use_id, decision=signed.decision.id, at=stamp(now))
        if use is not None:
            job = job_of(proposal.source, (signed,), at=now)
            limits = policy.limits.per_day
            try:
                return await ledger.policies.approve(signed, job=job, use=use, limits=limits, switch=switch)
            except DecisionRefused:
                return None
        deferral = Deferral(policy=proposal.policy or "", why="total_unknown")
    assert deferral is not None  # noqa: S101  # a contract that does not count is a reason
    await ledger.policies.defer(proposal_id, deferral, at=stamp(now))
    return deferral


def _doubtful(record: ProposalRecord, proposal_id: str, *, ledger: str, now: str) -> Deferral | None:
    """Return why a record is not what a policy looks at: whoever owns the ledger's file may have written anything under this handle."""
    proposal = record.proposal
    wrong = (
        (proposal.ledger != ledger, "other_ledger"),
        (proposal.id != proposal_id or proposal.lapsed(now), "records_differ"),
        (any(each.differs for each in record.together), "records_differ"),
        (bool(record.decisions), "people_decide"),
    )
    return next((Deferral(policy=proposal.policy or "", why=why) for is_wrong, why in wrong if is_wrong), None)


async def _unproven(proposal: Proposal, ledger: WorkLedger) -> Deferral | None:
    """Return that the evidence is not what the proposal was made from, or None: no person would be let approve it either."""
    gone = await unproven(proposal, ledger)
    return Deferral(policy=proposal.policy or "", why="evidence", what=gone) if gone else None


def _unmeasured(record: ProposalRecord) -> Deferral | None:
    """Return that what was measured is nothing to approve, where an approval is over that."""
    measured = record.measured
    if not record.is_shadowed or (measured is not None and measured.is_measured):
        return None
    return Deferral(policy=record.proposal.policy or "", why=measured.code if measured else Why.NOT_MEASURED.value)


def _left(proposal: Proposal, found: Permitted | Why) -> Deferral | None:
    if isinstance(found, Why):
        return Deferral(policy=proposal.policy or "", why=found.value)
    return outside(proposal, found.contract)
