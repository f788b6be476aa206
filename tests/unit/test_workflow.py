"""Workflows: a proposal rests on what was read before in the same run, by the same person, of the same row; and nothing else will do."""

from dataclasses import replace
from typing import Any

import pytest

from synapsor.approve.card.card import card_of
from synapsor.approve.terminal.card import render
from synapsor.core.authority import table_for
from synapsor.core.outcome import Why
from synapsor.core.scope import Session
from synapsor.testing import Trial
from synapsor.values import digest
from tests.unit.deciding import FEES, fees

pytestmark = pytest.mark.requirement("workflow:evidence")

WORKFLOW = (
    FEES
    + """\
workflows:
  fee_review:
    allow: [billing.inspect, billing.list_overdue, billing.propose_fee]
    evidence: {billing.propose_fee: [billing.inspect, billing.list_overdue]}
    settle: policy
"""
).replace(
    "  billing.propose_fee:\n",
    "  billing.list_overdue:\n    description: The overdue invoices.\n    read: invoices\n    where: {status: overdue}\n"
    "    returns: [id, late_fee_cents]\n  billing.propose_fee:\n",
    1,
)
ASK = {"invoice_id": "INV-3001", "cents": 5400, "why": "goodwill"}


async def read(trial: Trial, session: Session | None = None, invoice: str = "INV-3001") -> list[dict[str, Any]]:
    return [
        await trial.desk.call("billing.inspect", {"invoice_id": invoice}, session or trial.session),
        await trial.desk.call("billing.list_overdue", {}, session or trial.session),
    ]


async def ask(trial: Trial, session: Session | None = None) -> dict[str, Any]:
    return await trial.desk.call("billing.propose_fee", ASK, session or trial.session)


async def test_a_proposal_names_the_evidence_that_it_rests_on() -> None:
    async with fees(WORKFLOW) as trial:
        seen = await read(trial)
        answer = await ask(trial)
        assert answer["ok"], answer["error"]
        record = await trial.ledger.proposal(answer["proposal"]["id"])
        assert record is not None
        proposal = record.proposal
        assert [(name, handle) for name, handle, _ in proposal.rests_on] == [
            ("billing.inspect", seen[0]["evidence"]["id"]),
            ("billing.list_overdue", seen[1]["evidence"]["id"]),
        ]
        assert (proposal.workflow, proposal.run) == ("fee_review", trial.session.run)
        assert replace(proposal, rests_on=()).digest != proposal.digest
        assert table_for(replace(proposal, rests_on=proposal.rests_on[:1]), trial.contract) is Why.WORKFLOW_CHANGED
        card = await card_of(trial.ledger, record, operators=trial.operators, now=trial.clock.now())
        assert [(e.own, e.proof, e.handle.text) for e in card.rests_on] == [
            (True, "proven", proposal.evidence),
            *((False, "proven", answer["evidence"]["id"]) for answer in seen),
        ]
        assert not card.tampered
        text = render(card)
        assert f"{seen[0]['evidence']['id']}, read before by billing.inspect" in text
        assert f"fee_review, run {trial.session.run}" in text


@pytest.mark.parametrize(
    ("case", "missing"),
    [
        ("nothing", "billing.inspect of the same record"),
        ("another row", "billing.inspect of the same record"),
        ("one of two", "billing.list_overdue"),
        ("another run", "billing.inspect of the same record"),
        ("no run", "billing.inspect of the same record"),
        ("another person", "billing.inspect of the same record"),
        ("refused", "billing.inspect of the same record"),
    ],
)
async def test_without_it_the_proposal_is_refused_and_the_missing_capability_is_named(case: str, missing: str) -> None:
    async with fees(WORKFLOW) as trial:
        here, asking = trial.session, trial.session
        if case == "another row":
            await read(trial, invoice="INV-3002")
        elif case == "one of two":
            await trial.call("billing.inspect", invoice_id="INV-3001")
        elif case == "another run":
            await read(trial, replace(here, run="run_other"))
        elif case == "no run":
            asking = replace(here, run="")
            await read(trial, asking)
        elif case == "another person":
            await read(trial, replace(here, values={**here.values, "user": "somebody"}))
        elif case == "refused":
            await trial.call("billing.inspect", invoice_id="INV-0000")
        answer = await ask(trial, asking)
        assert answer["error"]["code"] == "evidence_required"
        assert answer["error"]["message"].endswith(f"Missing in this run: {missing}.")
        assert await trial.ledger.inbox(status=None, limit=5) == ()


async def test_another_tenants_read_is_no_evidence() -> None:
    async with fees(WORKFLOW) as trial:
        await read(trial, replace(trial.session, values={**trial.session.values, "tenant_id": "globex"}))
        assert (await ask(trial))["error"]["code"] == "evidence_required"


async def test_what_was_read_before_and_is_no_more_what_it_was_stops_a_decision() -> None:
    async with fees(WORKFLOW) as trial:
        await read(trial)
        answer = await ask(trial)
        record = await trial.ledger.proposal(answer["proposal"]["id"])
        assert record is not None
        name, handle, _ = record.proposal.rests_on[0]
        forged = replace(
            record.proposal, rests_on=((name, handle, digest("evidence", {})), *record.proposal.rests_on[1:])
        )
        shown = await card_of(
            trial.ledger, replace(record, proposal=forged), operators=trial.operators, now=trial.clock.now()
        )
        assert [e.proof for e in shown.rests_on] == ["proven", "altered", "proven"]
        assert (shown.tampered, shown.rests_on[1].rows) == (True, ())


async def test_a_workflow_that_is_settled_by_policy_lets_the_policy_approve() -> None:
    async with fees(WORKFLOW) as trial:
        await read(trial)
        await ask(trial)
        assert [r["outcome"] for r in await trial.apply(automatic=True)] == ["applied"]


async def test_reads_of_a_workflow_are_free_and_its_audits_name_it() -> None:
    async with fees(WORKFLOW) as trial:
        answers = await read(trial)
        assert all(answer["ok"] for answer in answers)
        for answer in answers:
            found = await trial.ledger.find(answer["audit"]["id"])
            assert found is not None
            assert (found["body"]["run"], found["body"]["workflows"]) == (trial.session.run, ["fee_review"])


async def test_with_checkpoints_of_proposals_audits_name_no_workflow() -> None:
    async with fees(WORKFLOW.replace("settle: policy", "settle: policy\n    checkpoints: proposals")) as trial:
        answer = (await read(trial))[0]
        found = await trial.ledger.find(answer["audit"]["id"])
        assert found is not None
        assert found["body"]["workflows"] == []
