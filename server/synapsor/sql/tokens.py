"""Cells to canonical tokens and back, per engine and column type: what is selected, how it is read, how it is bound.

A token is what the server prints under the session's pinned settings; where an engine has no such form, the reader here makes it.
A binder is its exact inverse, so that a guard compares the very thing that was seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from sqlglot import exp

from synapsor.core.plan import COLLATE, ENUM, Column
from synapsor.sql import trees
from synapsor.sql.statement import Dialect
from synapsor.values import ColumnType, Token, ValueUnfit

Reader: TypeAlias = Callable[[Any], Token]
Binder: TypeAlias = Callable[[Token], Any]

_T = ColumnType
_WIDEST: dict[ColumnType, int] = {
    _T.INTEGER: 20,
    _T.BOOLEAN: 5,
    _T.FLOAT: 24,
    _T.DATE: 13,
    _T.TIME: 21,
    _T.TIMESTAMP: 32,
    _T.TIMESTAMPTZ: 35,
    _T.UUID: 36,
    _T.INTERVAL: 80,
}
"""Bytes of the widest token of types that cannot be long; they count with this against a byte limit, whatever they hold."""

_NATIVE: dict[ColumnType, str] = {
    _T.TEXT: "text",
    _T.INTEGER: "bigint",
    _T.NUMERIC: "numeric",
    _T.FLOAT: "double precision",
    _T.BOOLEAN: "boolean",
    _T.DATE: "date",
    _T.TIME: "time without time zone",
    _T.TIMESTAMP: "timestamp without time zone",
    _T.TIMESTAMPTZ: "timestamp with time zone",
    _T.INTERVAL: "interval",
    _T.UUID: "uuid",
    _T.JSON: "jsonb",
    _T.BYTES: "bytea",
    _T.BITS: "bit varying",
}
"""The Postgres type that stands for a column type where the catalogue was not asked."""

DECIMAL_ORDER = "synapsor_decimal"
MOMENT_ORDER = "synapsor_moment"
"""Collations of SQLite sessions that compare decimals and timestamps, which are text there, by their value."""

_BY_VALUE = {_T.NUMERIC: DECIMAL_ORDER, _T.TIMESTAMP: MOMENT_ORDER, _T.TIMESTAMPTZ: MOMENT_ORDER}

LISTED = frozenset({"enum", "set"})
"""Types of MySQL whose values are words of a list."""

CASED = ("_bin", "_cs")
"""How the names of MySQL's collations end by which small letters and capitals are two."""

_NARROW = frozenset({"smallint", "integer"})
_FOREIGN: dict[Dialect, frozenset[ColumnType]] = {
    "postgres": frozenset(),
    "mysql": frozenset({_T.INTERVAL, _T.ARRAY}),
    "sqlite": frozenset({_T.INTERVAL, _T.ARRAY, _T.BITS}),
}


def width(column: Column, dialect: Dialect) -> int | None:
    """Return the widest token of a type that cannot be long, else None.

    SQLite keeps anything of any size in any column, and MySQL may keep a UUID as text.
    """
    if dialect == "sqlite" or (dialect == "mysql" and column.type is _T.UUID):
        return None
    return _WIDEST.get(column.type)


def cell(ref: exp.Expression, column: Column, dialect: Dialect) -> exp.Expression:
    """Return the expression that is selected for a column.

    Raises:
        ValueUnfit: the engine has no such type.
    """
    if column.type in _FOREIGN[dialect]:
        raise ValueUnfit(f"{dialect} has no {column.type.value}")
    if dialect == "postgres":
        return trees.cast_to(trees.call("ARRAY_TO_JSON", ref) if column.type is _T.ARRAY else ref, "text")
    return ref if dialect == "sqlite" else _mysql_cell(ref, column.type)


def _mysql_cell(ref: exp.Expression, kind: ColumnType) -> exp.Expression:
    if kind in {_T.TEXT, _T.JSON}:
        return trees.utf8(ref)
    if kind is _T.BYTES:
        return trees.call("HEX", ref)
    if kind is _T.FLOAT:
        # Through DOUBLE, or a FLOAT would be printed with six digits and two different ones would look the same.
        return trees.cast_to(trees.cast_to(ref, "DOUBLE"), "CHAR")
    if kind in {_T.INTEGER, _T.BOOLEAN, _T.BITS}:
        return exp.Add(this=ref, expression=exp.Literal.number(0))
    return trees.cast_to(ref, "CHAR")


def size(ref: exp.Expression, column: Column, dialect: Dialect) -> exp.Expression:
    """Return the bytes of the cell's token, NULL for NULL, without making the token where the engine can do so."""
    if column.type is _T.BYTES:
        raw = trees.call("LENGTH" if dialect == "sqlite" else "OCTET_LENGTH", ref)
        return exp.Mul(this=raw, expression=exp.Literal.number(2))
    if dialect == "sqlite":
        return trees.call("LENGTH", trees.cast_to(ref, "blob"))
    return trees.call("OCTET_LENGTH", cell(ref, column, dialect))


def reader(column: Column, dialect: Dialect) -> Reader:
    """Return how a raw cell becomes a token."""
    if dialect == "postgres":
        return as_is
    if is_cased(column, dialect):
        return _one_case
    return (_MYSQL_READERS if dialect == "mysql" else _SQLITE_READERS).get(column.type, _text)


def binder(column: Column, dialect: Dialect) -> Binder:
    """Return how a token becomes a bound value."""
    if dialect == "postgres":
        return as_is
    return (_MYSQL_BINDERS if dialect == "mysql" else _SQLITE_BINDERS).get(column.type, as_is)


def bound(number: int, column: Column, dialect: Dialect) -> exp.Expression:
    """Return parameter `number` as a value of the column's own type.

    On Postgres it travels as text: the driver's own conversions would round, cut or refuse what the server takes exactly.
    """
    value = trees.placeholder(number, dialect)
    if dialect == "mysql":
        # A float is bound as text, and compared as the double that the text says.
        return trees.cast_to(value, "DOUBLE") if column.type is _T.FLOAT else value
    if dialect == "sqlite":
        return value
    native = column.native.removeprefix(ENUM) or _NATIVE.get(column.type)
    if native is None:
        raise ValueUnfit(f"{column.type.value} cannot be bound")
    return trees.cast_to(trees.cast_to(value, "text"), native)


def compared(number: int, column: Column, dialect: Dialect) -> exp.Expression:
    """Return parameter `number` as what a column is compared with: what the column could never hold differs, and fails nothing."""
    if dialect == "postgres" and column.is_enum:
        return _label(number, column)
    if dialect == "postgres" and column.native in _NARROW:
        return bound(number, replace(column, native="bigint"), dialect)
    if dialect == "mysql" and (collation := _words(column)[1]):
        return trees.collated(trees.placeholder(number, dialect), collation)
    return bound(number, column, dialect)


def spellings(number: int, column: Column, dialect: Dialect) -> list[exp.Expression]:
    """Return parameter `number` in each way in which a column that equals it may spell it."""
    value = compared(number, column, dialect)
    return [value, trees.call("UPPER", value.copy())] if is_cased(column, dialect) else [value]


def is_cased(column: Column, dialect: Dialect) -> bool:
    """Tell whether a column keeps UUIDs as text whose small letters and capitals the engine takes for two."""
    if column.type is not _T.UUID:
        return False
    return dialect == "sqlite" or (dialect == "mysql" and _words(column)[1].endswith(CASED))


def uncased(ref: exp.Expression, column: Column, dialect: Dialect) -> exp.Expression:
    """Return a column with its UUIDs in small letters, as their tokens are."""
    return trees.call("LOWER", ref) if column.type is _T.UUID and dialect != "postgres" else ref


def _words(column: Column) -> tuple[str, str]:
    """Return MySQL's name of a type and a collation, each "" where it does not matter."""
    word, _, collation = column.native.partition(COLLATE)
    return word.rstrip(), collation


def _label(number: int, column: Column) -> exp.Expression:
    """Return a parameter as a label of a Postgres enum, or NULL where it is none: a cast of anything else would be an error."""
    native = column.native.removeprefix(ENUM)
    every = trees.call("UNNEST", trees.call("ENUM_RANGE", trees.cast_to(exp.null(), native)))
    name = exp.to_identifier("label", quoted=True)
    label = exp.Column(this=name)
    wanted = trees.cast_to(trees.placeholder(number, "postgres"), "text")
    same = exp.EQ(this=trees.cast_to(label, "text"), expression=wanted)
    known = exp.Select().select(label.copy(), copy=False)
    known = known.from_(exp.Table(this=every, alias=exp.TableAlias(this=name.copy())), copy=False)
    return known.where(same, copy=False).subquery(copy=False)


def sortable(ref: exp.Expression, column: Column, dialect: Dialect) -> exp.Expression:
    """Return a column as what it is compared and ordered by; SQLite keeps decimals and timestamps as text, in which 10 comes before 9."""
    if dialect != "sqlite" or column.type not in _BY_VALUE:
        return ref
    rule = exp.to_identifier(_BY_VALUE[column.type], quoted=True)
    return exp.Collate(this=trees.cast_to(ref, "text"), expression=rule)


def comparable(ref: exp.Expression, column: Column, dialect: Dialect) -> exp.Expression:
    """Return a column as what more and less are told by, in an order as in a filter.

    MySQL orders the words of a list by their place and compares them by their letters: here it is the letters for both. What was seen
    of a UUID are small letters, so they are what it is placed by.
    """
    if is_cased(column, dialect):
        return uncased(ref, column, dialect)
    if dialect == "mysql" and _words(column)[0] in LISTED:
        return trees.utf8(ref)
    return sortable(ref, column, dialect)


def held(number: int, column: Column, dialect: Dialect) -> exp.Expression:
    """Return parameter `number`, which a row was seen to hold, as what stands beside `comparable`."""
    return bound(number, column, dialect) if dialect == "mysql" else compared(number, column, dialect)


def as_is(value: Any) -> Any:
    """Return the value itself."""
    return value


def _text(value: Any) -> Token:
    if value is None or type(value) is str:
        return value
    raise ValueUnfit("not stored as text")


def _digits(value: Any) -> Token:
    if value is None or type(value) is int:
        return None if value is None else str(value)
    raise ValueUnfit("not stored as an integer")


def _digits_text(value: Any) -> Token:
    return value if type(value) is str else _digits(value)


def _truth(value: Any) -> Token:
    digits = _digits_text(value)
    return None if digits is None else {"0": "false", "1": "true"}.get(digits, digits)


def _hexadecimal(value: Any) -> Token:
    text = _text(value)
    return None if text is None else f"\\x{text.lower()}"


def _blob(value: Any) -> Token:
    if value is None or type(value) is bytes:
        return None if value is None else f"\\x{value.hex()}"
    raise ValueUnfit("not stored as bytes")


def _trimmed(value: Any) -> Token:
    text = _text(value)
    return text.rstrip("0").rstrip(".") if text is not None and "." in text else text


def _zoned(value: Any) -> Token:
    text = _trimmed(value)
    return None if text is None else f"{text}+00"


def _lower(value: Any) -> Token:
    text = _text(value)
    return None if text is None else text.lower()


def _one_case(value: Any) -> Token:
    text = _text(value)
    if text is not None and text not in {text.lower(), text.upper()}:
        raise ValueUnfit("not stored as a UUID that can be found again")
    return _lower(text)


def _decimal(value: Any) -> Token:
    text = _text(value)
    try:
        return None if text is None else format(Decimal(text), "f")
    except InvalidOperation:
        raise ValueUnfit("not stored as a number") from None


def _bits(value: Any) -> Token:
    try:
        return None if value is None else format(int(value), "b")
    except ValueError:
        raise ValueUnfit("not stored as bits") from None


def _real(value: Any) -> Token:
    return repr(value) if type(value) is float else _digits(value)


def _decimal_text(value: Any) -> Token:
    return value if type(value) is str else _real(value)


def _flag(value: Any) -> Token:
    return _truth(_digits(value))


def _from_digits(token: Token) -> Any:
    return None if token is None else int(token)


def _from_decimal(token: Token) -> Any:
    return None if token is None else Decimal(token)


def _from_float(token: Token) -> Any:
    return None if token is None else float(token)


def _from_truth(token: Token) -> Any:
    return None if token is None else {"false": 0, "true": 1}.get(token, token)


def _from_bits(token: Token) -> Any:
    return None if token is None else int(token, 2)


def _from_hexadecimal(token: Token) -> Any:
    return None if token is None else bytes.fromhex(token.removeprefix("\\x"))


def _from_zoned(token: Token) -> Any:
    return None if token is None else token.removesuffix("+00")


# A MySQL adapter may let its driver convert integers or leave every cell as the text the server sent.
_MYSQL_READERS: dict[ColumnType, Reader] = {
    _T.INTEGER: _digits_text,
    _T.NUMERIC: _decimal,
    _T.BOOLEAN: _truth,
    _T.TIME: _trimmed,
    _T.TIMESTAMP: _trimmed,
    _T.TIMESTAMPTZ: _zoned,
    _T.UUID: _lower,  # unless their case counts
    _T.BYTES: _hexadecimal,
    _T.BITS: _bits,
}
_MYSQL_BINDERS: dict[ColumnType, Binder] = {
    _T.INTEGER: _from_digits,
    _T.NUMERIC: _from_decimal,  # of every size that a column may have, where a cast would clip what is too large for it
    _T.BOOLEAN: _from_truth,
    _T.TIMESTAMPTZ: _from_zoned,
    _T.BYTES: _from_hexadecimal,
    _T.BITS: _from_bits,
}
# SQLite stores dates, times and decimals as the text that was given: that text is the token, unchanged.
_SQLITE_READERS: dict[ColumnType, Reader] = {
    _T.INTEGER: _digits,
    _T.NUMERIC: _decimal_text,
    _T.FLOAT: _real,
    _T.BOOLEAN: _flag,
    _T.BYTES: _blob,
}
_SQLITE_BINDERS: dict[ColumnType, Binder] = {
    _T.INTEGER: _from_digits,
    _T.FLOAT: _from_float,
    _T.BOOLEAN: _from_truth,
    _T.BYTES: _from_hexadecimal,
}
