"""Sources of the loaded shop, and short ways to ask them what the product would ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from synapsor.core.evidence import Rows
from synapsor.core.facts import Finding, Needs, RelationFacts
from synapsor.core.plan import Column, Condition, ReadPlan, ReadShape, Relation, WritePlan, WriteShape
from synapsor.core.posture import judge_reader, judge_writer
from synapsor.ports import ReadSource, WriteSource
from synapsor.sources.mysql import MysqlReadSource, MysqlWriteSource
from synapsor.sources.postgres import PostgresReadSource, PostgresWriteSource
from synapsor.sources.sqlite import SqliteReadSource, SqliteWriteSource
from synapsor.sources.tls import Tls
from synapsor.sql.read import compile_read
from synapsor.sql.statement import Statement
from synapsor.sql.write import compile_write
from synapsor.testing.memory import MemoryReadSource, MemoryWriteSource
from synapsor.values import ColumnType, Token
from tests.databases import Database

CLEAR = Tls(ca=None, required=False)
_READERS: Mapping[str, Callable[..., ReadSource]] = {"postgres": PostgresReadSource, "mariadb": MysqlReadSource}
_WRITERS: Mapping[str, Callable[..., WriteSource]] = {"postgres": PostgresWriteSource, "mariadb": MysqlWriteSource}


def open_reader(database: Database, **options: Any) -> ReadSource:
    """Return the shop through its read credential."""
    options = {"name": "shop", "url": database.read_url, **options}
    if database.engine == "sqlite":
        kind = MemoryReadSource if database.admin_url.startswith("memory:") else SqliteReadSource
        return kind(schema="billing", **options)
    return _READERS[database.engine](**{"tls": CLEAR, **options})


def open_writer(database: Database, **options: Any) -> WriteSource:
    """Return the shop through the worker's credential."""
    options = {"name": "shop", "url": database.write_url, **options}
    if database.engine == "sqlite":
        kind = MemoryWriteSource if database.admin_url.startswith("memory:") else SqliteWriteSource
        return kind(schema="billing", **options)
    return _WRITERS[database.engine](**{"tls": CLEAR, **options})


async def told_of_reader(
    source: ReadSource, reads: Mapping[Relation, frozenset[str]], denied: Mapping[Relation, frozenset[str]]
) -> list[Finding]:
    """Return what is found about a read credential, for the given columns."""
    return list(judge_reader(await source.posture(reads, denied), reads, denied))


async def told_of_writer(
    source: WriteSource, writes: Mapping[Relation, frozenset[str]], receipts: Relation
) -> list[Finding]:
    """Return what is found about the worker's credential, for the given updates."""
    needs = {relation: Needs(updates=columns) for relation, columns in writes.items()}
    return list(judge_writer(await source.posture(writes, receipts), needs, receipts))


def relation(database: Database, name: str) -> Relation:
    """Return a relation of the shop."""
    return Relation(schema=database.schema, name=name)


async def columns_of(source: ReadSource | WriteSource, where: Relation, **types: ColumnType) -> dict[str, Column]:
    """Return every column of a relation as the planner would see it; `types` chooses where several would do."""
    facts = await source.describe(where)
    assert facts is not None
    return {
        name: Column(name, types.get(name, usual(facts, name)), facts.columns[name].native) for name in facts.columns
    }


def usual(facts: RelationFacts, name: str) -> ColumnType:
    """Return the type that a reviewer would most likely choose for a column."""
    family = facts.columns[name].family
    order = ("integer", "boolean", "text", "uuid", "json", "timestamptz", "numeric", "float", "bytes", "bits")
    return ColumnType(next((kind for kind in order if kind in family), min(family, default="text")))


def one_row(
    where: Relation, columns: Mapping[str, Column], *names: str, limit: int = 262_144, lock: bool = False
) -> ReadShape:
    """Return the read of one row by `id` and `tenant_id`."""
    wanted = tuple(columns[name] for name in dict.fromkeys((*names, "id", "tenant_id")))
    return ReadShape(
        relation=where,
        columns=wanted,
        tenant=columns["tenant_id"],
        where=(Condition(columns["id"]),),
        rows=1,
        bytes=limit,
        single=True,
        lock=lock,
    )


def page(
    where: Relation, columns: Mapping[str, Column], *names: str, rows: int = 100, limit: int = 1_000_000
) -> ReadShape:
    """Return the read of a tenant's rows in the order of `id`."""
    wanted = tuple(columns[name] for name in dict.fromkeys((*names, "id", "tenant_id")))
    return ReadShape(
        relation=where,
        columns=wanted,
        tenant=columns["tenant_id"],
        where=(),
        order=((columns["id"], False),),
        rows=rows,
        bytes=limit,
        single=False,
    )


async def see(source: ReadSource, shape: ReadShape, tenant: str, *equals: str, time_ms: int = 5000) -> Rows:
    """Return what a read sees."""
    template = compile_read(shape, source.dialect)
    plan = ReadPlan(shape=shape, scope=(tenant,), values=equals, time_ms=time_ms)
    return template.seen(plan, await source.fetch(template.bind(plan), time_ms=time_ms))


def lock_row(source: WriteSource, shape: ReadShape, tenant: str, *equals: str) -> Statement:
    """Return the statement that locks a row."""
    return compile_read(shape, source.dialect).bind(ReadPlan(shape=shape, scope=(tenant,), values=equals, time_ms=5000))


def update(
    source: WriteSource,
    where: Relation,
    columns: Mapping[str, Column],
    *,
    key: str,
    tenant: str = "acme",
    sets: Mapping[str, Token],
    guards: Mapping[str, Token],
) -> Statement:
    """Return the guarded update of one row."""
    shape = WriteShape(
        relation=where,
        scope=(columns["tenant_id"],),
        key=(columns["id"],),
        guards=tuple(columns[name] for name in guards),
        sets=tuple(columns[name] for name in sets),
    )
    plan = WritePlan(shape=shape, scope=(tenant,), key=(key,), guards=tuple(guards.values()), sets=tuple(sets.values()))
    return compile_write(shape, source.dialect).bind(plan)


async def eventually(holds: Callable[[], Awaitable[bool]], *, seconds: float = 30) -> None:
    """Return when something that a server says of itself has become true."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110  # no event of ours tells what a server does
            await asyncio.sleep(0.01)


class _Line:
    """One connection through the cutter."""

    def __init__(self, *, deliver: bool) -> None:
        self._deliver = deliver
        self._cut = False
        self._answered = asyncio.Event()

    async def up(self, reader: asyncio.StreamReader, far: asyncio.StreamWriter, near: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            self._cut = data.rstrip(b"\0").endswith(b"COMMIT")
            if self._deliver or not self._cut:
                far.write(data)
            if self._cut:
                break
        if self._cut and self._deliver:
            await self._answered.wait()
        near.transport.abort()
        far.transport.abort()

    async def down(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        while (data := await reader.read(65536)) and not self._cut:
            near.write(data)
        self._answered.set()


@asynccontextmanager
async def cut_at_commit(port: int, *, deliver: bool) -> AsyncIterator[int]:
    """Forward to a server until a client says COMMIT; then cut the line, after the server has answered or before it hears.

    Yields the port to connect to.
    """
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        far_reader, far = await asyncio.open_connection("127.0.0.1", port)
        line = _Line(deliver=deliver)
        tasks.update(map(asyncio.create_task, (line.up(reader, far, near), line.down(far_reader, near))))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
