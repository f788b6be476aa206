"""Whatever aggregate `check` accepts, whatever rows and whatever call: exact numbers of the session's own rows, and of no few of them."""

import asyncio
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapsor.testing import MemoryDatabase
from tests.attack.any_contract import Draw, draw_call
from tests.attack.any_total import Counting, Counts, counts, lines
from tests.attack.watched import DRAWN, Watched, on_trial
from tests.databases import Database, load_memory

Case = tuple[Counts, list[tuple[Counting, Any, Any]]]
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")


async def holds(watched: Watched, counting: Counting, sent: dict[str, Any], meant: dict[str, Any]) -> None:
    """See that a call tells exact measures of groups that are large enough, and that nothing else follows from them."""
    groups = counting.counted(watched.database.engine, watched.session, meant)
    answer = await watched.call(counting.name, sent)
    assert answer["ok"], answer["error"]
    data = answer["data"]
    found = data["groups"] if counting.groups else [data["totals"]] * (data["totals"] is not None)
    cut = bool(counting.groups and data["truncated"])
    assert len(found) <= counting.rows
    assert not cut or len(found) == counting.rows
    told = [next((key for key, rows in groups.items() if counting.tells(key, rows, shown)), None) for shown in found]
    assert None not in told
    assert len(set(told)) == len(told)
    assert not any(counting.small(groups[key]) for key in told if key is not None)
    hidden = set(groups) - set(told)
    if not any(map(counting.small, groups.values())):
        assert cut or not hidden
    if cut:
        return
    assert data["withheld"] or not hidden
    for line in lines(list(groups)):
        for at in range(len(counting.sizes([]))):
            left = sum(counting.sizes(groups[key])[at] for key in line if key in hidden)
            shown = sum(counting.sizes(groups[key])[at] for key in line if key not in hidden)
            assert left == 0 or left >= counting.minimum or shown == 0
    kept = await watched.trial.ledger.evidence(answer["evidence"]["id"])
    assert kept is not None
    assert len(kept["rows"]) == len(told)


async def examine(database: Database, world: Counts, calls: list[tuple[Counting, Any, Any]]) -> None:
    """Make the tables of a world, and see what its calls answer."""
    async with on_trial(database, world.tables, world.contract, world.session) as watched:
        for counting, sent, meant in calls:
            await holds(watched, counting, sent, meant)


@st.composite
def cases(draw: Draw) -> Case:
    """Draw a world, and calls of it."""
    world = draw(counts())
    return world, [(counting, *draw_call(draw, counting)) for counting in world.countings for _ in range(2)]


@pytest.mark.requirement("aggregate:any-contract", "aggregate:exact", "aggregate:tenant", "aggregate:no-subtraction")
@settings(DRAWN, max_examples=40)
@given(cases())
def test_in_memory(case: Case) -> None:
    with closing(MemoryDatabase()) as memory:
        asyncio.run(examine(load_memory(memory), *case))


@pytest.mark.requirement("aggregate:any-contract", "aggregate:same-everywhere", "sql:values-bound")
@settings(DRAWN, max_examples=10)
@given(case=cases())
@pytest.mark.parametrize("engine", ["postgres", "mariadb"])
def test_on_a_server(request: pytest.FixtureRequest, engine: str, case: Case) -> None:
    asyncio.run(examine(request.getfixturevalue(f"{engine}_db"), *case))
