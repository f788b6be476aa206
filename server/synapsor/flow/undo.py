"""Ask for an applied change to be undone: read its rows as they are now, and file what takes it back for other people to decide on.

It runs in an operator's process and in no other. What it files is a proposal like any other; the source is not touched.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from synapsor import handles
from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Operation
from synapsor.core.deciding import need_of_undo
from synapsor.core.evidence import Call, Kept, Rows, SeenList
from synapsor.core.hidden import Keeper
from synapsor.core.moment import stamp
from synapsor.core.outcome import Why
from synapsor.core.plan import ReadPlan
from synapsor.core.presenter import opened
from synapsor.core.proposal import TRANSITIONS, Member, Proposal, Status, Undone, rows_of, undo_key
from synapsor.core.restore import Parted, restored
from synapsor.core.review import may_undo, undo_of
from synapsor.core.scope import Scope
from synapsor.core.statements import Operator
from synapsor.core.undo import Inverse, depth_of, inverse_of, why_unreceipted
from synapsor.core.writeback import left_by
from synapsor.errors import Code, DecisionRefused, Refusal, SourceFailure
from synapsor.flow.acting import Acting, Verb, acting_on
from synapsor.flow.filing import Filing
from synapsor.flow.prepare import Served
from synapsor.flow.read import Found, audit_of, bundle_of, look
from synapsor.flow.reason import check_reason
from synapsor.flow.rows import row_plan, row_shape
from synapsor.flow.signing import signed_by
from synapsor.ports import ProposalRecord, ReviewLedger
from synapsor.refusals import Rule
from synapsor.values import Token, digest

_STANDING = frozenset({Status.REVIEW_REQUIRED, Status.APPROVED, Status.APPLIED, Status.RECONCILIATION_REQUIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """The rows of the change as they are now, each by its own statement in one transaction."""

    plans: tuple[ReadPlan, ...]
    rows: tuple[Rows, ...]

    @property
    def named(self) -> Iterator[dict[str, Token]]:
        """Each row by its columns."""
        return (dict(zip(seen.columns, seen.rows[0], strict=True)) for seen in self.rows)


def _check_applied(record: ProposalRecord) -> None:
    """Refuse what needs no look at the contract: whatever was not applied, and what no undo restores."""
    if record.status is Status.RECONCILIATION_REQUIRED:
        raise DecisionRefused(Rule.RECONCILIATION_REQUIRED)
    if why_unreceipted(record):
        raise DecisionRefused(Rule.RESOLVED_BY_PERSON)
    if record.status is not Status.APPLIED:
        raise DecisionRefused(Rule.NOT_APPLIED, detail=f"This one {record.status.stands}.")
    if record.proposal.deletes:
        raise DecisionRefused(Rule.HARD_DELETE_RESTORE_UNSAFE)


def _may_undo(proposal: Proposal, operator: Operator, *, now: str) -> None:  # noqa: ARG001  # any person may ask, of any proposal
    may_undo(operator)


UNDOING: Final = Verb(is_open=_check_applied, may=_may_undo)
"""Asking for an applied change to be undone."""


async def undo(ledger: ReviewLedger, asking: Filing) -> ProposalRecord:
    """File what takes back an applied change, and return it as it stands: to be decided on. What is refused is recorded.

    Raises:
        DecisionRefused: it cannot be undone, by a rule of `refusals.UNDOING`; or this operator may not ask for it.
        UsageError: there is no reason.
        Refusal, SourceFailure: the row cannot be read.
        IntegrityError: a hidden value cannot be opened.
    """
    check_reason("undo", asking.reason)
    async with acting_on(ledger, asking.record, asking.acting, UNDOING) as current:
        return await _filed(ledger, replace(asking, record=current))


async def _filed(ledger: ReviewLedger, asking: Filing) -> ProposalRecord:
    served, original = asking.served, opened(asking.record.proposal, Keeper.of(ledger.secret))
    inverse = _inverse(original, served)
    await _check_first(ledger, asking.record.proposal, stamp(asking.now))
    if served.refusal is not None:
        raise Refusal(served.refusal)
    seen = await _look(served, original, inverse)
    members = _restored(asking, inverse, tuple(seen.named))
    call = asking.call()
    evidence = _evidence(served, call, seen, original)
    proposal = _proposal(asking, call, ledger.id, original, inverse, members, evidence)
    record = await ledger.file_proposal(
        proposal, evidence, audit_of(call, seen.plans[0], len(members), evidence["id"], served, "proposed")
    )
    if record.proposal.id != proposal.id:  # somebody else was faster
        raise DecisionRefused(Rule.ALREADY_UNDONE, detail=_standing(record))
    return record


def _inverse(original: Proposal, served: Served) -> Inverse:
    capability = served.capability
    assert isinstance(capability, ProposeCapability)  # noqa: S101  # only proposals are looked for
    # The mapping as it was reviewed, which is what the worker goes by as well.
    found = inverse_of(original, capability, served.tables[served.mappings[0]])
    if found is Why.TOO_DEEP:
        raise DecisionRefused(Rule.TOO_DEEP)
    if isinstance(found, Why):
        raise DecisionRefused(Rule.NOT_REVERSIBLE, detail="" if found is Why.NOT_REVERSIBLE else found.meaning)
    return found


async def _check_first(ledger: ReviewLedger, original: Proposal, now: str) -> None:
    for earlier in await ledger.asked_before(undo_key(original.id, original.digest)):
        if earlier.status is Status.RECONCILIATION_REQUIRED:
            raise DecisionRefused(Rule.RECONCILIATION_REQUIRED)
        lapsed = earlier.status in TRANSITIONS and earlier.proposal.lapsed(now)
        if earlier.status in _STANDING and not lapsed:
            raise DecisionRefused(Rule.ALREADY_UNDONE, detail=_standing(earlier))


def _standing(record: ProposalRecord) -> str:
    return f"{record.proposal.id} {record.status.stands}."


async def _look(served: Served, original: Proposal, inverse: Inverse) -> _Seen:
    """Return the rows as the read credential sees them now, whatever the capability's own filters say of them by now."""
    scope = Scope(tenant=original.tenant, principal=original.owner)
    shape = row_shape(served, served.table.allowed, served.table.key)
    plans = tuple(row_plan(served, shape, member.key, scope) for member in inverse.members)
    limits = served.capability.limits
    try:
        async with served.source.snapshot(time_ms=limits.time_ms) as snapshot:
            return _Seen(plans=plans, rows=tuple([await look(served, plan, snapshot.fetch) for plan in plans]))
    except Refusal as missing:
        if missing.code is Code.NOT_FOUND:
            raise DecisionRefused(Rule.MOVED_ON, detail="A row is not there any more.") from None
        if isinstance(missing.__cause__, SourceFailure):
            raise missing.__cause__ from None
        raise


def _restored(asking: Filing, inverse: Inverse, rows: Sequence[dict[str, Token]]) -> tuple[Member, ...]:
    """Return what takes the change back from the rows as they are now."""
    served = asking.served
    capability = served.capability
    assert isinstance(capability, ProposeCapability)  # noqa: S101  # only proposals are looked for
    members = restored(inverse, rows, capability, served.tables[served.mappings[0]])
    if isinstance(members, Parted):
        raise _parted(members)
    if inverse.operation is Operation.DELETE:
        _check_left(asking.record, inverse, rows)
    return members


def _check_left(record: ProposalRecord, inverse: Inverse, rows: Sequence[dict[str, Token]]) -> None:
    """Refuse to remove a row that is not as it was left: of what the database filled in, only the worker's receipt tells that."""
    # Of an apply whose answer was lost only the source knows; there stands that it was applied, and not how it left the row.
    left = left_by(record.receipts, record.proposal) or ({},) * len(rows)
    for made, row, told in zip(inverse.members, rows, reversed(left), strict=True):
        if moved := [name for name, token in told.items() if row.get(name) != token]:
            raise _parted(Parted(rule=Rule.MOVED_ON, columns=tuple(moved)))
        if set(row) - set(made.before) - set(told):
            raise DecisionRefused(Rule.NOT_RECORDED)


def _parted(parted: Parted) -> DecisionRefused:
    names = ", ".join(parted.columns)
    return DecisionRefused(parted.rule, detail=f"Others have set {names} since." if names else "")


def _evidence(served: Served, call: Call, seen: _Seen, original: Proposal) -> dict[str, Any]:
    """Return the evidence of every row: of the first as of any call, and of the others as lists beside it."""
    scope = Scope(tenant=original.tenant, principal=original.owner)

    def kept(plan: ReadPlan, rows: Rows) -> Kept:
        return served.presenter.kept(plan.shape.described, rows, scope.tenant)

    (plan, rows), *others = zip(seen.plans, seen.rows, strict=True)
    lists = {
        f"row {at}": SeenList(shape=p.shape, plan=p, seen=r, kept=kept(p, r)) for at, (p, r) in enumerate(others, 2)
    }
    found = Found(served=served, scope=scope, plan=plan, seen=rows, lists=lists)
    return bundle_of(handles.evidence_of(call.id), call, found)


def _proposal(
    asking: Filing,
    call: Call,
    ledger: str,
    original: Proposal,
    inverse: Inverse,
    members: tuple[Member, ...],
    evidence: dict[str, Any],
) -> Proposal:
    served, told = asking.served, asking.record.proposal
    capability = served.capability
    assert isinstance(capability, ProposeCapability)  # noqa: S101  # only proposals are looked for
    gone = inverse.operation is Operation.DELETE
    need = need_of_undo(capability, rows_of(members, gone=gone), original.rows, original.reason_code)
    undoes = Undone(
        proposal=told.id,
        digest=told.digest,
        principal=original.owner,
        depth=depth_of(original),
        reason=asking.reason,
        signature="",
    )
    filed = Proposal(
        id=handles.new("wrp"),
        branch=handles.new("rb"),
        at=call.at,
        expires_at=stamp(asking.now + dt.timedelta(hours=need.expires_hours)),
        nonce=secrets.token_hex(16),
        ledger=ledger,
        capability=call.capability,
        contract=served.contract,
        tenant=original.tenant,
        principal=call.principal,
        client=call.client,
        source=original.source,
        relation=original.relation,
        tenant_column=original.tenant_column,
        principal_column=original.principal_column,
        operation=inverse.operation.value,
        members=tuple(served.presenter.sealed(m, original.tenant) for m in members),
        columns=tuple((name, rule.type.value) for name, rule in served.table.allowed.items()),
        guards=inverse.guards,
        advances=inverse.advances,
        moves=original.moves,
        named=served.named,
        arguments={},
        evidence=str(evidence["id"]),
        evidence_digest=digest("evidence", evidence),
        request=undo_key(told.id, told.digest),
        role=need.role,
        quorum=need.quorum,
        step_up=need.step_up,
        by_prompt=need.by_prompt,
        shadow=need.shadow,
        risk=need.risk,
        reason_code=original.reason_code,
        undoes=undoes,
    )
    signer = asking.unlock()
    acting = Acting(who=signer, operators=asking.operators(), now=asking.now)
    acting.check(asking.record, UNDOING, ledger=ledger)
    signature = signed_by(acting.operators[signer.name], signer.key, undo_of(filed, undoes))
    return replace(filed, undoes=replace(undoes, signature=signature))
