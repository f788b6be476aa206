"""Put a proposal in the place of another one: with other arguments, or with more time; the change is made anew from the rows as they are.

It runs in an operator's process and in no other. What it files is a proposal with a digest of its own, which other people than the
editor decide on, and never a policy; the one whose place it takes is superseded with it. The source is only read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from synapsor import handles
from synapsor.contract.capability import ProposeCapability
from synapsor.core.amend import MOST_DEPTH, amendment_of, depth_of, edited, editors_after, same_rows
from synapsor.core.authority import table_for
from synapsor.core.change import Request, require
from synapsor.core.deciding import need_of_people, reason_of
from synapsor.core.hidden import Keeper
from synapsor.core.outcome import Why
from synapsor.core.presenter import opened
from synapsor.core.proposal import Amended, AmendKind, Proposal
from synapsor.core.quorum import check_clock
from synapsor.core.review import may_amend
from synapsor.core.scope import Scope
from synapsor.core.statements import Operator
from synapsor.errors import DecisionRefused, IntegrityError, Refusal
from synapsor.flow.acting import Acting, Verb, acting_on, check_waits
from synapsor.flow.filing import Filing
from synapsor.flow.permitted import contract_behind
from synapsor.flow.propose import changed, proposal_of
from synapsor.flow.read import audit_of, bundle_of
from synapsor.flow.reason import check_reason
from synapsor.ports import ProposalRecord, ReviewLedger
from synapsor.refusals import Rule


def _check_amendable(record: ProposalRecord, *, kind: AmendKind) -> None:
    """Refuse what needs no look at the contract: whatever is decided, and what is not amended by itself."""
    check_waits(record)
    proposal = record.proposal
    if proposal.undoes is not None:
        raise DecisionRefused(
            Rule.NOT_AMENDABLE, detail="It undoes a change exactly.", fix="Reject it, and ask for the undo again."
        )
    if proposal.group_of:
        told = "It stands or falls with others of its run."
        raise DecisionRefused(Rule.NOT_AMENDABLE, detail=told, fix="Reject it, and have all of them proposed again.")
    if kind == "edit" and proposal.deletes:
        raise DecisionRefused(Rule.NOTHING_TO_EDIT)
    if depth_of(proposal) >= MOST_DEPTH:
        raise DecisionRefused(Rule.AMENDED_TOO_OFTEN)


AMENDING: Final[Mapping[AmendKind, Verb]] = {
    "edit": Verb(is_open=partial(_check_amendable, kind="edit"), may=may_amend),
    "extend": Verb(is_open=partial(_check_amendable, kind="extend"), may=may_amend),
}
"""Editing and extending a proposal."""


async def edit(ledger: ReviewLedger, amending: Filing, values: Mapping[str, Any]) -> ProposalRecord:
    """File the proposal with other values of some arguments, and return it as it stands: to be decided on by somebody else.

    Raises:
        DecisionRefused: it cannot be edited so, by a rule of `refusals.AMENDING`; or this operator may not edit it.
        UsageError: there is no reason.
        Refusal: the arguments are not what the capability takes, or the change would not be inside of its bounds.
        IntegrityError: the proposal is not what the ledger has.
    """
    return await _amend(ledger, amending, "edit", {**amending.record.proposal.arguments, **values})


async def extend(ledger: ReviewLedger, amending: Filing) -> ProposalRecord:
    """File the proposal anew with the same arguments, and as much time as any has.

    Raises:
        DecisionRefused, UsageError, Refusal, IntegrityError: as for `edit`.
    """
    return await _amend(ledger, amending, "extend", dict(amending.record.proposal.arguments))


async def _amend(ledger: ReviewLedger, amending: Filing, kind: AmendKind, arguments: dict[str, Any]) -> ProposalRecord:
    check_reason(kind, amending.reason)
    async with acting_on(ledger, amending.record, amending.acting, AMENDING[kind], shown=amending.shown) as current:
        return await _filed(ledger, replace(amending, record=current), kind, arguments)


async def _filed(ledger: ReviewLedger, amending: Filing, kind: AmendKind, arguments: dict[str, Any]) -> ProposalRecord:
    original, served = amending.record.proposal, amending.served
    if served.refusal is not None:
        raise Refusal(served.refusal)
    checked = served.check.check(arguments)
    made, evidence, audit = await _made_anew(ledger, amending, checked)
    if kind == "edit" and not edited(made, original):
        raise DecisionRefused(Rule.NOTHING_EDITED)
    if not same_rows(made, original):
        raise DecisionRefused(Rule.OTHER_ROWS)
    amends = Amended(
        kind=kind,
        proposal=original.id,
        digest=original.digest,
        operator=amending.operator.name,
        reason=amending.reason,
        arguments=edited(made, original),
        editors=editors_after(original, amending.operator.name, edits=kind == "edit"),
        depth=depth_of(original) + 1,
        signature="",
    )
    filed = replace(made, amends=amends)
    AMENDING[kind].may(filed, amending.operator, now=filed.at)
    await _check_applicable(ledger, filed, amending.operators())
    return await ledger.amend(_signed(amending, kind, filed, ledger.id), evidence, audit)


async def _made_anew(
    ledger: ReviewLedger, amending: Filing, arguments: dict[str, Any]
) -> tuple[Proposal, dict[str, Any], dict[str, Any]]:
    """Return the change as these arguments make it of the rows as they are now, with its evidence and audit; it stays the requester's."""
    original, served = amending.record.proposal, amending.served
    capability = served.capability
    assert isinstance(capability, ProposeCapability)  # noqa: S101  # only proposals are looked for
    call = amending.call()
    request = Request(
        arguments=arguments,
        tenant=original.tenant,
        principal=original.principal,
        proposal=handles.new("wrp"),
        at=call.at,
    )
    scope = Scope(tenant=original.tenant, principal=original.principal)
    found, change = await changed(served, capability, request, scope)
    require(capability, served.table, served.tables, change.members)
    evidence = bundle_of(handles.evidence_of(call.id), call, found)
    audit = audit_of(call, found.plan, found.count, evidence["id"], served, "proposed")
    made = proposal_of(served, capability, request, call, ledger.id, found.plan, change, evidence)
    own = {name: getattr(original, name) for name in ("client", "workflow", "run", "rests_on")}
    need = need_of_people(capability, made.rows, reason_of(capability, arguments))
    return replace(made, policy=need.policy, **own), evidence, audit


async def _check_applicable(ledger: ReviewLedger, filed: Proposal, operators: Mapping[str, Operator]) -> None:
    """Refuse to sign for what the worker would not apply."""
    contract = await contract_behind(filed, ledger, operators)
    found = contract if isinstance(contract, Why) else table_for(opened(filed, Keeper.of(ledger.secret)), contract)
    if isinstance(found, Why):
        raise DecisionRefused(
            Rule.WOULD_NOT_APPLY,
            f"The worker would not apply it: {found.meaning}",
            fix="Reject it, and have it proposed again.",
        )


def _signed(amending: Filing, kind: AmendKind, filed: Proposal, ledger: str) -> Proposal:
    """Return what is filed, signed by whoever unlocked their key: it may be another one by now, or not trusted any more."""
    original, signer = amending.record.proposal, amending.unlock()
    acting = Acting(who=signer, operators=amending.operators(), now=amending.now)
    operator = acting.check(amending.record, AMENDING[kind], ledger=ledger)
    acting.check_may(filed, AMENDING[kind], operator)
    if signer.name != amending.operator.name:
        raise IntegrityError("It is signed by another person than the one who asks.")
    check_clock(original, (), {}, ledger=ledger, now=filed.at, login=signer.login)
    assert filed.amends is not None  # noqa: S101  # see above
    amends = replace(filed.amends, login=signer.login)
    signature = signer.speak(amendment_of(replace(filed, amends=amends)), acting.operators)
    return replace(filed, amends=replace(amends, signature=signature))
