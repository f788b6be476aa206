"""Values that are given on a command line, NAME=TEXT or NAME:=JSON, read as strictly as a model's are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from synapsor.errors import UsageError

_PAIR = re.compile(r"([a-z][a-z0-9_]{0,62})(:?=)(.*)", re.DOTALL)


def pairs(given: Iterable[str], option: str) -> dict[str, Any]:
    """Return the named values.

    Raises:
        UsageError: one is not of this form, or a name stands here twice.
    """
    found: dict[str, Any] = {}
    for pair in given:
        parts = _PAIR.fullmatch(pair)
        if parts is None or parts[1] in found:
            raise UsageError(
                f"{option} takes NAME=TEXT or NAME:=JSON, each name once.", fix=f"Write it as {option} name=value."
            )
        found[parts[1]] = parts[3] if parts[2] == "=" else parsed(parts[3], option)
    return found


def parsed(text: str, option: str) -> Any:
    """Return the JSON value of a text.

    Raises:
        UsageError: it is none, or a key stands in it twice.
    """
    try:
        return json.loads(text, object_pairs_hook=_no_twins)
    except (ValueError, RecursionError):
        raise UsageError(
            f"{option} is not valid JSON, or a key stands in it twice.", fix="Quote it for the shell: '{\"cents\": 5}'."
        ) from None


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands here twice")
    return found
