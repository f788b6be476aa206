"""Plain data as the YAML that our own strict reader reads back alike: block style for what is reviewed line by line, flow for the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

_WIDTH: Final = 110
_LINES: Final = frozenset({"columns", "arguments", "relations"})
"""Keys whose parts stand on a line each, however short they are."""
_SECTIONS: Final = 2
_WORD: Final = re.compile(r"\$?[A-Za-z_][A-Za-z0-9_]*(?:[.-][A-Za-z0-9_]+)*|-[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_PROSE: Final = re.compile(r"[A-Za-z][A-Za-z0-9 .()/;_'-]*[A-Za-z0-9.)]", re.ASCII)
_READ_OTHERWISE: Final = re.compile(r"(?:y|n|yes|no|on|off|true|false|null)", re.IGNORECASE)


def render(data: dict[str, Any], *, wide: int = _WIDTH) -> str:
    """Return the text of a mapping, in lines of at most `wide` characters where its parts allow that."""
    return "\n".join(_mapping(data, 0, wide)) + "\n"


def _mapping(data: dict[str, Any], level: int, wide: int, *, lines: bool = False) -> Iterator[str]:
    pad = "  " * level
    for key, value in data.items():
        short = f"{pad}{_scalar(key)}: {_flow(value)}"
        listed = key in _LINES and not lines
        if not isinstance(value, dict | list) or not value or _fits(short, value, level, wide, listed=listed):
            yield short if isinstance(value, dict | list) else f"{pad}{_scalar(key)}: {_scalar(value, prose=True)}"
            continue
        if level == 0:
            yield ""
        yield f"{pad}{_scalar(key)}:"
        if isinstance(value, dict):
            yield from _mapping(value, level + 1, wide, lines=listed)
        else:
            yield from (f"{pad}  - {_flow(item)}" for item in value)


def _fits(short: str, value: Any, level: int, wide: int, *, listed: bool) -> bool:
    if len(short) > wide or listed:
        return False
    return level >= _SECTIONS or not any(isinstance(item, dict | list) for item in _items(value))


def _items(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else list(value)


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return _scalar(value)


def _scalar(value: Any, *, prose: bool = False) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    plain = _WORD.fullmatch(value) or (prose and _PROSE.fullmatch(value))
    if plain and not _READ_OTHERWISE.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=False)
