"""The room in which calls wait for a decision: one look for all, bounded, and nobody held up by another one's end."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from synapsor.core.moment import stamp
from synapsor.core.proposal import Proposal, Status
from synapsor.errors import LedgerFailure
from synapsor.flow.waiting import EVERY_S, Alone, WaitingRoom
from synapsor.ledger.open import open_ledger
from synapsor.testing.clock import TestClock
from tests.deciding import reject
from tests.decisions import NOW, ROW, audit_of, evidence_of, filed, person, proposal

PATIENCE = 30
SOON = 0.001


class Looked:
    """A ledger that says where proposals stand, and notes each look."""

    def __init__(self, standing: Mapping[str, Status] | None = None) -> None:
        self.standing = dict(standing or {})
        self.looks: list[frozenset[str]] = []
        self.look: Callable[[], Awaitable[None]] = anyio.lowlevel.checkpoint

    async def statuses(self, proposals: Collection[str]) -> Mapping[str, Status]:
        self.looks.append(frozenset(proposals))
        standing = dict(self.standing)
        await self.look()
        return standing

    async def questions(self, _: Collection[str]) -> Mapping[str, int]:
        return {}


class Watching(Alone):
    """Company that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[float, float]] = []
        self.began = anyio.Event()
        self.held = True

    @asynccontextmanager
    async def aside(self) -> AsyncIterator[None]:
        self.held = False
        yield
        self.held = True

    async def tell(self, waited: float, most: float) -> None:
        self.told.append((waited, most))
        self.began.set()


def room(ledger: Any, clock: TestClock | None = None, **bounds: Any) -> WaitingRoom:
    return WaitingRoom(ledger, clock or TestClock(NOW), **{"every_s": SOON, "told_every_s": SOON, **bounds})


async def until(done: Callable[[], bool]) -> None:
    with anyio.fail_after(PATIENCE):
        while not done():
            await anyio.lowlevel.checkpoint()


async def one(number: int = 1) -> Proposal:
    ledger, asked = await filed()
    await ledger.aclose()
    return replace(asked, id=f"wrp_{number:020d}")


def test_a_decision_is_seen_well_within_a_second() -> None:
    assert 4 * EVERY_S <= 1


@pytest.mark.requirement("wait:decision")
async def test_a_call_waits_until_a_person_has_decided_and_no_longer() -> None:
    ledger, asked = await filed()
    company = Watching()
    waiting = room(ledger)
    answers: list[bool] = []

    async def wait() -> None:
        answers.append(await waiting.wait(asked, "stdio", 50, company))

    leo = person()
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            await company.began.wait()
            assert not company.held
            await until(lambda: len(company.told) > 2)
            await reject(ledger, asked.id, digest=asked.digest, signer=leo.signer, now=NOW, reason="No.")
    assert (answers, company.held, waiting.empty) == ([True], True, True)
    waited = [said for said, _ in company.told]
    assert waited == sorted(set(waited))
    assert {most for _, most in company.told} == {50}
    await ledger.aclose()


@pytest.mark.requirement("wait:decision")
async def test_a_call_waits_no_longer_than_it_was_told_to() -> None:
    asked = await one()
    waiting = room(Looked({asked.id: Status.REVIEW_REQUIRED}))
    assert await waiting.wait(asked, "stdio", 0.05, Alone())
    assert waiting.empty


@pytest.mark.requirement("wait:decision")
async def test_a_proposal_whose_time_is_over_is_waited_for_no_longer_though_nothing_records_that() -> None:
    asked = await one()
    clock = TestClock(NOW)
    ledger = Looked({asked.id: Status.REVIEW_REQUIRED})
    waiting = room(ledger, clock)
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            group.start_soon(waiting.wait, asked, "stdio", 50, Alone())
            await until(lambda: len(ledger.looks) > 1)
            clock.move(hours=72)
            assert asked.lapsed(stamp(clock.now()))


@pytest.mark.requirement("wait:bounded")
@pytest.mark.parametrize(
    ("bounds", "refused", "placed"), [({"each": 2}, ["a"], ["b", "c"]), ({"together": 3}, ["a", "b", "c"], [])]
)
async def test_no_client_waits_with_more_calls_than_its_own_and_all_together_with_no_more_than_there_is_room_for(
    bounds: dict[str, Any], refused: list[str], placed: list[str]
) -> None:
    asked = await one()
    ledger = Looked({asked.id: Status.REVIEW_REQUIRED})
    waiting = room(ledger, **bounds)
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            for client in ("a", "a", "b"):
                group.start_soon(waiting.wait, asked, client, 50, Alone())
            await until(lambda: len(ledger.looks) > 1)
            assert [await waiting.wait(asked, client, 50, Alone()) for client in refused] == [False] * len(refused)
            assert [await waiting.wait(asked, client, 0, Alone()) for client in placed] == [True] * len(placed)
            group.cancel_scope.cancel()
    assert waiting.empty
    ledger.standing[asked.id] = Status.REJECTED
    with anyio.fail_after(PATIENCE):
        assert await waiting.wait(asked, "a", 50, Alone())


@pytest.mark.requirement("wait:bounded")
async def test_all_who_wait_share_one_look_and_nobody_looks_while_nobody_waits() -> None:
    proposals = [await one(number) for number in range(1, 6)]
    ledger = Looked({p.id: Status.REVIEW_REQUIRED for p in proposals})
    waiting = room(ledger)
    answer = anyio.Event()
    ledger.look = answer.wait
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            for asked in proposals:
                group.start_soon(waiting.wait, asked, "stdio", 50, Alone())
            await until(lambda: waiting._of["stdio"] == len(proposals))
            for _ in range(100):
                await anyio.lowlevel.checkpoint()
            assert len(ledger.looks) == 1
            answer.set()
            await until(lambda: len(ledger.looks) > 3)
            ledger.standing = dict.fromkeys(ledger.standing, Status.APPROVED)
    assert frozenset(p.id for p in proposals) in ledger.looks
    looks = len(ledger.looks)
    for _ in range(100):
        await anyio.lowlevel.checkpoint()
    assert (waiting.empty, len(ledger.looks)) == (True, looks)


@pytest.mark.requirement("wait:cancelable")
async def test_a_call_that_is_canceled_while_it_looks_for_all_holds_up_no_other() -> None:
    first, second = await one(1), await one(2)
    ledger = Looked(dict.fromkeys((first.id, second.id), Status.REVIEW_REQUIRED))
    looking = anyio.Event()

    async def stuck() -> None:
        looking.set()
        await anyio.sleep_forever()

    ledger.look = stuck
    waiting = room(ledger)
    leader = anyio.CancelScope()

    async def canceled() -> None:
        with leader:
            await waiting.wait(first, "a", 50, Alone())

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            group.start_soon(canceled)
            await looking.wait()
            group.start_soon(waiting.wait, second, "b", 50, Alone())
            await until(lambda: waiting._of["b"] == 1)
            ledger.look = anyio.lowlevel.checkpoint
            ledger.standing[second.id] = Status.APPROVED
            leader.cancel()
    assert waiting.empty


@pytest.mark.requirement("wait:cancelable")
async def test_calls_that_come_and_are_canceled_do_not_put_the_next_look_off(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = await one()
    ledger = Looked({asked.id: Status.REVIEW_REQUIRED})
    waiting = room(ledger, every_s=3600)
    due: list[float] = []
    real = anyio.sleep_until

    async def noted(deadline: float) -> None:
        due.append(deadline)
        await real(deadline)

    monkeypatch.setattr(anyio, "sleep_until", noted)
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            for number in range(3):
                leader = anyio.CancelScope()

                async def canceled(leader: anyio.CancelScope = leader) -> None:
                    with leader:
                        await waiting.wait(asked, "a", 50, Alone())

                group.start_soon(canceled)
                await until(lambda number=number: len(due) == number + 2)  # type: ignore[misc]  # bound here
                leader.cancel()
    assert len(ledger.looks) == 1
    assert due[0] == 0
    assert len(set(due[1:])) == 1


@pytest.mark.requirement("wait:decision")
async def test_a_ledger_that_fails_is_told_to_everybody_who_waits() -> None:
    asked = await one()
    ledger = Looked()

    async def broken() -> None:
        raise LedgerFailure("The ledger failed: the disk is full.")

    ledger.look = broken
    waiting = room(ledger)
    failures: list[LedgerFailure] = []

    async def wait() -> None:
        try:
            await waiting.wait(asked, "stdio", 50, Alone())
        except LedgerFailure as failed:
            failures.append(failed)

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(wait)
    assert (len(failures), waiting.empty) == (3, True)


@pytest.mark.requirement("wait:decision")
async def test_whoever_waits_sees_what_another_process_has_recorded(tmp_path: Path) -> None:
    clock = TestClock(NOW)
    here = open_ledger(tmp_path / "ledger.db", create=True, clock=clock)
    asked, evidence = proposal(here.id), evidence_of(ROW)
    await here.file_proposal(asked, evidence, audit_of(evidence))
    elsewhere = open_ledger(tmp_path / "ledger.db", clock=clock)
    leo, company = person(), Watching()
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            group.start_soon(room(here).wait, asked, "stdio", 50, company)
            await company.began.wait()
            await reject(elsewhere, asked.id, digest=asked.digest, signer=leo.signer, now=NOW, reason="No.")
    await elsewhere.aclose()
    await here.aclose()
