"""A ledger that contradicts itself: its jobs end once, what came of them stays on record, and no proposal is said to be what it is not."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from synapsor.core.proposal import Status
from synapsor.core.records import to_body
from synapsor.flow.replay import replay
from tests.attack.shop import Shop, as_ledger_owner
from tests.attack.test_forged_ledger import BEFORE, forge_job, set_body
from tests.databases import Database

pytestmark = pytest.mark.requirement("apply:contradiction-ends")

ASIDE = [("reconciliation_required", "records_differ")]
ELSEWHERE = [status.value for status in Status if status is not Status.APPROVED]


@pytest.fixture
def database(sqlite_db: Database) -> Database:
    """It is about the ledger, so one engine is enough here."""
    return sqlite_db


def doctored(shop: Shop, *statements: str, values: Sequence[Any] = ()) -> None:
    """Edit the ledger behind its back."""
    with as_ledger_owner(shop) as raw:
        for statement in statements:
            raw.execute(statement, values)


async def ends_once(shop: Shop, **options: Any) -> None:
    """See that the job ends at its first attempt, and that the ledger is told to have been altered."""
    assert await shop.work(**options) == ASIDE
    assert await shop.work() == []
    with as_ledger_owner(shop) as raw:
        assert raw.execute("SELECT open, code, attempt FROM job").fetchall() == [(0, "records_differ", 1)]
    assert not (await shop.project.verify()).ok


@pytest.mark.requirement("apply:none-unapproved")
@pytest.mark.parametrize("status", ELSEWHERE)
async def test_what_does_not_stand_at_approved_is_not_applied_whatever_was_signed(shop: Shop, status: str) -> None:
    handle = await shop.waiver()
    doctored(shop, f"UPDATE proposal SET status = '{status}'")
    await ends_once(shop)
    assert (shop.invoice(), shop.receipts()) == (BEFORE, 0)
    record = await shop.record(handle)
    assert record.status == status
    assert [(r.outcome, r.code, r.changed) for r in record.receipts] == [("failed", "records_differ", False)]


@pytest.mark.requirement("apply:none-unapproved")
async def test_what_has_ended_is_not_applied_by_a_second_job_though_its_approval_still_counts(shop: Shop) -> None:
    """Nothing that is left of it contradicts anything; only where it stands keeps it from being applied."""
    handle = await shop.waiver()
    record = await shop.record(handle)
    assert await shop.work(operators=dict) == [("failed", "approval_invalid")]
    with as_ledger_owner(shop) as raw:
        for kind in ("settlement", "receipt", "job"):
            raw.execute(f"DELETE FROM {kind}")
        forge_job(raw, record.proposal, record.decisions[0].decision.id)
        raw.execute("UPDATE proposal SET status = 'failed'")
    assert not (await shop.record(handle)).differs
    assert await shop.work() == ASIDE
    assert (shop.invoice(), shop.receipts()) == (BEFORE, 0)


@pytest.mark.requirement("apply:outcome-true", "replay:recomputed")
@pytest.mark.parametrize("status", ELSEWHERE)
async def test_what_was_applied_when_the_ledger_was_altered_stays_on_record_as_that(shop: Shop, status: str) -> None:
    handle = await shop.waiver()

    async def reached(point: str) -> None:
        if point == "work.applied":
            doctored(shop, f"UPDATE proposal SET status = '{status}'")

    await ends_once(shop, reached=reached)
    assert (shop.invoice()[0], shop.receipts()) == (0, 1)
    record = await shop.record(handle)
    assert record.status == status
    assert [(r.outcome, r.code, r.changed) for r in record.receipts] == [("applied", "", True)]
    told = [check.what for check in (await replay(shop.ledger, handle, shop.files.operators)).differences]
    assert told == ([] if status == "applied" else ["status and receipt"])
    # Once the status is mended, the chain tells that the job was set aside, and nothing is wrong.
    doctored(shop, "UPDATE proposal SET status = 'approved'")
    assert (await shop.project.verify()).ok
    assert await shop.work() == []


async def test_a_job_that_is_opened_again_after_its_end_ends_once_more(shop: Shop) -> None:
    handle = await shop.waiver()
    assert await shop.work() == [("applied", "")]
    doctored(shop, "UPDATE proposal SET status = 'approved'", "UPDATE job SET open = 1, attempt = 0")
    await ends_once(shop)
    record = await shop.record(handle)
    assert [r.outcome for r in record.receipts] == ["applied", "already_applied"]
    assert shop.receipts() == 1


@pytest.mark.requirement("apply:exactly-once")
async def test_a_first_attempt_that_cannot_leave_its_receipt_reads_the_one_that_is_there(shop: Shop) -> None:
    await shop.waiver()

    async def dies(point: str) -> None:
        if point == "apply.committed":
            raise RuntimeError

    assert await shop.attempt(reached=dies) == [("retry", "internal")]
    # As in a ledger that was restored from a backup.
    doctored(shop, "UPDATE job SET attempt = 0, not_before = NULL")
    assert await shop.attempt() == [("already_applied", "")]
    assert shop.receipts() == 1


async def test_a_job_without_its_proposal_ends_and_says_so_in_the_chain(shop: Shop) -> None:
    handle = await shop.waiver()
    doctored(shop, "DELETE FROM proposal")
    await ends_once(shop)
    assert (shop.invoice(), shop.receipts()) == (BEFORE, 0)
    assert await shop.ledger.receipts(limit=9) == ()
    with as_ledger_owner(shop) as raw:
        (body,) = raw.execute(
            "SELECT body FROM event WHERE kind = 'job_set_aside' AND subject = ?", (handle,)
        ).fetchone()
    assert f'"came":{{"{handle}":["failed","proposal_missing"]}}' in body


async def test_a_job_that_names_its_proposal_twice_applies_nothing(shop: Shop) -> None:
    handle = await shop.waiver()
    job = (await shop.record(handle)).job
    assert job is not None
    with as_ledger_owner(shop) as raw:
        set_body(raw, "job", job.id, to_body(replace(job, parts=job.parts * 2)))
    await ends_once(shop)
    assert (shop.invoice(), shop.receipts()) == (BEFORE, 0)
    assert {r.code for r in (await shop.record(handle)).receipts} == {"group_broken"}
