"""A list goes on where it was cut, on every engine: by the same order in which it was begun, whatever that engine's order is."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from synapsor.core.evidence import Rows
from synapsor.core.plan import ReadPlan, ReadShape
from synapsor.ports import ReadSource
from synapsor.sql.read import compile_read
from synapsor.values import ColumnType
from tests.databases import Database, execute, table
from tests.sources import columns_of, open_reader, relation

_WORDS = {
    "postgres": "CREATE TYPE billing.urgency AS ENUM ('low', 'high', 'urgent', 'normal'); CREATE TABLE {t} (id text PRIMARY KEY,"
    " tenant_id text NOT NULL, word billing.urgency, worth numeric(12,2)); GRANT SELECT ON {t} TO synapsor_reader;",
    "mariadb": "CREATE TABLE {t} (id varchar(64) PRIMARY KEY, tenant_id varchar(64) NOT NULL, word enum('low', 'high', 'urgent', 'normal'),"
    " worth decimal(12,2)); GRANT SELECT ON {t} TO synapsor_reader@'127.0.0.1';",
    "sqlite": "CREATE TABLE {t} (id TEXT PRIMARY KEY NOT NULL, tenant_id TEXT NOT NULL, word TEXT, worth TEXT) STRICT;",
}
_DROP = {
    "postgres": "DROP TABLE {t}; DROP TYPE billing.urgency;",
    "mariadb": "DROP TABLE {t};",
    "sqlite": "DROP TABLE {t};",
}
_ROWS = "".join(
    f"INSERT INTO {{t}} VALUES ('W-{n}', 'acme', {word}, {worth});"
    for n, (word, worth) in enumerate(
        (w, v)
        for w in ("'low'", "'high'", "'urgent'", "'normal'", "NULL")
        for v in ("'9.50'", "'10.00'", "'-3.00'", "NULL")
    )
)


@pytest_asyncio.fixture
async def reader(database: Database) -> AsyncIterator[ReadSource]:
    """The words of a list whose order is not that of their letters, and decimals of which the text says another order."""
    where = table(database, "words")
    execute(database, (_WORDS[database.engine] + _ROWS).format(t=where))
    source = open_reader(database)
    yield source
    await source.aclose()
    execute(database, _DROP[database.engine].format(t=where))


async def seen(source: ReadSource, shape: ReadShape, *after: str) -> Rows:
    template = compile_read(shape, source.dialect)
    plan = ReadPlan(shape=shape, scope=("acme",), values=after, time_ms=5000)
    return template.seen(plan, await source.fetch(template.bind(plan), time_ms=5000))


@pytest.mark.requirement("read:pages")
@pytest.mark.parametrize("order", ["word id", "-word id", "worth -id", "-worth word id", "word -worth id"])
@pytest.mark.parametrize("size", [1, 3, 7])
async def test_page_by_page_every_row_comes_once_in_the_order_of_the_whole(
    database: Database, reader: ReadSource, order: str, size: int
) -> None:
    where = relation(database, "words")
    columns = await columns_of(reader, where, worth=ColumnType.NUMERIC)
    keys = tuple((columns[name.removeprefix("-")], name.startswith("-")) for name in order.split())
    wanted = tuple(columns[name] for name in ("id", "tenant_id", "word", "worth"))

    def page(rows: int, after: tuple[bool, ...] = ()) -> ReadShape:
        return ReadShape(
            relation=where, columns=wanted, tenant=columns["tenant_id"], where=(), order=keys, after=after,
            rows=rows, bytes=100_000, single=False, pages=True, total=True,
        )  # fmt: skip

    whole = await seen(reader, page(100))
    assert (len(whole.rows), whole.total, whole.cut_by) == (20, 20, None)
    walked, last = [], await seen(reader, page(size))
    while last.cut_by:
        walked += last.rows
        held = [last.rows[-1][whole.columns.index(column.name)] for column, _ in keys]
        shape = page(size, tuple(token is not None for token in held))
        last = await seen(reader, shape, *(token for token in held if token is not None))
        assert last.total == 20
    assert [*walked, *last.rows] == whole.rows
    numbers = [row[3] for row in whole.rows]
    if order == "worth -id":
        assert [n for n in dict.fromkeys(numbers) if n is not None] == ["-3.00", "9.50", "10.00"]
