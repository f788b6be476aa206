"""Two workers have the same group in hand, and one commits while the other looks for its receipts: they are not taken for ones that differ."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synapsor.core.outcome import Outcome
from synapsor.core.proposal import Status
from synapsor.sql.statement import RawRow, Statement
from synapsor.work.pace import Pace
from tests.chaos.stepped import LEASE, Movable, Stepped, stepped
from tests.databases import Database

pytestmark = pytest.mark.chaos


@pytest.fixture(params=["postgres", "mariadb"])
def server(request: pytest.FixtureRequest) -> Database:
    """The shop on each engine on which two workers can be in a transaction at once."""
    found: Database = request.getfixturevalue(f"{request.param}_db")
    return found


class Overtaken:
    """A source whose first transaction another worker overtakes after its first look at a receipt."""

    def __init__(self, real: Any, other: Any) -> None:
        self._real = real
        self._other = other
        self.overtaken = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    @asynccontextmanager
    async def transaction(self, *, time_ms: int) -> AsyncIterator[Any]:
        async with self._real.transaction(time_ms=time_ms) as tx:
            fetch = tx.fetch

            async def overtaken(statement: Statement) -> Sequence[RawRow]:
                rows: Sequence[RawRow] = await fetch(statement)
                if not self.overtaken:
                    assert "synapsor_receipts" in statement.text
                    self.overtaken = True
                    assert await self._other.run(drain=True) == 1
                return rows

            tx.fetch = overtaken
            yield tx


async def _tried(at: Stepped) -> None:
    """Let an attempt break as soon as its transaction has begun."""

    async def breaks(step: str) -> None:
        if step == "apply.begun":
            raise RuntimeError

    worker = await at.project.worker(pace=Pace(backoff_seconds=0))
    await replace(worker, bench=replace(worker.bench, reached=breaks)).run(once=True)


@pytest.mark.requirement("apply:receipts-at-once", "apply:outcome-true")
async def test_a_group_that_another_worker_commits_meanwhile_is_found_applied_by_both(
    tmp_path: Path, server: Database
) -> None:
    async with stepped(tmp_path, server, []) as at:
        filed = await at.filed("group", "x")
        await _tried(at)  # receipts are looked for from the second attempt on
        ahead = Movable()
        ahead.ahead = 2 * LEASE
        other = await at.project.worker()
        other = replace(other, bench=replace(other.bench, clock=ahead))
        worker = await at.project.worker()
        targets: Any = worker.bench.targets
        source = Overtaken(targets["shop"].source, other)
        told: list[str] = []
        overtaken = replace(
            worker,
            bench=replace(worker.bench, targets={"shop": replace(targets["shop"], source=source)}),
            report=lambda line: told.append(line["outcome"]),
        )
        await overtaken.run(drain=True)
        assert source.overtaken
        assert told == [Outcome.ALREADY_APPLIED]
        assert {r.status for r in await at.settled(filed)} == {Status.APPLIED}
        await at.judge()
