"""A guarded change as a statement: one row, by key and scope, and only while every guard still holds what was approved."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp

from synapsor.contract.changes import Operation
from synapsor.core.plan import ROW, Column, WritePlan, WriteShape
from synapsor.sql import predicates, tokens, trees
from synapsor.sql.statement import Dialect, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteTemplate:
    """A write shape as SQL of one dialect. Parameters stand in the order: changes, scope, key, guards."""

    text: str
    shape: WriteShape
    binders: tuple[tokens.Binder, ...]

    def bind(self, plan: WritePlan) -> Statement:
        """Return the statement of one member."""
        given = (*plan.sets, *plan.scope, *plan.key, *plan.guards)
        return Statement(text=self.text, params=tuple(bind(t) for bind, t in zip(self.binders, given, strict=True)))


@lru_cache(maxsize=1024)
def compile_write(shape: WriteShape, dialect: Dialect) -> WriteTemplate:
    """Return the statement of a shape.

    Raises:
        ValueUnfit: a name is not plain, or the engine has no such type.
    """
    every = (*shape.sets, *shape.scope, *shape.key, *shape.guards)
    return WriteTemplate(
        text=trees.text_of(_TREES[shape.operation](shape, dialect), dialect),
        shape=shape,
        binders=tuple(tokens.binder(c, dialect) for c in every),
    )


def _update(shape: WriteShape, dialect: Dialect) -> exp.Expression:
    changes = [
        exp.EQ(this=exp.Column(this=trees.identifier(c.name)), expression=tokens.bound(n, c, dialect))
        for n, c in enumerate(shape.sets, start=1)
    ]
    return exp.Update(this=trees.table(shape.relation), expressions=changes, where=_where(shape, dialect))


def _delete(shape: WriteShape, dialect: Dialect) -> exp.Expression:
    # MariaDB takes an alias only in the form for several tables.
    named = [exp.Table(this=exp.to_identifier(ROW, quoted=True))] if dialect == "mysql" else None
    return exp.Delete(this=trees.table(shape.relation), tables=named, where=_where(shape, dialect))


def _insert(shape: WriteShape, dialect: Dialect) -> exp.Expression:
    filled: tuple[Column, ...] = (*shape.sets, *shape.scope)
    columns = [trees.identifier(c.name) for c in filled]
    values = [tokens.bound(n, c, dialect) for n, c in enumerate(filled, start=1)]
    return exp.Insert(
        this=exp.Schema(this=trees.table(shape.relation, alias=None), expressions=columns),
        expression=exp.Values(expressions=[exp.Tuple(expressions=values)]),
    )


_TREES = {Operation.UPDATE: _update, Operation.INSERT: _insert, Operation.DELETE: _delete}


def _where(shape: WriteShape, dialect: Dialect) -> exp.Where:
    compared = (*shape.scope, *shape.key)
    first_compared = len(shape.sets) + 1
    first_guard = first_compared + len(compared)
    conditions: list[exp.Expression] = []
    for number, column in enumerate(compared, start=first_compared):
        conditions += predicates.matches(number, column, dialect)
    for number, column in enumerate(shape.guards, start=first_guard):
        conditions.append(predicates.still_holds(number, column, dialect))
    return exp.Where(this=exp.and_(*conditions, copy=False))
