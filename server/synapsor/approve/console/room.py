"""What the console is given, and no more: the ledger, whom to trust, the clock, and how far each source is up the ladder."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from synapsor.approve.card.looks import Looks
from synapsor.approve.console.needs import ConsoleLedger, Held, Offer, Overview
from synapsor.approve.console.pulse import Pulse
from synapsor.approve.console.sessions import Sessions
from synapsor.approve.console.verifying import Verifying
from synapsor.approve.console.way import Way
from synapsor.approve.identity.attempts import Attempts
from synapsor.config import Mode
from synapsor.config.console import ConsoleConfig
from synapsor.contract.load import LoadedContract
from synapsor.core.statements import Operator
from synapsor.errors import ConfigError
from synapsor.flow.prepare import Served
from synapsor.ports import Clock
from synapsor.web.seats import Seats


class TrustUnreadable(Exception):
    """The file of the operators, or that of their codes, cannot be read; no `SynapsorError`, for no page tells it as its own refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the command hands to the console.

    Attributes:
        modes: how far each source is up the ladder, by its name.
        receiptless: the sources that keep no receipts.
        looks: looks at the source, for who decides.
        activated: returns a capability as it is activated, over the read credential, to make a change anew by.
        contracts: the project's contracts as they are configured.
        policies: the project's policy files.
        verify: walks over the whole ledger, beside the console's own work.
        silence: says why nobody is told of what happens, where somebody should be; "" when all is well.
    """

    ledger: ConsoleLedger
    clock: Clock
    operators: Callable[[], Mapping[str, Operator]]
    config: ConsoleConfig
    way: Way
    profile: Literal["development", "production"]
    modes: Mapping[str, Mode]
    automatic: bool
    looks: Looks
    activated: Callable[[str], Awaitable[Served]]
    contracts: Callable[[], Sequence[LoadedContract]]
    verify: Callable[[], Awaitable[Held]]
    silence: Callable[[], str] = lambda: ""
    policies: tuple[Path, ...] = ()
    receiptless: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What every page has at hand; `seats` are of open pages, and `offers` the ways to log in."""

    given: Given
    sessions: Sessions
    pulse: Pulse
    seats: Seats
    verifying: Verifying
    attempts: Attempts
    offers: tuple[Offer, ...]

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
        """Return whom the project trusts at this moment.

        Raises:
            TrustUnreadable: that cannot be told, so no page can be made for anybody.
        """
        try:
            return self.given.operators()
        except (ConfigError, OSError) as error:
            raise TrustUnreadable from error
