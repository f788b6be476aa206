"""What will be asked of a source, as data: shapes that are fixed by the contract, and plans that add one call's tokens.

A shape holds identifiers and never a value; a plan holds values and never an identifier. `sql` turns a shape into a statement once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from synapsor.contract.base import Column as ColumnName
from synapsor.contract.conditions import Operator
from synapsor.values import ColumnType, Token, digest


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


ENUM = "enum "
"""Begins the native name of a type that holds none but its own labels."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the planner sees it.

    Attributes:
        native: the type's name in the database's catalogue (after `ENUM`, an enum's), or "" when the usual type of `type` will do.
    """

    name: ColumnName
    type: ColumnType
    native: str = ""

    @property
    def is_enum(self) -> bool:
        """Whether it holds labels, which have an order of their own and are no values of any other text."""
        return self.native.startswith(ENUM)


@dataclass(frozen=True, slots=True)
class Condition:
    """How a column is compared with tokens of the call.

    Attributes:
        takes: how many tokens it takes: none for `has_value` and `no_value`, one or more for `one_of`, else one.
    """

    column: Column
    operator: Operator = Operator.EQUALS
    takes: int = 1


@dataclass(frozen=True, kw_only=True)
class ReadShape:
    """The fixed part of a read.

    Attributes:
        columns: every column fetched, in order; the tenant and key columns are among them, for the re-check.
        tenant: the tenant column, or None for a single-tenant relation.
        principal: the column that must equal the principal, where rows are assigned to people.
        where: what the rows must satisfy beside (key columns first); their tokens stand in this order in `ReadPlan.values`.
        order: (column, descending).
        after: for a next page, which of the last row's order columns hold a value; those tokens follow in `ReadPlan.values`.
        rows: the limit; one row more is fetched to tell whether there is more.
        bytes: the limit on the sum of column text.
        single: the key is given, so exactly one row is expected.
        pages: it can be gone on with, so its order is one by which rows can be compared.
        total: count all the rows that satisfy `where`, on every page.
        lock: take a row lock (the worker only).
    """

    relation: Relation
    columns: tuple[Column, ...]
    tenant: Column | None
    principal: Column | None = None
    where: tuple[Condition, ...]
    order: tuple[tuple[Column, bool], ...] = ()
    after: tuple[bool, ...] = ()
    rows: int
    bytes: int
    single: bool
    pages: bool = False
    total: bool = False
    lock: bool = False

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """A shape is the key under which its statement is kept, looked up with every call."""
        return hash((self.fingerprint, self.columns, self.tenant, self.principal, self.where, self.order))

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the shape: the same question has the same fingerprint on every engine and day."""
        body = {
            "relation": str(self.relation),
            "columns": _named(self.columns),
            "tenant": self.tenant.name if self.tenant else None,
            "principal": self.principal.name if self.principal else None,
            "where": [[c.column.name, c.column.type.value, c.operator.value, c.takes] for c in self.where],
            "order": [[c.name, down] for c, down in self.order],
            "after": list(self.after),
            "rows": self.rows,
            "bytes": self.bytes,
            "pages": self.pages,
            "total": self.total,
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

    @cached_property
    def scope(self) -> tuple[Column, ...]:
        """The columns that the session decides; their tokens are the first that are bound."""
        return tuple(column for column in (self.tenant, self.principal) if column is not None)

    @cached_property
    def rechecks(self) -> tuple[tuple[int, int, int], ...]:
        """What every row is compared with again: where it stands in the row, and which of the bound tokens it must be one of."""
        found, at = [], 0
        for column, operator, takes in self._bound():
            exact = operator in _EXACT and column.type not in _SPELLED_ALIKE
            if exact and column.name in self.positions:
                found.append((self.positions[column.name], at, at + takes))
            at += takes
        return tuple(found)

    def _bound(self) -> Iterator[tuple[Column, Operator, int]]:
        yield from ((column, Operator.EQUALS, 1) for column in self.scope)
        yield from ((c.column, c.operator, c.takes) for c in self.where)


_EXACT = frozenset({Operator.EQUALS, Operator.ONE_OF})
_SPELLED_ALIKE = frozenset({ColumnType.NUMERIC, ColumnType.TIMESTAMP, ColumnType.TIMESTAMPTZ})
"""Types of which one value may have several spellings, so that letters tell nothing; and no collation widens them."""


@dataclass(frozen=True, kw_only=True)
class ReadPlan:
    """A read of one call: the shape and its tokens.

    Attributes:
        scope: the tokens of `shape.scope`.
        values: the tokens of `shape.where`, then those of `shape.after`.
        settings: what row security is told before it, where the mapping relies on that.
    """

    shape: ReadShape
    scope: tuple[Token, ...]
    values: tuple[str, ...]
    time_ms: int
    settings: tuple[tuple[str, str], ...] = ()

    @cached_property
    def bound(self) -> tuple[Token, ...]:
        """Every token that is bound, in order."""
        return (*self.scope, *self.values)

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the call's tokens. It is salted by the tenant, so equal questions of two tenants do not show as equal."""
        return digest("parameters", [list(self.scope), list(self.values)])


@dataclass(frozen=True, kw_only=True)
class WriteShape:
    """The fixed part of a guarded single-row update: what is set, and which columns guard it.

    Attributes:
        scope: the columns that the session decides.
        guards: columns that must still hold the token seen at proposal time, NULL included.
        sets: the changed columns.
    """

    relation: Relation
    scope: tuple[Column, ...]
    key: tuple[Column, ...]
    guards: tuple[Column, ...]
    sets: tuple[Column, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePlan:
    """A guarded update of one proposal: the shape and its tokens."""

    shape: WriteShape
    scope: tuple[Token, ...]
    key: tuple[str, ...]
    guards: tuple[Token, ...]
    sets: tuple[Token, ...]


def _named(columns: tuple[Column, ...]) -> list[list[str]]:
    return [[c.name, c.type.value] for c in columns]
