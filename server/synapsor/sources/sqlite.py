"""SQLite as a read and a write source: for the demo, for embedded applications, and as the third engine of every guard.

A read is one transaction on a read-only connection whose authorizer permits nothing but reading. A write is one IMMEDIATE transaction;
leaving it without a commit rolls back. A commit's outcome is known unless the disk failed under it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from functools import partial
from typing import Any

from synapsor.core.facts import Effect, RelationFacts, Rights
from synapsor.core.plan import Relation
from synapsor.core.surroundings import Surroundings
from synapsor.errors import Failure, SourceFailure
from synapsor.sources import sqlite_posture as posture
from synapsor.sources.pool import Pool, left_until
from synapsor.sources.shield import refuse_told, to_the_end
from synapsor.sources.sqlite_connection import (
    Hidden,
    Place,
    Role,
    Session,
    SqliteDialer,
    authorizer,
    failure_of,
    look,
    parameters,
    read,
    wait,
)
from synapsor.sources.sqlite_surroundings import surroundings
from synapsor.sql.statement import Dialect, RawRow, Statement
from synapsor.values import digest

GRACE_SECONDS = 0.1
"""How much longer than a lock wait's own limit the caller waits, so that the lock's limit is the one reported."""


class _SqliteSource:
    dialect: Dialect = "sqlite"
    _mends = False

    def __init__(self, *, name: str, url: str, schema: str, pool_size: int, pool_wait_ms: int, role: Role) -> None:
        self.name = name
        self._place = self._placed(url, schema)
        self._hidden = Hidden()
        dialer = SqliteDialer(self._place, role, authorizer(role, self._place.schema, self._hidden))
        self._new_pool: Callable[[], Pool[Session]] = lambda: Pool(dialer, size=pool_size, wait_ms=pool_wait_ms)
        self._pool = self._new_pool()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name})"

    @staticmethod
    def _placed(url: str, schema: str) -> Place:
        return Place.parse(url, schema)

    async def describe(self, relation: Relation) -> RelationFacts | None:
        """Return what the schema says, or None when there is no such relation in this source's file."""
        return (
            await self._look(partial(posture.describe, relation=relation))
            if relation.schema == self._place.schema
            else None
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()

    async def _look(self, ask: posture.Look[posture.T]) -> posture.T:
        """Return what a look at the schema gives, on a connection of its own that may see the schema and no row."""
        return await asyncio.to_thread(_looked, self._place, ask, mends=self._mends)


def _looked(place: Place, ask: posture.Look[posture.T], *, mends: bool) -> posture.T:
    permits = authorizer("catalogue", place.schema, Hidden())
    failure: SourceFailure | None = None
    try:
        with closing(place.open("catalogue", permits, mends=mends)) as connection:
            return ask(connection)
    except sqlite3.Error as error:
        failure = failure_of(error)
    raise failure


class SqliteReadSource(_SqliteSource):
    """A SQLite file, opened read-only."""

    def __init__(
        self, *, name: str, url: str, schema: str = "main", pool_size: int = 4, pool_wait_ms: int = 1000
    ) -> None:
        super().__init__(name=name, url=url, schema=schema, pool_size=pool_size, pool_wait_ms=pool_wait_ms, role="read")

    async def fetch(self, statement: Statement, *, time_ms: int) -> Sequence[RawRow]:
        """Return the raw rows; a cancelled or late call is interrupted."""
        refuse_told(statement)
        job = read(statement, time_ms=time_ms)
        pool = self._pool
        session = await pool.acquire()
        try:
            return await session.call(job, seconds=time_ms / 1000)
        finally:
            pool.release(session)

    @asynccontextmanager
    async def snapshot(self, *, time_ms: int) -> AsyncIterator[SqliteSnapshot]:
        """Open one transaction for several statements; all of them together have `time_ms`."""
        pool = self._pool
        session = await pool.acquire()
        try:
            yield SqliteSnapshot(session, time_ms)
        finally:
            pool.release(session)  # its reset ends the transaction

    async def posture(self, relations: Collection[Relation], denied: Mapping[Relation, frozenset[str]]) -> Rights:
        """Return what this user could do to the file, and deny the denied columns to every later read, except through a view."""
        del relations  # SQLite knows no right to one; that it can be read, `describe` shows
        self._hidden.columns |= {
            (r.name.lower(), column.lower()) for r, columns in denied.items() for column in columns
        }
        self._hidden.views |= await self._look(partial(posture.views, schema=self._place.schema))
        # A connection asks its authorizer when it prepares a statement, and keeps prepared ones: none from before may live on.
        before, self._pool = self._pool, self._new_pool()
        await before.aclose()
        return posture.rights_of_reader(self._place)

    async def surroundings(self, relation: Relation) -> Surroundings | None:
        """Return what stands around a table, or None where there is none in this source's file."""
        return (
            await self._look(partial(surroundings, relation=relation))
            if relation.schema == self._place.schema
            else None
        )

    async def fingerprint(self) -> str:
        """Return a digest that names the file without its path in clear."""
        return digest("source", ["sqlite", str(self._place.path.resolve())])


class SqliteSnapshot:
    """One READ ONLY transaction of several statements."""

    def __init__(self, session: Session, time_ms: int) -> None:
        self._session = session
        self._time_ms = time_ms
        self._until = asyncio.get_running_loop().time() + time_ms / 1000

    async def fetch(self, statement: Statement) -> Sequence[RawRow]:
        """Return the raw rows, as of the first statement of the transaction."""
        refuse_told(statement)
        job = look(statement, time_ms=self._time_ms)
        return await self._session.call(job, seconds=left_until(self._until))


class SqliteWriteSource(_SqliteSource):
    """A SQLite file, opened for the worker's guarded updates."""

    # A worker looks before it writes: without this, none that starts after another was killed would ever come to write.
    _mends = True

    def __init__(
        self, *, name: str, url: str, schema: str = "main", pool_size: int = 2, pool_wait_ms: int = 1000
    ) -> None:
        super().__init__(
            name=name, url=url, schema=schema, pool_size=pool_size, pool_wait_ms=pool_wait_ms, role="write"
        )

    @asynccontextmanager
    async def transaction(self, *, time_ms: int) -> AsyncIterator[SqliteTransaction]:
        """Open the one writing transaction; left without `commit`, it is rolled back and its connection closed."""
        session = await self._pool.acquire()
        transaction = SqliteTransaction(session, time_ms)
        try:
            await transaction.begin()
            yield transaction
        finally:
            if transaction.committed:
                self._pool.release(session)
            else:
                # To the end: the file's one write lock would meet the next attempt.
                await to_the_end(self._pool.discard(session))

    async def effects(self, relation: Relation) -> tuple[Effect, ...]:
        """Return what removing a row does beside; others may write meanwhile."""
        return await self._look(partial(posture.on_delete, relation=relation))

    async def posture(self, relations: Collection[Relation], receipts: Relation | None) -> Rights:
        """Return what can be written, and what the receipts are like."""
        schema, writable = self._place.schema, self._writable()
        return await self._look(lambda c: posture.rights_of_writer(c, schema, relations, receipts, writable=writable))

    def _writable(self) -> bool:
        return posture.may_write(self._place)


class SqliteTransaction:
    """One transaction of the worker."""

    def __init__(self, session: Session, time_ms: int) -> None:
        self._session = session
        self._time_ms = time_ms
        self._spoiled = False
        self.committed = False

    async def begin(self) -> None:
        """Take the file's write lock."""

        def job(connection: sqlite3.Connection) -> None:
            wait(connection, self._time_ms)
            connection.execute("BEGIN IMMEDIATE").close()

        await self._session.call(job, seconds=self._time_ms / 1000 + GRACE_SECONDS)

    async def fetch(self, statement: Statement) -> Sequence[RawRow]:
        """Return the raw rows."""
        refuse_told(statement)
        rows: Sequence[RawRow] = await self._run(statement, lambda cursor: cursor.fetchall())
        return rows

    async def execute(self, statement: Statement) -> int:
        """Return the number of rows matched; rows that triggers change are not counted."""
        return int(await self._run(statement, lambda cursor: cursor.rowcount))

    async def effects(self, relation: Relation) -> tuple[Effect, ...]:
        """Return what removing a row does beside."""

        def job(connection: sqlite3.Connection) -> tuple[Effect, ...]:
            connection.set_authorizer(authorizer("catalogue", relation.schema, Hidden()))
            try:
                return posture.on_delete(connection, relation)
            finally:
                connection.set_authorizer(authorizer("write", relation.schema, Hidden()))

        return await self._session.call(job, seconds=self._time_ms / 1000 + GRACE_SECONDS)

    async def settle_constraints(self) -> None:
        """Do nothing: COMMIT itself checks deferred foreign keys, and one that fails it leaves nothing behind."""

    async def commit(self) -> None:
        """Commit, durably, whatever happens to the caller meanwhile.

        Raises:
            SourceFailure: `unknown_commit` when the disk failed while committing.
        """
        if self._spoiled or not self._session.in_transaction:
            raise SourceFailure(Failure.OTHER, state="no_transaction")
        self._spoiled = True
        await to_the_end(self._commit())

    async def _commit(self) -> None:
        try:
            await self._session.call(lambda connection: connection.execute("COMMIT").close(), seconds=None)
        except SourceFailure as failed:
            # With the transaction still open nothing was committed; a disk error has closed it, in one way or the other.
            if self._session.in_transaction or failed.kind is not Failure.UNAVAILABLE:
                raise
            state = failed.state
        else:
            self.committed = True
            return
        raise SourceFailure(Failure.UNKNOWN_COMMIT, state=state)

    async def _run(self, statement: Statement, result: Any) -> Any:
        if self._spoiled:
            raise SourceFailure(Failure.OTHER, state="no_transaction")
        self._spoiled = True
        values = parameters(statement)

        def job(connection: sqlite3.Connection) -> Any:
            with closing(connection.execute(statement.text, values)) as cursor:
                return result(cursor)

        found = await self._session.call(job, seconds=self._time_ms / 1000)
        self._spoiled = False
        return found
