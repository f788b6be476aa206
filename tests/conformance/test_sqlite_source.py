"""What is SQLite's own: the authorizer in the place of grants, the read-only file, interruption, and commits that the file settles."""

import asyncio
import logging
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from synapsor.core.plan import Relation
from synapsor.errors import ConfigError, Failure, SourceFailure
from synapsor.sources.sqlite import SqliteReadSource, SqliteWriteSource
from synapsor.sources.sqlite_connection import Hidden, Place, authorizer
from synapsor.sql.statement import Statement
from tests.databases import Database, execute, fetch, sqlite_path
from tests.sources import told_of_reader, told_of_writer

INVOICES = Relation(schema="billing", name="invoices")
REVIEW = Relation(schema="billing", name="invoice_review")
RECEIPTS = Relation(schema="billing", name="synapsor_receipts")
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def ask(text: str, *params: object) -> Statement:
    return Statement(text=text, params=params)


@pytest.fixture
async def reader(sqlite_db: Database) -> AsyncIterator[SqliteReadSource]:
    source = SqliteReadSource(name="shop", url=sqlite_db.read_url, schema="billing", pool_size=2, pool_wait_ms=200)
    yield source
    await source.aclose()


@pytest.fixture
async def writer(sqlite_db: Database) -> AsyncIterator[SqliteWriteSource]:
    source = SqliteWriteSource(name="shop", url=sqlite_db.write_url, schema="billing")
    yield source
    await source.aclose()


async def failure(source: SqliteReadSource, text: str, *params: object, time_ms: int = 2000) -> Failure:
    with pytest.raises(SourceFailure) as raised:
        await source.fetch(ask(text, *params), time_ms=time_ms)
    assert raised.value.__context__ is None
    return raised.value.kind


async def test_a_relation_is_reached_by_the_name_its_file_is_attached_as(reader: SqliteReadSource) -> None:
    rows = await reader.fetch(ask("SELECT status FROM billing.invoices WHERE id = :p1", "INV-3001"), time_ms=2000)
    assert [tuple(row) for row in rows] == [("overdue",)]


async def test_schema_main_opens_the_file_itself(sqlite_db: Database) -> None:
    source = SqliteReadSource(name="shop", url=sqlite_db.read_url)
    rows = await source.fetch(ask("SELECT count(*) FROM main.invoices WHERE tenant_id = :p1", "acme"), time_ms=2000)
    assert [tuple(row) for row in rows] == [(40,)]
    await source.aclose()


@pytest.mark.requirement("source:reader-cannot-write")
@pytest.mark.parametrize(
    "text",
    [
        "UPDATE billing.invoices SET note = 'x'",
        "DELETE FROM billing.invoices",
        "INSERT INTO billing.customers VALUES ('a', 'b', 'c', 'd', 'e')",
        "CREATE TEMP TABLE invoices (id TEXT)",
        "CREATE TABLE billing.extra (id TEXT)",
        "DROP VIEW billing.invoice_review",
        "ATTACH DATABASE ':memory:' AS other",
        "DETACH DATABASE billing",
        "PRAGMA query_only = OFF",
        "PRAGMA billing.journal_mode = OFF",
        "PRAGMA billing.table_xinfo('invoices')",
        "SELECT load_extension('x')",
        "SELECT randomblob(1000000000)",
        "SELECT sql FROM billing.sqlite_master",
        "SELECT * FROM pragma_table_info('invoices')",
        "SAVEPOINT a",
        "ANALYZE",
        "REINDEX",
    ],
)
async def test_the_authorizer_permits_a_reader_nothing_but_reading(reader: SqliteReadSource, text: str) -> None:
    assert await failure(reader, text) in {Failure.DENIED, Failure.DRIFT}


async def test_a_reader_cannot_copy_the_file(reader: SqliteReadSource, tmp_path: Path) -> None:
    assert await failure(reader, f"VACUUM billing INTO '{tmp_path}/stolen.db'") is Failure.OTHER
    assert not (tmp_path / "stolen.db").exists()


@pytest.mark.requirement("source:reader-cannot-write")
@pytest.mark.parametrize("layer", ["query_only", "mode=ro"])
def test_each_layer_below_the_authorizer_refuses_a_write_alone(sqlite_db: Database, layer: str) -> None:
    place = Place.parse(sqlite_db.read_url, "billing")
    with closing(place.open("read", authorizer("read", "billing", Hidden()))) as connection:
        connection.set_authorizer(None)
        if layer == "mode=ro":
            connection.execute("PRAGMA query_only = OFF")
        with pytest.raises(sqlite3.OperationalError) as raised:
            connection.execute("UPDATE billing.invoices SET note = 'x'")
        assert raised.value.sqlite_errorcode == sqlite3.SQLITE_READONLY


@pytest.mark.requirement("source:one-statement")
async def test_a_second_statement_is_refused(reader: SqliteReadSource, sqlite_db: Database) -> None:
    assert await failure(reader, "SELECT 1; DELETE FROM billing.invoices") is Failure.OTHER
    assert fetch(sqlite_db, "SELECT count(*) FROM invoices") == [(80,)]


async def test_a_denied_column_is_refused_after_posture_but_a_view_may_use_it(
    reader: SqliteReadSource, sqlite_db: Database
) -> None:
    execute(sqlite_db, "CREATE VIEW masked AS SELECT id, substr(card_token, 1, 1) AS first FROM invoices")
    query = "SELECT card_token FROM billing.invoices"
    await asyncio.gather(*(reader.fetch(ask(query), time_ms=2000) for _ in range(2)))
    await told_of_reader(reader, {REVIEW: frozenset({"id"})}, {INVOICES: frozenset({"card_token"})})
    assert await failure(reader, query) is Failure.DENIED
    assert await failure(reader, "SELECT id FROM billing.invoices WHERE \"card_token\" = 'x'") is Failure.DENIED
    around = "WITH c AS (SELECT card_token FROM billing.invoices) SELECT card_token FROM c"
    assert await failure(reader, around) is Failure.DENIED
    await reader.fetch(ask("SELECT id, first FROM billing.masked"), time_ms=2000)


async def test_a_late_statement_is_interrupted_and_its_place_is_free_again(reader: SqliteReadSource) -> None:
    for _ in range(3):
        assert await failure(reader, ENDLESS, time_ms=60) is Failure.TIMEOUT
    assert len(await reader.fetch(ask("SELECT 1"), time_ms=2000)) == 1


@pytest.mark.requirement("source:cancel-stops")
async def test_a_canceled_read_is_interrupted_and_its_place_is_free_again(reader: SqliteReadSource) -> None:
    calls = [asyncio.ensure_future(reader.fetch(ask(ENDLESS), time_ms=60_000)) for _ in range(2)]
    done, _ = await asyncio.wait(calls, timeout=0.1)
    assert not done
    for call in calls:
        call.cancel()
    assert [type(r) for r in await asyncio.gather(*calls, return_exceptions=True)] == [asyncio.CancelledError] * 2
    async with asyncio.timeout(30):
        assert len(await reader.fetch(ask("SELECT 1"), time_ms=20_000)) == 1


async def test_a_full_pool_is_busy(reader: SqliteReadSource) -> None:
    calls = [asyncio.ensure_future(reader.fetch(ask(ENDLESS), time_ms=60_000)) for _ in range(2)]
    await asyncio.sleep(0)
    assert await failure(reader, "SELECT 1") is Failure.BUSY
    for call in calls:
        call.cancel()
    await asyncio.wait(calls)


async def test_a_read_sees_what_was_committed_a_moment_ago(reader: SqliteReadSource, sqlite_db: Database) -> None:
    query = ask("SELECT note FROM billing.invoices WHERE id = 'INV-3001'")
    for note in ("first", "second"):
        execute(sqlite_db, f"UPDATE invoices SET note = '{note}' WHERE id = 'INV-3001'")
        assert [tuple(row) for row in await reader.fetch(query, time_ms=2000)] == [(note,)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("SELECT nope FROM billing.invoices", Failure.DRIFT),
        ("SELECT id FROM billing.nope", Failure.DRIFT),
        ("SELECT CAST(x'ff' AS TEXT)", Failure.VALUE),
        ("SELEC", Failure.OTHER),
    ],
)
async def test_a_failure_has_a_kind_and_no_text(reader: SqliteReadSource, text: str, kind: Failure) -> None:
    assert await failure(reader, text) is kind


@pytest.mark.parametrize("value", [True, "\ud800", 2**70, [1]], ids=["boolean", "surrogate", "wide", "list"])
async def test_a_value_that_cannot_be_bound_exactly_is_refused(reader: SqliteReadSource, value: object) -> None:
    assert await failure(reader, "SELECT id FROM billing.invoices WHERE tenant_id = :p1", value) is Failure.VALUE


async def test_a_missing_file_is_unavailable_and_is_not_made(tmp_path: Path) -> None:
    for kind in (SqliteReadSource, SqliteWriteSource):
        source = kind(name="shop", url=f"sqlite:///{tmp_path}/none.db", schema="billing")
        with pytest.raises(SourceFailure) as raised:
            await source.describe(INVOICES)
        assert raised.value.kind is Failure.UNAVAILABLE
        await source.aclose()
    assert os.listdir(tmp_path) == []  # noqa: PTH208  # pathlib's may block the loop, says another rule


@pytest.mark.parametrize("url", ["/a/file.db", "file:/a.db", "sqlite:/a.db", "postgresql:///x"])
def test_an_address_that_is_none_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ConfigError) as raised:
        SqliteReadSource(name="shop", url=url, schema="billing")
    assert url not in raised.value.message


@pytest.mark.requirement("secrets:never-shown")
async def test_nothing_of_a_statement_or_path_is_logged(
    reader: SqliteReadSource, sqlite_db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await reader.fetch(ask("SELECT id FROM billing.invoices WHERE note = :p1", "CANARY-value"), time_ms=2000)
    assert "CANARY" not in caplog.text + repr(reader)
    assert str(sqlite_path(sqlite_db)) not in caplog.text + repr(reader)


async def test_facts_of_a_table(reader: SqliteReadSource) -> None:
    facts = await reader.describe(INVOICES)
    assert facts is not None
    assert (facts.kind, facts.unique, facts.transactional, facts.hazards) == ("table", (frozenset({"id"}),), True, ())
    assert {name for name, column in facts.columns.items() if column.moves} == {"row_version", "updated_at"}
    assert "uuid" in facts.columns["id"].family
    assert facts.columns["late_fee_cents"].family == {"integer", "boolean"}
    assert facts.columns["late_fee_cents"].high == 2**63 - 1
    assert not facts.columns["id"].nullable
    assert await reader.describe(Relation(schema="billing", name="nope")) is None
    assert await reader.describe(Relation(schema="main", name="invoices")) is None


async def test_facts_are_cautious(reader: SqliteReadSource, sqlite_db: Database) -> None:
    execute(
        sqlite_db,
        """
        CREATE TABLE odd (
          a TEXT, b TEXT NOT NULL COLLATE NOCASE, c INTEGER PRIMARY KEY, d AS (c + 1), e DATETIME, v INTEGER, w INTEGER,
          UNIQUE (a), UNIQUE (b, c));
        CREATE UNIQUE INDEX partial ON odd (b) WHERE c > 1;
        CREATE UNIQUE INDEX computed ON odd (lower(b));
        CREATE TRIGGER sometimes AFTER UPDATE OF e ON odd BEGIN UPDATE odd SET v = v + 1 WHERE c = NEW.c; END;
        CREATE TRIGGER other AFTER UPDATE ON odd BEGIN
          UPDATE invoices SET row_version = 1 WHERE note = 'UPDATE odd SET w = 1'; -- UPDATE odd SET w = 2
        END;
        """,
    )
    facts = await reader.describe(Relation(schema="billing", name="odd"))
    assert facts is not None
    assert set(facts.unique) == {frozenset({"c"})}
    assert {name for name, column in facts.columns.items() if column.moves} == {"d"}
    stays = {name: column.stays for name, column in facts.columns.items() if column.stays}
    assert stays == {"v": "the trigger sometimes fires only for an UPDATE OF some columns"}
    assert {name for name, column in facts.columns.items() if not column.exact} == {"b"}
    view = await reader.describe(REVIEW)
    assert view is not None
    assert (view.kind, view.unique) == ("view", ())


async def test_a_writers_posture_names_what_is_missing(writer: SqliteWriteSource, sqlite_db: Database) -> None:
    assert await told_of_writer(writer, {INVOICES: frozenset({"note"})}, RECEIPTS) == []
    missing = await told_of_writer(writer, {}, Relation(schema="billing", name="nope"))
    assert [(f.rule, f.fatal) for f in missing] == [("receipts_missing", True)]
    execute(
        sqlite_db,
        "CREATE TABLE r2 (receipt_key BLOB, proposal_digest BLOB, proposal_id, tenant, outcome, ledger_head BLOB, worker)",
    )
    unfit = await told_of_writer(writer, {}, Relation(schema="billing", name="r2"))
    assert [(f.rule, f.fatal) for f in unfit] == [("receipts_key", True)]


async def test_a_writer_that_may_not_write_the_file_is_refused(
    writer: SqliteWriteSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = Relation(schema="other", name="invoices")
    writes = {INVOICES: frozenset({"note"}), elsewhere: frozenset({"note"})}
    assert [(f.rule, str(elsewhere) in f.message) for f in await told_of_writer(writer, writes, RECEIPTS)] == [
        ("writer_cannot_update", True)
    ]
    monkeypatch.setattr(os, "access", lambda *_: False)
    found = await told_of_writer(writer, {INVOICES: frozenset({"note"})}, RECEIPTS)
    assert [(f.rule, f.fatal) for f in found] == [("writer_cannot_update", True), ("receipts_privilege", True)]
    assert {f.fix for f in found} == {
        "Give the worker's user write access to the file and its directory, where SQLite keeps its journal."
    }


async def test_a_readers_posture_says_that_the_file_can_be_written(reader: SqliteReadSource) -> None:
    found = await told_of_reader(reader, {}, {})
    assert [(f.rule, f.fatal) for f in found] == ([("reader_can_write", False)] if os.access("/", os.R_OK) else [])


_DIES = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE invoices SET note = hex(randomblob(250))")
os.kill(os.getpid(), signal.SIGKILL)
"""


def _let_a_writer_die(path: Path) -> None:
    assert subprocess.run([sys.executable, "-c", _DIES, path], check=False).returncode == -signal.SIGKILL


@pytest.mark.requirement("source:sqlite-writer-died")
async def test_after_a_writer_was_killed_in_its_transaction_a_reader_is_told_to_wait_until_the_next_one_rolled_it_back(
    reader: SqliteReadSource, writer: SqliteWriteSource, sqlite_db: Database
) -> None:
    count = "SELECT count(*) FROM billing.invoices WHERE length(note) = 500"
    await asyncio.to_thread(_let_a_writer_die, sqlite_path(sqlite_db))
    assert await failure(reader, count) is Failure.UNAVAILABLE
    async with writer.transaction(time_ms=2000) as transaction:
        await transaction.fetch(ask("SELECT id FROM billing.invoices WHERE id = :p1", "INV-3001"))
    assert [tuple(row) for row in await reader.fetch(ask(count), time_ms=2000)] == [(0,)]


async def test_a_transaction_left_without_commit_leaves_nothing_and_no_lock(
    writer: SqliteWriteSource, sqlite_db: Database
) -> None:
    async with writer.transaction(time_ms=5000) as transaction:
        change = ask("UPDATE billing.invoices SET note = :p1 WHERE id = :p2", "gone", "INV-3001")
        assert await transaction.execute(change) == 1
    execute(sqlite_db, "UPDATE invoices SET note = 'mine' WHERE id = 'INV-3001'")
    assert fetch(sqlite_db, "SELECT note FROM invoices WHERE id = 'INV-3001'") == [("mine",)]


async def test_the_trigger_moves_the_version_and_is_not_counted(writer: SqliteWriteSource, sqlite_db: Database) -> None:
    async with writer.transaction(time_ms=5000) as transaction:
        change = ask("UPDATE billing.invoices SET note = :p1 WHERE id = :p2", "kept", "INV-3001")
        assert await transaction.execute(change) == 1
        after = await transaction.fetch(ask("SELECT row_version FROM billing.invoices WHERE id = 'INV-3001'"))
        await transaction.settle_constraints()
        await transaction.commit()
    assert [tuple(row) for row in after] == [(2,)]
    assert fetch(sqlite_db, "SELECT note FROM invoices WHERE id = 'INV-3001'") == [("kept",)]


async def test_a_writer_can_change_rows_and_nothing_else(writer: SqliteWriteSource) -> None:
    for text in (
        "CREATE TABLE billing.x (a)",
        "ATTACH ':memory:' AS y",
        "PRAGMA foreign_keys = OFF",
        "DROP TABLE billing.invoices",
    ):
        with pytest.raises(SourceFailure) as raised:
            async with writer.transaction(time_ms=5000) as transaction:
                await transaction.execute(ask(text))
        assert raised.value.kind is Failure.DENIED


@pytest.mark.requirement("source:deferred-constraint")
async def test_a_deferred_foreign_key_that_fails_at_commit_leaves_nothing(
    writer: SqliteWriteSource, sqlite_db: Database
) -> None:
    execute(
        sqlite_db,
        "CREATE TABLE parent (id TEXT PRIMARY KEY NOT NULL);"
        "CREATE TABLE child (id TEXT PRIMARY KEY NOT NULL, parent TEXT REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);"
        "INSERT INTO parent VALUES ('a'); INSERT INTO child VALUES ('c', 'a');",
    )
    async with writer.transaction(time_ms=5000) as transaction:
        assert await transaction.execute(ask("UPDATE billing.child SET parent = 'none'")) == 1
        await transaction.settle_constraints()
        with pytest.raises(SourceFailure) as raised:
            await transaction.commit()
    assert raised.value.kind is Failure.CONSTRAINT
    assert fetch(sqlite_db, "SELECT parent FROM child") == [("a",)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("UPDATE billing.invoices SET late_fee_cents = 'ten' WHERE id = 'INV-3001'", Failure.VALUE),
        ("UPDATE billing.invoices SET status = 'lost' WHERE id = 'INV-3001'", Failure.CONSTRAINT),
        ("UPDATE billing.invoices SET id = 'INV-3002' WHERE id = 'INV-3001'", Failure.CONSTRAINT),
        ("UPDATE billing.invoices SET customer = NULL WHERE id = 'INV-3001'", Failure.CONSTRAINT),
    ],
)
async def test_after_an_error_a_transaction_can_only_be_left(
    writer: SqliteWriteSource, text: str, kind: Failure
) -> None:
    async with writer.transaction(time_ms=5000) as transaction:
        with pytest.raises(SourceFailure) as raised:
            await transaction.execute(ask(text))
        assert raised.value.kind is kind
        with pytest.raises(SourceFailure):
            await transaction.fetch(ask("SELECT 1"))
        with pytest.raises(SourceFailure):
            await transaction.commit()


async def test_a_write_lock_held_elsewhere_is_a_timeout(writer: SqliteWriteSource, sqlite_db: Database) -> None:
    with closing(sqlite3.connect(sqlite_path(sqlite_db), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(SourceFailure) as raised:
            async with writer.transaction(time_ms=100):
                pytest.fail("the lock is held")
        assert raised.value.kind is Failure.TIMEOUT
        other.execute("ROLLBACK")
    async with writer.transaction(time_ms=5000) as transaction:
        await transaction.commit()


@pytest.mark.requirement("source:commit-outcome")
async def test_a_commit_that_a_reader_blocks_is_not_committed(writer: SqliteWriteSource, sqlite_db: Database) -> None:
    with closing(sqlite3.connect(sqlite_path(sqlite_db), isolation_level=None)) as other:
        async with writer.transaction(time_ms=500) as transaction:
            await transaction.execute(ask("UPDATE billing.invoices SET note = 'x' WHERE id = 'INV-3001'"))
            other.execute("BEGIN")
            other.execute("SELECT count(*) FROM invoices").fetchall()
            with pytest.raises(SourceFailure) as raised:
                await transaction.commit()
        assert raised.value.kind is Failure.TIMEOUT
        other.execute("ROLLBACK")
    assert fetch(sqlite_db, "SELECT note FROM invoices WHERE id = 'INV-3001'") != [("x",)]


@pytest.mark.requirement("source:commit-outcome")
async def test_a_commit_outlives_the_cancellation_of_its_caller(writer: SqliteWriteSource, sqlite_db: Database) -> None:
    async def work(note: str) -> None:
        async with writer.transaction(time_ms=2000) as transaction:
            await transaction.execute(ask("UPDATE billing.invoices SET note = :p1 WHERE id = 'INV-3001'", note))
            asyncio.get_running_loop().call_soon(task.cancel)
            await transaction.commit()

    for number in range(20):
        task = asyncio.ensure_future(work(f"n{number}"))
        with pytest.raises(asyncio.CancelledError):
            await task
        assert fetch(sqlite_db, "SELECT note FROM invoices WHERE id = 'INV-3001'") == [(f"n{number}",)]


async def test_two_sources_on_one_file_have_one_fingerprint_and_others_another(
    reader: SqliteReadSource, sqlite_db: Database, tmp_path: Path
) -> None:
    same = SqliteReadSource(name="b", url=sqlite_db.read_url, schema="main")
    other = SqliteReadSource(name="shop", url=f"sqlite:///{tmp_path}/other.db", schema="billing")
    assert await same.fingerprint() == await reader.fingerprint() != await other.fingerprint()
    assert str(tmp_path) not in await reader.fingerprint()
