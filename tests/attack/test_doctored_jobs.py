"""A job whose row or body somebody doctored keeps the worker from no other, and comes back to it no second time."""

from typing import Any

import anyio
import pytest

from synapsor.core.records import to_body
from synapsor.errors import LedgerFailure
from synapsor.ledger import proposals
from synapsor.ledger.store import Ledger
from tests.attack.shop import Shop, as_ledger_owner, as_server
from tests.attack.test_forged_ledger import add, set_body, text, waiting
from tests.databases import Database

NOTHING = "job_" + "0" * 20


@pytest.fixture
def database(sqlite_db: Database) -> Database:
    return sqlite_db


def _counted(shop: Shop, kind: str) -> int:
    with as_ledger_owner(shop) as raw:
        (found,) = raw.execute("SELECT count(*) FROM event WHERE kind = ?", (kind,)).fetchone()
    return int(found)


UNREADABLE: dict[str, Any] = {
    "another id": {"id": NOTHING},
    "no id": {"id": None},
    "another source": {"source": "elsewhere"},
    "another moment": {"at": "2026-01-01T00:00:00.000000Z"},
    "no moment": {"at": "yesterday"},
    "nothing to apply": {"parts": []},
    "text as parts": {"parts": "abc"},
    "a part of nothing": {"parts": [{"proposal": None, "digest": None, "decision": None}]},
    "another proposal": {"parts": [{"proposal": "wrp_1", "digest": "sha256:", "decision": "dec_1"}]},
    "more than a job has": {"more": 1},
}


@pytest.mark.requirement("apply:contradiction-ends")
@pytest.mark.parametrize("doctored", [*UNREADABLE.values(), None, {}], ids=[*UNREADABLE, "null", "empty"])
async def test_a_job_that_is_not_what_its_row_says_is_set_aside_and_the_next_is_applied(
    shop: Shop, doctored: dict[str, Any] | None
) -> None:
    bad = await shop.waiver("INV-3002")
    job = (await shop.record(bad)).job
    honest = await shop.waiver()
    assert job is not None
    with as_ledger_owner(shop) as raw:
        body = {**to_body(job), **doctored} if doctored else doctored
        raw.execute("UPDATE job SET body = ? WHERE id = ?", (text(body), job.id))
    with anyio.fail_after(60):
        assert await shop.work() == [("applied", "")]
    assert await shop.status(honest) == "applied"
    assert shop.receipts() == 1, "nothing of the doctored job was applied"
    assert (_counted(shop, "job_set_aside"), _counted(shop, "job_leased")) == (1, 1)
    assert await shop.work() == []
    assert not (await shop.project.verify()).ok


@pytest.mark.requirement("apply:contradiction-ends")
async def test_a_job_with_a_part_of_nothing_is_set_aside(shop: Shop) -> None:
    job = (await shop.record(await shop.waiver("INV-3002"))).job
    await shop.waiver()
    assert job is not None
    nothing = {"proposal": None, "digest": None, "decision": None}
    with as_ledger_owner(shop) as raw:
        set_body(raw, "job", job.id, {**to_body(job), "parts": [*to_body(job)["parts"], nothing]})
    assert await shop.work() == [("applied", "")]
    assert _counted(shop, "job_leased") == 1


@pytest.mark.requirement("apply:contradiction-ends")
async def test_a_job_of_no_moment_in_every_row_is_set_aside(shop: Shop) -> None:
    job = (await shop.record(await shop.waiver("INV-3002"))).job
    await shop.waiver()
    assert job is not None
    with as_ledger_owner(shop) as raw:
        set_body(raw, "job", job.id, {**to_body(job), "at": "2026-01-01"})
        raw.execute("UPDATE job SET at = '2026-01-01' WHERE id = ?", (job.id,))
    assert await shop.work() == [("applied", "")]


@pytest.mark.requirement("apply:contradiction-ends")
async def test_a_job_that_names_one_proposal_a_thousand_times_is_refused_at_once(shop: Shop) -> None:
    bad = await shop.waiver("INV-3002")
    job = (await shop.record(bad)).job
    honest = await shop.waiver()
    assert job is not None
    with as_ledger_owner(shop) as raw:
        set_body(raw, "job", job.id, {**to_body(job), "parts": to_body(job)["parts"] * 1000})
    with anyio.fail_after(60):
        assert await shop.work() == [("reconciliation_required", "records_differ"), ("applied", "")]
    assert await shop.status(honest) == "applied"
    assert shop.receipts() == 1


@pytest.mark.requirement("apply:contradiction-ends")
async def test_a_proposal_that_cannot_expire_keeps_no_other_from_it(shop: Shop) -> None:
    stuck, late = [(await waiting(shop, invoice)).id for invoice in ("INV-3002", "INV-3003")]
    with as_server(shop) as raw:
        add(raw, "decision", id="dec_forged", at="x", proposal=stuck, operator="leo", verdict="reject", body="{}")
        over = "2020-01-01T00:00:00.000000Z"
        raw.execute("UPDATE proposal SET body = replace(body, expires_at, ?), expires_at = ?", (over, over))
    honest = await shop.waiver()
    assert await shop.work() == [("applied", "")]
    assert [await shop.status(handle) for handle in (late, honest)] == ["expired", "applied"]


@pytest.mark.requirement("apply:contradiction-ends")
async def test_proposals_of_which_only_the_row_says_that_they_are_past_their_time_keep_no_other_from_its_end(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proposals, "EXPIRE_AT_ONCE", 2)
    first, second, late = [(await waiting(shop, invoice)).id for invoice in ("INV-3001", "INV-3002", "INV-3003")]
    over = "2020-01-01T00:00:00.000000Z"
    with as_server(shop) as raw:
        ended = "UPDATE proposal SET body = replace(body, expires_at, ?), expires_at = ? WHERE id = ?"
        raw.execute(ended, (over, over, late))
    with as_ledger_owner(shop) as raw:
        raw.execute("UPDATE proposal SET expires_at = ?", (over,))
    assert await shop.work() == []
    assert [await shop.status(handle) for handle in (first, second, late)] == ["review_required"] * 2 + ["expired"]


@pytest.mark.requirement("apply:contradiction-ends")
async def test_that_nothing_can_expire_keeps_nobody_from_an_approved_change(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(_: Ledger, *, now: str) -> int:
        raise LedgerFailure(f"The ledger refuses it at {now}.")

    await shop.waiver()
    monkeypatch.setattr(Ledger, "expire_due", refused)
    assert await shop.work() == [("applied", "")]


@pytest.mark.requirement("apply:contradiction-ends")
async def test_a_record_that_breaks_the_lease_does_not_end_the_worker(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise TypeError("a record of another shape")

    await shop.waiver()
    monkeypatch.setattr(Ledger, "lease", broken)
    assert await shop.work() == []
