"""Decide on a proposal as it was shown: the one way that a terminal, the board, the console, the companion and a batch share.

Each of them shows, asks and confirms in its own manner. Whether the decision may be taken is asked of `flow.objection` before anything is
signed, the signature is checked against the registered public key before it is recorded, and a refused attempt is recorded too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from synapsor import handles
from synapsor.config import Mode
from synapsor.core.live import Live
from synapsor.core.moment import stamp
from synapsor.core.onetime import meant
from synapsor.core.presets import RejectCode
from synapsor.core.proposal import Proposal
from synapsor.core.statements import Operator, SignedDecision, StepUp, Verdict
from synapsor.core.writeback import Approved, Job
from synapsor.errors import ConfigError, DecisionRefused, UsageError
from synapsor.flow.approvals import approvals_of, are_enough
from synapsor.flow.fresh import check_fresh
from synapsor.flow.objection import Intent, check_decides
from synapsor.flow.onetime import take_code
from synapsor.flow.reason import check_code, check_reason
from synapsor.flow.refused import recording
from synapsor.flow.signing import Signer, signed_decision
from synapsor.ports import Clock, ProposalRecord, ReviewLedger
from synapsor.refusals import Rule

_MEANWHILE: Final = 20
"""How often a decision is counted anew because others decided in between; more than the largest quorum has people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A proposal as it was shown: what a decision on it is over."""

    proposal: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class Deciding:
    """What a person decides, and as whom.

    Attributes:
        modes: how far up the ladder each source is, by its name.
        operators: asks who is trusted now; whoever was, when they were asked, may have been revoked since.
        reason: why; of a rejection it is what the agent is told.
        preset: of a rejection, why in one word.
        look_again: looks how the rows of a proposal stand, just before it is approved.
        stale_anyway: approve rows that are not as they were.
    """

    verdict: Verdict
    signer: Signer
    clock: Clock
    modes: Mapping[str, Mode]
    operators: Callable[[], Mapping[str, Operator]]
    reason: str = ""
    preset: RejectCode | None = None
    look_again: Callable[[Proposal], Awaitable[Live | None]] | None = None
    stale_anyway: bool = False

    def intent(self) -> Intent:
        """Return what is meant to be decided, at this moment and by who is trusted now."""
        return Intent(verdict=self.verdict, who=self.signer, operators=self.operators(), now=self.clock.now())


async def decide(ledger: ReviewLedger, deciding: Deciding, shown: Listed) -> ProposalRecord:
    """Decide so on one proposal, and return it as it stands then. Nobody's rows are looked at for whom may not decide.

    The approval that completes the quorum moves the proposal and all that stands or falls with it; where the source allows writeback, a
    job is filed with that. A rejection is final at once. A decision counts as far as those who made it are trusted.

    Raises:
        ConfigError: the proposal's source is not configured here.
        DecisionRefused: there is an objection, the ledger was altered (`ledger_altered`), the one-time code does not do, or a row is not as it was.
        IntegrityError: the record does not hold.
        UsageError: there is no such proposal, or the reason is missing or cannot be recorded.
    """
    check_reason(deciding.verdict, deciding.reason)
    check_code(deciding.preset)
    record = await _found(ledger, shown)
    if deciding.verdict == "approve" and record.proposal.source not in deciding.modes:
        raise ConfigError("The proposal's source is not configured here.", fix="Add it under `sources:`.")
    async with recording(ledger, shown.proposal, deciding.signer.name, deciding.clock.now()):
        live = await _looked_again(ledger, deciding, record, shown)
        return await _decided(_attempt(ledger, deciding, record, shown, live))


async def _found(ledger: ReviewLedger, shown: Listed) -> ProposalRecord:
    record = await ledger.proposal(shown.proposal)
    if record is None:
        raise UsageError("There is no such proposal.", fix="See `synapsor inbox`.")
    return record


async def _looked_again(ledger: ReviewLedger, deciding: Deciding, record: ProposalRecord, shown: Listed) -> Live | None:
    """Return how the rows stand just before an approval, where anything looks at them and nothing else is against it."""
    if deciding.verdict == "reject" or deciding.look_again is None:
        return None
    current = await check_decides(ledger, record, deciding.intent(), shown=shown.digest)
    return await deciding.look_again(current.proposal)


def _attempt(
    ledger: ReviewLedger, deciding: Deciding, record: ProposalRecord, shown: Listed, live: Live | None
) -> Callable[[], Awaitable[ProposalRecord]]:
    """Return what decides as things stand when it is called; a one-time code is taken by the first call and kept."""
    intent, signer = deciding.intent(), deciding.signer
    taken: StepUp | None = None

    async def attempt() -> ProposalRecord:
        nonlocal taken
        current = await check_decides(ledger, record, intent, shown=shown.digest)
        proposal = current.proposal
        if intent.verdict == "approve":
            await check_fresh(ledger, proposal, live, now=intent.now, stale_anyway=deciding.stale_anyway)
        method = intent.code_for(proposal)
        if method is not None and taken is None:
            person, about = intent.operators[signer.name], meant(intent.verdict, proposal.digest)
            taken = await take_code(ledger, person, signer.code, method=method, about=about, now=intent.now)
        signed = signed_decision(
            intent.verdict,
            proposal,
            signer=signer,
            now=intent.now,
            reason=deciding.reason,
            code=deciding.preset if intent.verdict == "reject" else None,
            step_up=taken,
            effect=current.effect if intent.verdict == "approve" else "",
            operators=intent.operators,
        )
        if intent.verdict == "reject":
            return await ledger.decide(signed, job=None, counted=_ids(current), complete=False)
        return await _approved(ledger, current, signed, intent, mode=deciding.modes[proposal.source])

    return attempt


async def _approved(
    ledger: ReviewLedger, record: ProposalRecord, signed: SignedDecision, intent: Intent, *, mode: Mode
) -> ProposalRecord:
    """Record an approval, with the job that follows from it where it is the last of those that are needed."""
    approvals = approvals_of(record, intent.operators, ledger=ledger.id, now=intent.now)
    approvals[record.proposal.id] = (signed, *approvals[record.proposal.id])
    complete = are_enough(record, approvals)
    job = None
    if complete and mode == "writeback":
        job = job_of(record.proposal.source, [of_one[0] for of_one in approvals.values()], at=intent.now)
    return await ledger.decide(signed, job=job, counted=_ids(*record.together), complete=complete)


def job_of(source: str, signed: Sequence[SignedDecision], *, at: dt.datetime) -> Job:
    """Return the writeback job that follows from approvals, one of each proposal that stands or falls together, the last one first."""
    parts = [Approved(proposal=d.proposal, digest=d.digest, decision=d.id) for d in (one.decision for one in signed)]
    return Job(id=handles.new("job"), source=source, at=stamp(at), parts=tuple(parts))


def _ids(*records: ProposalRecord) -> dict[str, tuple[str, ...]]:
    """Return the decisions on record of each of these proposals."""
    return {each.proposal.id: tuple(signed.decision.id for signed in each.decisions) for each in records}


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
