"""A source that kept receipts and keeps none any more: what an attempt of then came to, only a receipt would tell, and nobody reads it."""

import datetime as dt
from pathlib import Path

import pytest

from synapsor.core.moment import stamp
from synapsor.core.outcome import Outcome, Why
from synapsor.core.writeback import Closed
from synapsor.flow.settle import receipt_of
from synapsor.flow.verdict import Result
from tests.attack.credits import POLICY, credits_tables
from tests.attack.shop import Shop, as_ledger_owner, open_shop, reopened
from tests.attack.steered import busy
from tests.attack.test_intents import APPLIED, FIRST, UNRESOLVED, _broken, _config, books
from tests.attack.undoing import ADJUST, ask, credit
from tests.databases import Database
from tests.projects import ProjectFiles, leo_approves

__all__ = ["books"]


def without_receipts(files: ProjectFiles) -> None:
    """Let the source keep none from now on."""
    text = files.config_path.read_text(encoding="utf-8")
    for old, new in _config(files.database).items():
        assert old in text
        text = text.replace(old, new)
    files.config_path.write_text(text, encoding="utf-8")


@pytest.mark.requirement("intent:after-receipts", "apply:outcome-true")
@pytest.mark.parametrize("trusted", [True, False])
async def test_what_may_have_got_through_before_the_receipts_went_is_left_to_a_person(
    tmp_path: Path, sqlite_db: Database, trusted: bool
) -> None:
    with credits_tables(sqlite_db):
        async with open_shop(tmp_path / "project", sqlite_db, policy=POLICY) as shop:
            handle = await shop.approved("credits.adjust", ADJUST)
            assert await shop.attempt(reached=_broken("apply.committed")) == [("retry", "internal")]
            files = shop.files
        without_receipts(files)
        async with reopened(files) as shop:
            passed: list[str] = []

            async def reached(step: str) -> None:
                passed.append(step)

            assert await shop.work(reached=reached, **({} if trusted else {"operators": dict})) == UNRESOLVED
            assert "apply.begun" not in passed
            assert (credit(shop), await shop.status(handle)) == (APPLIED, "reconciliation_required")


@pytest.mark.requirement("intent:after-receipts")
async def test_what_certainly_had_no_effect_before_the_receipts_went_is_applied(
    tmp_path: Path, sqlite_db: Database
) -> None:
    with credits_tables(sqlite_db):
        async with open_shop(tmp_path / "project", sqlite_db, policy=POLICY) as shop:
            await shop.approved("credits.adjust", ADJUST)
            assert await shop.attempt(reached=busy) == [("retry", "busy")]
            files = shop.files
        without_receipts(files)
        async with reopened(files) as shop:
            assert await shop.attempt(reached=busy) == [("retry", "busy")]
            assert await shop.work() == [("applied", "")]
            assert credit(shop) == APPLIED


@pytest.mark.requirement("intent:never-guessed")
@pytest.mark.one_engine
async def test_an_intent_is_not_written_over_by_an_attempt_that_did_not_see_it(
    books: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = await books.approved("credits.adjust", ADJUST)
    assert await books.attempt(reached=_broken("apply.committed")) == [("retry", "internal")]
    books.change(
        "UPDATE {credits} SET state = 'open', amount = '10.10', points = 5, note = NULL, row_version = 1 "
        "WHERE tenant_id = 'acme' AND book = 'a' AND number = 1"
    )
    with monkeypatch.context() as patch:  # it looked before the other one said so
        patch.setattr("synapsor.work.authority.standing", lambda _: None)
        assert await books.attempt() == [("retry", "lease_lost")]
    assert credit(books) == FIRST
    told = [event["kind"] for event in (await books.record(handle)).events]
    assert told.count("apply_intended") == 1


@pytest.mark.requirement("intent:never-guessed")
@pytest.mark.one_engine
async def test_the_ledger_lets_no_attempt_whose_own_code_broke_say_that_it_failed(books: Shop) -> None:
    await books.approved("credits.adjust", ADJUST)
    now = stamp(books.project.clock.now())
    later = stamp(books.project.clock.now() + dt.timedelta(seconds=30))
    (lease,) = await books.ledger.lease("here", now=now, until=later, sources={"shop": 1})
    assert await books.ledger.doubts.intend(lease)
    broke = Result(outcome=Outcome.FAILED, why=Why.INTERNAL)
    assert await books.ledger.settle(lease, [receipt_of(lease, lease.job.lead, broke, at=now)]) is Closed.IN_DOUBT
    assert await books.status(lease.job.lead.proposal) == "approved"


@pytest.mark.requirement("intent:undo")
@pytest.mark.one_engine
async def test_nothing_is_undone_of_which_the_ledgers_own_records_contradict_each_other(
    books: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = await books.approved("credits.adjust", ADJUST)
    assert await books.work() == [("applied", "")]
    filed = await ask(books, handle)
    await leo_approves(books.files, books.project, filed.id, filed.digest)
    with as_ledger_owner(books) as raw:
        raw.execute("UPDATE event SET subject = 'gone' WHERE subject = ? AND kind = 'proposal_approved'", (handle,))

    async def nothing() -> None:
        """Prove nothing: the chain that the worker follows names it as well."""

    monkeypatch.setattr(books.ledger, "follow", nothing)
    assert await books.work() == [("failed", "original_not_applied")]
    assert credit(books) == APPLIED
