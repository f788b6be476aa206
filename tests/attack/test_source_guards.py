"""Each layer that keeps a read from writing, a statement from running on and a password from leaving, with the others taken away."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from typing import Any, Literal

import pytest
from pymysql.constants import CLIENT

from synapsor.errors import Failure, SourceFailure
from synapsor.ports import ReadSource
from synapsor.sources import mysql_connection, postgres, postgres_connection, sqlite_connection
from synapsor.sources.mysql import MysqlReadSource
from synapsor.sources.sqlite_connection import Hidden, Place, authorizer
from synapsor.sources.tls import Tls
from synapsor.sql.receipts import insert_receipt
from synapsor.sql.statement import Statement
from tests.conformance.test_sources import SLOW, asked, attempt, failure, note, receipt
from tests.databases import Database, execute, reset, table
from tests.sources import open_reader, open_writer, relation


@pytest.fixture(params=["postgres", "mariadb"])
def database(request: pytest.FixtureRequest) -> Database:
    """The shop on each real server."""
    found: Database = request.getfixturevalue(f"{request.param}_db")
    reset(found)
    return found


@asynccontextmanager
async def reading(database: Database, **options: Any) -> AsyncIterator[ReadSource]:
    source = open_reader(database, **options)
    try:
        yield source
    finally:
        await source.aclose()


def without_the_session_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    pins = {**postgres_connection.READ_PINS, "default_transaction_read_only": "off"}
    monkeypatch.setattr(postgres, "READ_PINS", pins)
    real = mysql_connection._pins
    monkeypatch.setattr(
        mysql_connection,
        "_pins",
        lambda *args, **more: real(*args, **more).replace(b"_read_only=1", b"_read_only=0"),
    )


def without_the_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = postgres_connection.begin_read
    monkeypatch.setattr(postgres, "begin_read", lambda time_ms: begin(time_ms).replace(" READ ONLY", ""))
    run = mysql_connection.Session.run

    async def runs(self: mysql_connection.Session, *statements: bytes, seconds: float) -> Any:
        return await run(self, *(s.replace(b" READ ONLY, ", b" ") for s in statements), seconds=seconds)

    monkeypatch.setattr(mysql_connection.Session, "run", runs)


@pytest.mark.requirement("read:cannot-write")
@pytest.mark.parametrize("without", [without_the_session_setting, without_the_transaction], ids=lambda f: f.__name__)
async def test_each_layer_alone_keeps_a_read_from_writing(
    database: Database, monkeypatch: pytest.MonkeyPatch, without: Any
) -> None:
    without(monkeypatch)
    before = await note(database)
    async with reading(database, url=database.write_url) as reader:
        assert (await failure(reader.fetch(attempt(database), time_ms=2000))).kind is Failure.DENIED
    assert await note(database) == before


class Writable(Place):
    """A file that is opened for writing, whoever opens it."""

    def uri(self, mode: Literal["ro", "rw"]) -> str:
        assert mode == "ro"
        return super().uri("rw")


@pytest.mark.requirement("read:cannot-write")
def test_each_layer_of_sqlite_alone_keeps_a_read_from_writing(sqlite_db: Database) -> None:
    place = Place.parse(sqlite_db.read_url, "billing")
    permits = authorizer("read", "billing", Hidden())
    writable = Writable(path=place.path, schema=place.schema)
    for opened, without in ((writable, "the mode"), (place, "the pragma")):
        with closing(opened.open("read", permits)) as connection:
            connection.set_authorizer(None)
            if without == "the pragma":
                connection.execute("PRAGMA query_only = OFF")
            with pytest.raises(sqlite3.OperationalError):
                connection.execute("UPDATE billing.invoices SET note = 'x'")
    for step in (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE):
        assert permits(step, "invoices", "note", "billing", None) == sqlite3.SQLITE_DENY


@pytest.mark.requirement("apply:guarded")
async def test_a_row_that_has_the_value_already_is_matched(mariadb_db: Database) -> None:
    writer = open_writer(mariadb_db, url=mariadb_db.admin_url)
    text = f"UPDATE {mariadb_db.schema}.customers SET tier = %(p1)s WHERE id = %(p2)s"
    key = (await asked(mariadb_db, "SELECT id FROM customers LIMIT 1"))[0][0]
    async with writer.transaction(time_ms=2000) as tx:
        for _ in range(2):
            assert await tx.execute(Statement(text=text, params=("same", key))) == 1
    await writer.aclose()


@pytest.mark.requirement("read:bounded-time")
async def test_the_server_itself_ends_a_slow_statement(database: Database) -> None:
    async with reading(database) as reader:
        failed = await failure(reader.fetch(Statement(text=SLOW[database.engine], params=()), time_ms=300))
    assert failed.kind is Failure.TIMEOUT
    assert failed.state not in {"deadline", "late"}


@pytest.mark.requirement("read:bounded-time")
async def test_a_slow_statement_ends_where_the_server_says_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "begin_read", lambda _: "BEGIN READ ONLY")
    monkeypatch.setattr(mysql_connection, "_time_limits", lambda *_: "lock_wait_timeout=50")
    started = time.monotonic()
    async with reading(database) as reader:
        failed = await failure(reader.fetch(Statement(text=SLOW[database.engine], params=()), time_ms=300))
    assert (failed.kind, failed.state) == (Failure.TIMEOUT, "deadline")
    assert time.monotonic() - started < 30


@pytest.mark.requirement("apply:outcome-true")
@pytest.mark.parametrize("engine", ["postgres", "mariadb", "sqlite"])
async def test_a_commit_that_was_begun_outlives_its_caller(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    database: Database = request.getfixturevalue(f"{engine}_db")
    execute(database, f"DELETE FROM {table(database, 'synapsor_receipts')};")
    begun, go_on = asyncio.Event(), asyncio.Event()
    session, name, is_commit = COMMITS[engine]
    real = getattr(session, name)

    async def slow(self: Any, *args: Any, **more: Any) -> Any:
        if is_commit(args, more):
            begun.set()
            await go_on.wait()
        return await real(self, *args, **more)

    monkeypatch.setattr(session, name, slow)
    writer = open_writer(database)

    async def apply() -> None:
        async with writer.transaction(time_ms=5000) as tx:
            await tx.execute(insert_receipt(relation(database, "synapsor_receipts"), writer.dialect, receipt()))
            await tx.commit()

    task = asyncio.create_task(apply())
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await writer.aclose()
    assert await asked(database, f"SELECT outcome FROM {table(database, 'synapsor_receipts')}") == [("applied",)]


COMMITS: dict[str, tuple[type, str, Callable[[Any, Any], bool]]] = {
    "postgres": (postgres_connection.Session, "command", lambda args, _: args[0] == "COMMIT"),
    "mariadb": (mysql_connection.Session, "run", lambda args, _: args == (b"COMMIT",)),
    # A reset has no limit of time either, but comes after the commit.
    "sqlite": (sqlite_connection.Session, "call", lambda _, more: more["seconds"] is None),
}
"""What of each engine's session says COMMIT."""


GREETING = (
    CLIENT.LONG_PASSWORD | CLIENT.PROTOCOL_41 | CLIENT.SECURE_CONNECTION | CLIENT.PLUGIN_AUTH | CLIENT.CONNECT_WITH_DB
)


def greeting() -> bytes:
    """Return the first words of a server that offers no TLS."""
    low, high = GREETING & 0xFFFF, GREETING >> 16
    body = b"\x0a8.0.30\0" + (1).to_bytes(4, "little") + b"a" * 8 + b"\0" + low.to_bytes(2, "little") + b"\x2d\x02\0"
    body += high.to_bytes(2, "little") + b"\x15" + b"\0" * 10 + b"b" * 12 + b"\0" + b"mysql_native_password\0"
    return len(body).to_bytes(3, "little") + b"\0" + body


@pytest.mark.requirement("source:tls-not-stripped")
async def test_to_a_server_that_was_stripped_of_tls_not_a_byte_is_said() -> None:
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting())
        heard.set_result(await reader.read(4096))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    source = MysqlReadSource(name="shop", url=f"mysql://u:CANARY@127.0.0.1:{port}/d", tls=Tls(required=True))
    with pytest.raises(SourceFailure):
        await source.fetch(Statement(text="SELECT 1", params=()), time_ms=5000)
    async with asyncio.timeout(30):
        assert await heard == b""
    await source.aclose()
    server.close()
    await server.wait_closed()
