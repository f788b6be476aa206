"""The trusted worker: lease a job, let a lane take it to its end, until told to stop."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio

from synapsor.core.moment import stamp
from synapsor.core.statements import Operator
from synapsor.core.writeback import Lease
from synapsor.errors import ConfigError, IntegrityError, LedgerFailure, SynapsorError, place
from synapsor.work.authority import Workbench
from synapsor.work.lane import Lane
from synapsor.work.pace import Pace
from synapsor.work.pauses import Pauses
from synapsor.work.policies import Policies
from synapsor.work.proving import Proving

log = logging.getLogger("synapsor.worker")


@dataclass(kw_only=True)
class Worker:
    """Applies approved proposals of its sources.

    Attributes:
        report: called with one plain dictionary a job, for the log line.
        permits: what alone may be applied, by contract digest and capability; None for all that is approved.
        proving: says which sources may be written now; None where nobody looks at them again.
    """

    name: str
    bench: Workbench
    pace: Pace = field(default_factory=Pace)
    report: Callable[[Mapping[str, Any]], None] = field(default=lambda _: None)
    permits: frozenset[tuple[str, str]] | None = None
    proving: Proving | None = None
    _held: tuple[str, ...] = field(default=(), init=False, repr=False)
    _policies: Policies = field(init=False, repr=False)
    _pauses: Pauses = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._policies = Policies(bench=self.bench)
        self._pauses = Pauses(bench=self.bench)

    async def run(self, *, once: bool = False, drain: bool = False, stop: anyio.Event | None = None) -> int:
        """Work until stopped, or for one job (`once`), or until none is due (`drain`); return how many were settled."""
        stop = stop or anyio.Event()
        lane = Lane(bench=self.bench, pace=self.pace, report=self.report)
        settled = 0
        while not stop.is_set():
            trusted = await self._trusted(waits=not (once or drain))
            lease = await self._next(trusted) if trusted is not None else None
            if trusted is None or lease is None:
                if once or drain:
                    break
                with anyio.move_on_after(self.pace.poll_seconds):
                    await stop.wait()
                continue
            # A job is finished or rolled back before the worker ends, whoever cancels it.
            with anyio.CancelScope(shield=True):
                settled += await lane.work(lease, trusted)
            if once:
                break
        return settled

    async def _trusted(self, *, waits: bool) -> Mapping[str, Operator] | None:
        """Return whose keys are trusted now, or None while that cannot be told: then no job is touched, and no attempt of one counted.

        Raises:
            SynapsorError: it cannot be told, and the worker is not to wait for it.
        """
        try:
            await self.bench.ledger.follow()
            trusted = self.bench.operators()
        except LedgerFailure:
            log.exception("no work can be had now", extra={"action": "lease_failed"})
            return None
        except (ConfigError, IntegrityError, OSError) as error:
            if not waits:
                raise
            self._hold(error)
            return None
        if self._held:
            log.warning("jobs are taken again", extra={"action": "trusted_again"})
            self._held = ()
        return trusted

    def _hold(self, error: Exception) -> None:
        """Say once why nothing is done."""
        told = (error.message, error.fix) if isinstance(error, SynapsorError) else ("It cannot be read.", "")
        if told != self._held:
            self._held = told
            action = "ledger_altered" if isinstance(error, IntegrityError) else "trust_unreadable"
            log.error("no job is taken: %s %s", *told, extra={"action": action})

    async def _next(self, trusted: Mapping[str, Operator]) -> Lease | None:
        now = self.bench.clock.now()
        until = now + dt.timedelta(seconds=self.pace.lease_seconds)
        try:
            await self._expire(stamp(now))
            await self._policies.approve(now)
            going = await self._pauses.going(trusted)
            writable = await self.proving.writable() if self.proving else going.sources
            return await self.bench.ledger.lease(
                self.name,
                now=stamp(now),
                until=stamp(until),
                sources=tuple(name for name in going.sources if name in writable),
                permits=self.permits,
                pauses=going.judged,
            )
        except LedgerFailure:
            log.exception("no work can be had now", extra={"action": "lease_failed"})
        except Exception as error:  # noqa: BLE001  # a record that breaks the worker's own code must not end it
            log.error("no work can be had now: %s", place(error), extra={"action": "lease_broke"})  # noqa: TRY400  # no values
        return None

    async def _expire(self, now: str) -> None:
        """Let what is past its time expire; that it cannot keeps nobody's approved change from being applied."""
        try:
            await self.bench.ledger.expire_due(now=now)
        except LedgerFailure:
            log.exception("nothing expires now", extra={"action": "expire_failed"})
