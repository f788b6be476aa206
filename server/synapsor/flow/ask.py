"""Ask whoever asked for a change about it, before anybody decides: a signed question on one proposal digest, which stays in review.

The agent sees it on the proposal and answers with a tool of its own; nothing that it answers decides anything.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

from synapsor import handles
from synapsor.core.moment import stamp
from synapsor.core.review import may_amend
from synapsor.core.statements import Inquiry, Operator, SignedInquiry
from synapsor.errors import DecisionRefused
from synapsor.flow.acting import Acting, Verb, acting_on, check_waits
from synapsor.flow.reason import check_reason
from synapsor.flow.signing import Signer
from synapsor.ports import ProposalRecord, ReviewLedger
from synapsor.refusals import Rule


def _check_askable(record: ProposalRecord) -> None:
    """Refuse a question that nobody would answer."""
    check_waits(record, left="ask")
    if record.proposal.undoes is not None:
        raise DecisionRefused(
            Rule.NO_AGENT, "A person asked for this undo, and no agent.", fix=f"Ask {record.proposal.principal}."
        )


ASKING: Final = Verb(is_open=_check_askable, may=may_amend)
"""Asking about a proposal."""


async def ask(
    ledger: ReviewLedger,
    record: ProposalRecord,
    *,
    text: str,
    signer: Signer,
    now: dt.datetime,
    operators: Mapping[str, Operator],
) -> ProposalRecord:
    """Ask about a proposal, and return it as it stands.

    Raises:
        DecisionRefused: the operator may not decide on it, it is decided or of another ledger, nobody could answer, or enough was asked.
        UsageError: the question cannot be recorded.
    """
    check_reason("question", text)
    acting = Acting(who=signer, operators=operators, now=now)
    async with acting_on(ledger, record, acting, ASKING) as current:
        proposal = current.proposal
        question = Inquiry(
            id=handles.new("que"),
            ledger=ledger.id,
            proposal=proposal.id,
            digest=proposal.digest,
            operator=signer.operator.name,
            role=proposal.role,
            text=text,
            at=stamp(now),
        )
        signature = signer.speak(question, operators)
        return await ledger.ask(SignedInquiry(question=question, signature=signature, login=signer.login))
