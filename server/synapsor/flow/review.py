"""Decide: an operator's key signs a verdict on one proposal digest.

Everything is checked before anything is signed, the signature is checked against the registered public key before it is recorded,
and an attempt that is refused is recorded too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence

from synapsor import handles
from synapsor.config import Mode
from synapsor.core.group import is_whole
from synapsor.core.live import Live
from synapsor.core.moment import stamp
from synapsor.core.onetime import meant
from synapsor.core.proposal import Status
from synapsor.core.quorum import check_clock, counted, may_count
from synapsor.core.review import as_trusted, is_by_prompt, may_decide, takes_code
from synapsor.core.statements import Operator, SignedDecision, SignedLogin, StepUp, Verdict
from synapsor.core.writeback import Approved, Job
from synapsor.errors import DecisionRefused, UsageError
from synapsor.flow.evidence import check_evidence
from synapsor.flow.fresh import check_fresh
from synapsor.flow.onetime import secret_of, take_code
from synapsor.flow.permitted import check_applicable
from synapsor.flow.reason import check_code, check_reason
from synapsor.flow.refused import NOBODY, check_shown, recording
from synapsor.flow.replay import proposal_named
from synapsor.flow.signing import Signer, signed_decision
from synapsor.ports import ProposalRecord, ReviewLedger
from synapsor.refusals import Rule

_MEANWHILE = 20
"""How often a decision is counted anew because others decided in between; more than the largest quorum has people."""


async def approve(
    ledger: ReviewLedger,
    proposal_id: str,
    *,
    digest: str,
    signer: Signer,
    now: dt.datetime,
    mode: Mode,
    operators: Mapping[str, Operator],
    reason: str = "",
    live: Live | None = None,
    stale_anyway: bool = False,
) -> ProposalRecord:
    """Approve the proposal whose digest the signer's operator has seen. The approval that completes the quorum moves it, and where the source
    allows writeback, a job is filed with that; the signer and earlier approvals count as far as `operators` trusts them now.

    What stands or falls with others is moved with them, by the approval that completes the last quorum of the group. `live` is a look
    at its rows just before: a contract may ask for one, and rows that are not as they were are approved only by who says so.

    Raises:
        DecisionRefused: the operator may not decide, it is too late, or the proposal is not the one that was shown.
        IntegrityError: the record does not hold.
        UsageError: there is no such proposal, or the reason cannot be recorded.
    """
    check_reason("approve", reason)
    taken: StepUp | None = None

    async def attempt() -> ProposalRecord:
        nonlocal taken
        record, operator = await _undecided(ledger, proposal_id, digest, signer, now, operators, verdict="approve")
        proposal = record.proposal
        await check_fresh(ledger, proposal, live, now=now, stale_anyway=stale_anyway)
        method = takes_code(proposal, signer.login)
        if method is not None and taken is None:
            taken = await take_code(
                ledger, operator, signer.code, method=method, about=meant("approve", proposal.digest), now=now
            )
        signed = signed_decision(
            "approve", proposal, signer=signer, now=now, reason=reason, step_up=taken, operators=operators
        )
        approvals = _approvals(ledger, record, operators, now)
        approvals[proposal.id] = (signed, *approvals[proposal.id])
        complete = _are_enough(record, approvals)
        job = None
        if complete and mode == "writeback":
            job = job_of(proposal.source, [of_one[0] for of_one in approvals.values()], at=now)
        return await ledger.decide(signed, job=job, counted=_ids(*record.together), complete=complete)

    async with recording(ledger, proposal_id, signer.operator.name, now):
        return await _decided(attempt)


def _approvals(
    ledger: ReviewLedger, record: ProposalRecord, trusted: Mapping[str, Operator], now: dt.datetime
) -> dict[str, tuple[SignedDecision, ...]]:
    """Return the approvals that count now of each proposal that stands or falls together, this one first."""
    return {
        each.proposal.id: counted(each.decisions, each.proposal, trusted, ledger=ledger.id, now=stamp(now))
        for each in record.together
    }


def _are_enough(record: ProposalRecord, approvals: Mapping[str, tuple[SignedDecision, ...]]) -> bool:
    """Tell whether all that stands or falls together is there and has the approvals that it needs."""
    together = [each.proposal for each in record.together]
    return is_whole(together) and all(len(approvals[each.id]) >= each.quorum for each in together)


def job_of(source: str, signed: Sequence[SignedDecision], *, at: dt.datetime) -> Job:
    """Return the writeback job that follows from approvals, one of each proposal that stands or falls together, the last one first."""
    parts = [Approved(proposal=d.proposal, digest=d.digest, decision=d.id) for d in (one.decision for one in signed)]
    return Job(id=handles.new("job"), source=source, at=stamp(at), parts=tuple(parts))


async def reject(
    ledger: ReviewLedger,
    proposal_id: str,
    *,
    digest: str,
    signer: Signer,
    now: dt.datetime,
    operators: Mapping[str, Operator],
    reason: str,
    code: str | None = None,
) -> ProposalRecord:
    """Reject the proposal; the reason is what the agent is told, and `code` is why in one word of the closed list.

    Through a prompt that takes a code that is bound to the proposal, as an approval does.

    Raises:
        DecisionRefused, IntegrityError: as for `approve`.
        UsageError: there is no such proposal, no reason, or no such code.
    """
    check_reason("reject", reason)
    check_code(code)
    taken: StepUp | None = None

    async def attempt() -> ProposalRecord:
        nonlocal taken
        record, operator = await _undecided(ledger, proposal_id, digest, signer, now, operators, verdict="reject")
        proposal = record.proposal
        method = takes_code(proposal, signer.login) if is_by_prompt(signer.login) else None
        if method is not None and taken is None:
            taken = await take_code(
                ledger, operator, signer.code, method=method, about=meant("reject", proposal.digest), now=now
            )
        signed = signed_decision(
            "reject", proposal, signer=signer, now=now, reason=reason, code=code, step_up=taken, operators=operators
        )
        return await ledger.decide(signed, job=None, counted=_ids(record), complete=False)

    async with recording(ledger, proposal_id, signer.operator.name, now):
        return await _decided(attempt)


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


async def _undecided(
    ledger: ReviewLedger,
    proposal_id: str,
    digest: str,
    signer: Signer,
    now: dt.datetime,
    operators: Mapping[str, Operator],
    *,
    verdict: Verdict,
) -> tuple[ProposalRecord, Operator]:
    """Return the proposal, and who decides on it as the project trusts them now."""
    record = await ledger.proposal(proposal_id)
    if record is None:
        raise UsageError("There is no such proposal.", fix="See `synapsor inbox`.")
    operator = _check(record, ledger.id, digest, signer, now, operators)
    if verdict == "approve":
        _may_approve(ledger, record, operator, operators, now, login=signer.login)
        await check_evidence(record.proposal, ledger)
    return record, operator


def _may_approve(
    ledger: ReviewLedger,
    record: ProposalRecord,
    operator: Operator,
    trusted: Mapping[str, Operator],
    now: dt.datetime,
    *,
    login: SignedLogin | None = None,
) -> None:
    """Check that one more approval does something: it counts, or it completes a group whose approvals did not all count before."""
    check_clock(record.proposal, record.decisions, trusted, ledger=ledger.id, now=stamp(now), login=login)
    approvals = _approvals(ledger, record, trusted, now)
    earlier = approvals[record.proposal.id]
    if len(earlier) >= record.proposal.quorum and not _are_enough(record, approvals):
        raise DecisionRefused(
            Rule.WAITS_FOR_GROUP,
            "It has the approvals that it needs, and waits for the proposals that it stands or falls with.",
            fix="Decide on those; `synapsor show` names them.",
        )
    may_count(operator, earlier, trusted)


def _ids(*records: ProposalRecord) -> dict[str, tuple[str, ...]]:
    """Return the decisions on record of each of these proposals."""
    return {each.proposal.id: tuple(signed.decision.id for signed in each.decisions) for each in records}


async def may_ask(
    ledger: ReviewLedger,
    record: ProposalRecord,
    operator: Operator | None,
    *,
    verdict: Verdict,
    now: dt.datetime,
    operators: Mapping[str, Operator],
    live: Live | None = None,
    stale_anyway: bool = False,
) -> None:
    """Refuse what is certain before a person is asked for anything, and record that it was refused.

    An approval a person gives once, and only to what the worker would apply. The worker decides on that by itself, as things stand
    then; here nobody is asked to read and sign in vain. `operator` is None where nobody knows yet who decides, and counts as far as
    `operators` trusts them now. `live` is a look at its rows, if there was one.

    Raises:
        DecisionRefused: it is decided already, this operator may not decide so, or the worker would not apply it.
    """
    async with recording(ledger, record.proposal.id, operator.name if operator else NOBODY, now):
        await check_may(ledger, record, operator, verdict=verdict, now=now, operators=operators)
        if live is not None:
            await check_fresh(ledger, record.proposal, live, now=now, stale_anyway=stale_anyway)


async def check_may(
    ledger: ReviewLedger,
    record: ProposalRecord,
    operator: Operator | None,
    *,
    verdict: Verdict,
    now: dt.datetime,
    operators: Mapping[str, Operator],
) -> None:
    """Refuse as `may_ask` does, of what nobody has attempted yet: nothing is recorded.

    Raises:
        DecisionRefused: as for `may_ask`.
    """
    _check_open(record)
    if operator is not None:
        operator = as_trusted(operator, operators)
        may_decide(record.proposal, operator, now=stamp(now))
    if operator is not None and verdict == "approve":
        _may_approve(ledger, record, operator, operators, now)
        if record.proposal.step_up:
            secret_of(operator)
    if verdict == "approve":
        await check_evidence(record.proposal, ledger)
        await check_applicable(record.proposal, ledger, operators)


def _check(
    record: ProposalRecord,
    ledger: str,
    digest: str,
    signer: Signer,
    now: dt.datetime,
    operators: Mapping[str, Operator],
) -> Operator:
    proposal = record.proposal
    operator = signer.check(operators, ledger=ledger, now=now)
    check_shown(proposal, digest, ledger=ledger)
    may_decide(proposal, operator, now=stamp(now))
    signer.check_for(proposal)
    _check_open(record)
    return operator


def _check_open(record: ProposalRecord) -> None:
    if record.status is not Status.REVIEW_REQUIRED:
        raise DecisionRefused(
            Rule.ALREADY_DECIDED, f"The proposal {record.status.stands}.", fix="Nothing is left to decide."
        )


async def _decided(attempt: Callable[[], Awaitable[ProposalRecord]]) -> ProposalRecord:
    """Decide, again when somebody decided in between."""
    for _ in range(_MEANWHILE):
        try:
            return await attempt()
        except DecisionRefused as refused:
            last = refused
            if refused.rule is not Rule.DECIDED_MEANWHILE:
                break
    raise last
