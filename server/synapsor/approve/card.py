"""The review card: all that a decision is about, as data.

It is made from the digest-covered proposal itself and never from a summary; the agent's own words come last and are marked. A card
that had to cut something says so, and nobody approves what they have not seen in full.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from synapsor.approve import beside
from synapsor.approve.decided import attempts, decisions, ends, waits_for
from synapsor.approve.rows import action_of, row_of, totals
from synapsor.approve.teller import Teller
from synapsor.approve.terms import Terms
from synapsor.approve.view import Asked, Card, Evidence, Proof, Rivals, Target, Undoes
from synapsor.core.moment import stamp
from synapsor.core.presenter import covered
from synapsor.core.proposal import Proposal, Status, as_of
from synapsor.core.quorum import counted
from synapsor.core.statements import Operator
from synapsor.ports import ProposalRecord
from synapsor.values import digest


def card(
    record: ProposalRecord,
    *,
    evidence: Mapping[str, Any] | None,
    terms: Terms,
    now: dt.datetime,
    full: bool = False,
    operators: Mapping[str, Operator] = MappingProxyType({}),
    unproven: Collection[str] = (),
    whole: Proposal | None = None,
    undos: Sequence[ProposalRecord] = (),
) -> Card:
    """Return the card of a proposal as it stands; `terms` are those of the contract that it was made under.

    Approvals count as far as `operators` trusts them; `unproven` are handles of earlier evidence that is not what the proposal names.
    `undos` are the proposals that would undo it, or did. `whole` is the proposal with its hidden values, for who decides; of a column that it does not change they stay covered.
    """
    signed, proposal = record.proposal, _uncovered(record.proposal, whole)
    hidden = frozenset(signed.hidden) - (frozenset(signed.changed) if whole else frozenset())
    teller, aside = (Teller(proposal, now=now, full=full, units=terms.units, covered=hidden) for _ in range(2))
    status = as_of(stamp(now), record.status, signed)
    approvals = counted(record.decisions, signed, operators, ledger=signed.ledger, now=stamp(now))
    rows = (
        row_of(proposal, member, number, terms=terms, teller=teller, aside=aside)
        for number, member in enumerate(proposal.members, 1)
    )
    # Both are recorded in one transaction, so evidence that is not there was taken away.
    tampered = evidence is None or digest("evidence", evidence) != signed.evidence_digest or bool(unproven)
    return Card(
        made=stamp(now),
        full=full,
        proposal=signed.id,
        handle=teller.text(signed.id),
        digest=signed.digest,
        status=status.value,
        stands=status.stands,
        tampered=tampered,
        warnings=tuple(_warnings(record, evidence, terms, now, tampered=tampered)),
        asked=_asked(signed, teller),
        expires=teller.moment(signed.expires_at),
        lapsed=signed.lapsed(stamp(now)),
        target=_target(proposal, teller),
        rows=tuple(rows),
        totals=tuple(totals(proposal, terms, teller)),
        rests_on=tuple(_rests_on(signed, evidence, unproven, teller)),
        risk=teller.text(signed.risk),
        quorum=beside.quorum(signed, approvals, teller),
        policy=beside.policy(record, teller),
        group=beside.group(record, operators, teller),
        rivals=Rivals(),
        decided=tuple(decisions(record, operators, aside)),
        attempts=tuple(attempts(record, aside)),
        waits_for=waits_for(record),
        ends=tuple(ends(record, aside)),
        undoes=_undoes(signed, teller),
        undone_by=tuple(beside.undone_by(undos, now, teller)),
        undo=beside.undoable(record, undos, terms, now, teller),
        sent=() if signed.undoes else tuple(teller.argument(n, value) for n, value in signed.arguments.items()),
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


def _rests_on(
    proposal: Proposal, evidence: Mapping[str, Any] | None, unproven: Collection[str], teller: Teller
) -> Iterator[Evidence]:
    is_it = evidence is not None and digest("evidence", evidence) == proposal.evidence_digest
    yield Evidence(
        handle=teller.text(proposal.evidence),
        own=True,
        proof="missing" if evidence is None else "proven" if is_it else "altered",
        capability=teller.text(proposal.capability),
        at=teller.moment(str(evidence["at"])) if evidence else None,
    )
    for capability, handle, _ in proposal.rests_on:
        proof: Proof = "altered" if handle in unproven else "proven"
        yield Evidence(handle=teller.text(handle), own=False, proof=proof, capability=teller.text(capability), at=None)


def _undoes(proposal: Proposal, teller: Teller) -> Undoes | None:
    undone = proposal.undoes
    return Undoes(proposal=teller.text(undone.proposal), reason=teller.text(undone.reason)) if undone else None


def _warnings(
    record: ProposalRecord, evidence: Mapping[str, Any] | None, terms: Terms, now: dt.datetime, *, tampered: bool
) -> Iterator[str]:
    if tampered and evidence is not None:
        yield "the evidence is not what the proposal was made from; do not decide, run `synapsor verify`"
    if evidence is None:
        yield "the evidence is not in this ledger; do not decide, run `synapsor verify`"
    if record.status is not Status.REVIEW_REQUIRED:
        yield f"nothing is left to decide: the proposal {record.status.stands}"
    elif as_of(stamp(now), record.status, record.proposal) is Status.EXPIRED:
        yield "the proposal has expired"
    if terms.refusal and record.status in beside.OPEN:
        yield f"the worker would not apply it: {terms.refusal.meaning}"
