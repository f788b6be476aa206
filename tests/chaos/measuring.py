"""A project in which everything is measured before anybody approves it, and what must be so whatever happened to the workers meanwhile."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from synapsor.core.measured import holds
from synapsor.core.proposal import Status
from synapsor.ports import ProposalRecord
from synapsor.runtime import Project
from synapsor.work.pace import Pace
from tests.chaos.changes import ASK, fill, write_chaos_project
from tests.chaos.filing import file_request, record_of
from tests.chaos.history import Asked, violations
from tests.chaos.recorder import effects, gathered, left, unwatch, watch
from tests.databases import Database, execute, fetch, table
from tests.projects import ProjectFiles, leo_approves, opened

_CARRIED_OUT = ("shadow.begun", "apply.row_locked", "apply.row_changed", "shadow.carried_out", "shadow.rolled_back")
COURSE = (
    "shadow.taken",
    *(f"{point}:{time}" for time in (1, 2) for point in _CARRIED_OUT),
    "shadow.recorded",
)
"""Every named point of a shadow apply, and at which passing, in order."""
SOON = Pace(backoff_seconds=0, backoff_most=0, attempts=1000)


@dataclass
class Measuring:
    """A project, its rows as they were before, and what was asked for in it."""

    files: ProjectFiles
    project: Project
    rows: list[tuple[Any, ...]]
    asked: dict[str, Asked] = field(default_factory=dict)

    async def filed(self, kind: str, mark: str) -> list[str]:
        """Return the proposals of a request about the rows of its own mark, which nobody has approved."""
        request = ASK[kind]("acme", mark, mark)
        filed = await file_request(self.files, await self.project.desk(), self.project, request, approved=False)
        assert len(filed) == 1 + len(request.others)
        self.asked |= filed
        return list(filed)

    async def records(self, filed: Sequence[str]) -> list[ProposalRecord]:
        """Return what the ledger has of proposals."""
        return [await record_of(self.project, proposal) for proposal in filed]

    def untouched(self) -> bool:
        """Tell whether the source has nothing of what was carried out: no row of it, nothing that a trigger wrote, no receipt."""
        database = self.files.database
        return not effects(database) and not left(database) and _rows(database) == self.rows

    async def so_far(self, filed: Sequence[str], *, recorded: bool) -> None:
        """See that a measurement is on record whole or not at all, and that the source has nothing of it."""
        assert self.untouched()
        for record in await self.records(filed):
            assert record.status is Status.REVIEW_REQUIRED
            assert len(record.measurements) == recorded
            assert all(holds(one, record.proposal) for one in record.measurements)

    async def measured(self, filed: Sequence[str]) -> None:
        """Let a clean worker measure what is to be, and see that it is on record whole and that the source has nothing of it."""
        await self._work(filed, lambda record: bool(record.measurements))
        await self.so_far(filed, recorded=True)

    async def _work(self, filed: Sequence[str], done: Callable[[ProposalRecord], bool]) -> None:
        """Let clean workers in this very process do all that is due; what the source cannot tell one of them now is for the next."""
        with anyio.fail_after(240):
            while True:
                await (await self.project.worker(pace=SOON)).run(drain=True)
                if all(map(done, await self.records(filed))):
                    return

    async def judge(self) -> None:
        """Approve all that was measured, let it be applied, and see that the whole history is as promised."""
        for record in await self.records(list(self.asked)):
            await leo_approves(self.files, self.project, record.proposal.id, record.shown)
        assert self.untouched()
        await self._work(list(self.asked), lambda record: record.status is not Status.APPROVED)
        records = await self.records(list(self.asked))
        assert {r.status for r in records} == {Status.APPLIED}, [r.receipts for r in records]
        assert all({one.decision.effect for one in r.decisions} == {r.effect} for r in records)
        assert violations(await gathered(self.files, self.project, self.asked))[:5] == []


def _rows(database: Database) -> list[tuple[Any, ...]]:
    return fetch(database, f"SELECT * FROM {table(database, 'invoices')} ORDER BY id")


@asynccontextmanager
async def measuring(root: Path, database: Database, marks: Sequence[str]) -> AsyncIterator[Measuring]:
    """Open a project with a group of rows for each mark."""
    unwatch(database)
    for name in ("invoices", "synapsor_receipts"):
        execute(database, f"DELETE FROM {table(database, name)}")
    files = write_chaos_project(root / "project", database, shadow=True)
    fill(database, marks)
    watch(database)
    async with opened(files) as project:
        yield Measuring(files, project, _rows(database))
