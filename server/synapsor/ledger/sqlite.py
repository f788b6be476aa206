"""The ledger on SQLite: jobs run in groups on the only writing connection, and a thread commits them; readers are separate.

A waiting caller hears of its job only after the COMMIT that holds it has returned, with `synchronous=FULL`.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Any

from synapsor.errors import LedgerFailure
from synapsor.ledger.connection import Job, T, Transaction
from synapsor.ledger.sqlite_file import BUSY_SECONDS, ERRORS, Place, SqliteTransaction, failure, run, wait_for_lock

log = logging.getLogger("synapsor.ledger")

BATCH = 64
READERS = 4
CHECKPOINT_EVERY = 128
"""Commits after which the log is copied into the file: about 1,000 pages of it, as SQLite would by itself, but never on the loop."""
QUICK_SECONDS = 0.001
"""Where the disk syncs this fast, a lone job is committed on the loop: to hand it to the thread and back would take longer."""
PAIR = 2
CROWD = 32
"""Groups for which the thread commits after more than two jobs came in one turn of the loop: several callers gain more by sharing."""


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


@dataclass(frozen=True, slots=True)
class _Group:
    """Jobs that share a transaction; `begun` when all of them have run and only the commit is missing."""

    batch: Sequence[_Waiting]
    begun: bool = False


class SqliteConnection:
    """An engine of `ledger.connection` on one SQLite file, or on a memory database when there is nothing to open readers on."""

    def __init__(
        self,
        writer: sqlite3.Connection,
        open_reader: Callable[[], sqlite3.Connection] | None,
        places: Sequence[Place] = (),
    ) -> None:
        self._writer = writer
        self._tx = SqliteTransaction(writer, places)
        # Guards the three after it, and the writing connection until a group flies, whose alone it then is.
        self._gate = threading.Lock()
        self._waiting: deque[_Waiting] = deque()
        self._flying = False
        self._quick = True
        self._turn = 0
        self._crowd = 0
        self._commits = 0
        self._closed = False
        self._groups: SimpleQueue[_Group | None] = SimpleQueue()
        self._open_reader = open_reader
        self._idle: list[sqlite3.Connection] = []
        self._glancing: list[sqlite3.Connection] = []
        self._watching: sqlite3.Connection | None = None
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="ledger-read") if open_reader else None
        self._thread = threading.Thread(target=self._work, name="ledger-write", daemon=True)
        wait_for_lock(writer, 0)
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        self._thread.start()

    async def write(self, job: Job[T]) -> T:
        """Run the job in a serialised transaction; returns after the commit is durable."""
        waiting = _Waiting(job, asyncio.get_running_loop())
        with self._gate:
            if self._closed:
                raise LedgerFailure("The ledger is closed.")
            self._waiting.append(waiting)
            self._note_turn()
        waiting.loop.call_soon(self._turn_over)
        result: T = await waiting.future
        return result

    async def read(self, job: Job[T]) -> T:
        """Run the job on one snapshot, on a connection that cannot write."""
        if self._readers is None:
            return await self.write(job)
        try:
            running = asyncio.get_running_loop().run_in_executor(
                self._readers, partial(self._read, job, self._idle, patient=True)
            )
        except RuntimeError:
            raise LedgerFailure("The ledger is closed.") from None
        return await running

    async def glance(self, job: Job[T]) -> T:
        """Run a short reading job on the loop, where nobody holds the file so that it would have to wait: a thread costs more than it."""
        if self._open_reader is None:
            return await self.write(job)
        if self._closed:
            raise LedgerFailure("The ledger is closed.")
        try:
            return self._read(job, self._glancing, patient=False)
        except LedgerFailure as failed:
            if failed.rule != "ledger_busy":
                raise
        return await self.read(job)

    async def version(self) -> int:
        """Return the version of the data, as one connection sees it that never writes (SQLite's `data_version`)."""
        if self._open_reader is None:
            return self._writer.total_changes
        if self._closed:
            raise LedgerFailure("The ledger is closed.")
        try:
            if self._watching is None:
                self._watching = self._reader(patient=False)
            found: int = self._watching.execute("PRAGMA data_version").fetchone()["data_version"]
        except ERRORS as error:
            raise failure(error) from None
        return found

    async def inspect(self) -> str:
        """Say what SQLite finds wrong: damaged pages, indexes that disagree with their tables, tables or triggers that are not ours."""

        async def look(tx: Transaction) -> str:
            assert isinstance(tx, SqliteTransaction)  # noqa: S101  # this engine makes no other
            return tx.inspect()

        return await self.read(look)

    async def close(self) -> None:
        """Finish the jobs that wait, then close every connection."""
        with self._gate:
            already, self._closed = self._closed, True
            left = self._take(len(self._waiting))
        if left:
            self._groups.put(_Group(left))
        if not already:
            self._groups.put(None)
        await asyncio.to_thread(self._finish)

    def _finish(self) -> None:
        self._thread.join()
        if self._readers is not None:
            self._readers.shutdown(wait=True)
        for idle in (self._idle, self._glancing, [self._watching] if self._watching else []):
            while idle:
                idle.pop().close()

    def _read(self, job: Job[T], idle: list[sqlite3.Connection], *, patient: bool) -> T:
        try:
            connection = idle.pop() if idle else self._reader(patient=patient)
            connection.execute("BEGIN")
        except ERRORS as error:
            raise failure(error) from None
        try:
            return run(job, SqliteTransaction(connection))
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            idle.append(connection)

    def _reader(self, *, patient: bool) -> sqlite3.Connection:
        assert self._open_reader is not None  # noqa: S101  # there is no reader pool without it
        connection = self._open_reader()
        if not patient:
            wait_for_lock(connection, 0)
        return connection

    def _take(self, most: int) -> list[_Waiting]:
        """Return the jobs that wait longest; who has gone away before its job began is owed nothing, and records that itself."""
        taken: list[_Waiting] = []
        while self._waiting and len(taken) < most:
            waiting = self._waiting.popleft()
            if not waiting.future.cancelled():
                taken.append(waiting)
        return taken

    def _note_turn(self) -> None:
        """Note that a job came: more than two in one turn of the loop make a crowd, for a while."""
        self._turn += 1
        if self._turn > PAIR:
            self._crowd = CROWD

    def _turn_over(self) -> None:
        """Launch what came in one turn of the loop, such as the end of one job and the lease of the next: they share a commit."""
        self._turn = 0
        self._launch()

    def _launch(self) -> None:
        """Run the jobs that wait in one transaction, unless one is under way, and have it committed.

        They run here on the loop: on the thread they would have to win the interpreter's lock back after every statement.
        """
        with self._gate:
            if self._flying or self._closed:
                return
            batch = self._take(BATCH)
            if not batch:
                return
            self._flying = True
            group = _Group(batch)
            self._crowd -= self._crowd > 0
            try:
                group = _Group(batch, self._begun(batch))
            finally:
                here = group.begun and self._quick and not self._crowd and self._commits < CHECKPOINT_EVERY
                if not here:
                    self._groups.put(group)
            if here:
                self._commit(group)
                self._flying = False
        if here:
            self._settle(batch)

    def _begun(self, batch: Sequence[_Waiting]) -> bool:
        """Run a batch up to its commit; False when the thread has to, because a job failed or another process holds the lock."""
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            self._tx.check_own()
            for waiting in batch:
                waiting.result = run(waiting.job, self._tx)
        except BaseException as error:  # whatever it was, nothing of this attempt may stay open
            with suppress(sqlite3.Error):
                self._roll_back()
            if isinstance(error, Exception):
                return False
            raise
        return True

    def _work(self) -> None:
        """Commit one group after the other, and wake its callers; until closed."""
        while (group := self._groups.get()) is not None:
            self._commit(group)
            told = self._commits >= CHECKPOINT_EVERY
            if told:
                self._wake(group.batch, {})
                self._checkpoint()
            with self._gate:
                self._flying = False
                following = {waiting.loop: list[_Waiting]() for waiting in self._waiting}
            self._wake(() if told else group.batch, following)
        self._writer.close()

    def _commit(self, group: _Group) -> None:
        try:
            if group.begun:
                begun = time.perf_counter()
                self._writer.execute("COMMIT")
                self._quick = time.perf_counter() - begun < QUICK_SECONDS
            else:
                self._patiently_apart(group.batch)
            self._commits += 1
        except BaseException as error:  # noqa: BLE001  # whatever it was, its callers must hear of it and the thread must live
            self._abandon(group.batch, error)

    def _checkpoint(self) -> None:
        """Copy the log into the file; what was committed is durable without."""
        self._commits = 0
        try:
            self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error:
            log.warning("the ledger's log could not be copied into its file", extra={"action": "checkpoint_failed"})

    def _patiently_apart(self, batch: Sequence[_Waiting]) -> None:
        wait_for_lock(self._writer, BUSY_SECONDS)
        try:
            self._apart(batch)
        finally:
            wait_for_lock(self._writer, 0)

    def _apart(self, batch: Sequence[_Waiting]) -> None:
        """Run and commit a batch with each job in a savepoint, so that a job which fails, fails alone."""
        self._writer.execute("BEGIN IMMEDIATE")
        self._tx.check_own()
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

    def _wake(self, batch: Sequence[_Waiting], loops: dict[asyncio.AbstractEventLoop, list[_Waiting]]) -> None:
        """Tell the callers, with one wake-up for each event loop, and let the loops launch what waits there."""
        for waiting in batch:
            loops.setdefault(waiting.loop, []).append(waiting)
        for loop, theirs in loops.items():
            try:
                loop.call_soon_threadsafe(self._settle, theirs)
            except RuntimeError:
                log.warning(
                    "an event loop closed before its ledger write was acknowledged", extra={"action": "caller_gone"}
                )

    def _settle(self, batch: Sequence[_Waiting]) -> None:
        for waiting in batch:
            waiting.settle()
        self._launch()

    def _roll_back(self) -> None:
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK")


def _shared(error: BaseException) -> BaseException:
    """Return an error of each caller's own, since a raised exception carries its caller's traceback."""
    return (
        LedgerFailure(error.message, fix=error.fix, rule=error.rule)
        if isinstance(error, LedgerFailure)
        else LedgerFailure("The ledger failed.")
    )
