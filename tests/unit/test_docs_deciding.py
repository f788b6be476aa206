"""The contracts that the documentation of policies and workflows shows do what it says of them."""

import re
from pathlib import Path

import pytest

from synapsor.testing import desk_for
from tests.unit.test_trial import SCHEMA, SEED, SESSION

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"


def contract_of(page: str, place: int = 0) -> str:
    text = (HOW_TO / page).read_text(encoding="utf-8")
    found: str = re.findall(r"^```yaml contract\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[place]
    return found


@pytest.mark.requirement("docs:true")
async def test_the_policy_of_the_how_to_approves_what_is_small_and_leaves_the_rest() -> None:
    async with desk_for(contract_of("approve-by-policy.md"), schema=SCHEMA, seed=SEED, session=SESSION) as trial:
        asked = [
            await trial.call("fees.propose_waiver", invoice_id=invoice, why=why)
            for invoice, why in (
                ("INV-3002", "goodwill"),  # 25.00: small
                ("INV-3005", "dispute"),  # another reason
                ("INV-3001", "goodwill"),  # 55.00: more than the policy allows
                ("INV-3013", "goodwill"),  # 99.00: of high risk
            )
        ]
        needs = [answer["proposal"]["needs"] for answer in asked]
        assert needs == [{"role": "billing_lead", "people": 1}] * 3 + [{"role": "boss", "people": 2}]
        assert [report["outcome"] for report in await trial.apply(automatic=True)] == ["applied"]
        records = [await trial.ledger.proposal(answer["proposal"]["id"]) for answer in asked]
        assert [record.status.value for record in records if record] == ["applied", *["review_required"] * 3]
        reasons = [
            event["facts"]["why"]
            for record in records
            if record
            for event in record.events
            if event["kind"] == "policy_deferred"
        ]
        assert reasons == ["reason_code", "outside", "high_risk"]


@pytest.mark.requirement("docs:true")
async def test_the_workflow_of_the_how_to_asks_for_a_look_first() -> None:
    async with desk_for(contract_of("workflows.md"), schema=SCHEMA, seed=SEED, session=SESSION) as trial:
        early = await trial.call("reviews.propose_waiver", invoice_id="INV-3001")
        assert early["error"]["code"] == "evidence_required"
        await trial.call("reviews.inspect", invoice_id="INV-3001")
        assert (await trial.call("reviews.propose_waiver", invoice_id="INV-3001"))["ok"]


@pytest.mark.requirement("docs:true", "group:whole")
async def test_the_group_of_the_how_to_moves_a_fee_whole_or_not_at_all() -> None:
    fee = "SELECT late_fee_cents FROM invoices WHERE id IN ('INV-3001', 'INV-3002') ORDER BY id"
    async with desk_for(contract_of("workflows.md", 1), schema=SCHEMA, seed=SEED, session=SESSION) as trial:
        off = await trial.call("fees.take_off", invoice_id="INV-3001", cents=500)
        assert off["proposal"]["group"]["missing"] == ["fees.put_on"]
        assert (await trial.approve(off)).status.value == "review_required"
        assert await trial.apply() == []
        on = await trial.call("fees.put_on", invoice_id="INV-3002", cents=500)
        assert [other["id"] for other in on["proposal"]["group"]["with"]] == [off["proposal"]["id"]]
        assert (await trial.approve(on)).status.value == "approved"
        (report,) = await trial.apply()
        assert (report["outcome"], len(report["group"])) == ("applied", 2)
        assert trial.database.rows(fee) == [(5000,), (3000,)]
