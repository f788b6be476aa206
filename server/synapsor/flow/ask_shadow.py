"""Ask for a change to be measured before anybody approves it: a signed request on one proposal digest, which the worker carries out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

from synapsor import handles
from synapsor.core.moment import stamp
from synapsor.core.review import may_amend
from synapsor.core.statements import Operator, ShadowRequest, SignedShadowRequest
from synapsor.errors import DecisionRefused
from synapsor.flow.acting import Acting, Verb, acting_on, check_waits
from synapsor.flow.signing import Signer
from synapsor.ports import ProposalRecord, ReviewLedger
from synapsor.refusals import Rule


def _check_measurable(record: ProposalRecord) -> None:
    """Refuse what the worker does not carry out, and what somebody has approved as it was measured, or as it is: it, or what it stands or falls with."""
    check_waits(record, left="measure")
    if record.proposal.executor is not None:
        raise DecisionRefused(Rule.SHADOW_ELSEWHERE)
    if any(one.decisions for one in record.together):
        raise DecisionRefused(Rule.SHADOW_APPROVED)


ASKING_SHADOW: Final = Verb(is_open=_check_measurable, may=may_amend)
"""Asking for a proposal to be measured."""


async def ask_shadow(
    ledger: ReviewLedger,
    record: ProposalRecord,
    *,
    signer: Signer,
    now: dt.datetime,
    operators: Mapping[str, Operator],
) -> ProposalRecord:
    """Ask for a proposal to be measured, or measured anew, and return it as it stands: nobody approves it, or what it stands or falls with, before
    that is done.

    Raises:
        DecisionRefused: the operator may not decide on it, it is decided or approved by somebody, or what it stands or falls with is, an application
            carries it out, or enough was measured.
    """
    acting = Acting(who=signer, operators=operators, now=now)
    async with acting_on(ledger, record, acting, ASKING_SHADOW) as current:
        proposal = current.proposal
        request = ShadowRequest(
            id=handles.new("shr"),
            ledger=ledger.id,
            proposal=proposal.id,
            digest=proposal.digest,
            operator=signer.operator.name,
            role=proposal.role,
            at=stamp(now),
        )
        signature = signer.speak(request, operators)
        signed = SignedShadowRequest(request=request, signature=signature, login=signer.login)
        return await ledger.measuring.ask(signed)
