"""The lanes of a worker: for each source so many, each of which takes one leased job to its end while the others do the same.

What breaks in one lane stops no other: its job is left to its lease, and the lane is free for the next.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup

from synapsor.core.statements import Operator
from synapsor.core.writeback import Lease
from synapsor.errors import LedgerFailure, place
from synapsor.work.heartbeat import Heartbeat
from synapsor.work.lane import Came, Lane

log = logging.getLogger("synapsor.worker")


@dataclass(kw_only=True)
class Lanes:
    """Who is at work on what, by source.

    Attributes:
        begun: how many jobs were begun here, and things beside them.
        settled: how many jobs were settled here.
    """

    group: TaskGroup
    heartbeat: Heartbeat
    idle: Mapping[str, list[Lane]]
    begun: int = field(default=0, init=False)
    settled: int = field(default=0, init=False)
    _at_work: int = field(default=0, init=False)
    _beside: bool = field(default=False, init=False)
    _moved: anyio.Event = field(default_factory=anyio.Event, init=False)

    @property
    def free(self) -> dict[str, int]:
        """How many lanes of each source are idle, without those that have none."""
        return {source: len(lanes) for source, lanes in self.idle.items() if lanes}

    @property
    def at_work(self) -> bool:
        """Whether a job is in hand, or something beside them."""
        return self._at_work > 0

    def start(self, lease: Lease, trusted: Mapping[str, Operator]) -> None:
        """Let an idle lane of its source take a job, whose lease is kept until its end."""
        idle = self.idle[lease.job.source]
        lane = idle.pop(idle.index(min(idle, key=lambda one: one.number)))
        self._begin()
        self.group.start_soon(self._work, lane, lease, trusted)

    async def _work(self, lane: Lane, lease: Lease, trusted: Mapping[str, Operator]) -> None:
        # A job is finished or rolled back before the worker ends, whoever cancels it.
        with anyio.CancelScope(shield=True):
            came: Came | None = None
            try:
                came = await lane.work(lease, trusted)
            except Exception as error:  # noqa: BLE001  # see the top
                _say(error, lease)
            # Free as soon as nothing is in hand in the source: the next job is leased in the transaction of the ledger that settles this one.
            self.idle[lease.job.source].append(lane)
            self.wake()
            try:
                settled = came is not None and await lane.settle(came)
                self.settled += settled  # not before it is known: the others add to it meanwhile
            except Exception as error:  # noqa: BLE001  # nobody waits for it: the receipt tells the next attempt
                _say(error, lease)
            finally:
                self.heartbeat.drop(lease)
                self._at_work -= 1
                self.wake()

    def beside(self, work: Callable[[], Awaitable[None]]) -> None:
        """Let something go on that is no job, one such thing at a time; whatever it waits for, no job waits for it."""
        if not self._beside:
            self._beside = True
            self._begin()
            self.group.start_soon(self._work_beside, work)

    def _begin(self) -> None:
        self.begun += 1
        self._at_work += 1

    async def _work_beside(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        finally:
            self._beside = False
            self._at_work -= 1
            self.wake()

    def look(self) -> None:
        """Begin to look for work: what moves from now on ends the next wait."""
        self._moved = anyio.Event()

    def wake(self) -> None:
        """End the wait for work."""
        self._moved.set()

    async def moved(self, seconds: float, *, every: float, written: Callable[[], Awaitable[bool]]) -> None:
        """Wait until a lane has become free, or somebody wakes this, or something is written, which is asked ever so often, or for so long."""
        with anyio.move_on_after(seconds):
            while not self._moved.is_set():
                with anyio.move_on_after(every):
                    await self._moved.wait()
                if await written():  # not before: who writes all the time would have work looked for all the time
                    return


def _say(error: Exception, lease: Lease) -> None:
    if isinstance(error, LedgerFailure):
        extra = {"action": "settle_failed", "job": lease.job.id}
        log.error("job left to its lease: %s %s", error.message, error.fix, extra=extra)
    else:
        log.error("lane broke: %s", place(error), extra={"action": "lane_broke", "job": lease.job.id})  # no values


def idle_lanes(sizes: Mapping[str, int], lane: Callable[[int], Lane]) -> dict[str, list[Lane]]:
    """Return so many lanes for each source, numbered from 1."""
    return {source: [lane(number) for number in range(1, size + 1)] for source, size in sizes.items()}
