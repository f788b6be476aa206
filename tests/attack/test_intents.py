"""A source without receipts: the ledger says before what is to be applied, and whatever nobody can know afterwards a person resolves."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synapsor.approve.card.card import card_of
from synapsor.errors import Failure, SourceFailure
from synapsor.flow.apply import STEPS
from synapsor.flow.intents import INTENT_STEPS
from synapsor.flow.replay import replay
from synapsor.flow.undo import UNDOING
from synapsor.work.failpoints import WORKER_STEPS
from synapsor.work.pace import Pace
from tests.attack import test_groups as groups
from tests.attack.credits import POLICY, credits_tables
from tests.attack.doubts import found, resolved
from tests.attack.shop import Shop, as_ledger_owner, open_shop, reopened, told_by_owner
from tests.attack.tasks import tasks_table
from tests.attack.undoing import ADJUST, ask, credit, open_credits
from tests.attack.undoing import refused as undo_refused
from tests.databases import Database
from tests.projects import leo_approves

UNRESOLVED = [("reconciliation_required", "intent_unresolved")]
FIRST = ("open", "10.10", 5, None, True, 1)
APPLIED = ("held", "7.00", 6, "Agreed by phone.", True, 2)


@pytest_asyncio.fixture
async def books(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    """A project over the table of credits, whose source keeps no receipts."""
    async with open_credits(tmp_path / "project", database, config=_config(database)) as shop:
        yield shop


def _config(database: Database) -> dict[str, str]:
    return {f"receipts: {database.schema}.synapsor_receipts": "receipts: ledger"}


def kinds(record: Any) -> list[str]:
    """Return what happened to a proposal since it was approved."""
    told = [event["kind"] for event in record.events]
    return told[told.index("proposal_approved") + 1 :]


class Cut:
    """A source whose next commit gets no answer, after it went through or before it."""

    def __init__(self, real: Any, *, committed: bool, kind: Failure = Failure.UNKNOWN_COMMIT) -> None:
        self._real = real
        self._committed = committed
        self._kind = kind

    def transaction(self, *, time_ms: int) -> AbstractAsyncContextManager[Any]:
        return _CutTransaction(self._real.transaction(time_ms=time_ms), self._committed, self._kind)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _CutTransaction:
    def __init__(self, real: Any, committed: bool, kind: Failure) -> None:
        self._real = real
        self._committed = committed
        self._kind = kind
        self._tx: Any = None

    async def __aenter__(self) -> Any:
        self._tx = await self._real.__aenter__()
        return self

    async def __aexit__(self, *told: object) -> Any:
        return await self._real.__aexit__(*told)

    async def commit(self) -> None:
        if self._committed:
            await self._tx.commit()
        raise SourceFailure(self._kind)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)


async def cut(shop: Shop, **how: Any) -> dict[str, Any]:
    """Return the bench's targets, with a source whose commits get no answer."""
    worker = shop.kept = shop.kept or await shop.worker()
    place = worker.bench.targets["shop"]
    return {"shop": replace(place, source=Cut(place.source, **how))}


# ---- what goes well ------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("intent:before", "apply:outcome-true")
async def test_a_change_is_said_before_it_is_applied_and_the_source_keeps_nothing_of_it(books: Shop) -> None:
    handle = await books.approved("credits.adjust", ADJUST)
    said: list[str] = []

    async def reached(step: str) -> None:
        if step == "apply.begun":
            said.extend(kinds(await books.record(handle)))

    assert await books.work(reached=reached) == [("applied", "")]
    assert said == ["job_leased", "apply_intended"]
    with as_ledger_owner(books) as raw:
        intended = "SELECT 1 FROM event JOIN checkpoint USING (seq) WHERE kind = 'apply_intended'"
        assert len(raw.execute(intended).fetchall()) == 1  # it is not cut off unnoticed
    assert kinds(await books.record(handle)) == ["job_leased", "apply_intended", "proposal_applied"]
    assert (credit(books), books.receipts()) == (APPLIED, 0)
    assert await books.work() == []
    assert (await books.project.verify()).ok
    assert (await replay(books.ledger, handle, books.files.operators)).ok


@pytest.mark.requirement("intent:cleared")
async def test_what_certainly_had_no_effect_is_cleared_with_what_is_said_of_it(books: Shop) -> None:
    handle = await books.approved("credits.adjust", ADJUST)
    for kind in (Failure.TRANSIENT, Failure.UNAVAILABLE):
        assert await books.attempt(targets=await cut(books, committed=False, kind=kind)) == [("retry", kind.value)]
    told = ["job_leased", "apply_intended", "intent_cleared", "job_released"]
    assert kinds(await books.record(handle)) == told * 2
    moved = await books.approved("credits.hold", {"book": "b", "number": 1})
    books.change("UPDATE {credits} SET note = 'Moved.' WHERE tenant_id = 'acme' AND book = 'b' AND number = 1")
    assert await books.work() == [("applied", ""), ("conflict", "version_moved")]
    assert kinds(await books.record(moved)) == ["job_leased", "apply_intended", "intent_cleared", "proposal_conflict"]
    assert (credit(books), books.receipts()) == (APPLIED, 0)
    assert (await books.project.verify()).ok


@pytest.mark.requirement("intent:cleared")
@pytest.mark.one_engine
async def test_a_job_that_is_given_up_leaves_no_intent_of_what_had_no_effect(books: Shop) -> None:
    handle = await books.approved("credits.adjust", ADJUST)
    last = {"targets": await cut(books, committed=False, kind=Failure.TRANSIENT), "pace": Pace(attempts=1)}
    assert await books.attempt(**last) == [("parked", "transient")]
    told = ["job_leased", "apply_intended", "intent_cleared", "job_parked"]
    assert kinds(await books.record(handle)) == told


# ---- what nobody can know ------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("intent:never-guessed", "apply:unknown-is-unknown")
@pytest.mark.parametrize("committed", [True, False])
async def test_a_commit_without_an_answer_is_left_to_a_person_and_never_tried_again(
    books: Shop, committed: bool
) -> None:
    handle = await books.approved("credits.adjust", ADJUST)
    assert await books.work(targets=await cut(books, committed=committed)) == UNRESOLVED
    assert await books.work() == []
    record = await books.record(handle)
    assert (record.status.value, [one.changed for one in record.receipts]) == ("reconciliation_required", [None])
    assert credit(books) == (APPLIED if committed else FIRST)
    assert (await found(books, handle)).whole == ("matches_proposed" if committed else "matches_before")
    (said,) = await resolved(books, handle, "applied" if committed else "not_applied")
    assert (said.contrary, await books.status(handle)) == (False, "applied" if committed else "failed")
    assert (await books.project.verify()).ok


@pytest.mark.requirement("intent:never-guessed", "apply:exactly-once")
@pytest.mark.one_engine
@pytest.mark.parametrize("point", [*INTENT_STEPS, *(s for s in STEPS if "verdict" not in s), *WORKER_STEPS])
async def test_a_worker_that_breaks_at_any_point_applies_once_or_leaves_it_to_a_person(books: Shop, point: str) -> None:
    handle = await books.approved("credits.adjust", ADJUST)
    broken = [point]

    async def reached(step: str) -> None:
        if step in broken:
            broken.remove(step)
            raise RuntimeError("the power is gone")

    if point in WORKER_STEPS:
        assert await books.attempt(reached=reached) == []
        with as_ledger_owner(books) as raw:  # its lease has lapsed by the time of the next one
            raw.execute("UPDATE job SET lease_until = '2000-01-01T00:00:00.000000Z' WHERE lease IS NOT NULL")
    else:
        assert await books.attempt(reached=reached) == [("retry", "internal")]
    after = {"work.leased": [("applied", "")], "work.settled": []}.get(point, UNRESOLVED)
    assert await books.work() == after
    applied = STEPS.index(point) >= STEPS.index("apply.committed") if point in STEPS else point in WORKER_STEPS
    assert credit(books) == (APPLIED if applied else FIRST)
    assert await books.status(handle) == ("reconciliation_required" if after == UNRESOLVED else "applied")
    if after == UNRESOLVED:
        await resolved(books, handle, "applied" if applied else "not_applied")


@pytest.mark.requirement("intent:never-guessed")
@pytest.mark.one_engine
async def test_nobody_says_that_it_failed_while_an_intent_stands(books: Shop) -> None:
    handle = await books.approved("credits.adjust", ADJUST)
    assert await books.attempt(reached=_broken("apply.committed")) == [("retry", "internal")]
    assert credit(books) == APPLIED
    assert await books.work(operators=dict) == UNRESOLVED
    assert await books.status(handle) == "reconciliation_required"
    assert kinds(await books.record(handle))[-1] == "proposal_reconciliation_required"


def _broken(point: str) -> Callable[[str], Awaitable[None]]:
    async def reached(step: str) -> None:
        if step == point:
            raise RuntimeError("the power is gone")

    return reached


@pytest.mark.requirement("intent:before")
@pytest.mark.one_engine
async def test_who_has_lost_the_lease_says_and_applies_nothing(books: Shop) -> None:
    handle = await books.approved("credits.adjust", ADJUST)
    taken: list[str] = []

    async def reached(step: str) -> None:
        if step == "work.leased" and not taken:
            with as_ledger_owner(books) as raw:
                raw.execute("UPDATE job SET lease = 'lea_other'")
            taken.append(step)

    assert await books.attempt(reached=reached) == [("retry", "lease_lost")]
    assert kinds(await books.record(handle)) == ["job_leased"]
    assert credit(books) == FIRST


@pytest.mark.requirement("intent:never-guessed")
async def test_an_intent_stands_although_the_source_keeps_receipts_by_now(tmp_path: Path, sqlite_db: Database) -> None:
    root = tmp_path / "project"
    with credits_tables(sqlite_db):
        async with open_shop(root, sqlite_db, policy=POLICY, config=_config(sqlite_db)) as shop:
            handle = await shop.approved("credits.adjust", ADJUST)
            assert await shop.attempt(reached=_broken("apply.committed")) == [("retry", "internal")]
            files = shop.files
        text = files.config_path.read_text(encoding="utf-8")
        for new, old in _config(sqlite_db).items():
            text = text.replace(old, new)
        files.config_path.write_text(text, encoding="utf-8")
        async with reopened(files) as shop:
            assert await shop.work() == UNRESOLVED
            assert (credit(shop), shop.receipts()) == (APPLIED, 0)
            assert await shop.status(handle) == "reconciliation_required"


@pytest.mark.requirement("intent:never-guessed", "group:whole")
async def test_the_intent_of_a_group_is_that_of_all_its_proposals(tmp_path: Path, sqlite_db: Database) -> None:
    with tasks_table(sqlite_db):
        async with open_shop(tmp_path / "project", sqlite_db, policy=groups.GROUPED, config=_config(sqlite_db)) as shop:
            ids = await groups.approved(shop)
            assert await shop.attempt(reached=_broken("apply.committed")) == [("retry", "internal")]
            assert await shop.work() == UNRESOLVED
            assert await groups.standing(shop, *ids) == ["reconciliation_required"] * 3
            assert await groups.codes(shop, *ids) == ["intent_unresolved"] * 3
            said = await resolved(shop, ids[0], "applied")
            assert {one.found for one in said} == {"matches_proposed"}
            assert await groups.standing(shop, *ids) == ["applied"] * 3


# ---- what is forged ------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("intent:never-guessed", "apply:contradiction-ends")
@pytest.mark.one_engine
@pytest.mark.parametrize("how", ["cleared", "taken away"])
async def test_an_intent_that_somebody_clears_or_takes_away_is_not_applied_over(books: Shop, how: str) -> None:
    handle = await books.approved("credits.adjust", ADJUST)
    assert await books.attempt(reached=_broken("apply.committed")) == [("retry", "internal")]
    books.change(
        "UPDATE {credits} SET state = 'open', amount = '10.10', points = 5, note = NULL, row_version = 1 "
        "WHERE tenant_id = 'acme' AND book = 'a' AND number = 1"
    )
    before = credit(books)
    await books.ledger.follow()
    intent = next(e for e in (await books.record(handle)).events if e["kind"] == "apply_intended")
    with as_ledger_owner(books) as raw:
        if how == "cleared":
            told = {"job": intent["facts"]["job"], "lease": intent["facts"]["lease"], "code": "busy"}
            told_by_owner(raw, "intent_cleared", handle, told)
        else:
            raw.execute("UPDATE event SET subject = 'gone' WHERE seq = ?", (intent["seq"],))
    assert not (await books.project.verify()).ok
    # The chain that the worker follows names it as well; by itself the record of the proposal contradicts itself.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(books.ledger, "follow", _nothing)
        assert await books.work() == [("reconciliation_required", "records_differ")]
    assert credit(books) == before


@pytest.mark.requirement("intent:never-guessed")
@pytest.mark.one_engine
async def test_a_forged_row_lets_nobody_say_that_it_failed(books: Shop) -> None:
    handle = await books.approved("credits.adjust", ADJUST)
    assert await books.attempt(reached=_broken("apply.committed")) == [("retry", "internal")]
    intent = next(e for e in (await books.record(handle)).events if e["kind"] == "apply_intended")
    with as_ledger_owner(books) as raw:
        told = {"job": intent["facts"]["job"], "lease": intent["facts"]["lease"], "code": "busy"}
        told_by_owner(raw, "intent_cleared", handle, told)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(books.ledger, "follow", _nothing)
        assert await books.work(operators=dict) == UNRESOLVED


async def _nothing() -> None:
    """Prove nothing."""


# ---- what is taken back --------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("intent:undo", "undo:exact")
async def test_a_change_is_undone_by_the_receipt_that_the_ledger_keeps_of_it(books: Shop) -> None:
    handle = await books.approved("credits.adjust", ADJUST)
    assert await books.work() == [("applied", "")]
    filed = await ask(books, handle)
    await leo_approves(books.files, books.project, filed.id, filed.digest)
    assert await books.work() == [("applied", "")]
    assert credit(books) == (*FIRST[:-1], 3)


@pytest.mark.requirement("intent:undo", "undo:refused")
@pytest.mark.one_engine
async def test_nothing_is_undone_that_only_a_person_says_was_applied(books: Shop) -> None:
    handle = await books.approved("credits.adjust", ADJUST)
    assert await books.work(targets=await cut(books, committed=True)) == UNRESOLVED
    assert await undo_refused(books, handle) == ("reconciliation_required", 3)
    await resolved(books, handle, "applied")
    assert await undo_refused(books, handle) == ("resolved_by_person", 1)
    record, operators, now = await books.record(handle), books.project.operators(), books.project.clock.now()
    undo = (await card_of(books.ledger, record, operators=operators, now=now)).undo
    told = undo is not None and undo.why is not None and undo.why.text
    assert told == "a person said that it was applied, and no receipt does"
    # Nor by an undo that was filed before the worker could know it.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("synapsor.flow.undo._check_applied", lambda _: None)
        patch.setattr("synapsor.flow.undo.UNDOING", replace(UNDOING, is_open=lambda _: None))
        patch.setattr("synapsor.flow.undo._check_left", lambda *_: None)
        filed = await ask(books, handle)
        await leo_approves(books.files, books.project, filed.id, filed.digest)
    assert await books.work() == [("failed", "original_not_applied")]
    assert credit(books) == APPLIED


# ---- what is told of it --------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("intent:told")
@pytest.mark.one_engine
async def test_that_a_source_keeps_no_receipts_is_a_warning_wherever_it_is_looked_at(
    books: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    await books.worker()
    assert "receipts_in_ledger" in caplog.text
