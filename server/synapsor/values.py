"""Database values as exact text, their documented JSON, and digests over canonical JSON.

A value crosses the source boundary as a token: the text that the server itself prints under pinned settings, or None for NULL.
Evidence, guards and digests use tokens, so that nothing is lost to a driver's types; only a result shown to a model is JSON.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final, TypeAlias

import orjson

Token: TypeAlias = str | None
Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

SAFE_INTEGER = 2**53 - 1
"""Largest integer that every JSON reader keeps exact (RFC 8259 section 6); larger ones are given as strings."""


class ColumnType(StrEnum):
    """What a reviewed column holds; the token form of each is fixed in docs/reference/types.md."""

    TEXT = "text"
    INTEGER = "integer"
    NUMERIC = "numeric"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    TIMESTAMPTZ = "timestamptz"
    INTERVAL = "interval"
    UUID = "uuid"
    JSON = "json"
    BYTES = "bytes"
    BITS = "bits"
    ARRAY = "array"


class ValueUnfit(ValueError):
    """A value does not fit its type; the message names the rule and never the value."""


_BOOLEANS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
_INTEGER = re.compile(r"-?[0-9]+\Z")
_STAMP = re.compile(r"(-?[0-9]{4,}-[0-9]{2}-[0-9]{2}) ([0-9:.]+)(\+00(?::?00)?)?\Z")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPECIAL_FLOATS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def to_json(token: Token, kind: ColumnType) -> Json:
    """Return the documented JSON of a token.

    Raises:
        ValueUnfit: the token is not of this type, so the database no longer has the reviewed shape.
    """
    if token is None:
        return None
    reader = _READERS.get(kind)
    return token if reader is None else reader(token)


def _integer(token: str) -> Json:
    if not _INTEGER.match(token):
        raise ValueUnfit("not an integer")
    number = int(token)
    return number if -SAFE_INTEGER <= number <= SAFE_INTEGER else str(number)


def _float(token: str) -> Json:
    try:
        number = float(token)
    except ValueError:
        raise ValueUnfit("not a number") from None
    return number if math.isfinite(number) else _SPECIAL_FLOATS[str(number)]


def _numeric(token: str) -> Json:
    try:
        Decimal(token)
    except InvalidOperation:
        raise ValueUnfit("not a number") from None
    return token


def _boolean(token: str) -> Json:
    value = _BOOLEANS.get(token)
    if value is None:
        raise ValueUnfit("not a boolean")
    return value


def _timestamp(token: str) -> Json:
    found = _STAMP.match(token)
    return f"{found[1]}T{found[2]}" if found else token


def _timestamptz(token: str) -> Json:
    found = _STAMP.match(token)
    return f"{found[1]}T{found[2]}Z" if found else token


def _bytes(token: str) -> Json:
    try:
        return base64.b64encode(bytes.fromhex(token.removeprefix("\\x"))).decode()
    except ValueError:
        raise ValueUnfit("not hexadecimal") from None


def _document(token: str) -> Json:
    if too_deep(token):
        raise ValueUnfit("nested too deep to be passed on")
    try:
        loaded: Json = json.loads(token, parse_int=_integer, parse_float=_exact_float, parse_constant=str)
    except (ValueError, RecursionError):
        raise ValueUnfit("not a JSON document") from None
    return loaded


def _exact_float(text: str) -> Json:
    number = float(text)
    try:
        exact = math.isfinite(number) and Decimal(repr(number)) == Decimal(text)
    except InvalidOperation:  # an exponent beyond what a decimal number can have
        exact = False
    return number if exact else text


_READERS = {
    ColumnType.INTEGER: _integer,
    ColumnType.NUMERIC: _numeric,
    ColumnType.FLOAT: _float,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.TIMESTAMP: _timestamp,
    ColumnType.TIMESTAMPTZ: _timestamptz,
    ColumnType.BYTES: _bytes,
    ColumnType.JSON: _document,
    ColumnType.ARRAY: _document,
}


MOST_LEVELS: Final = 200
"""Levels of a JSON text that is read at all: what writes an answer follows 254, and how many Python reads differs with its version."""

_NESTING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


def too_deep(text: str) -> bool:
    """Tell whether a JSON text has more levels than any that is read."""
    if text.count("[") + text.count("{") <= MOST_LEVELS:
        return False
    level = 0
    for part in _NESTING.finditer(text):
        level += {"[": 1, "{": 1, "]": -1, "}": -1}.get(part[0], 0)
        if level > MOST_LEVELS:
            return True
    return False


def lone_surrogate(text: str) -> bool:
    """Tell whether a text holds half of a surrogate pair, which has no UTF-8."""
    return not text.isascii() and _SURROGATE.search(text) is not None


_LEVELS = 100


def canonical(value: Any) -> bytes:
    """Return the canonical JSON (RFC 8785) of data made of strings, safe integers, booleans, None, lists and dicts.

    Raises:
        ValueUnfit: a float, an unsafe integer, a non-ASCII key, a lone surrogate, more than 100 levels, or any other type.
    """
    _refuse_unsafe(value)
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        raise ValueUnfit("a lone surrogate has no canonical form") from None


def _refuse_unsafe(value: Any) -> None:
    layer = [value]
    for _ in range(_LEVELS + 1):
        deeper: list[Any] = []
        for each in layer:
            kind = type(each)
            # Nearly every item is text or nothing, of which nothing is to be said; the others are looked at in the next layer.
            if kind is dict:
                _refuse_keys(each)
                deeper += [item for item in each.values() if type(item) is not str and item is not None]
            elif kind is list or kind is tuple:
                deeper += [item for item in each if type(item) is not str and item is not None]
            else:
                _refuse_scalar(each, kind)
        if not deeper:
            return
        layer = deeper
    raise ValueUnfit("nested too deep to have a canonical form")


def _refuse_keys(value: dict[Any, Any]) -> None:
    for key in value:
        # ASCII keys sort alike by code point and by UTF-16 unit, which is what RFC 8785 asks for.
        if type(key) is not str or not key.isascii():
            raise ValueUnfit("a key must be ASCII text")


def _refuse_scalar(value: Any, kind: type) -> None:
    if kind is int:
        if not -SAFE_INTEGER <= value <= SAFE_INTEGER:
            raise ValueUnfit("an integer beyond 2^53 has no canonical form")
    elif kind is not str and kind is not bool and value is not None:
        raise ValueUnfit(f"{kind.__name__} has no canonical form")


def digest(domain: str, value: Any) -> str:
    """Return `sha256:<hex>` over the domain tag and the canonical JSON; domains keep digests of unlike things apart."""
    return digest_bytes(domain, canonical(value))


def digest_bytes(domain: str, data: bytes) -> str:
    """Return `sha256:<hex>` over the domain tag and data that is canonical already."""
    return "sha256:" + hashlib.sha256(b"synapsor:" + domain.encode() + b"\0" + data).hexdigest()
