"""What every ledger engine must do: the connection seam, and the ports over it. A new engine joins by one more `ENGINES` entry."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synapsor.core.budget import Spending
from synapsor.core.proposal import Proposal, Status, undo_key
from synapsor.core.records import to_body
from synapsor.core.writeback import Closed, Job
from synapsor.errors import DecisionRefused, IntegrityError, LedgerFailure
from synapsor.ledger.chain import Book, event
from synapsor.ledger.connection import Connection, Transaction
from synapsor.ledger.open import open_ledger, open_memory_ledger
from synapsor.ledger.store import Ledger
from synapsor.ports import WorkLedger
from synapsor.refusals import Rule
from synapsor.values import digest
from tests.ledger_records import (
    CLOCK,
    CONTRACT,
    a_decision,
    a_job,
    a_proposal,
    a_receipt,
    an_activation,
    an_instruction,
    approve_one,
    at,
    file_one,
    fill,
    handle,
    seen,
    undecided,
)


@dataclass(frozen=True)
class Engine:
    """How a ledger of this engine is made, and what it can do."""

    open: Callable[[Path], Ledger]
    keeps_reads_apart: bool


ENGINES = {
    "sqlite": Engine(
        lambda folder: open_ledger(folder / "ledger.db", create=True, clock=CLOCK), keeps_reads_apart=True
    ),
    "memory": Engine(lambda _: open_memory_ledger(clock=CLOCK), keeps_reads_apart=False),
}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    return ENGINES[request.param]


@pytest_asyncio.fixture
async def ledger(engine: Engine, tmp_path: Path) -> AsyncIterator[Ledger]:
    opened = engine.open(tmp_path)
    yield opened
    report = await opened.verify()
    await opened.aclose()
    assert report.first_bad is None


def connection_of(ledger: Ledger) -> Connection:
    return ledger._connection


async def count(ledger: Ledger) -> int:
    return (await ledger.head())[0]


def probe(at_text: str) -> Callable[[Transaction], Any]:
    async def job(tx: Transaction) -> int:
        return await tx.execute("probe", at=at_text)

    return job


# The seam.


async def test_a_job_that_raises_changes_nothing_and_its_error_reaches_its_caller(ledger: Ledger) -> None:
    async def job(tx: Transaction) -> None:
        await tx.execute("insert_event", seq=2, at=at(), kind="k", subject="s", body="{}", prev="p", hash="h", seal="s")
        raise DecisionRefused(Rule.ALONE, "no")

    before = await ledger.head()
    with pytest.raises(DecisionRefused) as refused:
        await connection_of(ledger).write(job)
    assert refused.value.rule == "alone"
    assert await ledger.head() == before


async def test_in_a_group_of_jobs_the_failing_one_fails_alone(ledger: Ledger) -> None:
    async def fail(tx: Transaction) -> None:
        await Book(tx, ledger._signer, []).append(event("lost", "x", at()))
        raise IntegrityError("this one")

    good, bad = [ledger.record_read(*seen()) for _ in range(30)], [connection_of(ledger).write(fail) for _ in range(3)]
    calls: list[Awaitable[Any]] = [*good[:10], bad[0], *good[10:20], bad[1], bad[2], *good[20:]]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(r) for r in results].count(IntegrityError) == 3
    assert results.count(None) == 30
    assert await count(ledger) == 31


async def test_a_constraint_refuses_a_record_without_quoting_it(ledger: Ledger) -> None:
    audit, evidence = seen(row="CANARY-7")
    await ledger.record_read(audit, evidence)
    with pytest.raises(LedgerFailure) as failed:
        await ledger.record_read(audit, evidence)
    assert audit["id"] not in str(failed.value)
    assert "CANARY" not in str(failed.value)
    assert failed.value.__cause__ is None
    assert await count(ledger) == 2


async def test_a_read_cannot_write(ledger: Ledger, engine: Engine) -> None:
    if not engine.keeps_reads_apart:
        pytest.skip("one connection")
    with pytest.raises(LedgerFailure):
        await connection_of(ledger).read(probe("never"))


async def test_a_read_sees_what_was_acknowledged_before_it(ledger: Ledger) -> None:
    for _ in range(20):
        audit, evidence = seen()
        await ledger.record_read(audit, evidence)
        assert await ledger.evidence(evidence["id"]) == evidence


async def test_execute_says_how_many_rows_it_changed(ledger: Ledger) -> None:
    assert await connection_of(ledger).write(probe("now")) == 1


async def test_a_closed_ledger_fails_and_closing_twice_is_fine(engine: Engine, tmp_path: Path) -> None:
    ledger = engine.open(tmp_path)
    await ledger.aclose()
    with pytest.raises(LedgerFailure):
        await ledger.record_read(*seen())
    with pytest.raises(LedgerFailure):
        await ledger.head()
    await ledger.aclose()


async def test_closing_finishes_what_was_asked_for(engine: Engine, tmp_path: Path) -> None:
    ledger = engine.open(tmp_path)
    calls = [asyncio.ensure_future(ledger.record_read(*seen())) for _ in range(200)]
    await asyncio.sleep(0)
    await ledger.aclose()
    assert await asyncio.gather(*calls) == [None] * 200


async def test_a_canceled_caller_leaves_the_ledger_whole(ledger: Ledger) -> None:
    calls = [asyncio.ensure_future(ledger.record_read(*seen())) for _ in range(100)]
    await asyncio.sleep(0)
    for call in calls[::2]:
        call.cancel()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert results[1::2] == [None] * 50
    assert await count(ledger) >= 51


# The ports.


def test_a_ledger_is_a_work_ledger() -> None:
    def narrow(ledger: Ledger) -> WorkLedger:
        return ledger  # the type checker compares every signature

    assert narrow is not None


@pytest.mark.requirement("ledger:evidence-whole")
async def test_a_read_is_recorded_with_its_evidence_and_found_by_handle(ledger: Ledger) -> None:
    audit, evidence = seen(row="Zoë \u202e \U0001f600", padding=3)
    await ledger.record_read(audit, evidence)
    assert await ledger.evidence(evidence["id"]) == evidence
    assert await ledger.find(evidence["id"]) == {"kind": "evidence", "body": evidence}
    assert await ledger.find(audit["id"]) == {"kind": "query_audit", "body": audit}
    assert await ledger.evidence(handle("ev")) is None


@pytest.mark.requirement("ledger:evidence-whole")
async def test_audit_and_evidence_are_recorded_together_or_not_at_all(ledger: Ledger) -> None:
    audit, evidence = seen()
    await ledger.record_read(audit, evidence)
    other, _ = seen()
    with pytest.raises(LedgerFailure):
        await ledger.record_read(other, evidence)
    assert await ledger.find(other["id"]) is None


SPENDING = Spending(caller="who", variant="", day="2026-11-28", before="2026-11-27", calls=None, variants=None)


@pytest.mark.requirement("aggregate:budget")
async def test_a_days_calls_are_counted_and_no_more_are_let_in(ledger: Ledger) -> None:
    spending = replace(SPENDING, calls=3)
    let_in = await asyncio.gather(*(ledger.spend(spending) for _ in range(8)))
    assert sum(let_in) == 3
    assert await ledger.spend(replace(spending, caller="another"))
    assert await ledger.spend(replace(spending, day="2026-11-29", before="2026-11-28"))
    assert not await ledger.spend(spending)  # a clock that is a little behind finds its own day
    assert await ledger.spend(replace(spending, day="2026-11-30", before="2026-11-29"))
    assert await ledger.spend(spending)  # what is over is forgotten


@pytest.mark.requirement("aggregate:budget")
async def test_a_days_different_questions_are_counted_and_the_same_one_is_one(ledger: Ledger) -> None:
    spending = replace(SPENDING, variants=2)
    asked = [await ledger.spend(replace(spending, variant=variant)) for variant in "abacbca"]
    assert asked == [True, True, True, False, True, False, True]
    assert not await ledger.spend(replace(spending, variant="a", calls=5))


async def test_what_is_spent_is_no_record(ledger: Ledger) -> None:
    before = await ledger.head()
    assert await ledger.spend(SPENDING)
    assert await ledger.head() == before


@pytest.mark.parametrize("spoiled", [{"rows": [[1.5]]}, {"rows": [["\ud800"]]}, {"rows": [[2**60]]}, {"é": 1}])
async def test_evidence_without_a_canonical_form_is_a_ledger_failure(ledger: Ledger, spoiled: dict[str, Any]) -> None:
    audit, evidence = seen()
    with pytest.raises(LedgerFailure):
        await ledger.record_read(audit, {**evidence, **spoiled})
    assert await count(ledger) == 1


async def test_a_filed_proposal_comes_back_as_it_was_filed(ledger: Ledger) -> None:
    audit, evidence = seen()
    proposal = a_proposal(ledger, evidence)
    record = await ledger.file_proposal(proposal, evidence, audit)
    assert record.proposal == proposal
    assert record.proposal.digest == proposal.digest
    assert record.status is Status.REVIEW_REQUIRED
    assert await ledger.proposal(proposal.id) == record
    assert [e["kind"] for e in record.events] == ["proposal_filed"]
    assert record.events[0]["records"]["proposal"] == [proposal.id, proposal.digest]
    assert record.events[0]["records"]["evidence"] == [evidence["id"], proposal.evidence_digest]
    branch = await ledger.find(proposal.branch)
    assert branch is not None
    assert [row["base"] | row["overlay"] for row in branch["body"]["rows"]] == [m.after for m in proposal.members]


async def _again(ledger: Ledger, first: Proposal, **changed: Any) -> Any:
    audit, evidence = seen()
    again = a_proposal(ledger, evidence, request=first.request, **changed)
    record = await ledger.file_proposal(again, evidence, audit)
    assert await ledger.evidence(evidence["id"]) == evidence
    return again, record


async def test_the_same_request_on_the_same_row_is_the_pending_proposal(ledger: Ledger) -> None:
    first = await file_one(ledger)
    again, record = await _again(ledger, first)
    assert record.proposal == first
    assert await ledger.proposal(again.id) is None
    assert [e["kind"] for e in record.events] == ["proposal_filed", "proposal_repeated"]


async def test_the_same_request_on_an_approved_proposal_is_that_one(ledger: Ledger) -> None:
    first, _ = await approve_one(ledger)
    _, record = await _again(ledger, first)
    assert (record.proposal, record.status) == (first, Status.APPROVED)


@pytest.mark.parametrize(
    "changed",
    [
        {"before": {"id": "INV-3001", "tenant_id": "acme", "late_fee_cents": "5500", "row_version": "8"}},
        {"contract": digest("contract", "two")},
    ],
    ids=["row-moved", "contract-changed"],
)
async def test_the_same_request_on_other_ground_supersedes(ledger: Ledger, changed: dict[str, Any]) -> None:
    first = await file_one(ledger)
    again, record = await _again(ledger, first, **changed)
    assert (record.proposal, record.status) == (again, Status.REVIEW_REQUIRED)
    old = await ledger.proposal(first.id)
    assert old is not None
    assert old.status is Status.SUPERSEDED
    assert old.events[-1]["facts"]["by"] == again.id


async def test_an_approved_proposal_is_not_superseded(ledger: Ledger) -> None:
    first, _ = await approve_one(ledger)
    again, record = await _again(ledger, first, contract=digest("contract", "two"))
    assert record.proposal == again
    old = await ledger.proposal(first.id)
    assert old is not None
    assert old.status is Status.APPROVED


async def test_a_lapsed_proposal_does_not_stand_in_the_way(ledger: Ledger) -> None:
    first = await file_one(ledger, expires_at=at(10))
    again, record = await _again(ledger, first, at=at(10))
    assert record.proposal == again
    old = await ledger.proposal(first.id)
    assert old is not None
    assert old.status is Status.EXPIRED


async def test_many_equal_requests_at_once_leave_one_pending(ledger: Ledger) -> None:
    request = digest("request", "race")
    filed = []
    for _ in range(20):
        audit, evidence = seen()
        filed.append(ledger.file_proposal(a_proposal(ledger, evidence, request=request), evidence, audit))
    records = await asyncio.gather(*filed)
    assert len({r.proposal.id for r in records}) == 1
    assert len(await ledger.inbox(status=Status.REVIEW_REQUIRED, limit=50)) == 1


async def test_the_inbox_is_newest_first_and_by_status(ledger: Ledger) -> None:
    one, two, three = [await file_one(ledger) for _ in range(3)]
    await ledger.decide(a_decision(two, "reject"), job=None, counted=undecided(two), complete=True)
    assert [r.proposal.id for r in await ledger.inbox(status=None, limit=2)] == [three.id, two.id]
    assert [r.proposal.id for r in await ledger.inbox(status=Status.REVIEW_REQUIRED, limit=9)] == [three.id, one.id]
    assert [r.status for r in await ledger.inbox(status=Status.REJECTED, limit=9)] == [Status.REJECTED]


async def test_an_approval_moves_the_proposal_and_files_the_job(ledger: Ledger) -> None:
    proposal = await file_one(ledger)
    signed = a_decision(proposal)
    job = a_job(proposal, signed)
    record = await ledger.decide(signed, job=job, counted=undecided(proposal), complete=True)
    assert (record.status, record.decisions, record.job) == (Status.APPROVED, (signed,), job)
    assert record == await ledger.proposal(proposal.id)


@pytest.mark.parametrize("first", ["approve", "reject"])
async def test_a_second_decision_is_refused(ledger: Ledger, first: str) -> None:
    proposal = await file_one(ledger)
    await ledger.decide(a_decision(proposal, first), job=None, counted=undecided(proposal), complete=True)
    before = await ledger.head()
    for verdict in ("approve", "reject"):
        with pytest.raises(DecisionRefused) as refused:
            await ledger.decide(a_decision(proposal, verdict), job=None, counted=undecided(proposal), complete=True)
        assert (refused.value.rule, refused.value.exit_code) == ("already_decided", 3)
    assert await ledger.head() == before


async def test_of_decisions_that_race_one_wins(ledger: Ledger) -> None:
    proposal = await file_one(ledger)
    calls = [
        ledger.decide(a_decision(proposal, v), job=None, counted=undecided(proposal), complete=True)
        for v in ("approve", "reject") * 5
    ]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(r, DecisionRefused) for r in results) == 9
    record = await ledger.proposal(proposal.id)
    assert record is not None
    assert len(record.decisions) == 1


@pytest.mark.parametrize("other", [{"digest": digest("proposal", "x")}, {"ledger": "led_" + "0" * 20}])
async def test_a_decision_about_something_else_is_refused(ledger: Ledger, other: dict[str, Any]) -> None:
    proposal = await file_one(ledger)
    with pytest.raises(IntegrityError):
        await ledger.decide(a_decision(proposal, **other), job=None, counted=undecided(proposal), complete=True)
    unknown = replace(proposal, id=handle("wrp"))
    with pytest.raises(DecisionRefused):
        await ledger.decide(a_decision(unknown), job=None, counted=undecided(unknown), complete=True)


async def test_a_proposal_is_read_as_it_is_once_the_chain_was_followed(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await file_one(ledger)
    assert await ledger.proven(asked.id) == await ledger.proposal(asked.id) is not None
    assert await ledger.proven(handle("wrp")) is None

    async def broken() -> None:
        raise IntegrityError("Event 4 of the ledger does not follow the one before it.")

    monkeypatch.setattr(ledger, "follow", broken)
    with pytest.raises(IntegrityError, match="does not follow"):
        await ledger.proven(asked.id)


@pytest.mark.parametrize(
    "other", [{"digest": digest("proposal", "x")}, {"decision": "dec_" + "0" * 20}, {"source": "elsewhere"}]
)
async def test_a_job_that_does_not_follow_from_the_decision_is_refused(ledger: Ledger, other: dict[str, Any]) -> None:
    proposal = await file_one(ledger)
    signed = a_decision(proposal)
    with pytest.raises(IntegrityError):
        await ledger.decide(signed, job=a_job(proposal, signed, **other), counted=undecided(proposal), complete=True)
    rejection = a_decision(proposal, "reject")
    with pytest.raises(IntegrityError):
        await ledger.decide(rejection, job=a_job(proposal, rejection), counted=undecided(proposal), complete=True)
    assert (await ledger.inbox(status=None, limit=1))[0].status is Status.REVIEW_REQUIRED


async def test_a_refused_decision_is_kept_and_moves_nothing(ledger: Ledger) -> None:
    proposal = await file_one(ledger)
    await ledger.refused_decision(proposal.id, "vera", "own_request", at(5))
    record = await ledger.proposal(proposal.id)
    assert record is not None
    assert record.status is Status.REVIEW_REQUIRED
    refused = await ledger.find(record.events[-1]["records"]["refused_decision"][0])
    assert refused is not None
    assert {**refused["body"], "id": ""} == {
        "id": "",
        "proposal": proposal.id,
        "operator": "vera",
        "rule": "own_request",
        "at": at(5),
    }


async def test_the_newest_activation_of_a_contract_is_the_active_one(ledger: Ledger) -> None:
    one = an_activation(ledger, {"contract": "billing", "limits": {"rows": 1}})
    two = an_activation(ledger, {"contract": "billing", "limits": {"rows": 2}})
    back = an_activation(ledger, dict(one.body))
    assert await ledger.active_contract("billing") is None
    for activated in (one, two, back):
        await ledger.activate(activated)
        assert await ledger.active_contract("billing") == activated
        assert await ledger.active_contract_by_digest(activated.activation.digest) == activated
    assert await ledger.active_contract("other") is None
    assert await ledger.active_contract_by_digest(two.activation.digest) is None
    assert await ledger.active_contract_by_digest(CONTRACT) is None


@pytest.mark.requirement("contract:history")
async def test_the_activations_of_a_contract_are_found_newest_first_by_digest_and_by_handle(ledger: Ledger) -> None:
    assert await ledger.newest_activation("billing") is None
    assert await ledger.activations("billing", limit=9) == ()
    one = an_activation(ledger, {"contract": "billing", "limits": {"rows": 1}})
    two = an_activation(ledger, {"contract": "billing", "limits": {"rows": 2}})
    other = an_activation(ledger, {"contract": "other"}, contract="other")
    again, back = an_activation(ledger, dict(two.body)), an_activation(ledger, dict(one.body))
    for activated in (one, two, other, again, back):
        await ledger.activate(activated)
        assert await ledger.newest_activation(activated.activation.contract) == activated.activation.id
    assert await ledger.newest_activation("billing") == back.activation.id
    assert await ledger.activations("billing", limit=9) == (back, again, two, one)
    assert await ledger.activations("billing", limit=2) == (back, again)
    assert await ledger.activation_named("billing", two.activation.digest) == again
    assert await ledger.activation_named("billing", two.activation.id) == two
    for unknown in (other.activation.id, other.activation.digest, "act_0", ""):
        assert await ledger.activation_named("billing", unknown) is None
    assert await ledger.activation_before("billing", one.activation.digest) == again
    assert await ledger.activation_before("billing", two.activation.digest) == back
    assert await ledger.activation_before("other", other.activation.digest) is None


async def test_every_handle_finds_its_record_and_latest_the_newest_proposal(ledger: Ledger) -> None:
    assert await ledger.find("latest") is None
    handles = await fill(ledger)
    for kind, name in handles.items():
        found = await ledger.find(name)
        assert found is not None
        assert found["kind"] == kind
    newest = (await ledger.inbox(status=None, limit=1))[0].proposal
    assert await ledger.find("latest") == {"kind": "proposal", "body": to_body(newest)}
    for unknown in ("", "latest ", "wrp_", "wrp_' OR 1=1 --", "x_1", handle("wrp")):
        assert await ledger.find(unknown) is None


@pytest.mark.requirement("policy:backtest-whole")
async def test_the_past_is_told_oldest_first_page_by_page_each_proposal_once(ledger: Ledger) -> None:
    async def past(after: int | None = None, **asked: Any) -> tuple[list[str], int | None]:
        options = {"since": at(0), "until": at(99), "limit": 2, "wanted": lambda *_: True, **asked}
        found, more = await ledger.past(after=after, **options)
        return [one.id for one in found], more

    assert await past() == ([], None)
    body = {"contract": "billing", "tables": {}}
    await ledger.activate(an_activation(ledger, body))
    known, policy = digest("contract", body), "small_fees"
    early = await file_one(ledger, at=at(-1))
    ours = [await file_one(ledger, at=at(n), contract=known, policy=policy) for n in (0, 9, 4)]
    other = await file_one(ledger, at=at(98), capability="billing.other")
    late = await file_one(ledger, at=at(99))
    pages, after = [], None
    while True:
        found, after = await past(after)
        pages.append(found)
        if after is None:
            break
    assert [one for page in pages for one in page] == [*(one.id for one in ours), other.id]
    assert max(map(len, pages)) == 2
    assert (await past(since=at(-2), until=at(0), limit=9)) == ([early.id], None)
    assert (await past(since=at(99), until=at(100), limit=9)) == ([late.id], None)
    told: list[Any] = []
    assert (await past(limit=9, wanted=lambda *of: told.append(of)))[0] == []
    waiver = "billing.propose_late_fee_waiver"
    assert told == [("billing", waiver, policy)] * 3 + [(None, "billing.other", None)]


@pytest.mark.requirement("policy:backtest-whole")
async def test_the_past_tells_what_became_of_a_proposal_and_of_its_undo(ledger: Ledger) -> None:
    first, _ = await approve_one(ledger)
    held = await _lease(ledger)
    await ledger.settle(held, [a_receipt(held)])
    rejected = await file_one(ledger)
    signed = a_decision(rejected, "reject", reason="No.")
    await ledger.decide(signed, job=None, counted=undecided(rejected), complete=False)

    async def told() -> dict[str, Any]:
        found, _ = await ledger.past(after=None, since=at(), until=at(99), limit=9, wanted=lambda *_: True)
        return {one.id: (one.was(at(99)), one.came, one.deciders, one.reason) for one in found}

    assert await told() == {
        first.id: ("person", "applied", ("vera",), "looked at it"),
        rejected.id: ("rejected", "", ("vera",), "No."),
    }
    undo, _ = await approve_one(ledger, request=undo_key(first.id, first.digest))
    assert (await told())[first.id][1] == "applied"  # the undo has only been approved
    held = await _lease(ledger)
    await ledger.settle(held, [a_receipt(held)])
    assert ((await told())[first.id][1], (await told())[undo.id][1]) == ("undone", "applied")


async def test_healthy_writes_and_head_stays(ledger: Ledger) -> None:
    before = await ledger.head()
    await ledger.healthy()
    assert await ledger.head() == before


# The worker's part.


async def _lease(
    ledger: Ledger, worker: str = "w1", now: float = 90, until: float = 150, sources: tuple[str, ...] = ("shop",)
) -> Any:
    """Return the lease of one job, or None where none is due."""
    found = await ledger.lease(worker, now=at(now), until=at(until), sources=dict.fromkeys(sources, 1), most=1)
    return found[0] if found else None


def about(invoice: str) -> dict[str, Any]:
    """Return the field that makes a proposal one about an invoice."""
    return {"key": (("id", invoice),)}


async def test_a_job_is_leased_to_one_worker_oldest_first(ledger: Ledger) -> None:
    _, first = await approve_one(ledger, **about("INV-1"))
    _, second = await approve_one(ledger, **about("INV-2"))
    one, two, none = await _lease(ledger), await _lease(ledger, "w2"), await _lease(ledger, "w3")
    assert (one.job, one.worker, one.attempt, one.expires_at) == (first, "w1", 1, at(150))
    assert two.job == second
    assert none is None
    assert one.id != two.id


@pytest.mark.requirement("worker:one-name")
@pytest.mark.parametrize("names", [20, 1])
async def test_workers_that_race_lease_each_job_once_whatever_they_are_called(ledger: Ledger, names: int) -> None:
    jobs = {(await approve_one(ledger, **about(f"INV-{n}")))[1].id for n in range(5)}
    leases = await asyncio.gather(*[_lease(ledger, f"w{n % names}") for n in range(20)])
    assert sorted(lease.job.id for lease in leases if lease) == sorted(jobs)


@pytest.mark.requirement("worker:lanes")
async def test_as_many_jobs_are_leased_at_once_as_lanes_are_idle_of_each_source_and_no_more(ledger: Ledger) -> None:
    places = ["shop", "elsewhere", "shop", "shop", "elsewhere"]
    jobs = [(await approve_one(ledger, source=place, **about(f"INV-{n}")))[1] for n, place in enumerate(places)]

    async def leased(sources: dict[str, int], most: int | None = None) -> list[Job]:
        found = await ledger.lease("w", now=at(90), until=at(150), sources=sources, most=most)
        assert len({one.id for one in found}) == len(found)
        return [one.job for one in found]

    assert await leased({"shop": 2, "elsewhere": 1}, most=1) == jobs[:1]
    assert await leased({"shop": 1, "elsewhere": 0}) == [jobs[2]]
    assert await leased({"shop": 9, "elsewhere": 1}) == [jobs[1], jobs[3]]
    assert await leased({"shop": 9}) == []
    assert await leased({"shop": 9, "elsewhere": 9}) == [jobs[4]]


@pytest.mark.requirement("worker:row-order")
async def test_a_job_is_not_leased_while_an_older_open_one_is_about_one_of_its_rows(ledger: Ledger) -> None:
    _, first = await approve_one(ledger, **about("INV-1"))
    _, second = await approve_one(ledger, **about("INV-1"))
    held = await _lease(ledger)
    assert held.job == first
    assert await _lease(ledger, "w2") is None  # it is leased
    assert await ledger.release(held, not_before=at(500), code="busy")
    assert await _lease(ledger, "w2") is None  # it is put off
    again = await _lease(ledger, "w2", 500, 560)
    assert again.job == first
    assert await _lease(ledger, "w3", 500, 560) is None
    assert await ledger.settle(again, [a_receipt(again)]) is Closed.SETTLED
    assert (await _lease(ledger, "w3", 500, 560)).job == second


@pytest.mark.requirement("worker:row-order", "steer:given-up")
async def test_a_job_that_was_given_up_keeps_no_younger_one_waiting_until_it_is_tried_again(ledger: Ledger) -> None:
    _, first = await approve_one(ledger, **about("INV-1"))
    _, second = await approve_one(ledger, **about("INV-1"))
    held = await _lease(ledger)
    assert await ledger.steering.park(held, code="busy", at=at(91)) == (True, True)
    younger = await _lease(ledger)
    assert (held.job, younger.job) == (first, second)
    await ledger.steering.instruct(an_instruction(ledger, first))
    assert (await _lease(ledger)).job == first


@pytest.mark.requirement("worker:row-order")
async def test_a_group_waits_for_the_rows_of_each_of_its_proposals_and_others_wait_for_it(ledger: Ledger) -> None:
    _, older = await approve_one(ledger, **about("INV-2"))
    names = ("billing.one", "billing.two")
    grouped = {"group_of": names, "run": "run_1", "workflow": "both"}
    one, two = [
        await file_one(ledger, capability=name, **about(f"INV-{n}"), **grouped) for n, name in enumerate(names, start=1)
    ]
    first, last = a_decision(one), a_decision(two)
    await ledger.decide(first, job=None, counted=undecided(one, two), complete=False)
    job = a_job(one, first)
    job = replace(job, parts=(*a_job(two, last).parts, *job.parts))
    counted = {one.id: (first.decision.id,), two.id: ()}
    await ledger.decide(last, job=job, counted=counted, complete=True)
    _, younger = await approve_one(ledger, **about("INV-1"))
    _, apart = await approve_one(ledger, **about("INV-3"))
    taken = await ledger.lease("w", now=at(90), until=at(150), sources={"shop": 9})
    assert [(lease.job, lease.rows) for lease in taken] == [(older, 1), (apart, 1)]
    await ledger.settle(taken[0], [a_receipt(taken[0])])
    held = await ledger.lease("w", now=at(90), until=at(150), sources={"shop": 9})
    assert [(lease.job, lease.rows, lease.capability) for lease in held] == [(job, 2, "billing.two")]
    receipts = [a_receipt(held[0], proposal=part.proposal, digest=part.digest) for part in job.parts]
    assert await ledger.settle(held[0], receipts) is Closed.SETTLED
    assert (await _lease(ledger)).job == younger


@pytest.mark.requirement("worker:row-order")
async def test_a_job_that_only_another_worker_may_take_keeps_its_place_before_the_younger_ones(ledger: Ledger) -> None:
    await approve_one(ledger, capability="billing.other", **about("INV-1"))
    await approve_one(ledger, **about("INV-1"))
    _, apart = await approve_one(ledger, **about("INV-2"))
    permits = {(CONTRACT, "billing.propose_late_fee_waiver")}
    found = await ledger.lease("w", now=at(90), until=at(150), sources={"shop": 9}, permits=permits)
    assert [lease.job for lease in found] == [apart]


@pytest.mark.requirement("worker:lanes")
async def test_of_settlements_that_come_together_the_one_that_is_refused_takes_no_other_with_it(ledger: Ledger) -> None:
    for invoice in ("INV-1", "INV-2", "INV-3"):
        await approve_one(ledger, **about(invoice))
    one, two, three = await ledger.lease("w", now=at(90), until=at(150), sources={"shop": 9})
    ends = await asyncio.gather(
        ledger.settle(one, [a_receipt(one)]),
        ledger.settle(two, [a_receipt(one)]),
        ledger.settle(three, [a_receipt(three)]),
        return_exceptions=True,
    )
    assert (ends[0], type(ends[1]), ends[2]) == (Closed.SETTLED, IntegrityError, Closed.SETTLED)


async def test_only_jobs_of_the_workers_sources_are_leased(ledger: Ledger) -> None:
    await approve_one(ledger, source="elsewhere")
    _, job = await approve_one(ledger)
    assert await _lease(ledger, sources=()) is None
    assert (await _lease(ledger)).job == job
    assert await _lease(ledger) is None
    assert (await _lease(ledger, sources=("shop", "elsewhere"))).job.source == "elsewhere"


@pytest.mark.requirement("worker:one-name")
@pytest.mark.parametrize("other", ["w2", "w1"])
async def test_a_lapsed_lease_is_taken_over_and_its_first_holder_settles_nothing(ledger: Ledger, other: str) -> None:
    proposal, _ = await approve_one(ledger)
    lost = await _lease(ledger, "w1", 90, 150)
    held = await _lease(ledger, other, 150, 210)
    assert (held.attempt, held.worker) == (2, other)
    assert held.id != lost.id
    assert await ledger.renew([lost, held], until=at(999)) == {held.id}
    assert not await ledger.release(lost, not_before=at(), code="transient")
    assert await ledger.settle(lost, [a_receipt(lost, "failed")]) is Closed.LOST
    assert await ledger.settle(held, [a_receipt(held)]) is Closed.SETTLED
    record = await ledger.proposal(proposal.id)
    assert record is not None
    assert (record.status, len(record.receipts)) == (Status.APPLIED, 1)


async def test_a_renewed_lease_is_not_taken_over(ledger: Ledger) -> None:
    await approve_one(ledger)
    held = await _lease(ledger, "w1", 90, 150)
    assert await ledger.renew([held], until=at(300)) == {held.id}
    assert await _lease(ledger, "w2", 200, 260) is None


async def test_a_released_job_waits_for_its_time(ledger: Ledger) -> None:
    proposal, _ = await approve_one(ledger)
    held = await _lease(ledger)
    assert await ledger.release(held, not_before=at(200), code="busy")
    assert not await ledger.release(held, not_before=at(200), code="busy")
    assert await _lease(ledger, now=199) is None
    assert (await _lease(ledger, now=200, until=260)).attempt == 2
    record = await ledger.proposal(proposal.id)
    assert record is not None
    told = [(e["kind"], e["facts"].get("code"), e["facts"].get("attempt")) for e in record.events[-3:]]
    assert told == [("job_leased", None, 1), ("job_released", "busy", 1), ("job_leased", None, 2)]


@pytest.mark.requirement("worker:clock-jumps")
@pytest.mark.parametrize(("code", "waits"), [("busy", False), ("approval_to_come", True)])
async def test_a_delay_of_a_clock_that_was_set_back_since_is_over_and_the_wait_for_an_approval_is_not(
    ledger: Ledger, code: str, waits: bool
) -> None:
    day = 86_400
    await approve_one(ledger)
    held = await _lease(ledger)
    assert await ledger.release(held, not_before=at(150), code=code)
    assert await _lease(ledger, now=90) is None
    assert (await _lease(ledger, now=90 - day, until=150 - day) is None) is waits


@pytest.mark.requirement("worker:clock-jumps")
async def test_a_lease_that_ends_later_than_any_of_now_is_of_a_clock_that_was_set_back_and_lapsed(
    ledger: Ledger,
) -> None:
    await approve_one(ledger)
    held = await _lease(ledger, "w1", 90, 150)
    assert await _lease(ledger, "w2", 90 - 500, 150 - 500) is None  # by a clock that is a little behind
    taken = await _lease(ledger, "w2", 90 - 86_400, 150 - 86_400)
    assert (taken.job, taken.attempt) == (held.job, 2)


@pytest.mark.parametrize("status", [Status.APPLIED, Status.CONFLICT, Status.FAILED, Status.RECONCILIATION_REQUIRED])
async def test_a_job_is_settled_once_with_receipt_settlement_and_status(ledger: Ledger, status: Status) -> None:
    proposal, job = await approve_one(ledger)
    held = await _lease(ledger)
    receipt = a_receipt(held, status.value)
    assert await ledger.settle(held, [receipt]) is Closed.SETTLED
    assert await ledger.settle(held, [a_receipt(held, status.value)]) is Closed.LOST
    record = await ledger.proposal(proposal.id)
    assert record is not None
    assert (record.status, record.receipts, record.job) == (status, (receipt,), job)
    assert set(record.events[-1]["records"]) == {"receipt", "settlement"}
    assert await ledger.receipts(limit=5) == (receipt,)
    assert await _lease(ledger, now=9999, until=9999) is None


async def test_a_receipt_of_another_job_settles_nothing(ledger: Ledger) -> None:
    await approve_one(ledger)
    held = await _lease(ledger)
    for other in ({"job": handle("job")}, {"proposal": handle("wrp")}, {"digest": digest("proposal", "x")}):
        with pytest.raises(IntegrityError):
            await ledger.settle(held, [a_receipt(held, **other)])
    assert await ledger.receipts(limit=5) == ()


@pytest.mark.requirement("group:whole", "apply:outcome-true")
async def test_a_group_is_settled_by_one_receipt_of_each_in_its_order_and_by_nothing_less(ledger: Ledger) -> None:
    names = ("billing.one", "billing.two")
    grouped = {"group_of": names, "run": "run_1", "workflow": "both"}
    one, two = [await file_one(ledger, capability=name, relation=name, **grouped) for name in names]
    first, last = a_decision(one), a_decision(two)
    await ledger.decide(first, job=None, counted=undecided(one, two), complete=False)
    job = a_job(two, last)
    job = replace(job, parts=(*job.parts, *a_job(one, first).parts))
    counted = {one.id: (first.decision.id,), two.id: ()}
    assert (await ledger.decide(last, job=job, counted=counted, complete=True)).status is Status.APPROVED
    held = await _lease(ledger)
    receipts = [a_receipt(held, proposal=part.proposal, digest=part.digest) for part in held.job.parts]
    for wrong in ([], receipts[:1], receipts[1:], receipts[::-1], [*receipts, receipts[0]], receipts[:1] * 2):
        with pytest.raises(IntegrityError):
            await ledger.settle(held, wrong)
    assert await ledger.receipts(limit=5) == ()
    assert await ledger.settle(held, receipts) is Closed.SETTLED
    assert [r.status for r in await ledger.inbox(status=None, limit=2)] == [Status.APPLIED] * 2


@pytest.mark.requirement("apply:outcome-true")
async def test_a_settlement_ends_a_job_in_the_one_way_that_its_receipts_tell(ledger: Ledger) -> None:
    await approve_one(ledger)
    held = await _lease(ledger)
    for receipts in ([a_receipt(held, "retry")], [a_receipt(held), a_receipt(held, "failed")]):
        with pytest.raises(IntegrityError, match="in one way"):
            await ledger.settle(held, receipts)
    assert (await ledger.inbox(status=Status.APPROVED, limit=1))[0].receipts == ()


async def test_proposals_past_their_time_expire_and_approved_ones_do_not(ledger: Ledger) -> None:
    await approve_one(ledger, expires_at=at(50))
    for second in range(105):
        await file_one(ledger, expires_at=at(second / 10))
    late = await file_one(ledger, expires_at=at(99))
    assert await ledger.expire_due(now=at(60)) == 105
    assert await ledger.expire_due(now=at(60)) == 0
    assert [r.proposal.id for r in await ledger.inbox(status=Status.REVIEW_REQUIRED, limit=9)] == [late.id]
