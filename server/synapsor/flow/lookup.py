"""What a session may look up again: its own proposals and evidence, re-checked by tenant and principal on every look."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from synapsor.core.envelope_schema import STATUS_INPUT, STATUS_OUTPUT
from synapsor.core.form import Form, as_list, filled
from synapsor.core.presenter import Presenter
from synapsor.core.proposal import as_of
from synapsor.core.scope import Session, scope_of
from synapsor.errors import Code, Refusal
from synapsor.flow.prepare import Served, Tool
from synapsor.flow.propose import proposal_view
from synapsor.ports import AgentLedger, ProposalRecord
from synapsor.values import ColumnType, Json

STATUS_TOOL = Tool(
    name="synapsor.proposal_status",
    kind="read",
    description="Look up a proposal that was filed in this session's name: where it stands and what came of it.",
    input_schema=STATUS_INPUT,
    output_schema=STATUS_OUTPUT,
)

_PROPOSAL = re.compile(r"wrp_[0-9a-f]{20}\Z")
_EVIDENCE = re.compile(r"ev_[0-9a-f]{20}\Z")
_PREFIX = "synapsor://"


async def status_of(
    name: str,
    arguments: Mapping[str, Any] | None,
    session: Session,
    served: Mapping[str, Served],
    ledger: AgentLedger,
    now: str,
) -> dict[str, Any]:
    """Return the view of a proposal of this session's own scope, as it stands now.

    Raises:
        Refusal: `invalid_arguments`, or `not_found` for whatever is not the session's own.
    """
    if name != STATUS_TOOL.name:
        raise Refusal(Code.INTERNAL)
    given = dict(arguments or {})
    handle = given.pop("proposal_id", None)
    if given or type(handle) is not str:
        raise Refusal(Code.INVALID_ARGUMENTS, "proposal_id: one handle is expected.")
    found = await _own_proposal(handle, session, served, ledger, now)
    if found is None:
        raise Refusal(Code.NOT_FOUND)
    return proposal_view(*found)


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
    capability = served.get(record.proposal.capability)
    if capability is None or not _owns(session, capability, record.proposal.tenant, record.proposal.principal):
        return None
    group = tuple(replace(other, status=as_of(now, other.status, other.proposal)) for other in record.group)
    return replace(record, status=as_of(now, record.status, record.proposal), group=group), capability


async def _own_evidence(
    handle: str, session: Session, served: Mapping[str, Served], ledger: AgentLedger
) -> tuple[dict[str, Any], Served] | None:
    body = await ledger.evidence(handle) if _EVIDENCE.match(handle) else None
    if body is None:
        return None
    capability = served.get(body["capability"])
    if capability is None or not _owns(session, capability, body["tenant"], body["principal"]):
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


def _owns(session: Session, served: Served, tenant: str | None, principal: str) -> bool:
    try:
        scope = scope_of(session, served.context, served.table, served.related)
    except Refusal:
        return False
    return scope.tenant == tenant and scope.principal == principal
