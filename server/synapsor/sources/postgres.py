"""Postgres as a source: a guarded read per call through one credential, the worker's transaction through another.

Session set-up, fetch, execute and error mapping, nothing else: what is asked comes as a statement with bound parameters.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from synapsor.core.facts import Effect, RelationFacts, Rights
from synapsor.core.plan import Relation
from synapsor.core.surroundings import Surroundings
from synapsor.errors import Failure, SourceFailure
from synapsor.sources import postgres_catalogue, postgres_posture
from synapsor.sources.pool import Pool, left_until
from synapsor.sources.postgres_connection import (
    GRACE_SECONDS,
    READ_PINS,
    WRITE_PINS,
    Address,
    PostgresDialer,
    Session,
    begin_read,
    begin_write,
)
from synapsor.sources.postgres_failures import STALE_PLAN
from synapsor.sources.postgres_surroundings import surroundings
from synapsor.sources.postgres_views import Look
from synapsor.sources.shield import to_the_end
from synapsor.sources.tls import Tls
from synapsor.sql.statement import Dialect, RawRow, Statement
from synapsor.values import digest

T = TypeVar("T")

_CATALOGUE_MS = 15_000
_ANSWERED = frozenset({Failure.CONSTRAINT, Failure.TRANSIENT, Failure.VALUE, Failure.DENIED})
"""Failures that the server itself gives as the answer to COMMIT: nothing was committed."""


class _Source:
    """What both credentials share: an address that is never shown, and a pool that connects when first needed."""

    dialect: Dialect = "postgres"

    def __init__(
        self, *, name: str, url: str, tls: Tls, pool_size: int, pool_wait_ms: int, pins: Mapping[str, str]
    ) -> None:
        self.name = name
        address = Address.parse(url)
        self._local = address.local
        self._pool: Pool[Session] = Pool(PostgresDialer(address, tls, pins), size=pool_size, wait_ms=pool_wait_ms)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name})"

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()

    async def describe(self, relation: Relation) -> RelationFacts | None:
        """Return what the catalogue says, or None when the credential cannot see such a relation."""
        return await self._looked(lambda look: postgres_catalogue.describe(look, relation))

    async def _looked(self, work: Callable[[Look], Awaitable[T]]) -> T:
        """Return what `work` makes of any number of questions to the catalogue, all of them put in one transaction."""
        session, found = await self._start(lambda session: _look_with(session, work))
        self._pool.release(session)
        return found

    async def _read(self, statement: Statement, *, time_ms: int) -> Sequence[RawRow]:
        session, rows = await self._start(lambda session: _read(session, statement, time_ms=time_ms))
        # Ended by the reset, when the caller has its rows.
        self._pool.release(session)
        return rows

    async def _start(self, work: Callable[[Session], Awaitable[T]]) -> tuple[Session, T]:
        """Return a session and what `work` got from it, once more where the first try met only something outdated.

        That is a connection that died of age, or a plan from before a change of the schema: nothing has happened then.
        """
        session = await self._pool.acquire()
        used = session.used
        try:
            return session, await work(session)
        except BaseException as error:
            self._pool.release(session)
            outdated = isinstance(error, SourceFailure) and (
                error.state == STALE_PLAN or (used and error.kind is Failure.UNAVAILABLE)
            )
            if not outdated:
                raise
        session = await self._pool.acquire(fresh=True)
        try:
            return session, await work(session)
        except BaseException:
            self._pool.release(session)
            raise


async def _look_with(session: Session, work: Callable[[Look], Awaitable[T]]) -> T:
    seconds = _CATALOGUE_MS / 1000 + GRACE_SECONDS
    await session.begin(begin_read(_CATALOGUE_MS), seconds, again=True)
    return await work(lambda text, *params: session.fetch(Statement(text=text, params=params), seconds))


async def _read(session: Session, statement: Statement, *, time_ms: int) -> Sequence[RawRow]:
    seconds = time_ms / 1000 + GRACE_SECONDS
    await session.begin(begin_read(time_ms), seconds, again=True)
    if statement.told is not None:
        await session.fetch(statement.told, seconds)
    return await session.fetch(statement, seconds)


class PostgresReadSource(_Source):
    """Postgres through the read-only credential."""

    def __init__(self, *, name: str, url: str, tls: Tls, pool_size: int = 4, pool_wait_ms: int = 1000) -> None:
        super().__init__(name=name, url=url, tls=tls, pool_size=pool_size, pool_wait_ms=pool_wait_ms, pins=READ_PINS)
        self._fingerprint = ""

    async def fetch(self, statement: Statement, *, time_ms: int) -> Sequence[RawRow]:
        """Return the raw rows of one READ ONLY transaction; a cancelled call stops the statement on the server."""
        return await self._read(statement, time_ms=time_ms)

    @asynccontextmanager
    async def snapshot(self, *, time_ms: int) -> AsyncIterator[PostgresSnapshot]:
        """Open one REPEATABLE READ READ ONLY transaction for several statements; all of them together have `time_ms`."""
        snapshot = PostgresSnapshot(self._start, time_ms)
        try:
            yield snapshot
        finally:
            if snapshot.session is not None:
                self._pool.release(snapshot.session)  # its reset ends the transaction

    async def posture(self, relations: Collection[Relation], denied: Mapping[Relation, frozenset[str]]) -> Rights:
        """Return what this credential may do with the relations, and beyond."""
        every = {*relations, *denied}
        return await self._looked(lambda look: postgres_posture.rights(look, every, local=self._local))

    async def surroundings(self, relation: Relation) -> Surroundings | None:
        """Return what stands around a table, or None where there is none."""
        return await self._looked(lambda look: surroundings(look, relation))

    async def fingerprint(self) -> str:
        """Return a digest that names the server and database without an address, a name or a password in clear."""
        if not self._fingerprint:
            self._fingerprint = digest("source", ["postgres", *await self._looked(postgres_catalogue.identity)])
        return self._fingerprint


class PostgresSnapshot:
    """One READ ONLY transaction of several statements, begun with the first of them.

    Attributes:
        session: the one that is used, from the first statement on.
    """

    def __init__(self, start: Callable[..., Awaitable[tuple[Session, Sequence[RawRow]]]], time_ms: int) -> None:
        self._start = start
        self._time_ms = time_ms
        self._until = asyncio.get_running_loop().time() + time_ms / 1000 + GRACE_SECONDS
        self.session: Session | None = None

    async def fetch(self, statement: Statement) -> Sequence[RawRow]:
        """Return the raw rows, as of the first statement of the transaction."""
        if self.session is not None:
            if statement.told is not None:
                await self.session.fetch(statement.told, left_until(self._until))
            return await self.session.fetch(statement, left_until(self._until))
        self.session, rows = await self._start(lambda session: _read(session, statement, time_ms=self._time_ms))
        return rows


class PostgresTransaction:
    """One transaction of the worker."""

    def __init__(self, session: Session, *, time_ms: int) -> None:
        self._session = session
        self._seconds = time_ms / 1000 + GRACE_SECONDS
        self.committed = False

    async def fetch(self, statement: Statement) -> Sequence[RawRow]:
        """Return a statement's rows."""
        if statement.told is not None:
            await self._session.fetch(statement.told, self._seconds)
        return await self._session.fetch(statement, self._seconds)

    async def execute(self, statement: Statement) -> int:
        """Return the number of rows matched."""
        return await self._session.execute(statement, self._seconds)

    async def effects(self, relation: Relation) -> tuple[Effect, ...]:
        """Return what removing a row does beside."""
        return await postgres_catalogue.on_delete(self._look, relation)

    async def _look(self, text: str, *params: object) -> Sequence[RawRow]:
        return await self.fetch(Statement(text=text, params=params))

    async def settle_constraints(self) -> None:
        """Force deferred constraints to be checked now."""
        await self._session.command("SET CONSTRAINTS ALL IMMEDIATE", self._seconds)

    async def commit(self) -> None:
        """Commit, durably; a cancellation waits until the answer is known.

        Raises:
            SourceFailure: `unknown_commit` when the answer was lost.
        """
        await to_the_end(self._commit())

    async def _commit(self) -> None:
        failure: SourceFailure | None = None
        tag = ""
        try:
            tag = await self._session.command("COMMIT", self._seconds)
        except SourceFailure as failed:
            failure = failed if failed.kind in _ANSWERED else SourceFailure(Failure.UNKNOWN_COMMIT, state=failed.state)
        if failure is not None:
            raise failure
        if tag != "COMMIT":
            # The server answers ROLLBACK when an error before had ended the transaction.
            raise SourceFailure(Failure.OTHER, state="rolled_back")
        self.committed = True


class PostgresWriteSource(_Source):
    """Postgres through the worker's write credential."""

    def __init__(self, *, name: str, url: str, tls: Tls, pool_size: int = 2, pool_wait_ms: int = 5000) -> None:
        super().__init__(name=name, url=url, tls=tls, pool_size=pool_size, pool_wait_ms=pool_wait_ms, pins=WRITE_PINS)

    @asynccontextmanager
    async def transaction(self, *, time_ms: int) -> AsyncIterator[PostgresTransaction]:
        """Open a read-committed transaction; leaving it without a commit rolls back and closes the connection."""
        session, _ = await self._start(lambda session: _begin(session, time_ms=time_ms))
        transaction = PostgresTransaction(session, time_ms=time_ms)
        try:
            yield transaction
        finally:
            if transaction.committed:
                self._pool.release(session)
            else:
                # To the end: a lock that outlived this block would meet the next attempt on the same row.
                await to_the_end(self._pool.discard(session))

    async def effects(self, relation: Relation) -> tuple[Effect, ...]:
        """Return what removing a row does beside."""
        return await self._looked(lambda look: postgres_catalogue.on_delete(look, relation))

    async def posture(self, relations: Collection[Relation], receipts: Relation | None) -> Rights:
        """Return what this credential may do with the relations, and beyond, and what the receipts are like."""
        wanted = {*relations, *filter(None, (receipts,))}
        return await self._looked(
            lambda look: postgres_posture.rights(look, wanted, local=self._local, receipts=receipts)
        )


async def _begin(session: Session, *, time_ms: int) -> None:
    await session.begin(begin_write(time_ms), time_ms / 1000 + GRACE_SECONDS)
