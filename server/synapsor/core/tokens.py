"""Trusted session values to the token of a tenant column: one type for one column, and never a coercion between them."""

from __future__ import annotations

from typing import Any

from synapsor.contract.mapping import ColumnRule
from synapsor.contract.tokens import to_token
from synapsor.values import ColumnType, ValueUnfit

_PYTHON = {ColumnType.TEXT: str, ColumnType.UUID: str, ColumnType.INTEGER: int}
_RULES = {kind: ColumnRule(type=kind) for kind in _PYTHON}


def from_trusted(value: Any, kind: ColumnType) -> str:
    """Return the token of a session value: text for text columns, an integer for integer columns, never one for the other.

    Raises:
        ValueUnfit: the value is missing or is of another type than the column.
    """
    fits = _PYTHON.get(kind)
    token = to_token(value, _RULES[kind]) if fits is not None and type(value) is fits and value != "" else None
    if token is None:
        raise ValueUnfit("the session value is not of the column's type")
    return token
