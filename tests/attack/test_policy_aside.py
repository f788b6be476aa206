"""What must not keep policies from their work unnoticed: records that somebody forged or broke, and a key that is not trusted any more."""

import datetime as dt
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from synapsor.core.moment import stamp
from synapsor.core.policy import deferral_words
from synapsor.core.proposal import Proposal, Status
from synapsor.core.records import to_body
from synapsor.errors import LedgerFailure
from synapsor.flow.automatic import approve_by_policy
from synapsor.ledger.kinds import PROPOSAL, Kind, Record, record
from synapsor.ports import ProposalRecord
from synapsor.testing import Trial
from synapsor.values import canonical
from synapsor.work import policies as work
from synapsor.work.worker import Worker
from tests.attack.test_policy import by_policy, fee, filed
from tests.ledger_records import a_decision
from tests.unit.deciding import asked, fees

FORGED = "wrp_" + "0" * 20
PLACE = "seq, id, at, tenant, principal, capability, contract, source, request, quorum, policy, shadow, expires_at, body, status"


async def forge(trial: Trial, of: Proposal, **columns: Any) -> None:
    """Put a record before that of a proposal, as whoever owns the ledger's file may; what is not given is the proposal's."""
    await trial.ledger.healthy()
    raw = trial.ledger._connection._writer  # type: ignore[attr-defined]  # in its file, and not by its own calls
    row = dict(raw.execute(f"SELECT {PLACE} FROM proposal WHERE id = ?", (of.id,)).fetchone())
    row |= {"seq": 1, "id": FORGED, "request": "another", **columns}
    marks = ", ".join(f":{name}" for name in row)
    raw.execute(f"INSERT INTO proposal ({', '.join(row)}) VALUES ({marks})", row)


def body_of(proposal: Proposal, **changes: Any) -> str:
    return canonical({**to_body(proposal), "id": FORGED, **changes}).decode()


def told_of(trial: Trial, handle: str) -> list[Mapping[str, Any]]:
    raw = trial.ledger._connection._writer  # type: ignore[attr-defined]  # the record itself cannot be loaded
    rows = raw.execute("SELECT body FROM event WHERE subject = ? AND kind = 'policy_deferred'", (handle,)).fetchall()
    return [json.loads(row["body"])["facts"] for row in rows]


@pytest.fixture(autouse=True)
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy looks at one proposal a round, so that what stays at the head keeps all others out."""
    monkeypatch.setattr(work, "AT_A_TIME", 1)


@pytest.mark.requirement("policy:set-aside")
@pytest.mark.parametrize(
    ("changes", "columns", "why"),
    [
        ({}, {}, "records_differ"),  # no event tells of it
        ({"id": "wrp_" + "1" * 20}, {}, "records_differ"),
        ({"expires_at": "2020-01-01T00:00:00.000000Z"}, {}, "records_differ"),
        ({"policy": None}, {}, "records_differ"),
        ({}, {"quorum": 2}, "records_differ"),
        ({}, {"body": "{"}, "unreadable"),
        ({}, {"body": "{}"}, "unreadable"),
    ],
)
async def test_a_record_that_no_policy_can_decide_on_is_set_aside_once_and_keeps_no_other_from_its_turn(
    changes: dict[str, Any], columns: dict[str, Any], why: str
) -> None:
    async with fees() as trial:
        proposal = await filed(trial)
        await forge(trial, proposal, **{"body": body_of(proposal, **changes), **columns})
        outcomes = [(r["proposal"], r["outcome"]) for _ in range(3) for r in await trial.apply(automatic=True)]
        assert outcomes == [(proposal.id, "applied")]
        assert [facts["why"] for facts in told_of(trial, FORGED)] == [why]
        assert deferral_words(told_of(trial, FORGED)[0])
        assert told_of(trial, proposal.id) == []
        assert fee(trial) == 5400


@pytest.mark.requirement("policy:set-aside")
async def test_what_a_server_files_for_another_ledger_is_set_aside_once_and_keeps_no_other_from_its_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with fees() as trial:
        real = trial.ledger.file_proposal

        async def taken_over(proposal: Proposal, *rest: Any) -> ProposalRecord:
            return await real(replace(proposal, ledger="led_" + "0" * 20), *rest)

        with monkeypatch.context() as patch:
            patch.setattr(trial.ledger, "file_proposal", taken_over)
            forged = await filed(trial, 5300)
        proposal = await filed(trial)
        outcomes = [(r["proposal"], r["outcome"]) for _ in range(3) for r in await trial.apply(automatic=True)]
        assert outcomes == [(proposal.id, "applied")]
        assert [facts["why"] for facts in told_of(trial, forged.id)] == ["other_ledger"]


@pytest.mark.requirement("policy:set-aside")
async def test_what_a_server_files_under_the_handle_of_another_is_set_aside_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def taken_over(kind: Kind, handle: str, body: dict[str, Any]) -> Record:
        return record(kind, handle, {**body, "id": FORGED} if kind is PROPOSAL else body)

    async with fees() as trial:
        with monkeypatch.context() as patch:
            patch.setattr("synapsor.ledger.proposals.record", taken_over)
            await asked(trial, 5300)
        proposal = await filed(trial)
        outcomes = [(r["proposal"], r["outcome"]) for _ in range(3) for r in await trial.apply(automatic=True)]
        assert outcomes == [(proposal.id, "applied")]


@pytest.mark.requirement("policy:set-aside")
async def test_what_a_person_has_decided_on_is_left_to_people() -> None:
    async with fees() as trial:
        proposal = await filed(trial)
        now = trial.clock.now()
        given = a_decision(proposal, at=stamp(now), expires_at=stamp(now + dt.timedelta(hours=1)))
        await trial.ledger.decide(given, job=None, counted={proposal.id: ()}, complete=False)
        left = await by_policy(trial, proposal)
        assert left.why == "people_decide"
        assert [facts["why"] for facts in told_of(trial, proposal.id)] == ["people_decide"]


@pytest.mark.requirement("policy:set-aside")
async def test_a_ledger_that_fails_at_every_record_sets_none_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: Any, **__: Any) -> None:
        raise LedgerFailure("The ledger failed: the disk is full.", rule="ledger_full")

    async with fees() as trial:
        proposal = await filed(trial)
        monkeypatch.setattr(work, "approve_by_policy", full)
        assert await trial.apply(automatic=True) == []
        assert told_of(trial, proposal.id) == []
        monkeypatch.setattr(work, "approve_by_policy", approve_by_policy)
        assert [r["outcome"] for r in await trial.apply(automatic=True)] == ["applied"]


@pytest.mark.requirement("policy:set-aside")
async def test_policies_that_cannot_look_keep_nobodys_approved_change_from_being_applied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def busy(*_: Any, **__: Any) -> None:
        raise LedgerFailure("The ledger failed: another process holds it.", rule="ledger_busy")

    async with fees() as trial:
        proposal = await asked(trial, 5400)
        await trial.approve(proposal)
        waits = await filed(trial, 5300)
        monkeypatch.setattr(work, "approve_by_policy", busy)
        outcomes = [(r["proposal"], r["outcome"]) for r in await trial.apply(automatic=True)]
        assert outcomes == [(proposal["proposal"]["id"], "applied")]
        record = await trial.ledger.proposal(waits.id)
        assert record is not None
        assert record.status is Status.REVIEW_REQUIRED


@pytest.mark.requirement("policy:key-told")
async def test_a_worker_whose_policy_key_is_not_trusted_any_more_says_so_once_and_goes_on_when_it_is_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with fees() as trial:
        proposal = await filed(trial)
        signer = trial.policy_signer()
        worker = Worker(name="w", bench=trial.bench(signer))
        trial.operators["policy"] = replace(signer.operator, revoked=True)
        with caplog.at_level(logging.WARNING, "synapsor.worker"):
            for _ in range(3):
                assert await worker.run(drain=True) == 0
            assert [told.action for told in caplog.records] == ["policy_key_untrusted"]  # type: ignore[attr-defined]  # ours
            assert told_of(trial, proposal.id) == []
            trial.operators["policy"] = signer.operator
            assert await worker.run(drain=True) == 1
        assert [told.action for told in caplog.records] == ["policy_key_untrusted", "policy_key_trusted"]  # type: ignore[attr-defined]  # ours
        assert fee(trial) == 5400
