"""A worker in this very process to which something happens at a named step, once, and a clean one after it."""

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio

from synapsor.core.proposal import Status
from synapsor.ports import ProposalRecord, SystemClock
from synapsor.runtime import Project
from synapsor.work.failpoints import ALL_STEPS
from synapsor.work.pace import Pace
from synapsor.work.worker import Worker
from tests.chaos.changes import ASK, KINDS, fill, members, write_chaos_project
from tests.chaos.filing import file_request, record_of
from tests.chaos.history import Asked, violations
from tests.chaos.recorder import gathered, unwatch, watch
from tests.databases import Database, execute, table
from tests.projects import ProjectFiles, opened

VERDICT_STEPS = tuple(step for step in ALL_STEPS if step.startswith("apply.verdict"))
APPLY_STEPS = tuple(step for step in ALL_STEPS if step not in VERDICT_STEPS)
MOVABLE = ("one", "set", "group")
"""What another hand can make stale."""
LEASE = 30.0


class Movable(SystemClock):
    """A clock that a test may set ahead or back."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> dt.datetime:
        """Return the time by this clock."""
        return super().now() + dt.timedelta(seconds=self.ahead)


Act = Callable[[], Awaitable[None]]


@dataclass
class Stepped:
    """A project, and what was asked for in it.

    Attributes:
        clock: that of the worker to which something happens.
    """

    files: ProjectFiles
    project: Project
    clock: Movable = field(default_factory=Movable)
    asked: dict[str, Asked] = field(default_factory=dict)
    _workers: dict[str, Worker] = field(default_factory=dict)

    async def filed(self, kind: str, mark: str, *, moved: bool = False) -> list[str]:
        """Return the approved proposals of a request; `moved` lets another hand change a row of it afterwards."""
        group = f"gone {mark}" if kind == "delete" else "group"
        request = ASK[kind]("acme", group, mark)
        filed = await file_request(self.files, await self.project.desk(), self.project, request)
        assert len(filed) == 1 + len(request.others)
        self.asked |= filed
        if moved:
            invoices = table(self.files.database, "invoices")
            last = members("acme", group)[0 if kind == "one" else -1]
            execute(self.files.database, f"UPDATE {invoices} SET note = '{mark}' WHERE id = '{last}'")
        return list(filed)

    async def struck(self, step: str, act: Act) -> None:
        """Let a worker drain, and let something happen when it comes to a step; it must come there."""
        came = 0

        async def reached(name: str) -> None:
            nonlocal came
            came += name == step
            if name == step and came == 1:
                await act()

        worker = await self._worker(
            "struck", Pace(lease_seconds=LEASE, backoff_seconds=0, backoff_most=0, attempts=1000)
        )
        with anyio.fail_after(120):
            await replace(worker, bench=replace(worker.bench, reached=reached, clock=self.clock)).run(drain=True)
        assert came, step

    async def settled(self, filed: Sequence[str], *, ahead: float = 3 * LEASE) -> list[ProposalRecord]:
        """Return the records once a clean worker has brought all to their end; what others hold has lapsed by its clock."""
        clock = Movable()
        clock.ahead = ahead
        worker = await self._worker("clean", Pace(backoff_seconds=0, backoff_most=0, attempts=1000))
        with anyio.fail_after(120):
            while True:
                await replace(worker, bench=replace(worker.bench, clock=clock)).run(drain=True)
                records = [await record_of(self.project, proposal) for proposal in filed]
                if all(r.status is not Status.APPROVED for r in records):
                    return records

    async def _worker(self, which: str, pace: Pace) -> Worker:
        """Return one of the two, which keep their connections: each new one would have some of its own until the project is closed."""
        if which not in self._workers:
            self._workers[which] = await self.project.worker(pace=pace)
        return self._workers[which]

    async def judge(self) -> None:
        """See that the whole history is as promised."""
        assert violations(await gathered(self.files, self.project, self.asked))[:5] == []


@asynccontextmanager
async def stepped(root: Path, database: Database, marks: Sequence[str]) -> AsyncIterator[Stepped]:
    """Open a project with a group to change, and one to remove for each mark."""
    unwatch(database)
    for name in ("invoices", "synapsor_receipts"):
        execute(database, f"DELETE FROM {table(database, name)}")
    files = write_chaos_project(root / "project", database)
    fill(database, ["group", *(f"gone {mark}" for mark in marks)])
    watch(database)
    async with opened(files) as project:
        yield Stepped(files, project)


def in_turns(whole: bool, things: Sequence[str], kinds: Sequence[str] = KINDS) -> list[tuple[str, str, str]]:
    """Return kinds and things, and a mark for each pair: all of them, or each thing with one kind and each kind with some thing."""
    return [
        (kind, thing, f"{thing} {kind}")
        for ordinal, thing in enumerate(things)
        for kind in (kinds if whole else (kinds[ordinal % len(kinds)],))
    ]
