"""The heartbeat of the leases in hand: one task prolongs all of them in one transaction of the ledger, and knows until when each is held.

What passes of time is measured by a clock that nobody can set, from before the ledger was asked: so a lane that was paused, or could not reach
the ledger, knows by itself that its job may be somebody else's by now.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import anyio

from synapsor.core.moment import stamp
from synapsor.core.writeback import Lease
from synapsor.errors import LedgerFailure, place
from synapsor.ports import Clock, WorkLedger

log = logging.getLogger("synapsor.worker")

LOST = float("-inf")


def elapsed() -> float:
    """Return the seconds since the machine started; those are counted in which it slept, where the system tells them."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(kw_only=True)
class Heartbeat:
    """Keeps leases for as long as they are in hand; `seconds` is how long one lasts."""

    ledger: WorkLedger
    clock: Clock
    elapsed: Callable[[], float]
    seconds: float
    _held: dict[str, Lease] = field(default_factory=dict, init=False)
    _until: dict[str, float] = field(default_factory=dict, init=False)
    _over: anyio.Event = field(default_factory=anyio.Event, init=False)

    def lasting(self) -> tuple[float, str]:
        """Return this moment by the clock that nobody can set, and until when a lease of now is: to be asked before the ledger is."""
        return self.elapsed(), stamp(self.clock.now() + dt.timedelta(seconds=self.seconds))

    def take(self, leases: Iterable[Lease], *, since: float) -> None:
        """Keep leases that were taken for a moment of `lasting`."""
        for lease in leases:
            self._held[lease.id] = lease
            self._until[lease.id] = since + self.seconds

    def drop(self, lease: Lease) -> None:
        """Let a lease go with its job."""
        self._held.pop(lease.id, None)
        self._until.pop(lease.id, None)

    def holds(self, lease: Lease) -> bool:
        """Tell whether a lease is certainly held now."""
        return self.elapsed() < self._until.get(lease.id, LOST)

    async def beat(self) -> None:
        """Prolong all leases in hand, and mark those that were lost."""
        asked = tuple(self._held.values())
        if not asked:
            return
        since, until = self.lasting()
        try:
            kept = await self.ledger.renew(asked, until=until)
        except LedgerFailure:
            log.warning("%d leases not renewed", len(asked), extra={"action": "renew_failed"})
            return
        for lease in asked:
            if lease.id in self._until:
                self._until[lease.id] = since + self.seconds if lease.id in kept else LOST

    async def keep(self) -> None:
        """Beat three times in the life of a lease, until it is over; whoever is canceled, jobs in hand are finished first."""
        with anyio.CancelScope(shield=True):
            while not self._over.is_set():
                with anyio.move_on_after(self.seconds / 3):
                    await self._over.wait()
                    return
                try:
                    await self.beat()
                except Exception as error:  # noqa: BLE001  # without a heart all lanes would stop
                    log.error("leases not renewed: %s", place(error), extra={"action": "renew_broke"})  # noqa: TRY400  # no values

    def stop(self) -> None:
        """Beat no more: no job is in hand."""
        self._over.set()
