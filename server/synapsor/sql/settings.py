"""What a transaction is told of who asks, as one statement: names and values are bound, and hold until its end."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from synapsor.sql.statement import Statement


def tell(settings: Sequence[tuple[str, str]]) -> Statement | None:
    """Return the statement that sets these for the current transaction alone, or None where there are none."""
    if not settings:
        return None
    return Statement(text=_text(len(settings)), params=tuple(part for pair in settings for part in pair))


@lru_cache(maxsize=8)
def _text(count: int) -> str:
    calls = (f"pg_catalog.set_config(${2 * n + 1}::text, ${2 * n + 2}::text, true)" for n in range(count))
    return f"SELECT {', '.join(calls)}"  # numbers of placeholders
