"""Whatever change `check` accepts as one that can be undone, whatever rows, call and edits of others: its undo takes back the change alone."""

import asyncio
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapsor.errors import DecisionRefused
from synapsor.testing import MemoryDatabase
from tests.attack.any_change import MOST, Changes, Proposing
from tests.attack.any_contract import Col, Draw, Mapped, Value, written
from tests.attack.test_any_change import Call, Case, Kept, cases, kept, plain
from tests.attack.watched import DRAWN, Watched, on_trial
from tests.databases import Database, execute, load_memory, table

pytestmark = [
    pytest.mark.filterwarnings("ignore:Generating overly large repr"),
    pytest.mark.requirement("undo:any-contract", "undo:exact", "undo:keeps-others", "apply:exact"),
]


@dataclass(frozen=True, kw_only=True)
class Edit:
    """What somebody else sets after the change: a column of one of its rows to a value, or back to what it held before the change."""

    row: int
    col: Col
    value: Value
    back: bool


CAME: set[str] = set()
"""What came of undos; a run in which one of these does not happen would prove little of it."""


def _same(one: Any, other: Any) -> bool:
    return repr(one) == repr(other)


def edit(database: Database, mapped: Mapped, before: Kept, changed: Kept, edits: Iterable[Edit]) -> None:
    """Let somebody else edit rows that the change has changed or added."""
    touched = [key for key, row in changed.items() if not _same(row, before.get(key))]
    kinds = {col.name: col for col in mapped.cols}
    for one in edits:
        key = touched[one.row % len(touched)]
        was = before.get(key, {}).get(one.col.name) if one.back else one.value
        value = plain(one.col.kind, was) if one.back else was
        named = zip((col.name for col in (mapped.tenant, *mapped.key) if col is not None), key, strict=True)
        where = " AND ".join(f"{n} = {written(database.engine, kinds[n].kind, cell, 0)}" for n, cell in named)
        cell = written(database.engine, one.col.kind, value, 0)
        execute(database, f"UPDATE {table(database, mapped.name)} SET {one.col.name} = {cell} WHERE {where}")


def expected(proposing: Proposing, before: Kept, changed: Kept, now: Kept) -> tuple[str, Kept]:
    """Return what an undo comes to, and the rows as they are then, by three sides as anybody would write it down."""
    then = {key: dict(row) for key, row in now.items()}
    sets = {*proposing.sets, *proposing.given}
    for key, row in changed.items():
        if key not in before:
            if not _same(row, now[key]):
                return "moved_on", now
            del then[key]
            continue
        for name in sets:
            left, was, theirs = row[name], before[key][name], now[key][name]
            if not (_same(left, was) or _same(theirs, left) or _same(theirs, was)):
                return "moved_on", now
            if _same(theirs, left):
                then[key][name] = was
    if any(
        not _is_held(proposing.table, then[key]) for key in changed if key in then and not _same(now[key], changed[key])
    ):
        return "moved_on", now
    return ("nothing_to_undo" if _same(then, now) else "applied"), then


def _is_held(mapped: Mapped, row: dict[str, Any]) -> bool:
    return all(term.holds(plain(term.col.kind, row[term.col.name]), {}) for term in mapped.only)


async def there_and_back(watched: Watched, call: Call, edits: list[Edit]) -> None:
    """Let a call be approved and applied, others edit its rows, and it be undone; nothing is left of it, and all that they have set is."""
    proposing, sent, _, _ = call
    trial, mapped, database = watched.trial, proposing.table, watched.database
    before = kept(database, mapped)
    answer = await watched.call(proposing.name, sent)
    if not answer["ok"]:
        return
    await trial.approve(answer)
    (report,) = await trial.apply()
    if report["outcome"] != "applied" or proposing.operation == "delete":
        return
    changed = kept(database, mapped)
    edit(database, mapped, before, changed, edits)
    now = kept(database, mapped)
    came, then = expected(proposing, before, changed, now)
    CAME.add(came if _same(now, changed) else f"{came} after an edit")
    if came != "applied":
        with pytest.raises(DecisionRefused) as refused:
            await trial.undo(answer, reason="There and back.")
        assert refused.value.rule == came
        assert kept(database, mapped) == now
        return
    filed = await trial.undo(answer, reason="There and back.")
    assert kept(database, mapped) == now
    await _decided(trial, filed)
    assert _same(kept(database, mapped), then)
    if proposing.operation == "update":
        await _decided(trial, await trial.undo(filed, reason="And there again.", by="another"))
        assert _same(kept(database, mapped), now)


async def _decided(trial: Any, filed: dict[str, Any]) -> None:
    await trial.approve(filed)
    assert [report["outcome"] for report in await trial.apply()] == ["applied"]


async def examine(database: Database, world: Changes, calls: list[tuple[Call, list[Edit]]]) -> None:
    """Make the table of a world, and see what is left of its calls, one after the other."""
    async with on_trial(database, [world.table], world.contract, world.session) as watched:
        for call, edits in calls:
            await there_and_back(watched, call, edits)


@st.composite
def edited(draw: Draw) -> tuple[Changes, list[tuple[Call, list[Edit]]]]:
    """Draw a world and calls of it, and what others set after each of them: nothing half of the time."""
    case: Case = draw(cases())
    world, calls = case
    return world, [(call, draw(_edits(call[0]))) for call in calls]


def _edits(proposing: Proposing) -> st.SearchStrategy[list[Edit]]:
    """Return what others may set: nothing, other columns, those of the change, any of them, or those of the change back in every row."""
    fixed = {*proposing.table.scope, *proposing.table.key}
    free = [col for col in proposing.table.cols if col not in fixed and not col.denied]
    sets = [col for col in free if col.name in {*proposing.sets, *proposing.given}]
    held = {term.col for term in proposing.table.only}
    others = [col for col in free if col not in sets and col not in held]

    def some(cols: list[Col]) -> st.SearchStrategy[list[Edit]]:
        rows, backs = st.integers(0, MOST - 1), st.sampled_from([False, False, False, True])
        one = st.sampled_from(cols or free).flatmap(
            lambda col: st.builds(Edit, row=rows, col=st.just(col), value=st.sampled_from(col.pool), back=backs)
        )
        return st.lists(one, min_size=1, max_size=2)

    if proposing.operation == "insert":
        return st.just([]) | some(free)
    all_back = [Edit(row=row, col=col, value=None, back=True) for row in range(MOST) for col in sets]
    return st.one_of(st.just([]), some(others), some(others), some(others), some(sets), some(free), st.just(all_back))


def test_in_memory() -> None:
    @settings(DRAWN, max_examples=40)
    @given(edited())
    def there_and_back_again(case: tuple[Changes, list[tuple[Call, list[Edit]]]]) -> None:
        with closing(MemoryDatabase()) as memory:
            asyncio.run(examine(load_memory(memory), *case))

    CAME.clear()
    there_and_back_again()
    assert "applied" in CAME
    assert {"applied"} != CAME


@settings(DRAWN, max_examples=10)
@given(case=edited())
@pytest.mark.parametrize("engine", ["postgres", "mariadb"])
def test_on_a_server(
    request: pytest.FixtureRequest, engine: str, case: tuple[Changes, list[tuple[Call, list[Edit]]]]
) -> None:
    asyncio.run(examine(request.getfixturevalue(f"{engine}_db"), *case))
