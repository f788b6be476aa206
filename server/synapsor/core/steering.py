"""How people steer writeback: who may, when what they have signed counts, and how a job stands by that. A column of a job proves nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from synapsor.contract.approvals import WRITEBACK_OPERATOR
from synapsor.core.accepted import Accepted, accepted_of
from synapsor.core.instructions import Instruction, JobVerb
from synapsor.core.kept import ProposalRecord
from synapsor.core.login import still_spoken_by
from synapsor.core.outcome import Outcome, Why
from synapsor.core.proposal import Proposal, Status
from synapsor.core.review import may_act_as, may_decide
from synapsor.core.statements import Operator, SignedInstruction, SignedPause
from synapsor.core.trust import trusted
from synapsor.core.words import many
from synapsor.core.writeback import Job
from synapsor.errors import DecisionRefused

EVENTS: Final[Mapping[JobVerb, str]] = {
    "requeue": "job_requeued",
    "discard": "job_discard_asked",
    "cancel": "job_cancel_asked",
}
"""Which event tells that a person has said it."""
PARKED: Final = "job_parked"
_ENDS: Final[Mapping[JobVerb, Why]] = {"cancel": Why.CANCELED, "discard": Why.DISCARDED}
STEERED: Final[Mapping[Why, Outcome]] = {
    Why.CANCELED: Outcome.CANCELED,
    Why.DISCARDED: Outcome.CANCELED,
    Why.CANCEL_UNPROVEN: Outcome.RETRY,
    Why.JOB_PARKED: Outcome.RETRY,
}
"""What `ruling` returns, and what comes of a job by it."""
_ASKED: Final[Mapping[JobVerb, str]] = {"requeue": "requeued", "discard": "discarded", "cancel": "canceled"}
TOLD: Final[Mapping[JobVerb, str]] = {
    "requeue": "is tried again, and its attempts begin anew",
    "discard": "is to be discarded; a worker records that in its source first, and an attempt that had an effect counts",
    "cancel": "is to be canceled; a worker records that in its source first, and an attempt that was quicker counts",
}
"""What comes of a proposal of which a person has said it."""
_SAID: Final = frozenset(EVENTS.values())
_ENDING: Final = frozenset(EVENTS[verb] for verb in _ENDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """That a job was given up.

    Attributes:
        attempts: after how many attempts that count against it.
        code: why the last of them failed.
    """

    at: str
    attempts: int
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a job that is not done stands, by the events of its proposals.

    Attributes:
        parked: that it was given up, and nobody has had it tried again since.
        asked: what ends it, of all that was said; None where nobody said so.
    """

    parked: Parked | None = None
    asked: Instruction | None = None


def standing(records: Iterable[ProposalRecord]) -> Standing:
    """Return how the job of these proposals stands, as it is told; whether a signature holds is for `ruling` to say."""
    records = tuple(records)
    last = _last(records)
    said = (one.instruction for record in records for one in record.instructions)
    asked = next((one for one in said if one.verb in _ENDS), None)
    return Standing(parked=_parked(last) if last and last["kind"] == PARKED else None, asked=asked)


def state_words(records: Iterable[ProposalRecord]) -> str:
    """Return how a job that is not done stands, as a sentence about it, or that what was to end it came too late; "" where nothing is to be told."""
    records = tuple(records)
    stands, accepted = standing(records), accepted_by(records)
    if any(record.status is not Status.APPROVED for record in records):
        late = stands.asked and any(record.status is Status.APPLIED for record in records)
        return "It was to be canceled, and that came too late." if late else ""
    if stands.parked is None and accepted is not None:
        canceled = "It is to be canceled, which may come too late. " if stands.asked else ""
        return f"{canceled}The application has accepted it and has not said yet that it is done; it is asked again until {accepted.until}."
    if stands.parked is None:
        return "It is to be canceled when a worker comes to it." if stands.asked else ""
    parked = stands.parked
    tried = f"after {many(parked.attempts, 'attempt')} ({parked.code})"
    may = " The application had accepted it, and it may be done." if accepted is not None else ""
    if stands.parked.code == Why.CANCEL_UNPROVEN:
        return f"It is to be canceled, which nobody who is trusted now has signed, and its job was given up {tried}: an operator must cancel it again.{may}"
    if stands.asked:
        return f"It is to be canceled, and its job was given up {tried}: an operator must requeue it.{may}"
    return f"Its job was given up {tried}: an operator must requeue or discard it.{may}"


def accepted_by(records: Iterable[ProposalRecord]) -> Accepted | None:
    """Return that an application has accepted the job of these proposals, or None."""
    found = (accepted_of(record.events) for record in records)
    return next((one for one in found if one is not None), None)


def said_of(records: Iterable[ProposalRecord]) -> tuple[str, ...]:
    """Return what people have said is to become of a job, a line each; the words are theirs, and whether a signature holds is not told."""
    said = (one.instruction for record in records for one in record.instructions)
    return tuple(f"{_ASKED[one.verb]} by {one.operator} ({one.role}) at {one.at}: {one.reason}" for one in said)


def ruling(
    job: Job, records: Sequence[ProposalRecord], operators: Mapping[str, Operator], *, ledger: str
) -> Why | None:
    """Return why a job is not to be applied as people steer it, or None.

    What was to end it does so only where somebody who is trusted now has signed that; where nobody has, it is not applied either. A job
    that was given up is tried again only where such a person has said so since.
    """
    events = _events(records)
    if not events:
        return None
    by_handle = {one.instruction.id: one for record in records for one in record.instructions}
    holding = {handle for handle, one in by_handle.items() if _holds(one, job, records, operators, ledger)}
    ending = (one.instruction for handle, one in by_handle.items() if handle in holding)
    ended = next((_ENDS[one.verb] for one in ending if one.verb in _ENDS), None)
    if ended is not None:
        return ended
    if any(event["kind"] in _ENDING for event in events):
        return Why.CANCEL_UNPROVEN
    parked = False
    for event in events:
        said = event["records"].get("instruction", (None,))[0]
        parked = event["kind"] == PARKED or (parked and said not in holding)
    return Why.JOB_PARKED if parked else None


def _events(records: Iterable[ProposalRecord]) -> list[Mapping[str, Any]]:
    found = (event for record in records for event in record.events if event["kind"] in {PARKED, *_SAID})
    return sorted(found, key=lambda event: int(event["seq"]))


def _last(records: Iterable[ProposalRecord]) -> Mapping[str, Any] | None:
    return next(reversed(_events(records)), None)


def _parked(event: Mapping[str, Any]) -> Parked:
    attempts, code = (event["facts"].get(name) for name in ("attempts", "code"))
    return Parked(at=str(event["at"]), attempts=attempts if type(attempts) is int else 0, code=str(code or ""))


def _holds(
    signed: SignedInstruction,
    job: Job,
    records: Sequence[ProposalRecord],
    operators: Mapping[str, Operator],
    ledger: str,
) -> bool:
    """Tell whether somebody who is trusted now, and may, has signed this about exactly this job."""
    told = signed.instruction
    operator = operators.get(told.operator)
    parts = tuple((part.proposal, part.digest) for part in job.parts)
    proposal = next((one.proposal for one in records if one.proposal.id == told.proposal), None)
    if operator is None or proposal is None or (told.ledger, told.job, told.parts) != (ledger, job.id, parts):
        return False
    if not still_spoken_by(told, signed.signature, signed.login, operators):
        return False
    if told.role != WRITEBACK_OPERATOR and (told.verb != "cancel" or told.role != proposal.role):
        return False
    try:
        may_instruct(told.role, proposal, operator)
    except DecisionRefused:
        return False
    return True


def role_for(verb: JobVerb, proposal: Proposal, operator: Operator) -> str:
    """Return the role in which a person would say what becomes of the job of a proposal; who may decide on it may cancel it, too."""
    steers = verb != "cancel" or WRITEBACK_OPERATOR in operator.roles
    return WRITEBACK_OPERATOR if steers or proposal.role not in operator.roles else proposal.role


def may_instruct(role: str, proposal: Proposal, operator: Operator) -> None:
    """Check that this person may say in a role what becomes of the job of a proposal, whether or not its time is over.

    Raises:
        DecisionRefused: by rule `operator_revoked` or `role_missing`, or of who decides on it by any rule of `may_decide`.
    """
    if role == WRITEBACK_OPERATOR:
        may_act_as(operator, role)
    else:
        may_decide(proposal, operator, now=proposal.at)


def pause_holds(signed: SignedPause, operators: Mapping[str, Operator], *, ledger: str) -> bool:
    """Tell whether a trusted operator of writeback made this pause, or its end, for this ledger."""
    operator = trusted(operators, signed.pause.operator, WRITEBACK_OPERATOR)
    return (
        operator is not None
        and (signed.pause.ledger, signed.pause.role) == (ledger, WRITEBACK_OPERATOR)
        and still_spoken_by(signed.pause, signed.signature, signed.login, operators)
    )


def rests(newest: SignedPause | None, operators: Mapping[str, Operator], *, ledger: str) -> bool:
    """Tell whether the newest pause keeps jobs from being taken; the end of one that nobody trusted made does not end it."""
    return newest is not None and not (
        newest.pause.state == "running" and pause_holds(newest, operators, ledger=ledger)
    )
