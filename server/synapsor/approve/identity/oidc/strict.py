"""JSON of a provider or a token, read in one way only: a key said twice, a number that is none or a depth without end is refused."""

from __future__ import annotations

import json
from typing import Any, NoReturn

_MAX_DIGITS = 40


class Unreadable(ValueError):
    """It is not one JSON object; the message says nothing of it."""


def json_object(data: bytes) -> dict[str, Any]:
    """Return the object that these bytes are.

    Raises:
        Unreadable: they are not exactly one.
    """
    try:
        found = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_once,
            parse_constant=_no_number,
            parse_int=_whole,
            parse_float=_real,
        )
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Unreadable
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable
    return found


def _no_number(_: str) -> NoReturn:
    raise Unreadable


def _whole(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise Unreadable
    return int(text)


def _real(text: str) -> float:
    if len(text) > _MAX_DIGITS or (number := float(text)) in {float("inf"), float("-inf")}:
        raise Unreadable
    return number
