"""How fast a worker goes: leases, polls, retries, and how often it proves again what its sources are like."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long a lease lasts, how often to look for work, and when to give up."""

    lease_seconds: float = 30.0
    poll_seconds: float = 0.2
    attempts: int = 10
    backoff_seconds: float = 0.2
    backoff_most: float = 60.0
    asked_most: float = 600.0
    posture_seconds: float = 300.0
