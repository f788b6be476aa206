"""The statements behind a capability, for an operator's eyes: what is sent to its source, with placeholders and never a value.

They are made by the functions that make the real ones, from the contract alone: only the types that a live catalogue knows better,
such as an enum's, are missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from synapsor.contract.capability import (
    AggregateCapability,
    Argument,
    Capability,
    ReadCapability,
)
from synapsor.contract.changes import Operation
from synapsor.contract.guards import guards_of
from synapsor.contract.mapping import ColumnRule, Table
from synapsor.contract.model import Contract
from synapsor.core.count import count_question_of, plan_count
from synapsor.core.depends import held_hops, hops_of
from synapsor.core.links import Mapped, column_of
from synapsor.core.plan import Condition, Relation, WriteShape
from synapsor.core.posture import natives
from synapsor.core.question import Asked, child_question_of, plan_read, question_of
from synapsor.core.scope import Scope
from synapsor.core.writeback import LOOK_BYTES, target
from synapsor.errors import naming
from synapsor.ports import ReadSource
from synapsor.sql.aggregate import compile_aggregate
from synapsor.sql.explain import Estimate, estimate, explained
from synapsor.sql.read import compile_read
from synapsor.sql.statement import Dialect, Statement
from synapsor.sql.write import compile_write
from synapsor.values import ColumnType

_TIME_MS: Final = 5000
SAMPLES: Final[dict[ColumnType, str]] = {
    ColumnType.INTEGER: "1",
    ColumnType.NUMERIC: "1",
    ColumnType.BOOLEAN: "true",
    ColumnType.DATE: "2026-01-01",
    ColumnType.TIMESTAMP: "2026-01-01 00:00:00",
    ColumnType.TIMESTAMPTZ: "2026-01-01 00:00:00+00",
    ColumnType.UUID: "00000000-0000-4000-8000-000000000000",
}
"""Values that nobody has, for a plan: what an estimate is made for."""


_ROWS: Final = {False: "row as it is", True: "rows that are there already"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One statement and what it is for."""

    purpose: str
    text: str


def statements(contract: Contract, name: str, dialect: Dialect) -> tuple[Sent, ...]:
    """Return what a capability sends to a source of this dialect: a read its read, a proposal what applying it takes as well."""
    capability = contract.capabilities[name]
    table = contract.table_of(capability)
    mapped = {word: Mapped(table=known) for word, known in contract.tables.items()}
    if isinstance(capability, AggregateCapability):
        counted = compile_aggregate(count_question_of(capability, table, None, mapped).shape, dialect)
        return (Sent(purpose="the count", text=counted.text),)
    question = question_of(capability, table, None, mapped)
    read = Sent(purpose="the read", text=compile_read(question.shape, dialect).text)
    if isinstance(capability, ReadCapability):
        return (read, *_lists(capability, table, mapped, dialect))
    see = partial(column_of, table)
    inserts = capability.operation is Operation.INSERT
    key = tuple(see(column) for column in (capability.dedup if inserts else table.key))
    where = tuple(Condition(column) for column in key)
    scoped: dict[str, Any] = {"tenant": None, "principal": None} if inserts else {}
    locks = capability.operation is Operation.UPDATE
    look = replace(
        question.shape,
        relation=target(table),
        where=where,
        rows=1,
        bytes=LOOK_BYTES,
        single=True,
        order=(),
        bare=True,
        lock=locks,
        **scoped,
    )
    guards, _ = guards_of(capability, table)
    shape = WriteShape(
        operation=capability.operation,
        relation=target(table),
        scope=question.shape.scope,
        key=() if inserts else key,
        guards=tuple(see(column) for column in guards),
        sets=tuple(see(column) for column in capability.set),
    )
    return (
        replace(read, purpose=f"the {_ROWS[inserts]}, when a change is asked for"),
        *(
            Sent(purpose=f"the related row {hop.name}, as well", text=compile_read(hop.shape, dialect).text)
            for hop in hops_of(capability.depends, table, mapped, capability.limits)
        ),
        Sent(
            purpose=f"the row{' locked' if locks else ''}, before and after the change",
            text=compile_read(look, dialect).text,
        ),
        *(
            Sent(
                purpose=f"the related row {hop.name}, held before the change",
                text=compile_read(hop.shape, dialect).text,
            )
            for hop in held_hops(capability, contract)
        ),
        *(
            Sent(purpose=f"the related row {hop.name} as it was reviewed", text=compile_read(hop.seen, dialect).text)
            for hop in held_hops(capability, contract)
            if hop.seen is not None
        ),
        Sent(purpose="the change", text=compile_write(shape, dialect).text),
    )


def _lists(capability: ReadCapability, table: Table, mapped: Mapping[str, Mapped], dialect: Dialect) -> Iterator[Sent]:
    for name, child in capability.with_.items():
        question = child_question_of(child, table.links[name], capability, mapped)
        text = compile_read(question.shape, dialect).text
        yield Sent(purpose=f"the list {name}, in the same transaction", text=text)


async def expected(contract: Contract, name: str, source: ReadSource, tenant: str | None) -> Estimate:
    """Return what the source expects of a capability's read, asked through the read credential; no row is read.

    The values are made up; the tenant is the one that is given, where one is.

    Raises:
        SourceFailure: it cannot be asked, or the credential may not see how.
        ValueUnfit: its answer is not of a known form.
    """
    capability = contract.capabilities[name]
    table = contract.table_of(capability)
    read = contract.tables_of(capability)
    with naming(table.source):
        facts = {word: await source.describe(Relation.parse(other.relation)) for word, other in read.items()}
        mapped = {
            word: Mapped(table=other, natives=natives(known) if (known := facts[word]) else {})
            for word, other in read.items()
        }
        own = mapped[capability.table]
        scope = _made_up_scope(read.values(), tenant)
        if isinstance(capability, AggregateCapability):
            statement = _counted(capability, own, mapped, scope, source.dialect)
        else:
            question = question_of(capability, table, own.natives, mapped)
            plan = plan_read(question, scope, _made_up(capability, question.asked))
            statement = compile_read(plan.shape, source.dialect).bind(plan)
        rows = await source.fetch(explained(statement, source.dialect), time_ms=_TIME_MS)
    return estimate(rows, source.dialect)


def _counted(
    capability: AggregateCapability, own: Mapped, mapped: Mapping[str, Mapped], scope: Scope, dialect: Dialect
) -> Statement:
    question = count_question_of(capability, own.table, own.natives, mapped)
    asked = [*question.asked, *(one for period in question.periods for one in period)]
    plan = plan_count(question, scope, _made_up(capability, asked), apart=False)
    return compile_aggregate(plan.shape, dialect).bind(plan)


def _made_up_scope(read: Iterable[Table], tenant: str | None) -> Scope:
    """Return a scope whose values are of the types that the tables read."""
    tables = tuple(read)
    kept = next((t for t in tables if t.tenant_column is not None), tables[0])
    assigned = next((t for t in tables if t.principal is not None), tables[0])
    principal = _token(assigned, assigned.principal)
    return Scope(tenant=tenant or _token(kept, kept.tenant_column), principal=principal)


def _token(table: Table, column: str | None) -> str:
    return SAMPLES.get(table.columns[column].type, "x") if column else "x"


def _made_up(capability: Capability, asked: Iterable[Asked]) -> dict[str, Any]:
    """Return a value for each argument that stands in a filter."""
    return {a.argument: _value(capability.arguments[a.argument], a.rule) for a in asked if a.argument}


def _value(argument: Argument, rule: ColumnRule) -> Any:
    one: Any = SAMPLES.get(rule.type, "x")
    if argument.one_of is not None:
        one = argument.one_of[0]
    elif argument.type == "integer":
        one = next((n for n in (argument.minimum, argument.maximum) if n is not None), 1)
    elif argument.type == "boolean":
        one = True
    elif rule.type is ColumnType.TIMESTAMPTZ:
        one = "2026-01-01T00:00:00Z"
    return [one] if argument.many is not None else one
