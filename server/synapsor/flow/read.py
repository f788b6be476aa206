"""The guarded read: plan, fetch, re-check, record, and only then answer.

The evidence is durable before the rows leave: when it cannot be recorded, nothing is returned.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was asked of a source for somebody, and what was seen there.

    Attributes:
        lists: what was seen beside the rows, by name: lists that belong to the one row, or rows that it is related to.
    """

    served: Served
    scope: Scope
    plan: ReadPlan
    seen: Rows
    lists: Mapping[str, SeenList] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many rows were seen in all."""
        return len(self.seen.rows) + sum(len(one.seen.rows) for one in self.lists.values())


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
        found = await _with_lists(served, plan, arguments, scope)
    else:
        found = Found(served=served, scope=scope, plan=plan, seen=await look(served, plan))
    data = _single(found) if plan.shape.single else _list(found, question)
    evidence = handles.evidence_of(call.id)
    await ledger.record_read(audit_of(call, plan, found.count, evidence, served), bundle_of(evidence, call, found))
    cut = [limit for rows in (found.seen, *(one.seen for one in found.lists.values())) for limit in _cut(rows)]
    told = [many(len(found.seen.rows), "row"), *cut]
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


async def _with_lists(served: Served, plan: ReadPlan, arguments: Mapping[str, Any], scope: Scope) -> Found:
    """Return the one row that answers a call and the lists that belong to it, all as of one moment."""
    lists: dict[str, SeenList] = {}
    try:
        async with served.source.snapshot(time_ms=plan.time_ms) as snapshot:
            seen = await look(served, plan, snapshot.fetch)
            left = plan.shape.bytes - seen.bytes
            for part in served.lists:
                parent = [seen.rows[0][plan.shape.positions[name]] for name in part.parent]
                lists[part.name] = listed = await _listed(part, parent, arguments, scope, snapshot.fetch, left)
                left -= listed.seen.bytes
    except SourceFailure as failed:
        raise Refusal(REFUSALS.get(failed.kind, Code.INTERNAL)) from failed
    return Found(served=served, scope=scope, plan=plan, seen=seen, lists=lists)


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


def bundle_of(evidence: str, call: Call, found: Found) -> dict[str, Any]:
    """Return the evidence of a call, with hidden columns as a model saw them."""
    served, plan, seen = found.served, found.plan, found.seen
    kept = served.presenter.kept(plan.shape.described, seen, found.scope.tenant)
    return evidence_body(evidence, call, plan, seen, source=served.source.name, kept=kept, lists=found.lists)


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


def _shown(found: Found, row: tuple[Token, ...]) -> dict[str, Json]:
    return _filled(found.served.form, found.served.presenter, found.plan.shape, row, found.scope)


def _filled(
    form: Form, presenter: Presenter, shape: ReadShape, row: tuple[Token, ...], scope: Scope
) -> dict[str, Json]:
    """Return a row as the model sees it: the reviewed columns as documented JSON, hidden ones as their rule shows them."""
    try:
        return filled(form, row, shape.positions, shape.types, partial(presenter.shown, tenant=scope.tenant))
    except ValueUnfit:
        raise Refusal(Code.SCHEMA_DRIFT) from None


def _single(found: Found) -> dict[str, Any]:
    row = _shown(found, found.seen.rows[0])
    for part in found.served.lists:
        listed = found.lists[part.name]
        rows = [_filled(part.form, part.presenter, listed.shape, each, found.scope) for each in listed.seen.rows]
        row[part.name] = as_list(rows, listed.seen.cut_by)
    return {"row": row}


def _list(found: Found, question: tuple[Json, ...]) -> dict[str, Any]:
    seen = found.seen
    rows = [_shown(found, row) for row in seen.rows]
    told: dict[str, Any] = as_list(rows, seen.cut_by)
    capability = found.served.capability
    assert isinstance(capability, ReadCapability)  # noqa: S101  # the desk dispatches by kind
    if capability.total:
        told["total"] = seen.total
    if capability.pages:
        told["next_cursor"] = _next_cursor(found, question)
    return told


def _next_cursor(found: Found, question: tuple[Json, ...]) -> str | None:
    seen, shape = found.seen, found.plan.shape
    if seen.cut_by is None or not seen.rows:
        return None
    last, positions = seen.rows[-1], shape.positions
    cursor = seal(found.served.secret, question, [last[positions[column.path]] for column, _ in shape.order])
    return cursor if len(cursor) <= MAX_CURSOR else None
