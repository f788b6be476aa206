"""Clocks that are set back, or apart: what a trusted person approved is put off and never lost, and what would be lost is not signed."""

import datetime as dt
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio

from synapsor import handles
from synapsor.core.moment import CLOCKS_APART, parse, stamp
from synapsor.core.records import to_body
from synapsor.core.writeback import Approved, Job
from synapsor.errors import DecisionRefused
from synapsor.flow.decide import Deciding, Listed, decide
from synapsor.flow.signing import Signer, signed_decision
from synapsor.ports import ProposalRecord
from synapsor.testing.clock import TestClock
from synapsor.values import canonical, digest_bytes
from synapsor.work.pace import Pace
from tests.attack.amending import extended
from tests.attack.shop import WAIVER, Shop, as_ledger_owner, as_server, open_shop, told_by_owner
from tests.databases import Database
from tests.unit.deciding import asked, fees

pytestmark = pytest.mark.requirement("approval:clocks")
START = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
A_LITTLE = [dt.timedelta(milliseconds=200), dt.timedelta(seconds=2), CLOCKS_APART]
MUCH = [CLOCKS_APART + dt.timedelta(seconds=1), dt.timedelta(hours=1), dt.timedelta(days=1)]


@pytest.fixture
def clock() -> TestClock:
    """Return the clock of every process here."""
    return TestClock(START)


@pytest_asyncio.fixture
async def shop(tmp_path: Path, sqlite_db: Database, clock: TestClock) -> AsyncIterator[Shop]:
    """Open a project by that clock."""
    async with open_shop(tmp_path / "project", sqlite_db, clock=clock) as opened:
        yield opened


async def a_waiver(shop: Shop) -> Listed:
    """Return a proposal as it was shown."""
    told = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", "reason": "x."})
    return Listed(proposal=told["id"], digest=told["digest"])


async def leo_says(shop: Shop, shown: Listed, verdict: str = "approve") -> ProposalRecord:
    """Let leo decide by the way that every surface shares."""
    leo = Signer(operator=shop.files.operators["leo"], key=shop.files.keys["leo"])
    deciding = Deciding(
        verdict="reject" if verdict == "reject" else "approve",
        signer=leo,
        clock=shop.project.clock,
        modes=shop.project.config.modes,
        operators=lambda: shop.files.operators,
        reason="Not this one." if verdict == "reject" else "",
    )
    return await decide(shop.ledger, deciding, shown)


@pytest.mark.parametrize("back", A_LITTLE)
async def test_a_clock_that_is_set_back_a_little_after_the_proposal_loses_no_approval(
    shop: Shop, clock: TestClock, back: dt.timedelta
) -> None:
    shown = await a_waiver(shop)
    clock.moment -= back
    assert (await leo_says(shop, shown)).job is not None
    assert await shop.work() == [("applied", "")]
    assert shop.invoice()[0] == 0
    assert (await shop.project.verify()).ok


@pytest.mark.parametrize("back", MUCH)
async def test_an_approval_by_a_clock_that_was_set_back_far_is_refused_before_anything_is_signed_and_taken_when_it_is_right(
    shop: Shop, clock: TestClock, back: dt.timedelta
) -> None:
    shown = await a_waiver(shop)
    clock.moment -= back
    with pytest.raises(DecisionRefused) as refused:
        await leo_says(shop, shown)
    assert refused.value.rule == "clock_behind"
    record = await shop.record(shown.proposal)
    assert (record.status, record.decisions) == ("review_required", ())
    attempt = await shop.ledger.find(dict(record.events[-1]["records"])["refused_decision"][0])
    assert attempt is not None
    assert attempt["body"]["rule"] == "clock_behind"
    clock.moment += back
    await leo_says(shop, shown)
    assert await shop.work() == [("applied", "")]


@pytest.mark.parametrize("back", A_LITTLE)
async def test_what_was_extended_by_a_clock_that_was_set_back_a_little_is_applied(
    shop: Shop, clock: TestClock, back: dt.timedelta
) -> None:
    shown = await a_waiver(shop)
    clock.moment -= back
    again = await extended(shop, shown.proposal, "leo")
    clock.moment += back
    await leo_says(shop, Listed(proposal=again.id, digest=again.digest))
    assert await shop.work() == [("applied", "")]


async def test_nobody_extends_by_a_clock_that_was_set_back_far(shop: Shop, clock: TestClock) -> None:
    shown = await a_waiver(shop)
    clock.move(hours=-1)
    with pytest.raises(DecisionRefused) as refused:
        await extended(shop, shown.proposal, "leo")
    assert refused.value.rule == "clock_behind"
    assert await shop.status(shown.proposal) == "review_required"
    clock.move(hours=1)
    await leo_says(shop, shown)
    assert await shop.work() == [("applied", "")]


async def test_a_rejection_counts_by_whatever_clock(shop: Shop, clock: TestClock) -> None:
    shown = await a_waiver(shop)
    clock.move(days=-1)
    assert (await leo_says(shop, shown, "reject")).status == "rejected"


async def test_what_was_approved_is_put_off_while_the_workers_clock_stands_before_it_and_never_given_up(
    shop: Shop, clock: TestClock
) -> None:
    approved = await shop.waiver()
    clock.move(hours=-1)
    once = Pace(attempts=1, backoff_seconds=0)
    assert await shop.attempt(pace=once) == [("retry", "approval_to_come")]
    assert (await shop.status(approved), shop.receipts(), shop.invoice()[0]) == ("approved", 0, 5500)
    clock.moment = START - CLOCKS_APART - dt.timedelta(microseconds=1)
    assert await shop.attempt(pace=once) == []
    clock.moment = START - CLOCKS_APART
    assert await shop.work(pace=once) == [("applied", "")]


@pytest.mark.requirement("worker:held-no-longer", "ledger:tampering-is-found")
async def test_no_forged_wait_for_an_approval_keeps_a_job_beyond_its_proposals_time(shop: Shop) -> None:
    approved = await shop.waiver()
    expires = (await shop.record(approved)).proposal.expires_at
    forged = "UPDATE job SET code = 'approval_to_come', not_before = ?"
    with as_server(shop) as raw:
        raw.execute(forged, (expires,))
    assert await shop.attempt() == []
    report = await shop.ledger.verify()
    assert report.first_bad == (approved, "its job stands where its events do not lead")
    with as_server(shop) as raw:
        raw.execute(forged, (stamp(parse(expires) + dt.timedelta(microseconds=1)),))
    assert await shop.work() == [("applied", "")]


async def test_a_worker_whose_clock_is_put_right_applies_at_once_what_it_put_off(shop: Shop, clock: TestClock) -> None:
    await shop.waiver()
    clock.move(days=-1)
    assert await shop.work() == [("retry", "approval_to_come")]
    clock.moment = START
    assert await shop.work() == [("applied", "")]


async def test_nobody_completes_a_quorum_by_a_clock_that_has_not_reached_the_other_approval_for_it_would_count_alone() -> (
    None
):
    async with fees() as trial:
        change = await asked(trial, 0)
        trial.clock.move(hours=1)
        await trial.approve(change, by="ann")
        trial.clock.move(hours=-1)
        with pytest.raises(DecisionRefused) as refused:
            await trial.approve(change, by="bob")
        assert refused.value.rule == "clock_behind"
        trial.clock.move(hours=1)
        await trial.approve(change, by="bob")
        assert [r["outcome"] for r in await trial.apply()] == ["applied"]


async def test_a_worker_waits_for_the_approval_of_the_quorum_that_is_still_to_come_by_its_clock() -> None:
    async with fees() as trial:
        change = await asked(trial, 0)
        trial.clock.move(minutes=4)
        first = await trial.approve(change, by="ann")
        trial.clock.move(minutes=-4)
        await trial.approve(change, by="bob")
        trial.clock.move(minutes=-2)
        assert [(r["outcome"], r["code"]) for r in await trial.apply()] == [("retry", "approval_to_come")]
        trial.clock.moment = parse(first.decisions[0].decision.at) - CLOCKS_APART
        assert [r["outcome"] for r in await trial.apply()] == ["applied"]


def dated(shop: Shop, raw: Any, record: ProposalRecord, at: dt.datetime) -> None:
    """Let a server that was taken over, and has leo's key of before, put an approval of a moment at the end of the chain, and its job."""
    leo = Signer(operator=shop.files.operators["leo"], key=shop.files.keys["leo"])
    signed = signed_decision("approve", record.proposal, signer=leo, now=at, operators=shop.files.operators)
    handle, body = signed.decision.id, canonical(to_body(signed)).decode()
    step = {"origin": "review_required", "target": "approved"}
    told = [handle, digest_bytes("decision", body.encode())]
    seq = told_by_owner(raw, "proposal_approved", record.proposal.id, step, decision=told)
    raw.execute(
        "INSERT INTO decision (seq, id, at, proposal, operator, verdict, body) VALUES (?, ?, ?, ?, 'leo', 'approve', ?)",
        (seq, handle, signed.decision.at, record.proposal.id, body),
    )
    part = Approved(proposal=record.proposal.id, digest=record.proposal.digest, decision=handle)
    job = Job(id=handles.new("job"), source="shop", at=signed.decision.at, parts=(part,))
    raw.execute(
        "INSERT INTO job (seq, id, at, proposal, decision, source, body) VALUES (?, ?, ?, ?, ?, 'shop', ?)",
        (seq, job.id, job.at, record.proposal.id, handle, canonical(to_body(job)).decode()),
    )
    raw.execute("UPDATE proposal SET status = 'approved' WHERE id = ?", (record.proposal.id,))


@pytest.mark.requirement("approval:its-moment")
@pytest.mark.parametrize(
    ("back", "outcome"),
    [
        (dt.timedelta(0), ("applied", "")),
        (CLOCKS_APART, ("applied", "")),
        (CLOCKS_APART + dt.timedelta(seconds=1), ("reconciliation_required", "records_differ")),
        (dt.timedelta(hours=2), ("reconciliation_required", "records_differ")),
    ],
    ids=["now", "a little", "more", "hours"],
)
async def test_an_approval_that_is_dated_back_counts_for_nothing_though_an_honest_process_signs_the_chain_behind_it(
    shop: Shop, clock: TestClock, back: dt.timedelta, outcome: tuple[str, str]
) -> None:
    """Every process signs the head when it ends, whoever put it there; by that it says when, and leo's key was leo's in time."""
    shown = await a_waiver(shop)
    clock.move(hours=2)
    record = await shop.record(shown.proposal)
    with as_server(shop) as raw:
        dated(shop, raw, record, clock.now() - back)
    await shop.ledger.checkpoint()
    assert await shop.work() == [outcome]
    assert (shop.invoice()[0] == 0) is (outcome[0] == "applied")


@pytest.mark.requirement("approval:its-moment")
async def test_nobody_writes_another_moment_into_the_checkpoint_of_an_approval(shop: Shop, clock: TestClock) -> None:
    shown = await a_waiver(shop)
    clock.move(hours=2)
    record = await shop.record(shown.proposal)
    at = clock.now() - dt.timedelta(hours=2)
    with as_server(shop) as raw:
        dated(shop, raw, record, at)
    await shop.ledger.checkpoint()
    with as_ledger_owner(shop) as raw:
        raw.execute("UPDATE checkpoint SET at = ? WHERE seq = (SELECT max(seq) FROM checkpoint)", (stamp(at),))
    assert (await shop.work(), shop.receipts()) == ([("reconciliation_required", "records_differ")], 0)


@pytest.mark.requirement("approval:its-moment")
@pytest.mark.parametrize("verdict", ["approve", "reject"])
async def test_a_decision_is_not_recorded_when_the_clock_has_moved_since_it_was_dated(
    shop: Shop, clock: TestClock, verdict: str
) -> None:
    shown = await a_waiver(shop)
    clock.move(minutes=10)
    project: Any = SimpleNamespace(clock=TestClock(START), config=shop.project.config)
    late = replace(shop, project=project)
    with pytest.raises(DecisionRefused) as refused:
        await leo_says(late, shown, verdict)
    record = await shop.record(shown.proposal)
    assert (refused.value.rule, record.status.value, record.decisions) == ("clock_moved", "review_required", ())
    assert (await leo_says(shop, shown, verdict)).decisions[0].decision.verdict == verdict


@pytest.mark.requirement("worker:time-taken")
async def test_the_worker_reports_no_time_below_none_while_its_clock_is_behind(shop: Shop, clock: TestClock) -> None:
    shown = await a_waiver(shop)
    await leo_says(shop, shown)
    clock.moment -= dt.timedelta(minutes=2)
    told: list[Mapping[str, Any]] = []
    await (await shop.worker(report=told.append)).run(drain=True)
    assert [(one["outcome"], one["seconds_since_approval"]) for one in told] == [("applied", 0.0)]
