"""Tables and servers that cannot keep what an apply promises keep a worker from starting, on real servers; what may lose a commit is told."""

import logging
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from synapsor.errors import UnsafeSource
from synapsor.sources.mysql import MysqlWriteSource
from synapsor.sources.tls import Tls
from tests.businesses import Business, load_business, opened
from tests.databases import WRITER, Database, execute
from tests.sources import open_reader, open_writer, relation, told_of_reader, told_of_writer

TABLES: dict[str, list[tuple[str, str, str]]] = {
    "postgres": [
        (
            "ALTER TABLE retail.purchase_orders DROP CONSTRAINT purchase_orders_pkey",
            "ALTER TABLE retail.purchase_orders ADD PRIMARY KEY (tenant_id, id)",
            "key_not_unique: stock: retail.purchase_orders",
        ),
        (
            "ALTER TABLE retail.stock DROP CONSTRAINT stock_pkey CASCADE; CREATE UNIQUE INDEX s ON retail.stock (tenant_id, store_id, sku) WHERE on_hand > 0",
            "DROP INDEX retail.s; ALTER TABLE retail.stock ADD PRIMARY KEY (tenant_id, store_id, sku)",
            "key_not_unique: stock: retail.stock",
        ),
        (
            "ALTER TABLE retail.stock DISABLE TRIGGER USER",
            "ALTER TABLE retail.stock ENABLE TRIGGER USER",
            "version_does_not_move: stock: Not",
        ),
    ],
    "mariadb": [
        (
            "ALTER TABLE purchase_orders DROP PRIMARY KEY",
            "ALTER TABLE purchase_orders ADD PRIMARY KEY (tenant_id, id)",
            "key_not_unique: stock: retail.purchase_orders",
        ),
        (
            "DROP TRIGGER products_row_version",
            (
                "CREATE TRIGGER products_row_version BEFORE UPDATE ON products FOR EACH ROW"
                " SET NEW.row_version = OLD.row_version + 1, NEW.updated_at = CURRENT_TIMESTAMP(6)"
            ),
            "version_does_not_move: stock: Nothing",
        ),
        (
            "SET GLOBAL binlog_format = 'STATEMENT'",
            "SET GLOBAL binlog_format = 'ROW'",
            "read_committed_refused: stock: ",
        ),
        (
            "RENAME TABLE products TO kept; CREATE TABLE products LIKE kept; ALTER TABLE products ENGINE=MyISAM",
            "DROP TABLE products; RENAME TABLE kept TO products",
            "not_transactional: stock: retail.products",
        ),
    ],
    "sqlite": [
        (
            "DROP TRIGGER stock_row_version",
            "",
            "version_does_not_move: stock: Nothing",
        ),
    ],
}


@asynccontextmanager
async def retail(engine: str, request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Business]:
    """Open the chain of shops, whose contract adds, changes and removes rows."""
    server = None if engine == "sqlite" else request.getfixturevalue(f"{engine}_server")
    async with opened("retail", load_business("retail", engine, server, folder), folder / "project") as found:
        yield found


@pytest.mark.requirement("posture:worker-sufficient", "posture:version-moves")
@pytest.mark.parametrize("engine", sorted(TABLES))
async def test_a_worker_does_not_start_on_tables_and_servers_that_cannot_keep_an_apply(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    async with retail(engine, request, tmp_path) as business:
        await business.project.worker()
        for do, undo, told in TABLES[engine]:
            execute(business.files.database, do)
            try:
                with pytest.raises(UnsafeSource) as refused:
                    await business.project.worker()
            finally:
                if undo:
                    execute(business.files.database, undo)
            assert (do, told in refused.value.message) == (do, True), refused.value.message


@pytest.mark.requirement("posture:safe-credential")
@pytest.mark.parametrize("engine", ["postgres", "mariadb"])
@pytest.mark.parametrize("encrypted", [True, False])
async def test_a_credential_whose_connection_leaves_the_host_in_clear_is_refused(
    engine: str, encrypted: bool, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    database: Database = request.getfixturevalue(f"{engine}_db")
    tls = Tls(ca=database.ca if encrypted else None, required=encrypted)
    reader, writer = open_reader(database, tls=tls), open_writer(database, tls=tls)
    for source in (reader, writer):  # as if the way to the loopback were one through the world
        monkeypatch.setattr(source, "_local", False, raising=False)
    monkeypatch.setattr("synapsor.sources.mysql.is_loopback", lambda _: False)
    found = [
        *await told_of_reader(reader, {}, {}),
        *await told_of_writer(writer, {}, relation(database, "synapsor_receipts")),
    ]
    await reader.aclose()
    await writer.aclose()
    rules = [] if encrypted else ["reader_in_clear", "writer_in_clear"]
    assert [f.rule for f in found if f.fatal and "clear" in f.rule] == rules


@pytest.mark.requirement("posture:safe-credential")
async def test_a_writer_that_the_server_takes_for_nobody_is_refused(mariadb_db: Database) -> None:
    execute(mariadb_db, f"RENAME USER {WRITER}@'127.0.0.1' TO {WRITER}@'10.0.0.1'; CREATE USER ''@'127.0.0.1'")
    url = mariadb_db.write_url.replace(mariadb_db.write_url.split(":")[2].split("@")[0], "")
    writer = MysqlWriteSource(name="shop", url=url.replace("/billing", "/"), tls=Tls(ca=None, required=False))
    try:
        async with aclosing(writer):
            found = await told_of_writer(writer, {}, relation(mariadb_db, "synapsor_receipts"))
    finally:
        execute(mariadb_db, f"DROP USER ''@'127.0.0.1'; RENAME USER {WRITER}@'10.0.0.1' TO {WRITER}@'127.0.0.1'")
    assert "anonymous_user" in {f.rule for f in found if f.fatal}


@pytest.mark.requirement("posture:durable")
@pytest.mark.parametrize(
    ("engine", "settings"),
    [("postgres", ("fsync", "full_page_writes")), ("mariadb", ("innodb_flush_log_at_trx_commit", "sync_binlog"))],
)
async def test_settings_under_which_a_crash_may_lose_a_commit_are_told_at_the_start(
    engine: str,
    settings: tuple[str, ...],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with retail(engine, request, tmp_path) as business:
        with caplog.at_level(logging.WARNING, "synapsor"):
            await business.project.worker()
    assert all(f"not_durable: stock: The server runs with {name} = " in caplog.text for name in settings)
