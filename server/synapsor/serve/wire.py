"""One JSON-RPC message from bytes, read strictly; every transport reads with these rules before the SDK sees anything.

A text with two readings is refused rather than read one way: duplicate keys, NaN, infinite numbers, lone surrogates and batches. An
error answer holds fixed words only, never what was sent.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from mcp.types import INTERNAL_ERROR, INVALID_REQUEST, PARSE_ERROR, JSONRPCMessage, jsonrpc_message_adapter
from pydantic import ValidationError

_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


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
        Malformed: it is not JSON, or JSON with more than one reading.
    """
    try:
        text = data.decode()
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
    value = parse(data)
    if not isinstance(value, dict):
        raise Malformed(INVALID_REQUEST, "One JSON-RPC message is expected")
    try:
        message: JSONRPCMessage = jsonrpc_message_adapter.validate_python(value, by_name=False)
    except ValidationError:
        raise Malformed(INVALID_REQUEST, "Invalid request", _request_id(value)) from None
    if "method" in value and "id" in value and not hasattr(message, "id"):
        # The notification model ignores an unusable id; such a message is a request that is owed an error.
        raise Malformed(INVALID_REQUEST, "Invalid request")
    return message


def _request_id(value: dict[str, Any]) -> str | int | None:
    given = value.get("id")
    return given if type(given) in {str, int} else None


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
