"""SQLite connections: one thread each, opened on an existing file, with an authorizer in the place of grants.

Not aiosqlite: at DEBUG it logs every statement with its values, and it costs a thread hop per step where a whole read needs one.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar
from urllib.parse import quote

from synapsor.errors import ConfigError, Failure, SourceFailure
from synapsor.sources.shield import to_the_end
from synapsor.sources.sqlite_functions import NAMES, install
from synapsor.sql.statement import RawRow, Statement

T = TypeVar("T")
Role: TypeAlias = Literal["read", "write", "catalogue"]

INTERRUPT_SECONDS = 0.02
_SCHEMA = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}\Z", re.ASCII)
_PRIMARY = 0xFF  # the low byte of an extended result code

_KINDS: dict[int, Failure] = {
    sqlite3.SQLITE_AUTH: Failure.DENIED,
    sqlite3.SQLITE_PERM: Failure.DENIED,
    sqlite3.SQLITE_READONLY: Failure.DENIED,
    # A writer died in the middle: only who may write can roll that back, so a reader has to wait until one comes.
    sqlite3.SQLITE_READONLY_ROLLBACK: Failure.UNAVAILABLE,
    sqlite3.SQLITE_READONLY_RECOVERY: Failure.UNAVAILABLE,
    sqlite3.SQLITE_READONLY_CANTINIT: Failure.UNAVAILABLE,
    sqlite3.SQLITE_READONLY_CANTLOCK: Failure.UNAVAILABLE,
    sqlite3.SQLITE_BUSY: Failure.TIMEOUT,
    sqlite3.SQLITE_INTERRUPT: Failure.TIMEOUT,
    sqlite3.SQLITE_LOCKED: Failure.TRANSIENT,
    sqlite3.SQLITE_BUSY_SNAPSHOT: Failure.TRANSIENT,
    sqlite3.SQLITE_SCHEMA: Failure.DRIFT,
    sqlite3.SQLITE_CONSTRAINT: Failure.CONSTRAINT,
    sqlite3.SQLITE_CONSTRAINT | (12 << 8): Failure.VALUE,  # SQLITE_CONSTRAINT_DATATYPE: a STRICT table refused the type
    sqlite3.SQLITE_MISMATCH: Failure.VALUE,
    sqlite3.SQLITE_TOOBIG: Failure.VALUE,
    sqlite3.SQLITE_CANTOPEN: Failure.UNAVAILABLE,
    sqlite3.SQLITE_NOTADB: Failure.UNAVAILABLE,
    sqlite3.SQLITE_CORRUPT: Failure.UNAVAILABLE,
    sqlite3.SQLITE_IOERR: Failure.UNAVAILABLE,
    sqlite3.SQLITE_FULL: Failure.UNAVAILABLE,
    sqlite3.SQLITE_NOMEM: Failure.UNAVAILABLE,
    sqlite3.SQLITE_PROTOCOL: Failure.UNAVAILABLE,
}
_LOOK: dict[int, str] = {
    sqlite3.SQLITE_CANTOPEN: "The file cannot be opened: its path in synapsor.yaml is wrong, or this user may not open it.",
    sqlite3.SQLITE_NOTADB: "The file is no SQLite database: look at its path in synapsor.yaml.",
}
# SQLite has one code for all mistakes in a statement; what it says is the only sign of a changed schema or a refused function.
# A function of ours raises when a value is not stored as its reviewed type.
_DRIFT = ("no such table", "no such column", "no such function", "no such module", "user-defined ")
_DRIFT_TABLE = re.compile(r"table \S+ has (?:no column named|\d+ columns)")
_FORBIDDEN = "not authorized"
_UNREADABLE = "Could not decode"


def failure_of(error: BaseException) -> SourceFailure:
    """Return the failure that a driver's error means, with its number and without its text."""
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(code, int) and code != sqlite3.SQLITE_ERROR:
        kind = _KINDS.get(code) or _KINDS.get(code & _PRIMARY) or Failure.OTHER
        return SourceFailure(kind, state=str(code), look=_LOOK.get(code & _PRIMARY, ""))
    if isinstance(error, OverflowError | UnicodeEncodeError) or str(error).startswith(_UNREADABLE):
        return SourceFailure(Failure.VALUE, state="encoding")
    if code == sqlite3.SQLITE_ERROR and str(error).startswith(_FORBIDDEN):
        return SourceFailure(Failure.DENIED, state=str(code))
    if code == sqlite3.SQLITE_ERROR and _is_drift(str(error)):
        return SourceFailure(Failure.DRIFT, state=str(code))
    return SourceFailure(Failure.OTHER, state=str(code or "driver"))


def _is_drift(text: str) -> bool:
    return text.startswith(_DRIFT) or _DRIFT_TABLE.match(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A database file and the schema name by which statements reach it."""

    connect_seconds: ClassVar[float] = 1.0
    path: Path = field(repr=False)
    schema: str

    @classmethod
    def parse(cls, url: str, schema: str) -> Place:
        """Return the place that `sqlite:///path` names; an absolute path has a fourth slash.

        Raises:
            ConfigError: it is no such URL; the message does not repeat it.
        """
        path = url.removeprefix("sqlite:///")
        if path == url or not path or "\0" in path or not _SCHEMA.match(schema) or schema.lower() == "temp":
            raise ConfigError(
                "A source's address is not of the form sqlite:///path/of/the/file.",
                fix="Name an existing file, and a plain `schema`.",
            )
        return cls(path=Path(path), schema=schema)

    def uri(self, mode: Literal["ro", "rw"]) -> str:
        """Return how SQLite is told to open the file; `synapsor.testing` has a place in memory."""
        return f"file:{quote(str(self.path.absolute()))}?mode={mode}"

    def open(self, role: Role, permits: Authorizer, *, mends: bool = False) -> sqlite3.Connection:
        """Return a connection in autocommit mode; to be called in the thread that will use it.

        With `mends`, what a killed writer left in the middle is rolled back, which SQLite does for nobody who opens a file read-only.

        Raises:
            sqlite3.Error: the file is not there or cannot be opened; it is never created.
        """
        uri = self.uri("rw" if role == "write" or mends else "ro")
        main = self.schema.lower() == "main"
        connection = sqlite3.connect(
            uri if main else "file::memory:",
            uri=True,
            timeout=self.connect_seconds,
            isolation_level=None,
            cached_statements=256,
        )
        try:
            if not main:
                connection.execute(f'ATTACH DATABASE ? AS "{self.schema}"', (uri,))
            for pragma in (*_PRAGMAS, *_ROLE_PRAGMAS[role]):
                connection.execute(f"PRAGMA {pragma.format(schema=self.schema)}").close()
            # SQLite opens a file when it is first read.
            connection.execute(f'PRAGMA "{self.schema}".schema_version').fetchall()
            install(connection)
            connection.set_authorizer(permits)
        except BaseException:
            connection.close()
            raise
        return connection


_PRAGMAS = ("trusted_schema=OFF", "cell_size_check=ON", "temp_store=MEMORY", "case_sensitive_like=OFF")
_ROLE_PRAGMAS: dict[Role, tuple[str, ...]] = {
    "read": ("query_only=ON",),
    "catalogue": ("query_only=ON",),
    "write": (
        "foreign_keys=ON",
        "recursive_triggers=ON",
        '"{schema}".synchronous=FULL',
        "ignore_check_constraints=OFF",
    ),
}

# ---- the authorizer ----------------------------------------------------------------------------------------------------------

Authorizer: TypeAlias = Callable[[int, str | None, str | None, str | None, str | None], int]
# What reviewed statements and the views behind them may call. Nothing here reads a file, loads code or changes a setting.
_FUNCTIONS = (
    frozenset(
        "abs avg ceil ceiling char coalesce concat concat_ws count cume_dist date datetime dense_rank exp first_value floor format glob"  # noqa: SIM905  # a list of a hundred quoted names says no more
        " group_concat hex ifnull iif instr json json_array json_array_length json_extract json_group_array json_group_object json_object"
        " json_patch json_quote json_remove json_replace json_set json_type json_valid julianday lag last_value lead length like ln log"
        " log10 log2 lower ltrim max min mod nth_value ntile nullif octet_length percent_rank pi pow power printf quote rank replace round"
        " row_number rtrim sign sqrt strftime string_agg substr substring sum time timediff total trim trunc typeof unhex unicode unixepoch"
        " upper -> ->>".split()
    )
    | NAMES
)
_READING = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE})
_WRITING = _READING | {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}
_CATALOGUE_PRAGMAS = frozenset({"table_xinfo", "index_list", "index_xinfo", "foreign_key_list"})


@dataclass(slots=True)
class Hidden:
    """What a reader may not read although it is in the file; filled in when the contracts are known.

    Attributes:
        columns: (table, column) pairs, in lower case.
        views: the views that may still use them. A common table expression looks like a view to the authorizer, but is none.
    """

    columns: set[tuple[str, str]] = field(default_factory=set)
    views: set[str] = field(default_factory=set)

    def holds(self, table: str | None, column: str | None, through: str | None) -> bool:
        """Tell whether a direct read of a column is one of a hidden one."""
        return ((table or "").lower(), (column or "").lower()) in self.columns and (
            through or ""
        ).lower() not in self.views


def authorizer(role: Role, schema: str, hidden: Hidden) -> Authorizer:
    """Return what permits each step of a statement when it is prepared; it stands where other engines have grants."""
    steps = _WRITING if role == "write" else _READING

    def permits(action: int, one: str | None, two: str | None, database: str | None, through: str | None) -> int:
        if action in steps:
            allowed = action in _READING or database == schema
        elif action == sqlite3.SQLITE_READ:
            catalogue = (one or "").lower().startswith("sqlite_")
            allowed = (
                database in {schema, None, ""}
                and (role == "catalogue" or not catalogue)
                and not hidden.holds(one, two, through)
            )
        elif action == sqlite3.SQLITE_FUNCTION:
            allowed = (two or "").lower() in _FUNCTIONS
        elif action == sqlite3.SQLITE_TRANSACTION:
            allowed = True
        elif action == sqlite3.SQLITE_PRAGMA:
            allowed = one == "busy_timeout" or (role == "catalogue" and one in _CATALOGUE_PRAGMAS)
        else:
            allowed = False
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY

    return permits


# ---- the session -------------------------------------------------------------------------------------------------------------


class Session:
    """One connection on one thread; used by one borrower at a time.

    Attributes:
        busy: its thread is still at work for a caller that has given up.
    """

    def __init__(self, thread: ThreadPoolExecutor, connection: sqlite3.Connection) -> None:
        self._thread = thread
        self._connection = connection
        self._job: asyncio.Future[Any] | None = None
        self._closed = False

    @classmethod
    async def open(cls, place: Place, role: Role, permits: Authorizer) -> Session:
        """Return a new session.

        Raises:
            SourceFailure: by kind.
        """
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"sqlite-{role}")
        opening = asyncio.get_running_loop().run_in_executor(thread, place.open, role, permits)
        failure: SourceFailure | None = None
        try:
            return cls(thread, await to_the_end(_finished(opening)))
        except sqlite3.Error as error:
            failure = failure_of(error)
        except asyncio.CancelledError:
            if opening.exception() is None:
                thread.submit(opening.result().close)
            thread.shutdown(wait=False)
            raise
        thread.shutdown(wait=False)
        raise failure

    @property
    def busy(self) -> bool:
        """Whether a job was begun and has not ended."""
        return self._job is not None and not self._job.done()

    @property
    def alive(self) -> bool:
        """Whether it can take a job."""
        return not (self._closed or self.busy)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._connection.in_transaction

    async def call(self, work: Callable[[sqlite3.Connection], T], *, seconds: float | None) -> T:
        """Return what `work` returns from the session's thread.

        Raises:
            SourceFailure: by kind; `timeout` when it took longer, and the session stays busy until it is stopped.
        """
        if not self.alive:
            raise SourceFailure(Failure.UNAVAILABLE, state="closed")
        job = asyncio.get_running_loop().run_in_executor(self._thread, work, self._connection)
        job.add_done_callback(_seen)
        self._job = job
        done, _ = await asyncio.wait({job}, timeout=seconds)
        if not done:
            raise SourceFailure(Failure.TIMEOUT, state="deadline")
        error = job.exception()
        if error is None:
            return job.result()
        if isinstance(error, SourceFailure):
            raise error
        raise failure_of(error)

    async def stop(self) -> None:
        """Interrupt the thread's statement until the job has ended."""
        while self.busy and self._job is not None:
            # Again and again: an interrupt that comes between two statements is forgotten by SQLite.
            self._connection.interrupt()
            await asyncio.wait({self._job}, timeout=INTERRUPT_SECONDS)

    async def reset(self) -> None:
        """Roll back whatever is open."""
        await self.call(_roll_back, seconds=None)

    async def close(self) -> None:
        """Close; never raises."""
        self._closed = True
        with suppress(Exception):
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown(wait=False)


async def _finished(future: asyncio.Future[T]) -> T:
    return await future


def _seen(job: asyncio.Future[Any]) -> None:
    # An error that nobody waits for any more would be logged by the loop, with the driver's text.
    if not job.cancelled():
        job.exception()


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK").close()


def read(statement: Statement, *, time_ms: int) -> Callable[[sqlite3.Connection], Sequence[RawRow]]:
    """Return the job of one read: its own transaction, so that all of it is of one state of the file."""
    return partial(_read, statement.text, parameters(statement), time_ms)


def _read(text: str, values: dict[str, Any], time_ms: int, connection: sqlite3.Connection) -> Sequence[RawRow]:
    try:
        return _look(text, values, time_ms, connection)
    finally:
        _roll_back(connection)


def look(statement: Statement, *, time_ms: int) -> Callable[[sqlite3.Connection], Sequence[RawRow]]:
    """Return the job of one statement of a transaction that stays open; the first one begins it."""
    return partial(_look, statement.text, parameters(statement), time_ms)


def _look(text: str, values: dict[str, Any], time_ms: int, connection: sqlite3.Connection) -> Sequence[RawRow]:
    if not connection.in_transaction:
        wait(connection, time_ms)
        connection.execute("BEGIN").close()
    with closing(connection.execute(text, values)) as cursor:
        return cursor.fetchall()


def wait(connection: sqlite3.Connection, time_ms: int) -> None:
    """Bound the wait for another process's lock."""
    connection.execute(f"PRAGMA busy_timeout={time_ms:d}").close()


def parameters(statement: Statement) -> dict[str, Any]:
    """Return a statement's values by the names of its placeholders.

    Raises:
        SourceFailure: a value of a type that is never compared or stored (`value`).
    """
    if any(type(value) not in _BINDABLE for value in statement.params):
        raise SourceFailure(Failure.VALUE, state="type")
    return {f"p{number}": value for number, value in enumerate(statement.params, 1)}


_BINDABLE = frozenset({type(None), int, float, str, bytes})


class SqliteDialer:
    """Opens sessions on one file, and interrupts those whose caller has given up."""

    def __init__(self, place: Place, role: Role, permits: Authorizer) -> None:
        self._place = place
        self._role: Role = role
        self._permits = permits

    async def connect(self) -> Session:
        """Return a new session."""
        return await Session.open(self._place, self._role, self._permits)

    async def stop(self, session: Session) -> None:
        """Interrupt a session's statement."""
        await session.stop()
