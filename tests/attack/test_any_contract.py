"""Whatever contract `check` accepts, whatever rows and whatever call: the answer is the one of the model, and nothing else is shown."""

import asyncio
from contextlib import closing
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapsor.contract.schema import input_schema
from synapsor.testing import MemoryDatabase
from tests.attack.any_contract import HOSTILE, Draw, Reading, World, draw_call, worlds
from tests.attack.watched import DRAWN, Watched, on_trial
from tests.databases import Database, load_memory

# A case is a whole contract; that its text is long is no failure.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")


async def holds(watched: Watched, reading: Reading, sent: dict[str, Any], meant: dict[str, Any]) -> None:
    """See that a call answers what the model says."""
    database = watched.database
    expected = reading.matching(database.engine, watched.session, meant)
    answer = await watched.call(reading.name, sent)
    if reading.single:
        if not expected:
            assert answer["error"]["code"] == "not_found"
            return
        assert answer["ok"] or answer["error"]["code"] == "result_too_large", answer["error"]
        assert answer["data"] is None or reading.shows(expected[0], answer["data"]["row"])
        return
    assert answer["ok"], answer["error"]
    found, cut = await _walked(watched, reading, sent, answer, len(expected))
    marks = {row["mark"]: row for row in expected}
    told = [row["mark"] for row in found]
    assert len(set(told)) == len(told)
    assert set(told) <= set(marks)
    assert all(reading.shows(marks[row["mark"]], row) for row in found)
    assert len(told) < len(expected) if cut else len(told) == len(expected)
    if reading.told_order(database.engine):
        assert told == [row["mark"] for row in expected][: len(told)]


async def _walked(
    watched: Watched, reading: Reading, sent: dict[str, Any], answer: dict[str, Any], total: int
) -> tuple[list[dict[str, Any]], bool]:
    """Return the rows of every page, and whether there are more that no page could hold."""
    rows: list[dict[str, Any]] = []
    while True:
        data = answer["data"]
        rows += data["rows"]
        assert len(data["rows"]) <= reading.rows
        assert not reading.total or data["total"] == total
        assert data["cut_by"] != "rows" or len(data["rows"]) == reading.rows
        cursor = data.get("next_cursor")
        if cursor is None:
            # Where a single row is over the limit of bytes, a list ends before it.
            assert not (reading.pages and data["truncated"]) or (data["cut_by"], data["rows"]) == ("bytes", [])
            return rows, bool(data["truncated"])
        answer = await watched.call(reading.name, {**sent, "cursor": cursor})


async def odd(watched: Watched, reading: Reading, sent: dict[str, Any]) -> None:
    """See that whatever is sent is refused, or was allowed by the schema and finds no more than the session's own rows."""
    capability = watched.trial.contract.capabilities[reading.name]
    answer = await watched.call(reading.name, sent)
    if not jsonschema.Draft202012Validator(input_schema(capability)).is_valid(sent):
        assert answer["error"]["code"] == "invalid_arguments"
    if answer["ok"]:
        data = answer["data"]
        own = {row["mark"] for row in _own(watched, reading)}
        assert {row["mark"] for row in data.get("rows", [data.get("row")])} <= own
    else:
        assert answer["error"]["code"] in {"invalid_arguments", "not_found", "result_too_large"}


def _own(watched: Watched, reading: Reading) -> list[dict[str, Any]]:
    every = Reading(name="own", table=reading.table, where=())
    return every.matching(watched.database.engine, watched.session, {})


async def examine(database: Database, world: World, calls: list[tuple[Reading, Any, Any]], hostile: list[Any]) -> None:
    """Make the tables of a world, and see what its calls answer."""
    async with on_trial(database, world.tables, world.contract, world.session) as watched:
        for reading, sent, meant in calls:
            await holds(watched, reading, sent, meant)
        for reading, sent in hostile:
            await odd(watched, reading, sent)


@st.composite
def cases(draw: Draw) -> tuple[World, list[tuple[Reading, Any, Any]], list[Any]]:
    """Draw a world, calls that fit it, and calls that may be anything."""
    world = draw(worlds())
    calls = [(reading, *draw_call(draw, reading)) for reading in world.readings for _ in range(3)]
    hostile = []
    for reading, sent, _ in calls[::3]:
        name = draw(st.sampled_from([*reading.arguments, "cursor", "tenant_id", "owner", "mark", "limit"]))
        hostile.append((reading, {**sent, name: draw(st.sampled_from(HOSTILE))}))
    return world, calls, hostile


@pytest.mark.requirement("read:any-contract", "read:tenant", "read:principal", "sql:values-bound")
@settings(DRAWN, max_examples=40)
@given(cases())
def test_in_memory(case: tuple[World, list[tuple[Reading, Any, Any]], list[Any]]) -> None:
    with closing(MemoryDatabase()) as memory:
        asyncio.run(examine(load_memory(memory), *case))


@pytest.mark.requirement("read:any-contract", "read:tenant", "read:principal", "sql:values-bound")
@settings(DRAWN, max_examples=10)
@given(case=cases())
@pytest.mark.parametrize("engine", ["postgres", "mariadb"])
def test_on_a_server(
    request: pytest.FixtureRequest, engine: str, case: tuple[World, list[tuple[Reading, Any, Any]], list[Any]]
) -> None:
    asyncio.run(examine(request.getfixturevalue(f"{engine}_db"), *case))
