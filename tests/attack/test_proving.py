"""What becomes of a running worker when its source is not any more as it was proven, on every engine."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from synapsor.core.outcome import Why
from synapsor.runtime import open_project
from synapsor.work.proving import AGAIN
from tests.attack.shop import Shop, changed, meanwhile, open_shop
from tests.databases import Database
from tests.projects import activate_all

CASES = {
    "postgres": (
        "REVOKE UPDATE (late_fee_cents) ON {invoices} FROM synapsor_writer",
        "GRANT UPDATE (late_fee_cents) ON {invoices} TO synapsor_writer",
        "writer_cannot_update",
        [("retry", "denied")],
    ),
    "mariadb": (
        "REVOKE UPDATE (late_fee_cents) ON {invoices} FROM synapsor_writer@'127.0.0.1'",
        "GRANT UPDATE (late_fee_cents) ON {invoices} TO synapsor_writer@'127.0.0.1'",
        "writer_cannot_update",
        [("retry", "denied")],
    ),
    "sqlite": (
        "ALTER TABLE {synapsor_receipts} RENAME TO kept",
        "ALTER TABLE kept RENAME TO synapsor_receipts",
        "receipts_missing",
        [("retry", "drift")],
    ),
}


@pytest_asyncio.fixture
async def shop(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    """A project over the shop."""
    async with open_shop(tmp_path / "project", database) as found:
        yield found


@pytest.mark.requirement("posture:held")
async def test_a_source_that_is_not_fit_any_more_gets_no_job_until_it_is_mended_and_no_attempt_is_counted(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    do, undo, rule, first = CASES[shop.database.engine]
    proposal = await shop.waiver()
    shop.kept = await shop.worker()
    assert shop.kept.proving is not None
    with caplog.at_level(logging.WARNING, "synapsor.worker"):
        with meanwhile(shop, do, undo):
            assert await shop.work() == first
            assert await shop.work() == []
            assert await shop.work() == []
        held = [record.getMessage() for record in caplog.records if getattr(record, "action", "") == "source_held"]
        assert [rule in message and "Fix: " in message for message in held] == [True]
        later = shop.kept.proving.clock() + AGAIN
        shop.kept.proving.clock = lambda: later
        reports: list[object] = []
        await changed(shop.kept, report=lambda report: reports.append(report["attempt"])).run(drain=True)
    assert (reports, await shop.status(proposal)) == ([2], "applied")


@pytest.mark.requirement("posture:again")
async def test_a_source_is_proven_again_while_the_worker_runs_though_no_job_tells_of_it(shop: Shop) -> None:
    do, undo, _, _ = CASES[shop.database.engine]
    worker = await shop.worker()
    proving = worker.proving
    assert proving is not None
    with meanwhile(shop, do, undo):
        assert await proving.writable() == ("shop",)
        later = proving.clock() + proving.every
        proving.clock = lambda: later
        await shop.waiver()
        shop.kept = worker
        assert await shop.work() == []


@pytest.mark.requirement("posture:again")
async def test_a_source_is_judged_by_the_contract_that_is_active_by_then_and_not_by_a_file_that_somebody_edits(
    shop: Shop,
) -> None:
    worker = await shop.worker()
    proving = worker.proving
    assert proving is not None
    file = shop.files.root / "policies" / "billing.yaml"
    whole = file.read_text(encoding="utf-8")
    more = whole.replace("set: {late_fee_cents: 0,", "set: {late_fee_cents: 0, customer: $reason,")
    assert more != whole
    file.write_text(more, encoding="utf-8")
    later = proving.clock() + proving.every
    proving.clock = lambda: later
    assert await proving.writable() == ("shop",)
    async with open_project(shop.files.config) as another:
        await activate_all(shop.files, another)
    proving.doubt("shop", Why.DRIFT)
    fit = shop.database.engine == "sqlite"  # whose writer may write every column
    assert await proving.writable() == (("shop",) if fit else ())
