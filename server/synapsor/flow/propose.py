"""Ask for a change: read the current rows, compute the exact change, and file it for a person to decide. The source is not touched."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from synapsor import handles
from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Operation
from synapsor.core.change import ChangeSet, Request, change_set, require, too_many_rows
from synapsor.core.deciding import need_of, reason_of
from synapsor.core.depends import Hop
from synapsor.core.envelope import success
from synapsor.core.evidence import Call, Kept, SeenList
from synapsor.core.exchange import Exchange
from synapsor.core.following import allowed_next, next_poll_s
from synapsor.core.group import missing
from synapsor.core.moment import parse, stamp
from synapsor.core.outcome import Why
from synapsor.core.plan import ReadPlan
from synapsor.core.presets import REJECT_WORDS, known_code
from synapsor.core.proposal import Amended, Member, Proposal, Status, exact_json, request_key, rows_of
from synapsor.core.question import plan_absent
from synapsor.core.scope import Scope
from synapsor.core.steering import accepted_by, standing, state_words
from synapsor.core.writeback import Receipt, target
from synapsor.errors import Code, IntegrityError, Refusal, SourceFailure
from synapsor.flow.depend import Related, Row
from synapsor.flow.grounds import rests_on
from synapsor.flow.prepare import Served
from synapsor.flow.read import REFUSALS, Fetch, Found, audit_of, bundle_of, look, planned
from synapsor.ports import AgentLedger, ProposalRecord
from synapsor.values import ColumnType, Json, Token, ValueUnfit, digest, to_json

_BECAUSE: Final = {"edit": "edited", "extend": "extended"}


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
    if not await _is_active(served.contract, ledger):
        raise Refusal(Code.NOT_ACTIVATED)  # the worker would never apply it
    if served.together and not call.run:
        raise Refusal(Code.RUN_REQUIRED)
    request = Request(
        arguments=arguments, tenant=scope.tenant, principal=scope.principal, proposal=handles.new("wrp"), at=call.at
    )
    found, change = await changed(served, capability, request, scope)
    require(capability, served.table, served.tables, change.members)
    evidence = bundle_of(handles.evidence_of(call.id), call, found)
    proposal = proposal_of(served, capability, request, call, ledger.id, found.plan, change, evidence)
    key = proposal.members[0].key  # of a set no evidence is asked that is of the same row
    proposal = replace(proposal, rests_on=await rests_on(served, scope, call, key, ledger))
    audit = audit_of(call, found.plan, found.count, evidence["id"], served, "proposed")
    record = (await ledger.file_proposal(proposal, evidence, audit)).as_told
    if record.proposal.id == proposal.id:
        summary = "The change waits for a person's decision; nothing has changed yet."
        if lacks := missing(record.proposal, [other.proposal for other in record.group]):
            summary += f" It stands or falls with what is still to be proposed in this run: {', '.join(lacks)}."
    elif record.status is Status.REVIEW_REQUIRED:
        summary = "This change is already waiting for a decision."
    else:
        summary = (
            f"This change was asked for before and {record.status.stands}; nothing new was filed.{job_told(record)}"
        )
    return success(
        call.capability,
        "propose",
        summary,
        evidence=evidence["id"],
        audit=call.id,
        proposal=proposal_view(record, served),
    )


async def changed(
    served: Served, capability: ProposeCapability, request: Request, scope: Scope
) -> tuple[Found, ChangeSet]:
    """Return what was asked of the source and seen there, the related rows among it on which it depends, and the change of it."""
    if not served.hops:
        return await _of_rows(served, capability, request, scope)
    try:
        async with served.source.snapshot(time_ms=capability.limits.time_ms) as snapshot:
            found, change = await _of_rows(served, capability, request, scope, snapshot.fetch)
            members, related = await _depending(served, change.members, scope, snapshot.fetch)
    except SourceFailure as failed:
        raise Refusal(REFUSALS.get(failed.kind, Code.INTERNAL)) from failed
    return replace(found, lists=related), replace(change, members=members)


async def _depending(
    served: Served, members: Iterable[Member], scope: Scope, fetch: Fetch
) -> tuple[tuple[Member, ...], dict[str, SeenList]]:
    """Return the rows with what they depend on, and each related row as evidence keeps it."""
    found: dict[str, SeenList] = {}

    async def ask(hop: Hop, plan: ReadPlan) -> Row:
        seen = await look(served, plan, fetch)
        kept = Kept(columns=list(plan.shape.described), rows=[list(row) for row in seen.rows])
        before = sum(name.partition(" ")[0] == hop.name for name in found)
        name = f"{hop.name} {before + 1}" if before else hop.name
        found[name] = SeenList(shape=plan.shape, plan=plan, seen=seen, kept=kept)
        return dict(zip(plan.shape.positions, seen.rows[0], strict=True))

    assert served.question is not None  # noqa: S101  # the desk refuses drifted ones
    related = Related(hops=served.hops, scope=scope, time_ms=served.question.time_ms, ask=ask)
    own = {
        served.table.tenant_column: scope.tenant,
        served.table.principal: scope.principal,
    }  # and not what the row says
    rows = []
    for member in members:
        depends = await related.of({**member.row, **{n: token for n, token in own.items() if n is not None}})
        if depends is None:
            raise Refusal(Code.NOT_FOUND)
        rows.append(replace(member, depends=depends))
    return tuple(rows), found


async def _of_rows(
    served: Served, capability: ProposeCapability, request: Request, scope: Scope, fetch: Fetch | None = None
) -> tuple[Found, ChangeSet]:
    """Return what was asked of the source and seen there, and the change of it."""
    if capability.operation is Operation.INSERT:
        change = change_set(capability, served.table, request, ())
        assert served.question is not None  # noqa: S101  # the desk refuses drifted ones
        plan = plan_absent(served.question, scope, change.members)
        seen = await look(served, plan, fetch)
        if seen.rows or seen.cut_by:
            raise Refusal(Code.ALREADY_THERE)
        return Found(served=served, scope=scope, plan=plan, seen=seen), change
    plan = planned(served, request.arguments, scope)
    seen = await look(served, plan, fetch)
    if seen.cut_by == "bytes":
        raise Refusal(Code.RESULT_TOO_LARGE)
    if seen.cut_by:
        raise too_many_rows()
    names = [c.name for c in plan.shape.columns]
    rows = [dict(zip(names, row, strict=True)) for row in seen.rows]
    for row in rows:
        _check_readable(plan, row)
    return Found(served=served, scope=scope, plan=plan, seen=seen), change_set(capability, served.table, request, rows)


def _check_readable(plan: ReadPlan, row: Mapping[str, Token]) -> None:
    """Refuse before anything is filed what could afterwards be neither answered with nor shown to a person."""
    try:
        for column in plan.shape.columns:
            to_json(row[column.name], column.type)
    except ValueUnfit:
        raise Refusal(Code.SCHEMA_DRIFT) from None


def proposal_of(
    served: Served,
    capability: ProposeCapability,
    request: Request,
    call: Call,
    ledger: str,
    plan: ReadPlan,
    change: ChangeSet,
    evidence: dict[str, Any],
) -> Proposal:
    """Return the proposal of a change, which is not filed yet."""
    table = served.table
    reason = reason_of(capability, request.arguments)
    gone = capability.operation is Operation.DELETE
    need = need_of(capability, rows_of(change.members, gone=gone), reason)
    expires = parse(call.at) + dt.timedelta(hours=need.expires_hours)
    return Proposal(
        id=request.proposal,
        branch=handles.new("rb"),
        at=call.at,
        expires_at=stamp(expires),
        nonce=secrets.token_hex(16),
        ledger=ledger,
        capability=call.capability,
        contract=served.contract,
        tenant=request.tenant,
        principal=request.principal,
        client=call.client,
        source=served.source.name,
        relation=str(target(table)),
        tenant_column=table.tenant_column,
        principal_column=table.principal,
        operation=capability.operation.value,
        members=tuple(served.presenter.sealed(m, request.tenant) for m in change.members),
        columns=tuple((c.name, c.type.value) for c in plan.shape.columns),
        guards=change.guards,
        advances=change.advances,
        moves=table.moves,
        own=change.own,
        named=served.named,
        arguments={name: exact_json(value) for name, value in request.arguments.items()},
        evidence=evidence["id"],
        evidence_digest=digest("evidence", evidence),
        request=request_key(
            call.capability,
            served.contract,
            request.tenant,
            request.principal,
            request.arguments,
            run=call.run if served.together else None,
        ),
        role=need.role,
        quorum=need.quorum,
        step_up=need.step_up,
        by_prompt=need.by_prompt,
        shadow=need.shadow,
        risk=need.risk,
        reason_code=reason,
        policy=need.policy,
        workflow=served.workflow,
        run=call.run if served.workflow else None,
        group_of=served.together,
        executor=capability.executor,
    )


def job_told(record: ProposalRecord) -> str:
    """Return what keeps an approved change from being applied, or that somebody wanted to, as a further sentence; "" for nothing."""
    words = "" if record.differs else state_words(record.together)
    return f" {words}" if words else ""


def proposal_view(record: ProposalRecord, served: Served) -> dict[str, Any]:
    """Return what a model may see of a proposal: reviewed columns, its state and outcome; no tenant, principal or approver.

    Of one row before, after and changes are told; of a set they are told of every member.
    """
    proposal, capability = record.proposal, served.capability
    is_set = isinstance(capability, ProposeCapability) and capability.is_set
    rows = [_row_view(proposal, member, served) for member in proposal.members]
    one = dict.fromkeys(("before", "after", "changes")) if is_set else rows[0]
    rejection, successor = _rejection(record), _successor(record)
    questions = _questions(record)
    amends = proposal.amends if not record.differs else None
    receipt = record.receipts[-1] if record.receipts else None
    given_up = not record.differs and standing(record.together).parked is not None
    accepted = not record.differs and accepted_by(record.together) is not None
    return {
        "id": proposal.id,
        "status": record.status.value,
        "digest": proposal.digest,
        "operation": proposal.operation,
        **one,
        "members": rows if is_set else None,
        "group": _group_view(record),
        "expires_at": proposal.expires_at,
        "needs": {"role": proposal.role, "people": proposal.quorum},
        "rejection": rejection,
        "outcome": _outcome(record, receipt, served) if receipt else None,
        "questions": questions,
        "superseded_by": successor,
        "amends": _amends_view(amends) if amends else None,
        "allowed_next": list(
            allowed_next(
                record.status,
                rejection["code"] if rejection else None,
                asked=not all(one["answered"] for one in questions),
                replaced=successor is not None,
                given_up=given_up,
                called_off=receipt is not None,
            )
        ),
        "next_poll_s": next_poll_s(record.status, given_up=given_up, accepted=accepted),
        "status_resource": f"synapsor://proposal/{proposal.id}",
    }


def _questions(record: ProposalRecord) -> list[dict[str, Any]]:
    """Return what people asked, as far as events of this ledger tell of it: other words may be anybody's."""
    told = (one for one in record.exchanges if one.asked.question.id not in record.untold)
    return [] if record.differs else [_question_view(one, record) for one in told]


def _question_view(one: Exchange, record: ProposalRecord) -> dict[str, Any]:
    """Return what a person asked; answered it is where an event says so."""
    asked = one.asked.question
    answers = (e for e in record.events if e["kind"] == "question_answered")
    answered = any(e["facts"].get("question") == asked.id for e in answers)
    return {"id": asked.id, "text": asked.text, "at": asked.at, "answered": answered}


async def _is_active(contract: str, ledger: AgentLedger) -> bool:
    try:
        return await ledger.active_contract_by_digest(contract) is not None
    except IntegrityError:
        return False


def _successor(record: ProposalRecord) -> dict[str, Any] | None:
    """Return what has taken a proposal's place: what a reviewer made of it, or what was asked for again."""
    facts = next((e["facts"] for e in record.events if e["kind"] == "proposal_superseded"), None)
    if facts is None or type(facts.get("by")) is not str:
        return None
    because = _BECAUSE.get(str(facts.get("amended")), "asked_again")
    return {"id": facts["by"], "because": because, "arguments": [str(n) for n in facts.get("arguments") or ()]}


def _amends_view(amends: Amended) -> dict[str, Any]:
    """Return what a reviewer made of the agent's request, and not who it was."""
    told = {"id": amends.proposal, "because": _BECAUSE[amends.kind], "arguments": list(amends.arguments)}
    return {**told, "comment": amends.reason}


def _rejection(record: ProposalRecord) -> dict[str, Any] | None:
    """Return why a person rejected it: a word of the closed list where one was given, what that means, and the person's own words.

    Of words that its events do not tell of nothing is told: they may be anybody's.
    """
    rejections = [d.decision for d in record.decisions if d.decision.verdict == "reject"]
    told = [decision for decision in rejections if decision.id not in record.untold]
    if record.status is not Status.REJECTED or record.differs or not told:
        return None
    decision = told[-1]
    code = known_code(decision.code)
    return {"code": code, "meaning": REJECT_WORDS[code] if code else None, "comment": decision.reason}


def _group_view(record: ProposalRecord) -> dict[str, Any] | None:
    """Return what a proposal stands or falls with: the others of its run, and what is still to be proposed."""
    if record.proposal.group_id is None:
        return None
    others = [
        {"id": other.proposal.id, "capability": other.proposal.capability, "status": other.status.value}
        for other in record.group
    ]
    lacks = missing(record.proposal, [other.proposal for other in record.group])
    return {"id": record.proposal.group_id, "with": others, "missing": list(lacks)}


def _outcome(record: ProposalRecord, receipt: Receipt, served: Served) -> str:
    """Return how it ended, or what a person said of that; of a hidden column not that its row, and so its value, did not move."""
    if record.resolution is not None and record.status is not Status.RECONCILIATION_REQUIRED:
        return f"resolved_{record.resolution.resolution.verdict}"
    proposal = record.proposal
    moved_not = receipt.code == Why.VERSION_DID_NOT_MOVE.value and set(served.table.hidden) & set(proposal.changed)
    return receipt.outcome if moved_not or not receipt.code else receipt.code


def _row_view(proposal: Proposal, member: Member, served: Served) -> dict[str, Any]:
    types = {name: ColumnType(kind) for name, kind in proposal.columns}

    kept = {**member.before, **member.hidden}

    def was(name: str) -> Json:
        again = served.presenter.again
        return again(name, kept[name], types[name], tenant=proposal.tenant, hidden=member.hidden)

    before = {n: was(n) for n in types if n in kept}
    after = {**before, **{n: served.presenter.proposed(n, v, types[n], proposal) for n, v in member.changes.items()}}

    def told(row: Mapping[str, Json]) -> dict[str, Json] | None:
        return {n: row[n] for n in served.returns if n in row} or None

    return {
        "before": told(before),
        "after": None if proposal.deletes else told(after),
        "changes": [{"column": n, "before": before.get(n), "after": after[n]} for n in member.changes],
    }
