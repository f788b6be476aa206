"""Several statements in one READ ONLY transaction keep every promise of a single one, on every engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from synapsor.errors import Failure
from synapsor.ports import ReadSource
from synapsor.sql.statement import Statement
from tests.conformance.test_sources import PLACE, RUNNING, SLOW, asked, attempt, failure, note
from tests.databases import Database, execute, table
from tests.sources import eventually, open_reader

ONE = Statement(text="SELECT 1", params=())


@pytest.fixture
def database(each_database: Database) -> Database:
    """The shop on each engine, and on the one that is shipped for tests."""
    return each_database


@pytest.fixture
async def reader(database: Database) -> AsyncIterator[ReadSource]:
    """A reader with one connection: what is not given back clean is missed at once."""
    source = open_reader(database, pool_size=1, pool_wait_ms=3000)
    yield source
    await source.aclose()


def look(database: Database) -> Statement:
    """Return the read of a note."""
    text = f"SELECT note FROM {database.schema}.invoice_review WHERE id = {PLACE[database.engine]}"
    return Statement(text=text, params=("INV-3002",))


async def seen(reader: ReadSource, database: Database) -> str:
    (found,) = await reader.fetch(look(database), time_ms=2000)
    return found[0].decode() if isinstance(found[0], bytes) else str(found[0])


@pytest.mark.requirement("read:cannot-write")
@pytest.mark.parametrize("before", [0, 1])
async def test_a_credential_that_may_write_cannot_in_any_statement_of_a_snapshot(
    database: Database, before: int
) -> None:
    was = await note(database)
    reader = open_reader(database, url=database.write_url, pool_size=1)
    try:
        async with reader.snapshot(time_ms=2000) as snapshot:
            for _ in range(before):
                assert len(await snapshot.fetch(ONE)) == 1
            assert (await failure(snapshot.fetch(attempt(database)))).kind is Failure.DENIED
        assert len(await reader.fetch(ONE, time_ms=2000)) == 1
    finally:
        await reader.aclose()
    assert await note(database) == was


@pytest.mark.requirement("link:bounded")
async def test_a_slow_second_statement_ends_at_the_limit_of_all_and_the_next_read_works(
    database: Database, reader: ReadSource
) -> None:
    started = time.monotonic()
    async with reader.snapshot(time_ms=1500) as snapshot:
        assert len(await snapshot.fetch(ONE)) == 1
        failed = await failure(snapshot.fetch(Statement(text=SLOW[database.engine], params=())))
    assert failed.kind is Failure.TIMEOUT
    assert time.monotonic() - started < 20  # and not the minute that it would take
    assert await seen(reader, database) == "Asked for a copy by post."


@pytest.mark.requirement("read:cancel-stops")
async def test_a_canceled_snapshot_is_stopped_on_the_server(database: Database, reader: ReadSource) -> None:
    async def both() -> None:
        async with reader.snapshot(time_ms=30_000) as snapshot:
            await snapshot.fetch(ONE)
            await snapshot.fetch(Statement(text=SLOW[database.engine], params=()))

    async def runs() -> bool:
        return (await asked(database, RUNNING[database.engine]))[0][0] == 1

    async def ended() -> bool:
        return not await runs()

    task = asyncio.create_task(both())
    if database.engine in RUNNING:
        await eventually(runs)
    else:
        await asyncio.wait({task}, timeout=0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await seen(reader, database) == "Asked for a copy by post."
    if database.engine in RUNNING:
        await eventually(ended)  # a server may say that it kills before the statement, of a minute, has ended


@pytest.mark.requirement("link:one-moment")
async def test_what_comes_after_a_snapshot_is_of_another_moment(database: Database, reader: ReadSource) -> None:
    for number in range(3):
        async with reader.snapshot(time_ms=2000) as snapshot:
            first, second = await snapshot.fetch(look(database)), await snapshot.fetch(look(database))
            assert [tuple(r) for r in first] == [tuple(r) for r in second]
        # Handed back, and its transaction ended: nothing holds up a writer.
        await reader._pool.tidied()  # type: ignore[attr-defined]  # no event tells
        execute(database, f"UPDATE {table(database, 'invoices')} SET note = 'n{number}' WHERE id = 'INV-3002'")
        assert await seen(reader, database) == f"n{number}"


@pytest.mark.requirement("read:bounded-pool")
async def test_a_snapshot_that_is_left_before_its_first_statement_or_by_an_error_keeps_nothing(
    database: Database, reader: ReadSource
) -> None:
    async with reader.snapshot(time_ms=2000):
        pass
    with suppress(ZeroDivisionError):
        async with reader.snapshot(time_ms=2000) as snapshot:
            await snapshot.fetch(ONE)
            raise ZeroDivisionError
    async with reader.snapshot(time_ms=2000) as snapshot:
        await snapshot.fetch(ONE)
        await failure(snapshot.fetch(Statement(text="SELECT no_such_column FROM nowhere", params=())))
    assert await seen(reader, database) == "Asked for a copy by post."


@pytest.mark.parametrize("engine", ["postgres", "mariadb"])
async def test_a_connection_that_died_idle_is_replaced_unseen_by_a_snapshot(
    request: pytest.FixtureRequest, engine: str
) -> None:
    database: Database = request.getfixturevalue(f"{engine}_db")
    reader = open_reader(database, pool_size=1)
    try:
        for _ in range(2):
            await reader.fetch(ONE, time_ms=1000)
        if engine == "postgres":
            await asked(
                database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'synapsor_reader'"
            )
        else:
            processes = "SELECT id FROM information_schema.processlist WHERE user = 'synapsor_reader'"
            for (number,) in await asked(database, processes):
                execute(database, f"KILL {number}")
        async with reader.snapshot(time_ms=1000) as snapshot:
            assert len(await snapshot.fetch(ONE)) == 1
            assert len(await snapshot.fetch(ONE)) == 1
    finally:
        await reader.aclose()
