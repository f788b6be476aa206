"""Whoever owns the ledger's file, or has taken over the server, forges quorums, policy approvals and switches; nothing of it reaches the shop."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synapsor import handles
from synapsor.core.moment import stamp
from synapsor.core.proposal import Proposal
from synapsor.core.records import to_body
from synapsor.core.review import policy_digest
from synapsor.core.statements import Switch, sign
from synapsor.errors import DecisionRefused
from synapsor.flow.automatic import running
from synapsor.flow.decide import job_of
from synapsor.flow.signing import signed_decision
from tests.attack.shop import WAIVER, Shop, as_ledger_owner, as_server, unasked
from tests.attack.test_forged_ledger import BEFORE, MALLORY, add, forge_decision, forge_job, set_body, text
from tests.attack.test_worker_permission import AUTOMATIC, ON, shop_on
from tests.databases import Database
from tests.decisions import Person
from tests.projects import leo_approves
from tests.sessions import own_session

QUORUM = AUTOMATIC.replace("role: billing_lead, expires_hours: 72, policy", "role: billing_lead, quorum: 2, policy")


async def waiting(shop: Shop) -> Proposal:
    filed = await shop.proposed(WAIVER, {"invoice_id": "INV-3009", "reason": "Paid next day."})
    return (await shop.record(filed["id"])).proposal


def as_it_was(shop: Shop) -> bool:
    return shop.invoice("INV-3009", "late_fee_cents, waiver_reason") == (7100, None) and shop.receipts() == 0


@pytest.mark.requirement("policy:bound")
@pytest.mark.parametrize("operator", ["robot", "leo", "mallory"])
async def test_a_policys_approval_without_the_policys_key_applies_nothing(
    operator: str, tmp_path: Path, sqlite_db: Database
) -> None:
    async with shop_on(tmp_path, sqlite_db, ON) as shop:
        proposal = await waiting(shop)
        assert await shop.work() == []  # it is outside of the policy
        key = shop.files.keys["leo"] if operator == "leo" else MALLORY
        policy = policy_digest(proposal.contract, "small_fees")
        with as_ledger_owner(shop) as raw:
            decision = forge_decision(raw, proposal, key, operator=operator, role="policy_signer", policy=policy)
            forge_job(raw, proposal, decision)
        code = "approval_role_missing" if operator == "leo" else "approval_invalid"
        assert await shop.work() == [("failed", code)]
        assert as_it_was(shop)


@pytest.mark.requirement("approval:quorum")
async def test_a_second_approval_that_is_forged_completes_no_quorum(tmp_path: Path, sqlite_db: Database) -> None:
    async with shop_on(tmp_path, sqlite_db, "", policy=QUORUM) as shop:
        proposal = await waiting(shop)
        record = await leo_approves(shop.files, shop.project, proposal.id, proposal.digest)
        assert record.job is None
        with as_ledger_owner(shop) as raw:
            forge_decision(raw, proposal, MALLORY, operator="rita")
            forge_job(raw, proposal, record.decisions[0].decision.id)
        assert await shop.work() == [("failed", "quorum_missing")]
        assert as_it_was(shop)


@pytest.mark.requirement("approval:risk")
@pytest.mark.parametrize("change", [{"quorum": 1}, {"quorum": 1, "risk": "medium"}, {"quorum": 1, "policy": None}])
async def test_a_server_that_asks_for_fewer_people_than_the_contract_is_not_believed(
    change: dict[str, Any], tmp_path: Path, sqlite_db: Database
) -> None:
    async with shop_on(tmp_path, sqlite_db, "", policy=QUORUM) as shop:
        genuine = await waiting(shop)
        forged = replace(genuine, **change)
        with as_server(shop) as raw:
            set_body(raw, "proposal", forged.id, to_body(forged))
            raw.execute("UPDATE proposal SET quorum = 1")
        with unasked():
            record = await leo_approves(shop.files, shop.project, forged.id, forged.digest)
        assert record.job is not None
        assert await shop.work() == [("failed", "need_changed")]
        assert as_it_was(shop)


@pytest.mark.requirement("policy:bound")
async def test_a_server_that_names_a_policy_which_the_contract_does_not_is_left_to_a_person(
    tmp_path: Path, sqlite_db: Database
) -> None:
    async with shop_on(tmp_path, sqlite_db, ON) as shop:
        filed = await shop.proposed("billing.propose_note", {"invoice_id": "INV-3001", "note": "Call first."})
        genuine = (await shop.record(filed["id"])).proposal
        forged = replace(genuine, policy="small_fees")
        with as_server(shop) as raw:
            set_body(raw, "proposal", forged.id, to_body(forged))
            raw.execute("UPDATE proposal SET policy = 'small_fees'")
        assert await shop.work() == []
        record = await shop.record(forged.id)
        told = [event["facts"]["why"] for event in record.events if event["kind"] == "policy_deferred"]
        assert (record.status.value, told) == ("review_required", ["need_changed"])
        assert shop.invoice() == BEFORE


@pytest.mark.requirement("policy:stop")
async def test_a_start_that_is_forged_starts_nothing(tmp_path: Path, sqlite_db: Database) -> None:
    async with shop_on(tmp_path, sqlite_db, ON) as shop:
        await shop.proposed(WAIVER, {"invoice_id": "INV-3001", "reason": "Paid next day."})
        made = Switch(
            id=handles.new("swi"),
            ledger=shop.ledger.id,
            state="running",
            operator="leo",
            role="policy_steward",
            at=stamp(shop.project.clock.now()),
            reason="",
            nonce="n" * 32,
        )
        for key in (MALLORY, shop.files.keys["leo"]):  # leo is no steward
            forged = replace(made, id=handles.new("swi"))
            body = {"switch": to_body(forged), "signature": sign(forged, key)}
            with as_ledger_owner(shop) as raw:
                add(raw, "policy_switch", id=forged.id, at=made.at, operator="leo", state="running", body=text(body))
            assert (await running(shop.ledger, shop.project.operators()))[0] is False
            assert await shop.work() == []
        assert shop.invoice() == BEFORE
        assert not (await shop.project.verify()).ok


@pytest.mark.requirement("approval:of-now")
async def test_what_a_session_signs_after_its_end_and_dates_back_reaches_no_ledger_and_if_it_did_not_the_shop(
    tmp_path: Path, sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop_on(tmp_path, sqlite_db, "") as shop:
        now, operators = shop.project.clock.now(), shop.project.deciders()
        leo = Person(operator=operators["leo"], key=shop.files.keys["leo"])
        hour = dt.timedelta(hours=1)
        over = own_session(leo, shop.ledger.id, lasts=hour, now=now - 3 * hour)
        proposal = await waiting(shop)
        signed = signed_decision("approve", proposal, signer=over, now=now - 2.5 * hour, operators=operators)
        job = job_of(proposal.source, [signed], at=now)
        with pytest.raises(DecisionRefused) as refused:
            await shop.ledger.decide(signed, job=job, counted={proposal.id: ()}, complete=True)
        assert refused.value.rule == "clock_moved"
        for module in ("chain", "believed"):  # as whoever holds the ledger's key could sign it
            monkeypatch.setattr(f"synapsor.ledger.{module}.are_close", lambda *_: True)
        await shop.ledger.decide(signed, job=job, counted={proposal.id: ()}, complete=True)
        assert await shop.work() == [("failed", "approval_invalid")]
        assert as_it_was(shop)
