"""Intents: what the ledger says before something is applied to a source that keeps no receipts, and whether one stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from synapsor.core.outcome import Why

INTENDED: Final = "apply_intended"
"""The kind of the event by which an attempt says that it applies a job."""
_RECEIPT_TELLS: Final = frozenset({Why.UNKNOWN_COMMIT.value, Why.RECEIPT_RACED.value})
"""Why an attempt ended of which only the receipt tells what came of it."""
CLEARED: Final = "intent_cleared"
"""The kind of the event by which it says that this certainly had no effect."""


def standing(events: Iterable[tuple[str, Mapping[str, Any]]]) -> str | None:
    """Return the lease under which a job was to be applied last, unless that certainly had no effect; `events` are kinds and facts, in order."""
    lease: str | None = None
    for kind, facts in events:
        if kind == INTENDED:
            lease = str(facts.get("lease"))
        elif kind == CLEARED and facts.get("lease") == lease:
            lease = None
    return lease


def trusts_receipts(events: Iterable[tuple[str, Mapping[str, Any]]], *, before: int) -> bool:
    """Tell whether an attempt of before may have got through of which only a receipt in the source would tell: it kept receipts then."""
    left: set[Any] = set()
    for kind, facts in events:
        attempt = facts.get("attempt")
        if kind == "job_leased" and facts.get("receipts") and type(attempt) is int and attempt < before:
            left.add(attempt)
        elif kind == "job_released" and is_certain(str(facts.get("code"))) and facts.get("code") not in _RECEIPT_TELLS:
            left.discard(attempt)
    return bool(left)


def is_certain(code: str) -> bool:
    """Tell whether an attempt that ended without a change certainly had no effect; of one whose own code broke, nothing is known."""
    return not code.endswith(Why.INTERNAL.value)
