"""A worker that runs proves its sources again: when that is due, after what makes one doubtful, and never one for another."""

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, cast

import anyio
import pytest

from synapsor.contract.model import Contract
from synapsor.core.facts import Finding
from synapsor.core.outcome import Why
from synapsor.core.plan import Relation
from synapsor.errors import Failure, SourceFailure
from synapsor.ports import WorkLedger, WriteSource
from synapsor.work import proving
from synapsor.work.authority import WriteTarget
from synapsor.work.proving import AGAIN, Proving

EVERY = 300.0
FATAL = Finding(rule="writer_cannot_update", message="The writer may not update fee.", fix="GRANT UPDATE.")
TOLD = Finding(rule="writer_can_do_more", message="It may more.", fix="REVOKE it.", fatal=False)


@dataclass
class World:
    """What is found of each source when somebody looks, and how often somebody did."""

    now: float = 1000.0
    found: dict[str, list[Finding] | Exception] = field(default_factory=dict)
    looks: list[str] = field(default_factory=list)
    wait: anyio.Event | None = None

    async def posture(self, _contracts: Iterable[Contract], name: str, _place: WriteTarget) -> Collection[Finding]:
        self.looks.append(name)
        if self.wait is not None:
            await self.wait.wait()
        found = self.found.get(name, [])
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(proving, "posture", made.posture)
    return made


@pytest.fixture
def proof(world: World) -> Proving:
    target = WriteTarget(source=cast("WriteSource", None), receipts=Relation(schema="s", name="receipts"), time_ms=1)
    targets = {"shop": target, "desk": target}
    return Proving(ledger=cast("WorkLedger", None), targets=targets, contracts=(), every=EVERY, clock=lambda: world.now)


@pytest.mark.requirement("posture:again")
async def test_a_source_is_looked_at_when_it_is_due_and_not_before(world: World, proof: Proving) -> None:
    for passed, looks in ((0, 0), (EVERY - 1, 0), (1, 2), (EVERY - 1, 2), (1, 4)):
        world.now += passed
        assert await proof.writable() == ("shop", "desk")
        assert len(world.looks) == looks


@pytest.mark.requirement("posture:again")
@pytest.mark.parametrize("why", [None, *Why])
async def test_an_outcome_that_makes_a_source_doubtful_is_followed_by_a_look(
    world: World, proof: Proving, why: Why | None
) -> None:
    proof.doubt("shop", why)
    proof.doubt("another", why)
    assert await proof.writable() == ("shop", "desk")
    doubted = why in {
        Why.DENIED, Why.DRIFT, Why.UNAVAILABLE, Why.UNKNOWN_COMMIT, Why.RELATION_MISSING, Why.VERSION_DID_NOT_MOVE,
    }  # fmt: skip
    assert world.looks == (["shop"] if doubted else [])


@pytest.mark.requirement("posture:held")
async def test_a_source_with_a_fatal_finding_is_held_until_it_is_mended_and_others_go_on(
    world: World, proof: Proving, caplog: pytest.LogCaptureFixture
) -> None:
    world.found["shop"] = [FATAL, TOLD]
    proof.doubt("shop", Why.DENIED)
    with caplog.at_level(logging.WARNING, "synapsor.worker"):
        assert await proof.writable() == ("desk",)
        world.now += AGAIN
        assert await proof.writable() == ("desk",)
        world.found["shop"] = [TOLD]
        world.now += AGAIN - 1
        assert await proof.writable() == ("desk",)
        world.now += 1
        assert await proof.writable() == ("shop", "desk")
    assert world.looks == ["shop"] * 3
    told = [(record.action, record.getMessage()) for record in caplog.records]  # type: ignore[attr-defined]
    assert told == [
        ("source_held", f"shop: no job is taken: {FATAL.rule}: {FATAL.message} Fix: {FATAL.fix}"),
        ("source_free", "shop: jobs are taken again"),
    ]


@pytest.mark.requirement("posture:again")
async def test_what_a_credential_can_do_more_than_at_the_last_look_is_told_and_holds_nothing(
    world: World, proof: Proving, caplog: pytest.LogCaptureFixture
) -> None:
    more = Finding(rule="not_durable", message="fsync = off", fatal=False)
    with caplog.at_level(logging.WARNING, "synapsor.worker"):
        for found in ([TOLD], [TOLD, more], [TOLD, more]):
            world.found["shop"] = list(found)
            world.now += EVERY
            assert await proof.writable() == ("shop", "desk")
    assert [record.getMessage() for record in caplog.records] == ["not_durable: shop: fsync = off"]


@pytest.mark.requirement("posture:held")
@pytest.mark.parametrize("held", [False, True])
async def test_that_nobody_can_look_changes_nothing_of_what_is_known(world: World, proof: Proving, held: bool) -> None:
    if held:
        world.found["shop"] = [FATAL]
        world.now += EVERY
        await proof.writable()
    known = ("desk",) if held else ("shop", "desk")
    for error in (SourceFailure(Failure.UNAVAILABLE), ValueError("a value")):
        world.found["shop"] = error
        proof.doubt("shop", Why.UNAVAILABLE)
        assert await proof.writable() == known


@pytest.mark.requirement("posture:held")
async def test_while_one_lane_looks_the_others_take_no_job_of_what_is_doubted_and_do_not_wait(
    world: World, proof: Proving
) -> None:
    world.wait = anyio.Event()
    proof.doubt("shop", Why.DENIED)
    answers: dict[str, Any] = {}

    async def first() -> None:
        answers["first"] = await proof.writable()

    async with anyio.create_task_group() as group:
        group.start_soon(first)
        await anyio.wait_all_tasks_blocked()
        answers["second"] = await proof.writable()
        world.wait.set()
    assert answers == {"first": ("shop", "desk"), "second": ("desk",)}
    assert world.looks == ["shop"]


@pytest.mark.requirement("posture:held")
async def test_a_look_that_does_not_end_keeps_no_other_source_waiting(
    world: World, proof: Proving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proving, "LONGEST", 0.01)
    world.wait = anyio.Event()
    proof.doubt("shop", Why.UNAVAILABLE)
    assert await proof.writable() == ("shop", "desk")
