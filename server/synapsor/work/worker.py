"""The trusted worker: lease as many jobs as lanes are idle, let each lane take its own to its end, until told to stop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import anyio
from anyio.abc import TaskGroup

from synapsor.core.moment import stamp
from synapsor.core.statements import Operator
from synapsor.core.writeback import Lease
from synapsor.errors import ConfigError, IntegrityError, LedgerFailure, SynapsorError, place
from synapsor.work.authority import Workbench
from synapsor.work.heartbeat import Heartbeat
from synapsor.work.lane import Lane
from synapsor.work.lanes import Lanes, idle_lanes
from synapsor.work.pace import Pace
from synapsor.work.pauses import Pauses
from synapsor.work.policies import Policies
from synapsor.work.proving import Proving
from synapsor.work.resolutions import Resolutions
from synapsor.work.shadows import Shadows

log = logging.getLogger("synapsor.worker")


@dataclass(kw_only=True)
class Worker:
    """Applies approved proposals of its sources.

    Attributes:
        lanes: how many jobs of each source are in hand at once; one where nothing is said.
        report: called with one plain dictionary a job, for the log line.
        progress: called with one plain dictionary while a job of many rows is applied.
        permits: what alone may be applied, by contract digest and capability; None for all that is approved.
        proving: says which sources may be written now; None where nobody looks at them again.
    """

    name: str
    bench: Workbench
    pace: Pace = field(default_factory=Pace)
    lanes: Mapping[str, int] = field(default_factory=dict)
    report: Callable[[Mapping[str, Any]], None] = field(default=lambda _: None)
    progress: Callable[[Mapping[str, Any]], None] = field(default=lambda _: None)
    permits: frozenset[tuple[str, str]] | None = None
    proving: Proving | None = None
    _held: tuple[str, ...] = field(default=(), init=False, repr=False)
    _policies: Policies = field(init=False, repr=False)
    _shadows: Shadows = field(init=False, repr=False)
    _pauses: Pauses = field(init=False, repr=False)
    _resolutions: Resolutions = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._policies = Policies(bench=self.bench)
        self._pauses = Pauses(bench=self.bench)
        self._shadows = Shadows(name=self.name, bench=self.bench, pauses=self._pauses)
        self._resolutions = Resolutions(bench=self.bench, pace=self.pace, pauses=self._pauses)

    @property
    def measured(self) -> int:
        """How many proposals it has measured, by shadow applies that nobody has approved yet."""
        return self._shadows.made

    @property
    def resolved(self) -> int:
        """How many resolutions it has carried out or refused, by what an application answered."""
        return self._resolutions.ended

    async def run(self, *, once: bool = False, drain: bool = False, stop: anyio.Event | None = None) -> int:
        """Work until stopped, or for one job (`once`), or until none is due and no lane is at work (`drain`); return how many were settled.

        Raises:
            SynapsorError: it cannot be told whom to trust, and the worker is not to wait for it; what was in hand is finished.
        """
        stop = stop or anyio.Event()
        heartbeat = Heartbeat(
            ledger=self.bench.ledger,
            clock=self.bench.clock,
            elapsed=self.bench.elapsed,
            seconds=self.pace.lease_seconds,
        )
        broke: SynapsorError | OSError | None = None
        async with anyio.create_task_group() as around:
            around.start_soon(heartbeat.keep)
            try:
                async with anyio.create_task_group() as group:
                    lanes = self._lanes(group, heartbeat)
                    around.start_soon(_wake_when, stop, lanes)
                    try:
                        await self._lead(lanes, stop, once=once, drain=drain)
                    except (SynapsorError, OSError) as error:  # outside of the groups it is raised as what it is
                        broke = error
            finally:
                heartbeat.stop()
                around.cancel_scope.cancel()
        if broke is not None:
            raise broke
        return lanes.settled

    def _lanes(self, group: TaskGroup, heartbeat: Heartbeat) -> Lanes:
        bench = replace(self.bench, holds=heartbeat.holds)
        return Lanes(
            group=group,
            heartbeat=heartbeat,
            idle=idle_lanes(
                {source: self.lanes.get(source, 1) for source in bench.targets},
                lambda number: Lane(
                    bench=bench, pace=self.pace, report=self.report, progress=self.progress, number=number
                ),
            ),
        )

    async def _lead(self, lanes: Lanes, stop: anyio.Event, *, once: bool, drain: bool) -> None:
        """Give each idle lane a job as long as there are any, until told to stop; those at work are not waited for."""
        while not stop.is_set():
            lanes.look()
            seen = await self._version()
            # Before the look: what ends while it goes on lets something be due that the look does not see, such as the next job of a row, or one
            # that a policy approves once it is measured.
            busy, begun = lanes.at_work, lanes.begun
            leases: Sequence[Lease] = ()
            if lanes.free:
                trusted = await self._trusted(waits=not (once or drain))
                most = 1 if once else None
                leases = await self._next(lanes, trusted, stop, most=most) if trusted is not None else ()
                for lease in leases:
                    lanes.start(lease, trusted or {})
            if drain and not busy and lanes.begun == begun:
                return
            if once:
                return
            written = partial(self._is_written, seen)
            await lanes.moved(self.pace.poll_seconds, every=self.pace.watch_seconds, written=written)

    async def _version(self) -> int | None:
        try:
            return await self.bench.ledger.version()
        except LedgerFailure:
            return None  # whoever looks for work says why

    async def _is_written(self, seen: int | None) -> bool:
        """Tell whether somebody has written in the ledger since."""
        return await self._version() not in {seen, None}

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

    async def _next(
        self, lanes: Lanes, trusted: Mapping[str, Operator], stop: anyio.Event, *, most: int | None
    ) -> Sequence[Lease]:
        now = self.bench.clock.now()
        try:
            await self._expire(stamp(now))
            going = await self._pauses.going(trusted)
            writable = await self.proving.writable() if self.proving else going.sources
            sources = tuple(name for name in going.sources if name in writable)
            lanes.group.start_soon(partial(self._resolutions.carry_out, going.sources, stop=stop.is_set))
            if waiting := await self._shadows.waiting(now, sources):
                lanes.beside(partial(self._shadows.measure, waiting, stop=stop.is_set))
            await self._policies.approve(now)
            since, until = lanes.heartbeat.lasting()
            leases = await self.bench.ledger.lease(
                self.name,
                now=stamp(now),
                until=until,
                sources={name: free for name, free in lanes.free.items() if name in sources},
                permits=self.permits,
                pauses=going.judged,
                most=most,
                receipts=[name for name, target in self.bench.targets.items() if target.receipts is not None],
            )
        except LedgerFailure:
            log.exception("no work can be had now", extra={"action": "lease_failed"})
        except Exception as error:  # noqa: BLE001  # a record that breaks the worker's own code must not end it
            log.error("no work can be had now: %s", place(error), extra={"action": "lease_broke"})  # noqa: TRY400  # no values
        else:
            lanes.heartbeat.take(leases, since=since)
            return leases
        return ()

    async def _expire(self, now: str) -> None:
        """Let what is past its time expire; that it cannot keeps nobody's approved change from being applied."""
        try:
            await self.bench.ledger.expire_due(now=now)
        except LedgerFailure:
            log.exception("nothing expires now", extra={"action": "expire_failed"})


async def _wake_when(stop: anyio.Event, lanes: Lanes) -> None:
    await stop.wait()
    lanes.wake()
