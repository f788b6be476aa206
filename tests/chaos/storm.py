"""A storm: requests are filed and approved while workers are killed, paused and, in a mixed one, cut off, thrown out and kept waiting."""

import itertools
import random
import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import anyio
from pymysql.err import OperationalError

from synapsor.core.proposal import Status
from synapsor.ports import ProposalRecord
from synapsor.runtime import Project
from synapsor.work.failpoints import ALL_STEPS
from tests.chaos.changes import ASK, GROUP, KINDS, SESSIONS, Request, fill, members, one, write_chaos_project
from tests.chaos.filing import file_request, record_of
from tests.chaos.herd import Herd, herd
from tests.chaos.history import Asked, History, violations
from tests.chaos.proxy import Cut, Moment, Proxy, Way, proxied
from tests.chaos.recorder import gathered, watch
from tests.chaos.zygote import MIDWAY
from tests.databases import WRITER, Database, execute, fetch
from tests.projects import ProjectFiles, opened

STRIKES = 6
"""The least number of kills and pauses that make a storm."""
LEASE = 30.0
"""Seconds that a worker holds a job which is to be struck: no test waits for their end, for whoever comes after it is ahead of them."""


async def settled(project: Project, flock: Herd, ids: list[str], seconds: float = 300) -> list[ProposalRecord]:
    """Let clean workers drain until every proposal has reached its end; whatever others hold has lapsed by their clock."""
    with anyio.fail_after(seconds):
        while True:
            await (await flock.fork(drain=True, ahead=3 * LEASE)).ended()
            if Status.APPROVED not in (await (await project.ledger()).statuses(ids)).values():
                return [await record_of(project, proposal_id) for proposal_id in ids]


QUICK = 0.2
"""Seconds that a worker takes on a quiet machine that finds nothing to do."""
APART = 20.0
"""How far the clocks of workers are from the others', in a mixed storm."""


@asynccontextmanager
async def mixed_project(root: Path, database: Database) -> AsyncIterator[tuple[ProjectFiles, Proxy | None]]:
    """Write a project whose workers reach a server through a proxy."""
    if database.engine == "sqlite":
        yield write_chaos_project(root, database), None
        return
    async with proxied(database.engine, urlsplit(database.write_url).port or 0) as proxy:
        through = database.write_url.replace(f":{proxy.target}/", f":{proxy.port}/")
        yield write_chaos_project(root, replace(database, write_url=through)), proxy


def end_sessions(database: Database) -> None:
    """Let the server end every session of the worker."""
    if database.engine == "postgres":
        execute(database, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{WRITER}'")
        return
    for (session,) in fetch(database, f"SELECT id FROM information_schema.processlist WHERE user = '{WRITER}'"):
        with suppress(OperationalError):  # it ended meanwhile
            execute(database, f"KILL CONNECTION {session}")


@dataclass
class Tally:
    """What the nemesis did; a storm without strikes would prove nothing.

    Attributes:
        slow: how much slower than a quiet machine this one is now: a storm that is too fast for it kills workers before they have begun.
    """

    requests: int = 0
    forked: int = 0
    armed: int = 0
    killed: int = 0
    paused: int = 0
    cut: int = 0
    thrown_out: int = 0
    kept_waiting: int = 0
    slow: float = field(default=1.0, repr=False)
    enough: anyio.Event = field(default_factory=anyio.Event, repr=False)

    @property
    def struck(self) -> int:
        """How often a worker was killed or put to sleep."""
        return self.killed + self.paused


@dataclass
class Requests:
    """Requests drawn at random: of any kind and group, but a group is asked to be removed only once."""

    rng: random.Random
    groups: dict[str, list[str]]
    doomed: dict[str, list[str]]
    calm: dict[str, list[str]]

    def draw(self) -> Iterator[tuple[str, Request]]:
        """Return one request after another, each with its kind."""
        for ordinal in itertools.count():
            mark, tenant = f"mark {ordinal}", self.rng.choice(tuple(SESSIONS))
            (kind,) = self.rng.choices(KINDS, weights=(6, 2, 1, 1, 1))
            group = self.rng.choice(self.groups[tenant])
            if kind == "set" and self.calm[tenant]:
                group = self.calm[tenant].pop()
            if kind == "one":
                yield kind, one(tenant, self.rng.choice(members(tenant, group)), mark)
                continue
            if kind == "insert":
                self.groups[tenant].append(f"new {mark}")
                self.doomed[tenant].append(f"new {mark}")
            elif kind == "delete":
                if not self.doomed[tenant]:
                    continue
                group = self.doomed[tenant].pop(self.rng.randrange(len(self.doomed[tenant])))
            yield kind, ASK[kind](tenant, group, mark)


async def storm(
    files: ProjectFiles, count: int, seed: int, proxy: Proxy | None = None, *, mixed: bool = False
) -> tuple[Tally, Counter[tuple[str, str]]]:
    """Let it rage until so many proposals are filed and most are settled, and judge; return what was done and what came of which kind."""
    rng = random.Random(seed)
    groups = [f"group {n}" for n in range(max(20, count // 12) // GROUP)]
    quiet = [
        f"quiet {n}" for n in range(count // 15)
    ]  # which nothing but a removal is about, so that some come to pass
    # Of a row's changes the one that was approved first comes first: a set of rows that many others are about is seldom that.
    calm = [f"calm {n}" for n in range(count // 30)]
    fill(files.database, groups + quiet + calm)
    watch(files.database)
    requests = Requests(
        rng,
        {t: list(groups) for t in SESSIONS},
        {t: [*groups[::2], *quiet] for t in SESSIONS},
        {t: list(calm) for t in SESSIONS},
    )
    async with opened(files) as project, herd(files) as flock:
        desk = await project.desk()
        asked: dict[str, Asked] = {}
        kinds: dict[str, str] = {}
        approved: list[str] = []
        over, tally = anyio.Event(), Tally(slow=await _slow(flock))
        async with anyio.create_task_group() as group:
            group.start_soon(_nemesis, flock, random.Random(seed + 1), over, tally, mixed)
            if mixed:
                group.start_soon(_trouble, files, proxy, random.Random(seed + 2), over, tally)
            for kind, request in requests.draw():
                if len(asked) >= count:
                    break
                tally.requests += 1
                will = rng.random() < 0.9
                filed = await file_request(files, desk, project, request, approved=will)
                asked |= filed
                kinds |= dict.fromkeys(filed, kind)
                approved += list(filed) if will else ()
            await _mostly_settled(project, approved, tally)
            await tally.enough.wait()
            over.set()
        for child in flock.children:
            child.send(signal.SIGKILL)
        await settled(project, flock, approved, seconds=1800)
        records = [await record_of(project, i) for i in asked]
        _judge(files, await gathered(files, project, asked))
        states = Counter(r.status.value for r in records)
        assert set(states) <= {"applied", "conflict", "review_required"}
        assert states["applied"] > count // 10, states
        applied = Counter(kinds[r.proposal.id] for r in records if r.status is Status.APPLIED)
        assert set(applied) == set(KINDS), applied
        assert (await project.verify()).first_bad is None
        return tally, Counter((kinds[r.proposal.id], r.status.value) for r in records)


def _judge(files: ProjectFiles, history: History) -> None:
    """See that the whole history is as promised; of one that is not all is kept beside the ledger, for the server ends with the test."""
    found = violations(history)
    if found:
        lines = [*found, *history.effects, *history.receipts, *history.asked.items()]
        (files.root / "history.txt").write_text("\n".join(map(str, lines)), encoding="utf-8")
    assert found[:5] == []


async def _mostly_settled(project: Project, ids: list[str], tally: Tally) -> None:
    """Let the storm rage on until nine tenths of the approved proposals have reached their end in it, or it struck for a third of them.

    On a quiet machine the nine tenths come first. On a busy one it kills workers before they have begun; then what is left is for
    those that come after it.
    """
    most = tally.struck + max(STRIKES, len(ids) // 3)
    with anyio.fail_after(1800):
        while tally.struck < most:
            stand = Counter((await (await project.ledger()).statuses(ids)).values())
            if stand[Status.APPROVED] <= len(ids) // 10:
                return
            await anyio.wait_all_tasks_blocked()
            with anyio.move_on_after(0.1):
                await anyio.Event().wait()


async def _taken(ledger: Path, over: anyio.Event) -> None:
    """Wait until a job was taken, or for some seconds: on a busy machine it would else be workers that do nothing yet that are killed."""
    with closing(sqlite3.connect(f"{ledger.as_uri()}?mode=ro", uri=True)) as reader:

        def attempts() -> int:
            return int(reader.execute("SELECT coalesce(sum(attempt), 0) FROM job").fetchone()[0])

        before = attempts()
        with anyio.move_on_after(5):
            while attempts() == before and not over.is_set():
                await _pause(over, 0.02)


async def _slow(flock: Herd) -> float:
    """Return how many times longer than on a quiet machine a worker takes that finds nothing to do."""
    begun = anyio.current_time()
    await (await flock.fork(drain=True)).ended()
    return max(1.0, (anyio.current_time() - begun) / QUICK)


async def _nemesis(flock: Herd, rng: random.Random, over: anyio.Event, tally: Tally, mixed: bool) -> None:
    """Keep three workers running, half of them with a failpoint set, and all the while kill one or put one to sleep past its lease."""
    while not over.is_set():
        for child in flock.children:
            child.send(signal.SIGCONT)
        alive = [c for c in flock.children if c.alive]
        while len(alive) < 3:
            armed = rng.random() < 0.5
            points = (*ALL_STEPS, MIDWAY)
            trap = f"{rng.choice(points)}:{rng.choice(['kill9', 'stop'])}:{rng.randint(1, 8)}" if armed else None
            ahead = rng.uniform(-APART, APART) if mixed else 0
            alive.append(await flock.fork(failpoint=trap, lease=0.15 * tally.slow, ahead=ahead))
            tally.forked += 1
            tally.armed += armed
        if tally.struck >= STRIKES:
            tally.enough.set()
        victim = rng.choice(alive)
        await _pause(over, tally.slow * rng.uniform(0.02, 0.12))
        if rng.random() < 0.5:
            await _taken(flock.files.config.ledger, over)
        if rng.random() < 0.4:
            victim.send(signal.SIGKILL)
            tally.killed += 1
        else:
            victim.send(signal.SIGSTOP)
            tally.paused += 1
            await _pause(over, tally.slow * rng.uniform(0.02, 0.3))


async def _pause(over: anyio.Event, seconds: float) -> None:
    """Let the nemesis rest; the length is part of its randomness and no test waits on it."""
    with anyio.move_on_after(seconds):
        await over.wait()


async def _trouble(
    files: ProjectFiles, proxy: Proxy | None, rng: random.Random, over: anyio.Event, tally: Tally
) -> None:
    """Cut a connection, let the server end the workers' sessions, or hold the ledger, one after the other."""
    cuts = [Cut(moment, way) for moment in Moment for way in Way if way is not Way.LATE or moment is Moment.COMMIT]
    while not over.is_set():
        await _pause(over, tally.slow * rng.uniform(0.05, 0.3))
        what = rng.random()
        if proxy is None or what < 0.2:
            tally.kept_waiting += await _hold(files.config.ledger, rng, over)
        elif what < 0.3:
            await anyio.to_thread.run_sync(end_sessions, files.database)
            tally.thrown_out += 1
        else:
            tally.cut += not proxy.left
            proxy.arm([rng.choice(cuts)])


async def _hold(ledger: Path, rng: random.Random, over: anyio.Event) -> bool:
    """Hold the ledger for a moment; tell whether nobody else did."""
    with closing(sqlite3.connect(ledger, isolation_level=None, timeout=0)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        await _pause(over, rng.uniform(0.02, 0.2))
        return True
