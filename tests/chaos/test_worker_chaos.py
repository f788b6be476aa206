"""The worker killed and paused at every named point and at random: every approved change once, every outcome true."""

import os
import random
import signal
import sys
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest

from synapsor.core.proposal import Status
from synapsor.ports import ProposalRecord
from synapsor.runtime import Project
from synapsor.work.failpoints import ALL_STEPS
from tests.chaos.herd import Herd, Signals, herd
from tests.chaos.history import effects, violations, watch
from tests.databases import Database, execute, table
from tests.projects import ACME, GLOBEX, ProjectFiles, leo_approves, opened, write_project

pytestmark = pytest.mark.chaos

APPLY_STEPS = tuple(s for s in ALL_STEPS if not s.startswith("apply.verdict"))
STRIKES = 6
"""The least number of kills and pauses that make a storm."""
STRIKE_LEASE = 1.0
"""Seconds. Short, for others wait for it to lapse; long enough that a worker is not stopped while it renews it, with the ledger's
lock in its hand."""
VERDICT_STEPS = tuple(s for s in ALL_STEPS if s.startswith("apply.verdict"))


@pytest.fixture
def files(tmp_path: Path, database: Database) -> ProjectFiles:
    if database.engine == "postgres":
        execute(database, "DROP TABLE IF EXISTS billing.effects; DROP FUNCTION IF EXISTS billing.note_effect CASCADE")
    elif database.engine == "mariadb":
        execute(database, "DROP TRIGGER IF EXISTS note_effect; DROP TABLE IF EXISTS effects")
    watch(database)
    return write_project(tmp_path / "project", database)


async def _file(desk: Any, invoice: str, mark: str, session: Any = ACME) -> dict[str, Any]:
    while True:
        answer = await desk.call("billing.propose_late_fee_waiver", {"invoice_id": invoice, "reason": mark}, session)
        if answer["ok"]:
            break
        # On SQLite a killed worker leaves what only the next one can roll back, and holds up others while it is paused.
        assert answer["error"]["code"] in {"source_unavailable", "timeout"}, answer["error"]
    proposal: dict[str, Any] = answer["proposal"]
    return proposal


async def _record(project: Project, proposal_id: str) -> ProposalRecord:
    record = await (await project.ledger()).proposal(proposal_id)
    assert record is not None
    return record


async def _drained(flock: Herd) -> None:
    await (await flock.fork(drain=True)).ended()


async def _settled(project: Project, flock: Herd, ids: list[str], seconds: float = 300) -> list[ProposalRecord]:
    """Let clean workers drain until every proposal has reached its end."""
    with anyio.fail_after(seconds):
        while True:
            await _drained(flock)
            records = [await _record(project, proposal_id) for proposal_id in ids]
            if all(r.status is not Status.APPROVED for r in records):
                return records


@pytest.mark.requirement("apply:exactly-once", "apply:outcome-true")
@pytest.mark.parametrize("action", ["kill9", "stop", "raise"])
async def test_a_worker_that_dies_or_sleeps_at_any_named_point_leaves_exactly_one_effect(
    files: ProjectFiles, action: str
) -> None:
    async with opened(files) as project, herd(files) as flock:
        desk = await project.desk()
        marks: dict[str, str] = {}
        for step in APPLY_STEPS:
            proposal = await _file(desk, "INV-3001", f"{action} at {step}")
            marks[proposal["id"]] = f"{action} at {step}"
            await leo_approves(files, project, proposal["id"], proposal["digest"])
            await _strike(files, flock, step, action)
            records = await _settled(project, flock, [proposal["id"]])
            assert records[0].status is Status.APPLIED, (step, records[0].receipts)
        records = [await _record(project, i) for i in marks]
        assert violations(effects(files.database), records, files.operators, marks) == []


@pytest.mark.requirement("apply:verdict-fenced")
@pytest.mark.parametrize("action", ["kill9", "stop", "raise"])
async def test_a_conflict_stays_a_conflict_when_the_worker_dies_or_sleeps_while_recording_it(
    files: ProjectFiles, action: str
) -> None:
    async with opened(files) as project, herd(files) as flock:
        desk = await project.desk()
        marks: dict[str, str] = {}
        for step in VERDICT_STEPS:
            proposal = await _file(desk, "INV-3001", f"{action} at {step}")
            marks[proposal["id"]] = f"{action} at {step}"
            execute(
                files.database,
                f"UPDATE {table(files.database, 'invoices')} SET note = '{action} {step}' WHERE id = 'INV-3001'",
            )
            await leo_approves(files, project, proposal["id"], proposal["digest"])
            await _strike(files, flock, step, action)
            records = await _settled(project, flock, [proposal["id"]])
            assert records[0].status is Status.CONFLICT, (step, records[0].receipts)
        assert [e for e in effects(files.database) if e.new_mark in marks.values()] == []


async def _strike(files: ProjectFiles, flock: Herd, step: str, action: str) -> None:
    """Let one worker meet the failpoint; let another take over the job while the first is away, and the first come back."""
    with closing(Signals(files.root / f"reached.{step}")) as signals:
        struck = await flock.fork(failpoint=f"{step}:{action}", pipe=signals.path, lease=STRIKE_LEASE, drain=True)
        assert await signals.next() == step
        if action == "stop" and step != ALL_STEPS[-1]:
            other = await flock.fork(failpoint="work.leased:note", pipe=signals.path, lease=STRIKE_LEASE)
            assert await signals.next() == "work.leased"
            await struck.wake_and_end()
            other.send(signal.SIGKILL)
        await struck.wake_and_end()


@dataclass
class Tally:
    """What the nemesis did; a storm without strikes would prove nothing."""

    forked: int = 0
    armed: int = 0
    killed: int = 0
    paused: int = 0
    enough: anyio.Event = field(default_factory=anyio.Event, repr=False)

    @property
    def struck(self) -> int:
        """How often a worker was killed or put to sleep."""
        return self.killed + self.paused


async def _storm(files: ProjectFiles, count: int, seed: int) -> tuple[Tally, Counter[str]]:
    rng = random.Random(seed)
    rows = _many_rows(files.database, max(20, count // 12))
    async with opened(files) as project, herd(files) as flock:
        desk = await project.desk()
        marks: dict[str, str] = {}
        approved: list[str] = []
        over, tally = anyio.Event(), Tally()
        async with anyio.create_task_group() as group:
            group.start_soon(_nemesis, flock, random.Random(seed + 1), over, tally)
            for ordinal in range(count):
                tenant, session = rng.choice([("acme", ACME), ("globex", GLOBEX)])
                proposal = await _file(desk, rng.choice(rows[tenant]), f"mark {ordinal}", session)
                marks[proposal["id"]] = f"mark {ordinal}"
                if rng.random() < 0.9:
                    await leo_approves(files, project, proposal["id"], proposal["digest"])
                    approved.append(proposal["id"])
            await _mostly_settled(project, approved, tally)
            await tally.enough.wait()
            over.set()
        for child in flock.children:
            child.send(signal.SIGKILL)
        await _settled(project, flock, approved)
        records = [await _record(project, i) for i in marks]
        assert violations(effects(files.database), records, files.operators, marks) == []
        states = Counter(r.status.value for r in records)
        assert set(states) <= {"applied", "conflict", "review_required"}
        assert states["applied"] > count // 10
        assert (await project.verify()).first_bad is None
        return tally, states


async def _mostly_settled(project: Project, ids: list[str], tally: Tally) -> None:
    """Let the storm rage until nine tenths of the approved proposals have reached their end in it, or there was a strike for each.

    On a busy machine it kills workers before they have begun; then what is left is for those that come after it.
    """
    with anyio.fail_after(1800):
        while tally.struck < len(ids):
            waiting = await (await project.ledger()).inbox(status=Status.APPROVED, limit=len(ids))
            if len(waiting) <= len(ids) // 10:
                return
            await anyio.wait_all_tasks_blocked()
            with anyio.move_on_after(0.1):
                await anyio.Event().wait()


async def _nemesis(flock: Herd, rng: random.Random, over: anyio.Event, tally: Tally) -> None:
    """Keep three workers running, half of them with a failpoint set, and all the while kill one or put one to sleep past its lease."""
    while not over.is_set():
        for child in flock.children:
            child.send(signal.SIGCONT)
        alive = [c for c in flock.children if c.alive]
        while len(alive) < 3:
            armed = rng.random() < 0.5
            trap = f"{rng.choice(ALL_STEPS)}:{rng.choice(['kill9', 'stop'])}:{rng.randint(1, 8)}" if armed else None
            alive.append(await flock.fork(failpoint=trap, lease=0.15))
            tally.forked += 1
            tally.armed += armed
        if tally.struck >= STRIKES:
            tally.enough.set()
        victim = rng.choice(alive)
        await _pause(over, rng.uniform(0.02, 0.12))
        if rng.random() < 0.4:
            victim.send(signal.SIGKILL)
            tally.killed += 1
        else:
            victim.send(signal.SIGSTOP)
            tally.paused += 1
            await _pause(over, rng.uniform(0.02, 0.3))


async def _pause(over: anyio.Event, seconds: float) -> None:
    """Let the nemesis rest; the length is part of its randomness and no test waits on it."""
    with anyio.move_on_after(seconds):
        await over.wait()


def _many_rows(database: Database, count: int) -> dict[str, list[str]]:
    rows: dict[str, list[str]] = {}
    values = []
    for tenant in ("acme", "globex"):
        rows[tenant] = [f"CH-{tenant}-{n:04}" for n in range(count)]
        values += [
            f"('{key}', '{tenant}', 'Chaos Ltd', 'overdue', '10.00', 500, '2026-01-31', 'CANARY-token')"
            for key in rows[tenant]
        ]
    columns = "id, tenant_id, customer, status, amount, late_fee_cents, due_date, card_token"
    execute(database, f"INSERT INTO {table(database, 'invoices')} ({columns}) VALUES " + ", ".join(values))
    return rows


@pytest.mark.requirement("apply:exactly-once", "apply:none-lost", "apply:none-unapproved", "apply:tenant")
async def test_a_storm_of_kills_and_pauses_leaves_no_double_lost_unapproved_or_foreign_effect(
    files: ProjectFiles,
) -> None:
    tally, _ = await _storm(files, count=150, seed=20261123)
    assert tally.struck >= STRIKES


@pytest.mark.soak
@pytest.mark.requirement("apply:exactly-once", "apply:none-lost", "apply:none-unapproved", "apply:tenant")
async def test_a_long_storm_leaves_no_double_lost_unapproved_or_foreign_effect(
    files: ProjectFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    count, seed = int(os.environ.get("SYNAPSOR_SOAK", "3000")), int(os.environ.get("SYNAPSOR_SEED", "1"))
    tally, states = await _storm(files, count=count, seed=seed)
    with capsys.disabled():
        sys.stdout.write(f"\n{files.database.engine}: {count} proposals, seed {seed}, {tally}, {dict(states)}\n")
    assert tally.struck > count // 100
