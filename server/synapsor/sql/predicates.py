"""The comparisons of a WHERE clause: scope, key and filters that an index can serve and no collation can widen, and the guards.

Every statement of every engine is made from these, so that a guard is written once.
"""

from __future__ import annotations

from sqlglot import exp

from synapsor.core.plan import Column
from synapsor.sql import tokens, trees
from synapsor.sql.statement import Dialect
from synapsor.values import ColumnType

_VALUED = {
    "mysql": frozenset(ColumnType) - {ColumnType.TEXT, ColumnType.JSON, ColumnType.UUID, ColumnType.NUMERIC},
    "sqlite": frozenset({ColumnType.INTEGER, ColumnType.FLOAT, ColumnType.BOOLEAN, ColumnType.BYTES}),
}
"""Types that an engine compares by value; all others are compared as the bytes of their token. Postgres compares only those."""


def matches(number: int, column: Column, dialect: Dialect) -> list[exp.Expression]:
    """Return the conditions under which a column equals a parameter: one for the index, and for text a bytewise one."""
    ref = trees.ref(column)
    same = tokens.sortable(ref.copy(), column, dialect)
    value, *others = tokens.spellings(number, column, dialect)
    serves_index: exp.Expression = exp.EQ(this=same, expression=value)
    if others:
        serves_index = exp.In(this=same, expressions=[value, *others])
    if not is_spelled(column, dialect):
        return [serves_index]
    exact = exp.EQ(this=bytewise(ref, column, dialect), expression=bytewise_parameter(number, dialect))
    return [serves_index, exact]


def are_equal(one: Column, other: Column, dialect: Dialect) -> list[exp.Expression]:
    """Return the conditions under which two columns hold the same value: one for the index, and for text a bytewise one."""
    first, second = trees.ref(one), trees.ref(other)
    serves_index = exp.EQ(this=first, expression=second)
    if not is_spelled(one, dialect):
        return [serves_index]
    spelled = exp.EQ(this=bytewise(first.copy(), one, dialect), expression=bytewise(second.copy(), other, dialect))
    return [serves_index, spelled]


def still_holds(number: int, column: Column, dialect: Dialect) -> exp.Expression:
    """Return the condition under which a column still holds the token that was seen, NULL included."""
    ref = trees.ref(column)
    if dialect == "postgres" or column.type not in _VALUED[dialect]:
        return _same(bytewise(ref, column, dialect), bytewise_parameter(number, dialect), dialect)
    if dialect == "mysql" and column.type is ColumnType.FLOAT:
        return _same(trees.cast_to(ref, "DOUBLE"), tokens.bound(number, column, dialect), dialect)
    return _same(ref, trees.placeholder(number, dialect), dialect)


def is_spelled(column: Column, dialect: Dialect) -> bool:
    """Tell whether values of a column are the same only if their letters are; only Postgres has UUIDs that are no text."""
    return column.type is ColumnType.TEXT or (column.type is ColumnType.UUID and dialect != "postgres")


def bytewise(ref: exp.Expression, column: Column, dialect: Dialect) -> exp.Expression:
    """Return what a token is compared with where folding, padding and coercion must not help: the token's own bytes."""
    if dialect == "postgres":
        printed = tokens.cell(ref, column, dialect)
        return exp.Collate(this=printed, expression=exp.to_identifier("C", quoted=True))
    ref = trees.utf8(ref) if dialect == "mysql" else ref
    return trees.cast_to(tokens.uncased(ref, column, dialect), _BINARY[dialect])


def bytewise_parameter(number: int, dialect: Dialect) -> exp.Expression:
    """Return the bytes of a parameter's token."""
    value = trees.placeholder(number, dialect)
    return trees.cast_to(value, "text" if dialect == "postgres" else _BINARY[dialect])


def _same(one: exp.Expression, other: exp.Expression, dialect: Dialect) -> exp.Expression:
    if dialect == "sqlite":
        return exp.Is(this=one, expression=other)
    return exp.NullSafeEQ(this=one, expression=other)


_BINARY = {"mysql": "BINARY", "sqlite": "blob"}
