"""Names of records: a prefix that says what it is, and 80 random bits; a handle is a name, never an authority."""

from __future__ import annotations

import secrets


def new(prefix: str) -> str:
    """Return a new handle such as `wrp_3f…` (20 hex digits)."""
    return f"{prefix}_{secrets.token_hex(10)}"
