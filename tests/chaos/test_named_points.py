"""The named points are where they must be: after every step that writes something, known by name, and passed by every kind of job."""

import ast
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

import synapsor
from synapsor.flow.intents import INTENT_STEPS
from synapsor.flow.shadow import SHADOW_STEPS
from synapsor.work.failpoints import ALL_STEPS, parse
from tests.chaos.changes import KINDS
from tests.chaos.measuring import COURSE, Measuring, measuring
from tests.chaos.stepped import APPLY_STEPS, MOVABLE, VERDICT_STEPS, Movable, Stepped, stepped
from tests.databases import Database

pytestmark = pytest.mark.chaos

WRITES = ("execute", "commit", "roll_back", "record", "lease", "settle", "release")
"""What leaves something in the source or in the ledger."""
POINT = "reached"


def _named() -> set[str]:
    """Return the names that applying passes, as its source says them."""
    found = set()
    rooms = [Path(synapsor.__file__).parent / room for room in ("flow", "work")]
    for path in [path for room in rooms for path in room.rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called == POINT:
                (name,) = node.args
                assert isinstance(name, ast.Constant), f"{path.name}: a named point is written out"
                found.add(str(name.value))
    return found


@dataclass
class Course:
    """What a worker did, in order: the names that it passed, and its writes."""

    told: list[tuple[str, str]] = field(default_factory=list)

    async def reached(self, name: str) -> None:
        self.told.append((POINT, name))

    @property
    def names(self) -> list[str]:
        return [name for what, name in self.told if what == POINT]

    def unnamed(self) -> list[tuple[str, str]]:
        """Return writes of different kinds between which no point has a name."""
        return [
            (one, other)
            for (one, _), (other, _) in zip(self.told, self.told[1:], strict=False)
            if POINT not in {one, other} and one != other
        ]


class Watched:
    """Something whose writes are put down in a course."""

    def __init__(self, real: Any, course: Course) -> None:
        self._real = real
        self._course = course

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if name == "measuring":
            return Watched(found, self._course)
        if name not in WRITES:
            return found

        async def writing(*told: Any, **more: Any) -> Any:
            result = await found(*told, **more)
            if result != ():  # nothing was to be leased
                self._course.told.append((name, ""))
            return result

        return writing if name != "commit" else self._committing(found)

    def _committing(self, commit: Callable[[], Any]) -> Any:
        async def committing() -> None:
            await commit()
            self._course.told.append(("commit", ""))

        return committing


class WatchedSource:
    """A source whose transactions are watched."""

    def __init__(self, real: Any, course: Course) -> None:
        self._real = real
        self._course = course

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    @asynccontextmanager
    async def transaction(self, *, time_ms: int) -> AsyncIterator[Any]:
        async with self._real.transaction(time_ms=time_ms) as tx:
            yield Watched(tx, self._course)


async def _course_of(at: Stepped | Measuring) -> Course:
    """Return what a worker does that drains."""
    course = Course()
    worker = await at.project.worker()
    bench: Any = worker.bench
    targets = {
        name: replace(place, source=WatchedSource(place.source, course)) for name, place in bench.targets.items()
    }
    watched = replace(
        bench, ledger=Watched(bench.ledger, course), targets=targets, reached=course.reached, clock=Movable()
    )
    await replace(worker, bench=watched).run(drain=True)
    return course


def _in_order(names: list[str]) -> bool:
    places = [ALL_STEPS.index(name) for name in names]
    return places == sorted(places)


@pytest.mark.requirement("apply:named-points")
def test_every_named_point_of_the_source_is_known_and_every_known_one_is_in_the_source() -> None:
    # An intent is passed only where a source keeps no receipts: `test_intent_chaos`.
    known = (*INTENT_STEPS, *ALL_STEPS, *SHADOW_STEPS)
    assert _named() == set(known)
    assert len(set(known)) == len(known)
    assert [point.name for name in known for point in parse(f"{name}:note")] == list(known)


@pytest.mark.one_engine
@pytest.mark.requirement("apply:named-points")
@pytest.mark.parametrize("kind", KINDS)
async def test_a_job_of_any_kind_passes_every_point_of_an_apply_in_order_and_writes_nothing_between_two_unnamed(
    tmp_path: Path, database: Database, kind: str
) -> None:
    async with stepped(tmp_path, database, ["x delete"]) as at:
        await at.filed(kind, "x delete")
        course = await _course_of(at)
        assert course.names == list(APPLY_STEPS)
        assert course.unnamed() == []
        assert {what for what, _ in course.told} == {POINT, "lease", "execute", "commit", "settle"}


@pytest.mark.one_engine
@pytest.mark.requirement("apply:named-points")
@pytest.mark.parametrize("kind", MOVABLE)
async def test_a_job_that_ends_in_a_conflict_passes_every_point_of_a_verdict_and_writes_nothing_between_two_unnamed(
    tmp_path: Path, database: Database, kind: str
) -> None:
    async with stepped(tmp_path, database, []) as at:
        await at.filed(kind, "x", moved=True)
        course = await _course_of(at)
        assert set(VERDICT_STEPS) < set(course.names)
        assert _in_order([name for name in course.names if name.startswith("apply.")])
        # What the attempt wrote before the conflict was found is rolled back, and is no step.
        verdict = course.told[course.told.index((POINT, VERDICT_STEPS[0])) :]
        assert Course(verdict).unnamed() == []
        assert {what for what, _ in verdict} == {POINT, "execute", "commit", "settle"}


@pytest.mark.one_engine
@pytest.mark.requirement("apply:named-points", "shadow:once")
@pytest.mark.parametrize("kind", KINDS)
async def test_measuring_of_any_kind_passes_every_point_twice_in_order_and_does_nothing_between_two_unnamed(
    tmp_path: Path, database: Database, kind: str
) -> None:
    async with measuring(tmp_path, database, ["x"]) as at:
        await at.filed(kind, "x")
        course = await _course_of(at)
        assert course.names == [point.partition(":")[0] for point in COURSE]
        assert course.unnamed() == []
        assert [what for what, _ in course.told if what not in {POINT, "execute"}] == [
            "roll_back",
            "roll_back",
            "record",
        ]
