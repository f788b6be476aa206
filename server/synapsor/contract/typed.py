"""Texts of people where a call has types: what a shell or a form can only give as text is read as the declared type wants it, and no further."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def typed(given: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Read a text as JSON where the capability takes anything but a text; what is none stays a text, for the check to refuse.

    A model's call has types and never comes through here.
    """
    kinds = {name: rule.get("type") for name, rule in schema["properties"].items()}
    return {
        n: _loose(v) if isinstance(v, str) and kinds.get(n) not in {None, "string"} else v for n, v in given.items()
    }


def _loose(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
