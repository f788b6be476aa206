"""What stands beside a proposal on its card: its group, its quorum, its policy's verdict, and what undoes it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from synapsor.approve.card.beside_view import Beside, BesideRow, Group, Rival, Rivals
from synapsor.approve.card.cells import Value
from synapsor.approve.card.teller import Teller
from synapsor.approve.card.terms import Terms
from synapsor.approve.card.undo_view import Undoable, UndoneBy
from synapsor.approve.card.view import PolicyLimit, PolicyVerdict, Quorum
from synapsor.core.group import missing
from synapsor.core.moment import stamp
from synapsor.core.policy import deferral_words
from synapsor.core.proposal import Member, Proposal, Status, as_of
from synapsor.core.quorum import counted
from synapsor.core.rivals import contested, in_common
from synapsor.core.statements import Operator, SignedDecision
from synapsor.core.undo import why_unreceipted
from synapsor.ports import ProposalRecord
from synapsor.values import ColumnType, Token

RIVALS: Final = 10
"""Open proposals about the same rows that a card tells."""

OPEN = (Status.REVIEW_REQUIRED, Status.APPROVED)


def group(record: ProposalRecord, operators: Mapping[str, Operator], teller: Teller) -> Group | None:
    """Return what stands or falls with the proposal, and how far each of it has come."""
    if record.proposal.group_id is None:
        return None
    return Group(
        others=tuple(_beside(other, operators, teller) for other in record.group),
        missing=tuple(teller.text(n) for n in missing(record.proposal, [o.proposal for o in record.group])),
    )


def rivals(record: ProposalRecord, others: Sequence[ProposalRecord], teller: Teller) -> Rivals:
    """Return the other open proposals about the same rows; one more than are told says that there are more."""
    return Rivals(told=tuple(_rival(record.proposal, o, teller) for o in others[:RIVALS]), more=len(others) > RIVALS)


def quorum(proposal: Proposal, approvals: Sequence[SignedDecision], teller: Teller) -> Quorum:
    """Return who has to decide and who has; `approvals` are those that count now."""
    return Quorum(
        role=teller.text(proposal.role),
        have=len(approvals),
        need=proposal.quorum,
        by=tuple(teller.text(signed.decision.operator) for signed in approvals),
        not_by=teller.text(proposal.principal),
        with_code=proposal.step_up,
    )


def policy(record: ProposalRecord, terms: Terms, teller: Teller) -> PolicyVerdict | None:
    """Return what the policy that it names has said of it, from what is recorded."""
    if not record.proposal.policy:
        return None
    verdict = PolicyVerdict(
        name=teller.text(record.proposal.policy),
        verdict="open",
        approves=teller.reviewed(terms.policy) if terms.policy else None,
    )
    if any(signed.decision.policy for signed in record.decisions):
        return replace(verdict, verdict="approved")
    deferrals = [event["facts"] for event in record.events if event["kind"] == "policy_deferred"]
    if not deferrals:
        return verdict
    last = deferrals[-1]
    return replace(
        verdict,
        verdict="deferred",
        why=teller.text(str(last["why"])),
        words=teller.text(deferral_words(last)),
        limit=_limit(last, teller) if last["why"] == "limit" else None,
    )


def _limit(facts: Mapping[str, Any], teller: Teller) -> PolicyLimit:
    what = str(facts["what"])
    kind = teller.kinds.get(what, ColumnType.INTEGER.value)  # what is no column is a number of proposals
    teller = teller.beside(((what, kind),), units=teller.units)
    return PolicyLimit(
        what=teller.text(what),
        of=teller.text(str(facts["of"])),
        observed=teller.value(what, facts["observed"]),
        proposed=teller.value(what, facts["proposed"]),
        most=teller.value(what, facts["limit"]),
    )


def undone_by(undos: Sequence[ProposalRecord], now: dt.datetime, teller: Teller) -> Iterator[UndoneBy]:
    """Yield the proposals that would undo it, or did."""
    for undo in undos:
        status = as_of(stamp(now), undo.status, undo.proposal)
        yield UndoneBy(proposal=teller.text(undo.proposal.id), status=status.value, stands=status.stands)


def undoable(
    record: ProposalRecord, undos: Sequence[ProposalRecord], terms: Terms, now: dt.datetime, teller: Teller
) -> Undoable | None:
    """Return whether it can be undone; None where nothing was or will be applied, or where an undo of it stands."""
    status = as_of(stamp(now), record.status, record.proposal)
    stands = (*OPEN, Status.APPLIED)
    undone = any(as_of(stamp(now), undo.status, undo.proposal) in stands for undo in undos)
    if terms.final is None or status not in stands or undone:
        return None
    why = terms.final or why_unreceipted(record)
    return Undoable(can=not why, once_applied=status in OPEN, why=teller.reviewed(why) if why else None)


def _rival(proposal: Proposal, record: ProposalRecord, teller: Teller) -> Rival:
    other = record.proposal
    status = as_of(stamp(teller.now), record.status, other)
    return Rival(
        proposal=teller.text(other.id),
        capability=teller.text(other.capability),
        status=status.value,
        stands=status.stands,
        by=teller.text(other.principal),
        at=teller.moment(other.at),
        expires=teller.moment(other.expires_at),
        keys=tuple(teller.key(member) for member in in_common(proposal, other)),
        columns=tuple(teller.text(name) for name in contested(proposal, other)),
        removes=other.deletes,
    )


def _beside(record: ProposalRecord, operators: Mapping[str, Operator], teller: Teller) -> Beside:
    """Return how far another proposal of the group has come; it is decided on by itself, on its own card."""
    proposal, now = record.proposal, stamp(teller.now)
    have = len(counted(record.decisions, proposal, operators, ledger=proposal.ledger, now=now))
    other = teller.beside(proposal.columns)
    return Beside(
        proposal=teller.text(proposal.id),
        capability=teller.text(proposal.capability),
        status=as_of(now, record.status, proposal).value,
        have=have,
        need=proposal.quorum,
        rows=tuple(_beside_row(proposal, member, other) for member in proposal.members),
    )


def _beside_row(proposal: Proposal, member: Member, teller: Teller) -> BesideRow:
    """Return what another proposal of the group does to a row, in short; its own card tells it in full."""

    def side(name: str, token: Token) -> Value:
        return teller.hidden(name) if name in proposal.hidden else teller.value(name, token)

    return BesideRow(
        key=tuple(teller.field(name, side(name, token)) for name, token in member.key),
        removed=proposal.deletes,
        changes=tuple(
            (teller.text(name), side(name, member.before.get(name)), side(name, after))
            for name, after in member.changes.items()
        ),
    )
