"""Every engine keeps the same promises: one suite, run through each source's own credentials."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from synapsor.core.plan import ReadPlan, ReadShape
from synapsor.core.writeback import SourceReceipt
from synapsor.errors import Failure, SourceFailure
from synapsor.ports import ReadSource, WriteSource
from synapsor.sql.read import compile_read
from synapsor.sql.receipts import insert_receipt, read_receipt, receipts_ddl, select_receipt
from synapsor.sql.statement import Statement
from synapsor.values import ColumnType, to_json
from tests.conformance.specimens import SPECIMENS, TYPES
from tests.databases import Database, execute, fetch, table
from tests.sources import (
    columns_of,
    cut_at_commit,
    eventually,
    lock_row,
    one_row,
    open_reader,
    open_writer,
    page,
    relation,
    see,
    told_of_reader,
    told_of_writer,
    update,
)

REVIEWED = {name: ColumnType(kind) for name, kind in TYPES.items()}
LOOK_ALIKES = ("acme", "ACME", "acme ", "acm\u00e9", "ac\u200bme", "\uff41\uff43\uff4d\uff45", "globex", "0", "0zz")
IDS = ("SP-1", "SP-2", "SP-3", "SP-4")
SLOW = {
    "postgres": "SELECT pg_sleep(60)",
    "mariadb": "SELECT SLEEP(60)",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000000000) SELECT count(*) FROM n",
}
RUNNING = {
    "postgres": "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%'",
    "mariadb": "SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'",
}


@pytest.fixture
def database(each_database: Database) -> Database:
    """The shop on each engine, and on the one that is shipped for tests."""
    return each_database


@pytest.fixture
async def reader(database: Database) -> AsyncIterator[ReadSource]:
    source = open_reader(database)
    yield source
    await source.aclose()


@pytest.fixture
async def writer(database: Database) -> AsyncIterator[WriteSource]:
    source = open_writer(database)
    yield source
    await source.aclose()


async def asked(database: Database, query: str) -> list[tuple[object, ...]]:
    """Return what the test's own connection sees, without stopping the loop."""
    return await asyncio.to_thread(fetch, database, query)


async def failure(work: object) -> SourceFailure:
    with pytest.raises(SourceFailure) as raised:
        await work  # type: ignore[misc]  # any awaitable
    return raised.value


# ---- values ------------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("values:exact")
async def test_every_specimen_is_read_as_exactly_what_is_stored(database: Database, reader: ReadSource) -> None:
    expected = SPECIMENS[database.engine]
    where = relation(database, "specimens")
    columns = await columns_of(reader, where, **REVIEWED)
    shape = one_row(where, columns, *expected)
    for number, key in enumerate(IDS):
        seen = await see(reader, shape, "acme", key)
        row = dict(zip(seen.columns, seen.rows[0], strict=True))
        assert {name: row[name] for name in expected} == {name: tokens[number] for name, tokens in expected.items()}
        for name in expected:
            to_json(row[name], columns[name].type)
    nothing = await see(reader, shape, "acme", "SP-5")
    assert set(nothing.rows[0][: len(expected)]) == {None}


@pytest.mark.requirement("values:guarded")
async def test_every_token_guards_its_own_row_and_no_other(database: Database, writer: WriteSource) -> None:
    expected = SPECIMENS[database.engine]
    where = relation(database, "specimens")
    columns = await columns_of(writer, where, **REVIEWED)
    async with writer.transaction(time_ms=5000) as tx:
        for name, tokens in expected.items():
            for number, key in enumerate((*IDS, "SP-5")):
                own = tokens[number] if number < len(tokens) else None
                for guard in {*tokens, None}:
                    statement = update(
                        writer, where, columns, key=key, sets={"note": f"{name} {number}"}, guards={name: guard}
                    )
                    assert (name, key, guard, await tx.execute(statement)) == (name, key, guard, int(guard == own))


# ---- tenants -----------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("read:tenant")
@pytest.mark.parametrize("tenant", LOOK_ALIKES)
async def test_a_tenant_sees_its_own_rows_and_none_of_a_look_alike(
    database: Database, reader: ReadSource, tenant: str
) -> None:
    names = ["hostile_invoices", *(["hostile_invoices_unicode"] if database.engine == "mariadb" else [])]
    for name in names:
        where = relation(database, name)
        columns = await columns_of(reader, where)
        seen = await see(reader, page(where, columns, "note"), tenant)
        own = [
            row
            for row in await asked(database, f"SELECT id, tenant_id FROM {table(database, name)}")
            if row[1] == tenant
        ]
        assert sorted(row[1] for row in seen.rows if row[1]) == sorted(str(row[0]) for row in own)
        assert {row[2] for row in seen.rows} == {tenant}


@pytest.mark.requirement("read:tenant")
async def test_a_key_is_compared_byte_by_byte(database: Database, reader: ReadSource) -> None:
    where = relation(database, "hostile_invoices")
    shape = one_row(where, await columns_of(reader, where), "note")
    for key, found in {"H-aB3": 1, "H-Ab3": 1, "H-ab3": 0, "H-aB3 ": 0, "0": 1, "0zz": 1, "00": 0, "": 0}.items():
        seen = await see(reader, shape, "acme", key)
        assert (key, [row[1] for row in seen.rows]) == (key, [key] * found)


@pytest.mark.requirement("apply:tenant")
@pytest.mark.parametrize("tenant", [t for t in LOOK_ALIKES if t != "acme"])
async def test_an_update_does_not_reach_another_tenant_s_row(
    database: Database, writer: WriteSource, tenant: str
) -> None:
    where = relation(database, "hostile_invoices")
    columns = await columns_of(writer, where)
    statement = update(
        writer, where, columns, key="H-acme-01", tenant=tenant, sets={"note": "x"}, guards={"version": "1"}
    )
    async with writer.transaction(time_ms=5000) as tx:
        assert await tx.execute(statement) == 0


# ---- reads cannot write ------------------------------------------------------------------------------------------------------


def attempt(database: Database) -> Statement:
    text = f"UPDATE {table(database, 'invoices')} SET note = {PLACE[database.engine]} WHERE id = 'INV-3001'"
    return Statement(text=text.replace("UPDATE invoices", f"UPDATE {database.schema}.invoices"), params=("written",))


PLACE = {"postgres": "$1::text", "mariadb": "%(p1)s", "sqlite": ":p1"}


async def note(database: Database) -> object:
    return (await asked(database, f"SELECT note FROM {table(database, 'invoices')} WHERE id = 'INV-3001'"))[0][0]


@pytest.mark.requirement("read:cannot-write")
async def test_the_read_credential_is_refused_a_write(database: Database, reader: ReadSource) -> None:
    before = await note(database)
    assert (await failure(reader.fetch(attempt(database), time_ms=2000))).kind is Failure.DENIED
    assert await note(database) == before


@pytest.mark.requirement("read:cannot-write")
async def test_a_credential_that_may_write_still_cannot_through_a_read(database: Database) -> None:
    before = await note(database)
    reader = open_reader(database, url=database.write_url)
    try:
        assert (await failure(reader.fetch(attempt(database), time_ms=2000))).kind is Failure.DENIED
    finally:
        await reader.aclose()
    assert await note(database) == before


@pytest.mark.requirement("read:cannot-write")
async def test_a_second_statement_in_a_text_is_not_run(database: Database) -> None:
    before = await note(database)
    reader = open_reader(database, url=database.write_url)
    write = attempt(database)
    try:
        for first in ("SELECT 1", "COMMIT", "ROLLBACK; BEGIN"):
            await failure(reader.fetch(Statement(text=f"{first}; {write.text}", params=write.params), time_ms=2000))
            await failure(
                reader.fetch(Statement(text=f"{first}; {write.text}; COMMIT", params=write.params), time_ms=2000)
            )
    finally:
        await reader.aclose()
    assert await note(database) == before


# ---- limits ------------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("read:bounded-time")
async def test_a_slow_read_ends_at_its_limit_and_the_next_one_works(database: Database, reader: ReadSource) -> None:
    started = time.monotonic()
    failed = await failure(reader.fetch(Statement(text=SLOW[database.engine], params=()), time_ms=300))
    assert failed.kind is Failure.TIMEOUT
    assert time.monotonic() - started < 20  # and not the minute that it would take
    where = relation(database, "invoice_review")
    assert (
        len((await see(reader, one_row(where, await columns_of(reader, where), "note"), "acme", "INV-3001")).rows) == 1
    )


@pytest.mark.requirement("read:cancel-stops")
async def test_a_canceled_read_is_stopped_on_the_server(database: Database, reader: ReadSource) -> None:
    task = asyncio.create_task(reader.fetch(Statement(text=SLOW[database.engine], params=()), time_ms=30_000))
    if database.engine in RUNNING:

        async def runs() -> bool:
            return (await asked(database, RUNNING[database.engine]))[0][0] == 1

        await eventually(runs)
    else:
        await asyncio.wait({task}, timeout=0.2)
    started = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await reader.aclose()
    assert time.monotonic() - started < 15  # and not the half minute that it was given
    if database.engine in RUNNING:

        async def ended() -> bool:
            return not await runs()

        await eventually(ended)  # a server may say that it kills before the statement, of a minute, has ended


@pytest.mark.requirement("read:bounded-pool")
async def test_a_call_that_finds_no_connection_is_told_so_in_time(database: Database) -> None:
    reader = open_reader(database, pool_size=1, pool_wait_ms=100)
    slow = asyncio.create_task(reader.fetch(Statement(text=SLOW[database.engine], params=()), time_ms=60_000))
    try:
        await asyncio.sleep(0)
        started = time.monotonic()
        assert (await failure(reader.fetch(Statement(text="SELECT 1", params=()), time_ms=1000))).kind is Failure.BUSY
        assert time.monotonic() - started < 20  # and not until the slow one is over
    finally:
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)
        await reader.aclose()


@pytest.mark.requirement("read:bounded-rows")
async def test_a_list_ends_at_its_row_limit(database: Database, reader: ReadSource) -> None:
    where = relation(database, "invoice_review")
    columns = await columns_of(reader, where)
    every = await see(reader, page(where, columns, "note"), "acme")
    first = await see(reader, page(where, columns, "note", rows=3), "acme")
    assert (every.cut_by, first.cut_by, first.rows) == (None, "rows", every.rows[:3])


@pytest.mark.requirement("read:bounded-bytes")
async def test_no_cell_over_the_byte_limit_leaves_the_server(database: Database, reader: ReadSource) -> None:
    filled = "repeat('x', 400)" if database.engine != "sqlite" else "replace(hex(zeroblob(200)), '00', 'xx')"
    execute(database, f"UPDATE {table(database, 'specimens')} SET note = {filled} WHERE tenant_id = 'acme';")
    where = relation(database, "specimens")
    columns = await columns_of(reader, where)
    single = one_row(where, columns, "note", limit=256)
    seen = await see(reader, single, "acme", "SP-1")
    assert (seen.rows, seen.cut_by) == ([], "bytes")
    template_rows = await raw(reader, single, "SP-1")
    assert max(len(str(cell)) for cell in template_rows[0]) < 256

    fits = page(where, columns, "note", limit=1000)
    seen = await see(reader, fits, "acme")
    assert (len(seen.rows), seen.cut_by) == (2, "bytes")
    assert sum(len(str(cell)) for row in await raw(reader, fits) for cell in row if cell is not None) < 1200


async def raw(source: ReadSource, shape: ReadShape, *equals: str) -> list[tuple[object, ...]]:
    plan = ReadPlan(shape=shape, scope=("acme",), values=equals, time_ms=5000)
    return [tuple(row) for row in await source.fetch(compile_read(shape, source.dialect).bind(plan), time_ms=5000)]


# ---- failures ----------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("errors:no-driver-text")
async def test_a_failure_names_its_kind_and_nothing_of_the_database(database: Database, reader: ReadSource) -> None:
    statement = Statement(text=f"SELECT canary_column FROM {database.schema}.no_such_canary", params=())
    failed = await failure(reader.fetch(statement, time_ms=1000))
    assert failed.kind is Failure.DRIFT or (database.engine == "mariadb" and failed.kind is Failure.DENIED)
    assert "canary" not in repr(failed) + str(failed.__cause__) + str(failed.__context__)
    assert failed.__context__ is None


async def test_a_source_s_name_and_representation_hold_no_address(database: Database, reader: ReadSource) -> None:
    shown = repr(reader) + repr(vars(reader)) + str(await reader.fingerprint())
    if database.engine != "sqlite":
        parts = urlsplit(database.read_url)
        assert parts.password is not None
        assert parts.password not in shown
        assert parts.password not in repr(database)


async def test_a_fingerprint_names_the_database_and_stays_the_same(database: Database, reader: ReadSource) -> None:
    other = open_reader(database)
    try:
        assert await other.fingerprint() == await reader.fingerprint()
        assert (await reader.fingerprint()).startswith("sha256:")
    finally:
        await other.aclose()


# ---- the catalogue -----------------------------------------------------------------------------------------------------------


async def test_the_catalogue_is_told_as_facts(database: Database, reader: ReadSource, writer: WriteSource) -> None:
    view = await reader.describe(relation(database, "invoice_review"))
    base = await writer.describe(relation(database, "invoices"))
    assert view is not None
    assert base is not None
    assert (view.kind, base.kind, base.transactional) == ("view", "table", True)
    assert frozenset({"id"}) in base.unique
    assert "card_token" not in view.columns
    assert base.columns["row_version"].moves
    if database.engine != "mariadb":  # there a credential without TRIGGER cannot know, and says that anything may move
        assert not base.columns["late_fee_cents"].moves
    assert "integer" in base.columns["late_fee_cents"].family
    assert await reader.describe(relation(database, "no_such_table")) is None


async def test_a_description_of_a_table_is_asked_for_in_one_session(
    database: Database, reader: ReadSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.engine == "sqlite":
        pytest.skip("it looks on a connection of its own")
    pool, opened = reader._pool, []  # type: ignore[attr-defined]  # no event tells
    acquire = pool.acquire

    async def counted(**options: bool) -> object:
        opened.append(await acquire(**options))
        return opened[-1]

    monkeypatch.setattr(pool, "acquire", counted)
    assert await reader.describe(relation(database, "invoice_review")) is not None
    assert len(opened) == 1
    await reader.describe(relation(database, "invoices"))
    assert opened[1] is opened[0], "the next one is asked in the same, when it is clean"


@pytest.mark.requirement("posture:safe-credential")
async def test_the_fixture_s_credentials_are_found_safe(
    database: Database, reader: ReadSource, writer: WriteSource
) -> None:
    view, base = relation(database, "invoice_review"), relation(database, "invoices")
    denied = frozenset({"card_token"})
    found = await told_of_reader(reader, {view: frozenset({"id", "status"})}, {view: denied, base: denied})
    assert [finding for finding in found if finding.fatal] == []
    found = await told_of_writer(writer, {base: frozenset({"late_fee_cents"})}, relation(database, "synapsor_receipts"))
    assert [finding for finding in found if finding.fatal] == []


# ---- the worker's transaction --------------------------------------------------------------------------------------------------


async def fee(database: Database, key: str = "INV-3001") -> object:
    return (
        await asked(
            database, f"SELECT late_fee_cents, row_version FROM {table(database, 'invoices')} WHERE id = '{key}'"
        )
    )[0]


@pytest.mark.requirement("apply:guarded")
async def test_a_guarded_update_reaches_its_row_once(database: Database, writer: WriteSource) -> None:
    where = relation(database, "invoices")
    columns = await columns_of(writer, where)

    def waive(version: str, token: str = "0") -> Statement:
        return update(
            writer, where, columns, key="INV-3001", sets={"late_fee_cents": token}, guards={"row_version": version}
        )

    async with writer.transaction(time_ms=5000) as tx:
        assert await tx.execute(waive("2")) == 0
        assert await tx.execute(waive("1")) == 1
        assert await tx.execute(waive("1")) == 0
        await tx.settle_constraints()
        await tx.commit()
    assert await fee(database) == (0, 2)
    async with writer.transaction(time_ms=5000) as tx:
        assert await tx.execute(waive("2")) == 1, "a row that already has the value is matched, too"


@pytest.mark.requirement("apply:all-or-nothing")
async def test_leaving_without_a_commit_leaves_nothing_behind(database: Database, writer: WriteSource) -> None:
    where = relation(database, "invoices")
    columns = await columns_of(writer, where)
    lock = lock_row(writer, one_row(where, columns, "row_version", lock=True), "acme", "INV-3001")
    change = update(writer, where, columns, key="INV-3001", sets={"late_fee_cents": "0"}, guards={"row_version": "1"})
    before = await fee(database)

    async def give_up() -> None:
        async with writer.transaction(time_ms=5000) as tx:
            assert [tuple(row[:3]) for row in await tx.fetch(lock)] in (
                [("1", "INV-3001", "acme")],
                [(1, "INV-3001", "acme")],
            )
            assert await tx.execute(change) == 1
            raise LookupError

    with pytest.raises(LookupError):
        await give_up()
    assert await fee(database) == before
    async with writer.transaction(time_ms=5000) as tx:
        assert len(await tx.fetch(lock)) == 1


async def test_a_canceled_transaction_leaves_nothing_behind(database: Database, writer: WriteSource) -> None:
    where = relation(database, "invoices")
    columns = await columns_of(writer, where)
    change = update(writer, where, columns, key="INV-3001", sets={"late_fee_cents": "0"}, guards={"row_version": "1"})
    before, changed = await fee(database), asyncio.Event()

    async def hang() -> None:
        async with writer.transaction(time_ms=5000) as tx:
            await tx.execute(change)
            changed.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await changed.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await fee(database) == before
    async with writer.transaction(time_ms=5000) as tx:
        assert await tx.execute(change) == 1


@pytest.mark.requirement("apply:lock-bounded")
async def test_a_lock_that_another_holds_is_waited_for_no_longer_than_the_limit(
    database: Database, writer: WriteSource
) -> None:
    where = relation(database, "invoices")
    columns = await columns_of(writer, where)
    lock = lock_row(writer, one_row(where, columns, lock=True), "acme", "INV-3001")
    async with writer.transaction(time_ms=60_000) as first:
        await first.fetch(lock)
        started = time.monotonic()

        async def second() -> None:
            async with writer.transaction(time_ms=500) as tx:
                await tx.fetch(lock)

        assert (await failure(second())).kind is Failure.TIMEOUT
        assert time.monotonic() - started < 20


def receipt(digest: bytes = b"d" * 32, outcome: str = "applied") -> SourceReceipt:
    return SourceReceipt(
        key=b"\x00\xffk" * 10 + b"'\\",
        digest=digest,
        proposal="prop_1",
        tenant="acm\u00e9 ",
        outcome=outcome,
        ledger_head=b"\x00" * 32,
        worker="w1",
    )


@pytest.mark.requirement("apply:receipt-once")
async def test_of_two_racing_receipts_the_first_to_commit_stays(database: Database, writer: WriteSource) -> None:
    where = relation(database, "synapsor_receipts")
    mine, other = receipt(), receipt(b"e" * 32, "conflict")
    begun = asyncio.Event()

    async def late() -> None:
        begun.set()
        async with writer.transaction(time_ms=5000) as tx:
            await tx.execute(insert_receipt(where, writer.dialect, other))
            await tx.commit()

    async with writer.transaction(time_ms=5000) as tx:
        assert list(await tx.fetch(select_receipt(where, writer.dialect, mine.key))) == []
        assert await tx.execute(insert_receipt(where, writer.dialect, mine)) == 1
        racing = asyncio.create_task(late())
        await begun.wait()
        await tx.commit()
    assert (await failure(racing)).kind is Failure.CONSTRAINT
    async with writer.transaction(time_ms=5000) as tx:
        found = await tx.fetch(select_receipt(where, writer.dialect, mine.key))
        assert [read_receipt(row) for row in found] == [(b"d" * 32, "applied")]


@pytest.mark.requirement("posture:worker-sufficient")
async def test_the_table_that_the_owner_s_script_makes_will_do(database: Database, writer: WriteSource) -> None:
    where = relation(database, "fresh_receipts")
    if database.engine != "sqlite":
        execute(database, f"DROP TABLE IF EXISTS {table(database, 'fresh_receipts')};")
    execute(database, receipts_ddl(where, writer.dialect, worker="synapsor_writer", host="127.0.0.1"))
    found = await told_of_writer(writer, {}, where)
    assert [finding for finding in found if finding.fatal or finding.rule.startswith("receipts")] == []
    async with writer.transaction(time_ms=5000) as tx:
        assert await tx.execute(insert_receipt(where, writer.dialect, receipt())) == 1
        found_row = await tx.fetch(select_receipt(where, writer.dialect, receipt().key))
        assert read_receipt(found_row[0]) == (b"d" * 32, "applied")
    for wrong in (
        replace(receipt(), key=b"k" * 33),
        replace(receipt(), outcome="other"),
        replace(receipt(), digest=b"d" * 33),
    ):
        async with writer.transaction(time_ms=5000) as tx:
            insert = insert_receipt(where, writer.dialect, wrong)
            assert (await failure(tx.execute(insert))).kind in {Failure.CONSTRAINT, Failure.VALUE}


@pytest.mark.requirement("apply:unknown-is-unknown")
@pytest.mark.parametrize("deliver", [True, False], ids=["committed", "not committed"])
@pytest.mark.parametrize("engine", ["postgres", "mariadb"])
async def test_a_commit_whose_answer_is_lost_is_called_unknown(
    request: pytest.FixtureRequest, engine: str, deliver: bool
) -> None:
    database: Database = request.getfixturevalue(f"{engine}_db")
    key = receipt(bytes([deliver]) * 32)
    where = relation(database, "synapsor_receipts")
    execute(database, f"DELETE FROM {table(database, 'synapsor_receipts')};")
    port = urlsplit(database.write_url).port
    assert port is not None
    async with cut_at_commit(port, deliver=deliver) as cut:
        writer = open_writer(database, url=database.write_url.replace(f":{port}/", f":{cut}/"))

        async def apply() -> None:
            async with writer.transaction(time_ms=2000) as tx:
                await tx.execute(insert_receipt(where, writer.dialect, key))
                await tx.commit()

        assert (await failure(apply())).kind is Failure.UNKNOWN_COMMIT
        await writer.aclose()

    async def settled() -> bool:
        return len(await asked(database, f"SELECT proposal_id FROM {table(database, 'synapsor_receipts')}")) == int(
            deliver
        )

    await eventually(settled)


async def test_a_commit_finishes_although_its_caller_is_canceled(database: Database, writer: WriteSource) -> None:
    where = relation(database, "synapsor_receipts")
    asked_for = asyncio.Event()

    async def apply() -> None:
        async with writer.transaction(time_ms=5000) as tx:
            await tx.execute(insert_receipt(where, writer.dialect, receipt()))
            asked_for.set()
            await tx.commit()

    task = asyncio.create_task(apply())
    await asked_for.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    rows = await asked(database, f"SELECT outcome FROM {table(database, 'synapsor_receipts')}")
    assert rows in ([], [("applied",)]), "all or nothing"
    async with writer.transaction(time_ms=5000) as tx:
        assert len(await tx.fetch(select_receipt(where, writer.dialect, receipt().key))) == len(rows)


@pytest.mark.parametrize("engine", ["postgres", "mariadb"])
async def test_a_connection_that_died_idle_is_replaced_unseen(request: pytest.FixtureRequest, engine: str) -> None:
    database: Database = request.getfixturevalue(f"{engine}_db")
    reader = open_reader(database, pool_size=1)
    one = Statement(text="SELECT 1", params=())
    try:
        for _ in range(2):
            await reader.fetch(one, time_ms=1000)
        if engine == "postgres":
            await asked(
                database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'synapsor_reader'"
            )
        else:
            for (number,) in await asked(
                database, "SELECT id FROM information_schema.processlist WHERE user = 'synapsor_reader'"
            ):
                execute(database, f"KILL {number}")
        assert len(await reader.fetch(one, time_ms=1000)) == 1
    finally:
        await reader.aclose()
