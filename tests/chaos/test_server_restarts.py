"""The server ends a worker's sessions, or is itself killed and started again, at any named point of a job: whole, once, told as it is."""

from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from synapsor.core.proposal import Status
from tests.chaos.changes import KINDS
from tests.chaos.nemesis import crash, end_sessions
from tests.chaos.recorder import effects
from tests.chaos.stepped import APPLY_STEPS, MOVABLE, VERDICT_STEPS, in_turns, stepped
from tests.chaos.storm import alone
from tests.databases import Database
from tests.servers import Server

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

WHOLE = pytest.mark.parametrize(
    "whole", [pytest.param(False, id="in turns"), pytest.param(True, id="every kind", marks=pytest.mark.soak)]
)
RESTARTED = ("apply.receipt_inserted", "apply.before_commit", "apply.committed")
"""Where the server itself is killed: before anything, before the commit, and after it."""


@pytest.fixture(params=["postgres", "mariadb"])
def shared(request: pytest.FixtureRequest) -> Database:
    """The shop on a server that others use, too."""
    found: Database = request.getfixturevalue(f"{request.param}_db")
    return found


@pytest.fixture(params=["postgres", "mariadb"])
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Server, Database]]:
    """The shop on a server that nobody else uses."""
    with alone(request.param, tmp_path) as (server, database):
        assert server is not None
        yield server, database


@WHOLE
@pytest.mark.requirement("apply:server-restarts", "apply:exactly-once", "apply:outcome-true")
async def test_sessions_that_the_server_ends_at_any_named_point_leave_each_change_whole_and_once(
    tmp_path: Path, shared: Database, whole: bool
) -> None:
    async with stepped(tmp_path, shared, [f"{step} delete" for step in APPLY_STEPS]) as at:
        for kind, step, mark in in_turns(whole, APPLY_STEPS, KINDS):
            filed = await at.filed(kind, mark)

            async def strike() -> None:
                await anyio.to_thread.run_sync(end_sessions, shared)

            await at.struck(step, strike)
            assert {r.status for r in await at.settled(filed)} == {Status.APPLIED}, step
        await at.judge()


@WHOLE
@pytest.mark.requirement("apply:server-restarts", "apply:verdict-fenced")
async def test_a_conflict_stays_one_where_the_server_ends_the_session_that_records_it(
    tmp_path: Path, shared: Database, whole: bool
) -> None:
    async with stepped(tmp_path, shared, []) as at:
        for kind, step, mark in in_turns(whole, VERDICT_STEPS, MOVABLE):
            filed = await at.filed(kind, mark, moved=True)

            async def strike() -> None:
                await anyio.to_thread.run_sync(end_sessions, shared)

            await at.struck(step, strike)
            assert {r.status for r in await at.settled(filed)} == {Status.CONFLICT}, step
        assert [e for e in effects(shared) if e.new_mark is not None] == []


@WHOLE
@pytest.mark.requirement("apply:server-restarts", "apply:exactly-once", "apply:outcome-true")
async def test_a_server_that_is_killed_and_started_again_in_mid_transaction_leaves_each_change_whole_and_once(
    tmp_path: Path, own: tuple[Server, Database], whole: bool
) -> None:
    server, database = own
    steps = APPLY_STEPS if whole else RESTARTED
    async with stepped(tmp_path, database, [f"{step} delete" for step in APPLY_STEPS]) as at:
        for kind, step, mark in in_turns(whole, steps, KINDS):
            filed = await at.filed(kind, mark)

            async def strike() -> None:
                await anyio.to_thread.run_sync(crash, server)

            await at.struck(step, strike)
            assert {r.status for r in await at.settled(filed)} == {Status.APPLIED}, step
        await at.judge()
