"""A statement ready for a driver: text with placeholders, bound values, and the way back from raw cells to canonical tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from synapsor.values import Token

Dialect = Literal["postgres", "mysql", "sqlite"]
"""How a source speaks; MariaDB is `mysql` here, and adapters know the rest."""

RawRow = Sequence[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of one call.

    Attributes:
        text: SQL with `$1…` (postgres), `%(p1)s…` (mysql) or `:p1…` (sqlite); it holds no value of the call.
        params: the bound values, p1 first.
        readers: per result column, how a raw cell becomes a canonical token.
        told: settings of the transaction that it runs in, set before it; only Postgres has such.
    """

    text: str
    params: tuple[Any, ...]
    readers: tuple[Callable[[Any], Token], ...] = ()
    told: Statement | None = None

    def decode(self, rows: Sequence[RawRow]) -> list[tuple[Token, ...]]:
        """Return the rows as canonical tokens."""
        readers = self.readers
        return [tuple([read(cell) for read, cell in zip(readers, row, strict=True)]) for row in rows]
