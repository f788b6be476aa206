"""Proposals that stand or fall together, on every engine: all of a group is approved and applied, or nothing of it."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synapsor.approve.card.terms import terms_behind
from synapsor.approve.identity.keys import create_key
from synapsor.approve.identity.operators import add_operator
from synapsor.approve.terminal.card import render
from synapsor.approve.terminal.inbox import render as render_inbox
from synapsor.contract.capability import ProposeCapability
from synapsor.contract.load import read_text
from synapsor.core.authority import table_for
from synapsor.core.moment import stamp
from synapsor.core.outcome import Outcome, Why
from synapsor.core.proposal import Proposal
from synapsor.core.records import to_body
from synapsor.core.scope import Session
from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator
from synapsor.core.undo import inverse_of, why_final
from synapsor.core.writeback import Approved, Job, SourceReceipt, receipt_key
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.flow.apply import STEPS, apply
from synapsor.flow.permitted import contract_behind
from synapsor.flow.replay import replay
from synapsor.flow.signing import Signer
from synapsor.flow.verdict import raw_digest
from synapsor.ports import ProposalRecord
from synapsor.sql.receipts import insert_receipt
from synapsor.testing.clock import TestClock
from synapsor.work.authority import authorise
from tests.attack.shop import Shop, as_ledger_owner, meanwhile, open_shop
from tests.attack.steered import say
from tests.attack.tasks import POLICY, tasks_table
from tests.attack.test_forged_ledger import body_of, set_body
from tests.attack.test_operations import everything, task
from tests.cards import card
from tests.databases import Database
from tests.deciding import approve, reject
from tests.projects import ACME, leo_approves

TOGETHER = ("tasks.step", "tasks.add_once", "tasks.remove")
GROUPED = POLICY + (
    "workflows:\n  handover:\n    allow: [tasks.step, tasks.add_once, tasks.remove, tasks.count]\n"
    f"    together: [{', '.join(TOGETHER)}]\n"
)
HERE = replace(ACME, run="run_here")
NOW = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)


@pytest_asyncio.fixture
async def grouped(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    """A project over the tasks, three of whose capabilities stand or fall together."""
    with tasks_table(database):
        async with open_shop(tmp_path / "project", database, policy=GROUPED) as found:
            yield found


def asked(number: int = 0) -> dict[str, dict[str, Any]]:
    """Return the arguments of each capability of the group; another number is about other rows."""
    first, second = (10 * number, 10 * number + 1) if number else (1, 3)
    return {
        "tasks.step": {"task": first, "state": "doing"},
        "tasks.add_once": {"number": f"n{number}", "points": 4},
        "tasks.remove": {"task": second},
    }


async def filed(shop: Shop, *names: str, number: int = 0, session: Session = HERE) -> dict[str, dict[str, Any]]:
    """Return the proposals of these capabilities (of all), filed in this order."""
    return {name: await shop.proposed(name, asked(number)[name], session) for name in names or TOGETHER}


async def approved(shop: Shop, **options: Any) -> list[str]:
    """Return the handles of a group that was filed and approved."""
    proposals = await filed(shop, **options)
    for proposal in proposals.values():
        await leo_approves(shop.files, shop.project, proposal["id"], proposal["digest"])
    return [proposal["id"] for proposal in proposals.values()]


async def standing(shop: Shop, *proposals: str) -> list[str]:
    """Return where each proposal stands."""
    return [await shop.status(each) for each in proposals]


async def codes(shop: Shop, *proposals: str) -> list[str]:
    """Return the code of the newest receipt of each proposal."""
    return [(await shop.record(each)).receipts[-1].code for each in proposals]


def changed(shop: Shop) -> tuple[Any, ...]:
    """Return what the changes of the group are about."""
    added = shop.rows("SELECT points FROM {tasks} WHERE request_no = 'n0'")
    return task(shop, 1, "state"), [tuple(row) for row in added], task(shop, 3, "state")


BEFORE: tuple[Any, ...] = (("open",), [], ("done",))
AFTER = (("doing",), [(4,)], None)


@pytest.mark.requirement("group:whole", "group:joined")
async def test_a_group_is_approved_by_its_last_approval_and_applied_in_one_transaction(grouped: Shop) -> None:
    step = await grouped.proposed("tasks.step", asked()["tasks.step"], HERE)
    assert step["group"] == {"id": step["group"]["id"], "with": [], "missing": ["tasks.add_once", "tasks.remove"]}
    other = await grouped.call("tasks.remove", asked()["tasks.remove"], HERE)
    assert other["summary"].endswith("still to be proposed in this run: tasks.add_once.")
    remove, add = other["proposal"], (await filed(grouped, "tasks.add_once"))["tasks.add_once"]
    assert {p["group"]["id"] for p in (step, remove, add)} == {step["group"]["id"]}
    assert add["group"]["missing"] == []
    assert {(p["id"], p["status"]) for p in add["group"]["with"]} == {
        (p["id"], "review_required") for p in (step, remove)
    }
    ids = [p["id"] for p in (step, remove, add)]
    for proposal in (step, remove):
        record = await leo_approves(grouped.files, grouped.project, proposal["id"], proposal["digest"])
        assert (record.status.value, record.job) == ("review_required", None)
        assert await grouped.work() == []
        with pytest.raises(DecisionRefused) as refused:
            await leo_approves(grouped.files, grouped.project, proposal["id"], proposal["digest"])
        assert refused.value.rule == "waits_for_group"
    assert await standing(grouped, *ids) == ["review_required"] * 3
    record = await leo_approves(grouped.files, grouped.project, add["id"], add["digest"])
    assert await standing(grouped, *ids) == ["approved"] * 3
    assert record.job is not None
    assert {part.proposal for part in record.job.parts} == set(ids)
    assert changed(grouped) == BEFORE
    assert await grouped.work() == [("applied", "")]
    assert changed(grouped) == AFTER
    assert await standing(grouped, *ids) == ["applied"] * 3
    assert grouped.receipts() == 3
    for each in ids:
        assert (await grouped.record(each)).job == record.job
        assert (await replay(grouped.ledger, each, grouped.files.operators)).ok
    assert (await grouped.project.verify()).ok


@pytest.mark.requirement("group:whole")
@pytest.mark.parametrize(
    ("how", "outcome", "guilty", "code"),
    [
        ("UPDATE {tasks} SET owner = 'zoe' WHERE id = 3", "conflict", "tasks.remove", "version_moved"),
        ("DELETE FROM {tasks} WHERE id = 1", "conflict", "tasks.step", "row_gone"),
        (
            "INSERT INTO {tasks} (id, tenant_id, request_no, title, state) VALUES (77, 'acme', 'n0', 'T', 'open')",
            "conflict",
            "tasks.add_once",
            "insert_duplicate",
        ),
    ],
)
async def test_where_one_of_a_group_cannot_be_applied_nothing_of_it_is(
    grouped: Shop, how: str, outcome: str, guilty: str, code: str
) -> None:
    ids = await approved(grouped)
    grouped.change(how)
    before = everything(grouped)
    reports: list[Any] = []
    await (await grouped.worker(report=reports.append)).run(drain=True)
    (report,) = reports
    about = ids[TOGETHER.index(guilty)]
    assert (report["outcome"], report["code"], report["proposal"]) == (outcome, code, about)
    assert set(report["group"]) == set(ids)
    with as_ledger_owner(grouped) as raw:
        assert raw.execute("SELECT code FROM job").fetchall() == [(code,)]
    assert everything(grouped) == before
    assert await standing(grouped, *ids) == [outcome] * 3
    assert await codes(grouped, *ids) == [code if name == guilty else "group_failed" for name in TOGETHER]
    assert grouped.receipts() == 3
    told = await grouped.call("synapsor.proposal_status", {"proposal_id": ids[0]}, HERE)
    assert told["proposal"]["outcome"] == (code if guilty == TOGETHER[0] else "group_failed")
    assert (await grouped.project.verify()).ok


_LATE = {
    "postgres": (
        (
            "CREATE FUNCTION billing.no_more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '23514'; END $$;"
            "CREATE CONSTRAINT TRIGGER no_more AFTER INSERT ON billing.tasks DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing.no_more()"
        ),
        "DROP TRIGGER no_more ON billing.tasks; DROP FUNCTION billing.no_more()",
    ),
    "mariadb": (
        "CREATE TRIGGER no_more AFTER INSERT ON tasks FOR EACH ROW SIGNAL SQLSTATE '23000' SET MYSQL_ERRNO = 4025",
        "DROP TRIGGER no_more",
    ),
    "sqlite": (
        "CREATE TRIGGER no_more AFTER INSERT ON tasks BEGIN SELECT raise(ABORT, 'no'); END",
        "DROP TRIGGER no_more",
    ),
}


@pytest.mark.requirement("group:whole")
async def test_a_constraint_that_breaks_at_the_last_moment_takes_all_of_the_group_with_it(grouped: Shop) -> None:
    ids = await approved(grouped)
    before = everything(grouped)
    make, drop = _LATE[grouped.database.engine]
    with meanwhile(grouped, make, drop):
        assert await grouped.work() == [("failed", "constraint")]
    assert everything(grouped) == before
    assert await standing(grouped, *ids) == ["failed"] * 3
    assert await codes(grouped, *ids) == ["constraint"] * 3  # the database does not say whose it was


@pytest.mark.requirement("group:whole", "apply:exactly-once")
async def test_a_worker_that_breaks_at_any_named_point_applies_all_of_a_group_once(grouped: Shop) -> None:
    for number, point in enumerate((step for step in STEPS if "verdict" not in step), start=1):
        first = 10 * number
        grouped.change(
            "INSERT INTO {tasks} (id, tenant_id, request_no, title, state, points) VALUES "
            f"({first}, 'acme', 'a{number}', 'A', 'open', 5), ({first + 1}, 'acme', 'b{number}', 'B', 'doing', 20)"
        )
        before = everything(grouped)
        ids = await approved(grouped, number=number)
        broken = [point]

        async def reached(step: str, broken: list[str] = broken) -> None:
            if step in broken:
                broken.remove(step)
                raise RuntimeError("the power is gone")

        assert await grouped.attempt(reached=reached) == [("retry", "internal")]
        assert (everything(grouped) == before) is (point != "apply.committed")
        outcome = "already_applied" if point == "apply.committed" else "applied"
        assert await grouped.work() == [(outcome, "")]
        assert await standing(grouped, *ids) == ["applied"] * 3
        assert task(grouped, first, "state") == ("doing",)
        assert task(grouped, first + 1) is None
        assert len(grouped.rows(f"SELECT id FROM {{tasks}} WHERE request_no = 'n{number}'")) == 1
        assert grouped.receipts() == 3 * number


@pytest.mark.requirement("group:whole", "apply:verdict-fenced")
@pytest.mark.parametrize("point", ["apply.verdict_begun", "apply.verdict_committed"])
@pytest.mark.one_engine
async def test_the_verdict_on_a_group_is_left_whole_and_stays(grouped: Shop, point: str) -> None:
    ids = await approved(grouped)
    grouped.change("UPDATE {tasks} SET owner = 'zoe' WHERE id = 3")
    before = everything(grouped)

    async def reached(step: str) -> None:
        if step == point:
            raise RuntimeError("the power is gone")

    assert await grouped.attempt(reached=reached) == [("retry", "internal")]
    assert grouped.receipts() == (3 if point == "apply.verdict_committed" else 0)
    code = "recorded_before" if point == "apply.verdict_committed" else "version_moved"
    assert await grouped.work() == [("conflict", code)]
    assert everything(grouped) == before
    assert await standing(grouped, *ids) == ["conflict"] * 3


@pytest.mark.requirement("group:whole")
@pytest.mark.parametrize("left", ["none", "another outcome"])
async def test_receipts_that_tell_different_things_of_a_group_are_for_a_person(grouped: Shop, left: str) -> None:
    ids = await approved(grouped)
    before = everything(grouped)
    worker = await grouped.worker()
    target = worker.bench.targets["shop"]
    assert target.receipts is not None
    first, second = [(await grouped.record(each)).proposal for each in ids[:2]]
    told = [(first, Outcome.CONFLICT)] + ([(second, Outcome.FAILED)] if left == "another outcome" else [])
    async with target.source.transaction(time_ms=5000) as tx:
        for proposal, outcome in told:
            await tx.execute(insert_receipt(target.receipts, target.source.dialect, _receipt(proposal, outcome)))
        await tx.commit()
    assert await grouped.work() == [("reconciliation_required", "receipts_differ")]
    assert everything(grouped) == before
    assert await standing(grouped, *ids) == ["reconciliation_required"] * 3


@pytest.mark.requirement("steer:cancel", "group:whole")
async def test_a_group_is_canceled_whole_whichever_of_it_was_named(grouped: Shop) -> None:
    ids = await approved(grouped)
    before = everything(grouped)
    await say(grouped, "cancel", ids[0])
    assert await grouped.work() == [("canceled", "canceled")]
    assert everything(grouped) == before
    assert await standing(grouped, *ids) == ["canceled"] * 3
    assert grouped.receipts() == 3
    assert (await replay(grouped.ledger, ids[1], grouped.project.operators())).ok


def _receipt(proposal: Proposal, outcome: Outcome) -> SourceReceipt:
    return SourceReceipt(
        key=receipt_key(proposal.ledger, proposal.id),
        digest=raw_digest(proposal.digest),
        proposal=proposal.id,
        tenant=proposal.tenant or "",
        outcome=outcome.value,
        ledger_head=b"h" * 32,
        worker="w",
    )


@pytest.mark.requirement("group:whole")
@pytest.mark.one_engine
async def test_what_stands_with_a_rejected_proposal_is_canceled_even_if_it_was_approved(grouped: Shop) -> None:
    proposals = await filed(grouped)
    step, add, remove = proposals.values()
    await leo_approves(grouped.files, grouped.project, step["id"], step["digest"])
    leo, key = grouped.files.operators["leo"], grouped.files.keys["leo"]
    await reject(
        grouped.ledger,
        add["id"],
        digest=add["digest"],
        signer=Signer(operator=leo, key=key),
        now=grouped.project.clock.now(),
        reason="Not this one.",
    )
    assert await standing(grouped, step["id"], add["id"], remove["id"]) == ["canceled", "rejected", "canceled"]
    with pytest.raises(DecisionRefused) as refused:
        await leo_approves(grouped.files, grouped.project, remove["id"], remove["digest"])
    assert refused.value.rule == "already_decided"
    assert await grouped.work() == []
    assert changed(grouped) == BEFORE
    told = await grouped.call("synapsor.proposal_status", {"proposal_id": step["id"]}, HERE)
    assert {p["status"] for p in told["proposal"]["group"]["with"]} == {"rejected", "canceled"}
    again = await filed(grouped)
    assert {p["group"]["id"] for p in again.values()}.isdisjoint({step["group"]["id"]})
    assert (await grouped.project.verify()).ok


@pytest.mark.requirement("group:whole")
@pytest.mark.one_engine
async def test_a_group_whose_first_proposal_expires_is_never_applied(tmp_path: Path, database: Database) -> None:
    policy = GROUPED.replace(
        "    returns: [id, state]\n    approval: {role: billing_lead}\n",
        "    returns: [id, state]\n    approval: {role: billing_lead, expires_hours: 1}\n",
        1,
    )
    clock = TestClock(NOW)
    with tasks_table(database):
        async with open_shop(tmp_path / "project", database, policy=policy, clock=clock) as shop:
            step, add, remove = (await filed(shop)).values()
            for each in (add, remove):
                await leo_approves(shop.files, shop.project, each["id"], each["digest"])
            clock.move(hours=2)
            with pytest.raises(DecisionRefused):
                await leo_approves(shop.files, shop.project, step["id"], step["digest"])
            assert await shop.work() == []
            assert await standing(shop, step["id"], add["id"], remove["id"]) == ["expired", "canceled", "canceled"]
            assert changed(shop) == BEFORE
            # A lapsed one that nobody has swept up is joined by nobody either.
            old = (await filed(shop, "tasks.step", session=replace(HERE, run="run_2")))["tasks.step"]
            clock.move(hours=2)
            new = (await filed(shop, "tasks.remove", session=replace(HERE, run="run_2")))["tasks.remove"]
            assert old["group"]["id"] != new["group"]["id"]


@pytest.mark.requirement("group:whole")
@pytest.mark.one_engine
async def test_a_group_that_is_due_all_at_once_keeps_no_worker_from_its_work(
    tmp_path: Path, database: Database
) -> None:
    clock = TestClock(NOW)
    with tasks_table(database):
        async with open_shop(tmp_path / "project", database, policy=GROUPED, clock=clock) as shop:
            ids = [proposal["id"] for proposal in (await filed(shop)).values()]
            clock.move(hours=1000)
            assert await shop.work() == []
            assert sorted(await standing(shop, *ids)) == ["canceled", "canceled", "expired"]
            assert await shop.ledger.expire_due(now=stamp(clock.now())) == 0


@pytest.mark.requirement("group:whole")
@pytest.mark.one_engine
async def test_two_people_who_approve_the_last_two_at_once_complete_the_group(grouped: Shop) -> None:
    step, add, remove = (await filed(grouped)).values()
    await leo_approves(grouped.files, grouped.project, step["id"], step["digest"])
    records = await asyncio.gather(
        *(leo_approves(grouped.files, grouped.project, each["id"], each["digest"]) for each in (add, remove))
    )
    assert {record.status.value for record in records} >= {"approved"}
    assert await standing(grouped, step["id"], add["id"], remove["id"]) == ["approved"] * 3
    assert await grouped.work() == [("applied", "")]
    assert changed(grouped) == AFTER


@pytest.mark.requirement("group:whole")
@pytest.mark.one_engine
async def test_a_group_whose_approvals_count_again_is_completed_by_one_more_person(grouped: Shop) -> None:
    root = grouped.files.root
    key = create_key(root / "keys" / "mia.pem", passphrase=None)
    mia = Operator(name="mia", key=public_text(key), roles=("billing_lead",))
    people = {**add_operator(root / "operators.yaml", mia)}
    keys = {**grouped.files.keys, "mia": key}
    step, add, remove = (await filed(grouped)).values()

    async def approves(name: str, proposal: dict[str, Any], trusted: dict[str, Operator]) -> ProposalRecord:
        return await approve(
            grouped.ledger,
            proposal["id"],
            digest=proposal["digest"],
            signer=Signer(operator=people[name], key=keys[name]),
            now=grouped.project.clock.now(),
            operators=trusted,
        )

    await approves("leo", step, people)
    without_leo = {**people, "leo": replace(people["leo"], revoked=True)}
    for each in (add, remove):
        assert (await approves("mia", each, without_leo)).status.value == "review_required"
    with pytest.raises(DecisionRefused) as refused:
        await approves("leo", step, people)
    assert refused.value.rule == "already_counted"
    assert (await approves("mia", step, people)).status.value == "approved"
    grouped.files.operators = grouped.project.operators()
    assert await grouped.work() == [("applied", "")]


@pytest.mark.requirement("group:whole")
@pytest.mark.one_engine
async def test_proposals_that_are_all_approved_wait_for_the_one_that_is_not_made_yet(grouped: Shop) -> None:
    step, add = (await filed(grouped, "tasks.step", "tasks.add_once")).values()
    for each in (step, add):
        await leo_approves(grouped.files, grouped.project, each["id"], each["digest"])
    assert await standing(grouped, step["id"], add["id"]) == ["review_required"] * 2
    assert await grouped.work() == []


@pytest.mark.requirement("group:whole")
@pytest.mark.one_engine
async def test_who_counted_other_approvals_than_there_are_completes_nothing(grouped: Shop) -> None:
    step, add, remove = (await filed(grouped)).values()
    before = await leo_approves(grouped.files, grouped.project, step["id"], step["digest"])
    (signed,) = before.decisions
    late = replace(signed, decision=replace(signed.decision, proposal=add["id"], digest=add["digest"], id="dec_1"))
    own: dict[str, tuple[str, ...]] = {add["id"]: ()}
    for others in ({}, {step["id"]: (), remove["id"]: ()}):
        with pytest.raises(DecisionRefused) as refused:
            await grouped.ledger.decide(late, job=None, counted={**own, **others}, complete=False)
        assert refused.value.rule == "decided_meanwhile"
    known = {step["id"]: (signed.decision.id,), remove["id"]: ()}
    part = Approved(proposal=add["id"], digest=add["digest"], decision="dec_1")
    job = Job(id="job_1", source="shop", at=signed.decision.at, parts=(part,))
    with pytest.raises(IntegrityError, match="job does not follow"):
        await grouped.ledger.decide(late, job=job, counted={**own, **known}, complete=True)
    two = (await filed(grouped, "tasks.step", session=replace(HERE, run="run_2")))["tasks.step"]
    alone = replace(signed, decision=replace(signed.decision, proposal=two["id"], digest=two["digest"], id="dec_2"))
    with pytest.raises(IntegrityError, match="not whole"):
        await grouped.ledger.decide(alone, job=None, counted={two["id"]: ()}, complete=True)


@pytest.mark.requirement("group:joined")
@pytest.mark.one_engine
async def test_a_group_is_of_one_run_one_tenant_and_one_person(grouped: Shop) -> None:
    first = (await filed(grouped, "tasks.step"))["tasks.step"]
    others = [
        replace(HERE, run="run_other"),
        replace(HERE, values={**HERE.values, "user": "somebody"}),
        replace(HERE, values={**HERE.values, "tenant_id": "globex"}),
    ]
    for session in others:
        if session.values["tenant_id"] == "acme":
            answer = await grouped.call("tasks.remove", {"task": 3}, session)
        else:
            answer = await grouped.call("tasks.remove", {"task": 9}, session)
        assert answer["proposal"]["group"]["id"] != first["group"]["id"]
        assert answer["proposal"]["group"]["with"] == []
    answer = await grouped.call("tasks.step", asked()["tasks.step"], replace(HERE, run=""))
    assert answer["error"]["code"] == "run_required"
    # The same request in another run is another proposal: this run's group would never be whole with the other's.
    again = await grouped.proposed("tasks.step", asked()["tasks.step"], replace(HERE, run="run_other"))
    assert again["id"] != first["id"]
    assert again["group"]["id"] != first["group"]["id"]
    same = await grouped.proposed("tasks.step", asked()["tasks.step"], HERE)
    assert same["id"] == first["id"]
    alone = await grouped.proposed("tasks.count", {"task": 2, "more": 1, "less": "0.01"}, HERE)
    assert alone["group"] is None


@pytest.mark.requirement("group:joined")
@pytest.mark.one_engine
async def test_two_changes_of_one_row_are_not_of_one_group(grouped: Shop) -> None:
    await grouped.proposed("tasks.step", {"task": 2, "state": "done"}, HERE)
    answer = await grouped.call("tasks.remove", {"task": 2}, HERE)
    assert answer["error"]["code"] == "not_as_required"
    assert answer["error"]["message"].endswith("Another change of its group is about the same record.")
    assert len(await grouped.ledger.inbox(status=None, limit=9)) == 1


@pytest.mark.requirement("group:joined")
@pytest.mark.one_engine
async def test_a_second_proposal_of_a_capability_begins_another_group_that_is_filled_after_the_first(
    grouped: Shop,
) -> None:
    one = (await filed(grouped, "tasks.step"))["tasks.step"]
    two = await grouped.proposed("tasks.step", {"task": 2, "state": "done"}, HERE)
    assert one["group"]["id"] != two["group"]["id"]
    third = (await filed(grouped, "tasks.remove"))["tasks.remove"]
    assert third["group"]["id"] == one["group"]["id"]
    fourth = await grouped.proposed("tasks.remove", {"task": 4}, HERE)
    assert fourth["group"]["id"] == two["group"]["id"]


@pytest.mark.requirement("group:joined")
@pytest.mark.one_engine
async def test_a_run_fills_the_groups_of_two_workflows_apart(tmp_path: Path, database: Database) -> None:
    policy = GROUPED + "  other:\n    allow: [tasks.count, tasks.add]\n    together: [tasks.count, tasks.add]\n"
    policy = policy.replace("tasks.remove, tasks.count]", "tasks.remove]")
    with tasks_table(database):
        async with open_shop(tmp_path / "project", database, policy=policy) as shop:
            step = (await filed(shop, "tasks.step"))["tasks.step"]
            count = await shop.proposed("tasks.count", {"task": 2, "more": 1, "less": "0.01"}, HERE)
            assert count["group"]["id"] != step["group"]["id"]
            remove = (await filed(shop, "tasks.remove"))["tasks.remove"]
            add = await shop.proposed("tasks.add", {"title": "New"}, HERE)
            assert remove["group"]["id"] == step["group"]["id"]
            assert (add["group"]["id"], add["group"]["missing"]) == (count["group"]["id"], [])


@pytest.mark.requirement("group:whole")
@pytest.mark.one_engine
async def test_a_proposal_that_is_asked_for_anew_takes_its_old_group_down(grouped: Shop) -> None:
    step, add, remove = (await filed(grouped)).values()
    await leo_approves(grouped.files, grouped.project, add["id"], add["digest"])
    grouped.change("UPDATE {tasks} SET owner = 'zoe' WHERE id = 1")
    new = (await filed(grouped, "tasks.step"))["tasks.step"]
    assert new["id"] != step["id"]
    assert await standing(grouped, step["id"], add["id"], remove["id"]) == ["superseded", "canceled", "canceled"]
    assert new["group"] == {"id": new["group"]["id"], "with": [], "missing": ["tasks.add_once", "tasks.remove"]}


@pytest.mark.requirement("group:whole", "apply:none-unapproved")
@pytest.mark.parametrize(
    ("forgery", "code"),
    [
        ("without the others", "group_broken"),
        ("one of another group", "group_broken"),
        ("one of them twice", "records_differ"),
        ("another digest", "digest_mismatch"),
    ],
)
@pytest.mark.one_engine
async def test_a_job_that_is_not_of_one_whole_approved_group_applies_nothing(
    grouped: Shop, forgery: str, code: str
) -> None:
    ids = await approved(grouped)
    grouped.change(
        "INSERT INTO {tasks} (id, tenant_id, request_no, title, state, points) VALUES "
        "(10, 'acme', 'a1', 'A', 'open', 5), (11, 'acme', 'b1', 'B', 'doing', 20)"
    )
    other = await approved(grouped, number=1)
    waiting = (await filed(grouped, number=0, session=replace(HERE, run="run_3")))["tasks.remove"]
    job = (await grouped.record(ids[0])).job
    theirs = (await grouped.record(other[0])).job
    assert job is not None
    assert theirs is not None
    parts = {part.proposal: part for part in (*job.parts, *theirs.parts)}
    lead, first, second = job.parts
    forged = {
        "without the others": (lead,),
        "one of another group": tuple(
            parts[other[TOGETHER.index("tasks.step")]] if part.proposal == ids[0] else part for part in job.parts
        ),
        "one of them twice": (lead, first, second, first),
        "another digest": (lead, first, replace(second, digest=waiting["digest"])),
    }[forgery]
    before = everything(grouped)
    with as_ledger_owner(grouped) as raw:
        body = body_of(raw, "job", job.id)
        set_body(raw, "job", job.id, {**body, "parts": [to_body(part) for part in forged]})
        raw.execute("DELETE FROM job WHERE id = ?", (theirs.id,))
    assert [(await grouped.attempt())[0][1]] == [code]
    assert everything(grouped) == before
    assert not (await grouped.project.verify()).ok


@pytest.mark.requirement("group:whole", "apply:none-unapproved")
@pytest.mark.one_engine
async def test_a_job_with_a_proposal_that_nobody_approved_applies_nothing_and_is_set_aside(grouped: Shop) -> None:
    ids = await approved(grouped)
    waiting = (await filed(grouped, "tasks.remove", session=replace(HERE, run="run_3")))["tasks.remove"]
    job = (await grouped.record(ids[0])).job
    assert job is not None
    forged = (*job.parts[:2], Approved(proposal=waiting["id"], digest=waiting["digest"], decision="dec_none"))
    before = everything(grouped)
    with as_ledger_owner(grouped) as raw:
        body = body_of(raw, "job", job.id)
        set_body(raw, "job", job.id, {**body, "parts": [to_body(part) for part in forged]})
    assert await grouped.work() == [("reconciliation_required", "records_differ")]
    assert await grouped.work() == []
    assert everything(grouped) == before
    assert await standing(grouped, *ids, waiting["id"]) == [*["approved"] * 3, "review_required"]
    kept = (await grouped.record(waiting["id"])).receipts
    assert [(receipt.outcome, receipt.code) for receipt in kept] == [("failed", "approval_missing")]


@pytest.mark.requirement("group:whole", "apply:contradiction-ends")
async def test_a_group_of_which_one_was_altered_while_it_was_applied_ends_once_with_all_its_receipts(
    grouped: Shop,
) -> None:
    ids = await approved(grouped)

    async def reached(point: str) -> None:
        if point == "work.applied":
            with as_ledger_owner(grouped) as raw:
                raw.execute("UPDATE proposal SET status = 'canceled' WHERE id = ?", (ids[1],))

    assert await grouped.work(reached=reached) == [("reconciliation_required", "records_differ")]
    assert await grouped.work() == []
    assert await standing(grouped, *ids) == ["approved", "canceled", "approved"]
    kept = [(await grouped.record(each)).receipts for each in ids]
    assert [[(r.outcome, r.changed) for r in receipts] for receipts in kept] == [[("applied", True)]] * 3


@pytest.mark.requirement("apply:contradiction-ends")
@pytest.mark.one_engine
async def test_a_job_whose_group_has_come_elsewhere_ends_though_what_it_names_stands(grouped: Shop) -> None:
    ids = await approved(grouped)
    job = (await grouped.record(ids[0])).job
    assert job is not None
    left = job.parts[1].proposal
    with as_ledger_owner(grouped) as raw:
        set_body(raw, "job", job.id, to_body(replace(job, parts=job.parts[:1])))
        raw.execute("UPDATE proposal SET status = 'canceled' WHERE id = ?", (left,))
    assert await grouped.work() == [("reconciliation_required", "records_differ")]
    assert await grouped.work() == []
    assert (await grouped.record(job.lead.proposal)).receipts[-1].code == "group_broken"


@pytest.mark.requirement("group:whole", "approval:once")
@pytest.mark.one_engine
async def test_nothing_is_approved_beside_one_of_its_group_that_is_not_in_review(grouped: Shop) -> None:
    step, add, _ = (await filed(grouped)).values()
    with as_ledger_owner(grouped) as raw:
        raw.execute("UPDATE proposal SET status = 'expired' WHERE id = ?", (step["id"],))
    with pytest.raises(DecisionRefused, match=f"{step['id']}, which it stands or falls with, has expired") as refused:
        await leo_approves(grouped.files, grouped.project, add["id"], add["digest"])
    assert refused.value.rule == "already_decided"
    assert (await grouped.record(add["id"])).decisions == ()


@pytest.mark.requirement("group:whole")
@pytest.mark.one_engine
async def test_a_proposal_that_leaves_its_group_out_is_not_what_the_contract_asks_for(grouped: Shop) -> None:
    proposal = (await grouped.record((await filed(grouped, "tasks.step"))["tasks.step"]["id"])).proposal
    contract = await contract_behind(proposal, grouped.ledger, grouped.files.operators)
    assert not isinstance(contract, Why)
    assert not isinstance(table_for(proposal, contract), Why)
    for group_of in ((), TOGETHER[:2], TOGETHER[::-1]):
        assert table_for(replace(proposal, group_of=group_of), contract) is Why.WORKFLOW_CHANGED
        assert replace(proposal, group_of=group_of).digest != proposal.digest
    assert replace(proposal, group_id="grp_other").digest != proposal.digest


@pytest.mark.requirement("group:whole")
@pytest.mark.one_engine
async def test_a_group_falls_when_one_of_its_approvals_does_not_count_any_more(grouped: Shop) -> None:
    ids = await approved(grouped)
    revoked = {"leo": replace(grouped.files.operators["leo"], revoked=True)}
    people: dict[str, Operator] = {**grouped.files.operators, **revoked}
    before = everything(grouped)
    assert await grouped.work(operators=lambda: people) == [("failed", "approval_operator_revoked")]
    assert everything(grouped) == before
    assert await standing(grouped, *ids) == ["failed"] * 3
    assert (await codes(grouped, *ids)).count("group_failed") == 2


_MEDDLE = {
    "postgres": (
        (
            "CREATE FUNCTION billing.meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.points := 9; RETURN NEW; END $$;"
            "CREATE TRIGGER meddle BEFORE INSERT ON billing.tasks FOR EACH ROW EXECUTE FUNCTION billing.meddle()"
        ),
        "DROP TRIGGER meddle ON billing.tasks; DROP FUNCTION billing.meddle()",
    ),
    "mariadb": (
        "CREATE TRIGGER meddle BEFORE INSERT ON tasks FOR EACH ROW SET NEW.points = 9",
        "DROP TRIGGER meddle",
    ),
    "sqlite": (
        "CREATE TRIGGER meddle AFTER INSERT ON tasks BEGIN UPDATE tasks SET points = 9 WHERE id = NEW.id; END",
        "DROP TRIGGER meddle",
    ),
}


@pytest.mark.requirement("group:whole", "apply:outcome-true")
async def test_a_row_of_the_group_that_is_not_exactly_what_was_approved_undoes_all_of_it(grouped: Shop) -> None:
    ids = await approved(grouped)
    before = everything(grouped)
    make, drop = _MEDDLE[grouped.database.engine]
    with meanwhile(grouped, make, drop):
        assert await grouped.work() == [("failed", "after_image")]
    assert everything(grouped) == before
    assert await codes(grouped, *ids) == ["group_failed", "after_image", "group_failed"]


@pytest.mark.requirement("group:whole", "approval:in-time")
@pytest.mark.parametrize("late", [0, 1, 2])
async def test_a_group_is_applied_in_time_of_all_its_approvals(grouped: Shop, late: int) -> None:
    ids = await approved(grouped)
    worker = await grouped.worker()
    now = "2999-01-01T00:00:00.000000Z"
    (lease,) = await grouped.ledger.lease("w", now=stamp(grouped.project.clock.now()), until=now, sources={"shop": 1})
    job = await authorise(lease, worker.bench, worker.bench.operators())
    assert [each.proposal.capability for each in job.tasks] == list(TOGETHER)
    tasks = [replace(task, expired=lambda: True) if at == late else task for at, task in enumerate(job.tasks)]
    before = everything(grouped)
    result = await apply(replace(job, tasks=tuple(tasks)))
    assert (result.outcome, result.why, result.by) == (Outcome.FAILED, Why.APPROVAL_EXPIRED, ids[late])
    assert everything(grouped) == before


@pytest.mark.requirement("group:whole", "undo:exact")
@pytest.mark.one_engine
async def test_a_part_of_an_applied_group_is_not_undone_whatever_a_later_contract_says(grouped: Shop) -> None:
    ids = await approved(grouped)
    assert await grouped.work() == [("applied", "")]
    proposal = (await grouped.record(ids[0])).proposal
    later = POLICY.replace("    set: {state: $state}\n", "    set: {state: $state}\n    undo: reviewed\n")
    contract = read_text(later, "x.yaml").contract
    assert contract is not None
    capability = contract.capabilities[proposal.capability]
    assert isinstance(capability, ProposeCapability)
    assert inverse_of(proposal, capability, contract.table_of(capability)) is Why.NOT_REVERSIBLE
    alone = replace(proposal, group_of=(), group_id=None)
    assert not isinstance(inverse_of(alone, capability, contract.table_of(capability)), Why)
    assert why_final(proposal, capability) == "it is applied with others that it stands or falls with"


@pytest.mark.requirement("group:whole")
@pytest.mark.one_engine
async def test_a_card_and_the_inbox_tell_what_a_proposal_stands_with(grouped: Shop) -> None:
    step, add = (await filed(grouped, "tasks.step", "tasks.add_once")).values()
    await leo_approves(grouped.files, grouped.project, add["id"], add["digest"])
    record = await grouped.record(step["id"])
    shown = card(
        record,
        evidence=await grouped.ledger.evidence(record.proposal.evidence),
        terms=await terms_behind(grouped.ledger, record.proposal, grouped.files.operators),
        now=grouped.project.clock.now(),
        operators=grouped.files.operators,
    )
    told = render(shown, width=200)
    assert "all of these are applied in one transaction with it, or none" in told
    assert f"{add['id']}, tasks.add_once: approved by 1/1" in told
    assert "tasks.remove: not proposed yet" in told
    assert 'tenant_id = "acme" and request_no = "n0": ' in told
    assert "points NULL → 4" in told
    assert "approved by 0/1" in " ".join(told.partition("tasks.remove")[2].split())
    assert "needs billing_lead 0/1\n  together with " in render_inbox(
        [record], now=grouped.project.clock.now(), operators=grouped.files.operators
    )
