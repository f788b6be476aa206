"""The values of a job as Python has them, and whether a value that a database gave back is the one that was approved.

A job carries tokens, the text that a database prints; an application compares what they mean, so that 10.10 is 10.1.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final


def value_of(token: str | None, kind: str) -> Any:
    """Return a token as Python has it; a type that Python does not have stays text."""
    reader = _READERS.get(kind)
    if token is None or reader is None:
        return token
    try:
        return reader(token)
    except (ValueError, InvalidOperation):
        return token  # such as `infinity`, which is no date of Python's


def is_same(token: str | None, given: Any, kind: str) -> bool:
    """Tell whether a value of a database is the one that a token stands for."""
    if token is None or given is None:
        return token is given
    wanted = value_of(token, kind)
    try:
        return bool(_like(given, kind) == wanted)
    except (ValueError, TypeError, InvalidOperation):
        return False


def _like(given: Any, kind: str) -> Any:
    """Return a value in the form that `value_of` gives its type."""
    if kind == "boolean" and type(given) is int:
        return _BITS[given]
    if kind in {"integer", "numeric"}:
        return _number(given)
    if kind == "uuid":
        return given if isinstance(given, uuid.UUID) else uuid.UUID(given)
    if isinstance(given, str):
        return value_of(given, kind)
    if kind == "timestamptz" and isinstance(given, dt.datetime) and given.tzinfo is None:
        return given.replace(tzinfo=dt.UTC)
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


_BITS: Final = {0: False, 1: True}
_TRUTHS: Final = {"true": True, "false": False, "t": True, "f": False, "1": True, "0": False}
_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "integer": _integer,
    "numeric": Decimal,
    "float": float,
    "boolean": _truth,
    "date": dt.date.fromisoformat,
    "timestamp": _moment,
    "timestamptz": _zoned,
    "uuid": uuid.UUID,
    "bytes": _bytes,
}
