"""What the console needs of the outside: the ledger to look through and decide in, and a walk over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from synapsor.core.overview import Found, Happened, JobState, RefusedAttempt, Search, Tallies
from synapsor.ports import ReviewLedger


class Overview(Protocol):
    """What a person asks of the whole record at once; `ledger.overview` answers.

    Raises, from every method:
        LedgerFailure: it cannot be read.
    """

    async def waiting(self, search: Search, *, after: int | None, now: str, limit: int) -> Found: ...

    async def count_waiting(self, *, now: str) -> int: ...

    async def capabilities_waiting(self, *, now: str, limit: int) -> dict[str, int]: ...

    async def found(self, search: Search, *, before: int | None, limit: int) -> Found: ...

    async def jobs(self, *, limit: int) -> tuple[JobState, ...]: ...

    async def refused(self, *, limit: int) -> tuple[RefusedAttempt, ...]: ...

    async def contracts(self, *, limit: int) -> dict[str, int]: ...

    async def changes(self, *, after: int) -> tuple[Happened, ...]: ...

    async def signed(self) -> tuple[int, str] | None: ...

    async def tallies(self, *, since: str) -> Tallies: ...


class ConsoleLedger(ReviewLedger, Protocol):
    """A ledger for a person to look through and decide in."""

    @property
    def overview(self) -> Overview: ...

    @property
    def public_key(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a walk over the ledger found: how much holds, and the first place that does not, or ""."""

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
