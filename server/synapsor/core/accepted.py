"""What an application has accepted and not done yet: how it is told in the chain, and since when and until when it waits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

ACCEPTED: Final = "job_accepted"
"""The kind of the event by which a worker says that an application has accepted a job. It is never taken back: what it did may be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """That an application has accepted a job.

    Attributes:
        until: from this moment on a person is to look, where nobody knows by then what has come of it.
    """

    at: str
    until: str


def accepted_of(events: Iterable[Mapping[str, Any]]) -> Accepted | None:
    """Return that the job of these events was accepted, or None; the first word counts, no later one prolongs it."""
    first = next((event for event in events if event["kind"] == ACCEPTED), None)
    if first is None:
        return None
    return Accepted(at=str(first["at"]), until=str(first["facts"].get("until", "")))
