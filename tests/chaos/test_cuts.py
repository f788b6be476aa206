"""The connection to the database cut around the COMMIT, around the look for the receipt and while it is made, in every way that networks have."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest

from synapsor.core.outcome import Outcome
from synapsor.core.proposal import Status
from synapsor.ports import ProposalRecord
from synapsor.runtime import Project
from synapsor.work.pace import Pace
from tests.chaos.changes import ASK, fill, members, write_chaos_project
from tests.chaos.filing import file_request, record_of
from tests.chaos.history import Asked, violations
from tests.chaos.impatience import Impatience
from tests.chaos.proxy import ARRIVES, Cut, Moment, Proxy, Way, proxied
from tests.chaos.recorder import effects, gathered, unwatch, watch
from tests.chaos.stepped import MOVABLE, in_turns
from tests.databases import Database, execute, table
from tests.projects import ProjectFiles, opened

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

WAYS = tuple(Way)
WHOLE = pytest.mark.parametrize(
    "whole", [pytest.param(False, id="in turns"), pytest.param(True, id="every kind", marks=pytest.mark.soak)]
)


@pytest.fixture(params=["postgres", "mariadb"])
def server(request: pytest.FixtureRequest) -> Database:
    """The shop on each engine that is reached over a network."""
    found: Database = request.getfixturevalue(f"{request.param}_db")
    unwatch(found)
    for name in ("invoices", "synapsor_receipts"):
        execute(found, f"DELETE FROM {table(found, name)}")
    return found


@dataclass
class Cutting:
    """A project whose worker reaches the database through a proxy."""

    files: ProjectFiles
    project: Project
    proxy: Proxy
    worker: Any
    impatience: Impatience
    asked: dict[str, Asked] = field(default_factory=dict)

    async def meets(self, kind: str, mark: str, cuts: Sequence[Cut], *, moved: bool = False) -> list[ProposalRecord]:
        """Return the records of one request of a kind whose job met these cuts; `moved` lets a row of it be another one before."""
        group = f"gone {mark}" if kind == "delete" else "group"
        began = time.monotonic()
        filed = await file_request(self.files, await self.project.desk(), self.project, ASK[kind]("acme", group, mark))
        assert filed
        targets: Any = self.worker.bench.targets
        limit = self.impatience.after(time.monotonic() - began, len(filed))
        targets["shop"] = replace(targets["shop"], time_ms=limit)
        self.asked |= filed
        if moved:
            invoices = table(self.files.database, "invoices")
            last = members("acme", group)[0 if kind == "one" else -1]
            execute(self.files.database, f"UPDATE {invoices} SET note = '{mark}' WHERE id = '{last}'")
        self.proxy.arm(cuts)
        with anyio.fail_after(240):
            while True:
                await self.worker.run(drain=True)
                records = [await record_of(self.project, proposal) for proposal in filed]
                if all(r.status is not Status.APPROVED for r in records):
                    break
        assert self.proxy.left == [], (kind, cuts)
        return records

    async def judge(self) -> None:
        """See that the whole history is as promised."""
        assert violations(await gathered(self.files, self.project, self.asked))[:5] == []


@asynccontextmanager
async def cutting(root: Path, server: Database) -> AsyncIterator[Cutting]:
    async with proxied(server.engine, urlsplit(server.write_url).port or 0) as proxy:
        through = server.write_url.replace(f":{proxy.target}/", f":{proxy.port}/")
        files = write_chaos_project(root / "project", replace(server, write_url=through))
        fill(server, ["group", *(f"gone {way} delete" for way in WAYS)])
        watch(server)
        async with opened(files) as project:
            pace = Pace(poll_seconds=0.01, backoff_seconds=0, backoff_most=0, attempts=1000)
            worker = await project.worker(pace=pace)
            with pytest.MonkeyPatch.context() as patch:
                yield Cutting(files, project, proxy, worker, Impatience(patch))


def outcomes(records: Sequence[ProposalRecord]) -> set[str]:
    """Return what the last receipts of some proposals say."""
    return {r.receipts[-1].outcome for r in records}


@WHOLE
@pytest.mark.requirement("apply:cut", "apply:exactly-once", "apply:outcome-true", "apply:unknown-is-unknown")
async def test_whatever_is_cut_at_the_commit_each_change_is_whole_and_once_and_told_truly(
    tmp_path: Path, server: Database, whole: bool
) -> None:
    async with cutting(tmp_path, server) as cut:
        for kind, way, mark in in_turns(whole, WAYS):
            records = await cut.meets(kind, mark, [Cut(Moment.COMMIT, Way(way))])
            assert {r.status for r in records} == {Status.APPLIED}, (kind, way)
            # What had arrived is found by its receipt; what had not is done by another attempt; either may be the one that comes late.
            found = Outcome.ALREADY_APPLIED if way in ARRIVES else Outcome.APPLIED
            assert way is Way.LATE or outcomes(records) == {found}, (kind, way)
        await cut.judge()


@WHOLE
@pytest.mark.requirement("apply:cut", "apply:verdict-fenced", "apply:outcome-true")
async def test_whatever_is_cut_at_the_commit_of_a_conflict_it_stays_one(
    tmp_path: Path, server: Database, whole: bool
) -> None:
    async with cutting(tmp_path, server) as cut:
        for kind, way, mark in in_turns(whole, WAYS, MOVABLE):
            records = await cut.meets(kind, mark, [Cut(Moment.COMMIT, Way(way))], moved=True)
            assert {r.status for r in records} == {Status.CONFLICT}, (kind, way)
        assert [e for e in effects(server) if e.new_mark is not None] == []


@WHOLE
@pytest.mark.requirement("apply:cut", "apply:exactly-once", "apply:unknown-is-unknown")
@pytest.mark.parametrize("then", [Moment.CONNECT, Moment.RECEIPT])
async def test_whatever_is_cut_while_an_unknown_commit_is_looked_for_it_is_found(
    tmp_path: Path, server: Database, then: Moment, whole: bool
) -> None:
    async with cutting(tmp_path, server) as cut:
        for kind, way, mark in in_turns(whole, WAYS):
            if way is Way.LATE:
                continue
            records = await cut.meets(kind, mark, [Cut(Moment.COMMIT, Way.AFTER), Cut(then, Way(way))])
            assert outcomes(records) == {Outcome.ALREADY_APPLIED}, (kind, way)
            assert {r.status for r in records} == {Status.APPLIED}, (kind, way)
        await cut.judge()
