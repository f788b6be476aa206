"""What the console is given, and no more: the ledger, whom to trust, the clock, and how far each source is up the ladder."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from synapsor.approve.console.sessions import Sessions
from synapsor.approve.console.way import Way
from synapsor.config import Mode
from synapsor.config.console import ConsoleConfig
from synapsor.core.overview import Found, Happened, JobState, RefusedAttempt, Search, Tallies
from synapsor.core.statements import Operator
from synapsor.ports import Clock, ReviewLedger

if TYPE_CHECKING:
    from synapsor.approve.console.live import Pulse
    from synapsor.approve.console.login import LoginMethod
    from synapsor.approve.console.verifying import Verifying


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

    async def head(self) -> tuple[int, str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a walk over the ledger found: how much holds, and the first place that does not, or ""."""

    events: int
    checkpoints: int
    head: tuple[int, str]
    broken: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the command hands to the console.

    Attributes:
        modes: how far each source is up the ladder, by its name.
        verify: walks over the whole ledger, beside the console's own work.
        methods: further ways to log in, besides one's own key.
    """

    ledger: ConsoleLedger
    clock: Clock
    operators: Callable[[], Mapping[str, Operator]]
    config: ConsoleConfig
    way: Way
    profile: Literal["development", "production"]
    modes: Mapping[str, Mode]
    automatic: bool
    verify: Callable[[], Awaitable[Held]]
    methods: tuple[LoginMethod, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What every page has at hand."""

    given: Given
    sessions: Sessions
    pulse: Pulse
    verifying: Verifying
    methods: Mapping[str, LoginMethod]

    @property
    def ledger(self) -> ConsoleLedger:
        """The ledger."""
        return self.given.ledger

    @property
    def overview(self) -> Overview:
        """The whole record."""
        return self.given.ledger.overview

    def now(self) -> dt.datetime:
        """Return the present instant."""
        return self.given.clock.now()

    def operators(self) -> Mapping[str, Operator]:
        """Return whom the project trusts at this moment."""
        return self.given.operators()
