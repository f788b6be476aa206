"""The few ways in which a statement tree is made: quoted identifiers, placeholders, casts, and its text.

Nothing here takes a value of a call: a tree can only hold identifiers of a contract, numbers of a limit and placeholders.
"""

from __future__ import annotations

import re
from typing import cast

from sqlglot import ErrorLevel, exp

from synapsor.core.plan import ROW, Column, Relation
from synapsor.sql.statement import Dialect
from synapsor.values import ValueUnfit

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}\Z", re.ASCII)
# What format_type prints: words, quoted names, at most one schema before them, at most one pair of brackets behind; or a precision.
_PART = r'(?:[A-Za-z_][A-Za-z0-9_]*(?: [a-z]+)*|"(?:[^"\0]|"")+")'
_TYPE = re.compile(rf"{_PART}(?:\.{_PART})?(?:\[\]|\([0-9]{{1,2}}, [0-9]{{1,2}}\))?\Z", re.ASCII)
_COLLATION = re.compile(r"[a-z0-9]+_[a-z0-9_]+\Z", re.ASCII)
_NULLS_FIRST = {"postgres": (False, True), "mysql": (True, False), "sqlite": (True, False)}


def identifier(name: str) -> exp.Identifier:
    """Return a quoted identifier.

    Raises:
        ValueUnfit: the name is none that a contract may hold, such as one with a quote or a percent sign.
    """
    if not _IDENTIFIER.match(name):
        raise ValueUnfit("not a plain identifier")
    return exp.to_identifier(name, quoted=True)


def table(relation: Relation, alias: str | None = ROW) -> exp.Table:
    """Return the schema-qualified relation."""
    bare = exp.Table(this=identifier(relation.name), db=identifier(relation.schema))
    return bare if alias is None else cast("exp.Table", exp.alias_(bare, alias, table=True, quoted=True))


def column(name: str, of: str = ROW) -> exp.Column:
    """Return a qualified column: SQLite reads an unknown bare "name" as text."""
    return exp.Column(this=identifier(name), table=exp.to_identifier(of, quoted=True))


def ref(column_: Column) -> exp.Column:
    """Return a column of the relation that it belongs to."""
    return column(column_.name, column_.of)


def placeholder(number: int, dialect: Dialect) -> exp.Expression:
    """Return the form in which the driver of a dialect binds parameter `number`."""
    if dialect == "postgres":
        return exp.Parameter(this=exp.Literal.number(number))
    if dialect == "sqlite":
        return exp.Placeholder(this=f"p{number}")
    return exp.Var(this=f"%(p{number})s")


def cast_to(value: exp.Expression, name: str) -> exp.Expression:
    """Return a cast to a type by its own name, which no dialect of the builder may translate.

    Raises:
        ValueUnfit: the name is not that of a type.
    """
    if not _TYPE.match(name):
        raise ValueUnfit("not a type name")
    return exp.Cast(this=value, to=exp.DataType(this=exp.DataType.Type.USERDEFINED, kind=name))


def utf8(value: exp.Expression) -> exp.Expression:
    """Return MySQL text in the one character set that evidence and guards are made of."""
    return exp.Cast(this=value, to=exp.DataType(this=exp.DataType.Type.CHARACTER_SET, kind=exp.var("utf8mb4")))


def collated(value: exp.Expression, collation: str) -> exp.Expression:
    """Return MySQL text in the character set of a collation, and under it; a character that it lacks becomes another one.

    Raises:
        ValueUnfit: it is not the name of a collation.
    """
    if not _COLLATION.match(collation):
        raise ValueUnfit("not the name of a collation")
    charset = exp.DataType(this=exp.DataType.Type.CHARACTER_SET, kind=exp.var(collation.partition("_")[0]))
    return exp.Collate(this=exp.Cast(this=value, to=charset), expression=exp.var(collation))


def call(name: str, *arguments: exp.Expression) -> exp.Expression:
    """Return a function call."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def when(condition: exp.Expression, value: exp.Expression) -> exp.Expression:
    """Return the value where the condition holds, else NULL."""
    return exp.Case(ifs=[exp.If(this=condition, true=value)])


def ordered(value: exp.Expression, descending: bool, dialect: Dialect) -> exp.Ordered:
    """Return a sort key in the engine's own order of NULLs, so that it is printed plain and an index can serve it."""
    return exp.Ordered(this=value, desc=descending, nulls_first=nulls_first(descending=descending, dialect=dialect))


def nulls_first(*, descending: bool, dialect: Dialect) -> bool:
    """Tell where the engine's own order has the rows without a value."""
    return _NULLS_FIRST[dialect][descending]


def text_of(tree: exp.Expression, dialect: Dialect) -> str:
    """Return the statement's text; what the dialect cannot say is an error and never dropped."""
    return tree.sql(dialect=dialect, unsupported_level=ErrorLevel.RAISE)
