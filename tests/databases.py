"""Load the fixture shop into a fresh database of any engine, with its two least-privilege roles; reset it between tests."""

import asyncio
import re
import sqlite3
import warnings
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar
from urllib.parse import quote, unquote, urlsplit

import asyncpg
import pymysql
from pymysql.constants import CLIENT

from synapsor.testing.memory import MemoryDatabase, connect_memory
from tests.administrator import ask
from tests.servers import Server

Engine: TypeAlias = Literal["postgres", "mariadb", "sqlite"]
Role: TypeAlias = Literal["read", "write", "admin"]

_T = TypeVar("_T")

FIXTURES = Path(__file__).parents[1] / "fixtures"
READER = "synapsor_reader"
WRITER = "synapsor_writer"
TABLES = ("invoices", "customers", "specimens", "hostile_invoices", "synapsor_receipts")
_MARIADB_TABLES = (*TABLES, "hostile_invoices_unicode")
_TEMPLATE = "synapsor_template"
_UNSYNCED = "PRAGMA synchronous = OFF;\n"  # what a test writes itself need not outlive a crash of the machine
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A loaded shop and the three ways in; `ca` is None where the server speaks no TLS."""

    engine: Engine
    read_url: str = field(repr=False)
    write_url: str = field(repr=False)
    admin_url: str = field(repr=False)
    schema: str = "billing"
    ca: Path | None = None

    def url(self, role: Role) -> str:
        """Return the URL of one of the three."""
        return {"read": self.read_url, "write": self.write_url, "admin": self.admin_url}[role]


def load_postgres(server: Server, database: str = "shop", *, tests: bool = True) -> Database:
    """Return a fresh shop in a database of that name; the first call on a server builds the template of the others.

    With `tests` the writer may change the test tables as well.
    """
    _check_name(database)
    _run_async(lambda: _load_postgres(server, database))
    shop = Database(
        engine="postgres",
        read_url=_url("postgresql", READER, _password(server, READER), server.port, database),
        write_url=_url("postgresql", WRITER, _password(server, WRITER), server.port, database),
        admin_url=_url("postgresql", server.admin_user, server.admin_password, server.port, database),
        ca=server.ca,
    )
    if tests:
        execute(shop, _sql("postgres", "tests"))
    return shop


def load_mariadb(server: Server, database: str = "billing", *, tests: bool = True) -> Database:
    """Return a fresh shop in a database of that name, which is also its schema; `tests` as for Postgres."""
    _check_name(database)
    admin_url = _url("mysql", server.admin_user, server.admin_password, server.port, "")
    with closing(connect_mariadb(admin_url, multi=True)) as connection:
        statements = [f"DROP DATABASE IF EXISTS {database}"]
        statements += [
            f"CREATE DATABASE {database} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
            f"USE {database}",
        ]
        for role in (READER, WRITER):
            account = f"{role}@'127.0.0.1'"
            statements.append(f"CREATE OR REPLACE USER {account} IDENTIFIED BY '{_password(server, role)}'")
        statements += [_sql("mariadb", name) for name in ("schema", "seed", "grants", *(["tests"] if tests else []))]
        for statement in statements:
            _run_script(connection, statement)
    return _mariadb(server, admin_url, database)


def _mariadb(server: Server, admin_url: str, database: str) -> Database:
    return Database(
        engine="mariadb",
        read_url=_url("mysql", READER, _password(server, READER), server.port, database),
        write_url=_url("mysql", WRITER, _password(server, WRITER), server.port, database),
        admin_url=admin_url + database,
        schema=database,
        ca=server.ca,
    )


def business_postgres(server: Server, business: str) -> Database:
    """Return a fresh database of one of the example businesses, whose name is its schema's, too."""
    shop = load_postgres(server, f"{business}_db")  # for the two roles, and for urls of this database
    script = f"DROP SCHEMA billing CASCADE;\n{_script(business, 'postgres')}"
    execute(shop, script)
    return replace(shop, schema=business)


def business_mariadb(server: Server, business: str) -> Database:
    """Return a fresh database of one of the example businesses."""
    _check_name(business)
    admin_url = _url("mysql", server.admin_user, server.admin_password, server.port, "")
    with closing(connect_mariadb(admin_url, multi=True)) as connection:
        statements = [f"DROP DATABASE IF EXISTS {business}"]
        statements += [
            f"CREATE DATABASE {business} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
            f"USE {business}",
        ]
        for role in (READER, WRITER):  # a database of its own for each, so that what others granted is not in the way
            statements.append(f"CREATE OR REPLACE USER {role}@'127.0.0.1' IDENTIFIED BY '{_password(server, role)}'")
        for statement in (*statements, _script(business, "mariadb")):
            _run_script(connection, statement)
    return _mariadb(server, admin_url, business)


def load_sqlite(path: Path) -> Database:
    """Return a fresh shop in a new file at an absolute path."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(_UNSYNCED + _sql("sqlite", "schema") + _sql("sqlite", "seed"))
    url = f"sqlite:///{path}"
    return Database(engine="sqlite", read_url=url, write_url=url, admin_url=url)


@contextmanager
def as_in_a_shop(database: Database) -> Iterator[None]:
    """Take from the writer for a while what it may do for the tests alone."""
    granted = _sql(database.engine, "tests") if database.engine != "sqlite" else ""
    if granted:
        execute(database, granted.replace("GRANT", "REVOKE").replace(" TO ", " FROM "))
    try:
        yield
    finally:
        if granted:
            execute(database, granted)


def load_memory(memory: MemoryDatabase) -> Database:
    """Return a fresh shop in an empty database without a file; to its sources it is another SQLite."""
    memory.run(_sql("sqlite", "schema") + _sql("sqlite", "seed"))
    return Database(engine="sqlite", read_url=memory.url, write_url=memory.url, admin_url=memory.url)


def reset(database: Database) -> None:
    """Put the seed rows back, and nothing else."""
    if database.engine == "sqlite":
        with closing(connect_sqlite(database)) as connection:
            emptied = "".join(f"DELETE FROM {table};\n" for table in TABLES)
            connection.executescript(f"BEGIN IMMEDIATE;\n{emptied}{_sql('sqlite', 'seed')}COMMIT;\n")
    elif database.engine == "mariadb":
        with closing(connect_mariadb(database.admin_url, multi=True)) as connection:
            emptied = "".join(f"DELETE FROM {table};\n" for table in _MARIADB_TABLES)
            _run_script(connection, f"START TRANSACTION;\n{emptied}{_sql('mariadb', 'seed')}COMMIT;\n")
    else:
        emptied = "".join(f"DELETE FROM billing.{table};\n" for table in TABLES)  # TRUNCATE makes files anew
        execute(database, f"{emptied}{_sql('postgres', 'seed')}")


def execute(database: Database, script: str, *, role: Role = "admin") -> None:
    """Run a script of any number of statements as one of the roles."""
    if database.engine == "sqlite":
        with closing(connect_sqlite(database)) as connection:
            connection.executescript(script)
    elif database.engine == "mariadb":
        with closing(connect_mariadb(database.url(role), multi=True)) as connection:
            _run_script(connection, script)
    elif role == "admin":
        ask(database.admin_url, lambda session: session.execute(script))
    else:
        _run_async(lambda: _execute_postgres(database.url(role), script))


def fetch(database: Database, query: str, *, role: Role = "admin") -> list[tuple[Any, ...]]:
    """Return the rows of one query as the driver gives them."""
    if database.engine == "sqlite":
        with closing(connect_sqlite(database)) as connection:
            return connection.execute(query).fetchall()
    if database.engine == "mariadb":
        with closing(connect_mariadb(database.url(role))) as maria, closing(maria.cursor()) as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())
    if role == "admin":
        return [tuple(row) for row in ask(database.admin_url, lambda session: session.fetch(query))]
    return _run_async(lambda: _fetch_postgres(database.url(role), query))


def table(database: Database, name: str) -> str:
    """Return the name by which a statement of these helpers reaches a table or view."""
    return f"{database.schema}.{name}" if database.engine == "postgres" else name


def sqlite_path(database: Database) -> Path:
    """Return the file of a SQLite shop."""
    return Path(database.admin_url.removeprefix("sqlite:///"))


def connect_sqlite(database: Database) -> sqlite3.Connection:
    """Return a connection for a test's own use."""
    if database.admin_url.startswith("memory:"):
        return connect_memory(database.admin_url)
    connection = sqlite3.connect(sqlite_path(database))
    connection.execute(_UNSYNCED).close()
    return connection


def connect_mariadb(url: str, *, multi: bool = False) -> "pymysql.Connection[pymysql.cursors.Cursor]":
    """Return an autocommitting connection for a test's own use; the product never connects this way."""
    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=parts.path.lstrip("/") or None,
        charset="utf8mb4",
        autocommit=True,
        client_flag=CLIENT.MULTI_STATEMENTS if multi else 0,
        ssl_disabled=True,  # else it reads this machine's certificate authorities each time
    )


def _url(scheme: str, user: str, password: str, port: int, database: str) -> str:
    return f"{scheme}://{quote(user)}:{quote(password)}@127.0.0.1:{port}/{database}"


def _password(server: Server, role: str) -> str:
    return f"{role[-6:]}-{server.admin_password}"


def _sql(engine: Engine, name: str) -> str:
    return (FIXTURES / engine / f"{name}.sql").read_text(encoding="utf-8")


def _script(business: str, engine: Engine) -> str:
    return (FIXTURES / business / f"{engine}.sql").read_text(encoding="utf-8")


def _check_name(database: str) -> None:
    if not _NAME.match(database):
        raise ValueError(f"not a plain database name: {database!r}")


def _run_script(connection: "pymysql.Connection[pymysql.cursors.Cursor]", script: str) -> None:
    with warnings.catch_warnings(), closing(connection.cursor()) as cursor:
        warnings.simplefilter("ignore", pymysql.Warning)
        cursor.execute(script)
        while cursor.nextset():
            pass


def _run_async(work: Callable[[], Awaitable[_T]]) -> _T:
    """Run to the end in a thread with a loop of its own, so that callers with and without a running loop may call."""

    async def body() -> _T:
        return await work()

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, body()).result()


async def _load_postgres(server: Server, database: str) -> None:
    base = _url("postgresql", server.admin_user, server.admin_password, server.port, "")
    admin = await asyncpg.connect(base + "postgres", ssl=False)
    try:
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", _TEMPLATE):
            for role in (READER, WRITER):
                await admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{_password(server, role)}'")
            await admin.execute(f"CREATE DATABASE {_TEMPLATE}")
            scripts = [_sql("postgres", name) for name in ("schema", "seed", "grants")]
            await _execute_postgres(base + _TEMPLATE, "".join(scripts))
        await admin.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        await admin.execute(f"CREATE DATABASE {database} TEMPLATE {_TEMPLATE}")
        # A template passes on everything but the database's own privileges.
        await admin.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
        await admin.execute(f"GRANT CONNECT ON DATABASE {database} TO {READER}, {WRITER}")
    finally:
        await admin.close()


async def _execute_postgres(url: str, script: str) -> None:
    connection = await asyncpg.connect(url, ssl=False)
    try:
        await connection.execute(script)
    finally:
        await connection.close()


async def _fetch_postgres(url: str, query: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url, ssl=False)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()
