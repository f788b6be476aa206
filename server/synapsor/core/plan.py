"""What will be asked of a source, as data: shapes that are fixed by the contract, and plans that add one call's tokens.

A shape holds identifiers and never a value; a plan holds values and never an identifier. `sql` turns a shape into a statement once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from synapsor.contract.model import Column as ColumnName
from synapsor.contract.model import ColumnRule, ProposeCapability, ReadCapability, Table, constant, is_argument
from synapsor.contract.tokens import to_token
from synapsor.core.scope import Scope
from synapsor.errors import Code, Refusal
from synapsor.values import ColumnType, Token, ValueUnfit, digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A schema-qualified table or view."""

    schema: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Relation:
        """Return the relation that `schema.name` names."""
        schema, _, name = text.partition(".")
        return cls(schema=schema, name=name)

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the planner sees it.

    Attributes:
        native: the type's name in the database's catalogue (an enum's, for instance), or "" when the usual type of `type` will do.
    """

    name: ColumnName
    type: ColumnType
    native: str = ""


@dataclass(frozen=True, kw_only=True)
class ReadShape:
    """The fixed part of a read.

    Attributes:
        columns: every column fetched, in order; the tenant and key columns are among them, for the re-check.
        tenant: the tenant column, or None for a single-tenant relation.
        equals: columns compared with one token each (key columns first), in the order of `ReadPlan.equals`.
        nulls: columns that must be NULL.
        order: (column, descending).
        rows: the limit; one row more is fetched to tell whether there is more.
        bytes: the limit on the sum of column text.
        single: the key is given, so exactly one row is expected.
        lock: take a row lock (the worker only).
    """

    relation: Relation
    columns: tuple[Column, ...]
    tenant: Column | None
    equals: tuple[Column, ...]
    nulls: tuple[Column, ...] = ()
    order: tuple[tuple[Column, bool], ...] = ()
    rows: int
    bytes: int
    single: bool
    lock: bool = False

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the shape: the same question has the same fingerprint on every engine and day."""
        body = {
            "relation": str(self.relation),
            "columns": _named(self.columns),
            "tenant": self.tenant.name if self.tenant else None,
            "equals": _named(self.equals),
            "nulls": _named(self.nulls),
            "order": [[c.name, down] for c, down in self.order],
            "rows": self.rows,
            "bytes": self.bytes,
            "lock": self.lock,
        }
        return digest("plan", body)

    @cached_property
    def described(self) -> list[list[str]]:
        """Name and type of each column, as evidence records them."""
        return _named(self.columns)

    @cached_property
    def positions(self) -> dict[str, int]:
        """Where each column stands in a row."""
        return {column.name: index for index, column in enumerate(self.columns)}


@dataclass(frozen=True, kw_only=True)
class ReadPlan:
    """A read of one call: the shape and its tokens."""

    shape: ReadShape
    tenant: Token
    equals: tuple[str, ...]
    time_ms: int

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the call's tokens. It is salted by the tenant, so equal questions of two tenants do not show as equal."""
        return digest("parameters", [self.tenant, list(self.equals)])


@dataclass(frozen=True, kw_only=True)
class WriteShape:
    """The fixed part of a guarded single-row update: what is set, and which columns guard it.

    Attributes:
        equals: the key columns.
        guards: columns that must still hold the token seen at proposal time, NULL included.
        sets: the changed columns.
    """

    relation: Relation
    tenant: Column | None
    equals: tuple[Column, ...]
    guards: tuple[Column, ...]
    sets: tuple[Column, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePlan:
    """A guarded update of one proposal: the shape and its tokens."""

    shape: WriteShape
    tenant: Token
    equals: tuple[str, ...]
    guards: tuple[Token, ...]
    sets: tuple[Token, ...]


@dataclass(frozen=True, kw_only=True)
class Question:
    """A capability made ready to plan: its shape, and how each compared column gets its token.

    Attributes:
        sources: per column of `shape.equals`, the argument's name, or None where `constants` holds the token.
    """

    shape: ReadShape
    rules: tuple[ColumnRule, ...]
    sources: tuple[str | None, ...]
    constants: tuple[Token, ...]
    time_ms: int


def _named(columns: tuple[Column, ...]) -> list[list[str]]:
    return [[c.name, c.type.value] for c in columns]


def column_of(table: Table, name: str, natives: Mapping[str, str] | None = None) -> Column:
    """Return the planner's view of a mapped column; `natives` is what the live catalogue says of its type."""
    return Column(name, table.columns[name].type, (natives or {}).get(name, ""))


def question_of(
    capability: ReadCapability | ProposeCapability, table: Table, natives: Mapping[str, str] | None = None
) -> Question:
    """Prepare a capability for planning; done once at start. A proposal fetches every mapped column, for its guard."""
    see = partial(column_of, table, natives=natives)
    key_first = sorted(capability.where.items(), key=lambda item: item[0] != table.key)
    compared = [(n, v) for n, v in key_first if v is not None]
    single = table.key in capability.where
    returns = capability.returns or tuple(table.allowed)
    wanted = returns if isinstance(capability, ReadCapability) else tuple(table.allowed)
    hidden = tuple(n for n in (table.key, table.tenant_column) if n is not None and n not in wanted)
    order = capability.order if isinstance(capability, ReadCapability) else ()
    shape = ReadShape(
        relation=Relation.parse(table.relation),
        columns=tuple(see(n) for n in (*wanted, *hidden)),
        tenant=see(table.tenant_column) if table.tenant_column else None,
        equals=tuple(see(n) for n, _ in compared),
        nulls=tuple(see(n) for n, v in key_first if v is None),
        order=() if single else tuple((see(o.lstrip("-")), o.startswith("-")) for o in _total_order(order, table.key)),
        rows=1 if single else capability.limits.rows,
        bytes=capability.limits.bytes,
        single=single,
    )
    return Question(
        shape=shape,
        rules=tuple(table.columns[n] for n, _ in compared),
        sources=tuple(str(v)[1:] if is_argument(v) else None for _, v in compared),
        constants=tuple(None if is_argument(v) else to_token(constant(v), table.columns[n]) for n, v in compared),
        time_ms=capability.limits.time_ms,
    )


def _total_order(order: tuple[str, ...], key: str) -> tuple[str, ...]:
    """End every list order with the key, so that the same rows come in the same order each time."""
    return order if key in {o.lstrip("-") for o in order} else (*order, key)


def plan_read(question: Question, scope: Scope, arguments: Mapping[str, Any]) -> ReadPlan:
    """Return the plan of one call; the tenant comes from the scope and from nowhere else.

    Raises:
        Refusal: an argument cannot be a value of its column (`invalid_arguments`).
    """
    equals: list[str] = []
    for rule, name, fixed in zip(question.rules, question.sources, question.constants, strict=True):
        try:
            token = fixed if name is None else to_token(arguments[name], rule)
        except ValueUnfit as unfit:
            raise Refusal(Code.INVALID_ARGUMENTS, f"{name}: {unfit}.") from None
        assert token is not None  # noqa: S101  # NULL constants went to shape.nulls; arguments are never null
        equals.append(token)
    return ReadPlan(shape=question.shape, tenant=scope.tenant, equals=tuple(equals), time_ms=question.time_ms)


def recheck(plan: ReadPlan, rows: list[tuple[Token, ...]]) -> None:
    """Compare tenant and compared columns bytewise with what was asked; a collation or coercion may have matched more.

    Raises:
        Refusal: `not_found`, as if the row did not exist, because for this tenant it does not.
    """
    shape = plan.shape
    checks = [(shape.positions[shape.tenant.name], plan.tenant)] if shape.tenant else []
    checks += [
        (shape.positions[c.name], t)
        for c, t in zip(shape.equals, plan.equals, strict=True)
        if c.name in shape.positions
    ]
    for row in rows:
        if any(row[at] != token for at, token in checks):
            raise Refusal(Code.NOT_FOUND)
