"""The worker killed and paused at every named point and at random: every approved change whole and once, every outcome true."""

import os
import signal
import sys
from contextlib import closing
from pathlib import Path

import pytest

from synapsor.core.proposal import Status
from synapsor.work.failpoints import ALL_STEPS
from tests.chaos.changes import ASK, KINDS, fill, members, write_chaos_project
from tests.chaos.filing import file_request
from tests.chaos.herd import Herd, Signals, herd
from tests.chaos.history import Asked, violations
from tests.chaos.nemesis import STRIKES
from tests.chaos.recorder import effects, gathered, unwatch, watch
from tests.chaos.storm import LEASE, alone, mixed_project, settled, storm
from tests.chaos.zygote import MIDWAY, READY
from tests.conftest import ENGINES
from tests.databases import Database, execute, table
from tests.projects import ProjectFiles, opened

pytestmark = pytest.mark.chaos

VERDICT_STEPS = tuple(s for s in ALL_STEPS if s.startswith("apply.verdict"))
APPLY_STEPS = tuple(s for s in (*ALL_STEPS, MIDWAY) if s not in VERDICT_STEPS)


@pytest.fixture
def files(tmp_path: Path, database: Database) -> ProjectFiles:
    unwatch(database)
    return write_chaos_project(tmp_path / "project", database)


def _kinds(files: ProjectFiles, step: str, action: str) -> tuple[str, ...]:
    """Return what is struck at a step: everything by kill -9, and one row and another kind in turn by what is slower to play.

    The turns are such that over the three engines every kind meets every step in every way; a group has them beside another kind.
    """
    if step == MIDWAY:
        return tuple(kind for kind in KINDS if kind != "one")
    turn = APPLY_STEPS.index(step) + ENGINES.index(files.database.engine)
    return KINDS if action == "kill9" else ("one", KINDS[1 + turn % 3], *(("group",) if turn % 3 == 0 else ()))


@pytest.mark.timeout(300)  # some hundred workers, one after another, beside the other half of the tests
@pytest.mark.requirement("apply:exactly-once", "apply:outcome-true", "set:all-or-nothing")
@pytest.mark.parametrize("action", ["kill9", "stop", "raise"])
async def test_a_worker_that_dies_or_sleeps_at_any_named_point_leaves_each_change_whole_and_once(
    files: ProjectFiles, action: str
) -> None:
    fill(files.database, ["one", "set", "group", *(f"gone {step}" for step in APPLY_STEPS)])
    watch(files.database)
    async with opened(files) as project, herd(files) as flock:
        desk = await project.desk()
        asked: dict[str, Asked] = {}
        for step in APPLY_STEPS:
            struck: list[str] = []
            for kind in _kinds(files, step, action):
                group = f"gone {step}" if kind == "delete" else kind
                request = ASK[kind]("acme", group, f"{action} {kind} {step}")
                filed = await file_request(files, desk, project, request)
                assert len(filed) == 1 + len(request.others)
                asked |= filed
                struck += filed
                await _strike(files, flock, step, action)
            records = await settled(project, flock, struck)
            assert [r.status for r in records] == [Status.APPLIED] * len(struck), (step, [r.receipts for r in records])
        assert violations(await gathered(files, project, asked))[:5] == []


@pytest.mark.requirement("apply:verdict-fenced", "set:all-or-nothing")
@pytest.mark.parametrize("action", ["kill9", "stop", "raise"])
async def test_a_conflict_stays_a_conflict_when_the_worker_dies_or_sleeps_while_recording_it(
    files: ProjectFiles, action: str
) -> None:
    fill(files.database, [f"{kind} {step}" for kind in ("one", "set", "group") for step in VERDICT_STEPS])
    watch(files.database)
    async with opened(files) as project, herd(files) as flock:
        desk = await project.desk()
        struck: list[str] = []
        for step in VERDICT_STEPS:
            for kind in ("one", "set", "group"):
                # Rows of its own: a younger job about the same ones would wait for what the struck worker holds.
                rows = f"{kind} {step}"
                filed = await file_request(files, desk, project, ASK[kind]("acme", rows, f"{action} {kind} {step}"))
                assert filed
                moved = members("acme", rows)[0 if kind == "one" else -1]
                execute(
                    files.database,
                    f"UPDATE {table(files.database, 'invoices')} SET note = '{action} {kind} {step}' WHERE id = '{moved}'",
                )
                struck += filed
                await _strike(files, flock, step, action)
        records = await settled(project, flock, struck)
        assert [r.status for r in records] == [Status.CONFLICT] * len(struck), [r.receipts for r in records]
        assert [e for e in effects(files.database) if e.new_mark is not None] == []


async def _strike(files: ProjectFiles, flock: Herd, step: str, action: str) -> None:
    """Let one worker meet the failpoint; let another take over the job while the first is away, and the first come back."""
    with closing(Signals(files.root / f"reached.{len(flock.children)}")) as signals:
        if action != "stop" or step == ALL_STEPS[-1]:
            struck = await flock.fork(failpoint=f"{step}:{action}", pipe=signals.path, lease=LEASE, drain=True)
            assert await signals.next() == step
            await struck.wake_and_end()
            return
        # The other is up before: on SQLite a worker cannot start while one that sleeps holds the source's lock.
        other = await flock.fork(
            failpoint="work.leased:note", pipe=signals.path, lease=LEASE, ahead=1.5 * LEASE, held=True
        )
        assert await signals.next() == READY
        struck = await flock.fork(failpoint=f"{step}:stop", pipe=signals.path, lease=LEASE, drain=True)
        assert await signals.next() == step
        assert await other.wake_and_tell(signals) == "work.leased"
        await struck.wake_and_end()
        other.send(signal.SIGKILL)


@pytest.mark.timeout(600)  # a storm is as long as the machine is busy
@pytest.mark.requirement(
    "apply:exactly-once", "apply:none-lost", "apply:none-unapproved", "apply:tenant", "set:all-or-nothing"
)
async def test_a_storm_of_kills_and_pauses_leaves_no_double_lost_partial_unapproved_or_foreign_effect(
    files: ProjectFiles,
) -> None:
    tally, _ = await storm(files, count=150, seed=20261123)
    assert tally.struck >= STRIKES


@pytest.mark.timeout(600)  # as above
@pytest.mark.requirement("apply:server-restarts", "apply:ledger-fails", "ledger:asked-again", "apply:exactly-once")
async def test_a_storm_in_which_the_server_and_the_ledger_fail_too_leaves_no_such_effect_and_one_proposal_of_a_request(
    tmp_path: Path,
) -> None:
    with alone("postgres", tmp_path) as (server, database):
        async with mixed_project(tmp_path / "project", server, database) as (files, troubles):
            tally, _ = await storm(files, count=60, seed=20261129, troubles=troubles)
    assert tally.struck >= STRIKES


@pytest.mark.soak
@pytest.mark.requirement(
    "apply:exactly-once", "apply:none-lost", "apply:none-unapproved", "apply:tenant", "set:all-or-nothing", "apply:cut"
)
@pytest.mark.parametrize("engine", ENGINES)
async def test_a_long_storm_of_all_there_is_leaves_no_double_lost_partial_unapproved_or_foreign_effect(
    tmp_path: Path, engine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    count, seed = int(os.environ.get("SYNAPSOR_SOAK", "10000")), int(os.environ.get("SYNAPSOR_SEED", "1"))
    minutes = float(os.environ.get("SYNAPSOR_MINUTES", "inf"))
    with alone(engine, tmp_path) as (server, database):
        async with mixed_project(tmp_path / "project", server, database) as (files, troubles):
            tally, states = await storm(files, count, seed, troubles, seconds=60 * minutes)
    with capsys.disabled():
        sys.stdout.write(f"\n{engine}: seed {seed}, {sum(states.values())} proposals, {tally}, {dict(states)}\n")
    assert tally.struck > sum(states.values()) // 100
