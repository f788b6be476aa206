"""What will be asked of a source, as data: shapes that are fixed by the contract, and plans that add one call's tokens.

A shape holds identifiers and never a value; a plan holds values and never an identifier. `sql` turns a shape into a statement once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from synapsor.contract.base import Column as ColumnName
from synapsor.contract.changes import Operation
from synapsor.contract.conditions import Operator
from synapsor.values import ColumnType, Token, digest

ROW = "r"
"""The alias of a statement's own relation; those that links lead to are `l1`, `l2`, …"""


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

COLLATE = "COLLATE "
"""Stands before the collation of MySQL's text that cannot hold every character, or UUIDs only by their letters."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the planner sees it.

    Attributes:
        native: the type's name in the database's catalogue (after `ENUM`, an enum's), and `COLLATE` behind it with a
            collation that matters; "" when the usual type of `type` will do.
        of: the alias of its relation in the statement.
        via: the links that lead to its relation, none for the statement's own.
    """

    name: ColumnName
    type: ColumnType
    native: str = ""
    of: str = ROW
    via: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """What the contract and the evidence call it."""
        return ".".join((*self.via, self.name)) if self.via else self.name

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """One row that is looked up beside another one; where there is none for this tenant, all its columns are NULL.

    Attributes:
        path: the links that lead to it.
        on: which column of the row before equals which of this one.
        tenant, principal: as in a shape, of this relation; their tokens, then those of `where`, stand in `ReadPlan.joined`.
        where: what its table holds only.
        proven: no second row can answer; otherwise one that does is found out and refused.
    """

    relation: Relation
    path: str
    alias: str
    on: tuple[tuple[Column, Column], ...]
    tenant: Column | None
    principal: Column | None = None
    where: tuple[Condition, ...] = ()
    proven: bool = True

    @property
    def scope(self) -> tuple[Column, ...]:
        """The columns that the session decides."""
        return tuple(column for column in (self.tenant, self.principal) if column is not None)

    @property
    def presence(self) -> Column:
        """A column that has a value exactly when there is such a row."""
        return self.on[0][1]

    @property
    def bound(self) -> list[Column]:
        """The column of each of its parameters, in order."""
        return [*self.scope, *(c.column for c in self.where for _ in range(c.takes))]

    @property
    def described(self) -> list[Any]:
        """What is fixed of it, for the fingerprint."""
        on = [[one.path, other.path] for one, other in self.on]
        return [self.path, str(self.relation), on, _named(self.scope), _compared(self.where)]


@dataclass(frozen=True, kw_only=True)
class ReadShape:
    """The fixed part of a read.

    Attributes:
        columns: every column fetched, in order; the tenant and key columns are among them, for the re-check.
        tenant: the tenant column, or None for a single-tenant relation.
        principal: the column that must equal the principal, where rows are assigned to people.
        joins: the related rows that are looked up; the presence and scope of each is among the columns, for the re-check.
        where: what the rows must satisfy beside (key columns first); their tokens stand in this order in `ReadPlan.values`.
        order: (column, descending).
        after: for a next page, which of the last row's order columns hold a value; those tokens follow in `ReadPlan.values`.
        rows: the limit; one row more is fetched to tell whether there is more.
        bytes: the limit on the sum of column text.
        single: the key is given, so exactly one row is expected.
        pages: it can be gone on with, so its order is one by which rows can be compared.
        total: count all the rows that satisfy `where`, on every page.
        bare: the columns and nothing beside, whatever they weigh (the worker only).
        lock: take a row lock as well; `shared`: one that lets others read and lock it so too, and nobody change it (the worker only).
    """

    relation: Relation
    columns: tuple[Column, ...]
    tenant: Column | None
    principal: Column | None = None
    joins: tuple[Join, ...] = ()
    where: tuple[Condition, ...]
    order: tuple[tuple[Column, bool], ...] = ()
    after: tuple[bool, ...] = ()
    rows: int
    bytes: int
    single: bool
    pages: bool = False
    total: bool = False
    bare: bool = False
    lock: bool = False
    shared: bool = False

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """A shape is the key under which its statement is kept, looked up with every call."""
        own = (self.fingerprint, self.columns, self.tenant, self.principal, self.where, self.order)
        return hash((own, self.joins))

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the shape: the same question has the same fingerprint on every engine and day."""
        body = {
            "relation": str(self.relation),
            "columns": _named(self.columns),
            "tenant": self.tenant.name if self.tenant else None,
            "principal": self.principal.name if self.principal else None,
            "where": _compared(self.where),
            "order": [[c.path, down] for c, down in self.order],
            "after": list(self.after),
            "rows": self.rows,
            "bytes": self.bytes,
            "pages": self.pages,
            "total": self.total,
            "lock": self.lock,
        }
        shared = {"shared": True} if self.shared else {}
        joins = {"joins": [join.described for join in self.joins]} if self.joins else {}
        return digest("plan", {**body, **shared, **joins})

    @property
    def is_bare(self) -> bool:
        """Whether the columns come and nothing beside; a locked row always does."""
        return self.bare or self.lock

    @cached_property
    def described(self) -> list[list[str]]:
        """Name and type of each column, as evidence records them."""
        return _named(self.columns)

    @cached_property
    def positions(self) -> dict[str, int]:
        """Where each column stands in a row, by its path."""
        return {column.path: index for index, column in enumerate(self.columns)}

    @cached_property
    def types(self) -> dict[str, ColumnType]:
        """What each column holds, by its path."""
        return {column.path: column.type for column in self.columns}

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
            if exact and column.path in self.positions:
                found.append((self.positions[column.path], at, at + takes))
            at += takes
        return tuple(found)

    @cached_property
    def joined_rechecks(self) -> tuple[tuple[int, int, int], ...]:
        """What every related row that is there is compared with again: where its presence and the column stand, and the token's place."""
        found, at = [], len(self.scope) + sum(c.takes for c in self.where) + sum(self.after)
        for join in self.joins:
            present = self.positions[join.presence.path]
            found += [(present, self.positions[c.path], at + n) for n, c in enumerate(join.scope)]
            at += len(join.bound)
        return tuple(found)

    def _bound(self) -> Iterator[tuple[Column, Operator, int]]:
        yield from ((column, Operator.EQUALS, 1) for column in self.scope)
        yield from ((c.column, c.operator, c.takes) for c in self.where)


_EXACT = frozenset({Operator.EQUALS, Operator.ONE_OF})
_SPELLED_ALIKE = frozenset({ColumnType.NUMERIC, ColumnType.TIMESTAMP, ColumnType.TIMESTAMPTZ})
"""Types of which one value may have several spellings, so that letters tell nothing; and no collation widens them."""


@dataclass(frozen=True, kw_only=True)
class Bound:
    """The tokens of one call, whatever it asks.

    Attributes:
        scope: the tokens of the shape's own scope.
        values: the tokens of what the call chooses rows by.
        joined: for each join the tokens of its scope, then those of its fixed filters.
        settings: what row security is told before it, where the mapping relies on that.
    """

    scope: tuple[Token, ...]
    values: tuple[str, ...]
    joined: tuple[Token, ...] = ()
    time_ms: int
    settings: tuple[tuple[str, str], ...] = ()

    @cached_property
    def bound(self) -> tuple[Token, ...]:
        """Every token that is bound, in order."""
        return (*self.scope, *self.values, *self.joined)

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the call's tokens. It is salted by the tenant, so equal questions of two tenants do not show as equal."""
        return digest("parameters", [list(self.scope), list(self.values)])


@dataclass(frozen=True, kw_only=True)
class ReadPlan(Bound):
    """A read of one call: the shape and its tokens; `values` are those of `shape.where`, then those of `shape.after`."""

    shape: ReadShape


@dataclass(frozen=True, kw_only=True)
class WriteShape:
    """The fixed part of a guarded change of one row: what is set, and which columns guard it.

    Attributes:
        scope: the columns that the session decides; compared, or for an insert set.
        guards: columns that must still hold the token seen at proposal time, NULL included.
        sets: the changed columns; for an insert, the key is among them.
    """

    operation: Operation = Operation.UPDATE
    relation: Relation
    scope: tuple[Column, ...]
    key: tuple[Column, ...]
    guards: tuple[Column, ...]
    sets: tuple[Column, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePlan:
    """A guarded change of one member of a proposal: the shape and its tokens."""

    shape: WriteShape
    scope: tuple[Token, ...]
    key: tuple[str, ...]
    guards: tuple[Token, ...]
    sets: tuple[Token, ...]


def _named(columns: tuple[Column, ...]) -> list[list[str]]:
    return [[c.path, c.type.value] for c in columns]


def _compared(where: tuple[Condition, ...]) -> list[Any]:
    return [[c.column.path, c.column.type.value, c.operator.value, c.takes] for c in where]
