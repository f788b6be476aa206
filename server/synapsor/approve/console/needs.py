"""What the console needs of the outside: the ledger to look through and decide in, and a walk over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from synapsor.core.overview import Found, Happened, JobState, RefusedAttempt, Search, Tallies
from synapsor.ports import ReviewLedger


class Overview(Protocol):
    """What a person asks of the whole record at once; `ledger.overview` answers. Moments are stamps (`core.moment.stamp`).

    Raises, from every method:
        LedgerFailure: it cannot be read.
    """

    async def waiting(self, search: Search, *, after: int | None, now: str, limit: int) -> Found:
        """Return a page of what is in review and in time at `now`, oldest first; `after` is the `next` of the page before, None at first.

        Of the search neither `status` nor `operator` counts. A page may hold fewer than `limit` though there are more: `next` tells.
        """
        ...

    async def count_waiting(self, *, now: str) -> int:
        """Return how many are in review and in time at `now`."""
        ...

    async def capabilities_waiting(self, *, now: str, limit: int) -> dict[str, int]:
        """Return how many wait, by capability, for at most so many capabilities."""
        ...

    async def found(self, search: Search, *, before: int | None, limit: int) -> Found:
        """Return a page of proposals however they stand, newest first; `before` is the `next` of the page before, None at first.

        A page may hold fewer than `limit` though there are more: `next` tells.
        """
        ...

    async def jobs(self, *, limit: int) -> tuple[JobState, ...]:
        """Return the jobs that are open, oldest first, and then the newest of the others; at most `limit` of each are looked for."""
        ...

    async def open_jobs(self, *, dead: bool, limit: int) -> tuple[JobState, ...]:
        """Return the oldest jobs that are not done, or of them only those that were given up."""
        ...

    async def job(self, handle: str) -> JobState | None:
        """Return a job as it stands, or None where there is none of this handle."""
        ...

    async def refused_about(self, about: str, *, limit: int) -> tuple[RefusedAttempt, ...]:
        """Return the newest refused attempts that were about one thing that is no proposal, newest first."""
        ...

    async def refused(self, *, limit: int) -> tuple[RefusedAttempt, ...]:
        """Return the newest attempts at a decision that were refused, newest first."""
        ...

    async def contracts(self, *, limit: int) -> dict[str, int]:
        """Return how often each contract was activated, by name, for at most so many contracts."""
        ...

    async def changes(self, *, after: int) -> tuple[Happened, ...]:
        """Return what happened after the event of this number, oldest first and without reads; of very much the first part alone."""
        ...

    async def signed(self) -> tuple[int, str] | None:
        """Return the number of the last event that is under a signed checkpoint and when that was signed, or None before the first."""
        ...

    async def tallies(self, *, since: str) -> Tallies:
        """Return the counts of each day (UTC) since a moment; `cut` says that there was more than was counted."""
        ...


class ConsoleLedger(ReviewLedger, Protocol):
    """A ledger for a person to look through and decide in."""

    @property
    def overview(self) -> Overview:
        """What is asked of the whole record."""
        ...

    @property
    def public_key(self) -> str:
        """The key that its checkpoints hold with: raw Ed25519, base64."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a walk over the ledger found.

    Attributes:
        events, checkpoints: how many were walked over.
        head: the number and the hash of the last event.
        broken: the first place that does not hold, or "" where everything does.
    """

    events: int
    checkpoints: int
    head: tuple[int, str]
    broken: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A way to log in, as the login page offers it: what the button says, and where it leads by POST."""

    title: str
    words: str
    path: str
