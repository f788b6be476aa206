"""A guarded update as a statement: one row, by key and scope, and only while every guard still holds what was approved."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp

from synapsor.core.plan import WritePlan, WriteShape
from synapsor.sql import predicates, tokens, trees
from synapsor.sql.statement import Dialect, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteTemplate:
    """A write shape as SQL of one dialect. Parameters stand in the order: changes, scope, key, guards."""

    text: str
    shape: WriteShape
    binders: tuple[tokens.Binder, ...]

    def bind(self, plan: WritePlan) -> Statement:
        """Return the statement of one proposal."""
        given = (*plan.sets, *plan.scope, *plan.key, *plan.guards)
        return Statement(text=self.text, params=tuple(bind(t) for bind, t in zip(self.binders, given, strict=True)))


@lru_cache(maxsize=1024)
def compile_write(shape: WriteShape, dialect: Dialect) -> WriteTemplate:
    """Return the statement of a shape.

    Raises:
        ValueUnfit: a name is not plain, or the engine has no such type.
    """
    compared = (*shape.scope, *shape.key)
    first_compared = len(shape.sets) + 1
    first_guard = first_compared + len(compared)
    changes = [
        exp.EQ(this=exp.Column(this=trees.identifier(c.name)), expression=tokens.bound(n, c, dialect))
        for n, c in enumerate(shape.sets, start=1)
    ]
    conditions: list[exp.Expression] = []
    for number, column in enumerate(compared, start=first_compared):
        conditions += predicates.matches(number, column, dialect)
    for number, column in enumerate(shape.guards, start=first_guard):
        conditions.append(predicates.still_holds(number, column, dialect))
    tree = exp.Update(
        this=trees.table(shape.relation), expressions=changes, where=exp.Where(this=exp.and_(*conditions, copy=False))
    )
    every = (*shape.sets, *compared, *shape.guards)
    return WriteTemplate(
        text=trees.text_of(tree, dialect), shape=shape, binders=tuple(tokens.binder(c, dialect) for c in every)
    )
