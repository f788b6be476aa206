"""The review card: all that a decision is about, as data.

It is made from the digest-covered proposal itself and never from a summary; the agent's own words come last and are marked. A card
that had to cut something says so, and nobody approves what they have not seen in full.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from synapsor.approve.card import amended, beside
from synapsor.approve.card.decided import attempts, decisions, ends, waits_for
from synapsor.approve.card.extent import BRIEFLY, IN_FULL, Extent
from synapsor.approve.card.read import ALSO, Copies, all_told, named, others
from synapsor.approve.card.rows import action_of, row_of, totals
from synapsor.approve.card.teller import Teller
from synapsor.approve.card.terms import Terms
from synapsor.approve.card.view import Asked, Card, Target, Undoes
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


def card(
    record: ProposalRecord,
    *,
    evidence: Mapping[str, Any] | None,
    terms: Terms,
    now: dt.datetime,
    full: bool = False,
    beside_it: Extent | None = None,
    operators: Mapping[str, Operator] = MappingProxyType({}),
    read: Mapping[str, Mapping[str, Any] | None] = MappingProxyType({}),
    also: Sequence[Mapping[str, Any]] = (),
    whole: Proposal | None = None,
    undos: Sequence[ProposalRecord] = (),
    rivals: Sequence[ProposalRecord] = (),
    before: Sequence[ProposalRecord] = (),
) -> Card:
    """Return the card of a proposal as it stands; `terms` are those of the contract that it was made under.

    Approvals count as far as `operators` trusts them. `read` is what the ledger holds of the earlier evidence that the proposal names, by
    handle, and `also` what was read in the same run, newest first. `undos` are the proposals that would undo it, or did, `rivals` other
    open ones about its rows, and `before` those whose place it takes, the last one first. `full` cuts nothing that is decided on, and
    `beside_it` is how much is told of the rest, where that is not the same. `whole` is the proposal with its hidden values, for who decides; of a column that it does not change they
    stay covered.
    """
    signed, proposal = record.proposal, _uncovered(record.proposal, whole)
    hidden = frozenset(signed.hidden) - (frozenset(signed.changed) if whole else frozenset())
    extent = beside_it or (IN_FULL if full else BRIEFLY)
    own = None if full else CUT_AT
    teller, aside, beyond = (
        Teller(proposal.columns, now=now, most=most, units=terms.units, covered=hidden)
        for most in (own, own, extent.text)
    )
    status = as_of(stamp(now), record.status, signed)
    reads, also_read = named(signed, evidence, read), others(signed, also)
    copies = Copies((*reads, *also_read[:ALSO]), aside, most=extent.compared)
    evidence_told = all_told((*reads, *also_read[:ALSO]), beyond, terms.units, extent)
    approvals = counted(record.decisions, signed, operators, ledger=signed.ledger, now=stamp(now))
    rows = (
        row_of(proposal, member, number, terms=terms, teller=teller, aside=aside, copies=copies)
        for number, member in enumerate(proposal.members, 1)
    )
    # Both are recorded in one transaction, so evidence that is not there was taken away.
    unproven = any(one.proof != "proven" for one in reads)
    return Card(
        made=stamp(now),
        full=full,
        proposal=signed.id,
        handle=teller.text(signed.id),
        digest=signed.digest,
        status=status.value,
        stands=status.stands,
        tampered=unproven or record.differs,
        warnings=tuple(_warnings(record, evidence, terms, now, unproven=unproven, rivals=rivals)),
        asked=_asked(signed, teller),
        expires=teller.moment(signed.expires_at),
        lapsed=signed.lapsed(stamp(now)),
        target=_target(proposal, teller),
        rows=tuple(rows),
        totals=tuple(totals(proposal, terms, teller)),
        rests_on=evidence_told[: len(reads)],
        also_read=evidence_told[len(reads) :],
        also_more=len(also_read) > ALSO,
        risk=teller.text(signed.risk),
        risk_because=teller.reviewed(terms.risk) if terms.risk else None,
        quorum=beside.quorum(signed, approvals, teller),
        policy=beside.policy(record, terms, teller),
        group=beside.group(record, operators, teller),
        rivals=beside.rivals(record, rivals, beyond),
        decided=tuple(decisions(record, operators, aside)),
        attempts=tuple(attempts(record, aside)),
        waits_for=waits_for(record),
        ends=tuple(ends(record, aside)),
        undoes=_undoes(signed, teller),
        undone_by=tuple(beside.undone_by(undos, now, teller)),
        undo=beside.undoable(record, undos, terms, now, teller),
        amends=amended.amends(signed, before, teller),
        sent=tuple(amended.sent(signed, before, teller)),
        questions=tuple(amended.questions((*reversed(before), record), operators, teller)),
        whole=teller.whole,  # the last: all that could be cut has been told
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


def _target(proposal: Proposal, teller: Teller) -> Target:
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
    )


def _undoes(proposal: Proposal, teller: Teller) -> Undoes | None:
    undone = proposal.undoes
    return Undoes(proposal=teller.text(undone.proposal), reason=teller.text(undone.reason)) if undone else None


def _warnings(
    record: ProposalRecord,
    evidence: Mapping[str, Any] | None,
    terms: Terms,
    now: dt.datetime,
    *,
    unproven: bool,
    rivals: Sequence[ProposalRecord],
) -> Iterator[str]:
    if record.differs:
        yield "the ledger's own records contradict each other about it; do not decide, run `synapsor verify`"
    if unproven and evidence is not None:
        yield "the evidence is not what the proposal was made from; it is not approved, and can be rejected; run `synapsor verify`"
    if evidence is None:
        yield "the evidence is not in this ledger; it is not approved, and can be rejected; run `synapsor verify`"
    if record.unreadable:
        named_ = ", ".join(visible(name) for name in record.unreadable[:_UNREADABLE])
        found = many(len(record.unreadable), "record beside it is", "records beside it are")
        yield f"{found} none of ours, and counted as nothing: {named_}; run `synapsor verify`"
    if as_of(stamp(now), record.status, record.proposal) is Status.EXPIRED:
        yield "the proposal has expired"
    if terms.refusal and record.status in beside.OPEN:
        yield f"the worker would not apply it: {terms.refusal.meaning}"
    if rivals and record.status in beside.OPEN:
        yield "another open proposal is about the same row; the one that is applied first may leave the other in a conflict"
