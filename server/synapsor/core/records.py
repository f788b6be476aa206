"""Records to canonical bodies and back: a frozen dataclass of text, integers, tuples and dicts is its own schema."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")


def to_body(record: Any) -> dict[str, Any]:
    """Return the record as JSON data, field by field; tuples become lists."""
    return {f.name: _thaw(getattr(record, f.name)) for f in fields(record)}


def from_body(kind: type[T], body: dict[str, Any]) -> T:
    """Return the record whose body this is; lists become tuples.

    Raises:
        TypeError: a field is missing or unknown.
    """
    return kind(**{name: _freeze(value) for name, value in body.items()})


def _thaw(value: Any) -> Any:
    return [_thaw(v) for v in value] if isinstance(value, tuple) else value


def _freeze(value: Any) -> Any:
    return tuple(_freeze(v) for v in value) if isinstance(value, list) else value
