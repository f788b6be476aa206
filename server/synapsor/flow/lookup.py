"""What a session may look up again: its own proposals and evidence, re-checked by tenant and principal on every look."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from synapsor.core.envelope_schema import (
    ANSWER_INPUT,
    ANSWER_OUTPUT,
    MOST_WAIT_S,
    STATUS_INPUT,
    STATUS_OUTPUT,
    USUAL_WAIT_S,
    WAIT_INPUT,
)
from synapsor.core.form import Form, as_list, filled
from synapsor.core.presenter import Presenter
from synapsor.core.proposal import Status, as_of
from synapsor.core.scope import Scope, Session
from synapsor.errors import Code, Refusal
from synapsor.flow.audits import scope_for
from synapsor.flow.prepare import Served, Tool
from synapsor.flow.propose import proposal_view
from synapsor.handles import Kind
from synapsor.ports import AgentLedger, ProposalRecord
from synapsor.values import ColumnType, Json

STATUS_TOOL = Tool(
    name="synapsor.proposal_status",
    kind="read",
    description="Look up a proposal that was filed in this session's name: where it stands and what came of it.",
    input_schema=STATUS_INPUT,
    output_schema=STATUS_OUTPUT,
)

WAIT_TOOL = Tool(
    name="synapsor.wait_for_decision",
    kind="read",
    waits=True,
    description="Wait for a person's decision on a proposal of this session's: returns where it stands as soon as that changes, "
    "or when the time is over.",
    input_schema=WAIT_INPUT,
    output_schema=STATUS_OUTPUT,
)
ANSWER_TOOL = Tool(
    name="synapsor.answer_question",
    kind="propose",
    description="Answer a question that a reviewer asked about a proposal of this session's. It is answered once, in your own words, "
    "and decides nothing.",
    input_schema=ANSWER_INPUT,
    output_schema=ANSWER_OUTPUT,
)
BUILT_IN: Mapping[str, Tool] = {tool.name: tool for tool in (STATUS_TOOL, WAIT_TOOL, ANSWER_TOOL)}
"""What is offered where anything can be proposed. No capability can have such a name: see rule SYN505."""

_PROPOSAL = re.compile(r"wrp_[0-9a-f]{20}\Z")
_EVIDENCE = re.compile(r"ev_[0-9a-f]{20}\Z")
_PREFIX = "synapsor://"


def looked_up(tool: Tool, arguments: Mapping[str, Any] | None) -> tuple[str, int]:
    """Return which proposal a built-in tool is asked about, and how long to wait for it.

    Raises:
        Refusal: `invalid_arguments`.
    """
    given = dict(arguments or {})
    handle = given.pop("proposal_id", None)
    seconds = given.pop("seconds", USUAL_WAIT_S) if tool.waits else 0
    if given or type(handle) is not str:
        raise Refusal(Code.INVALID_ARGUMENTS, "proposal_id: one handle is expected.")
    if tool.waits and (type(seconds) is not int or not 1 <= seconds <= MOST_WAIT_S):
        raise Refusal(Code.INVALID_ARGUMENTS, f"seconds: a whole number from 1 to {MOST_WAIT_S} is expected.")
    return handle, seconds


async def own_proposal(
    handle: str, session: Session, served: Mapping[str, Served], ledger: AgentLedger, now: str
) -> tuple[ProposalRecord, Served]:
    """Return a proposal of this session's own scope, as it stands now, and the capability that it came from.

    Raises:
        Refusal: `not_found` for whatever is not the session's own.
    """
    found = await _own_proposal(handle, session, served, ledger, now)
    if found is None:
        raise Refusal(Code.NOT_FOUND)
    return found


async def own_waiting(
    session: Session, served: Mapping[str, Served], ledger: AgentLedger, now: str, *, limit: int
) -> tuple[ProposalRecord, ...]:
    """Return the proposals of this session's own scopes that wait for a decision, newest first."""
    found: dict[str, ProposalRecord] = {}
    for scope in _scopes(session, served.values()):
        for each in await ledger.own_waiting(scope, now=now, limit=limit):
            record, proposal = each.as_told, each.proposal
            if record.status is not Status.REVIEW_REQUIRED or record.stands_nowhere:
                continue
            whose = Scope(tenant=proposal.tenant, principal=proposal.principal)
            if proposal.undoes is None and _owns(session, served.get(proposal.capability), whose):
                found[proposal.id] = record
    return tuple(sorted(found.values(), key=lambda r: (r.proposal.at, r.proposal.id), reverse=True)[:limit])


async def own_handles(
    kind: Kind,
    beginning: str,
    session: Session,
    served: Mapping[str, Served],
    ledger: AgentLedger,
    *,
    limit: int,
) -> list[str]:
    """Return handles of this session's own proposals or evidence that begin so, newest first."""
    found: dict[str, None] = {}
    for scope in _scopes(session, served.values()):
        for handle, capability in await ledger.own_handles(kind, scope, beginning=beginning, limit=limit):
            if _owns(session, served.get(capability), scope):
                found[handle] = None
    return list(found)[:limit]


async def view_resource(
    uri: str, session: Session, served: Mapping[str, Served], ledger: AgentLedger, now: str
) -> tuple[dict[str, Any], Served] | None:
    """Return what a `synapsor://proposal/{id}` or `synapsor://evidence/{id}` names and the capability it came from, or None."""
    kind, _, handle = uri.removeprefix(_PREFIX).partition("/")
    if not uri.startswith(_PREFIX):
        return None
    if kind == "proposal":
        found = await _own_proposal(handle, session, served, ledger, now)
        return (proposal_view(*found), found[1]) if found else None
    return await _own_evidence(handle, session, served, ledger) if kind == "evidence" else None


async def _own_proposal(
    handle: str, session: Session, served: Mapping[str, Served], ledger: AgentLedger, now: str
) -> tuple[ProposalRecord, Served] | None:
    if not _PROPOSAL.match(handle):
        return None
    record = await ledger.proposal(handle)
    if record is None or record.proposal.undoes is not None:  # whose undo it is, an agent has nothing to do with
        return None
    if record.stands_nowhere:
        return None
    capability = served.get(record.proposal.capability)
    scope = Scope(tenant=record.proposal.tenant, principal=record.proposal.principal)
    if capability is None or not _owns(session, capability, scope):
        return None
    record = record.as_told
    group = tuple(replace(other, status=as_of(now, other.status, other.proposal)) for other in record.group)
    return replace(record, status=as_of(now, record.status, record.proposal), group=group), capability


async def _own_evidence(
    handle: str, session: Session, served: Mapping[str, Served], ledger: AgentLedger
) -> tuple[dict[str, Any], Served] | None:
    body = await ledger.evidence(handle) if _EVIDENCE.match(handle) else None
    if body is None:
        return None
    capability = served.get(body["capability"])
    if capability is None or not _owns(session, capability, Scope(tenant=body["tenant"], principal=body["principal"])):
        return None
    tenant = body["tenant"]
    rows = _rows(capability.form, capability.presenter, body, tenant)
    lists = body.get("lists", {})
    for served_list in capability.lists:
        if rows and (found := lists.get(served_list.name)) is not None:
            told = _rows(served_list.form, served_list.presenter, found, tenant)
            rows[0][served_list.name] = as_list(told, found["cut_by"])
    view = {n: body[n] for n in ("id", "at", "capability", "cut_by", "withheld", "plan") if n in body}
    return {**view, "rows": rows}, capability


def _rows(form: Form, presenter: Presenter, body: Mapping[str, Any], tenant: str | None) -> list[dict[str, Json]]:
    types = {name: ColumnType(kind) for name, kind in body["columns"]}
    at = {name: index for index, name in enumerate(types)}
    show = partial(presenter.again, tenant=tenant, hidden=body.get("hidden", {}))
    return [filled(form, row, at, types, show) for row in body["rows"]]


def _scopes(session: Session, served: Iterable[Served]) -> list[Scope]:
    """Return as whom a session may call anything: one scope, unless contexts take different values of the session."""
    found = (scope_for(capability, session) for capability in served)
    return list(dict.fromkeys(scope for scope in found if isinstance(scope, Scope)))


def _owns(session: Session, served: Served | None, scope: Scope) -> bool:
    return served is not None and scope_for(served, session) == scope
