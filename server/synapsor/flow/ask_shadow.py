"""Ask for a change to be measured before anybody approves it: a signed request on one proposal digest, which the worker carries out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

from synapsor import handles
from synapsor.core.moment import stamp
from synapsor.core.proposal import Status
from synapsor.core.review import may_amend
from synapsor.core.statements import Operator, ShadowRequest, SignedShadowRequest
from synapsor.errors import DecisionRefused, UsageError
from synapsor.flow.acting import Acting, Verb, acting_on, check_waits
from synapsor.flow.named import LATEST, proposal_of
from synapsor.flow.signing import Signer
from synapsor.ports import ProposalRecord, ReviewLedger
from synapsor.refusals import Rule

_MOST: Final = 500
"""Of how many of the newest that wait one is looked for."""


def _check_measurable(record: ProposalRecord) -> None:
    """Refuse what the worker does not carry out, and what somebody has approved as it was measured, or as it is: it, or what it stands or falls with."""
    check_waits(record, left="measure")
    if record.proposal.executor is not None:
        raise DecisionRefused(Rule.SHADOW_ELSEWHERE)
    if any(one.decisions for one in record.together):
        raise DecisionRefused(Rule.SHADOW_APPROVED)


async def measurable(ledger: ReviewLedger, handle: str, *, now: dt.datetime) -> ProposalRecord:
    """Return the proposal that any handle leads to; `latest` is the newest that can be measured, and not one that is decided.

    Raises:
        UsageError: nothing of that name leads to one, or none of the newest that wait can be measured.
    """
    if handle != LATEST:
        return await proposal_of(ledger, handle)
    for record in await ledger.inbox(status=Status.REVIEW_REQUIRED, limit=_MOST):
        if record.proposal.lapsed(stamp(now)):
            continue
        try:
            _check_measurable(record)
        except DecisionRefused:
            continue
        return record
    raise UsageError(
        "Nothing waits that could be measured: what is decided or approved by somebody, has expired, or is carried out by an application, is not.",
        fix="See `synapsor inbox`, and name a proposal by its handle.",
    )


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
