"""The guarded read: plan, fetch, re-check, record, and only then answer.

The evidence is durable before the rows leave: when it cannot be recorded, nothing is returned.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from synapsor import handles
from synapsor.contract.arguments import CURSOR, MAX_CURSOR
from synapsor.contract.capability import ReadCapability
from synapsor.core.aggregate import AggregatePlan
from synapsor.core.cursor import seal, unseal
from synapsor.core.envelope import success
from synapsor.core.evidence import Call, Rows, SeenList, audit_body, evidence_body
from synapsor.core.form import Form, as_list, filled
from synapsor.core.plan import ReadPlan, ReadShape
from synapsor.core.presenter import Presenter
from synapsor.core.question import plan_read, recheck
from synapsor.core.scope import Scope
from synapsor.core.words import many
from synapsor.errors import Code, Failure, Refusal, SourceFailure
from synapsor.flow.prepare import Served, ServedList
from synapsor.ports import AgentLedger
from synapsor.sql.read import ReadTemplate, compile_read
from synapsor.sql.statement import RawRow, Statement
from synapsor.values import Json, Token, ValueUnfit

Fetch: TypeAlias = Callable[[Statement], Awaitable[Sequence[RawRow]]]
"""Returns the rows of a statement: of a transaction of its own, or of one that is open."""

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
    if served.lists:
        seen, lists = await look_with_lists(served, plan, arguments, scope)
    else:
        seen, lists = await look(served, plan), {}
    single = plan.shape.single
    data = _single(served, plan, seen, lists, scope) if single else _list(served, plan, seen, scope, question)
    evidence = handles.evidence_of(call.id)
    count = len(seen.rows)
    await ledger.record_read(
        audit_of(call, plan, count + sum(len(found.seen.rows) for found in lists.values()), evidence, served),
        bundle_of(evidence, call, plan, seen, served, scope, lists),
    )
    told = [many(count, "row"), *_cut(seen), *(c for f in lists.values() for c in _cut(f.seen))]
    summary = ", ".join(dict.fromkeys(told)) + "."
    return success(call.capability, "read", summary, evidence=evidence, audit=call.id, data=data)


async def look(served: Served, plan: ReadPlan, fetch: Fetch | None = None) -> Rows:
    """Return the rows of this tenant that answer a call; `fetch` is that of a transaction that is open already.

    Raises:
        Refusal: with a code of the closed table.
    """
    assert served.question is not None and served.template is not None  # noqa: S101, PT018  # the desk refuses drifted ones
    usual = plan.shape is served.question.shape
    template = served.template if usual else compile_read(plan.shape, served.source.dialect)
    seen = await _seen(template, plan, fetch or partial(served.source.fetch, time_ms=plan.time_ms))
    if plan.shape.single:
        if seen.cut_by == "bytes":
            raise Refusal(Code.RESULT_TOO_LARGE)
        if len(seen.rows) != 1 or seen.cut_by:
            raise Refusal(Code.NOT_UNIQUE if seen.rows else Code.NOT_FOUND)
    return seen


async def _seen(template: ReadTemplate, plan: ReadPlan, fetch: Fetch) -> Rows:
    try:
        seen = template.seen(plan, await fetch(template.bind(plan)))
    except SourceFailure as failed:
        raise Refusal(REFUSALS.get(failed.kind, Code.INTERNAL)) from failed
    except ValueUnfit:
        raise Refusal(Code.SCHEMA_DRIFT) from None
    recheck(plan, seen.rows)
    if seen.doubled:
        raise Refusal(Code.NOT_UNIQUE)
    return seen


async def look_with_lists(
    served: Served, plan: ReadPlan, arguments: Mapping[str, Any], scope: Scope
) -> tuple[Rows, dict[str, SeenList]]:
    """Return the one row that answers a call and the lists that belong to it, all as of one moment.

    Raises:
        Refusal: with a code of the closed table.
    """
    found: dict[str, SeenList] = {}
    try:
        async with served.source.snapshot(time_ms=plan.time_ms) as snapshot:
            seen = await look(served, plan, snapshot.fetch)
            left = plan.shape.bytes - seen.bytes
            for part in served.lists:
                parent = [seen.rows[0][plan.shape.positions[name]] for name in part.parent]
                found[part.name] = listed = await _listed(part, parent, arguments, scope, snapshot.fetch, left)
                left -= listed.seen.bytes
    except SourceFailure as failed:
        raise Refusal(REFUSALS.get(failed.kind, Code.INTERNAL)) from failed
    return seen, found


async def _listed(
    part: ServedList, parent: list[Token], arguments: Mapping[str, Any], scope: Scope, fetch: Fetch, left: int
) -> SeenList:
    """Return one list; what all of the answer's cells may take is what its row has left."""
    question = part.question
    known = tuple(token for token in parent if token is not None)
    if len(known) < len(parent):
        nothing = Rows(columns=tuple(question.shape.positions), rows=[])
        kept = part.presenter.kept(question.shape.described, nothing, scope.tenant)
        return SeenList(shape=question.shape, plan=None, seen=nothing, kept=kept)
    plan = plan_read(question, scope, arguments, parent=known)
    usual = plan.shape is question.shape
    template = part.template if usual else compile_read(plan.shape, part.template.dialect)
    seen = (await _seen(template, plan, fetch)).within(left)
    kept = part.presenter.kept(plan.shape.described, seen, scope.tenant)
    return SeenList(shape=plan.shape, plan=plan, seen=seen, kept=kept)


def _cut(seen: Rows) -> list[str]:
    return [f"cut by the limit on {seen.cut_by}"] if seen.cut_by else []


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


def bundle_of(
    evidence: str,
    call: Call,
    plan: ReadPlan,
    seen: Rows,
    served: Served,
    scope: Scope,
    lists: Mapping[str, SeenList] | None = None,
) -> dict[str, Any]:
    """Return the evidence of a call, with hidden columns as a model saw them."""
    kept = served.presenter.kept(plan.shape.described, seen, scope.tenant)
    return evidence_body(evidence, call, plan, seen, source=served.source.name, kept=kept, lists=lists)


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
        related=[table.relation for table in served.related],
    )


def shown(served: Served, plan: ReadPlan, row: tuple[str | None, ...], scope: Scope) -> dict[str, Json]:
    """Return a row as the model sees it: the reviewed columns as documented JSON, hidden ones as their rule shows them.

    Raises:
        Refusal: a value is not of its reviewed type (`schema_drift`).
    """
    return _filled(served.form, served.presenter, plan.shape, row, scope)


def _filled(
    form: Form, presenter: Presenter, shape: ReadShape, row: tuple[Token, ...], scope: Scope
) -> dict[str, Json]:
    try:
        return filled(form, row, shape.positions, shape.types, partial(presenter.shown, tenant=scope.tenant))
    except ValueUnfit:
        raise Refusal(Code.SCHEMA_DRIFT) from None


def _single(served: Served, plan: ReadPlan, seen: Rows, lists: Mapping[str, SeenList], scope: Scope) -> dict[str, Any]:
    row = shown(served, plan, seen.rows[0], scope)
    for part in served.lists:
        found = lists[part.name]
        rows = [_filled(part.form, part.presenter, found.shape, each, scope) for each in found.seen.rows]
        row[part.name] = as_list(rows, found.seen.cut_by)
    return {"row": row}


def _list(served: Served, plan: ReadPlan, seen: Rows, scope: Scope, question: tuple[Json, ...]) -> dict[str, Any]:
    rows = [shown(served, plan, row, scope) for row in seen.rows]
    told: dict[str, Any] = as_list(rows, seen.cut_by)
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
    cursor = seal(served.secret, question, [last[positions[column.path]] for column, _ in plan.shape.order])
    return cursor if len(cursor) <= MAX_CURSOR else None
