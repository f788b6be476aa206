"""Ask for a change: read the current row, compute the exact change, and file it for a person to decide. The source is not touched."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from synapsor import handles
from synapsor.contract.capability import ProposeCapability
from synapsor.core.deciding import need_of, reason_of
from synapsor.core.envelope import success
from synapsor.core.evidence import Call, evidence_body
from synapsor.core.measure import images
from synapsor.core.moment import parse, stamp
from synapsor.core.plan import ReadPlan
from synapsor.core.proposal import ChangeSet, Proposal, Status, change_set, exact_json, request_key
from synapsor.core.scope import Scope
from synapsor.core.writeback import target
from synapsor.errors import Code, Refusal
from synapsor.flow.grounds import rests_on
from synapsor.flow.prepare import Served
from synapsor.flow.read import audit_of, look, planned
from synapsor.ports import AgentLedger, ProposalRecord
from synapsor.values import ColumnType, Token, ValueUnfit, digest, to_json


async def propose(
    served: Served, arguments: Mapping[str, Any], scope: Scope, call: Call, ledger: AgentLedger
) -> dict[str, Any]:
    """File a write proposal and return its envelope; `review_required` is a success.

    Raises:
        Refusal: with a code of the closed table.
        LedgerFailure: the proposal could not be recorded.
    """
    capability = served.capability
    assert isinstance(capability, ProposeCapability)  # noqa: S101  # the desk dispatches by kind
    if await ledger.active_contract_by_digest(served.contract) is None:
        raise Refusal(Code.NOT_ACTIVATED)  # the worker would never apply it
    plan = planned(served, arguments, scope)
    seen = await look(served, plan)
    before = {c.name: token for c, token in zip(plan.shape.columns, seen.rows[0], strict=True)}
    _check_readable(plan, before)
    change = change_set(capability, served.table, arguments, before)
    evidence = evidence_body(handles.evidence_of(call.id), call, plan, seen, source=served.source.name)
    proposal = _proposal(served, capability, arguments, scope, call, ledger.id, plan, change, evidence)
    proposal = replace(proposal, rests_on=await rests_on(served, scope, call, proposal.key, ledger))
    record = await ledger.file_proposal(proposal, evidence, audit_of(call, plan, 1, evidence["id"], served, "proposed"))
    if record.proposal.id == proposal.id:
        summary = "The change waits for a person's decision; nothing has changed yet."
    elif record.status is Status.REVIEW_REQUIRED:
        summary = "This change is already waiting for a decision."
    else:
        summary = f"This change is already {record.status.value}; nothing new was filed."
    return success(
        call.capability,
        "propose",
        summary,
        evidence=evidence["id"],
        audit=call.id,
        proposal=proposal_view(record, served),
    )


def _check_readable(plan: ReadPlan, before: Mapping[str, Token]) -> None:
    """Refuse before anything is filed what could afterwards be neither answered with nor shown to a person."""
    try:
        for column in plan.shape.columns:
            to_json(before[column.name], column.type)
    except ValueUnfit:
        raise Refusal(Code.SCHEMA_DRIFT) from None


def _proposal(
    served: Served,
    capability: ProposeCapability,
    arguments: Mapping[str, Any],
    scope: Scope,
    call: Call,
    ledger: str,
    plan: ReadPlan,
    change: ChangeSet,
    evidence: dict[str, Any],
) -> Proposal:
    table = served.table
    reason = reason_of(capability, arguments)
    need = need_of(capability, images(change.before, change.changes), reason)
    expires = parse(call.at) + dt.timedelta(hours=need.expires_hours)
    key = tuple((name, token) for name in table.key if (token := change.before[name]) is not None)
    if len(key) != len(table.key):
        raise Refusal(Code.SCHEMA_DRIFT)
    return Proposal(
        id=handles.new("wrp"),
        branch=handles.new("rb"),
        at=call.at,
        expires_at=stamp(expires),
        nonce=secrets.token_hex(16),
        ledger=ledger,
        capability=call.capability,
        contract=served.contract,
        tenant=scope.tenant,
        principal=scope.principal,
        client=call.client,
        source=served.source.name,
        relation=str(target(table)),
        tenant_column=table.tenant_column,
        principal_column=table.principal,
        key=key,
        columns=tuple((c.name, c.type.value) for c in plan.shape.columns),
        before=change.before,
        changes=change.changes,
        guards=change.guards,
        advances=change.advances,
        moves=table.moves,
        arguments={name: exact_json(value) for name, value in arguments.items()},
        evidence=evidence["id"],
        evidence_digest=digest("evidence", evidence),
        request=request_key(call.capability, served.contract, scope.tenant, scope.principal, arguments),
        role=need.role,
        quorum=need.quorum,
        risk=need.risk,
        reason_code=reason,
        policy=need.policy,
        workflow=served.workflow,
        run=call.run if served.workflow else None,
    )


def proposal_view(record: ProposalRecord, served: Served) -> dict[str, Any]:
    """Return what a model may see of a proposal: reviewed columns, its state and outcome; no tenant, principal or approver."""
    proposal = record.proposal
    types = {name: ColumnType(kind) for name, kind in proposal.columns}
    seen = [n for n in types if n in served.returns or n in proposal.changes]
    before = {n: to_json(proposal.before[n], types[n]) for n in seen}
    after = {n: to_json(proposal.after[n], types[n]) for n in seen}
    decision = record.decisions[-1].decision if record.decisions else None
    rejected = decision if decision is not None and record.status is Status.REJECTED else None
    receipt = record.receipts[-1] if record.receipts else None
    return {
        "id": proposal.id,
        "status": record.status.value,
        "digest": proposal.digest,
        "before": {n: before[n] for n in served.returns if n in before},
        "after": {n: after[n] for n in served.returns if n in after},
        "changes": [{"column": n, "before": before[n], "after": after[n]} for n in proposal.changes],
        "expires_at": proposal.expires_at,
        "needs": {"role": proposal.role, "people": proposal.quorum},
        "reason": rejected.reason if rejected else None,
        "outcome": receipt.code or receipt.outcome if receipt else None,
        "status_resource": f"synapsor://proposal/{proposal.id}",
    }
