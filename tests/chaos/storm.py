"""A storm: requests are filed and approved while workers are killed, paused and, in a mixed one, everybody meets every trouble there is."""

import itertools
import math
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import anyio
import pytest

from synapsor.core.proposal import Status
from synapsor.ports import ProposalRecord
from synapsor.runtime import Project
from tests.chaos.changes import ASK, GROUP, KINDS, SESSIONS, Request, fill, members, one, write_chaos_project
from tests.chaos.crowd import Crowd
from tests.chaos.disk import own_disk
from tests.chaos.filing import record_of
from tests.chaos.herd import Herd, herd
from tests.chaos.history import History, violations
from tests.chaos.nemesis import STRIKES, Tally, Troubles, how_slow, strike
from tests.chaos.proxy import proxied
from tests.chaos.recorder import gathered, watch
from tests.databases import Database, load_mariadb, load_postgres, load_sqlite
from tests.projects import ProjectFiles, opened
from tests.servers import Server, start_mariadb, start_postgres

ALL_KINDS = 100
"""So many proposals have something of every kind that is applied."""
APART = 20.0
"""How far the clocks of workers are from the others', in a mixed storm."""
LEASE = 30.0
"""Seconds that a worker holds a job which is to be struck: no test waits for their end, for whoever comes after it is ahead of them."""


async def settled(project: Project, flock: Herd, ids: list[str], seconds: float = 300) -> list[ProposalRecord]:
    """Let clean workers drain until every proposal has reached its end; whatever others hold has lapsed by their clock."""
    with anyio.fail_after(seconds):
        while True:
            await (await flock.fork(drain=True, ahead=3 * LEASE)).ended(seconds)
            if Status.APPROVED not in (await (await project.ledger()).statuses(ids)).values():
                return [await record_of(project, proposal_id) for proposal_id in ids]


@contextmanager
def alone(engine: str, root: Path) -> Iterator[tuple[Server | None, Database]]:
    """Return a shop on a server that nobody else uses, or in a file."""
    if engine == "sqlite":
        yield None, load_sqlite(root / "billing.db")
        return
    postgres = engine == "postgres"
    try:
        server = start_postgres() if postgres else start_mariadb()
    except FileNotFoundError as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))
    try:
        yield server, load_postgres(server) if postgres else load_mariadb(server)
    finally:
        server.close()


@asynccontextmanager
async def mixed_project(
    root: Path, server: Server | None, database: Database
) -> AsyncIterator[tuple[ProjectFiles, Troubles]]:
    """Write a project whose ledger has a disk of its own, and whose workers reach a server through a proxy."""
    async with AsyncExitStack() as stack:
        disk = stack.enter_context(own_disk(root / ".synapsor"))
        proxy = await stack.enter_async_context(proxied(server.engine, server.port)) if server else None
        through = database.write_url.replace(f":{proxy.target}/", f":{proxy.port}/") if proxy else database.write_url
        files = write_chaos_project(root, replace(database, write_url=through))
        yield files, Troubles(database=database, ledger=files.config.ledger, proxy=proxy, server=server, disk=disk)


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
    files: ProjectFiles, count: int, seed: int, troubles: Troubles | None = None, *, seconds: float = math.inf
) -> tuple[Tally, Counter[tuple[str, str]]]:
    """Let it rage until so many proposals are filed, or nobody asks any more after so many seconds, and most are settled, and judge.

    Return what was done, and what came of which kind.
    """
    rng = random.Random(seed)
    # In a long one a worker lives long enough for some jobs: else most of the time would go into starting them.
    apart, jobs = (APART, max(4, count // 250)) if troubles else (0.0, 1)
    requests = _requests(files.database, count, rng)
    async with opened(files) as project, herd(files) as flock:
        over, tally = anyio.Event(), Tally(slow=await how_slow(flock))
        crowd = Crowd(files, project, await project.desk(), rng, requests.draw(), tally, impatient=troubles is not None)
        async with anyio.create_task_group() as group:
            group.start_soon(partial(strike, apart=apart, jobs=jobs), flock, random.Random(seed + 1), over, tally)
            if troubles:
                group.start_soon(troubles.befall, random.Random(seed + 2), over, tally)
            await crowd.ask(count, seconds)
            await _mostly_settled(crowd, tally)
            await tally.enough.wait()
            over.set()
        for child in flock.children:
            child.send(signal.SIGKILL)
        await settled(project, flock, crowd.approved, seconds=1800)
        history = await gathered(files, project, crowd.asked)
        _judge(files, history)
        states = Counter(r.status.value for r in history.records)
        assert set(states) <= {"applied", "conflict", "review_required", "superseded", "canceled"}
        assert states["applied"] > len(history.records) // 10, states
        came = Counter((crowd.kinds[r.proposal.id], r.status.value) for r in history.records)
        assert count < ALL_KINDS or {kind for kind, status in came if status == Status.APPLIED} == set(KINDS), came
        return tally, came


def _requests(database: Database, count: int, rng: random.Random) -> Requests:
    """Fill the shop, and return what is asked of it."""
    groups = [f"group {n}" for n in range(max(20, count // 12) // GROUP)]
    # Some have nothing but a removal about them, so that some removals come to pass.
    quiet = [f"quiet {n}" for n in range(count // 15)]
    # Of a row's changes the one that was approved first comes first: a set of rows that many others are about is seldom that.
    calm = [f"calm {n}" for n in range(count // 30)]
    fill(database, groups + quiet + calm)
    watch(database)
    return Requests(
        rng,
        {t: list(groups) for t in SESSIONS},
        {t: [*groups[::2], *quiet] for t in SESSIONS},
        {t: list(calm) for t in SESSIONS},
    )


def _judge(files: ProjectFiles, history: History) -> None:
    """See that the whole history is as promised; of one that is not all is kept beside the ledger, for the server ends with the test."""
    found = violations(history)
    if found:
        lines = [*found, *history.effects, *history.receipts, *history.asked.items()]
        (files.root / "history.txt").write_text("\n".join(map(str, lines)), encoding="utf-8")
    assert found[:5] == []


async def _mostly_settled(crowd: Crowd, tally: Tally) -> None:
    """Let the storm rage on until nine tenths of the approved proposals have reached their end in it, or it struck for four tenths of them.

    On a quiet machine the nine tenths come first. On a busy one it kills workers before they have begun; then what is left is for
    those that come after it.
    """
    few = len(crowd.approved) // 10
    most = tally.struck + max(STRIKES, 4 * few)
    with anyio.fail_after(1800):
        while tally.struck < most and await crowd.waiting() > few:
            await anyio.wait_all_tasks_blocked()
            with anyio.move_on_after(0.1):
                await anyio.Event().wait()
