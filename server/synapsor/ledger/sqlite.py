"""The ledger on SQLite: one writer thread owns the only writing connection and commits in groups; readers are separate.

A waiting caller hears of its job only after the COMMIT that holds it has returned, with `synchronous=FULL`.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Any

from synapsor.errors import IntegrityError, LedgerFailure
from synapsor.ledger.connection import Job, Row, T, Transaction
from synapsor.ledger.migrate import migrations, named_row, own_shape, pending, shape
from synapsor.ledger.named import queries

log = logging.getLogger("synapsor.ledger")

BATCH = 64
BUSY_SECONDS = 30
READERS = 4
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

_WORDS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_BUSY: "another process holds it",
    sqlite3.SQLITE_LOCKED: "another connection holds it",
    sqlite3.SQLITE_IOERR: "input or output failed",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_CORRUPT: "it is damaged",
    sqlite3.SQLITE_NOTADB: "it is not a ledger",
    sqlite3.SQLITE_CONSTRAINT: "its own rules refuse the record",
    sqlite3.SQLITE_NOMEM: "there is no memory left",
}


def failure(error: BaseException) -> LedgerFailure:
    """Return the failure that one of `ERRORS` stands for, without its text, which may quote what was written."""
    damaged = sqlite3.SQLITE_CORRUPT if isinstance(error, UnicodeDecodeError) else None
    code = getattr(error, "sqlite_errorcode", damaged)
    why = _WORDS.get(code & _RESULT_CODE, "SQLite refused") if code is not None else "a value or a statement does not fit"
    return LedgerFailure(f"The ledger failed: {why}.", fix="Look at the ledger's disk, its owner and `synapsor verify`.")


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
        for setting in _SETTINGS:
            connection.execute(setting)
        if read_only:
            connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


class SqliteTransaction:
    """The queries of one transaction; its methods never really wait."""

    __slots__ = ("_connection", "_queries")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._queries = queries()

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
        try:
            whole = shape(self._connection) == own_shape() and not pending(self._connection, migrations())
        except (LedgerFailure, IntegrityError):
            whole = False
        return "" if whole else "its tables or triggers are not those of this program"


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


class _Waiting:
    """A job in the queue, and who waits for it."""

    __slots__ = ("error", "future", "job", "loop", "result")

    def __init__(self, job: Job[Any], loop: asyncio.AbstractEventLoop) -> None:
        self.job = job
        self.loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()
        self.result: Any = None
        self.error: BaseException | None = None

    def settle(self) -> None:
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


class SqliteConnection:
    """An engine of `ledger.connection` on one SQLite file, or on a memory database when there is nothing to open readers on."""

    def __init__(self, writer: sqlite3.Connection, open_reader: Callable[[], sqlite3.Connection] | None) -> None:
        self._writer = writer
        self._tx = SqliteTransaction(writer)
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._open_reader = open_reader
        self._idle: list[sqlite3.Connection] = []
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="ledger-read") if open_reader else None
        self._thread = threading.Thread(target=self._work, name="ledger-write", daemon=True)
        self._thread.start()

    async def write(self, job: Job[T]) -> T:
        """Run the job in a serialised transaction; returns after the commit is durable."""
        waiting = _Waiting(job, asyncio.get_running_loop())
        with self._closing:
            if self._closed:
                raise LedgerFailure("The ledger is closed.")
            self._queue.put(waiting)
        result: T = await waiting.future
        return result

    async def read(self, job: Job[T]) -> T:
        """Run the job on one snapshot, on a connection that cannot write."""
        if self._readers is None:
            return await self.write(job)
        try:
            running = asyncio.get_running_loop().run_in_executor(self._readers, self._read, job)
        except RuntimeError:
            raise LedgerFailure("The ledger is closed.") from None
        return await running

    async def inspect(self) -> str:
        """Say what SQLite finds wrong: damaged pages, indexes that disagree with their tables, tables or triggers that are not ours."""

        async def look(tx: Transaction) -> str:
            return tx.inspect() if isinstance(tx, SqliteTransaction) else ""

        return await self.read(look)

    async def close(self) -> None:
        """Finish the jobs in the queue, then close every connection."""
        with self._closing:
            already, self._closed = self._closed, True
            if not already:
                self._queue.put(None)
        await asyncio.to_thread(self._finish)

    def _finish(self) -> None:
        self._thread.join()
        if self._readers is not None:
            self._readers.shutdown(wait=True)
        while self._idle:
            self._idle.pop().close()

    def _read(self, job: Job[T]) -> T:
        try:
            connection = self._idle.pop() if self._idle else self._reader()
            connection.execute("BEGIN")
        except ERRORS as error:
            raise failure(error) from None
        try:
            return run(job, SqliteTransaction(connection))
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._idle.append(connection)

    def _reader(self) -> sqlite3.Connection:
        assert self._open_reader is not None  # noqa: S101  # there is no reader pool without it
        return self._open_reader()

    def _work(self) -> None:
        """Take one job, drain those that wait already, commit them together, wake their callers; until closed."""
        going = True
        while going:
            first = self._queue.get()
            if first is None:
                break
            batch = [first]
            while len(batch) < BATCH:
                try:
                    following = self._queue.get_nowait()
                except Empty:
                    break
                if following is None:
                    going = False
                    break
                batch.append(following)
            # A caller who has gone away before its job began is owed nothing, and records its own cancellation.
            batch = [w for w in batch if not w.future.cancelled()]
            if batch:
                self._commit(batch)
                _wake(batch)
        self._writer.close()

    def _commit(self, batch: Sequence[_Waiting]) -> None:
        """Commit a batch as one; where a job of it fails, once more with each job in a savepoint, so that it fails alone."""
        try:
            if not self._together(batch):
                self._apart(batch)
        except BaseException as error:  # noqa: BLE001  # whatever it was, its callers must hear of it and the thread must live
            self._abandon(batch, error)

    def _together(self, batch: Sequence[_Waiting]) -> bool:
        """Run and commit a batch; False when a job failed and the others must be kept from it."""
        self._writer.execute("BEGIN IMMEDIATE")
        for waiting in batch:
            try:
                waiting.result = run(waiting.job, self._tx)
            except Exception:
                if len(batch) == 1:
                    raise
                self._roll_back()
                return False
        self._writer.execute("COMMIT")
        return True

    def _apart(self, batch: Sequence[_Waiting]) -> None:
        self._writer.execute("BEGIN IMMEDIATE")
        for waiting in batch:
            self._writer.execute("SAVEPOINT job")
            try:
                waiting.result = run(waiting.job, self._tx)
            except Exception as error:
                if not self._writer.in_transaction:
                    raise  # a full disk may end the whole transaction, and then the failure is everybody's
                waiting.error = error
                self._writer.execute("ROLLBACK TO job")
            self._writer.execute("RELEASE job")
        self._writer.execute("COMMIT")

    def _abandon(self, batch: Sequence[_Waiting], error: BaseException) -> None:
        told = failure(error) if isinstance(error, ERRORS) else error
        try:
            self._roll_back()
        except sqlite3.Error:
            log.error("the ledger's transaction could not be rolled back", extra={"action": "rollback_failed"})  # noqa: TRY400  # no driver text
        for waiting in batch:
            if waiting.error is None:
                waiting.error = told if len(batch) == 1 else _shared(told)

    def _roll_back(self) -> None:
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK")


def _shared(error: BaseException) -> BaseException:
    """Return an error of each caller's own, since a raised exception carries its caller's traceback."""
    return LedgerFailure(error.message, fix=error.fix) if isinstance(error, LedgerFailure) else LedgerFailure("The ledger failed.")


def _wake(batch: Sequence[_Waiting]) -> None:
    """Tell the callers, with one wake-up for each event loop."""
    loops: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}
    for waiting in batch:
        loops.setdefault(waiting.loop, []).append(waiting)
    for loop, theirs in loops.items():
        try:
            loop.call_soon_threadsafe(_settle, theirs)
        except RuntimeError:
            log.warning("an event loop closed before its ledger write was acknowledged", extra={"action": "caller_gone"})


def _settle(batch: Sequence[_Waiting]) -> None:
    for waiting in batch:
        waiting.settle()
