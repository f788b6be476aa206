"""The ledger's SQLite file: connections with its settings, queries in a transaction, and errors without what was written."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from synapsor.errors import IntegrityError, LedgerFailure
from synapsor.ledger.connection import Job, Row, T
from synapsor.ledger.migrate import migrations, named_row, own_shape, pending, shape
from synapsor.named import queries

BUSY_SECONDS = 30
_PACKAGE = "synapsor.ledger"
_RESULT_CODE = 0xFF

ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""What `sqlite3` raises; from a damaged file even its error texts may be undecodable."""

_SETTINGS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA recursive_triggers = ON",  # without it INSERT OR REPLACE goes around the append-only triggers
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    "PRAGMA temp_store = MEMORY",
)

_ROOM = "Nothing was recorded. Make room on the ledger's disk, and do it again."
_WAIT = "Nothing was recorded. Do it again; if it goes on, look for the process that keeps the ledger locked."
_DISK = "Look at the ledger's disk: the room on it, a quota, a fault. Then do it again."
_OWNER = "The ledger's user must own the file and its directory, and be able to write both."
_VERIFY = "`synapsor verify` says whether the record holds; restore it from a backup if it does not."
_AGAIN = "Nothing was recorded. Stop every process of this ledger, and see with `synapsor verify` what was put there."
_FOREIGN = "its tables or triggers are not those of this program"
_LOOK = "Look at the ledger's disk, its owner and `synapsor verify`."

TROUBLES: Final[Mapping[int, tuple[str, str, str]]] = {
    sqlite3.SQLITE_FULL: ("ledger_full", "the disk is full", _ROOM),
    sqlite3.SQLITE_BUSY: ("ledger_busy", "another process holds it", _WAIT),
    sqlite3.SQLITE_LOCKED: ("ledger_busy", "another connection holds it", _WAIT),
    sqlite3.SQLITE_IOERR: ("ledger_io", "input or output failed", _DISK),
    sqlite3.SQLITE_READONLY: ("ledger_read_only", "it is read-only", _OWNER),
    sqlite3.SQLITE_CANTOPEN: ("ledger_unopened", "it cannot be opened", _OWNER),
    sqlite3.SQLITE_CORRUPT: ("ledger_damaged", "it is damaged", _VERIFY),
    sqlite3.SQLITE_NOTADB: ("ledger_damaged", "it is not a ledger", _VERIFY),
    sqlite3.SQLITE_CONSTRAINT: ("ledger_refused", "its own rules refuse the record", _VERIFY),
}
"""What SQLite reports, each with its rule, what it is in words, and what helps."""


REPLACED: Final = "ledger_replaced"
"""By which rule nothing is written: the file, or what stands in it besides records, is not what was opened."""


def failure(error: BaseException) -> LedgerFailure:
    """Return the failure that one of `ERRORS` stands for, without its text, which may quote what was written."""
    damaged = sqlite3.SQLITE_CORRUPT if isinstance(error, UnicodeDecodeError) else None
    code = getattr(error, "sqlite_errorcode", damaged)
    if code is None:
        return LedgerFailure("The ledger failed: a value or a statement does not fit.", fix=_LOOK)
    rule, why, fix = TROUBLES.get(code & _RESULT_CODE, ("ledger_failed", "SQLite refused", _LOOK))
    return LedgerFailure(f"The ledger failed: {why}.", fix=fix, rule=rule)


def connect(database: str, *, read_only: bool = False) -> sqlite3.Connection:
    """Open a connection with the ledger's settings; `database` is a URI.

    Raises:
        sqlite3.Error, UnicodeDecodeError: it cannot be opened.
    """
    connection = sqlite3.connect(
        database, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    try:
        connection.row_factory = named_row
        # A row that is not UTF-8 was written by somebody else: it is read as what it cannot be, and keeps no other from being read.
        connection.text_factory = partial(str, encoding="utf-8", errors="replace")
        for setting in _SETTINGS:
            connection.execute(setting)
        if read_only:
            connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


@dataclass(frozen=True, slots=True)
class Place:
    """A file of the ledger as it was found at its path. Another one that is put there since is not the one that is open."""

    path: Path
    device: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Place:
        """Return the place of the file that is there now.

        Raises:
            OSError: there is none.
        """
        facts = path.stat()
        return cls(path, facts.st_dev, facts.st_ino)

    @property
    def is_kept(self) -> bool:
        """Whether that very file is there still."""
        try:
            return Place.of(self.path) == self
        except OSError:
            return False


class SqliteTransaction:
    """The queries of one transaction; its methods never really wait."""

    __slots__ = ("_connection", "_places", "_proven", "_queries")

    def __init__(self, connection: sqlite3.Connection, places: Sequence[Place] = ()) -> None:
        self._connection = connection
        self._queries = queries(_PACKAGE)
        self._places = places
        self._proven: int | None = None
        """The version of the schema that was found to be this program's own."""

    async def execute(self, query: str, /, **params: Any) -> int:
        """Run a query and return the number of rows it changed."""
        return self._connection.execute(self._queries[query], params).rowcount

    async def one(self, query: str, /, **params: Any) -> Row | None:
        """Return the first row, or None."""
        row: Row | None = self._connection.execute(self._queries[query], params).fetchone()
        return row

    async def all(self, query: str, /, **params: Any) -> list[Row]:
        """Return every row."""
        return self._connection.execute(self._queries[query], params).fetchall()

    def inspect(self) -> str:
        """Say what is wrong with the file or its schema."""
        if self._connection.execute("PRAGMA integrity_check(1)").fetchone()["integrity_check"] != "ok":
            return "the file is damaged"
        if self._connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
            return "a record refers to one that is missing"
        return "" if self._is_own() else _FOREIGN

    def check_own(self) -> None:
        """Refuse to write where nothing may be kept of it: into a file that is not at its path any more, or past somebody else's trigger.

        Raises:
            LedgerFailure: nothing was written.
        """
        if not all(place.is_kept for place in self._places):
            raise LedgerFailure("The ledger failed: another file was put in its place.", fix=_AGAIN, rule=REPLACED)
        version = self._connection.execute("PRAGMA schema_version").fetchone()["schema_version"]
        if version == self._proven:
            return
        self._proven = None  # whoever owns the file sets the number back to one that was proven before
        # A trigger runs as it was read, also where it is gone from the file since, without another number: so all is read anew.
        self._connection.execute("PRAGMA writable_schema = RESET")
        if not self._is_own():
            raise LedgerFailure(f"The ledger failed: {_FOREIGN}.", fix=_AGAIN, rule=REPLACED)
        self._proven = version

    def _is_own(self) -> bool:
        try:
            return shape(self._connection) == own_shape() and not pending(self._connection, migrations())
        except (LedgerFailure, IntegrityError):
            return False


def run(job: Job[T], tx: SqliteTransaction) -> T:
    """Drive a job to its end on this thread.

    Raises:
        LedgerFailure: SQLite refused.
    """
    steps = job(tx)
    try:
        steps.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    except ERRORS as error:
        raise failure(error) from None
    steps.close()
    raise RuntimeError("a ledger job waits for nothing but its transaction")


def wait_for_lock(connection: sqlite3.Connection, seconds: float) -> None:
    """Say how long to wait while another process holds the lock: on the loop not at all, so the waiting is done by the thread."""
    connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")
