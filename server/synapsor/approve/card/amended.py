"""What people have made of an agent's request before anybody decided: edits, more time, and questions with their answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from synapsor.approve.card.amended_view import Amends, Argument, Edited, Talk
from synapsor.approve.card.teller import Teller
from synapsor.core.amend import MOST_DEPTH, edited
from synapsor.core.exchange import Exchange
from synapsor.core.login import spoken_by
from synapsor.core.plain import Text, visible
from synapsor.core.proposal import Proposal, Status
from synapsor.core.statements import Operator
from synapsor.ports import AgentLedger, ProposalRecord


async def lineage(ledger: AgentLedger, proposal: Proposal) -> tuple[ProposalRecord, ...]:
    """Return the proposals whose place it takes, the last one first, down to what the agent asked for; as far as the ledger has them."""
    found: list[ProposalRecord] = []
    while proposal.amends is not None and len(found) < MOST_DEPTH:
        record = await ledger.proposal(proposal.amends.proposal)
        if record is None or record.proposal.digest != proposal.amends.digest:
            break
        found.append(record)
        proposal = record.proposal
    return tuple(found)


def amends(proposal: Proposal, before: Sequence[ProposalRecord], teller: Teller) -> Amends | None:
    """Return what a reviewer made of what the agent asked for."""
    told = proposal.amends
    if told is None:
        return None
    asked = before[-1].proposal if before else proposal
    return Amends(
        kind=told.kind,
        proposal=teller.text(told.proposal),
        by=teller.text(told.operator),
        reason=teller.text(told.reason),
        editors=tuple(teller.text(name) for name in told.editors),
        edited=tuple(_edited(name, asked.arguments, proposal.arguments, teller) for name in edited(proposal, asked)),
    )


def sent(proposal: Proposal, before: Sequence[ProposalRecord], teller: Teller) -> Iterator[Argument]:
    """Yield what the agent sent, whatever a reviewer made of it."""
    asked = before[-1].proposal if before else proposal
    if asked.undoes is None:
        yield from (teller.argument(name, value) for name, value in asked.arguments.items())


def questions(records: Iterable[ProposalRecord], operators: Mapping[str, Operator], teller: Teller) -> Iterator[Talk]:
    """Yield what was asked and answered about these proposals."""
    for record in records:
        for exchange in record.exchanges:
            over = record.status is not Status.REVIEW_REQUIRED
            yield _question(exchange, record.proposal, operators, teller, over=over)


def _question(
    exchange: Exchange, proposal: Proposal, operators: Mapping[str, Operator], teller: Teller, *, over: bool
) -> Talk:
    question, answer = exchange.asked.question, exchange.answer
    return Talk(
        id=teller.text(question.id),
        by=teller.text(question.operator),
        at=teller.moment(question.at),
        text=teller.text(question.text),
        doubt=_doubt(exchange, proposal, operators),
        answer=teller.text(answer.text) if answer is not None else None,
        answered=teller.moment(answer.at) if answer is not None else None,
        over=over,
    )


def _doubt(exchange: Exchange, proposal: Proposal, operators: Mapping[str, Operator]) -> Text | None:
    asked = exchange.asked
    if not spoken_by(asked.question, asked.signature, asked.login, operators):
        return Text(f"nothing proves that {visible(asked.question.operator)} asked it")
    if (asked.question.proposal, asked.question.digest) != (proposal.id, proposal.digest):
        return Text("it is about another proposal")
    return None


def _edited(name: str, before: Mapping[str, Any], after: Mapping[str, Any], teller: Teller) -> Edited:
    def told(arguments: Mapping[str, Any]) -> Argument | None:
        return teller.argument(name, arguments[name]) if name in arguments else None

    return Edited(name=teller.text(name), before=told(before), after=told(after))
