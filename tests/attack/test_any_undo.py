"""Whatever change `check` accepts as one that can be undone, whatever rows and whatever call: its undo leaves them as they were."""

import asyncio
from contextlib import closing

import pytest
from hypothesis import given, settings

from synapsor.testing import MemoryDatabase
from tests.attack.any_change import Changes
from tests.attack.test_any_change import Call, Case, cases, kept
from tests.attack.watched import DRAWN, Watched, on_trial
from tests.databases import Database, load_memory

pytestmark = [
    pytest.mark.filterwarnings("ignore:Generating overly large repr"),
    pytest.mark.requirement("undo:any-contract", "undo:exact", "apply:exact"),
]


UNDONE: list[str] = []
"""What was undone; a run in which nothing is would prove nothing."""


async def there_and_back(watched: Watched, call: Call) -> None:
    """Let a call be approved and applied, and be undone; nothing is left of it, and nothing else is touched."""
    proposing, sent, _, _ = call
    trial, mapped = watched.trial, proposing.table
    before = kept(watched.database, mapped)
    answer = await watched.call(proposing.name, sent)
    if not answer["ok"]:
        return
    await trial.approve(answer)
    (report,) = await trial.apply()
    if report["outcome"] != "applied" or proposing.operation == "delete":
        return
    changed = kept(watched.database, mapped)
    filed = await trial.undo(answer, reason="There and back.")
    assert kept(watched.database, mapped) == changed
    await trial.approve(filed)
    assert [report["outcome"] for report in await trial.apply()] == ["applied"]
    assert kept(watched.database, mapped) == before
    UNDONE.append(proposing.name)


async def examine(database: Database, world: Changes, calls: list[Call]) -> None:
    """Make the table of a world, and see what is left of its calls, one after the other."""
    async with on_trial(database, [world.table], world.contract, world.session) as watched:
        for call in calls:
            await there_and_back(watched, call)


def test_in_memory() -> None:
    @settings(DRAWN, max_examples=40)
    @given(cases())
    def there_and_back_again(case: Case) -> None:
        with closing(MemoryDatabase()) as memory:
            asyncio.run(examine(load_memory(memory), *case))

    UNDONE.clear()
    there_and_back_again()
    assert UNDONE


@settings(DRAWN, max_examples=10)
@given(case=cases())
@pytest.mark.parametrize("engine", ["postgres", "mariadb"])
def test_on_a_server(request: pytest.FixtureRequest, engine: str, case: Case) -> None:
    asyncio.run(examine(request.getfixturevalue(f"{engine}_db"), *case))
