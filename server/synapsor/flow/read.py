"""The guarded read: plan, fetch, re-check, record, and only then answer.

The evidence is durable before the rows leave: when it cannot be recorded, nothing is returned.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synapsor import handles
from synapsor.contract.arguments import CURSOR, MAX_CURSOR
from synapsor.contract.capability import ReadCapability
from synapsor.core.aggregate import AggregatePlan
from synapsor.core.cursor import seal, unseal
from synapsor.core.envelope import success
from synapsor.core.evidence import Call, Rows, audit_body, evidence_body
from synapsor.core.plan import ReadPlan
from synapsor.core.question import plan_read, recheck
from synapsor.core.scope import Scope
from synapsor.errors import Code, Failure, Refusal, SourceFailure
from synapsor.flow.prepare import Served
from synapsor.ports import AgentLedger
from synapsor.sql.read import compile_read
from synapsor.values import Json, Token, ValueUnfit, to_json

REFUSALS = {
    Failure.UNAVAILABLE: Code.SOURCE_UNAVAILABLE,
    Failure.BUSY: Code.BUSY,
    Failure.TIMEOUT: Code.TIMEOUT,
    Failure.TRANSIENT: Code.BUSY,
    Failure.DRIFT: Code.SCHEMA_DRIFT,
    Failure.DENIED: Code.SCHEMA_DRIFT,
    Failure.VALUE: Code.NOT_FOUND,
}
"""What a model is told of each way in which a source can fail."""


async def read(
    served: Served, arguments: Mapping[str, Any], scope: Scope, call: Call, ledger: AgentLedger
) -> dict[str, Any]:
    """Run a read capability and return its envelope.

    Raises:
        Refusal: with a code of the closed table.
        LedgerFailure: the evidence could not be recorded, so nothing is returned.
    """
    plan, question = _paged(served, arguments, scope)
    seen = await look(served, plan)
    data = _single(served, plan, seen) if plan.shape.single else _list(served, plan, seen, question)
    evidence = handles.evidence_of(call.id)
    await ledger.record_read(
        audit_of(call, plan, len(seen.rows), evidence, served),
        evidence_body(evidence, call, plan, seen, source=served.source.name),
    )
    count = len(seen.rows)
    summary = (
        f"{count} row{'' if count == 1 else 's'}"
        + (", cut by the limit on " + seen.cut_by if seen.cut_by else "")
        + "."
    )
    return success(call.capability, "read", summary, evidence=evidence, audit=call.id, data=data)


async def look(served: Served, plan: ReadPlan) -> Rows:
    """Return the rows of this tenant that answer a call.

    Raises:
        Refusal: with a code of the closed table.
    """
    assert served.question is not None and served.template is not None  # noqa: S101, PT018  # the desk refuses drifted ones
    usual = plan.shape is served.question.shape
    template = served.template if usual else compile_read(plan.shape, served.source.dialect)
    try:
        raw = await served.source.fetch(template.bind(plan), time_ms=plan.time_ms)
        seen = template.seen(plan, raw)
    except SourceFailure as failed:
        raise Refusal(REFUSALS.get(failed.kind, Code.INTERNAL)) from failed
    except ValueUnfit:
        raise Refusal(Code.SCHEMA_DRIFT) from None
    recheck(plan, seen.rows)
    if plan.shape.single:
        if seen.cut_by == "bytes":
            raise Refusal(Code.RESULT_TOO_LARGE)
        if len(seen.rows) != 1 or seen.cut_by:
            raise Refusal(Code.NOT_UNIQUE if seen.rows else Code.NOT_FOUND)
    return seen


def planned(served: Served, arguments: Mapping[str, Any], scope: Scope, after: tuple[Token, ...] = ()) -> ReadPlan:
    """Return the plan of a call; `after` is the place in a list from which it goes on.

    Raises:
        Refusal: an argument cannot be a value of its column.
    """
    assert served.question is not None  # noqa: S101  # the desk refuses drifted ones
    return plan_read(served.question, scope, arguments, after)


def _paged(served: Served, arguments: Mapping[str, Any], scope: Scope) -> tuple[ReadPlan, tuple[Json, ...]]:
    """Return the plan of the page that is asked for, and what a cursor of this question is bound to."""
    plan = planned(served, arguments, scope)
    bound = (served.contract, served.tool.name, scope.tenant, scope.principal, plan.shape.fingerprint, plan.fingerprint)
    cursor = arguments.get(CURSOR)
    if cursor is not None:
        after = unseal(served.secret, bound, cursor, len(plan.shape.order))
        plan = planned(served, arguments, scope, after)
    return plan, bound


def audit_of(
    call: Call, plan: ReadPlan | AggregatePlan, rows: int, evidence: str | None, served: Served, outcome: str = "ok"
) -> dict[str, Any]:
    """Return the query audit of a call that reached its source."""
    return audit_body(
        call,
        outcome=outcome,
        shape=plan.shape,
        parameters=plan.fingerprint,
        rows=rows,
        evidence=evidence,
        source=served.source.name,
    )


def shown(served: Served, plan: ReadPlan, row: tuple[str | None, ...]) -> dict[str, Json]:
    """Return a row as the model sees it: the reviewed columns as documented JSON.

    Raises:
        Refusal: a value is not of its reviewed type (`schema_drift`).
    """
    positions, columns = plan.shape.positions, served.table.columns
    try:
        return {name: to_json(row[positions[name]], columns[name].type) for name in served.returns}
    except ValueUnfit:
        raise Refusal(Code.SCHEMA_DRIFT) from None


def _single(served: Served, plan: ReadPlan, seen: Rows) -> dict[str, Any]:
    return {"row": shown(served, plan, seen.rows[0])}


def _list(served: Served, plan: ReadPlan, seen: Rows, question: tuple[Json, ...]) -> dict[str, Any]:
    rows = [shown(served, plan, row) for row in seen.rows]
    told = {"rows": rows, "count": len(rows), "truncated": seen.cut_by is not None, "cut_by": seen.cut_by}
    capability = served.capability
    assert isinstance(capability, ReadCapability)  # noqa: S101  # the desk dispatches by kind
    if capability.total:
        told["total"] = seen.total
    if capability.pages:
        told["next_cursor"] = _next_cursor(served, plan, seen, question)
    return told


def _next_cursor(served: Served, plan: ReadPlan, seen: Rows, question: tuple[Json, ...]) -> str | None:
    if seen.cut_by is None or not seen.rows:
        return None
    last, positions = seen.rows[-1], plan.shape.positions
    cursor = seal(served.secret, question, [last[positions[column.name]] for column, _ in plan.shape.order])
    return cursor if len(cursor) <= MAX_CURSOR else None
