"""A contract on trial in memory: the whole way without a server, with the answers that production gives."""

import re
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synapsor.core.proposal import Status
from synapsor.errors import ConfigError, ContractError, DecisionRefused, UnsafeSource
from synapsor.sql.statement import Dialect
from synapsor.testing import Trial, desk_for

ROOT = Path(__file__).parents[2]
BILLING = (ROOT / "policies" / "billing.yaml").read_text(encoding="utf-8")
SCHEMA = (ROOT / "fixtures" / "sqlite" / "schema.sql").read_text(encoding="utf-8")
SEED = (ROOT / "fixtures" / "sqlite" / "seed.sql").read_text(encoding="utf-8")
SESSION = {"tenant_id": "acme", "user": "agent"}
WAIVER = {"invoice_id": "INV-3001", "reason": "Paid next day."}


@pytest_asyncio.fixture
async def trial() -> AsyncIterator[Trial]:
    async with desk_for(BILLING, schema=SCHEMA, seed=SEED, session=SESSION) as opened:
        yield opened


@pytest.mark.requirement("straight-line:whole")
async def test_a_contract_is_tried_from_the_first_read_to_the_applied_change(trial: Trial) -> None:
    read = await trial.call("billing.inspect_invoice", invoice_id="INV-3001")
    assert read["data"]["row"]["late_fee_cents"] == 5500
    asked = await trial.call("billing.propose_late_fee_waiver", **WAIVER)
    assert asked["proposal"]["status"] == "review_required"
    assert (await trial.approve(asked)).status is Status.APPROVED
    (report,) = await trial.apply()
    assert report["outcome"] == "applied"
    assert trial.database.rows(
        "SELECT late_fee_cents, waiver_reason, row_version FROM invoices WHERE id = 'INV-3001'"
    ) == [(0, "Paid next day.", 2)]
    assert (await trial.ledger.verify()).ok


async def test_a_row_changed_behind_the_contracts_back_conflicts(trial: Trial) -> None:
    asked = await trial.call("billing.propose_late_fee_waiver", **WAIVER)
    await trial.approve(asked)
    trial.database.run("UPDATE invoices SET note = 'Disputed.' WHERE id = 'INV-3001'")
    (report,) = await trial.apply()
    assert (report["outcome"], report["code"]) == ("conflict", "version_moved")


async def test_a_rejected_or_late_proposal_is_not_applied(trial: Trial) -> None:
    asked = await trial.call("billing.propose_late_fee_waiver", **WAIVER)
    assert (await trial.reject(asked, reason="No.")).status is Status.REJECTED
    late = await trial.call("billing.propose_note", invoice_id="INV-3001", note="x")
    trial.clock.move(hours=73)
    with pytest.raises(DecisionRefused) as refused:
        await trial.approve(late)
    assert refused.value.rule == "expired"
    assert await trial.apply() == []


@pytest.mark.requirement("approval:in-time")
async def test_an_agent_learns_that_its_proposal_has_expired_before_anything_records_it(trial: Trial) -> None:
    asked = (await trial.call("billing.propose_note", invoice_id="INV-3001", note="x"))["proposal"]
    for hours, status in ((71, "review_required"), (1, "expired")):
        trial.clock.move(hours=hours)
        answer = await trial.call("synapsor.proposal_status", proposal_id=asked["id"])
        resource = await trial.desk.resource(asked["status_resource"], trial.session)
        assert resource is not None
        assert (answer["proposal"]["status"], resource["status"]) == (status, status)
    assert answer["summary"] == "The proposal has expired."
    recorded = await trial.ledger.proposal(asked["id"])
    assert recorded is not None
    assert recorded.status is Status.REVIEW_REQUIRED


async def test_another_tenants_row_does_not_exist(trial: Trial) -> None:
    answer = await trial.call("billing.inspect_invoice", invoice_id="INV-9001")
    assert answer["error"]["code"] == "not_found"


async def test_a_contract_that_is_not_in_order_is_refused() -> None:
    with pytest.raises(ContractError):
        await _opened(BILLING.replace("read: invoices", "read: invoice"))


async def test_tables_that_are_not_what_the_contract_says_are_refused() -> None:
    with pytest.raises(UnsafeSource) as refused:
        await _opened(BILLING, schema=SCHEMA.replace("late_fee_cents", "fee_cents"), seed="")
    assert "column_missing" in str(refused.value)
    with pytest.raises(ConfigError):
        await _opened(BILLING.replace("write_to: billing.invoices", "write_to: other.invoices"))


@pytest.mark.requirement("trial:as-production")
async def test_a_schema_that_production_would_not_write_to_is_refused_before_the_first_apply() -> None:
    bare = SCHEMA[: SCHEMA.index("CREATE TRIGGER invoices_row_version")] + SCHEMA[SCHEMA.index("-- The safe view") :]
    async with desk_for(BILLING, schema=bare, seed=SEED, session=SESSION) as opened:
        with pytest.raises(UnsafeSource) as refused:
            await opened.apply()
    assert "version_does_not_move" in str(refused.value)
    way = "Add an AFTER UPDATE trigger that sets it with an UPDATE of that row, or use `version: whole_row`."
    assert way in refused.value.fix  # SQLite has no other


@pytest.mark.requirement("trial:as-production")
async def test_receipts_that_could_not_tell_two_applies_apart_are_refused_in_a_trial_as_in_production() -> None:
    loose = "CREATE TABLE synapsor_receipts (receipt_key TEXT, proposal_digest TEXT) STRICT;"
    own = SCHEMA.index("CREATE TABLE synapsor_receipts")
    schema = SCHEMA[:own] + loose + SCHEMA[SCHEMA.index(";", own) + 1 :]
    async with desk_for(BILLING, schema=schema, seed=SEED, session=SESSION) as opened:
        with pytest.raises(UnsafeSource) as refused:
            await opened.apply()
    assert "receipts" in str(refused.value)


@pytest.mark.requirement("docs:true")
@pytest.mark.parametrize("name", ["test-a-contract.md", "read-related-rows.md"])
def test_the_example_of_the_documentation_runs(name: str) -> None:
    page = (ROOT / "docs" / "how-to" / name).read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


async def _opened(contract: str, *, schema: str = SCHEMA, seed: str = SEED) -> None:
    async with desk_for(contract, schema=schema, seed=seed, session=SESSION):
        pass


class _Broken:
    """A source whose driver raises what no adapter maps."""

    name: str = "shop"
    dialect: Dialect = "sqlite"

    def __init__(self, source: Any) -> None:
        self._source = source

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def transaction(self, *, time_ms: int) -> Any:
        raise RuntimeError(str(time_ms))


@pytest.mark.requirement("apply:outcome-true")
async def test_a_job_that_breaks_the_worker_every_time_is_given_up_and_stops_nobody(trial: Trial) -> None:
    asked = await trial.call("billing.propose_late_fee_waiver", **WAIVER)
    await trial.approve(asked)
    place = trial.targets["shop"]
    trial.targets["shop"] = replace(place, source=_Broken(place.source))
    for _ in range(10):
        (report,) = await trial.apply()
        trial.clock.move(minutes=2)
    assert (report["outcome"], report["code"]) == ("parked", "internal")
    assert await trial.apply() == []


async def test_a_request_that_was_approved_and_never_applied_may_be_made_again_when_it_has_lapsed(trial: Trial) -> None:
    asked = await trial.call("billing.propose_late_fee_waiver", **WAIVER)
    await trial.approve(asked)
    again = await trial.call("billing.propose_late_fee_waiver", **WAIVER)
    assert (again["proposal"]["id"], again["summary"]) == (
        asked["proposal"]["id"],
        "This change was asked for before and is approved; nothing new was filed.",
    )
    trial.clock.move(hours=24 * 400)
    later = await trial.call("billing.propose_late_fee_waiver", **WAIVER)
    assert later["proposal"]["id"] != asked["proposal"]["id"]
    assert later["proposal"]["status"] == "review_required"
