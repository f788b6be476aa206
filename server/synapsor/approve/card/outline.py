"""What a list tells of a proposal beside its rows, whichever list it is: how it stands, whose it is, and what is still open about it.

A terminal and a browser draw it in their own manner; what they tell is settled here, so that nobody learns less by where they look.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from synapsor.core.exchange import open_questions
from synapsor.core.group import missing
from synapsor.core.moment import stamp
from synapsor.core.plain import shown, visible
from synapsor.core.proposal import AmendKind, Proposal, Status, as_of
from synapsor.core.quorum import counted
from synapsor.core.statements import Operator, SignedDecision
from synapsor.core.words import many
from synapsor.flow.permitted import is_behind
from synapsor.ports import ProposalRecord, ReviewLedger

AMENDED: Final[Mapping[AmendKind, str]] = {"edit": "edited", "extend": "given more time"}
"""What a reviewer made of a proposal, in words."""

WITH_CODE: Final = "with a one-time code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What every list tells of a proposal; each text in it is harmless.

    Attributes:
        status: as it is now, whatever is recorded.
        approvals: those that count now, of `need`.
        origin: whose place it takes and by whom, or what it takes back; "" where the agent asked for it as it is.
        asked: what was asked about it and is not answered yet; "" where nothing was.
        replaced: its contract has another active version by now.
        step_up: an approval takes a one-time code.
        group, lacks: what it stands or falls with, and what of that is not there yet.
    """

    status: Status
    approvals: tuple[SignedDecision, ...]
    need: int
    origin: str
    questions: int
    unanswered: int
    replaced: bool
    step_up: bool
    group: tuple[str, ...]
    lacks: tuple[str, ...]

    @property
    def have(self) -> int:
        """How many approvals count now."""
        return len(self.approvals)

    @property
    def waits(self) -> bool:
        """Whether there is anything left to decide."""
        return self.status is Status.REVIEW_REQUIRED

    @property
    def asked(self) -> str:
        """What was asked about it, and whether it was answered."""
        if not self.questions:
            return ""
        left = f"{self.unanswered} not answered" if self.unanswered else "all answered"
        return f"{many(self.questions, 'question')} asked about it, {left}"


def outline(
    record: ProposalRecord, *, now: dt.datetime, operators: Mapping[str, Operator], replaced: Collection[str] = ()
) -> Outline:
    """Return what a list tells of a proposal. Approvals count as far as `operators` trusts who gave them; `replaced` are handles."""
    proposal = record.proposal
    others = [other.proposal for other in record.group]
    return Outline(
        status=as_of(stamp(now), record.status, proposal),
        approvals=counted(record.decisions, proposal, operators, ledger=proposal.ledger, now=stamp(now)),
        need=proposal.quorum,
        origin=origin_of(proposal),
        questions=len(record.exchanges),
        unanswered=len(open_questions(record.exchanges)),
        replaced=proposal.id in replaced,
        step_up=proposal.step_up,
        group=tuple(other.id for other in others),
        lacks=missing(proposal, others),
    )


async def behind(ledger: ReviewLedger, records: Sequence[ProposalRecord]) -> frozenset[str]:
    """Return the handles of those in review whose contract has another active version by now; nobody can approve them."""
    waits = [r.proposal for r in records if r.status is Status.REVIEW_REQUIRED]
    newest = {p.contract: p for p in waits}
    replaced = {digest for digest, proposal in newest.items() if await is_behind(proposal, ledger)}
    return frozenset(p.id for p in waits if p.contract in replaced)


def replaced_words(proposal: Proposal) -> str:
    """Return what to do with a proposal whose contract has another active version by now; an undo is not extended."""
    again = (
        "and ask for the undo again"
        if proposal.undoes
        else "have it proposed again, or extend it under the new contract"
    )
    return f"cannot be approved: its contract was replaced since. Reject it, {again}"


def origin_of(proposal: Proposal) -> str:
    """Return whose place a proposal takes and by whom, or what it takes back; "" where the agent asked for it as it is."""
    if proposal.amends is not None:
        return f"{AMENDED[proposal.amends.kind]} by {shown(proposal.amends.operator).text}"
    return f"undo of {visible(proposal.undoes.proposal)}" if proposal.undoes else ""
