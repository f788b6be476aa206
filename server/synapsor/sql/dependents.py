"""How many rows of a table refer to given rows, as a statement: it counts up to a limit, and no value of any row is in its answer.

They are compared as the foreign key itself compares them, by the engine's own equality.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from sqlglot import exp

from synapsor.core.plan import Column, Relation
from synapsor.sql import tokens, trees
from synapsor.sql.statement import Dialect, RawRow, Statement

_ONE = "one"
_COUNTED = "t"


def count_dependents(
    relation: Relation, columns: tuple[Column, ...], referred: Sequence[Sequence[str]], dialect: Dialect, *, most: int
) -> Statement:
    """Return the count of the rows that hold one of these values, each a token for each of the columns; one more than `most` at the most.

    Raises:
        ValueUnfit: a name is not plain, or a value cannot be bound.
    """
    binders = [tokens.binder(column, dialect) for column in columns]
    params = [bind(token) for values in referred for bind, token in zip(binders, values, strict=True)]
    return Statement(text=_text(relation, columns, len(referred), dialect, most), params=tuple(params))


def counted(rows: Sequence[RawRow]) -> int:
    """Return what the count says."""
    return int(rows[0][0])


@lru_cache(maxsize=256)
def _text(relation: Relation, columns: tuple[Column, ...], times: int, dialect: Dialect, most: int) -> str:
    alike: list[exp.Expr] = []
    for at in range(times):
        pairs = [_equal(at * len(columns) + number, column, dialect) for number, column in enumerate(columns, 1)]
        alike.append(exp.and_(*pairs, copy=False))
    one = exp.alias_(exp.Literal.number(1), _ONE, quoted=True)
    found = exp.Select().select(one).from_(trees.table(relation)).where(exp.or_(*alike, copy=False)).limit(most + 1)
    tree = exp.Select().select(exp.Count(this=exp.Star())).from_(found.subquery(_COUNTED, copy=False))
    return trees.text_of(tree, dialect)


def _equal(number: int, column: Column, dialect: Dialect) -> exp.Expression:
    same = tokens.sortable(trees.ref(column), column, dialect)
    value, *others = tokens.spellings(number, column, dialect)
    return exp.In(this=same, expressions=[value, *others]) if others else exp.EQ(this=same, expression=value)
