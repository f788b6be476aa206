"""One JSON-RPC message from bytes, read strictly; every transport reads with these rules before the SDK sees anything.

A text with two readings is refused rather than read one way: duplicate keys, NaN, infinite numbers, lone surrogates, many levels and
batches. What is echoed or kept is short. An error answer holds fixed words only, never what was sent but a short id.
"""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import Any, Final, NoReturn, TypeGuard

from mcp.types import INTERNAL_ERROR, INVALID_REQUEST, PARSE_ERROR, JSONRPCMessage, jsonrpc_message_adapter
from pydantic import ValidationError

from synapsor.values import too_deep

MAX_PARTS: Final = 10_000
"""Strings, lists, objects and commas of one message; a small text of many of them takes much memory and time."""
MAX_NAME: Final = 256
"""Characters of a request's id or method, which answers repeat."""
_INT64 = range(-(2**63), 2**63)
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
# A string without an end takes the rest in one piece: to look for its end from each quote again would take long.
_PART = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[{,]', re.DOTALL)


class Malformed(Exception):
    """The bytes are not one JSON-RPC message."""

    def __init__(self, code: int, message: str, request_id: str | int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.request_id = request_id

    def answer(self) -> bytes:
        """Return the JSON-RPC error that says so."""
        return error_bytes(self.code, self.message, self.request_id)


def error_bytes(code: int, message: str, request_id: str | int | None) -> bytes:
    """Return a JSON-RPC error as one line without its newline."""
    body = {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": message}}
    return json.dumps(body, separators=(",", ":")).encode()


def internal_error(request_id: str | int | None) -> bytes:
    """Return the answer for a message that could not be answered."""
    return error_bytes(INTERNAL_ERROR, "Internal error", request_id)


def parse(data: bytes) -> Any:
    """Return the JSON value.

    Raises:
        Malformed: it is not JSON, JSON with more than one reading, or of very many parts.
    """
    if len(data) > MAX_PARTS and sum(1 for _ in islice(_PART.finditer(data), MAX_PARTS + 1)) > MAX_PARTS:
        raise Malformed(INVALID_REQUEST, "The message has too many parts")
    try:
        text = _shallow(data.decode())
        value = _DECODER.decode(text)
        if _SURROGATE_ESCAPE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Malformed(PARSE_ERROR, "Parse error") from None
    return value


def message_of(data: bytes) -> JSONRPCMessage:
    """Return the message.

    Raises:
        Malformed: it is not exactly one JSON-RPC request, notification or response.
    """
    return message_from(parse(data))


def message_from(value: Any) -> JSONRPCMessage:
    """Return the message that a parsed value is.

    Raises:
        Malformed: it is not exactly one JSON-RPC request, notification or response.
    """
    if not isinstance(value, dict):
        raise Malformed(INVALID_REQUEST, "One JSON-RPC message is expected")
    try:
        message: JSONRPCMessage = jsonrpc_message_adapter.validate_python(value, by_name=False)
    except ValidationError:
        raise Malformed(INVALID_REQUEST, "Invalid request", _request_id(value)) from None
    if "method" in value and "id" in value and not hasattr(message, "id"):
        # The notification model ignores an unusable id; such a message is a request that is owed an error.
        raise Malformed(INVALID_REQUEST, "Invalid request")
    if value.get("id") is not None and not is_id(value["id"]):
        raise Malformed(INVALID_REQUEST, "Invalid request")
    if len(value.get("method", "")) > MAX_NAME:
        raise Malformed(INVALID_REQUEST, "Invalid request", _request_id(value))
    return message


def _request_id(value: dict[str, Any]) -> str | int | None:
    given = value.get("id")
    return given if is_id(given) else None


def is_id(given: Any) -> TypeGuard[str | int]:
    """Tell whether a value may be the id of a request."""
    return len(given) <= MAX_NAME if type(given) is str else type(given) is int and given in _INT64


def _shallow(text: str) -> str:
    if too_deep(text):
        raise ValueError("nested too deep")
    return text


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _refuse(_: str) -> NoReturn:
    raise ValueError("not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise ValueError("number out of range")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)
