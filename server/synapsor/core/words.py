"""Numbers with their nouns, for sentences that a person reads: one is one, and several are several."""

from __future__ import annotations


def many(count: int, one: str, more: str = "") -> str:
    """Return `1 row`, `2 rows`, or with `more` the plural that is other than by an s."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"
