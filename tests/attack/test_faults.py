"""Whatever fails, and however: the answer is a code of the closed table in the table's own words, each call is audited, and no evidence means no rows."""

import asyncio
import json
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from synapsor.errors import MEANINGS, Code, LedgerFailure
from synapsor.ledger import sqlite, sqlite_file
from synapsor.sources import sqlite as sqlite_source
from synapsor.work.pace import Pace
from tests.attack.shop import INSPECT, LIST, NOTE, WAIVER, Shop, meanwhile, open_shop
from tests.attack.test_desk_cases import locked_table
from tests.databases import Database, connect_mariadb, execute, fetch, load_mariadb, load_postgres, sqlite_path, table
from tests.decisions import ROW, audit_of, evidence_of, proposal
from tests.projects import ACME, ROOT
from tests.servers import Server, start_mariadb, start_postgres
from tests.sources import eventually

pytestmark = pytest.mark.requirement("errors:closed-table")

SAID = "CANARY driver text"


def plain_refusal(answer: dict[str, Any], *codes: str) -> None:
    """See that an answer holds a code of these, the table's words for it, and nothing else."""
    meaning = MEANINGS[Code(answer["error"]["code"])]
    told = {
        "message": meaning.message,
        "fix": meaning.fix,
        "retryable": meaning.retryable,
        "retry_after_ms": meaning.retry_after_ms,
    }
    assert answer["error"] == {"code": answer["error"]["code"], **told}
    assert answer["error"]["code"] in codes
    assert (answer["ok"], answer["data"], answer["proposal"], answer["evidence"]) == (False, None, None, None)
    assert answer["summary"] == meaning.message
    assert answer["source_database_changed"] is False


# ---- every state that a server can answer with ------------------------------------------------------------------------------

STATES: dict[str, dict[str, str]] = {
    "postgres": {
        "08000": "source_unavailable", "08006": "source_unavailable", "0A000": "schema_drift", "0L000": "internal",
        "21000": "internal", "22001": "not_found", "22003": "not_found", "22012": "not_found", "22P02": "not_found", "22021": "not_found",
        "23502": "internal", "23503": "internal", "23505": "internal", "23514": "internal", "23P01": "internal", "24000": "internal",
        "25006": "schema_drift", "25P02": "internal", "26000": "internal", "28000": "schema_drift", "28P01": "schema_drift",
        "2BP01": "internal", "34000": "internal", "38000": "internal", "39000": "internal", "3D000": "source_unavailable",
        "3F000": "schema_drift", "40001": "busy", "40P01": "busy", "40003": "source_unavailable", "42501": "schema_drift",
        "42601": "internal", "42703": "schema_drift", "42804": "schema_drift", "42883": "schema_drift", "42P01": "schema_drift",
        "44000": "internal", "53100": "busy", "53200": "busy", "53300": "busy", "54000": "internal", "55P03": "timeout",
        "57014": "timeout", "57P01": "source_unavailable", "57P03": "source_unavailable", "58000": "source_unavailable",
        "58030": "source_unavailable", "72000": "internal", "F0000": "internal", "HV000": "internal", "P0001": "internal",
        "P0002": "internal", "XX000": "internal", "XX001": "internal", "ZZ999": "internal",
    },
    "mariadb": {
        "1037": "busy", "1040": "busy", "1041": "busy", "1044": "schema_drift", "1045": "schema_drift", "1048": "internal",
        "1049": "schema_drift", "1053": "source_unavailable", "1054": "schema_drift", "1062": "internal", "1064": "internal",
        "1105": "internal", "1142": "schema_drift", "1143": "schema_drift", "1146": "schema_drift", "1158": "source_unavailable",
        "1205": "timeout", "1213": "busy", "1226": "busy", "1227": "schema_drift", "1264": "not_found", "1265": "not_found",
        "1292": "not_found", "1305": "schema_drift", "1317": "busy", "1356": "schema_drift", "1366": "not_found", "1369": "internal",
        "1370": "schema_drift", "1390": "internal", "1406": "not_found", "1412": "busy", "1451": "internal", "1452": "internal",
        "1615": "schema_drift", "1644": "internal", "1690": "not_found", "1792": "schema_drift", "1836": "source_unavailable",
        "1927": "source_unavailable", "1969": "timeout", "2006": "source_unavailable", "2013": "source_unavailable",
        "3024": "timeout", "4025": "internal", "9999": "internal",
    },
}  # fmt: skip
_MAKE = {
    "postgres": """
CREATE FUNCTION billing.boom(state text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF state = 'fine' THEN RETURN 'fine'; END IF;
  RAISE EXCEPTION 'CANARY driver text' USING ERRCODE = state, DETAIL = 'CANARY driver text detail', HINT = 'CANARY driver text hint';
END $$;
CREATE TABLE billing.faults (id text PRIMARY KEY, tenant_id text NOT NULL);
CREATE VIEW billing.fault_view WITH (security_barrier) AS SELECT id, tenant_id, billing.boom(id) AS note FROM billing.faults;
CREATE VIEW billing.slow_view WITH (security_barrier) AS SELECT id, tenant_id, pg_sleep(30)::text AS note FROM billing.faults;
GRANT SELECT ON billing.fault_view, billing.slow_view TO synapsor_reader;
GRANT EXECUTE ON FUNCTION billing.boom TO synapsor_reader;
""",
    "mariadb": """
CREATE FUNCTION boom(state varchar(20)) RETURNS varchar(20) DETERMINISTIC NO SQL SQL SECURITY DEFINER
BEGIN
  DECLARE number integer;
  IF state = 'fine' THEN RETURN 'fine'; END IF;
  SET number = state;
  SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = number, MESSAGE_TEXT = 'CANARY driver text';
END;
CREATE TABLE faults (id varchar(20) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, tenant_id varchar(64) NOT NULL) ENGINE=InnoDB;
CREATE VIEW fault_view AS SELECT id, tenant_id, concat(id) AS note FROM faults;
CREATE VIEW slow_view AS SELECT id, tenant_id, concat('', sleep(30)) AS note FROM faults;
GRANT SELECT ON fault_view TO synapsor_reader@'127.0.0.1';
GRANT SELECT ON slow_view TO synapsor_reader@'127.0.0.1';
""",
}
# MariaDB shows the columns of a view with a function only to whoever may call the function, and such a reader is refused.
_ARM = {"mariadb": "CREATE OR REPLACE VIEW fault_view AS SELECT id, tenant_id, boom(id) AS note FROM faults"}
_DROP = {
    "postgres": "DROP VIEW IF EXISTS billing.fault_view, billing.slow_view; DROP TABLE IF EXISTS billing.faults; DROP FUNCTION IF EXISTS billing.boom(text);",
    "mariadb": "DROP VIEW IF EXISTS fault_view, slow_view; DROP TABLE IF EXISTS faults; DROP FUNCTION IF EXISTS boom;",
}
_FAULT_POLICY = """\
synapsor: 1
contract: faults
contexts:
  support: {tenant: session.tenant_id, principal: session.user}
tables:
  faults:
    source: shop
    relation: billing.fault_view
    key: id
    tenant: tenant_id
    columns: {id: text, tenant_id: text, note: text}
  slow:
    source: shop
    relation: billing.slow_view
    key: id
    tenant: tenant_id
    columns: {id: text, tenant_id: text, note: text}
capabilities:
  faults.inspect:
    description: Look at one row whose view fails.
    read: faults
    arguments: {number: {type: string, max_length: 20}}
    where: {id: $number}
  faults.slow:
    description: Look at one row whose view takes long.
    read: slow
    arguments: {number: {type: string, max_length: 20}}
    where: {id: $number}
    limits: {time_ms: 100}
"""


@pytest.fixture(params=["postgres", "mariadb"])
def served(request: pytest.FixtureRequest) -> Database:
    """A database with a server of its own."""
    found: Database = request.getfixturevalue(f"{request.param}_db")
    return found


@asynccontextmanager
async def fault_shop(
    root: Path,
    database: Database,
    ids: Sequence[str],
    *,
    config: dict[str, str] | None = None,
    policy: str = _FAULT_POLICY,
) -> AsyncIterator[Shop]:
    """Open a project over a view that fails in the way that a row names."""
    execute(database, _DROP[database.engine] + _MAKE[database.engine])
    values = ", ".join(f"('{name}', 'acme')" for name in ids)
    execute(database, f"INSERT INTO {table(database, 'faults')} (id, tenant_id) VALUES {values}")
    try:
        async with open_shop(root, database, policy=policy, config=config or {}) as shop:
            if database.engine in _ARM:
                execute(database, _ARM[database.engine])
            yield shop
    finally:
        execute(database, _DROP[database.engine])


@pytest.mark.requirement("canary:nowhere", "audit:every-call")
async def test_every_state_that_a_server_answers_with_becomes_a_code_of_the_table_and_its_text_stays_behind(
    tmp_path: Path, served: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    states = STATES[served.engine]
    async with fault_shop(tmp_path / "project", served, [*states, "fine"]) as shop:
        for state, code in states.items():
            answer = await shop.call("faults.inspect", {"number": state})
            plain_refusal(answer, code)
            assert "CANARY" not in json.dumps(answer)
        assert (await shop.call("faults.inspect", {"number": "fine"}))["data"]["row"]["note"] == "fine"
        assert [outcome for _, outcome in shop.audits()] == [*states.values(), "ok"]
        assert (await shop.project.verify()).ok
    assert "CANARY" not in caplog.text
    assert "CANARY" not in "".join(str(vars(record)) for record in caplog.records)
    kept = b"".join(path.read_bytes() for path in (tmp_path / "project" / ".synapsor").iterdir())
    assert b"CANARY" not in kept


LITE: dict[int, str] = {
    sqlite3.SQLITE_BUSY: "timeout",
    sqlite3.SQLITE_BUSY_SNAPSHOT: "busy",
    sqlite3.SQLITE_LOCKED: "busy",
    sqlite3.SQLITE_INTERRUPT: "timeout",
    sqlite3.SQLITE_CORRUPT: "source_unavailable",
    sqlite3.SQLITE_NOTADB: "source_unavailable",
    sqlite3.SQLITE_IOERR: "source_unavailable",
    sqlite3.SQLITE_IOERR_READ: "source_unavailable",
    sqlite3.SQLITE_FULL: "source_unavailable",
    sqlite3.SQLITE_NOMEM: "source_unavailable",
    sqlite3.SQLITE_CANTOPEN: "source_unavailable",
    sqlite3.SQLITE_PROTOCOL: "source_unavailable",
    sqlite3.SQLITE_AUTH: "schema_drift",
    sqlite3.SQLITE_PERM: "schema_drift",
    sqlite3.SQLITE_READONLY: "schema_drift",
    sqlite3.SQLITE_SCHEMA: "schema_drift",
    sqlite3.SQLITE_CONSTRAINT: "internal",
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: "internal",
    sqlite3.SQLITE_MISMATCH: "not_found",
    sqlite3.SQLITE_TOOBIG: "not_found",
    sqlite3.SQLITE_ERROR: "internal",
    sqlite3.SQLITE_MISUSE: "internal",
    sqlite3.SQLITE_INTERNAL: "internal",
}


@pytest.mark.requirement("canary:nowhere", "audit:every-call")
async def test_every_number_that_sqlite_fails_with_becomes_a_code_of_the_table_and_its_text_stays_behind(
    tmp_path: Path, sqlite_db: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    async with open_shop(tmp_path / "project", sqlite_db) as shop:
        for number, code in LITE.items():
            error = sqlite3.OperationalError(SAID)
            error.sqlite_errorcode = number
            monkeypatch.setattr(sqlite_source, "read", partial(_failing, error))
            plain_refusal(await shop.call(INSPECT, {"invoice_id": "INV-3001"}), code)
            plain_refusal(await shop.call(WAIVER, {"invoice_id": "INV-3001", "reason": "x"}), code)
        for broken in (
            ValueError(SAID),
            MemoryError(SAID),
            RecursionError(SAID),
            KeyError(SAID),
            OverflowError(SAID),
            AssertionError(SAID),
        ):
            monkeypatch.setattr(sqlite_source, "read", partial(_failing, broken))
            plain_refusal(await shop.call(INSPECT, {"invoice_id": "INV-3001"}), "internal", "not_found")
        assert len(shop.audits()) == 2 * len(LITE) + 6
    assert SAID not in caplog.text


def _failing(error: Exception, *_: Any, **__: Any) -> Callable[[Any], Any]:
    def job(_: Any) -> Any:
        raise error

    return job


@pytest.mark.one_engine
async def test_a_bug_of_our_own_is_internal_and_its_text_is_not_logged(
    shop: Shop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)

    async def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError(SAID)

    monkeypatch.setattr(type(shop.project.reader("shop")), "fetch", broken)
    for name, arguments in (
        (INSPECT, {"invoice_id": "INV-3001"}),
        (LIST, {}),
        (NOTE, {"invoice_id": "INV-3001", "note": "x"}),
    ):
        plain_refusal(await shop.call(name, arguments), "internal")
    assert [outcome for _, outcome in shop.audits()] == ["internal"] * 3
    assert SAID not in caplog.text
    assert SAID not in "".join(str(vars(record)) for record in caplog.records)


# ---- real faults of a server ------------------------------------------------------------------------------------------------


@pytest.mark.requirement("read:bounded")
async def test_a_view_that_takes_too_long_is_a_timeout_and_the_pool_serves_on(tmp_path: Path, served: Database) -> None:
    pool = {"    receipts:": "    pool: {size: 1, wait_ms: 3000}\n    receipts:"}
    async with fault_shop(tmp_path / "project", served, ["fine"], config=pool) as shop:
        for _ in range(2):
            async with asyncio.timeout(20):  # and not the half minute that it would take
                plain_refusal(await shop.call("faults.slow", {"number": "fine"}), "timeout")
            assert (await shop.call("faults.inspect", {"number": "fine"}))["ok"]

        async def ended() -> bool:
            return _sleeping(served) == 0

        await eventually(ended)  # a server may say that it kills before the statement, of half a minute, has ended


def _sleeping(database: Database) -> int:
    query = {
        "postgres": "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%slow_view%' AND pid <> pg_backend_pid()",
        "mariadb": "SELECT count(*) FROM information_schema.processlist WHERE info LIKE '%slow_view%' AND id <> connection_id()",
    }[database.engine]
    return int(fetch(database, query)[0][0])


@pytest.mark.requirement("read:bounded")
async def test_a_lock_that_is_not_given_is_a_timeout_and_a_full_pool_is_busy(
    tmp_path: Path, database: Database
) -> None:
    config = {"    receipts:": "    pool: {size: 1}\n    receipts:"}
    policy = (ROOT / "policies" / "billing.yaml").read_text(encoding="utf-8")
    quick = policy.replace("  billing.list_overdue:", "    limits: {time_ms: 1500}\n\n  billing.list_overdue:")
    async with open_shop(tmp_path / "project", database, config=config, policy=quick) as shop:
        pool = shop.project.reader("shop")._pool  # type: ignore[attr-defined]  # to see that nobody is being tidied
        await pool.tidied()
        pool._wait_seconds = 0.1  # from now on: to open a project takes a slow machine longer
        async with locked_table(database):
            calls = [asyncio.create_task(shop.call(INSPECT, {"invoice_id": f"INV-300{n}"})) for n in (1, 2)]
            async with asyncio.timeout(30):
                one, two = await asyncio.gather(*calls)
            plain_refusal(one, "timeout")
            plain_refusal(two, "busy")
        await pool.tidied()
        assert (await shop.call(INSPECT, {"invoice_id": "INV-3001"}))["ok"]
        assert sorted(outcome for _, outcome in shop.audits()) == ["busy", "ok", "timeout"]


async def _killed_while(shop: Shop, call: Any) -> dict[str, Any]:
    """Kill the reader's session on the server while its call waits there."""
    task = asyncio.create_task(call)
    if shop.database.engine == "postgres":
        admin = await asyncpg.connect(shop.database.admin_url)
        kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'synapsor_reader' AND state = 'active' AND datname = current_database()"
        async with asyncio.timeout(30):
            while not await admin.fetch(kill):  # noqa: ASYNC110  # no event tells what runs on a server
                await asyncio.sleep(0.005)
        await admin.close()
    else:
        with closing(connect_mariadb(shop.database.admin_url)) as maria, closing(maria.cursor()) as cursor:
            async with asyncio.timeout(30):
                while not cursor.execute(  # noqa: ASYNC110  # as above
                    "SELECT id FROM information_schema.processlist WHERE user = 'synapsor_reader' AND info LIKE '%slow_view%'"
                ):
                    await asyncio.sleep(0.005)
            cursor.execute(f"KILL {cursor.fetchall()[0][0]}")
    answer: dict[str, Any] = await task
    return answer


async def test_a_session_that_is_killed_in_the_middle_of_a_call_is_no_answer_and_the_next_call_is(
    tmp_path: Path, served: Database
) -> None:
    slow = _FAULT_POLICY.replace("time_ms: 100", "time_ms: 9000")
    async with fault_shop(tmp_path / "project", served, ["fine"], policy=slow) as shop:
        plain_refusal(
            await _killed_while(shop, shop.call("faults.slow", {"number": "fine"})),
            "source_unavailable",
            "busy",
            "timeout",
        )
        assert (await shop.call("faults.inspect", {"number": "fine"}))["ok"]
        assert len(shop.audits()) == 2


_OWN: dict[str, tuple[Callable[..., Server], Callable[[Server], Database]]] = {
    "postgres": (start_postgres, load_postgres),
    "mariadb": (start_mariadb, load_mariadb),
}


@pytest.mark.chaos
@pytest.mark.parametrize("engine", ["postgres", "mariadb"])
async def test_a_server_that_goes_away_and_comes_back_is_unavailable_and_then_serves_again(
    tmp_path: Path, engine: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(f"{engine}_server")  # skips where there is none
    start, load = _OWN[engine]
    server = await asyncio.to_thread(start)
    try:
        database = await asyncio.to_thread(load, server)
        async with open_shop(tmp_path / "project", database) as shop:
            handle = await shop.waiver()
            worker = await shop.worker()
            assert (await shop.call(INSPECT, {"invoice_id": "INV-3001"}))["ok"]
            await asyncio.to_thread(server.stop, "immediate")
            for name, arguments in (
                (INSPECT, {"invoice_id": "INV-3001"}),
                (LIST, {}),
                (NOTE, {"invoice_id": "INV-3001", "note": "x"}),
            ):
                plain_refusal(await shop.call(name, arguments), "source_unavailable")
            worker.pace = Pace(backoff_seconds=0)
            await worker.run(once=True)
            assert await shop.status(handle) == "approved"
            await asyncio.to_thread(server.start)
            assert (await shop.call(INSPECT, {"invoice_id": "INV-3001"}))["ok"]
            assert await shop.until_settled(handle) == ["applied"]
            assert shop.invoice() == (0, "Paid next day.", 2)
    finally:
        await asyncio.to_thread(server.close)


async def test_a_file_that_is_gone_or_no_database_is_unavailable_and_is_never_made_anew(
    tmp_path: Path, sqlite_db: Database
) -> None:
    config = {"    receipts:": "    pool: {size: 1, wait_ms: 3000}\n    receipts:"}
    async with open_shop(tmp_path / "project", sqlite_db, config=config) as shop:
        path, away = sqlite_path(sqlite_db), tmp_path / "away"
        pool = shop.project.reader("shop")._pool  # type: ignore[attr-defined]  # an open file outlives its name
        for replace in (None, b"", b"not a database" * 100):
            while pool._idle:
                await pool._idle.pop().close()
            path.rename(away)
            if replace is not None:
                path.write_bytes(replace)
            plain_refusal(await shop.call(INSPECT, {"invoice_id": "INV-3001"}), "source_unavailable", "schema_drift")
            assert path.exists() == (replace is not None)
            away.replace(path)
        while pool._idle:
            await pool._idle.pop().close()
        assert (await shop.call(INSPECT, {"invoice_id": "INV-3001"}))["ok"]


# ---- the ledger (R8, I16) ---------------------------------------------------------------------------------------------------

EVERY_CALL: list[tuple[str, dict[str, Any]]] = [
    (INSPECT, {"invoice_id": "INV-3001"}),
    (INSPECT, {"invoice_id": "INV-0000"}),
    (INSPECT, {}),
    (LIST, {}),
    (WAIVER, {"invoice_id": "INV-3001", "reason": "x"}),
    (NOTE, {"invoice_id": "INV-9001", "note": "x"}),
    ("synapsor.proposal_status", {"proposal_id": "wrp_" + "0" * 20}),
    ("synapsor.wait_for_decision", {"proposal_id": "wrp_" + "0" * 20}),
]


@pytest.mark.requirement("evidence:before-rows")
@pytest.mark.one_engine
async def test_a_ledger_whose_disk_is_full_lets_no_row_out_and_serves_again_when_there_is_room(shop: Shop) -> None:
    for _ in range(3):
        assert (await shop.call(LIST))["ok"]
    before = len(shop.audits())
    writer = shop.ledger._connection._writer  # type: ignore[attr-defined]  # to fill its disk without one
    full = await _pragma(shop, writer, "page_count")
    await _pragma(shop, writer, f"max_page_count={full}")
    refused = 0
    for name, arguments in EVERY_CALL * 12:
        answer = await shop.call(name, arguments)
        if (answer["error"] or {}).get("code") == "evidence_unavailable":
            plain_refusal(answer, "evidence_unavailable")
            assert answer["audit"] is None
            refused += 1
        else:
            assert answer["audit"] is not None
    assert refused > 20
    # Each answer that names an audit has one, and none is there that no answer names.
    assert len(shop.audits()) - before == len(EVERY_CALL) * 12 - refused
    with pytest.raises(Exception, match="full"):
        await shop.ledger.file_proposal(*_never(shop))
    await _pragma(shop, writer, "max_page_count=1073741823")
    assert (await shop.call(LIST))["ok"]
    assert (await shop.project.verify()).ok


def _never(shop: Shop) -> tuple[Any, Any, Any]:
    evidence = {**evidence_of(ROW), "rows": [["x" * 200_000]]}
    return proposal(shop.ledger.id), evidence, audit_of(evidence)


async def _pragma(shop: Shop, writer: sqlite3.Connection, pragma: str) -> int:
    """Run a pragma on the ledger's own writing connection, while nobody writes."""
    await shop.ledger.healthy()
    row: Any = writer.execute(f"PRAGMA {pragma}").fetchone()
    return int(next(iter(row.values()))) if isinstance(row, dict) else int(row[0])


@pytest.mark.requirement("evidence:before-rows")
@pytest.mark.one_engine
async def test_a_ledger_that_another_process_holds_lets_no_row_out(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.02)
    async with open_shop(tmp_path / "project", database) as shop:
        with closing(sqlite3.connect(shop.ledger_path, isolation_level=None)) as raw:
            raw.execute("BEGIN IMMEDIATE")
            for name, arguments in EVERY_CALL:
                answer = await shop.call(name, arguments)
                plain_refusal(answer, "evidence_unavailable")
                assert answer["audit"] is None
            raw.execute("ROLLBACK")
        assert shop.audits() == []
        assert await shop.ledger.inbox(status=None, limit=10) == ()
        assert (await shop.call(LIST))["ok"]


@pytest.mark.requirement("evidence:before-rows", "errors:closed-table")
@pytest.mark.one_engine
async def test_a_ledger_that_fails_in_any_other_way_lets_no_row_out_and_tells_nothing(
    shop: Shop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    for error in (
        sqlite3.OperationalError(SAID),
        sqlite3.DatabaseError(SAID),
        sqlite3.ProgrammingError(SAID),
        sqlite3.IntegrityError(SAID),
    ):
        monkeypatch.setattr(sqlite_file.SqliteTransaction, "execute", _raising(error))
        for name, arguments in EVERY_CALL:
            plain_refusal(await shop.call(name, arguments), "evidence_unavailable")
        monkeypatch.undo()
        caplog.set_level(logging.DEBUG)
    assert shop.audits() == []
    assert SAID not in caplog.text
    assert (await shop.call(LIST))["ok"]


def _raising(error: Exception) -> Callable[..., Any]:
    async def execute_(*_: Any, **__: Any) -> Any:
        raise error

    return execute_


async def test_a_resource_that_cannot_be_looked_up_is_not_there_and_nothing_is_told_of_why(
    tmp_path: Path, sqlite_db: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    async with open_shop(tmp_path / "project", sqlite_db) as shop:
        answer = await shop.call(WAIVER, {"invoice_id": "INV-3001", "reason": "x"})
        uris = [f"synapsor://{kind}/{answer[kind]['id']}" for kind in ("proposal", "evidence")]
        assert None not in [await shop.desk.resource(uri, ACME) for uri in uris]
        for error in (sqlite3.OperationalError(SAID), LedgerFailure("unreadable"), ValueError(SAID), KeyError(SAID)):
            monkeypatch.setattr(sqlite_file.SqliteTransaction, "one", _raising(error))
            assert [await shop.desk.resource(uri, ACME) for uri in uris] == [None, None]
            told = await shop.call("synapsor.proposal_status", {"proposal_id": answer["proposal"]["id"]})
            plain_refusal(told, "evidence_unavailable", "internal")
        monkeypatch.undo()
    assert SAID not in caplog.text


@pytest.mark.requirement("audit:every-call")
async def test_there_is_one_audit_for_every_call_that_was_answered_refused_failed_or_canceled(shop: Shop) -> None:
    calls = 0
    for name, arguments in EVERY_CALL:
        await shop.call(name, arguments)
        await shop.desk.call(name, None, ACME)
        await shop.call("billing.nothing", arguments)
        calls += 3
    async with locked_table(shop.database):
        tasks = [asyncio.create_task(shop.call(INSPECT, {"invoice_id": "INV-3001"})) for _ in range(3)]
        for _ in range(200):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(r, asyncio.CancelledError) for r in results)
    audits = shop.audits()
    assert len(audits) == calls + 3
    assert [outcome for _, outcome in audits].count("canceled") == 3
    codes = {code.value for code in Code} | {"ok", "proposed"}
    assert {outcome for _, outcome in audits} <= codes
    assert (await shop.project.verify()).ok


async def test_a_schema_change_in_the_middle_of_many_calls_leaves_only_answers_of_the_table(odd: Shop) -> None:
    async def calls() -> list[dict[str, Any]]:
        return [await odd.call("odd.inspect", {"number": 1}) for _ in range(20)]

    with meanwhile(odd, "ALTER TABLE {odd} ADD COLUMN later text", "SELECT 1"):
        running = [asyncio.create_task(calls()) for _ in range(3)]
        await asyncio.to_thread(
            odd.change,
            "ALTER TABLE {odd} RENAME COLUMN word TO term"
            if odd.database.engine != "mariadb"
            else "ALTER TABLE odd CHANGE word term varchar(5)",
        )
        answers = [answer for told in await asyncio.gather(*running) for answer in told]
    for answer in answers:
        if not answer["ok"]:
            plain_refusal(answer, "schema_drift", "busy", "timeout")
    assert len(odd.audits()) == 60
