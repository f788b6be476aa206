"""The worker killed, asleep, cut off, its session ended and its ledger in trouble at every named point of a shadow apply: the source keeps nothing
of it, the next worker measures, a measurement is on record whole or not at all, and what is approved by it is applied once.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest

from synapsor.ledger import sqlite as engine
from tests.chaos.changes import KINDS
from tests.chaos.disk import own_disk
from tests.chaos.herd import Herd, Signals, herd
from tests.chaos.measuring import COURSE, SOON, Measuring, measuring
from tests.chaos.proxy import proxied
from tests.chaos.stepped import in_turns
from tests.chaos.test_ledger_troubles import full, held, read_only
from tests.chaos.zygote import READY
from tests.conftest import ENGINES
from tests.databases import Database, execute

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]  # every kind at every point is some hundred workers

LEASE = 30.0
RECORDED = "shadow.recorded"
WHOLE = pytest.mark.parametrize(
    "whole", [pytest.param(False, id="in turns"), pytest.param(True, id="every kind", marks=pytest.mark.soak)]
)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for the ledger here."""
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.05)


def turns(ways: Sequence[str], among: int, at: int, *, whole: bool) -> list[tuple[str, str, str, str]]:
    """Return ways with kinds and points, and a mark for each: every one, or to each way those points that fall to one of so many, with a kind each."""
    found = []
    for shift, way in enumerate(ways, start=at):
        points = COURSE if whole else COURSE[shift % among :: among]
        kinds = (*KINDS[shift % len(KINDS) :], *KINDS[: shift % len(KINDS)])
        found += [(way, kind, point, f"{way} {mark}") for kind, point, mark in in_turns(whole, points, kinds)]
    return found


def marks(played: Sequence[tuple[str, str, str, str]]) -> list[str]:
    return [mark for *_, mark in played]


@WHOLE
@pytest.mark.requirement("shadow:once", "shadow:nothing-stays", "apply:exactly-once")
async def test_a_worker_that_dies_or_sleeps_while_it_measures_leaves_nothing_and_the_next_one_measures_once(
    tmp_path: Path, database: Database, whole: bool
) -> None:
    played = turns(["kill9", "stop"], len(ENGINES), ENGINES.index(database.engine), whole=whole)
    async with measuring(tmp_path, database, marks(played)) as at, herd(at.files) as flock:
        for action, kind, point, mark in played:
            filed = await at.filed(kind, mark)
            await _struck(at, flock, point, action, filed)
            await at.measured(filed)
        await at.judge()


async def _struck(at: Measuring, flock: Herd, point: str, action: str, filed: list[str]) -> None:
    """Let one worker meet the failpoint; where it sleeps, another one comes to measure the same before it wakes."""
    name, _, time = point.partition(":")
    failpoint = f"{name}:{action}:{time or 1}"
    with closing(Signals(at.files.root / f"reached.{len(flock.children)}")) as signals:
        fork: dict[str, Any] = {"pipe": signals.path, "lease": LEASE, "drain": True}
        if action == "kill9" or point == RECORDED:
            struck = await flock.fork(failpoint=failpoint, **fork)
            assert await signals.next() == name
            await struck.wake_and_end()
            await at.so_far(filed, recorded=point == RECORDED)
            return
        # The other is up before: on SQLite a worker cannot start while one that sleeps holds the source's lock.
        other = await flock.fork(failpoint="shadow.taken:note", ahead=1.5 * LEASE, held=True, **fork)
        assert await signals.next() == READY
        struck = await flock.fork(failpoint=failpoint, **fork)
        assert await signals.next() == name
        assert await other.wake_and_tell(signals) == "shadow.taken"
        await struck.wake_and_end()
        await other.wake_and_end()
        await at.so_far(filed, recorded=True)


Way = Callable[[Measuring], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def ended(at: Measuring) -> AsyncIterator[None]:
    """Let the server end the worker's sessions."""
    execute(
        at.files.database,
        {
            "postgres": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'synapsor_writer'",
            "mariadb": "KILL USER synapsor_writer@'127.0.0.1'",
        }[at.files.database.engine],
    )
    yield


def of_the_session(name: str) -> bool:
    """Tell whether what befalls a session at a point is sure to hold up the measuring: it is in a transaction there."""
    return name not in {"shadow.taken", "shadow.rolled_back", RECORDED}


def of_the_ledger(name: str) -> bool:
    """Tell whether what befalls the ledger at a point is sure to hold up the measuring."""
    return name != RECORDED


def of_a_full_disk(_name: str) -> bool:
    """Tell that it may be recorded all the same, whole."""
    return False


async def _measured_through(
    at: Measuring, way: Way, point: str, filed: list[str], held_up: Callable[[str], bool] = of_the_ledger
) -> None:
    """Let something happen when a worker comes to a point, and be over when it has given up; then let a clean one do what is left."""
    name, _, time = point.partition(":")
    came, begun = 0, list[AbstractAsyncContextManager[None]]()

    async def reached(step: str) -> None:
        nonlocal came
        came += step == name
        if step == name and came == int(time or 1):
            begun.append(way(at))
            await begun[0].__aenter__()

    worker = await at.project.worker(pace=SOON)
    try:
        with anyio.fail_after(120):
            await replace(worker, bench=replace(worker.bench, reached=reached)).run(drain=True)
        assert begun, point
        records = await at.records(filed)
        made = {len(record.measurements) for record in records}
        # Where nothing holds it up at this point it is recorded already, whole; where it is sure to be, nothing of it is.
        assert made == {0} if held_up(name) else made in ({0}, {1})
        assert at.untouched()
    finally:
        for one in begun:
            await one.__aexit__(None, None, None)
    if point == RECORDED:
        await at.so_far(filed, recorded=True)
    await at.measured(filed)


@WHOLE
@pytest.mark.requirement("shadow:once", "shadow:nothing-stays", "apply:cut")
@pytest.mark.parametrize("name", ["postgres", "mariadb"])
async def test_a_session_that_is_ended_or_cut_while_it_measures_leaves_nothing_and_the_next_one_measures_once(
    tmp_path: Path, request: pytest.FixtureRequest, name: str, whole: bool
) -> None:
    server: Database = request.getfixturevalue(f"{name}_db")
    async with proxied(name, urlsplit(server.write_url).port or 0) as proxy:

        @asynccontextmanager
        async def cut(_: Measuring) -> AsyncIterator[None]:
            proxy.close()
            yield

        ways: dict[str, Way] = {"ended": ended, "cut": cut}
        through = server.write_url.replace(f":{proxy.target}/", f":{proxy.port}/")
        played = turns(list(ways), 4, 2 * (name == "mariadb"), whole=whole)
        async with measuring(tmp_path, replace(server, write_url=through), marks(played)) as at:
            for way, kind, point, mark in played:
                filed = await at.filed(kind, mark)
                await _measured_through(at, ways[way], point, filed, of_the_session)
            await at.judge()


TROUBLES: dict[str, Way] = {"full": full, "read-only": read_only, "held": held}


@WHOLE
@pytest.mark.one_engine
@pytest.mark.requirement("shadow:once", "apply:ledger-fails")
async def test_a_ledger_that_fails_while_it_is_measured_has_no_half_of_a_measurement_and_goes_on_when_it_can(
    tmp_path: Path, database: Database, whole: bool
) -> None:
    played = turns(list(TROUBLES), len(TROUBLES), 0, whole=whole)
    async with measuring(tmp_path, database, marks(played)) as at:
        for trouble, kind, point, mark in played:
            filed = await at.filed(kind, mark)
            # On a full disk what is small may still find room in the ledger's log.
            held_up = of_a_full_disk if trouble == "full" else of_the_ledger
            await _measured_through(at, TROUBLES[trouble], point, filed, held_up)
        await at.judge()


@WHOLE
@pytest.mark.one_engine
@pytest.mark.requirement("shadow:once", "apply:ledger-fails")
async def test_on_a_disk_that_is_really_full_a_measurement_is_made_when_there_is_room(
    tmp_path: Path, database: Database, whole: bool
) -> None:
    with own_disk(tmp_path / "project" / ".synapsor") as disk:
        if disk is None:
            pytest.skip("no disk can be mounted here")

        @asynccontextmanager
        async def really_full(_: Measuring) -> AsyncIterator[None]:
            disk.fill_now()
            try:
                yield
            finally:
                disk.make_room()

        points = COURSE if whole else COURSE[::4]
        async with measuring(tmp_path, database, points) as at:
            for point in points:
                await _measured_through(at, really_full, point, await at.filed("group", point))
            await at.judge()
