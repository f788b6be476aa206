"""The review card: all that a decision is about, as data.

It is made from the digest-covered proposal itself and never from a summary; the agent's own words come last and are marked. A card
that had to cut something says so, and nobody approves what they have not seen in full.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from synapsor.approve.card import amended, beside
from synapsor.approve.card.cells import Row
from synapsor.approve.card.decided import attempts, decisions, ends, held, steered, waits_for
from synapsor.approve.card.extent import BRIEFLY, IN_FULL, Extent
from synapsor.approve.card.read import ALSO, Copies, Read, all_told, named, others
from synapsor.approve.card.rows import action_of, row_of, totals
from synapsor.approve.card.shadowed import shadow_of
from synapsor.approve.card.teller import Teller
from synapsor.approve.card.terms import Terms
from synapsor.approve.card.undo_view import Undoes
from synapsor.approve.card.view import Asked, Card, Target
from synapsor.core.moment import stamp
from synapsor.core.plain import CUT_AT, visible
from synapsor.core.presenter import covered
from synapsor.core.proposal import Proposal, Status, as_of
from synapsor.core.quorum import counted
from synapsor.core.statements import Operator
from synapsor.core.words import many
from synapsor.ports import ProposalRecord

_UNREADABLE: Final = 5
"""How many records that cannot be read a card names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What the ledger holds of a proposal: all that its card is made of.

    Attributes:
        operators: who is trusted now; approvals count as far as they are.
        terms: those of the contract that it was made under.
        evidence: what the record of its own evidence is, None where it is gone.
        read: what the ledger holds of the earlier evidence that the proposal names, by handle.
        also: what was read in the same run, newest first.
        undos: the proposals that would undo it, or did.
        rivals: other open ones about its rows.
        before: those whose place it takes, the last one first.
        receiptless: the sources that keep no receipts.
    """

    record: ProposalRecord
    operators: Mapping[str, Operator]
    now: dt.datetime
    terms: Terms
    evidence: Mapping[str, Any] | None
    read: Mapping[str, Mapping[str, Any] | None]
    also: Sequence[Mapping[str, Any]]
    undos: Sequence[ProposalRecord]
    rivals: Sequence[ProposalRecord]
    before: Sequence[ProposalRecord]
    receiptless: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """How the words of one card are told: of what is decided on, of what is asked beside it, and of the rest."""

    teller: Teller
    aside: Teller
    beyond: Teller
    extent: Extent


def made(
    found: Gathered, *, full: bool = False, beside_it: Extent | None = None, whole: Proposal | None = None
) -> Card:
    """Return the card of a proposal as it stands.

    `full` cuts nothing that is decided on, and `beside_it` is how much is told of the rest, where that is not the same. `whole` is the
    proposal with its hidden values, for who decides; of a column that it does not change they stay covered.
    """
    record, terms, now = found.record, found.terms, found.now
    signed, proposal = record.proposal, _uncovered(record.proposal, whole)
    reading = _reading(found, full=full, extent=beside_it or (IN_FULL if full else BRIEFLY), whole=whole)
    teller, aside, beyond = reading.teller, reading.aside, reading.beyond
    status = as_of(stamp(now), record.status, signed)
    reads, also_read = named(signed, found.evidence, found.read), others(signed, found.also)
    evidence_told = all_told((*reads, *also_read[:ALSO]), beyond, terms.units, reading.extent)
    approvals = counted(record.decisions, signed, found.operators, ledger=signed.ledger, now=stamp(now))
    # Both are recorded in one transaction, so evidence that is not there was taken away.
    unproven = any(one.proof != "proven" for one in reads)
    return Card(
        made=stamp(now),
        full=full,
        proposal=signed.id,
        handle=teller.text(signed.id),
        digest=record.shown,
        status=status.value,
        stands=status.stands,
        tampered=unproven or record.differs,
        warnings=tuple(_warnings(found, unproven=unproven)),
        asked=_asked(signed, teller),
        expires=teller.moment(signed.expires_at),
        lapsed=signed.lapsed(stamp(now)),
        target=_target(proposal, found.receiptless, teller),
        rows=_rows(proposal, terms, reading, (*reads, *also_read[:ALSO])),
        totals=tuple(totals(proposal, terms, teller)),
        rests_on=evidence_told[: len(reads)],
        also_read=evidence_told[len(reads) :],
        also_more=len(also_read) > ALSO,
        risk=teller.text(signed.risk),
        risk_because=teller.reviewed(terms.risk) if terms.risk else None,
        quorum=beside.quorum(signed, approvals, teller),
        policy=beside.policy(record, terms, teller),
        group=beside.group(record, found.operators, teller),
        rivals=beside.rivals(record, found.rivals, beyond),
        decided=tuple(decisions(record, found.operators, aside)),
        attempts=tuple(attempts(record, aside)),
        waits_for=waits_for(record),
        steered=steered(record),
        held=held(record),
        ends=tuple(ends(record, aside)),
        undoes=_undoes(signed, teller),
        undone_by=tuple(beside.undone_by(found.undos, now, teller)),
        undo=beside.undoable(record, found.undos, terms, now, teller),
        amends=amended.amends(signed, found.before, teller),
        sent=tuple(amended.sent(signed, found.before, teller)),
        questions=tuple(amended.questions((*reversed(found.before), record), found.operators, teller)),
        shadow=shadow_of(record, teller),
        whole=teller.whole,  # the last: all that could be cut has been told
    )


def _reading(found: Gathered, *, full: bool, extent: Extent, whole: Proposal | None) -> _Reading:
    """Return how a card is told; what is hidden stays covered, but for what changes, where somebody looks behind it."""
    signed = found.record.proposal
    hidden = frozenset(signed.hidden) - (frozenset(signed.changed) if whole else frozenset())
    own = None if full else CUT_AT
    teller, aside, beyond = (
        Teller(signed.columns, now=found.now, most=most, units=found.terms.units, covered=hidden)
        for most in (own, own, extent.text)
    )
    return _Reading(teller=teller, aside=aside, beyond=beyond, extent=extent)


def _rows(proposal: Proposal, terms: Terms, reading: _Reading, reads: Sequence[Read]) -> tuple[Row, ...]:
    copies = Copies(reads, reading.aside, most=reading.extent.compared)
    return tuple(
        row_of(proposal, member, number, terms=terms, teller=reading.teller, aside=reading.aside, copies=copies)
        for number, member in enumerate(proposal.members, 1)
    )


def _uncovered(proposal: Proposal, whole: Proposal | None) -> Proposal:
    seen = covered(proposal)
    if whole is None:
        return seen
    members = tuple(
        replace(member, before={**member.before, **{n: open_.before[n] for n in open_.hidden if n in open_.changes}})
        for member, open_ in zip(seen.members, whole.members, strict=True)
    )
    return replace(seen, members=members)


def _asked(proposal: Proposal, teller: Teller) -> Asked:
    return Asked(
        by=teller.text(proposal.principal),
        client=teller.text(proposal.client),
        at=teller.moment(proposal.at),
        capability=teller.text(proposal.capability),
        contract=teller.text(proposal.contract),
        workflow=teller.perhaps(proposal.workflow),
        run=teller.perhaps(proposal.run),
        reason_code=None if proposal.reason_code is None else teller.text(proposal.reason_code),
    )


def _target(proposal: Proposal, receiptless: Collection[str], teller: Teller) -> Target:
    tenant = proposal.tenant_column
    return Target(
        source=teller.text(proposal.source),
        relation=teller.text(proposal.relation),
        operation=teller.text(proposal.operation),
        action=action_of(proposal),
        tenant=teller.field(tenant, teller.value(tenant, proposal.tenant)) if tenant else None,
        tenant_in_key=all(tenant in dict(member.key) for member in proposal.members),
        advances=teller.perhaps(proposal.advances),
        moves=tuple(teller.text(name) for name in proposal.moves),
        executor=teller.perhaps(proposal.executor),
        receiptless=proposal.executor is None and proposal.source in receiptless,
    )


def _undoes(proposal: Proposal, teller: Teller) -> Undoes | None:
    undone = proposal.undoes
    return Undoes(proposal=teller.text(undone.proposal), reason=teller.text(undone.reason)) if undone else None


def _warnings(found: Gathered, *, unproven: bool) -> Iterator[str]:
    record, evidence, terms, now = found.record, found.evidence, found.terms, found.now
    if record.differs:
        yield "the ledger's own records contradict each other about it; do not decide, run `synapsor verify`"
    if unproven and evidence is not None:
        yield "the evidence is not what the proposal was made from; it is not approved, and can be rejected; run `synapsor verify`"
    if evidence is None:
        yield "the evidence is not in this ledger; it is not approved, and can be rejected; run `synapsor verify`"
    if record.unreadable:
        beside_it = ", ".join(visible(name) for name in record.unreadable[:_UNREADABLE])
        many_ = many(len(record.unreadable), "record beside it is", "records beside it are")
        yield f"{many_} none of ours, and counted as nothing: {beside_it}; run `synapsor verify`"
    if as_of(stamp(now), record.status, record.proposal) is Status.EXPIRED:
        yield "the proposal has expired"
    if terms.refusal and record.status in beside.OPEN:
        yield f"the worker would not apply it: {terms.refusal.meaning}"
    if found.rivals and record.status in beside.OPEN:
        yield "another open proposal is about the same row; the one that is applied first may leave the other in a conflict"
