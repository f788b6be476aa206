"""The ledger's disk is full, it cannot be written, or another process holds it, from any named point of a job on: nothing is lost or half."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path
from typing import Any, Protocol

import pytest

from synapsor.core.moment import stamp
from synapsor.core.proposal import Status
from synapsor.errors import LedgerFailure
from synapsor.ledger import sqlite as engine
from synapsor.runtime import Project
from tests.attack.test_ledger_room import fill, make_room
from tests.chaos.changes import KINDS
from tests.chaos.disk import own_disk
from tests.chaos.filing import record_of
from tests.chaos.recorder import effects
from tests.chaos.stepped import APPLY_STEPS, MOVABLE, VERDICT_STEPS, Stepped, in_turns, stepped
from tests.databases import Database
from tests.projects import ProjectFiles

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


class Opened(Protocol):
    """A project and its files: all that a trouble is made of."""

    files: ProjectFiles
    project: Project


Trouble = Callable[[Opened], AbstractAsyncContextManager[None]]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for the ledger here."""
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.05)


@asynccontextmanager
async def full(at: Opened) -> AsyncIterator[None]:
    """Let the ledger have no room for another record."""
    ledger = await at.project.ledger()
    await fill(ledger)
    try:
        yield
    finally:
        await make_room(ledger)


@asynccontextmanager
async def read_only(at: Opened) -> AsyncIterator[None]:
    """Let nothing be written to the ledger, as where its disk was mounted anew after a fault."""
    writer: Any = (await at.project.ledger())._connection._writer  # type: ignore[attr-defined]  # no mount of its own
    writer.execute("PRAGMA query_only = ON")
    try:
        yield
    finally:
        writer.execute("PRAGMA query_only = OFF")


@asynccontextmanager
async def held(at: Opened) -> AsyncIterator[None]:
    """Let another process hold the ledger for longer than anybody waits."""
    with closing(sqlite3.connect(at.files.config.ledger, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


TROUBLES: dict[str, Trouble] = {"full": full, "read-only": read_only, "held": held}
WHOLE = pytest.mark.parametrize(
    "whole", [pytest.param(False, id="in turns"), pytest.param(True, id="every kind", marks=pytest.mark.soak)]
)
ALL_MARKS = [f"{step} delete" for step in APPLY_STEPS]


async def _troubled(at: Stepped, trouble: str, step: str, filed: list[str], end: Status) -> bool:
    """Let the trouble begin at a step of a job and be over after it; until then the ledger says nothing that is not so.

    Return whether it kept what came of the job from being recorded.
    """
    begun: list[AbstractAsyncContextManager[None]] = []

    async def begin() -> None:
        begun.append(TROUBLES[trouble](at))
        await begun[0].__aenter__()

    try:
        await at.struck(step, begin)
        ledger = await at.project.ledger()
        (status,) = {(await record_of(at.project, proposal)).status for proposal in filed}
        # What was committed before the trouble stands; nothing of what came after it is on record, but what fits into the pages that a full
        # ledger has already.
        told = {end} if step == "work.settled" else {Status.APPROVED, *([end] if trouble == "full" else [])}
        assert status in told, step
        with pytest.raises(LedgerFailure):
            await ledger.refused_decision(filed[0], "leo", "expired", stamp(at.clock.now()))
    finally:
        await begun[0].__aexit__(None, None, None)
    assert {r.status for r in await at.settled(filed)} == {end}, step
    return status is Status.APPROVED


@WHOLE
@pytest.mark.one_engine
@pytest.mark.requirement("apply:ledger-fails", "apply:exactly-once", "apply:none-lost")
@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_ledger_that_fails_from_any_named_point_on_loses_nothing_and_goes_on_when_it_can(
    tmp_path: Path, database: Database, trouble: str, whole: bool
) -> None:
    stopped = 0
    async with stepped(tmp_path, database, ALL_MARKS) as at:
        for kind, step, mark in in_turns(whole, APPLY_STEPS, KINDS):
            filed = await at.filed(kind, mark)
            stopped += await _troubled(at, trouble, step, filed, Status.APPLIED)
        assert stopped
        await at.judge()


@WHOLE
@pytest.mark.one_engine
@pytest.mark.requirement("apply:ledger-fails", "apply:verdict-fenced")
@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_conflict_stays_one_where_the_ledger_fails_while_it_is_recorded(
    tmp_path: Path, database: Database, trouble: str, whole: bool
) -> None:
    stopped = 0
    async with stepped(tmp_path, database, []) as at:
        for kind, step, mark in in_turns(whole, VERDICT_STEPS, MOVABLE):
            filed = await at.filed(kind, mark, moved=True)
            stopped += await _troubled(at, trouble, step, filed, Status.CONFLICT)
        assert stopped
        assert [e for e in effects(database) if e.new_mark is not None] == []


@pytest.mark.one_engine
@pytest.mark.requirement("apply:ledger-fails")
async def test_on_a_disk_that_is_really_full_no_job_is_lost_and_all_is_done_when_there_is_room(
    tmp_path: Path, database: Database
) -> None:
    stopped = 0
    with own_disk(tmp_path / "project" / ".synapsor") as disk:
        if disk is None:
            pytest.skip("no disk can be mounted here")
        async with stepped(tmp_path, database, []) as at:
            for step in APPLY_STEPS:
                filed = await at.filed("one", step)

                async def begin() -> None:
                    disk.fill_now()

                await at.struck(step, begin)
                stopped += (await record_of(at.project, filed[0])).status is Status.APPROVED
                disk.make_room()
                assert {r.status for r in await at.settled(filed)} == {Status.APPLIED}, step
            await at.judge()
    # Some records fit into what the ledger's log has already.
    assert stopped
