"""Changes that depend on related rows, on every engine: what a person decided on is as it was when the change is made, or nothing is."""

import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pymysql
import pytest
import pytest_asyncio

from synapsor.approve.card.terms import Terms, terms_behind
from synapsor.approve.terminal.card import render
from synapsor.core.authority import table_for
from synapsor.core.evidence import Rows
from synapsor.core.outcome import Why
from synapsor.core.plan import ReadPlan
from synapsor.errors import Code, Refusal, UnsafeSource
from synapsor.examine import examine
from synapsor.flow import propose, read
from synapsor.flow.replay import replay
from synapsor.sql.statement import Statement
from tests.attack.jobs import POLICY, jobs_tables
from tests.attack.shop import Shop, longest_taken, open_shop
from tests.attack.test_canaries import CANARY, ledger_bytes
from tests.attack.test_links import READERS, SNAPSHOTS
from tests.cards import card
from tests.databases import Database, execute, sqlite_path
from tests.decisions import NOW


@pytest_asyncio.fixture
async def jobs(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    """A project over the jobs."""
    with jobs_tables(database):
        async with open_shop(tmp_path / "project", database, policy=POLICY) as found:
            yield found


def states(jobs: Shop) -> dict[str, str]:
    """Return the state of each job that there is."""
    return {str(key): str(state) for key, state in jobs.rows("SELECT id, state FROM {jobs} ORDER BY id")}


async def refused(jobs: Shop, name: str, **arguments: str) -> str:
    """Return the code that a call is refused with."""
    return str((await jobs.call(name, arguments))["error"]["code"])


@pytest.mark.requirement("depends:held")
async def test_a_change_is_made_while_its_related_rows_are_as_they_were(jobs: Shop) -> None:
    proposal = await jobs.approved("jobs.start", {"job": "j1"})
    (member,) = (await jobs.record(proposal)).proposal.members
    assert {p: t in {"1", "true"} if p.endswith("open") else t for p, t in member.depends.items()} == {
        "client.limit_cents": "1000",
        "client.region.open": True,
        "client.region_code": "north",
        "client.tier": "gold",
    }
    # What nobody said it depends on may change.
    jobs.change(
        "UPDATE {clients} SET phone = 'other' WHERE id = 'c1'; UPDATE {clients} SET tier = 'none' WHERE id = 'c2'"
    )
    assert await jobs.work() == [("applied", "")]
    assert states(jobs)["j1"] == "started"


TIER, CLIENT = ("client.tier",), ("client",)
_MOVES = (
    ("UPDATE {clients} SET tier = 'plain' WHERE id = 'c1'", "UPDATE {clients} SET tier = 'gold' WHERE id = 'c1'", TIER),
    ("UPDATE {clients} SET tier = 'Gold' WHERE id = 'c1'", "UPDATE {clients} SET tier = 'gold' WHERE id = 'c1'", TIER),
    ("UPDATE {clients} SET tier = NULL WHERE id = 'c1'", "UPDATE {clients} SET tier = 'gold' WHERE id = 'c1'", TIER),
    (
        "UPDATE {clients} SET limit_cents = 9 WHERE id = 'c1'",
        "UPDATE {clients} SET limit_cents = 1000 WHERE id = 'c1'",
        ("client.limit_cents",),
    ),
    ("UPDATE {clients} SET gone = true WHERE id = 'c1'", "UPDATE {clients} SET gone = false WHERE id = 'c1'", CLIENT),
    (
        "UPDATE {clients} SET tenant_id = 'x' WHERE id = 'c1'",
        "UPDATE {clients} SET tenant_id = 'acme' WHERE id = 'c1'",
        CLIENT,
    ),
    (  # it is open, too
        "UPDATE {clients} SET region_code = 'south' WHERE id = 'c1'",
        "UPDATE {clients} SET region_code = 'north' WHERE id = 'c1'",
        ("client.region_code",),
    ),
    (
        "UPDATE {clients} SET region_code = NULL WHERE id = 'c1'",
        "UPDATE {clients} SET region_code = 'north' WHERE id = 'c1'",
        ("client.region_code", "client.region"),
    ),
    (
        "UPDATE {regions} SET open = false WHERE code = 'north'",
        "UPDATE {regions} SET open = true WHERE code = 'north'",
        ("client.region.open",),
    ),
    (
        "UPDATE {regions} SET tenant_id = 'x'",
        "UPDATE {regions} SET tenant_id = 'acme' WHERE code <> 'west'",
        ("client.region",),
    ),
)


@pytest.mark.requirement("depends:held")
async def test_a_related_row_that_is_not_as_it_was_is_a_conflict(jobs: Shop) -> None:
    for number, (change, back, moved) in enumerate(_MOVES, 1):
        proposal = await jobs.approved("jobs.start", {"job": "j1"})
        jobs.change(change)
        assert await jobs.work() == [("conflict", "dependency_moved")], change
        assert states(jobs)["j1"] == "new"
        assert await jobs.status(proposal) == "conflict"
        assert jobs.receipts() == number
        record = await jobs.record(proposal)
        assert record.receipts[-1].moved == moved
        shown = render(card(record, evidence=None, terms=Terms(), now=NOW))
        assert f"  outcome            conflict, dependency_moved: {', '.join(moved)}\n" in shown
        told = await jobs.call("synapsor.proposal_status", {"proposal_id": proposal})
        assert told["proposal"]["outcome"] == "dependency_moved"
        assert "client" not in json.dumps(told)
        jobs.change(back)
    await jobs.approved("jobs.start", {"job": "j1"})
    assert await jobs.work() == [("applied", "")]


@pytest.mark.requirement("depends:held")
async def test_another_related_row_is_a_conflict_even_if_it_looks_the_same(jobs: Shop) -> None:
    jobs.change(
        "UPDATE {clients} SET region_code = 'north' WHERE id = 'c3'; UPDATE {clients} SET limit_cents = 1000 WHERE id = 'c3'"
    )
    await jobs.approved("jobs.start", {"job": "j1"})
    jobs.change("UPDATE {jobs} SET client_id = 'c3' WHERE id = 'j1'")
    jobs.change("UPDATE {jobs} SET row_version = 1 WHERE id = 'j1'")
    outcome = await jobs.work()
    assert outcome == [("conflict", "version_moved")]
    assert states(jobs)["j1"] == "new"


@pytest.mark.requirement("depends:held")
async def test_nothing_is_proposed_where_a_related_row_is_not_there_for_this_tenant(jobs: Shop) -> None:
    for job in ("j3", "j4", "j5", "j6", "j9", "nowhere"):
        assert await refused(jobs, "jobs.start", job=job) == "not_found", job
    assert await jobs.ledger.inbox(status=None, limit=5) == ()
    assert CANARY.encode() not in ledger_bytes(jobs.files.root)


@pytest.mark.requirement("depends:held")
async def test_a_removal_depends_on_related_rows_too(jobs: Shop) -> None:
    await jobs.approved("jobs.drop", {"job": "j1"})
    await jobs.approved("jobs.drop", {"job": "j2"})
    jobs.change("UPDATE {clients} SET tier = 'plain' WHERE id = 'c1'")
    assert sorted(await jobs.work()) == [("applied", ""), ("conflict", "dependency_moved")]
    assert set(states(jobs)) == {"j1", "j3", "j4", "j5", "j6", "j7", "j9"}


@pytest.mark.requirement("depends:held")
async def test_a_row_to_be_depends_on_the_rows_that_it_will_refer_to(jobs: Shop) -> None:
    for client in ("c4", "c9", "nobody"):
        assert await refused(jobs, "jobs.add", job="n0", client=client) == "not_found"
    await jobs.approved("jobs.add", {"job": "n1", "client": "c1"})
    await jobs.approved("jobs.add", {"job": "n2", "client": "c2"})
    jobs.change("UPDATE {clients} SET tier = 'plain' WHERE id = 'c1'")
    assert sorted(await jobs.work()) == [("applied", ""), ("conflict", "dependency_moved")]
    assert "n1" not in states(jobs)
    assert states(jobs)["n2"] == "new"


@pytest.mark.requirement("depends:held", "set:all-or-nothing")
async def test_one_related_row_that_moved_holds_up_the_whole_set(jobs: Shop) -> None:
    proposal = await jobs.approved("jobs.start_all", {})
    record = await jobs.record(proposal)
    assert [m.depends["client.tier"] for m in record.proposal.members] == ["gold", "plain", "gold"]
    evidence = await jobs.ledger.evidence(record.proposal.evidence)
    assert evidence is not None
    assert {name: len(part["rows"]) for name, part in evidence["lists"].items()} == {"client": 1, "client 2": 1}
    jobs.change("UPDATE {clients} SET tier = 'gold' WHERE id = 'c2'")
    assert await jobs.work() == [("conflict", "dependency_moved")]
    assert set(states(jobs).values()) == {"new", "held"}


@pytest.mark.requirement("depends:held")
async def test_nobody_changes_a_related_row_between_the_look_and_the_commit(jobs: Shop) -> None:
    if jobs.database.engine == "sqlite":
        pytest.skip("a write transaction holds the whole file")
    await jobs.approved("jobs.start", {"job": "j1"})
    held: list[str] = []

    async def reached(step: str) -> None:
        if step == "apply.before_commit":
            held.extend(place for place in ("c1", "c2", "north", "south") if _is_held(jobs, place))

    worker = await jobs.worker(reached=reached)
    assert await worker.run(once=True) == 1
    assert held == ["c1", "north"]
    assert states(jobs)["j1"] == "started"


def _is_held(jobs: Shop, place: str) -> bool:
    table, key = ("clients", "id") if place.startswith("c") else ("regions", "code")
    try:
        jobs.rows(f"SELECT {key} FROM {{{table}}} WHERE {key} = '{place}' FOR UPDATE NOWAIT")
    except (asyncpg.LockNotAvailableError, pymysql.err.OperationalError):
        return True
    return False


@pytest.mark.requirement("propose:required")
async def test_what_is_required_holds_when_it_is_asked_and_when_it_is_made(jobs: Shop) -> None:
    for job, code in (("j2", "not_as_required"), ("j3", "not_found"), ("j5", "not_found"), ("j9", "not_found")):
        assert await refused(jobs, "jobs.rush", job=job) == code, job
    proposal = await jobs.approved("jobs.rush", {"job": "j1"})
    record = await jobs.record(proposal)
    assert "state" in record.proposal.guards
    jobs.change("UPDATE {clients} SET limit_cents = 99 WHERE id = 'c1'")
    assert await jobs.work() == [("conflict", "dependency_moved")]
    assert await refused(jobs, "jobs.rush", job="j1") == "not_as_required"
    jobs.change("UPDATE {clients} SET limit_cents = 100 WHERE id = 'c1'")
    await jobs.approved("jobs.rush", {"job": "j1"})
    assert await jobs.work() == [("applied", "")]
    jobs.change("UPDATE {jobs} SET state = 'done' WHERE id = 'j7'")
    assert await refused(jobs, "jobs.rush", job="j7") == "not_as_required"


@pytest.mark.requirement("propose:required")
async def test_a_forged_proposal_of_a_row_that_is_not_as_required_is_not_applied(jobs: Shop) -> None:
    record = await jobs.record((await jobs.proposed("jobs.rush", {"job": "j1"}))["id"])
    (contract,) = [loaded.contract for loaded in jobs.project.contracts()]
    (member,) = record.proposal.members
    for forged in (
        replace(member, depends={**member.depends, "client.tier": "plain"}),
        replace(member, depends={**member.depends, "client.tier": None}),
        replace(member, before={**member.before, "state": "done"}),
    ):
        assert table_for(replace(record.proposal, members=(forged,)), contract) is Why.OUTSIDE_CONTRACT


@pytest.mark.requirement("depends:shown")
async def test_who_decides_sees_what_must_stay_and_a_model_does_not(jobs: Shop) -> None:
    asked = await jobs.proposed("jobs.start", {"job": "j1"})
    assert "gold" not in str(asked)
    record = await jobs.record(asked["id"])
    evidence = await jobs.ledger.evidence(record.proposal.evidence)
    terms = await terms_behind(jobs.ledger, record.proposal, jobs.files.operators)
    text = render(card(record, evidence=evidence, terms=terms, now=jobs.project.clock.now()))
    assert 'client.tier = "gold"' in text
    assert 'client.limit_cents = "1000"' in text
    report = await replay(jobs.ledger, asked["id"], jobs.files.operators)
    (proposed,) = [step for step in report.steps if step.name == "proposed"]
    assert proposed.facts["members"][0]["depends"]["client.tier"] == "gold"


@pytest.mark.requirement("depends:credential")
async def test_a_worker_that_may_not_hold_related_rows_does_not_start(jobs: Shop) -> None:
    told = [f.message for f in await examine(jobs.project) if f.rule.startswith("writer")]
    assert not any("clients" in message or "regions" in message for message in told)
    if jobs.database.engine == "sqlite":
        return
    who = "synapsor_writer" if jobs.database.engine == "postgres" else "synapsor_writer@'127.0.0.1'"
    lacking = "UPDATE (id)" if jobs.database.engine == "postgres" else "SELECT (tier)"
    jobs.change(f"REVOKE {lacking} ON {{clients}} FROM {who}")
    with pytest.raises(UnsafeSource, match="writer_cannot_hold" if "UPDATE" in lacking else "writer_cannot_read"):
        await jobs.worker()


@pytest.mark.requirement("depends:held")
async def test_a_proposal_that_says_less_of_related_rows_than_the_contract_is_not_applied(jobs: Shop) -> None:
    record = await jobs.record(await jobs.approved("jobs.start", {"job": "j1"}))
    (contract,) = [loaded.contract for loaded in jobs.project.contracts()]
    (member,) = record.proposal.members
    less: tuple[dict[str, str | None], ...] = ({}, {"client.tier": "gold"}, {**member.depends, "client.gone": "0"})
    for depends in less:
        forged = replace(record.proposal, members=(replace(member, depends=depends),))
        assert table_for(forged, contract) is Why.GUARDS_CHANGED
    assert not isinstance(table_for(record.proposal, contract), Why)


@pytest.mark.requirement("depends:held")
async def test_a_related_row_that_has_left_its_reviewed_view_is_a_conflict(tmp_path: Path, database: Database) -> None:
    """The base table is what is locked; the view says which of its rows there are."""
    policy = POLICY.replace(
        "    relation: billing.clients\n", "    relation: billing.kept_clients\n    write_to: billing.clients\n"
    ).replace("    only: {gone: false}\n", "")
    policy = policy.replace("on: {client_id: id}}", "on: {client_id: id}, because: The view shows clients.}")
    policy = policy.replace("on: {region_code: code}}", "on: {region_code: code}, because: A view refers to nothing.}")
    with jobs_tables(database), _view_of_clients(database):
        async with open_shop(tmp_path / "project", database, policy=policy) as jobs:
            await jobs.approved("jobs.drop", {"job": "j1"})
            await jobs.approved("jobs.drop", {"job": "j2"})
            jobs.change("UPDATE {clients} SET gone = true WHERE id = 'c1'")
            assert sorted(await jobs.work()) == [("applied", ""), ("conflict", "dependency_moved")]
            assert "j1" in states(jobs)
            assert await refused(jobs, "jobs.drop", job="j1") == "not_found"


@contextmanager
def _view_of_clients(database: Database) -> Iterator[None]:
    prefix = "billing." if database.engine == "postgres" else ""
    barrier = " WITH (security_barrier = true)" if database.engine == "postgres" else ""
    text = f"CREATE VIEW {prefix}kept_clients{barrier} AS SELECT * FROM {prefix}clients WHERE gone = false;"
    if database.engine != "sqlite":
        host = "@'127.0.0.1'" if database.engine == "mariadb" else ""
        show = ", SHOW VIEW" if database.engine == "mariadb" else ""
        columns = "id, tenant_id, tier, limit_cents, region_code, gone, phone"
        for role in ("reader", "writer"):
            text += f"GRANT SELECT ({columns}){show} ON {prefix}kept_clients TO synapsor_{role}{host};"
    text = text.replace("SELECT *", "SELECT id, tenant_id, tier, limit_cents, region_code, gone, phone, pin")
    execute(database, text)
    try:
        yield
    finally:
        execute(database, f"DROP VIEW {prefix}kept_clients")


@pytest.mark.requirement("apply:stale-conflicts")
async def test_a_row_that_a_person_was_shown_otherwise_is_not_removed(
    jobs: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that was taken over says of the row what it likes; its key and version are the true ones."""
    real = read.look

    async def forged(served: Any, plan: ReadPlan, fetch: Any = None) -> Rows:
        seen = await real(served, plan, fetch)
        at = plan.shape.positions.get("state")
        rows = [row if at is None else (*row[:at], "nothing much", *row[at + 1 :]) for row in seen.rows]
        return replace(seen, rows=rows)

    monkeypatch.setattr(propose, "look", forged)
    await jobs.approved("jobs.drop", {"job": "j1"})
    monkeypatch.undo()
    assert await jobs.work() == [("conflict", "version_moved")]
    assert "j1" in states(jobs)


@pytest.mark.requirement("depends:held")
async def test_a_request_that_is_repeated_after_a_related_row_moved_is_a_new_one(jobs: Shop) -> None:
    first = await jobs.proposed("jobs.start", {"job": "j1"})
    assert (await jobs.proposed("jobs.start", {"job": "j1"}))["id"] == first["id"]
    jobs.change("UPDATE {clients} SET tier = 'plain' WHERE id = 'c1'")
    second = await jobs.proposed("jobs.start", {"job": "j1"})
    assert second["id"] != first["id"]
    assert await jobs.status(first["id"]) == "superseded"


@pytest.mark.requirement("depends:held")
async def test_a_row_of_a_proposal_that_says_another_tenant_than_its_session_is_not_applied(jobs: Shop) -> None:
    record = await jobs.record((await jobs.proposed("jobs.start", {"job": "j1"}))["id"])
    (contract,) = [loaded.contract for loaded in jobs.project.contracts()]
    (member,) = record.proposal.members
    forged = replace(member, before={**member.before, "tenant_id": "globex"})
    assert table_for(replace(record.proposal, members=(forged,)), contract) is Why.OUTSIDE_CONTRACT


@pytest.mark.requirement("depends:held")
async def test_a_related_row_goes_through_the_same_second_look_as_every_row(
    jobs: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[tuple[str, ...]] = []

    def differs(_: ReadPlan, rows: list[tuple[str, ...]]) -> None:
        looked.extend(rows)
        raise Refusal(Code.NOT_FOUND)

    await jobs.approved("jobs.drop", {"job": "j1"})
    monkeypatch.setattr("synapsor.flow.apply.recheck", differs)
    assert await jobs.work() == [("conflict", "dependency_moved")]
    assert looked == [("c1", "acme", "gold")]


@pytest.mark.requirement("depends:held")
async def test_a_collation_that_folds_letters_leads_to_no_other_row(jobs: Shop) -> None:
    """Key and tenant are compared letter by letter, whatever the database takes for equal."""
    jobs.change(_FOLD[jobs.database.engine])
    await jobs.approved("jobs.start", {"job": "j1"})
    jobs.change("UPDATE {clients} SET tenant_id = 'ACME' WHERE id = 'c1'")
    assert await jobs.work() == [("conflict", "dependency_moved")]
    assert await refused(jobs, "jobs.start", job="j7") == "not_found"


_FOLD = {
    "postgres": (
        "CREATE COLLATION IF NOT EXISTS billing.folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
        "ALTER TABLE {clients} ALTER tenant_id TYPE text COLLATE billing.folded"
    ),
    "mariadb": "ALTER TABLE {clients} MODIFY tenant_id varchar(64) COLLATE utf8mb4_general_ci NOT NULL",
    "sqlite": "UPDATE {clients} SET pin = 'no column can be altered here'",
}


@pytest.mark.requirement("apply:bounded")
async def test_a_related_row_that_has_become_larger_than_what_may_be_read_is_not_taken_in(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounded = POLICY.replace("    members: {at_most: 5}\n", "    members: {at_most: 5}\n    limits: {bytes: 1024}\n")
    with jobs_tables(database):
        async with open_shop(tmp_path / "project", database, policy=bounded) as jobs:
            jobs.change(_LONG.get(database.engine, "UPDATE {clients} SET pin = NULL"))
            proposal = await jobs.approved("jobs.start_all", {})
            jobs.change(f"UPDATE {{clients}} SET tier = '{'x' * 2000}' WHERE id = 'c1'")
            taken = longest_taken(monkeypatch)
            assert await jobs.work() == [("failed", "too_large")]
            assert await jobs.status(proposal) == "failed"
            jobs.change("UPDATE {clients} SET tier = 'gold' WHERE id = 'c1'")
            # A row that would match the set as well is looked at, too, and only for its key.
            await jobs.approved("jobs.start_all", {})
            jobs.change(
                f"INSERT INTO {{jobs}} (id, tenant_id, client_id, state) VALUES ('{'y' * 2000}', 'acme', 'c1', 'new')"
            )
            assert await jobs.work() == [("failed", "too_large")]
            assert set(states(jobs).values()) == {"new", "held"}
            assert max(taken) < 1024


_LONG = {
    "mariadb": "ALTER TABLE {clients} MODIFY tier varchar(2500);"
    "ALTER TABLE {jobs} DROP KEY jobs_own, MODIFY id varchar(2500) CHARACTER SET ascii;"
    "ALTER TABLE {jobs} ADD UNIQUE KEY jobs_own (tenant_id, id)"
}


@pytest.mark.requirement("depends:held", "link:one-moment")
async def test_a_row_and_what_it_depends_on_are_of_one_moment(jobs: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    if jobs.database.engine == "sqlite":
        with closing(sqlite3.connect(sqlite_path(jobs.database))) as connection:
            connection.execute("PRAGMA journal_mode=WAL")  # otherwise a writer waits until the reader is gone
    left = [
        "UPDATE {clients} SET tier = 'plain' WHERE id = 'c1'; UPDATE {regions} SET open = false WHERE code = 'north'"
    ]
    for kind in (READERS[jobs.database.engine], SNAPSHOTS[jobs.database.engine]):
        monkeypatch.setattr(kind, "fetch", _changing(kind.fetch, jobs, left))
    proposal = await jobs.proposed("jobs.start", {"job": "j1"})
    monkeypatch.undo()
    assert left == []
    (member,) = (await jobs.record(proposal["id"])).proposal.members
    assert (member.depends["client.tier"], member.depends["client.region.open"]) in (("gold", "true"), ("gold", "1"))


def _changing(real: Any, jobs: Shop, left: list[str]) -> Any:
    """Return a `fetch` after which a change is made, once."""

    async def fetch(self: Any, statement: Statement, **more: Any) -> Any:
        found = await real(self, statement, **more)
        if left:
            jobs.change(left.pop())
        return found

    return fetch
