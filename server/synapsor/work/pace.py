"""How fast a worker goes: leases, polls, retries, and how often it proves again what its sources are like."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long a lease lasts, how often to look for work, and when to give up.

    Attributes:
        poll_seconds: after which work is looked for, whatever happened: what becomes due does so without a write.
        watch_seconds: after which it is asked whether anybody has written in the ledger; then work is looked for at once.
    """

    lease_seconds: float = 30.0
    poll_seconds: float = 0.2
    watch_seconds: float = 0.02
    attempts: int = 10
    backoff_seconds: float = 0.2
    backoff_most: float = 60.0
    asked_most: float = 600.0
    posture_seconds: float = 300.0
