"""Applying under attack: whatever the database, the clock, another worker or the schema does, one approved change or none, and the truth told."""

import asyncio
import datetime as dt
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import asyncpg
import pytest

from synapsor.approve.identity.operators import revoke_operator
from synapsor.core.outcome import Outcome
from synapsor.core.plan import Relation
from synapsor.core.receipts_table import LISTED
from synapsor.errors import ConfigError, UnsafeSource
from synapsor.flow.apply import InHand, apply
from synapsor.flow.verdict import Result
from synapsor.sql.receipts import receipts_ddl
from synapsor.testing.clock import TestClock
from synapsor.work.authority import authorise
from tests.attack.doubts import leave_receipt
from tests.attack.shop import NOTE, WAIVER, Shop, as_ledger_owner, longest_taken, meanwhile, open_shop, reopened
from tests.databases import Database, connect_mariadb, fetch, sqlite_path, table
from tests.projects import ACME, GLOBEX, activate_all, leo_approves
from tests.sources import open_writer

Point = Callable[[str], Awaitable[None]]
BEFORE = (5500, None, 1)
"""What INV-3001 is before anything is applied."""


def at_point(name: str, do: Callable[[], None]) -> Point:
    """Return what a worker calls at its named points: something at one of them, once."""
    left = [do]

    async def reached(point: str) -> None:
        if point == name and left:
            await asyncio.to_thread(left.pop())

    return reached


def fail() -> None:
    """Break the worker's own code."""
    raise RuntimeError("the power is gone")


@pytest.mark.requirement("apply:stale-conflicts")
async def test_a_column_that_the_database_moves_is_as_it_was_shown_even_where_the_version_did_not_move(
    shop: Shop,
) -> None:
    """Restored from a copy, a row has the version that was approved and another time of its last change."""
    await shop.waiver()
    shop.change(
        "CREATE TABLE {kept} AS SELECT * FROM {invoices} WHERE id = 'INV-3001';"
        "UPDATE {kept} SET updated_at = '2001-02-03 04:05:06';"
        "DELETE FROM {invoices} WHERE id = 'INV-3001'; INSERT INTO {invoices} SELECT * FROM {kept}; DROP TABLE {kept}"
    )
    assert shop.invoice() == BEFORE
    assert await shop.work() == [("conflict", "version_moved")]
    assert shop.invoice() == BEFORE


_HALF_WAY = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")  # so that it writes into the file before it commits
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE invoices SET late_fee_cents = -1, note = 'half way'")
connection.executemany("INSERT INTO synapsor_receipts (receipt_key, proposal_digest, proposal_id, tenant, outcome, ledger_head, worker)"
    " VALUES (randomblob(32), randomblob(32), ?, 'acme', 'applied', randomblob(32), 'x')", [("x" * 60,)] * 5000)
print("half way", flush=True)
sys.stdin.read()
"""


def kill_half_way(path: Path) -> None:
    """Kill a writer of a file in the middle of its transaction."""
    command = [sys.executable, "-c", _HALF_WAY, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"half way\n"
        writer.kill()


@pytest.mark.requirement("apply:starts", "apply:none-lost")
@pytest.mark.parametrize("fresh", [True, False])
async def test_a_worker_that_starts_after_a_writer_was_killed_half_way_rolls_that_back_and_goes_on(
    tmp_path: Path, sqlite_db: Database, fresh: bool
) -> None:
    """SQLite rolls it back for nobody who opens the file read-only, and every reader is refused until then."""
    path = sqlite_path(sqlite_db)
    async with open_shop(tmp_path / "project", sqlite_db) as shop:
        await shop.waiver()
        if not fresh:
            shop.kept = await shop.worker()
        kill_half_way(path)
        assert path.with_name(f"{path.name}-journal").stat().st_size > 0
        answer = await shop.call("billing.inspect_invoice", {"invoice_id": "INV-3001"})
        assert answer["error"]["code"] == "source_unavailable"
        assert await shop.work() == [("applied", "")]
        assert shop.invoice(columns="late_fee_cents, note") == (0, None)
        assert shop.receipts() == 1
        assert (await shop.call("billing.inspect_invoice", {"invoice_id": "INV-3001"}))["ok"]


@pytest.mark.requirement("apply:bounded")
async def test_a_row_that_has_become_too_large_to_be_looked_at_is_left_as_it_is(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synapsor.core.writeback.LOOK_BYTES", 1000)
    proposal = await shop.waiver()
    long = "\u6f22" * 490  # of three bytes each
    shop.change(f"UPDATE {{invoices}} SET note = '{long}' WHERE id = 'INV-3001'")
    taken = longest_taken(monkeypatch)
    assert await shop.work() == [("failed", "too_large")]
    assert await shop.status(proposal) == "failed"
    assert shop.invoice(columns="late_fee_cents, waiver_reason") == BEFORE[:2]
    assert shop.receipts() == 1
    assert max(taken) < 490
    monkeypatch.undo()
    await shop.waiver()
    assert await shop.work() == [("applied", "")]


# ---- the guard (C) ----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("apply:stale-conflicts")
async def test_a_row_that_was_changed_or_changed_and_changed_back_or_deleted_after_the_approval_conflicts(
    shop: Shop,
) -> None:
    ids = [await shop.waiver(f"INV-300{n}") for n in (1, 2, 5)]
    shop.change("UPDATE {invoices} SET late_fee_cents = 5501 WHERE id = 'INV-3001'")
    shop.change(
        "UPDATE {invoices} SET note = 'x' WHERE id = 'INV-3002'; UPDATE {invoices} SET note = 'Asked for a copy by post.' WHERE id = 'INV-3002';"
    )
    shop.change("DELETE FROM {invoices} WHERE id = 'INV-3005'")
    assert await shop.work() == [("conflict", "version_moved"), ("conflict", "version_moved"), ("conflict", "row_gone")]
    assert [await shop.status(i) for i in ids] == ["conflict"] * 3
    assert shop.invoice() == (5501, None, 2)
    assert shop.invoice("INV-3002")[0] == 2500


@pytest.mark.requirement("apply:stale-conflicts")
async def test_a_row_that_was_given_to_another_tenant_after_the_approval_is_gone(shop: Shop) -> None:
    await shop.waiver()
    shop.change("UPDATE {invoices} SET tenant_id = 'ACME' WHERE id = 'INV-3001'")
    assert (await shop.work())[0][0] == "conflict"
    assert shop.invoice()[:2] == (5500, None)


@pytest.mark.requirement("apply:stale-conflicts")
async def test_a_change_that_somebody_else_has_made_already_is_a_conflict_and_not_a_success(shop: Shop) -> None:
    await shop.waiver()
    shop.change("UPDATE {invoices} SET late_fee_cents = 0, waiver_reason = 'Paid next day.' WHERE id = 'INV-3001'")
    assert await shop.work() == [("conflict", "version_moved")]


async def test_a_change_of_which_a_part_is_there_already_is_applied_and_counted_as_matched(shop: Shop) -> None:
    shop.change("UPDATE {invoices} SET late_fee_cents = 0 WHERE id = 'INV-3001'")
    await shop.waiver()
    assert await shop.work() == [("applied", "")]
    assert shop.invoice() == (0, "Paid next day.", 3)


@pytest.mark.requirement("apply:stale-conflicts")
async def test_of_two_approved_changes_of_one_row_one_is_applied_even_when_two_workers_race(shop: Shop) -> None:
    one = await shop.waiver()
    two = await shop.approved(NOTE, {"invoice_id": "INV-3001", "note": "Disputed."})
    reports: list[Any] = []
    workers = [await shop.worker(reports.append, name=f"worker-{n}") for n in range(2)]
    async with anyio.create_task_group() as group:
        for worker in workers:
            group.start_soon(lambda each: each.run(drain=True), worker)
    assert sorted(await shop.until_settled(one, two)) == ["applied", "conflict"]
    assert shop.invoice()[2] == BEFORE[2] + 1


_MICRO = """\
synapsor: 1
contract: micro
contexts:
  support: {tenant: session.tenant_id, principal: session.user}
tables:
  invoices:
    source: shop
    relation: billing.invoice_review
    write_to: billing.invoices
    key: id
    tenant: tenant_id
    version: updated_at
    moves: [row_version]
    columns: {id: text, tenant_id: text, note: text, row_version: integer, updated_at: timestamptz}
capabilities:
  micro.propose_note:
    description: Ask for the note of one invoice to be replaced.
    propose: update invoices
    arguments: {invoice_id: {type: string, max_length: 64}, note: {type: string, max_length: 500}}
    where: {id: $invoice_id}
    set: {note: $note}
    returns: [id, note, updated_at]
    approval: {role: billing_lead}
"""
_ELSEWHERE = {
    "postgres": (
        (
            "ALTER ROLE synapsor_writer SET TimeZone = 'Pacific/Apia'; ALTER ROLE synapsor_writer SET DateStyle = 'SQL, DMY';"
            "ALTER ROLE synapsor_writer SET extra_float_digits = -15; ALTER ROLE synapsor_reader SET TimeZone = 'America/St_Johns';"
        ),
        "ALTER ROLE synapsor_writer RESET ALL; ALTER ROLE synapsor_reader RESET ALL;",
    ),
    "mariadb": (
        "SET GLOBAL time_zone = '+13:00'; SET GLOBAL sql_mode = '';",
        "SET GLOBAL time_zone = 'SYSTEM'; SET GLOBAL sql_mode = DEFAULT;",
    ),
}


@pytest.mark.requirement("apply:stale-conflicts")
async def test_a_version_in_microseconds_is_exact_whatever_the_sessions_of_the_server_are_set_to(
    tmp_path: Path, database: Database
) -> None:
    async with open_shop(tmp_path / "project", database, policy=_MICRO) as shop:
        if database.engine == "sqlite":
            with pytest.raises(UnsafeSource, match="version_precision"):
                await shop.worker()
            return
        with meanwhile(shop, *_ELSEWHERE[database.engine]):
            await shop.approved("micro.propose_note", {"invoice_id": "INV-3001", "note": "First."})
            assert await shop.work() == [("applied", "")]
            await shop.approved("micro.propose_note", {"invoice_id": "INV-3002", "note": "Second."})
            moment = "interval '1 microsecond'" if database.engine == "postgres" else "interval 1 microsecond"
            _without_trigger(shop, f"UPDATE {{invoices}} SET updated_at = updated_at + {moment} WHERE id = 'INV-3002'")
            assert await shop.work() == [("conflict", "version_moved")]


def _without_trigger(shop: Shop, change: str) -> None:
    if shop.database.engine == "postgres":
        off, on = (f"ALTER TABLE {{invoices}} {word} TRIGGER invoices_row_version;" for word in ("DISABLE", "ENABLE"))
        shop.change(off + change + ";" + on)
    else:
        create = shop.rows("SHOW CREATE TRIGGER invoices_row_version")[0][2]
        shop.change(f"DROP TRIGGER invoices_row_version; {change}; {create}")


# ---- the database does something else (C14, C18-C25) -----------------------------------------------------------------------

_REWRITES = {
    "postgres": (
        (
            "CREATE FUNCTION billing.rewrite() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.{column} := {value}; RETURN NEW; END $$;"
            "CREATE TRIGGER zz_rewrite BEFORE UPDATE ON billing.invoices FOR EACH ROW EXECUTE FUNCTION billing.rewrite();"
        ),
        "DROP TRIGGER IF EXISTS zz_rewrite ON billing.invoices; DROP FUNCTION IF EXISTS billing.rewrite()",
    ),
    "mariadb": (
        "CREATE TRIGGER zz_rewrite BEFORE UPDATE ON invoices FOR EACH ROW SET NEW.{column} = {value}",
        "DROP TRIGGER IF EXISTS zz_rewrite",
    ),
    "sqlite": (
        (
            "CREATE TRIGGER zz_rewrite AFTER UPDATE OF waiver_reason ON invoices BEGIN"
            " UPDATE invoices SET {column} = {value} WHERE id = NEW.id; END"
        ),
        "DROP TRIGGER IF EXISTS zz_rewrite",
    ),
}


@pytest.mark.requirement("apply:exact")
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("late_fee_cents", "200"),
        ("tenant_id", "'globex'"),
        ("customer", "'CANARY'"),
        ("id", "'INV-3999'"),
        ("status", "'paid'"),
    ],
)
async def test_a_trigger_that_makes_something_else_of_the_change_has_it_rolled_back(
    shop: Shop, column: str, value: str
) -> None:
    await shop.waiver()
    do, undo = _REWRITES[shop.database.engine]
    with meanwhile(shop, do.replace("{column}", column).replace("{value}", value), undo):
        assert await shop.work() == [("failed", "after_image")]
    assert shop.invoice("INV-3001", "late_fee_cents, waiver_reason, row_version, tenant_id, status") == (
        *BEFORE,
        "acme",
        "overdue",
    )


@pytest.mark.requirement("apply:exact")
async def test_a_version_that_stands_still_has_the_change_rolled_back(shop: Shop) -> None:
    await shop.waiver()
    worker = await shop.worker()
    if shop.database.engine == "postgres":
        off, on = (f"ALTER TABLE {{invoices}} {word} TRIGGER invoices_row_version" for word in ("DISABLE", "ENABLE"))
    else:
        off = "DROP TRIGGER invoices_row_version"
        kept = (
            shop.rows("SELECT sql FROM sqlite_master WHERE name = 'invoices_row_version'")[0][0]
            if shop.database.engine == "sqlite"
            else shop.rows("SHOW CREATE TRIGGER invoices_row_version")[0][2]
        )
        on = kept
    reports: list[Any] = []
    worker.report = reports.append
    with meanwhile(shop, off, on):
        await worker.run(drain=True)
    assert [(r["outcome"], r["code"]) for r in reports] == [("failed", "version_did_not_move")]
    assert shop.invoice() == BEFORE


@pytest.mark.requirement("apply:exact")
async def test_a_second_row_of_the_same_key_in_an_inheriting_table_stops_the_change(
    tmp_path: Path, postgres_db: Database
) -> None:
    async with open_shop(tmp_path / "project", postgres_db) as shop:
        await shop.waiver("INV-3008")
        worker = await shop.worker()
        reports: list[Any] = []
        worker.report = reports.append
        heir = "CREATE TABLE billing.heir () INHERITS (billing.invoices); INSERT INTO billing.heir SELECT * FROM ONLY billing.invoices WHERE id = 'INV-3008'"
        with meanwhile(shop, heir, "DROP TABLE billing.heir"):
            answer = await shop.call(WAIVER, {"invoice_id": "INV-3008", "reason": "Again."})
            assert answer["error"]["code"] == "not_unique"
            await worker.run(drain=True)
            assert [(r["outcome"], r["code"]) for r in reports] == [("failed", "more_than_one_row")]
            assert {row[0] for row in shop.rows("SELECT late_fee_cents FROM {invoices} WHERE id = 'INV-3008'")} == {
                6400
            }


UNFIT = [
    ("amount", "10.005"),
    ("amount", "1e3"),
    ("amount", "NaN"),
    ("amount", "１０.00"),
    ("amount", " 10"),
    ("amount", "99999999999999.00"),
    ("due", "2024-02-31"),
    ("due", "0000-00-00"),
    ("due", "2024-2-1"),
    ("due", "infinity"),
    ("word", "toolongvalue"),
    ("word", "six si"),
    ("thin", "emoji \U0001f9fe"),
    ("note", "forbidden"),
    ("note", "two"),
    ("parent", "nobody"),
]


@pytest.mark.requirement("apply:exact")
async def test_a_value_that_the_column_would_round_cut_or_refuse_is_refused_and_never_stored_otherwise(
    odd: Shop,
) -> None:
    loose = odd.database.engine == "mariadb"
    with meanwhile(
        odd,
        "SET GLOBAL sql_mode = ''" if loose else "SELECT 1",
        "SET GLOBAL sql_mode = DEFAULT" if loose else "SELECT 1",
    ):
        for column, value in UNFIT:
            before = odd.rows(f"SELECT {column}, version FROM {{odd}} WHERE id = 1")
            answer = await odd.call(f"odd.propose_{column}", {"number": 1, "value": value})
            if not answer["ok"]:
                assert answer["error"]["code"] == "invalid_arguments", (column, value)
                continue
            await leo_approves(odd.files, odd.project, answer["proposal"]["id"], answer["proposal"]["digest"])
            outcome = (await odd.work())[-1]
            after = odd.rows(f"SELECT {column}, version FROM {{odd}} WHERE id = 1")
            if outcome[0] == "applied":
                assert (column, after[0][0]) in {("thin", value), ("amount", value)}, (column, value)
            else:
                assert outcome in {("failed", "constraint"), ("failed", "value"), ("failed", "after_image")}, (
                    column,
                    value,
                )
                assert after == before, (column, value)


@pytest.mark.requirement("apply:outcome-true")
async def test_a_rule_that_is_checked_only_at_the_commit_fails_the_change_and_leaves_no_receipt_that_says_applied(
    odd: Shop,
) -> None:
    proposal = await odd.approved("odd.propose_parent", {"number": 1, "value": "nobody"})
    assert await odd.work() == [("failed", "constraint")]
    assert await odd.status(proposal) == "failed"
    assert odd.rows("SELECT outcome FROM {synapsor_receipts}") == [("failed",)]
    assert odd.rows("SELECT parent, version FROM {odd} WHERE id = 1") == [(None, 1)]


TEXTS = [
    "e\u0301 is not \u00e9",
    "line one\r\nline two\n\ttab",
    "trailing spaces   ",
    "\u202ereversed\u202c \u200bzero width",
    'it\'s "quoted" \\ back`tick %s %(p1)s $1 :p1 ? {tenant}',
    "'; DROP TABLE invoices; --",
    "\U0001f9fe\U0001f680 ß ﬀ ａ",
    "\\' OR 1=1 -- ",
    "\ufeffbom and \u0085 and \u2028",
]


@pytest.mark.requirement("apply:exact")
async def test_a_text_is_stored_byte_for_byte_as_it_was_approved(shop: Shop) -> None:
    for text in TEXTS:
        await shop.approved(NOTE, {"invoice_id": "INV-3001", "note": text})
        assert await shop.work() == [("applied", "")], text
        assert shop.invoice("INV-3001", "note") == (text,)


# ---- once (D) ---------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("apply:exactly-once")
async def test_requests_that_differ_by_case_by_a_space_or_far_behind_are_different_requests(shop: Shop) -> None:
    texts = ["aB3", "Ab3", "aB3 ", "x" * 400 + "a", "x" * 400 + "b", "\u00e9", "e\u0301"]
    filed = [await shop.proposed(NOTE, {"invoice_id": "INV-3001", "note": text}) for text in texts]
    assert len({p["id"] for p in filed}) == len({p["digest"] for p in filed}) == len(texts)
    same = await shop.proposed(NOTE, {"invoice_id": "INV-3001", "note": "aB3"})
    assert same["id"] == filed[0]["id"]
    for text, proposal in zip(texts, filed, strict=True):
        # The row may have moved since; then it is asked anew.
        again = await shop.proposed(NOTE, {"invoice_id": "INV-3001", "note": text})
        assert again["digest"] == proposal["digest"] or again["id"] not in {p["id"] for p in filed}
        await leo_approves(shop.files, shop.project, again["id"], again["digest"])
        assert await shop.work() == [("applied", "")]
        assert shop.invoice("INV-3001", "note") == (text,)


@asynccontextmanager
async def _in_hand(shop: Shop, proposal_id: str) -> AsyncIterator[InHand]:
    """Yield the authorised job of a proposal with a source that twenty can use at once."""
    worker = await shop.worker()
    now = shop.project.clock.now()
    (lease,) = await worker.bench.ledger.lease(
        "twenty", now=_stamp(now), until=_stamp(now + dt.timedelta(hours=1)), sources={"shop": 1}
    )
    assert lease.job.lead.proposal == proposal_id
    job = await authorise(lease, worker.bench, worker.bench.operators())
    many = open_writer(shop.database, pool_size=20, pool_wait_ms=30_000)
    try:
        yield replace(job, claim=replace(job.claim, source=many, time_ms=20_000))
    finally:
        await many.aclose()


def _stamp(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.mark.requirement("apply:exactly-once")
async def test_twenty_workers_with_one_approved_proposal_change_the_row_once_and_all_tell_the_truth(shop: Shop) -> None:
    proposal = await shop.waiver()
    async with _in_hand(shop, proposal) as job:

        async def until_known() -> Result:
            while (result := await apply(job)).outcome is Outcome.RETRY:
                assert result.code in {"receipt_raced", "transient", "timeout", "unavailable"}
            return result

        async with asyncio.timeout(60):
            results = await asyncio.gather(*(until_known() for _ in range(20)))
    outcomes = [r.outcome for r in results]
    assert outcomes.count(Outcome.APPLIED) == 1
    assert outcomes.count(Outcome.ALREADY_APPLIED) == 19
    assert shop.invoice() == (0, "Paid next day.", 2)
    assert shop.receipts() == 1


@pytest.mark.requirement("apply:exactly-once")
async def test_five_whole_workers_on_one_ledger_settle_each_job_once(shop: Shop) -> None:
    ids = [await shop.waiver(f"INV-30{n:02}") for n in (1, 2, 5, 9, 10, 13)]
    reports: list[Any] = []
    workers = [await shop.worker(reports.append, name=f"worker-{n}") for n in range(5)]
    async with anyio.create_task_group() as group:
        for worker in workers:
            group.start_soon(lambda each: each.run(drain=True), worker)
    assert await shop.until_settled(*ids) == ["applied"] * 6
    assert [
        row[0]
        for row in shop.rows(
            "SELECT row_version FROM {invoices} WHERE late_fee_cents = 0 AND waiver_reason = 'Paid next day.'"
        )
    ] == [2] * 6
    assert (await shop.project.verify()).ok


@pytest.mark.requirement("apply:outcome-true")
@pytest.mark.parametrize("outcome", ["applied", "conflict"])
async def test_a_receipt_of_another_digest_needs_a_person_and_nothing_is_written(shop: Shop, outcome: str) -> None:
    proposal = await shop.waiver()
    leave_receipt(shop, proposal, outcome=outcome)
    assert await shop.work() == [("reconciliation_required", "receipt_of_another_digest")]
    assert await shop.status(proposal) == "reconciliation_required"
    assert shop.invoice() == BEFORE
    assert shop.receipts() == 1


_FEWER = "CHECK (outcome IN ('applied', 'conflict', 'failed'))"
_ASCII = "VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL"
_NO_RECEIPTS: dict[str, dict[str, tuple[str, str]]] = {
    "postgres": {
        "receipts_missing": (
            "ALTER TABLE billing.synapsor_receipts RENAME TO away",
            "ALTER TABLE billing.away RENAME TO synapsor_receipts",
        ),
        "receipts_privilege": (
            "REVOKE INSERT ON billing.synapsor_receipts FROM synapsor_writer",
            "GRANT INSERT ON billing.synapsor_receipts TO synapsor_writer",
        ),
        "receipts_key": (
            "ALTER TABLE billing.synapsor_receipts DROP CONSTRAINT synapsor_receipts_pkey",
            "ALTER TABLE billing.synapsor_receipts ADD PRIMARY KEY (receipt_key)",
        ),
        "receipts_not_durable": (
            "ALTER TABLE billing.synapsor_receipts SET UNLOGGED",
            "ALTER TABLE billing.synapsor_receipts SET LOGGED",
        ),
        "receipts_shape": (
            "ALTER TABLE billing.synapsor_receipts RENAME COLUMN ledger_head TO h",
            "ALTER TABLE billing.synapsor_receipts RENAME COLUMN h TO ledger_head",
        ),
        "receipts_refuse": (
            f"ALTER TABLE billing.synapsor_receipts DROP CONSTRAINT synapsor_receipts_outcome_check, ADD CONSTRAINT older {_FEWER}",
            f"ALTER TABLE billing.synapsor_receipts DROP CONSTRAINT older, ADD {LISTED}",
        ),
    },
    "mariadb": {
        "receipts_missing": ("RENAME TABLE synapsor_receipts TO away", "RENAME TABLE away TO synapsor_receipts"),
        "receipts_privilege": (
            "REVOKE INSERT ON synapsor_receipts FROM synapsor_writer@'127.0.0.1'",
            "GRANT INSERT ON synapsor_receipts TO synapsor_writer@'127.0.0.1'",
        ),
        "receipts_key": (
            "ALTER TABLE synapsor_receipts DROP PRIMARY KEY, ADD KEY (receipt_key)",
            "ALTER TABLE synapsor_receipts DROP KEY receipt_key, ADD PRIMARY KEY (receipt_key)",
        ),
        "receipts_not_transactional": (
            "ALTER TABLE synapsor_receipts ENGINE=MyISAM",
            "ALTER TABLE synapsor_receipts ENGINE=InnoDB",
        ),
        "receipts_shape": (
            "ALTER TABLE synapsor_receipts CHANGE ledger_head h binary(32) NOT NULL",
            "ALTER TABLE synapsor_receipts CHANGE h ledger_head binary(32) NOT NULL",
        ),
        "receipts_refuse": (
            f"ALTER TABLE synapsor_receipts MODIFY outcome {_ASCII} {_FEWER}",
            f"ALTER TABLE synapsor_receipts MODIFY outcome {_ASCII} {LISTED}",
        ),
    },
    "sqlite": {
        "receipts_missing": (
            "ALTER TABLE synapsor_receipts RENAME TO away",
            "ALTER TABLE away RENAME TO synapsor_receipts",
        ),
        "receipts_key": (
            "ALTER TABLE synapsor_receipts RENAME TO away; CREATE TABLE synapsor_receipts AS SELECT * FROM away",
            "DROP TABLE synapsor_receipts; ALTER TABLE away RENAME TO synapsor_receipts",
        ),
        "receipts_shape": (
            "ALTER TABLE synapsor_receipts RENAME COLUMN ledger_head TO h",
            "ALTER TABLE synapsor_receipts RENAME COLUMN h TO ledger_head",
        ),
        "receipts_refuse": (
            f"ALTER TABLE synapsor_receipts RENAME TO away; {receipts_ddl(Relation(schema='main', name='synapsor_receipts'), 'sqlite').replace(LISTED, _FEWER)}",
            "DROP TABLE synapsor_receipts; ALTER TABLE away RENAME TO synapsor_receipts",
        ),
    },
}


@pytest.mark.requirement("apply:receipts-first")
async def test_a_worker_does_not_start_where_receipts_cannot_be_kept(shop: Shop) -> None:
    await shop.waiver()
    for rule, (do, undo) in _NO_RECEIPTS[shop.database.engine].items():
        with meanwhile(shop, do, undo), pytest.raises(UnsafeSource) as refused:
            await shop.worker()
        assert rule in refused.value.message, rule
    assert shop.invoice() == BEFORE
    assert await shop.work() == [("applied", "")]


@pytest.mark.requirement("apply:receipts-first")
async def test_receipts_that_vanish_under_a_running_worker_stop_every_write_and_are_never_made_by_it(
    shop: Shop,
) -> None:
    proposal = await shop.waiver()
    worker = await shop.worker()
    reports: list[Any] = []
    worker.report = reports.append
    with meanwhile(shop, *_NO_RECEIPTS[shop.database.engine]["receipts_missing"]):
        await worker.run(once=True)
        assert (reports[0]["outcome"], await shop.status(proposal)) == ("retry", "approved")
        assert shop.invoice() == BEFORE
    assert ("applied", "") in await shop.work()


def _copied(shop: Shop, to: Path) -> None:
    to.mkdir(mode=0o700)
    with closing(sqlite3.connect(shop.ledger_path)) as here, closing(sqlite3.connect(to / "ledger.db")) as there:
        here.backup(there)
    for name in ("ledger.checkpoints", "ledger.key"):
        shutil.copy(shop.ledger_path.parent / name, to / name)


def _restored(shop: Shop, backup: Path) -> None:
    for left in shop.ledger_path.parent.glob("ledger.db*"):
        left.unlink()
    for kept in backup.iterdir():
        shutil.copy(kept, shop.ledger_path.parent / kept.name)
    (shop.ledger_path).chmod(0o600)


@pytest.mark.requirement("apply:exactly-once", "apply:outcome-true")
@pytest.mark.parametrize("later_hours", [0, 100])
async def test_a_ledger_restored_from_yesterday_learns_from_the_receipt_that_the_change_is_applied(
    tmp_path: Path, database: Database, later_hours: int
) -> None:
    async with open_shop(tmp_path / "project", database) as shop:
        proposal = await shop.waiver()
        stale = await shop.waiver("INV-3002")
        _copied(shop, tmp_path / "backup")
        shop.change("UPDATE {invoices} SET note = 'x' WHERE id = 'INV-3002'")
        assert await shop.work() == [("applied", ""), ("conflict", "version_moved")]
    _restored(shop, tmp_path / "backup")
    clock = TestClock(dt.datetime.now(dt.UTC) + dt.timedelta(hours=later_hours))
    async with reopened(shop.files, clock=clock) as again:
        assert await again.status(proposal) == "approved"
        assert await again.work() == [("already_applied", ""), ("conflict", "recorded_before")]
        assert [await again.status(p) for p in (proposal, stale)] == ["applied", "conflict"]
        assert again.invoice() == (0, "Paid next day.", 2)


@asynccontextmanager
async def _locked_row(shop: Shop) -> AsyncIterator[None]:
    """Hold a lock on INV-3001 as another program would."""
    touch = f"UPDATE {table(shop.database, 'invoices')} SET note = 'held' WHERE id = 'INV-3001'"
    if shop.database.engine == "postgres":
        connection = await asyncpg.connect(shop.database.admin_url)
        await connection.execute(f"BEGIN; {touch}")
        yield
        await connection.execute("ROLLBACK")
        await connection.close()
    elif shop.database.engine == "mariadb":
        with closing(connect_mariadb(shop.database.admin_url)) as maria, closing(maria.cursor()) as cursor:
            cursor.execute("START TRANSACTION")
            cursor.execute(touch)
            yield
            maria.rollback()
    else:
        with closing(sqlite3.connect(sqlite_path(shop.database), isolation_level=None)) as raw:
            raw.execute("BEGIN IMMEDIATE")
            yield
            raw.execute("ROLLBACK")


QUICK = {"    receipts:": "    timeouts: {lock_ms: 100}\n    receipts:"}


@pytest.mark.requirement("apply:outcome-true")
async def test_a_lock_that_is_not_given_in_time_leaves_no_receipt_and_the_job_to_be_done_later(
    tmp_path: Path, database: Database
) -> None:
    async with open_shop(tmp_path / "project", database, config=QUICK) as shop:
        proposal = await shop.waiver()
        worker = await shop.worker()
        reports: list[Any] = []
        worker.report = reports.append
        async with _locked_row(shop):
            await worker.run(once=True)
        assert (reports[0]["outcome"], reports[0]["code"]) == ("retry", "timeout")
        assert shop.receipts() == 0
        assert await shop.until_settled(proposal) == ["applied"]


# ---- authority and time between approval and commit (E, R4) -----------------------------------------------------------------


def _clock() -> TestClock:
    return TestClock(dt.datetime.now(dt.UTC))


@pytest.mark.requirement("approval:in-time")
@pytest.mark.parametrize("point", ["work.leased", "apply.begun", "apply.row_changed"])
async def test_an_approval_that_expires_between_the_lease_and_the_commit_applies_nothing(
    tmp_path: Path, database: Database, point: str
) -> None:
    clock = _clock()
    async with open_shop(tmp_path / "project", database, clock=clock) as shop:
        proposal = await shop.waiver()
        assert await shop.work(reached=at_point(point, lambda: clock.move(hours=25))) == [
            ("failed", "approval_expired")
        ]
        assert (shop.invoice(), await shop.status(proposal)) == (BEFORE, "failed")


@pytest.mark.requirement("apply:outcome-true")
@pytest.mark.parametrize("point", ["apply.committed", "work.applied"])
async def test_an_approval_that_expires_after_the_source_committed_and_before_the_ledger_knew_ends_as_applied(
    tmp_path: Path, database: Database, point: str
) -> None:
    clock = _clock()
    async with open_shop(tmp_path / "project", database, clock=clock) as shop:
        proposal = await shop.waiver()
        # Inside an attempt the worker survives its own bug; behind it, it dies of it.
        with suppress(BaseExceptionGroup, RuntimeError):
            await shop.attempt(reached=at_point(point, fail))
        assert (shop.invoice(), await shop.status(proposal)) == ((0, "Paid next day.", 2), "approved")
        clock.move(hours=25)
        assert await shop.work() == [("already_applied", "")]
        assert (shop.invoice(), await shop.status(proposal)) == ((0, "Paid next day.", 2), "applied")


@pytest.mark.requirement("apply:outcome-true")
@pytest.mark.parametrize("what", ["operator", "contract"])
async def test_authority_that_is_taken_away_after_the_commit_does_not_make_the_outcome_untrue(
    shop: Shop, what: str
) -> None:
    proposal = await shop.waiver()
    unanswered = [("retry", "internal")]
    assert await shop.work(reached=at_point("apply.committed", fail)) == [*unanswered, ("already_applied", "")]
    stale = await shop.waiver("INV-3002")
    assert await shop.attempt(reached=at_point("apply.committed", fail)) == unanswered
    if what == "operator":
        revoke_operator(shop.files.config.operators, "leo")
    else:
        await _activate_another(shop)
    assert await shop.work() == [("already_applied", "")]
    assert [await shop.status(p) for p in (proposal, stale)] == ["applied", "applied"]


@pytest.mark.requirement("approval:trusted-key")
@pytest.mark.parametrize(("who", "code"), [("leo", "approval_operator_revoked"), ("rita", "activation_invalid")])
@pytest.mark.one_engine
async def test_a_person_whose_key_was_revoked_after_signing_has_signed_nothing(shop: Shop, who: str, code: str) -> None:
    proposal = await shop.waiver()
    revoke_operator(shop.files.config.operators, who)
    assert await shop.work() == [("failed", code)]
    assert (shop.invoice(), await shop.status(proposal)) == (BEFORE, "failed")
    assert shop.receipts() == 0


async def _activate_another(shop: Shop) -> None:
    policy = shop.files.root / "policies" / "billing.yaml"
    policy.write_text(policy.read_text(encoding="utf-8").replace("at_most: 10000", "at_most: 5000"), encoding="utf-8")
    shop.project._contracts = None
    await activate_all(shop.files, shop.project)


@pytest.mark.requirement("activation:bound")
@pytest.mark.one_engine
async def test_a_contract_that_was_replaced_after_the_proposal_has_it_refused_and_one_that_comes_back_serves_again(
    shop: Shop,
) -> None:
    proposal = await shop.waiver()
    waiting = await shop.proposed(WAIVER, {"invoice_id": "INV-3002", "reason": "Goodwill."})
    first = (shop.files.root / "policies" / "billing.yaml").read_text(encoding="utf-8")
    await _activate_another(shop)
    assert await shop.work() == [("failed", "contract_not_active")]
    assert await shop.status(proposal) == "failed"
    # The desk still serves the first one, which nobody would apply any more: nothing is filed.
    assert (await shop.call(NOTE, {"invoice_id": "INV-3001", "note": "x"}))["error"]["code"] == "not_activated"
    (shop.files.root / "policies" / "billing.yaml").write_text(first, encoding="utf-8")
    shop.project._contracts = None
    await activate_all(shop.files, shop.project)
    await leo_approves(shop.files, shop.project, waiting["id"], waiting["digest"])
    assert await shop.work() == [("applied", "")]
    assert shop.invoice() == BEFORE


@pytest.mark.requirement("apply:outcome-true")
@pytest.mark.one_engine
async def test_a_lease_that_is_taken_away_or_given_to_everybody_in_the_ledger_changes_no_outcome(shop: Shop) -> None:
    proposal = await shop.waiver()

    def steal() -> None:
        with as_ledger_owner(shop) as raw:
            raw.execute("UPDATE job SET lease = NULL, lease_until = NULL, worker = NULL")

    def rewind() -> None:
        with as_ledger_owner(shop) as raw:
            raw.execute("UPDATE job SET lease = NULL, lease_until = NULL, attempt = 0")
        revoke_operator(shop.files.config.operators, "leo")

    reports = await shop.work(reached=at_point("apply.committed", steal))
    assert reports == [("applied", ""), ("already_applied", "")]
    assert (await shop.status(proposal), shop.invoice()) == ("applied", (0, "Paid next day.", 2))
    second = await shop.waiver("INV-3002")
    assert (await shop.work(reached=at_point("apply.committed", rewind)))[-1] == ("already_applied", "")
    assert await shop.status(second) == "applied"
    assert shop.receipts() == 2


@pytest.mark.one_engine
async def test_a_worker_whose_operators_file_is_broken_applies_nothing_and_goes_on_when_it_is_mended(
    shop: Shop,
) -> None:
    proposal = await shop.waiver()
    operators = shop.files.config.operators
    kept = operators.read_text(encoding="utf-8")
    worker = await shop.worker()
    for broken in ("operators: [", "", kept.replace("leo", "LEO"), kept + "\nsurprise: 1\n"):
        operators.write_text(broken, encoding="utf-8")
        with suppress(ConfigError):  # of a file that is read, and trusts others, nothing is told but in the job
            await worker.run(once=True)
        assert shop.invoice() == BEFORE
        if await shop.status(proposal) != "approved":
            break
    operators.write_text(kept, encoding="utf-8")
    assert await shop.status(proposal) == "approved"
    assert (await shop.work())[-1] == ("applied", "")


async def test_two_tenants_proposals_of_the_same_words_are_two_and_each_reaches_its_own_row(shop: Shop) -> None:
    ours = await shop.approved(NOTE, {"invoice_id": "INV-3001", "note": "Same."})
    theirs = await shop.approved(NOTE, {"invoice_id": "INV-9001", "note": "Same."}, GLOBEX)
    assert ours != theirs
    assert await shop.work() == [("applied", "")] * 2
    assert (
        fetch(shop.database, f"SELECT count(*) FROM {table(shop.database, 'invoices')} WHERE note = 'Same.'")[0][0] == 2
    )
    for session, other in ((ACME, "INV-9001"), (GLOBEX, "INV-3001")):
        assert (await shop.call(NOTE, {"invoice_id": other, "note": "x"}, session))["error"]["code"] == "not_found"
