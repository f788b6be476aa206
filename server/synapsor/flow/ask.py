"""Ask whoever asked for a change about it, before anybody decides: a signed question on one proposal digest, which stays in review.

The agent sees it on the proposal and answers with a tool of its own; nothing that it answers decides anything.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from synapsor import handles
from synapsor.core.moment import stamp
from synapsor.core.proposal import Status
from synapsor.core.review import may_amend
from synapsor.core.statements import Inquiry, Operator, SignedInquiry
from synapsor.errors import DecisionRefused
from synapsor.flow.chain import check_chain
from synapsor.flow.reason import check_reason
from synapsor.flow.refused import check_shown, recording
from synapsor.flow.signing import Signer, check_present
from synapsor.ports import ProposalRecord, ReviewLedger
from synapsor.refusals import Rule


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
    proposal, at = record.proposal, stamp(now)
    async with recording(ledger, proposal.id, signer.operator.name, now):
        await check_chain(ledger)
        check_askable(record)
        operator = signer.check(operators, ledger=ledger.id, now=now)
        may_amend(proposal, operator, now=at)
        check_present(signer)
        signer.check_for(proposal)
        check_shown(proposal, proposal.digest, ledger=ledger.id)
        question = Inquiry(
            id=handles.new("que"),
            ledger=ledger.id,
            proposal=proposal.id,
            digest=proposal.digest,
            operator=signer.operator.name,
            role=proposal.role,
            text=text,
            at=at,
        )
        signature = signer.speak(question, operators)
        return await ledger.ask(SignedInquiry(question=question, signature=signature, login=signer.login))


async def may_question(ledger: ReviewLedger, record: ProposalRecord, operator: Operator, *, now: dt.datetime) -> None:
    """Refuse what is certain before a person types a passphrase, and record that it was refused.

    Raises:
        DecisionRefused: as for `ask`.
    """
    async with recording(ledger, record.proposal.id, operator.name, now):
        await check_chain(ledger)
        check_askable(record)
        may_amend(record.proposal, operator, now=stamp(now))


def check_askable(record: ProposalRecord) -> None:
    """Refuse a question that nobody would answer.

    Raises:
        DecisionRefused: by rule `already_decided` or `no_agent`.
    """
    if record.status is not Status.REVIEW_REQUIRED:
        raise DecisionRefused(
            Rule.ALREADY_DECIDED, f"The proposal {record.status.stands}.", fix="Nothing is left to ask."
        )
    if record.proposal.undoes is not None:
        raise DecisionRefused(
            Rule.NO_AGENT, "A person asked for this undo, and no agent.", fix=f"Ask {record.proposal.principal}."
        )
