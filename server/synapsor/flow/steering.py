"""Steer the worker: cancel what is approved, and say what becomes of a job that was given up; `flow.throw` pauses and resumes it.

A person signs what they want, and the ledger keeps it; the worker proves the signature and carries it out. What is canceled is so once the
source holds a receipt that says it: an attempt that was quicker counts, and is told.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Final

from synapsor import handles
from synapsor.core.instructions import Instruction, JobVerb
from synapsor.core.login import narrowed
from synapsor.core.moment import stamp
from synapsor.core.proposal import Proposal, Status
from synapsor.core.statements import Operator, SignedInstruction
from synapsor.core.steering import may_instruct, role_for, standing
from synapsor.errors import DecisionRefused
from synapsor.flow.acting import Acting, Verb, acting_on
from synapsor.flow.decider import Decider
from synapsor.flow.reason import check_reason
from synapsor.flow.signing import Signer
from synapsor.ports import ProposalRecord, ReviewLedger
from synapsor.refusals import Rule


def steering(verb: JobVerb, who: Decider) -> Verb:
    """Return what a person does to the job of a proposal, as an act upon it."""
    return Verb(is_open=partial(_check_open, verb), may=partial(_check_may, verb, who), own_role=True)


def instructing(
    ledger: ReviewLedger, record: ProposalRecord, acting: Acting, verb: JobVerb, *, shown: str | None = None
) -> AbstractAsyncContextManager[ProposalRecord]:
    """Begin to say what becomes of the job of a proposal, as the chain proves it now, and record what refuses it.

    Raises:
        DecisionRefused: they may not, or there is nothing to be said of it.
    """
    return acting_on(ledger, record, acting, steering(verb, acting.who), shown=shown)


async def instruct(
    ledger: ReviewLedger,
    verb: JobVerb,
    record: ProposalRecord,
    *,
    signer: Signer,
    operators: Mapping[str, Operator],
    now: dt.datetime,
    reason: str,
    shown: str | None = None,
) -> ProposalRecord:
    """Say what becomes of the job of a proposal and of its whole group, and return the record that keeps it; a worker carries it out.

    `shown` is the digest of what the person saw, where they have named it.

    Raises:
        DecisionRefused: as for `instructing`, or it is not the operator's key.
        UsageError: the reason is missing or cannot be recorded.
    """
    check_reason(verb, reason)
    acting = Acting(who=signer, operators=operators, now=now)
    async with instructing(ledger, record, acting, verb, shown=shown) as current:
        person, job = operators[signer.name], current.job
        assert job is not None  # noqa: S101  # the verb is open only where there is one
        told = Instruction(
            id=handles.new("ins"),
            ledger=ledger.id,
            verb=verb,
            job=job.id,
            parts=tuple((part.proposal, part.digest) for part in job.parts),
            proposal=current.proposal.id,
            operator=person.name,
            role=role_for(verb, current.proposal, narrowed(person, signer.login)),
            at=stamp(now),
            reason=reason,
            nonce=secrets.token_hex(16),
        )
        signed = SignedInstruction(instruction=told, signature=signer.speak(told, operators), login=signer.login)
        return await ledger.steering.instruct(signed)


HINTS: Final[Mapping[Status, str]] = {
    Status.REVIEW_REQUIRED: "Reject it with `synapsor reject`.",
    Status.APPLIED: "`synapsor undo` asks for an applied change to be taken back.",
}
"""What helps who would steer the job of what stands so."""


def _check_open(verb: JobVerb, record: ProposalRecord) -> None:
    if record.status is not Status.APPROVED:
        rule, only = (
            (Rule.NOTHING_TO_CANCEL, "can be canceled") if verb == "cancel" else (Rule.JOB_DONE, "has a job to steer")
        )
        words = f"The proposal {record.status.stands}, and only what is approved and not done yet {only}."
        raise DecisionRefused(rule, words, fix=HINTS.get(record.status, "Look at it with `synapsor show`."))
    if record.job is None:
        raise DecisionRefused(
            Rule.NOTHING_TO_CANCEL if verb == "cancel" else Rule.JOB_DONE,
            "No worker applies it: its source was not in `mode: writeback` when it was approved.",
            fix="Nothing is left to do.",
        )
    if verb != "cancel" and standing(record.together).parked is None:
        raise DecisionRefused(Rule.NOT_GIVEN_UP)


def _check_may(verb: JobVerb, who: Decider, proposal: Proposal, operator: Operator, *, now: str) -> None:  # noqa: ARG001  # it is steered whenever
    role = role_for(verb, proposal, narrowed(operator, who.login))
    may_instruct(role, proposal, operator)
    who.check_role(role)
