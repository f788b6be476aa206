"""The ledger's history as somebody reads it who only follows it: where they stand, and what happened after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

UNREADABLE: Final = ""
"""The kind of an event that is not of the form of any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A place in a ledger's chain: the last event that was read, and its hash, which says that it is still the same chain."""

    ledger: str
    seq: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event of the chain.

    Attributes:
        subject: the handle that it happened to.
        facts: what happened beyond the records that were written with it.
    """

    seq: int
    hash: str
    at: str
    kind: str
    subject: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A proposal that waits for a decision, and since when."""

    id: str
    at: str
    expires_at: str
