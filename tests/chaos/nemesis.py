"""What goes wrong in a storm: workers are killed and paused; in a mixed one connections are cut, sessions and servers end, and the ledger
is held or its disk full.
"""

import random
import signal
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from pymysql.err import OperationalError

from synapsor.work.failpoints import ALL_STEPS
from tests.chaos.disk import Disk
from tests.chaos.herd import Herd
from tests.chaos.proxy import Cut, Moment, Proxy, Way
from tests.chaos.zygote import MIDWAY
from tests.databases import WRITER, Database, execute, fetch
from tests.servers import Server

STRIKES = 6
"""The least number of kills and pauses that make a storm."""
QUICK = 0.2
"""Seconds that a worker takes on a quiet machine that finds nothing to do."""


@dataclass
class Tally:
    """What the nemesis did; a storm without strikes would prove nothing.

    Attributes:
        requests: how many were made.
        doubled: how many of them were made twice at once.
        refused: how often an agent or a person was refused for the moment, and by what code.
        slow: how much slower than a quiet machine this one is now: a storm that is too fast for it kills workers before they have begun.
    """

    requests: int = 0
    doubled: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    forked: int = 0
    armed: int = 0
    killed: int = 0
    paused: int = 0
    cut: int = 0
    thrown_out: int = 0
    restarted: int = 0
    kept_waiting: int = 0
    filled: int = 0
    slow: float = field(default=1.0, repr=False)
    enough: anyio.Event = field(default_factory=anyio.Event, repr=False)

    @property
    def rest(self) -> float:
        """How much longer than on a quiet machine troubles are apart: on a very busy one a worker may well be struck before it has begun."""
        return min(self.slow, 4.0)

    @property
    def struck(self) -> int:
        """How often a worker was killed or put to sleep."""
        return self.killed + self.paused


def end_sessions(database: Database) -> None:
    """Let the server end every session of the worker."""
    if database.engine == "postgres":
        execute(database, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{WRITER}'")
        return
    for (session,) in fetch(database, f"SELECT id FROM information_schema.processlist WHERE user = '{WRITER}'"):
        with suppress(OperationalError):  # it ended meanwhile
            execute(database, f"KILL CONNECTION {session}")


def crash(server: Server) -> None:
    """Let a server die in the middle of what it does, and start it again."""
    server.kill() if server.engine == "mariadb" else server.stop("immediate")
    server.start()


@dataclass(frozen=True, kw_only=True)
class Troubles:
    """What befalls everybody in a mixed storm, the workers, the agents that ask and the people that decide.

    Attributes:
        proxy: through which the workers reach their server; None where there is none.
        server: one that nobody else uses.
        disk: that of the ledger; None where none can be mounted.
    """

    database: Database
    ledger: Path
    proxy: Proxy | None
    server: Server | None
    disk: Disk | None

    async def befall(self, rng: random.Random, over: anyio.Event, tally: Tally) -> None:
        """Let one trouble after the other come to pass."""
        acts: list[tuple[int, Callable[[random.Random, anyio.Event, Tally], Awaitable[None]]]] = [(10, self._hold)]
        acts += [(6, self._fill)] if self.disk else []
        acts += [(30, self._cut)] if self.proxy else []
        acts += [(4, self._throw_out), (1, self._restart)] if self.server else []
        while not over.is_set():
            await pause(over, tally.rest * rng.uniform(0.05, 0.3))
            (act,) = rng.choices([act for _, act in acts], weights=[weight for weight, _ in acts])
            await act(rng, over, tally)

    async def _hold(self, rng: random.Random, over: anyio.Event, tally: Tally) -> None:
        """Hold the ledger for a moment, if nobody else does."""
        with closing(sqlite3.connect(self.ledger, isolation_level=None, timeout=0)) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return
            tally.kept_waiting += 1
            await pause(over, rng.uniform(0.02, 0.2))

    async def _fill(self, rng: random.Random, over: anyio.Event, tally: Tally) -> None:
        """Let the ledger's disk be full for a moment."""
        assert self.disk is not None
        tally.filled += self.disk.fill()
        try:
            await pause(over, tally.rest * rng.uniform(0.02, 0.4))
        finally:
            self.disk.make_room()

    async def _cut(self, rng: random.Random, _: anyio.Event, tally: Tally) -> None:
        """Cut the connection of a worker; what was armed before and not met is left out."""
        assert self.proxy is not None
        cuts = [Cut(moment, way) for moment in Moment for way in Way if way is not Way.LATE or moment is Moment.COMMIT]
        tally.cut += not self.proxy.left
        self.proxy.arm([rng.choice(cuts)])

    async def _throw_out(self, _rng: random.Random, _: anyio.Event, tally: Tally) -> None:
        await anyio.to_thread.run_sync(end_sessions, self.database)
        tally.thrown_out += 1

    async def _restart(self, _rng: random.Random, _: anyio.Event, tally: Tally) -> None:
        assert self.server is not None
        await anyio.to_thread.run_sync(crash, self.server)
        tally.restarted += 1


async def how_slow(flock: Herd) -> float:
    """Return how many times longer than on a quiet machine a worker takes that finds nothing to do."""
    begun = anyio.current_time()
    await (await flock.fork(drain=True)).ended()
    return max(1.0, (anyio.current_time() - begun) / QUICK)


async def strike(flock: Herd, rng: random.Random, over: anyio.Event, tally: Tally, *, apart: float, jobs: int) -> None:
    """Keep three workers running, half of them with a failpoint set, and all the while kill one or put one to sleep past its lease.

    Their clocks are up to so many seconds `apart` from the others', and up to so many jobs are taken between two strikes.
    """
    while not over.is_set():
        for child in flock.children:
            child.send(signal.SIGCONT)
        alive = [c for c in flock.children if c.alive]
        while len(alive) < 3:
            armed = rng.random() < 0.5
            points = (*ALL_STEPS, MIDWAY)
            trap = f"{rng.choice(points)}:{rng.choice(['kill9', 'stop'])}:{rng.randint(1, 8)}" if armed else None
            lease, ahead = 0.15 * tally.slow, rng.uniform(-apart, apart)
            alive.append(await flock.fork(failpoint=trap, lease=lease, ahead=ahead))
            tally.forked += 1
            tally.armed += armed
        if tally.struck >= STRIKES:
            tally.enough.set()
        victim = rng.choice(alive)
        await pause(over, tally.rest * rng.uniform(0.02, 0.12))
        await _taken(flock.files.config.ledger, rng.randint(0, jobs), over)
        if rng.random() < 0.4:
            victim.send(signal.SIGKILL)
            tally.killed += 1
        else:
            victim.send(signal.SIGSTOP)
            tally.paused += 1
            await pause(over, tally.rest * rng.uniform(0.02, 0.3))


async def _taken(ledger: Path, jobs: int, over: anyio.Event) -> None:
    """Wait until jobs were taken, or for some seconds: on a busy machine it would else be workers that do nothing yet that are killed."""
    with (
        suppress(sqlite3.OperationalError),  # on a full disk it may not even be read
        closing(sqlite3.connect(f"{ledger.as_uri()}?mode=ro", uri=True)) as reader,
    ):

        def attempts() -> int:
            return int(reader.execute("SELECT coalesce(sum(attempt), 0) FROM job").fetchone()[0])

        enough = attempts() + jobs
        with anyio.move_on_after(10):
            while attempts() < enough and not over.is_set():
                await pause(over, 0.02)


async def pause(over: anyio.Event, seconds: float) -> None:
    """Let the nemesis rest; the length is part of its randomness and no test waits on it."""
    with anyio.move_on_after(seconds):
        await over.wait()
