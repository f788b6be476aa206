"""Intents: what the ledger says before something is applied to a source that keeps no receipts, and whether one stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from synapsor.core.outcome import Why

INTENDED: Final = "apply_intended"
"""The kind of the event by which an attempt says that it applies a job."""
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


def is_certain(code: str) -> bool:
    """Tell whether an attempt that ended without a change certainly had no effect; of one whose own code broke, nothing is known."""
    return not code.endswith(Why.INTERNAL.value)
