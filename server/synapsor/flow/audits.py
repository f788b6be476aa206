"""The audit of a look or a call that asked no source: who, what, when, and what came of it."""

from __future__ import annotations

from typing import Any

from synapsor import handles
from synapsor.core.evidence import Call, audit_body
from synapsor.core.moment import stamp
from synapsor.core.scope import Scope, Session, scope_of
from synapsor.errors import Code, Refusal
from synapsor.flow.prepare import Served
from synapsor.ports import Clock

_UNKNOWN = "?"


def scope_for(served: Served | None, session: Session) -> Scope | Refusal:
    """Return as whom a session calls a capability, or why it cannot: a refusal is raised where the call runs."""
    if served is None:
        return Refusal(Code.SCOPE_UNAVAILABLE)
    try:
        return scope_of(session, served.context, served.table, served.related)
    except Refusal as refusal:
        return refusal


def call_of(name: str, served: Served | None, session: Session, scope: Scope | Refusal, clock: Clock) -> Call:
    """Return the head of a new audit."""
    tenant, principal = (scope.tenant, scope.principal) if isinstance(scope, Scope) else (None, _UNKNOWN)
    return Call(
        id=handles.new("aud"),
        at=stamp(clock.now()),
        capability=name,
        contract=served.contract if served else "",
        tenant=tenant,
        principal=principal,
        client=session.client,
        run=session.run,
        workflows=served.checkpoints if served else (),
    )


def plain_audit(call: Call, outcome: str) -> dict[str, Any]:
    """Return the audit of what touched no source."""
    return audit_body(call, outcome=outcome, shape=None, parameters=None, rows=0, evidence=None, source=None)
