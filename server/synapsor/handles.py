"""Names of records: a prefix that says what it is, and 80 random bits; a handle is a name, never an authority."""

from __future__ import annotations

import os
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["proposal", "evidence"]
"""What a session may look up again by its handle."""
_DIGITS = 20
_AT_ONCE = 256
_drawn: list[str] = []


def new(prefix: str) -> str:
    """Return a new handle such as `wrp_3f…` (20 hex digits)."""
    while True:
        try:
            return f"{prefix}_{_drawn.pop()}"
        except IndexError:
            _draw()


def evidence_of(call: str) -> str:
    """Return the handle of a call's evidence: a call and its evidence share their digits, so one index finds both."""
    return "ev" + call[call.index("_") :]


def _draw() -> None:
    """Ask the system for many at once: each time, the asker gives up the interpreter's lock and has to win it back."""
    digits = os.urandom(_AT_ONCE * _DIGITS // 2).hex()
    _drawn.extend(digits[start : start + _DIGITS] for start in range(0, len(digits), _DIGITS))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_drawn.clear)  # a child must not use its parent's names again
