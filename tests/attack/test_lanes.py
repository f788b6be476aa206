"""Lanes: several jobs of a source in hand at once, each row's in order, each with its own end; a lane that may have lost its lease commits nothing."""

import datetime as dt
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio
import pytest
import pytest_asyncio

from synapsor.core.moment import stamp
from synapsor.errors import LedgerFailure
from synapsor.flow import apply as applying
from synapsor.ledger.sqlite import SqliteConnection
from synapsor.runtime import Project
from synapsor.testing.clock import TestClock
from synapsor.work.heartbeat import Heartbeat
from synapsor.work.lane import Came, Lane
from synapsor.work.worker import Worker
from tests.attack.shop import NOTE, SOON, Shop, changed, open_shop
from tests.attack.tasks import POLICY, tasks_table
from tests.databases import Database, reset
from tests.projects import leo_approves

INVOICES = ("INV-3001", "INV-3002", "INV-3005")
LEASE = SOON.lease_seconds
THREE_LANES = {"    mode: writeback\n": "    mode: writeback\n    lanes: 3\n    pool: {size: 1}\n"}


@dataclass
class Gate:
    """What a worker calls at its named points: it holds whoever comes to one of them, tells when so many are there, and lets them go."""

    step: str
    many: int
    there: anyio.Event = field(default_factory=anyio.Event)
    opened: anyio.Event = field(default_factory=anyio.Event)
    passed: Counter[str] = field(default_factory=Counter)

    async def reached(self, name: str) -> None:
        self.passed[name] += 1
        if name == self.step:
            if self.passed[name] == self.many:
                self.there.set()
            await self.opened.wait()


@pytest.fixture
def clock() -> TestClock:
    """Return the clock of every process here."""
    return TestClock(dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC))


@pytest_asyncio.fixture
async def timed(tmp_path: Path, sqlite_db: Database, clock: TestClock) -> AsyncIterator[Shop]:
    """Open a project by that clock."""
    async with open_shop(tmp_path / "project", sqlite_db, clock=clock) as opened:
        yield opened


@pytest.fixture(params=["postgres", "mariadb"])
def many_writers(request: pytest.FixtureRequest) -> Database:
    """Return the shop on an engine on which several transactions write at once."""
    found: Database = request.getfixturevalue(f"{request.param}_db")
    reset(found)
    return found


@pytest_asyncio.fixture
async def busy(tmp_path: Path, many_writers: Database) -> AsyncIterator[Shop]:
    """Open a project of three lanes, with fewer connections than those."""
    async with open_shop(tmp_path / "project", many_writers, config=THREE_LANES) as opened:
        yield opened


async def _worker(project: Project, told: list[Mapping[str, Any]], **bench: Any) -> Worker:
    return changed(await project.worker("w", pace=SOON, report=told.append), **bench)


async def _drain(worker: Worker) -> None:
    await worker.run(drain=True)


async def _run_until(worker: Worker, stop: anyio.Event) -> None:
    await worker.run(stop=stop)


@pytest.mark.requirement("worker:lanes")
async def test_as_many_jobs_are_in_hand_at_once_as_the_source_has_lanes_each_with_a_connection(busy: Shop) -> None:
    for invoice in (*INVOICES, "INV-3006"):
        await busy.approved(NOTE, {"invoice_id": invoice, "note": "x"})
    told: list[Mapping[str, Any]] = []
    gate = Gate("apply.before_commit", 3)
    worker = await _worker(busy.project, told, reached=gate.reached)
    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            group.start_soon(_drain, worker)
            await gate.there.wait()
            assert gate.passed["work.leased"] == 3
            gate.opened.set()
    assert [one["outcome"] for one in told] == ["applied"] * 4
    assert {one["lane"] for one in told} == {1, 2, 3}


@pytest.mark.requirement("worker:lanes")
async def test_a_stopped_or_canceled_worker_finishes_what_its_lanes_have_in_hand_and_begins_nothing_more(
    busy: Shop,
) -> None:
    for invoice in INVOICES:
        await busy.approved(NOTE, {"invoice_id": invoice, "note": "x"})
    told: list[Mapping[str, Any]] = []
    for end in ("stop", "cancel"):
        gate, stop = Gate("apply.row_locked", 1), anyio.Event()
        worker = changed(await _worker(busy.project, told, reached=gate.reached), lanes={"shop": 1})
        with anyio.fail_after(60):
            async with anyio.create_task_group() as group:
                group.start_soon(_run_until, worker, stop)
                await gate.there.wait()
                stop.set() if end == "stop" else group.cancel_scope.cancel()
                gate.opened.set()
        assert gate.passed["work.leased"] == 1
    assert [one["outcome"] for one in told] == ["applied"] * 2


@pytest.mark.requirement("worker:row-order")
async def test_changes_of_one_row_are_applied_in_the_order_of_their_approvals_by_any_number_of_lanes(
    busy: Shop,
) -> None:
    asked = [await busy.approved(NOTE, {"invoice_id": "INV-3001", "note": f"note {n}"}) for n in range(3)]
    apart = await busy.approved(NOTE, {"invoice_id": "INV-3002", "note": "x"})
    told: list[Mapping[str, Any]] = []
    await (await _worker(busy.project, told)).run(drain=True)
    ends = [(one["proposal"], one["outcome"]) for one in told if one["proposal"] != apart]
    assert ends == list(zip(asked, ["applied", "conflict", "conflict"], strict=True))
    assert busy.invoice("INV-3001", "note") == ("note 0",)


@pytest.mark.requirement("worker:row-order")
async def test_an_insert_waits_for_the_older_removal_of_the_row_that_has_its_dedup_columns(
    tmp_path: Path, many_writers: Database
) -> None:
    with tasks_table(many_writers):
        async with open_shop(tmp_path / "project", many_writers, policy=POLICY, config=THREE_LANES) as shop:
            added = await shop.proposed("tasks.add_once", {"number": "r8", "points": 1})
            shop.change(
                "INSERT INTO {tasks} (id, tenant_id, request_no, title, state) VALUES (8, 'acme', 'r8', 'Eight', 'open')"
            )
            removed = await shop.proposed("tasks.remove", {"task": 8})
            for proposal in (removed, added):
                await leo_approves(shop.files, shop.project, proposal["id"], proposal["digest"])
            now = shop.project.clock.now()
            until = stamp(now + dt.timedelta(seconds=LEASE))
            (held,) = await shop.ledger.lease("w1", now=stamp(now), until=until, sources={"shop": 9})
            assert held.job.lead.proposal == removed["id"]
            assert await shop.ledger.release(held, not_before=stamp(now), code="busy")
            told: list[Mapping[str, Any]] = []
            await _drain(await _worker(shop.project, told))
            assert [(one["proposal"], one["outcome"], one["rows"]) for one in told] == [
                (removed["id"], "applied", 1),
                (added["id"], "applied", 1),
            ]
            assert shop.rows("SELECT title FROM {tasks} WHERE request_no = 'r8'") == [("Numbered",)]
            assert (await shop.ledger.verify()).ok


@pytest.mark.requirement("worker:one-line")
async def test_a_worker_whose_job_another_one_has_ended_meanwhile_does_not_say_that_it_is_refused(
    timed: Shop, clock: TestClock, caplog: pytest.LogCaptureFixture
) -> None:
    await timed.approved(NOTE, {"invoice_id": INVOICES[0], "note": "x"})
    late: list[Mapping[str, Any]] = []
    gate = Gate("work.leased", 1)
    slow = await _worker(timed.project, late, reached=gate.reached)
    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            group.start_soon(_drain, slow)
            await gate.there.wait()
            clock.move(seconds=2 * LEASE)
            assert await timed.work() == [("applied", "")]
            gate.opened.set()
    assert [(one["outcome"], one["recorded"]) for one in late] == [("already_applied", False)]
    assert not [one for one in caplog.records if getattr(one, "action", "") in {"job_refused", "job_put_off"}]


@pytest.mark.requirement("worker:lanes")
async def test_the_end_of_a_job_and_the_lease_of_the_next_share_a_commit_of_the_ledger(timed: Shop) -> None:
    for invoice in INVOICES:
        await timed.approved(NOTE, {"invoice_id": invoice, "note": "x"})
    told: list[Mapping[str, Any]] = []
    worker = await _worker(timed.project, told)
    engine = timed.ledger._connection
    assert isinstance(engine, SqliteConnection)
    commits: list[str] = []
    engine._writer.set_trace_callback(lambda text: commits.append(text) if text == "COMMIT" else None)
    await worker.run(drain=True)
    assert [one["outcome"] for one in told] == ["applied"] * 3
    # The first lease, twice an end and a lease, the last end.
    assert len(commits) == 4


@pytest.mark.requirement("worker:lanes", "worker:row-order")
async def test_what_a_free_lane_has_applied_and_not_yet_put_on_record_is_found_by_another_worker(
    timed: Shop, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await timed.waiver(INVOICES[0])
    same_row = await timed.approved(NOTE, {"invoice_id": INVOICES[0], "note": "x"})
    other_row = await timed.approved(NOTE, {"invoice_id": INVOICES[1], "note": "x"})
    slept, woken, settle = anyio.Event(), anyio.Event(), Lane.settle
    went_on = anyio.Event()  # then it takes no more

    async def asleep(self: Lane, came: Came) -> bool:
        if came.lease.worker == "w" and came.lease.job.lead.proposal == first:
            slept.set()
            await woken.wait()
        return await settle(self, came)

    def report(line: Mapping[str, Any]) -> None:
        told.append(line)
        went_on.set()

    monkeypatch.setattr(Lane, "settle", asleep)
    told: list[Mapping[str, Any]] = []
    theirs: list[Mapping[str, Any]] = []
    sleeper = await timed.project.worker("w", pace=replace(SOON, lease_seconds=500), report=report)  # its heart rests
    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            group.start_soon(_run_until, sleeper, went_on)
            await slept.wait()
            await went_on.wait()
            # The lane is free, and the row is not.
            assert [await timed.status(one) for one in (other_row, same_row)] == ["applied", "approved"]
            clock.move(minutes=20)
            await (await timed.project.worker("v", pace=SOON, report=theirs.append)).run(drain=True)
            woken.set()
    assert [(one["proposal"], one["outcome"]) for one in theirs] == [(first, "already_applied"), (same_row, "conflict")]
    assert [(one["proposal"], one["recorded"]) for one in told] == [(other_row, True), (first, False)]
    assert [await timed.status(one) for one in (first, same_row)] == ["applied", "conflict"]
    assert (timed.receipts(), (await timed.ledger.verify()).ok) == (3, True)


@pytest.mark.requirement("worker:at-once")
async def test_a_worker_that_waits_for_work_takes_it_when_it_is_approved_and_not_at_its_next_look(
    timed: Shop,
) -> None:
    told: list[Mapping[str, Any]] = []
    stop = anyio.Event()
    worker = await _worker(timed.project, told)
    worker.pace = replace(SOON, poll_seconds=3600)
    waits = anyio.Event()
    version = timed.ledger.version

    async def asked() -> int:
        waits.set()
        return await version()

    def report(line: Mapping[str, Any]) -> None:
        told.append(line)
        stop.set()

    worker.report = report
    with anyio.fail_after(60), pytest.MonkeyPatch.context() as patched:
        patched.setattr(timed.ledger, "version", asked)
        async with anyio.create_task_group() as group:
            group.start_soon(_run_until, worker, stop)
            await waits.wait()
            await timed.approved(NOTE, {"invoice_id": INVOICES[0], "note": "x"})
            await stop.wait()
    assert [one["outcome"] for one in told] == ["applied"]


@pytest.mark.requirement("worker:row-order")
async def test_a_drain_goes_on_where_a_job_ends_while_it_looks_for_the_next_of_the_same_row(
    busy: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        await busy.approved(NOTE, {"invoice_id": "INV-3001", "note": f"note {n}"})
    told: list[Mapping[str, Any]] = []
    lease, taken, ended = busy.ledger.lease, 0, anyio.Event()

    def report(one: Mapping[str, Any]) -> None:
        nonlocal ended
        told.append(one)
        ended.set()
        ended = anyio.Event()

    async def late(*args: Any, **more: Any) -> Any:
        """Answer what was so before the job in hand came to its end."""
        nonlocal taken
        seen, end = await lease(*args, **more), ended
        taken += len(seen)
        if not seen and len(told) < taken:
            await end.wait()
            await anyio.wait_all_tasks_blocked()  # its lane is free again
        return seen

    monkeypatch.setattr(busy.ledger, "lease", late)
    worker = await _worker(busy.project, told)
    worker.report, worker.pace = report, replace(SOON, poll_seconds=0.0)
    assert await worker.run(drain=True) == 3
    assert [one["outcome"] for one in told] == ["applied", "conflict", "conflict"]


@pytest.mark.requirement("worker:lanes")
async def test_what_breaks_in_one_lane_stops_no_other(busy: Shop, caplog: pytest.LogCaptureFixture) -> None:
    asked = [await busy.approved(NOTE, {"invoice_id": invoice, "note": "x"}) for invoice in INVOICES]
    passed = 0

    async def reached(name: str) -> None:
        nonlocal passed
        passed += name == "work.applied"
        if (name, passed) == ("work.applied", 1):
            raise RuntimeError("CANARY")

    told: list[Mapping[str, Any]] = []
    with caplog.at_level(logging.ERROR, "synapsor.worker"):
        assert await (await _worker(busy.project, told, reached=reached)).run(drain=True) == 2
    assert [record.action for record in caplog.records if record.levelno == logging.ERROR] == ["lane_broke"]  # type: ignore[attr-defined]
    assert "CANARY" not in caplog.text
    (left,) = {*asked} - {one["proposal"] for one in told}
    assert await busy.status(left) == "approved"


@pytest.mark.requirement("worker:lanes")
async def test_one_job_in_all_is_taken_once_however_many_lanes_there_are(busy: Shop) -> None:
    for invoice in INVOICES:
        await busy.approved(NOTE, {"invoice_id": invoice, "note": "x"})
    told: list[Mapping[str, Any]] = []
    assert await (await _worker(busy.project, told)).run(once=True) == 1
    assert len(told) == 1


@dataclass
class Ticks:
    """A clock of what passes, which a test lets pass."""

    seconds: float = 1000.0

    def elapsed(self) -> float:
        return self.seconds


def _late(ticks: Ticks, step: str, seconds: float = LEASE) -> Callable[[str], Awaitable[None]]:
    async def reached(name: str) -> None:
        ticks.seconds += seconds if name == step else 0

    return reached


@pytest.mark.requirement("worker:fenced")
async def test_a_lane_that_was_paused_for_as_long_as_its_lease_commits_nothing_and_leaves_the_job_to_who_has_it(
    timed: Shop, clock: TestClock
) -> None:
    approved, before, ticks = await timed.waiver(), timed.invoice(), Ticks()
    late = {"reached": _late(ticks, "apply.row_checked"), "elapsed": ticks.elapsed}
    assert await timed.attempt(**late) == [("retry", "lease_lost")]
    assert (timed.receipts(), timed.invoice()) == (0, before)
    assert [event["kind"] for event in (await timed.record(approved)).events][-1] == "job_leased"  # and not given back
    assert await timed.work() == []
    clock.move(seconds=LEASE)
    assert await timed.work() == [("applied", "")]


@pytest.mark.requirement("worker:fenced")
async def test_a_lane_that_holds_its_lease_to_the_last_moment_commits(timed: Shop) -> None:
    await timed.waiver()
    ticks = Ticks()
    late = {"reached": _late(ticks, "apply.row_checked", LEASE - 1), "elapsed": ticks.elapsed}
    assert await timed.attempt(**late) == [("applied", "")]


@pytest.mark.requirement("worker:fenced")
@pytest.mark.parametrize("attempts", [10, 1])
async def test_a_lane_that_may_have_lost_its_lease_leaves_no_verdict_and_gives_nothing_up(
    timed: Shop, attempts: int
) -> None:
    approved, ticks = await timed.waiver(), Ticks()
    timed.change("DELETE FROM {invoices} WHERE id = 'INV-3001'")
    late = {"reached": _late(ticks, "apply.verdict_begun"), "elapsed": ticks.elapsed}
    assert await timed.attempt(pace=replace(SOON, attempts=attempts), **late) == [("retry", "lease_lost")]
    assert (timed.receipts(), await timed.status(approved)) == (0, "approved")


@pytest.mark.requirement("worker:fenced")
async def test_the_last_attempt_at_a_job_gives_nothing_up_when_all_that_it_lost_is_its_lease(timed: Shop) -> None:
    await timed.waiver()
    ticks = Ticks()

    async def reached(name: str) -> None:
        ticks.seconds += {"apply.row_checked": LEASE, "apply.verdict_begun": -LEASE}.get(name, 0)

    last = {"pace": replace(SOON, attempts=1), "reached": reached, "elapsed": ticks.elapsed}
    assert await timed.attempt(**last) == [("retry", "lease_lost")]
    assert timed.receipts() == 0


@pytest.mark.requirement("worker:fenced")
async def test_one_beat_of_the_heart_prolongs_all_leases_in_hand_and_tells_which_were_lost(
    timed: Shop, clock: TestClock
) -> None:
    for invoice in INVOICES:
        await timed.approved(NOTE, {"invoice_id": invoice, "note": "x"})
    ticks = Ticks()
    heart = Heartbeat(ledger=timed.ledger, clock=clock, elapsed=ticks.elapsed, seconds=LEASE)

    def passes(seconds: float) -> None:
        ticks.seconds += seconds
        clock.move(seconds=seconds)

    since, until = heart.lasting()
    leases = await timed.ledger.lease("w", now=stamp(clock.now()), until=until, sources={"shop": 9})
    heart.take(leases, since=since)
    passes(LEASE - 1)
    await heart.beat()
    passes(LEASE - 1)
    assert [heart.holds(lease) for lease in leases] == [True] * 3
    heart.drop(leases[2])
    assert not heart.holds(leases[2])
    passes(1)
    (taken,) = await timed.ledger.lease("w2", now=stamp(clock.now()), until=heart.lasting()[1], sources={"shop": 1})
    assert taken.job == leases[0].job
    await heart.beat()
    assert [heart.holds(lease) for lease in leases] == [False, True, False]
    passes(LEASE - 1)
    assert heart.holds(leases[1])


@dataclass
class Renewing:
    """A ledger that renews nothing at all, and fails where it is told so; it counts how often it was asked."""

    fails: bool
    asked: int = 0

    async def renew(self, leases: Any, *, until: str) -> frozenset[str]:  # noqa: ARG002
        self.asked += 1
        if self.fails:
            raise LedgerFailure("The ledger failed.")
        return frozenset()


@pytest.mark.requirement("worker:fenced")
async def test_a_ledger_that_cannot_be_asked_takes_no_lease_away_before_its_time(timed: Shop, clock: TestClock) -> None:
    for invoice in INVOICES:
        await timed.approved(NOTE, {"invoice_id": invoice, "note": "x"})
    ledger: Any = Renewing(fails=True)
    ticks = Ticks()
    heart = Heartbeat(ledger=ledger, clock=clock, elapsed=ticks.elapsed, seconds=LEASE)
    since, until = heart.lasting()
    await heart.beat()
    assert ledger.asked == 0  # nothing is in hand
    leases = await timed.ledger.lease("w", now=stamp(clock.now()), until=until, sources={"shop": 9})
    heart.take(leases, since=since)
    await heart.beat()
    assert ([heart.holds(lease) for lease in leases], ledger.asked) == ([True] * 3, 1)
    ticks.seconds += LEASE
    assert [heart.holds(lease) for lease in leases] == [False] * 3
    ticks.seconds -= LEASE
    ledger.fails = False
    await heart.beat()
    assert ([heart.holds(lease) for lease in leases], ledger.asked) == ([False] * 3, 2)


@pytest.mark.requirement("worker:clock-jumps")
@pytest.mark.parametrize("days", [1, -1])
@pytest.mark.parametrize("step", ["work.leased", "apply.row_locked", "apply.before_commit", "apply.committed"])
async def test_a_clock_that_jumps_by_a_day_while_a_job_is_in_hand_applies_it_once_and_loses_nothing(
    timed: Shop, clock: TestClock, step: str, days: int
) -> None:
    """By a clock that is a day ahead the approval has lapsed, and by one that is a day back it is still to come."""
    approved, was = await timed.waiver(), timed.invoice()

    async def jumps(name: str) -> None:
        if name == step:
            clock.move(days=days)

    told = await timed.attempt(reached=jumps)
    if days < 0 and step == "work.leased":
        assert told == [("retry", "approval_to_come")]
        clock.move(days=1)
        told = await timed.work()
    lapsed = days > 0 and step in {"work.leased", "apply.row_locked"}
    assert told == [("failed", "approval_expired") if lapsed else ("applied", "")]
    refused = lapsed and step == "work.leased"  # on the word of a first, refused attempt nothing is written
    assert (timed.receipts(), timed.invoice() == was) == (0 if refused else 1, lapsed)
    assert await timed.status(approved) == told[0][0]
    clock.move(days=-days)
    assert await timed.work() == []
    assert (await timed.project.verify()).ok


@pytest.mark.requirement("worker:clock-jumps")
@pytest.mark.parametrize("days", [1, -1])
async def test_a_job_of_a_worker_that_died_is_taken_over_though_the_clock_jumped_by_a_day_meanwhile(
    timed: Shop, clock: TestClock, days: int
) -> None:
    approved = await timed.waiver()

    async def dies(name: str) -> None:
        if name == "work.applied":
            raise RuntimeError

    assert await timed.attempt(reached=dies) == []
    clock.move(days=days)
    (taken,) = await timed.ledger.lease(
        "w2", now=stamp(clock.now()), until=stamp(clock.now() + dt.timedelta(seconds=LEASE)), sources={"shop": 1}
    )
    assert (taken.job.lead.proposal, taken.attempt) == (approved, 2)
    clock.move(days=-days, seconds=LEASE)
    told = await timed.work()
    assert told == [("already_applied", "")]
    assert timed.receipts() == 1


@pytest.mark.requirement("worker:one-line")
async def test_one_line_tells_all_that_is_known_of_a_job(timed: Shop, clock: TestClock) -> None:
    approved = await timed.waiver()
    job = (await timed.record(approved)).job
    assert job is not None
    clock.move(seconds=2.5)
    ticks = Ticks()
    told: list[Mapping[str, Any]] = []
    worker = await _worker(timed.project, told, reached=_late(ticks, "apply.begun", 0.25), elapsed=ticks.elapsed)
    await worker.run(drain=True)
    assert told == [
        {
            "job": job.id,
            "proposal": approved,
            "source": "shop",
            "capability": "billing.propose_late_fee_waiver",
            "worker": "w",
            "lane": 1,
            "outcome": "applied",
            "code": "",
            "attempt": 1,
            "rows": 1,
            "recorded": True,
            "again_at": "",
            "newcomers": 0,
            "group": [],
            "seconds_since_approval": 2.5,
            "seconds_applying": 0.25,
        }
    ]


@pytest.mark.requirement("worker:one-line")
@pytest.mark.parametrize(("every", "lines"), [(1, [1, 2]), (2, [2]), (3, [])])
async def test_of_many_rows_it_is_told_how_many_are_changed_each_time_that_so_many_more_are(
    tmp_path: Path, sqlite_db: Database, monkeypatch: pytest.MonkeyPatch, every: int, lines: list[int]
) -> None:
    monkeypatch.setattr(applying, "EVERY", every)
    with tasks_table(sqlite_db):
        async with open_shop(tmp_path / "project", sqlite_db, policy=POLICY) as tasks:
            approved = await tasks.approved(
                "tasks.add_all", {"list": [{"number": f"R-{n}", "points": n} for n in range(3)]}
            )
            far: list[Mapping[str, Any]] = []
            assert await tasks.work(progress=far.append) == [("applied", "")]
            job = (await tasks.record(approved)).job
            assert job is not None
            assert far == [{"job": job.id, "rows_done": done, "rows": 3} for done in lines]


def test_it_is_told_every_hundred_rows() -> None:
    assert applying.EVERY == 100
