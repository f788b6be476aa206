"""A statement ready for a driver: text with placeholders, and bound values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Dialect = Literal["postgres", "mysql", "sqlite"]
"""How a source speaks; MariaDB is `mysql` here, and adapters know the rest."""

RawRow = Sequence[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of one call.

    Attributes:
        text: SQL with `$1…` (postgres), `%(p1)s…` (mysql) or `:p1…` (sqlite); it holds no value of the call.
        params: the bound values, p1 first.
        told: settings of the transaction that it runs in, set before it; only Postgres has such.
    """

    text: str
    params: tuple[Any, ...]
    told: Statement | None = None
