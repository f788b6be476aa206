"""Values from arguments and constants to the token that the database itself would print.

Strict both ways: what would have to be rounded, cut or coerced to fit is refused, because an approved value must be the stored value.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from decimal import Decimal, InvalidOperation
from typing import Any

from synapsor.contract.mapping import ColumnRule
from synapsor.values import ColumnType, Token, ValueUnfit, lone_surrogate

_MOST_DIGITS = 100
INT64 = range(-(2**63), 2**63)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", re.ASCII)
_STAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?)(Z|[+-][0-9]{2}:[0-9]{2})?\Z",
    re.ASCII,
)
_NUMERIC = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?\Z", re.ASCII)


def to_token(value: Any, rule: ColumnRule) -> Token:
    """Return the token that the database would print after storing `value` in a column of this rule.

    Raises:
        ValueUnfit: the value is of another type, or would be changed by storing it.
    """
    if value is None:
        return None
    writer = _WRITERS.get(rule.type)
    if writer is None:
        raise ValueUnfit(f"{rule.type.value} cannot be written")
    token = writer(value, rule)
    if rule.one_of is not None and token not in rule.one_of:
        raise ValueUnfit("not one of the reviewed values")
    return token


def _text(value: Any, rule: ColumnRule) -> str:
    if type(value) is not str:
        raise ValueUnfit("not text")
    if "\0" in value or lone_surrogate(value):
        raise ValueUnfit("holds NUL or a lone surrogate")
    if rule.max_length is not None and len(value) > rule.max_length:
        raise ValueUnfit("longer than the column")
    return value


def _integer(value: Any, rule: ColumnRule) -> str:
    if type(value) is not int or value not in INT64:
        raise ValueUnfit("not a 64-bit integer")
    if (rule.minimum is not None and value < rule.minimum) or (rule.maximum is not None and value > rule.maximum):
        raise ValueUnfit("outside the column's range")
    return str(value)


def _numeric(value: Any, rule: ColumnRule) -> str:
    if type(value) is int:
        value = str(value)
    if type(value) is not str or len(value) > _MOST_DIGITS or not _NUMERIC.match(value):
        raise ValueUnfit("not a decimal number written out in digits")
    if rule.scale is None:
        return value.removeprefix("-") if Decimal(value) == 0 else value  # no database prints a negative zero
    try:
        exact = Decimal(value).quantize(Decimal(1).scaleb(-rule.scale))
    except InvalidOperation:
        raise ValueUnfit("too many digits") from None
    if exact != Decimal(value):
        raise ValueUnfit("more decimal places than the column keeps")
    return format(abs(exact) if exact == 0 else exact, "f")


def _boolean(value: Any, _: ColumnRule) -> str:
    if type(value) is not bool:
        raise ValueUnfit("not a boolean")
    return "true" if value else "false"


def _date(value: Any, _: ColumnRule) -> str:
    if type(value) is not str or not _DATE.match(value):
        raise ValueUnfit("not a date YYYY-MM-DD")
    try:
        return dt.date.fromisoformat(value).isoformat()
    except ValueError:
        raise ValueUnfit("not a date") from None


def _timestamp(value: Any, rule: ColumnRule) -> str:
    zoned = rule.type is ColumnType.TIMESTAMPTZ
    found = _STAMP.match(value) if type(value) is str else None
    if found is None or bool(found[3]) != zoned:
        raise ValueUnfit("not an ISO 8601 timestamp " + ("with its zone" if zoned else "without a zone"))
    try:
        moment = dt.datetime.fromisoformat(f"{found[1]} {found[2]}{(found[3] or '').replace('Z', '+00:00')}")
        moment = moment.astimezone(dt.UTC) if zoned else moment
    except (ValueError, OverflowError):
        raise ValueUnfit("not a timestamp") from None
    text = moment.strftime("%Y-%m-%d %H:%M:%S").rjust(19, "0")
    fraction = f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else ""
    return text + fraction + ("+00" if zoned else "")


def _uuid(value: Any, _: ColumnRule) -> str:
    try:
        parsed = uuid.UUID(value) if type(value) is str else None
    except ValueError:
        parsed = None
    if parsed is None or str(parsed) != value:
        raise ValueUnfit("not a UUID in lower-case canonical form")
    return str(parsed)


_WRITERS = {
    ColumnType.TEXT: _text,
    ColumnType.INTEGER: _integer,
    ColumnType.NUMERIC: _numeric,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.DATE: _date,
    ColumnType.TIMESTAMP: _timestamp,
    ColumnType.TIMESTAMPTZ: _timestamp,
    ColumnType.UUID: _uuid,
}
