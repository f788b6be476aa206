"""MySQL and MariaDB as read and write sources: session, transaction, time limits and errors by number.

A read is one READ ONLY transaction over one snapshot. A write is one READ COMMITTED transaction; leaving it without a commit rolls
back and closes the connection, and a COMMIT whose answer was lost is reported as unknown, never as failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from synapsor.core.facts import Effect, RelationFacts, Rights
from synapsor.core.plan import Relation
from synapsor.core.surroundings import Surroundings
from synapsor.errors import Failure, SourceFailure
from synapsor.sources import mysql_catalogue as catalogue
from synapsor.sources import mysql_posture as posture
from synapsor.sources.mysql_connection import GRACE_SECONDS, Address, MysqlDialer, Role, Session
from synapsor.sources.mysql_effects import on_delete
from synapsor.sources.mysql_surroundings import surroundings
from synapsor.sources.pool import Pool, left_until
from synapsor.sources.shield import refuse_told, to_the_end
from synapsor.sources.tls import Tls, is_loopback
from synapsor.sql.statement import Dialect, RawRow, Statement
from synapsor.values import digest

T = TypeVar("T")

CATALOGUE_MS = 5000
COMMIT_SECONDS = 15.0
_KNOWN_AT_COMMIT = frozenset({Failure.CONSTRAINT, Failure.TRANSIENT})
"""Errors that the server itself answers a COMMIT with, having rolled back. Every other end of a COMMIT leaves it open."""


class _MysqlSource:
    dialect: Dialect = "mysql"

    def __init__(self, *, name: str, url: str, tls: Tls, pool_size: int, pool_wait_ms: int, role: Role) -> None:
        self.name = name
        self._address = Address.parse(url)
        dialer = MysqlDialer(self._address, tls.context(self._address.host), role)
        self._pool: Pool[Session] = Pool(dialer, size=pool_size, wait_ms=pool_wait_ms)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name})"

    async def describe(self, relation: Relation) -> RelationFacts | None:
        """Return what the catalogue says, or None when the credential cannot see such a relation."""
        return await self._asked(lambda ask: catalogue.describe(ask, relation))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()

    async def _asked(self, work: Callable[[catalogue.Ask], Awaitable[T]]) -> T:
        """Return what `work` makes of any number of questions to the catalogue, all of them put in one transaction."""
        session, found = await self._start(lambda session: _ask_with(session, work))
        self._pool.release(session)
        return found

    async def _fetch(self, statement: Statement, *, time_ms: int) -> Sequence[RawRow]:
        session, rows = await self._start(lambda session: session.read(statement, time_ms=time_ms))
        self._pool.release(session)
        return rows

    async def _start(self, work: Callable[[Session], Awaitable[T]]) -> tuple[Session, T]:
        """Return a session and what `work` got from it; an idle connection that was cut unseen is replaced once."""
        session = await self._pool.acquire()
        try:
            return session, await work(session)
        except SourceFailure as failed:
            self._pool.release(session)
            if failed.kind is not Failure.UNAVAILABLE or not session.used:
                raise
        except BaseException:
            self._pool.release(session)
            raise
        session = await self._pool.acquire(fresh=True)
        try:
            return session, await work(session)
        except BaseException:
            self._pool.release(session)
            raise


async def _ask_with(session: Session, work: Callable[[catalogue.Ask], Awaitable[T]]) -> T:
    await session.begin_read(time_ms=CATALOGUE_MS)

    async def ask(text: str, *params: Any) -> Sequence[RawRow]:
        if not session.alive:  # whoever asks may have swallowed a failure
            raise SourceFailure(Failure.UNAVAILABLE, state="no_transaction")
        return await session.read_on(Statement(text=text, params=params), seconds=CATALOGUE_MS / 1000)

    return await work(ask)


class MysqlReadSource(_MysqlSource):
    """MySQL or MariaDB through its read-only credential."""

    def __init__(self, *, name: str, url: str, tls: Tls, pool_size: int = 4, pool_wait_ms: int = 1000) -> None:
        super().__init__(name=name, url=url, tls=tls, pool_size=pool_size, pool_wait_ms=pool_wait_ms, role="read")

    async def fetch(self, statement: Statement, *, time_ms: int) -> Sequence[RawRow]:
        """Return the raw rows: text, bytes or None, as the server sent them."""
        refuse_told(statement)
        return await self._fetch(statement, time_ms=time_ms)

    @asynccontextmanager
    async def snapshot(self, *, time_ms: int) -> AsyncIterator[MysqlSnapshot]:
        """Open one READ ONLY transaction over one snapshot for several statements; all of them together have `time_ms`."""
        snapshot = MysqlSnapshot(self._start, time_ms)
        try:
            yield snapshot
        finally:
            if snapshot.session is not None:
                self._pool.release(snapshot.session)  # its reset ends the transaction

    async def posture(self, relations: Collection[Relation], denied: Mapping[Relation, frozenset[str]]) -> Rights:
        """Return what this credential may do with the relations, and beyond."""
        every, local = {*relations, *denied}, is_loopback(self._address.host)
        return await self._asked(lambda ask: posture.rights(ask, self._address.user, every, local=local))

    async def surroundings(self, relation: Relation) -> Surroundings | None:
        """Return what stands around a table, as far as this credential sees it."""
        return await self._asked(lambda ask: surroundings(ask, relation))

    async def fingerprint(self) -> str:
        """Return a digest that names the server and database without an address, a name or a password in clear."""
        server = await self._asked(catalogue.server_identity)
        return digest(
            "source", ["mysql", server or f"{self._address.host}:{self._address.port}", self._address.database]
        )


class MysqlSnapshot:
    """One READ ONLY transaction of several statements, begun with the first of them.

    Attributes:
        session: the one that is used, from the first statement on.
    """

    def __init__(self, start: Callable[..., Awaitable[tuple[Session, Sequence[RawRow]]]], time_ms: int) -> None:
        self._start = start
        self._time_ms = time_ms
        self._until = asyncio.get_running_loop().time() + time_ms / 1000
        self.session: Session | None = None

    async def fetch(self, statement: Statement) -> Sequence[RawRow]:
        """Return the raw rows, as of the first statement of the transaction."""
        refuse_told(statement)
        if self.session is not None:
            return await self.session.read_on(statement, seconds=left_until(self._until))
        self.session, rows = await self._start(lambda session: session.read(statement, time_ms=self._time_ms))
        return rows


class MysqlWriteSource(_MysqlSource):
    """MySQL or MariaDB through the worker's write credential."""

    def __init__(self, *, name: str, url: str, tls: Tls, pool_size: int = 2, pool_wait_ms: int = 1000) -> None:
        super().__init__(name=name, url=url, tls=tls, pool_size=pool_size, pool_wait_ms=pool_wait_ms, role="write")

    @asynccontextmanager
    async def transaction(self, *, time_ms: int) -> AsyncIterator[MysqlTransaction]:
        """Open a read-committed transaction; left without `commit`, it is rolled back and its connection closed."""
        session, _ = await self._start(lambda session: session.begin(time_ms=time_ms))
        transaction = MysqlTransaction(session, time_ms)
        try:
            yield transaction
        finally:
            await to_the_end(self._leave(session, transaction))

    async def effects(self, relation: Relation) -> tuple[Effect, ...]:
        """Return what removing a row does beside."""
        return await self._asked(lambda ask: on_delete(ask, relation))

    async def posture(self, relations: Collection[Relation], receipts: Relation | None) -> Rights:
        """Return what this credential may do with the relations, and beyond, and what the receipts are like."""
        wanted, local = {*relations, *filter(None, (receipts,))}, is_loopback(self._address.host)
        return await self._asked(
            lambda ask: posture.rights(ask, self._address.user, wanted, local=local, receipts=receipts)
        )

    async def _leave(self, session: Session, transaction: MysqlTransaction) -> None:
        if transaction.committed:
            self._pool.release(session)
            return
        if session.alive:
            # The server would roll back by itself on the close, but later; the row lock should be gone when this returns.
            with suppress(SourceFailure):
                await session.run(b"ROLLBACK", seconds=COMMIT_SECONDS)
        await self._pool.discard(session)


class MysqlTransaction:
    """One transaction of the worker. After any error it can only be left: MySQL may have undone one statement or all of them."""

    def __init__(self, session: Session, time_ms: int) -> None:
        self._session = session
        self._seconds = time_ms / 1000 + GRACE_SECONDS
        self._spoiled = False
        self.committed = False

    async def fetch(self, statement: Statement) -> Sequence[RawRow]:
        """Return the raw rows."""
        refuse_told(statement)
        result = await self._run(self._session.render(statement))
        return tuple(result.rows or ())

    async def execute(self, statement: Statement) -> int:
        """Return the number of rows matched (not the number changed)."""
        result = await self._run(self._session.render(statement))
        return int(result.affected_rows)

    async def effects(self, relation: Relation) -> tuple[Effect, ...]:
        """Return what removing a row does beside."""
        return await on_delete(self._ask, relation)

    async def _ask(self, text: str, *params: Any) -> Sequence[RawRow]:
        try:
            return await self.fetch(Statement(text=text, params=params))
        except SourceFailure as failed:
            # A list that may not be read was refused before anything was done, and the transaction stands.
            self._spoiled = failed.kind is not Failure.DENIED
            raise

    async def settle_constraints(self) -> None:
        """Do nothing: neither server has deferred constraints."""

    async def commit(self) -> None:
        """Commit, whatever happens to the caller meanwhile.

        Raises:
            SourceFailure: `unknown_commit` when the answer was lost.
        """
        if self._spoiled or not self._session.alive:
            raise SourceFailure(Failure.UNAVAILABLE, state="no_transaction")
        self._spoiled = True
        await to_the_end(self._commit())

    async def _commit(self) -> None:
        if not self._session.in_transaction:
            # Something has ended the transaction already; whether with its effect, only the receipt can tell.
            raise SourceFailure(Failure.UNKNOWN_COMMIT, state="no_transaction")
        try:
            await self._session.run(b"COMMIT", seconds=COMMIT_SECONDS)
        except SourceFailure as failed:
            if failed.kind in _KNOWN_AT_COMMIT and self._session.alive:
                raise
            lost = failed.state
        else:
            self.committed = True
            return
        raise SourceFailure(Failure.UNKNOWN_COMMIT, state=lost)

    async def _run(self, sql: bytes) -> Any:
        if self._spoiled:
            raise SourceFailure(Failure.OTHER, state="no_transaction")
        self._spoiled = True
        result = await self._session.run(sql, seconds=self._seconds)
        self._spoiled = False
        return result
