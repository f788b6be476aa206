"""Related rows in a statement: a LEFT JOIN for each link, under the tenant, principal and fixed filters of the relation it leads to.

Everything stands in the join's own condition, so the row stays when there is no related row for this tenant.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

from sqlglot import exp

from synapsor.core.plan import Column, Condition, Join
from synapsor.sql import filters, trees
from synapsor.sql.predicates import are_equal
from synapsor.sql.statement import Dialect

_OTHER = "d"
"""The alias of a relation that is counted to find out a second row."""


def joined(
    source: exp.Select, joins: Sequence[Join], taken: int, dialect: Dialect, only: Container[str] | None = None
) -> exp.Select:
    """Return the select with its related rows, or with those at `only` some paths; `taken` parameters stand before theirs all."""
    for join in joins:
        met, taken = _met(join, taken, dialect)
        if only is not None and join.path not in only:
            continue
        table = trees.table(join.relation, join.alias)
        source = source.join(table, on=exp.and_(*met, copy=False), join_type="left", copy=False)
    return source


def doubled(joins: Sequence[Join], taken: int, dialect: Dialect) -> exp.Expression | None:
    """Return whether a second related row answers where the catalogue proves that none can; None where it proves all."""
    found: list[exp.Expression] = []
    for join in joins:
        if not join.proven:
            met, _ = _met(_under(join, _OTHER), taken, dialect)
            counted = exp.Select().select(exp.Count(this=exp.Star())).from_(trees.table(join.relation, _OTHER))
            counted = counted.where(*met, copy=False)
            found.append(exp.GT(this=counted.subquery(), expression=exp.Literal.number(1)))
        taken += len(join.bound)
    return exp.paren(exp.or_(*found, copy=False), copy=False) if found else None


def _met(join: Join, taken: int, dialect: Dialect) -> tuple[list[exp.Expression], int]:
    """Return the conditions under which a row is the related one, and how many parameters are taken with them."""
    equal = [condition for own, theirs in join.on for condition in are_equal(theirs, own, dialect)]
    meant, taken = filters.of_rows(join.scope, join.where, dialect, taken)
    return [*equal, *meant], taken


def _under(join: Join, alias: str) -> Join:
    def moved(column: Column) -> Column:
        return replace(column, of=alias)

    def also(condition: Condition) -> Condition:
        return replace(condition, column=moved(condition.column))

    return replace(
        join,
        alias=alias,
        on=tuple((own, moved(theirs)) for own, theirs in join.on),
        tenant=moved(join.tenant) if join.tenant else None,
        principal=moved(join.principal) if join.principal else None,
        where=tuple(also(condition) for condition in join.where),
    )
