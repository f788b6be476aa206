"""Records to canonical bodies and back: a frozen dataclass of text, integers, tuples and dicts is its own schema."""

from __future__ import annotations

from dataclasses import field, fields, is_dataclass
from typing import Any, TypeVar

T = TypeVar("T")
_OF = "of"


def records_of(kind: type) -> Any:
    """Return the field of a record that holds a record of another kind, or a tuple of them."""
    return field(metadata={_OF: kind})


def record_of(kind: type) -> Any:
    """Return the field of a record that holds a record of another kind, or none."""
    return field(default=None, metadata={_OF: kind})


def to_body(record: Any) -> dict[str, Any]:
    """Return the record as JSON data, field by field; tuples become lists."""
    return {f.name: _thaw(getattr(record, f.name)) for f in fields(record)}


def from_body(kind: type[T], body: dict[str, Any]) -> T:
    """Return the record whose body this is; lists become tuples.

    Raises:
        TypeError: a field is missing or unknown.
    """
    inner = {f.name: f.metadata[_OF] for f in fields(kind) if _OF in f.metadata}  # type: ignore[arg-type]  # a dataclass
    return kind(**{n: _inner(inner[n], value) if n in inner else _freeze(value) for n, value in body.items()})


def _inner(kind: type[T], body: list[dict[str, Any]] | dict[str, Any] | None) -> tuple[T, ...] | T | None:
    if body is None:
        return None
    return tuple(from_body(kind, one) for one in body) if isinstance(body, list) else from_body(kind, body)


def _thaw(value: Any) -> Any:
    if is_dataclass(value):
        return to_body(value)
    return [_thaw(v) for v in value] if isinstance(value, tuple) else value


def _freeze(value: Any) -> Any:
    return tuple(_freeze(v) for v in value) if isinstance(value, list) else value
