"""The values of a job as Python has them, and whether a value that a database gave back is the one that was approved.

A job carries tokens, the text that a database prints; an application compares what they mean, so that 10.10 is 10.1.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final


def value_of(token: str | None, kind: str) -> Any:
    """Return a token as Python has it; a type that Python does not have stays text."""
    reader = _READERS.get(kind)
    if token is None or reader is None:
        return token
    try:
        return reader(token)
    except (ValueError, KeyError, InvalidOperation):
        return token  # such as `infinity`, which is no date of Python's


def is_same(token: str | None, given: Any, kind: str) -> bool:
    """Tell whether a value of a database is the one that a token stands for."""
    if token is None or given is None:
        return token is given
    if kind in _DOCUMENTS:
        return _are_one_document(token, given)
    wanted = value_of(token, kind)
    try:
        like = _like(given, kind)
        return isinstance(like, bool) == isinstance(wanted, bool) and bool(like == wanted)
    except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation):
        return False


def _are_one_document(token: str, given: Any) -> bool:
    """Tell whether two documents are the same, number by number as they are written: to Python 1 is true, and a long number another one."""
    try:
        told = json.loads(given, parse_int=Decimal, parse_float=Decimal) if isinstance(given, str) else given
        return bool(_marked(told) == _marked(json.loads(token, parse_int=Decimal, parse_float=Decimal)))
    except (ValueError, RecursionError):
        return bool(given == token)


def _marked(value: Any) -> Any:
    """Return a part of a document with its kind beside each number and truth."""
    if isinstance(value, Mapping):
        return {name: _marked(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_marked(each) for each in value]
    if isinstance(value, bool):
        return (bool, value)
    return (Decimal, _number(value)) if isinstance(value, int | float | Decimal) else value


def _like(given: Any, kind: str) -> Any:
    """Return a value in the form that `value_of` gives its type."""
    if isinstance(given, str) and kind not in {"integer", "numeric", "uuid"}:
        return value_of(given, kind)
    like = _LIKE.get(kind)
    return given if like is None else like(given)


def _bit(given: Any) -> Any:
    return _BITS[given] if type(given) is int else given


def _uuid(given: Any) -> Any:
    return given if isinstance(given, uuid.UUID) else uuid.UUID(given)


def _in_utc(given: Any) -> Any:
    return given.replace(tzinfo=dt.UTC) if given.tzinfo is None else given


def _word(given: Any) -> Any:
    return str(given) if isinstance(given, uuid.UUID) else given


def _raw(given: Any) -> Any:
    return bytes(given) if isinstance(given, memoryview | bytearray) else given


def _number(given: Any) -> Decimal:
    if isinstance(given, bool):
        raise TypeError("a truth is no number")
    return Decimal(repr(given) if isinstance(given, float) else given)


def _integer(token: str) -> int:
    return int(token)


def _moment(token: str) -> dt.datetime:
    at = dt.datetime.fromisoformat(token)
    return at if at.tzinfo is None else at.astimezone(dt.UTC)


def _zoned(token: str) -> dt.datetime:
    at = _moment(token)
    return at if at.tzinfo is not None else at.replace(tzinfo=dt.UTC)


def _truth(token: str) -> bool:
    return _TRUTHS[token]


def _bytes(token: str) -> bytes:
    return bytes.fromhex(token.removeprefix("\\x"))


_DOCUMENTS: Final = frozenset({"json", "array"})
_BITS: Final = {0: False, 1: True}
_LIKE: Final[dict[str, Callable[[Any], Any]]] = {
    "boolean": _bit,
    "integer": _number,
    "numeric": _number,
    "uuid": _uuid,
    "timestamptz": _in_utc,
    "text": _word,
    "bytes": _raw,
}
_TRUTHS: Final = {"true": True, "false": False, "t": True, "f": False, "1": True, "0": False}
_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "integer": _integer,
    "numeric": Decimal,
    "float": float,
    "boolean": _truth,
    "date": dt.date.fromisoformat,
    "time": dt.time.fromisoformat,
    "timestamp": _moment,
    "timestamptz": _zoned,
    "uuid": uuid.UUID,
    "bytes": _bytes,
    "json": json.loads,
    "array": json.loads,
}
