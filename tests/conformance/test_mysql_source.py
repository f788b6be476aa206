"""What is MySQL's and MariaDB's own: TLS that cannot be stripped, one statement, resets, kills, limits, and grants read in full."""

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import trustme

from synapsor.core.link_posture import mixes
from synapsor.core.plan import Column, ReadPlan, ReadShape, Relation
from synapsor.errors import ConfigError, Failure, SourceFailure
from synapsor.sources.mysql import MysqlReadSource, MysqlWriteSource
from synapsor.sources.mysql_catalogue import _assigned, _moved_by_triggers
from synapsor.sources.mysql_connection import Address
from synapsor.sources.mysql_posture import Grant, parse_grant
from synapsor.sources.tls import Tls
from synapsor.sql.read import compile_read
from synapsor.sql.statement import Statement
from synapsor.values import ColumnType
from tests.databases import Database, execute, fetch, load_mariadb, reset
from tests.servers import Server, start_mariadb
from tests.sources import told_of_reader, told_of_writer

INVOICES = Relation(schema="billing", name="invoices")
REVIEW = Relation(schema="billing", name="invoice_review")
RECEIPTS = Relation(schema="billing", name="synapsor_receipts")
NOTE = "SELECT note FROM billing.invoice_review WHERE id = 'INV-3001'"
MANY = "SELECT count(*) FROM " + ", ".join(f"billing.invoice_review r{n}" for n in range(6))
SET_NOTE = "UPDATE billing.invoices SET note = %(p1)s WHERE id = %(p2)s"


def ask(text: str, *params: object) -> Statement:
    return Statement(text=text, params=params)


@pytest.fixture
def shop(mariadb_db: Database) -> Database:
    reset(mariadb_db)
    return mariadb_db


@pytest.fixture
async def reader(shop: Database) -> AsyncIterator[MysqlReadSource]:
    """One connection, so that every call meets the last one's session."""
    source = MysqlReadSource(name="shop", url=shop.read_url, tls=Tls(ca=shop.ca), pool_size=1, pool_wait_ms=3000)
    yield source
    await source.aclose()


@pytest.fixture
async def writer(shop: Database) -> AsyncIterator[MysqlWriteSource]:
    source = MysqlWriteSource(name="shop", url=shop.write_url, tls=Tls(ca=shop.ca), pool_size=4)
    yield source
    await source.aclose()


async def one(source: MysqlReadSource, text: str, *params: object, time_ms: int = 2000) -> object:
    rows = await source.fetch(ask(text, *params), time_ms=time_ms)
    return rows[0][0]


async def failure(work: Awaitable[object]) -> SourceFailure:
    with pytest.raises(SourceFailure) as raised:
        await work
    assert raised.value.__context__ is None
    return raised.value


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not await asyncio.to_thread(happened):  # noqa: ASYNC110  # what is waited for happens in a server
            await asyncio.sleep(0.01)


def running(shop: Database, text: str) -> int:
    query = f"SELECT count(*) FROM information_schema.processlist WHERE info LIKE '%{text}%' AND info NOT LIKE '%processlist%'"
    return int(fetch(shop, query)[0][0])


# ---- the channel -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clear_server() -> Iterator[Server]:
    server = start_mariadb(tls=False)
    yield server
    server.close()


@pytest.mark.requirement("source:tls-not-stripped")
async def test_a_server_without_tls_is_refused_when_tls_is_asked_for(clear_server: Server, tmp_path: Path) -> None:
    shop = load_mariadb(clear_server)
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    for kind, url in ((MysqlReadSource, shop.read_url), (MysqlWriteSource, shop.write_url)):
        source = kind(name="shop", url=url, tls=Tls(ca=tmp_path / "ca.pem", required=True))
        assert ((await failure(source.describe(REVIEW))).kind, (await failure(source.describe(REVIEW))).state) == (
            Failure.UNAVAILABLE,
            "2026",
        )
        await source.aclose()


async def test_a_loopback_server_without_tls_may_be_used_when_none_is_asked_for(clear_server: Server) -> None:
    shop = load_mariadb(clear_server)
    source = MysqlReadSource(name="shop", url=shop.read_url, tls=Tls())
    assert await one(source, "SELECT 1") == "1"
    await source.aclose()


@pytest.mark.requirement("source:tls-not-stripped")
async def test_a_certificate_of_another_authority_is_refused(shop: Database, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    source = MysqlReadSource(name="shop", url=shop.read_url, tls=Tls(ca=tmp_path / "ca.pem"))
    assert (await failure(source.describe(REVIEW))).kind is Failure.UNAVAILABLE
    await source.aclose()


@pytest.mark.requirement("source:tls-not-stripped")
@pytest.mark.parametrize(
    "host", ["db.example.com", "10.0.0.7", "localhost.example.com", "127.0.0.1.example.com", "0x7f000001"]
)
def test_off_the_loopback_tls_is_verified_without_being_asked_for(host: str) -> None:
    context = Tls().context(host)
    assert context is not None
    assert (context.check_hostname, context.verify_mode.name) == (True, "CERT_REQUIRED")


async def test_a_session_with_an_authority_is_encrypted(reader: MysqlReadSource) -> None:
    rows = await reader.fetch(ask("SHOW SESSION STATUS LIKE 'Ssl_cipher'"), time_ms=2000)
    assert str(rows[0][1]).startswith("TLS_")


def packet(number: int, body: bytes) -> bytes:
    return struct.pack("<I", len(body))[:3] + bytes([number]) + body


@pytest.mark.requirement("secrets:never-shown")
@pytest.mark.parametrize("plugin", [b"mysql_clear_password", b"mysql_old_password"])
async def test_a_server_that_asks_for_the_password_in_clear_does_not_get_it(plugin: bytes) -> None:
    received = bytearray()

    async def rogue(incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        # Protocol 10, plugin authentication, no TLS; then a switch to a plugin that sends the password as it is.
        head = b"\x0a11.4.0-MariaDB\0" + struct.pack("<I", 7) + b"12345678\0" + struct.pack("<H", 0xA200)
        head += struct.pack("<BHHB", 45, 2, 0x0008, 21) + bytes(10) + b"123456789012\0mysql_native_password\0"
        outgoing.write(packet(0, head))
        received.extend(await incoming.read(4096))
        outgoing.write(packet(2, b"\xfe" + plugin + b"\0" + b"12345678901234567890\0"))
        received.extend(await incoming.read(4096))
        outgoing.close()
        served.set()

    served = asyncio.Event()
    server = await asyncio.start_server(rogue, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    source = MysqlReadSource(name="shop", url=f"mysql://reader:CANARYpassword@127.0.0.1:{port}/x", tls=Tls())
    failed = await failure(source.fetch(ask("SELECT 1"), time_ms=5000))
    async with asyncio.timeout(30):
        await served.wait()
    assert b"CANARY" not in received
    assert b"reader" in received
    assert (failed.kind, failed.state) == (Failure.DENIED, "2059")
    await source.aclose()
    server.close()


@pytest.mark.requirement("source:one-statement")
@pytest.mark.parametrize("text", ["SELECT 1; SELECT 2", "SELECT 1; COMMIT; UPDATE billing.invoices SET note = 'x'"])
async def test_a_second_statement_is_a_syntax_error(reader: MysqlReadSource, text: str) -> None:
    assert (await failure(reader.fetch(ask(text), time_ms=2000))).state == "1064"


async def test_a_password_of_any_characters_works_and_a_malformed_address_is_not_repeated(shop: Database) -> None:
    password = "p#/@[%é€'\"\\ :?CANARY"
    quoted = password.replace("\\", "\\\\").replace("'", "''")
    execute(shop, f"CREATE OR REPLACE USER odd@'127.0.0.1' IDENTIFIED BY '{quoted}'")
    where = shop.read_url.rpartition("@")[2].partition("/")[0]
    source = MysqlReadSource(name="shop", url=f"mysql://odd:{quote(password, safe='')}@{where}/", tls=Tls(ca=shop.ca))
    assert await one(source, "SELECT 1") == "1"
    await source.aclose()
    for url in (
        f"mysql://odd:{password}@{where}/billing",
        f"mysql://odd:{quote(password)}@{where}:x/",
        "postgresql://CANARY",
    ):
        with pytest.raises(ConfigError) as raised:
            MysqlReadSource(name="shop", url=url, tls=Tls())
        assert "CANARY" not in raised.value.message + raised.value.fix
        assert raised.value.__context__ is None or raised.value.__suppress_context__
    assert "CANARY" not in repr(source) + repr(Address.parse(f"mysql://odd:{quote(password, safe='')}@{where}/"))


async def test_a_wrong_password_is_denied_and_says_no_more(shop: Database) -> None:
    parts = urlsplit(shop.read_url)
    source = MysqlReadSource(name="shop", url=f"mysql://{parts.username}:CANARY@127.0.0.1:{parts.port}/", tls=Tls())
    failed = await failure(source.fetch(ask("SELECT 1"), time_ms=2000))
    assert (failed.kind, failed.message) == (Failure.DENIED, "A source failed: denied [1045].")
    await source.aclose()


# ---- a read ------------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("source:reader-cannot-write")
async def test_a_mis_granted_reader_still_cannot_write(shop: Database) -> None:
    source = MysqlReadSource(name="shop", url=shop.admin_url, tls=Tls(ca=shop.ca))
    for text in (
        "UPDATE billing.invoices SET note = 'x'",
        "CREATE TABLE billing.extra (id int)",
        "TRUNCATE billing.invoices",
    ):
        assert (await failure(source.fetch(ask(text), time_ms=2000))).state == "1792"
    await source.aclose()


@pytest.mark.requirement("source:reader-cannot-write")
async def test_a_view_that_writes_through_its_definer_is_stopped(shop: Database, reader: MysqlReadSource) -> None:
    execute(
        shop,
        """
        CREATE OR REPLACE TABLE written (id int) ENGINE=InnoDB;
        CREATE OR REPLACE FUNCTION write_one() RETURNS int SQL SECURITY DEFINER DETERMINISTIC MODIFIES SQL DATA
          BEGIN INSERT INTO written VALUES (1); RETURN 1; END;
        CREATE OR REPLACE VIEW writing AS SELECT write_one() AS w;
        GRANT SELECT ON writing TO synapsor_reader@'127.0.0.1';
        """,
    )
    assert (await failure(reader.fetch(ask("SELECT w FROM billing.writing"), time_ms=2000))).state == "1792"
    assert fetch(shop, "SELECT count(*) FROM written") == [(0,)]
    execute(
        shop,
        "REVOKE SELECT ON writing FROM synapsor_reader@'127.0.0.1'; DROP VIEW writing; DROP FUNCTION write_one; DROP TABLE written",
    )


@pytest.mark.requirement("source:fresh-snapshot")
async def test_a_read_sees_what_was_committed_a_moment_ago(shop: Database, reader: MysqlReadSource) -> None:
    for note in ("first", "second", "third"):
        execute(shop, f"UPDATE invoices SET note = '{note}' WHERE id = 'INV-3001'")
        assert await one(reader, NOTE) == note


@pytest.mark.requirement("source:no-session-bleed")
@pytest.mark.parametrize("ending", ["answer", "error", "cancel"])
async def test_nothing_of_one_call_is_left_for_the_next(shop: Database, reader: MysqlReadSource, ending: str) -> None:
    first = await one(reader, "SELECT CONNECTION_ID()")
    await one(reader, "SELECT @tenant := 'acme'")
    await one(reader, "SELECT GET_LOCK('bleed', 0)")
    if ending == "error":
        await failure(reader.fetch(ask("SELECT @tenant := 'acme', nope FROM billing.invoice_review"), time_ms=2000))
    if ending == "cancel":
        call = asyncio.ensure_future(reader.fetch(ask("SELECT @tenant := 'acme', SLEEP(30)"), time_ms=20_000))
        await until(lambda: running(shop, "SLEEP(30)") == 1)
        call.cancel()
        await asyncio.wait({call})
    seen = await reader.fetch(
        ask(
            "SELECT @tenant, @@time_zone, @@tx_isolation, @@tx_read_only, @@collation_connection, @@max_statement_time"
        ),
        time_ms=700,
    )
    assert tuple(seen[0]) == (None, "+00:00", "REPEATABLE-READ", "1", "utf8mb4_bin", "0.700000")
    await until(
        lambda: fetch(shop, "SELECT IS_FREE_LOCK('bleed')") == [(1,)]
    )  # a server ends a session when it comes to it
    # Only the canceled connection was replaced.
    assert (await one(reader, "SELECT CONNECTION_ID()") == first) is (ending != "cancel")


@pytest.mark.requirement("source:cancel-stops")
async def test_a_canceled_read_is_stopped_on_the_server(shop: Database, reader: MysqlReadSource) -> None:
    call = asyncio.ensure_future(reader.fetch(ask("SELECT SLEEP(31)"), time_ms=60_000))
    await until(lambda: running(shop, "SLEEP(31)") == 1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await until(lambda: running(shop, "SLEEP(31)") == 0)
    assert await one(reader, "SELECT 1") == "1"


@pytest.mark.requirement("source:cancel-stops")
async def test_a_read_canceled_before_its_statement_arrives_is_stopped_as_well(
    shop: Database, reader: MysqlReadSource
) -> None:
    for ticks in range(8):
        call = asyncio.ensure_future(reader.fetch(ask("SELECT SLEEP(32)"), time_ms=60_000))
        for _ in range(ticks):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait({call})
    assert await one(reader, "SELECT 1") == "1"
    await until(lambda: running(shop, "SLEEP(32)") == 0)


@pytest.mark.requirement("source:time-limit")
@pytest.mark.parametrize("text", ["SELECT SLEEP(30)", "SELECT BENCHMARK(2000000000, MD5('a'))", MANY])
async def test_a_read_ends_at_its_limit_even_where_the_server_says_nothing(reader: MysqlReadSource, text: str) -> None:
    started = time.monotonic()
    assert (await failure(reader.fetch(ask(text), time_ms=300))).kind is Failure.TIMEOUT
    assert time.monotonic() - started < 10  # without a limit it takes half a minute
    assert await one(reader, "SELECT 1") == "1"


async def test_a_full_pool_is_busy(shop: Database) -> None:
    source = MysqlReadSource(name="shop", url=shop.read_url, tls=Tls(ca=shop.ca), pool_size=1, pool_wait_ms=50)
    call = asyncio.ensure_future(source.fetch(ask("SELECT SLEEP(33)"), time_ms=60_000))
    await until(lambda: running(shop, "SLEEP(33)") == 1)
    assert (await failure(source.fetch(ask("SELECT 1"), time_ms=2000))).kind is Failure.BUSY
    call.cancel()
    await asyncio.wait({call})
    await source.aclose()
    await until(lambda: running(shop, "SLEEP(33)") == 0)


async def test_an_idle_connection_that_was_cut_is_replaced_unseen(shop: Database, reader: MysqlReadSource) -> None:
    number = await one(reader, "SELECT CONNECTION_ID()")
    execute(shop, f"KILL CONNECTION {number}")
    assert await one(reader, NOTE) is None
    assert await one(reader, "SELECT CONNECTION_ID()") != number


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("SELECT nope FROM billing.invoice_review", Failure.DRIFT),
        ("SELECT email FROM billing.customers", Failure.DENIED),
        ("SELECT id FROM billing.invoices", Failure.DENIED),
        ("SELECT id FROM billing.specimens WHERE", Failure.OTHER),
        ("SELECT 9223372036854775807 + 1", Failure.VALUE),
        ("SELECT LOAD_FILE(1) FROM nowhere.nothing", Failure.DENIED),
    ],
)
async def test_a_failure_has_a_kind_and_no_text(reader: MysqlReadSource, text: str, kind: Failure) -> None:
    failed = await failure(reader.fetch(ask(text), time_ms=2000))
    assert failed.kind is kind
    assert failed.message == f"A source failed: {kind.value} [{failed.state}]."


@pytest.mark.parametrize("value", [True, False, 0.0, "\ud800", [1], ("a",), {"a": 1}])
async def test_a_value_that_would_not_be_compared_exactly_is_refused(reader: MysqlReadSource, value: object) -> None:
    query = ask("SELECT id FROM billing.invoice_review WHERE tenant_id = %(p1)s", value)
    assert (await failure(reader.fetch(query, time_ms=2000))).kind is Failure.VALUE


@pytest.mark.requirement("source:one-statement")
@pytest.mark.parametrize(
    "hostile", ["' OR 1=1 -- ", "\\' OR 1=1 -- ", "\\", "%s %(p1)s %%", "a\0b", "\u00bf'\n\r\x1a\"", "😀é", "`$1;:x"]
)
async def test_a_value_is_never_more_than_a_value(reader: MysqlReadSource, hostile: str) -> None:
    rows = await reader.fetch(ask("SELECT %(p1)s, HEX(%(p1)s), %(p2)s", hostile, hostile.encode()), time_ms=2000)
    assert tuple(rows[0]) == (hostile, hostile.encode().hex().upper(), hostile.encode())


def plan_for(table: str, tenant: str) -> ReadPlan:
    columns = tuple(Column(name, ColumnType.TEXT) for name in ("id", "tenant_id"))
    shape = ReadShape(
        relation=Relation(schema="billing", name=table), columns=columns, tenant=columns[1], where=(), order=((columns[0], False),),
        rows=1000, bytes=1_000_000, single=False,
    )  # fmt: skip
    return ReadPlan(shape=shape, scope=(tenant,), values=(), time_ms=2000)


@pytest.mark.requirement("read:tenant")
@pytest.mark.parametrize("table", ["hostile_invoices", "hostile_invoices_unicode"])
async def test_tenants_that_the_collation_takes_for_one_are_kept_apart(
    shop: Database, reader: MysqlReadSource, table: str
) -> None:
    raw = dict(fetch(shop, f"SELECT CONVERT(tenant_id USING binary), count(*) FROM {table} GROUP BY 1"))
    tenants = {tenant.decode(): count for tenant, count in raw.items()}
    assert {"acme", "ACME", "acme ", "acmé", "0", "0zz"} <= set(tenants)
    folded = await reader.fetch(ask(f"SELECT id FROM billing.{table} WHERE tenant_id = %(p1)s", "acme"), time_ms=2000)
    assert len(folded) > tenants["acme"], "the collation alone would mix them up"
    coerced = await reader.fetch(ask(f"SELECT id FROM billing.{table} WHERE tenant_id = %(p1)s", 0), time_ms=2000)
    assert len(coerced) >= sum(tenants.values()) - 1, "a number would match nearly every tenant"
    for tenant, count in tenants.items():
        plan = plan_for(table, tenant)
        template = compile_read(plan.shape, "mysql")
        rows = template.seen(plan, await reader.fetch(template.bind(plan), time_ms=2000)).rows
        assert [row[1] for row in rows] == [tenant] * count


async def test_zero_dates_and_bits_arrive_as_the_server_prints_them(shop: Database, reader: MysqlReadSource) -> None:
    execute(
        shop,
        "SET sql_mode = ''; INSERT INTO specimens (id, tenant_id, c_date, c_datetime6, c_bit8, c_bit1, c_binary, c_year)"
        " VALUES ('zero', 'acme', '0000-00-00', '2024-00-00', b'101', b'1', 'ab', 2024)",
    )
    rows = await reader.fetch(
        ask(
            "SELECT CAST(c_date AS CHAR), c_date, c_datetime6, c_bit8 + 0, c_bit8, c_bit1, c_binary, c_year FROM billing.specimens WHERE id = 'zero'"
        ),
        time_ms=2000,
    )
    assert tuple(rows[0]) == (
        "0000-00-00",
        "0000-00-00",
        "2024-00-00 00:00:00.000000",
        "5",
        b"\x05",
        b"\x01",
        b"ab\0\0",
        "2024",
    )


# ---- a write -----------------------------------------------------------------------------------------------------------------


def note(shop: Database) -> object:
    return fetch(shop, "SELECT note FROM invoices WHERE id = 'INV-3001'")[0][0]


async def test_rows_are_counted_when_matched_not_when_changed(shop: Database, writer: MysqlWriteSource) -> None:
    for _ in range(2):
        async with writer.transaction(time_ms=2000) as transaction:
            assert await transaction.execute(ask(SET_NOTE, "same", "INV-3001")) == 1
            assert await transaction.execute(ask(SET_NOTE, "same", "INV-none")) == 0
            await transaction.settle_constraints()
            await transaction.commit()
    assert note(shop) == "same"


async def test_a_transaction_left_without_commit_leaves_nothing_and_no_lock(
    shop: Database, writer: MysqlWriteSource
) -> None:
    async with writer.transaction(time_ms=2000) as transaction:
        await transaction.execute(ask(SET_NOTE, "gone", "INV-3001"))
    execute(shop, "SET innodb_lock_wait_timeout = 1; UPDATE invoices SET note = 'mine' WHERE id = 'INV-3001'")
    assert note(shop) == "mine"


async def test_a_canceled_write_is_rolled_back_on_the_server(shop: Database, writer: MysqlWriteSource) -> None:
    async def work() -> None:
        async with writer.transaction(time_ms=20_000) as transaction:
            await transaction.execute(ask(SET_NOTE, "gone", "INV-3001"))
            await transaction.fetch(ask("SELECT SLEEP(34)"))

    task = asyncio.ensure_future(work())
    await until(lambda: running(shop, "SLEEP(34)") == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: running(shop, "SLEEP(34)") == 0)
    execute(shop, "UPDATE invoices SET note = 'mine' WHERE id = 'INV-3001'")
    assert note(shop) == "mine"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("UPDATE billing.invoices SET note = REPEAT('x', 501) WHERE id = 'INV-3001'", Failure.VALUE),
        ("UPDATE billing.invoices SET late_fee_cents = 'ten' WHERE id = 'INV-3001'", Failure.VALUE),
        ("UPDATE billing.invoices SET late_fee_cents = 9223372036854775808 WHERE id = 'INV-3001'", Failure.VALUE),
        ("UPDATE billing.invoices SET status = 'lost' WHERE id = 'INV-3001'", Failure.VALUE),
        ("UPDATE billing.invoices SET late_fee_cents = NULL WHERE id = 'INV-3001'", Failure.CONSTRAINT),
        ("UPDATE billing.invoices SET card_token = 'x' WHERE id = 'INV-3001'", Failure.DENIED),
        ("DELETE FROM billing.invoices", Failure.DENIED),
        ("INSERT INTO billing.synapsor_receipts (receipt_key) VALUES ('x')", Failure.CONSTRAINT),
    ],
)
async def test_after_an_error_a_transaction_can_only_be_left(
    shop: Database, writer: MysqlWriteSource, text: str, kind: Failure
) -> None:
    before = note(shop)
    async with writer.transaction(time_ms=2000) as transaction:
        await transaction.execute(ask(SET_NOTE, "gone", "INV-3001"))
        assert (await failure(transaction.execute(ask(text)))).kind is kind
        await failure(transaction.execute(ask(SET_NOTE, "gone", "INV-3001")))
        await failure(transaction.commit())
    assert note(shop) == before


@pytest.mark.requirement("source:error-undoes-all")
async def test_a_lock_wait_over_its_limit_undoes_the_receipt_as_well(shop: Database, writer: MysqlWriteSource) -> None:
    receipt = ask(
        "INSERT INTO billing.synapsor_receipts (receipt_key, proposal_digest, proposal_id, tenant, outcome, ledger_head, worker)"
        " VALUES (%(p1)s, %(p1)s, 'p', 'acme', 'applied', %(p1)s, 'w')",
        bytes(range(32)),
    )
    async with writer.transaction(time_ms=5000) as holder:
        await holder.execute(ask(SET_NOTE, "held", "INV-3001"))
        async with writer.transaction(time_ms=300) as late:
            assert await late.execute(receipt) == 1
            assert (await failure(late.execute(ask(SET_NOTE, "late", "INV-3001")))).kind is Failure.TIMEOUT
        await holder.commit()
    assert note(shop) == "held"
    assert fetch(shop, "SELECT count(*) FROM synapsor_receipts WHERE proposal_id = 'p'") == [(0,)]


async def test_a_deadlock_is_transient(writer: MysqlWriteSource) -> None:
    async with writer.transaction(time_ms=5000) as one_, writer.transaction(time_ms=5000) as other:
        await one_.execute(ask(SET_NOTE, "a", "INV-3001"))
        await other.execute(ask(SET_NOTE, "b", "INV-3004"))
        crossed = await asyncio.gather(
            one_.execute(ask(SET_NOTE, "a", "INV-3004")),
            other.execute(ask(SET_NOTE, "b", "INV-3001")),
            return_exceptions=True,
        )
        kinds = [found.kind for found in crossed if isinstance(found, SourceFailure)]
        assert kinds == [Failure.TRANSIENT]


async def test_a_transaction_is_read_committed_strict_and_unlimited_by_the_last_one(writer: MysqlWriteSource) -> None:
    query = "SELECT @@tx_isolation, @@sql_mode LIKE '%%STRICT_ALL_TABLES%%', @@foreign_key_checks, @@time_zone, @@innodb_lock_wait_timeout"
    for time_ms, seconds in ((1500, "2"), (4000, "4")):
        async with writer.transaction(time_ms=time_ms) as transaction:
            rows = await transaction.fetch(ask(query))
            await transaction.commit()
        assert tuple(rows[0]) == ("READ-COMMITTED", "1", "1", "+00:00", seconds)


@asynccontextmanager
async def cutting_proxy(shop: Database, *, before: bool) -> AsyncIterator[str]:
    """Pass everything on, and cut the connection at the first COMMIT: before it reaches the server, or before its answer comes back."""
    parts = urlsplit(shop.write_url)

    async def serve(client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection("127.0.0.1", parts.port)
        answers = asyncio.ensure_future(pump(server, to_client))
        while data := await client.read(65_536):
            if b"\x03COMMIT" in data:
                answers.cancel()
                await asyncio.wait({answers})
                if not before:
                    to_server.write(data)
                    await server.read(65_536)
                break
            to_server.write(data)
        answers.cancel()
        to_server.close()
        to_client.close()

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            sink.write(data)

    serving: set[asyncio.Task[None]] = set()
    proxy = await asyncio.start_server(lambda r, w: serving.add(asyncio.ensure_future(serve(r, w))), "127.0.0.1", 0)
    port = proxy.sockets[0].getsockname()[1]
    yield shop.write_url.replace(f":{parts.port}/", f":{port}/")
    proxy.close()
    await asyncio.wait(serving, timeout=30)


@pytest.mark.requirement("source:commit-outcome")
@pytest.mark.parametrize("before", [True, False], ids=["before-the-server", "before-the-answer"])
async def test_a_commit_whose_answer_is_lost_is_unknown(shop: Database, before: bool) -> None:
    was = note(shop)
    async with cutting_proxy(shop, before=before) as url:
        source = MysqlWriteSource(name="shop", url=url, tls=Tls())
        async with source.transaction(time_ms=2000) as transaction:
            await transaction.execute(ask(SET_NOTE, "perhaps", "INV-3001"))
            assert (await failure(transaction.commit())).kind is Failure.UNKNOWN_COMMIT
        await source.aclose()
    assert note(shop) == (was if before else "perhaps")


@pytest.mark.requirement("source:commit-outcome")
async def test_a_connection_lost_before_commit_is_sent_is_not_unknown(shop: Database, writer: MysqlWriteSource) -> None:
    async with writer.transaction(time_ms=2000) as transaction:
        await transaction.execute(ask(SET_NOTE, "gone", "INV-3001"))
        number = (await transaction.fetch(ask("SELECT CONNECTION_ID()")))[0][0]
        execute(shop, f"KILL CONNECTION {number}")
        assert (await failure(transaction.execute(ask(SET_NOTE, "gone", "INV-3001")))).kind is Failure.UNAVAILABLE
        assert (await failure(transaction.commit())).kind is Failure.UNAVAILABLE
    assert note(shop) != "gone"


@pytest.mark.requirement("source:commit-outcome")
async def test_a_commit_outlives_the_cancellation_of_its_caller(shop: Database, writer: MysqlWriteSource) -> None:
    async def work(text: str) -> None:
        async with writer.transaction(time_ms=2000) as transaction:
            await transaction.execute(ask(SET_NOTE, text, "INV-3001"))
            asyncio.get_running_loop().call_soon(task.cancel)
            await transaction.commit()

    for number in range(10):
        task = asyncio.ensure_future(work(f"n{number}"))
        with pytest.raises(asyncio.CancelledError):
            await task
        assert note(shop) == f"n{number}"


# ---- the catalogue -----------------------------------------------------------------------------------------------------------


async def test_facts_of_a_table_as_the_worker_sees_it(writer: MysqlWriteSource) -> None:
    facts = await writer.describe(INVOICES)
    assert facts is not None
    assert (facts.kind, facts.unique, facts.transactional, facts.hazards) == ("table", (frozenset({"id"}),), True, ())
    assert facts.columns["row_version"].moves, "its trigger is hidden from the worker, but it is known to be there"
    assert not facts.columns["id"].moves
    assert "card_token" not in facts.columns
    assert (sorted(facts.columns["amount"].family), facts.columns["amount"].scale) == (["numeric"], 2)
    assert (facts.columns["note"].max_length, facts.columns["note"].exact) == (500, False)
    assert (facts.columns["updated_at"].scale, facts.columns["late_fee_cents"].high) == (6, 2**63 - 1)


async def test_facts_of_odd_tables(shop: Database) -> None:
    execute(
        shop,
        """
        CREATE OR REPLACE TABLE odd (
          id int unsigned PRIMARY KEY, tenant varchar(20) COLLATE utf8mb4_nopad_bin NOT NULL, n int NULL, prefix text NOT NULL,
          at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
          f float, d double, m double(8,2), sum_ int AS (n + 1) VIRTUAL, version bigint NOT NULL DEFAULT 1, tiny tinyint(1),
          seen int DEFAULT 0, guess int DEFAULT 0,
          UNIQUE (n), UNIQUE (prefix(10)), UNIQUE (tenant, id)) ENGINE=InnoDB;
        CREATE TRIGGER odd_moves BEFORE UPDATE ON odd FOR EACH ROW
          BEGIN
            -- SET NEW.guess = 1
            IF NEW.guess = OLD.guess THEN SET NEW.version = OLD.version + 1, NEW.`seen` = GREATEST(1, OLD.seen); END IF;
          END;
        CREATE OR REPLACE TABLE old (id int PRIMARY KEY) ENGINE=MyISAM;
        CREATE OR REPLACE VIEW simple AS SELECT id AS number, version AS v, tenant FROM odd WHERE n > 1;
        CREATE OR REPLACE VIEW twice AS SELECT id, tenant FROM odd WHERE n > 1 UNION ALL SELECT id, tenant FROM odd WHERE n > 2;
        CREATE OR REPLACE VIEW unions AS SELECT id, tenant FROM odd WHERE tenant <> 'a union b';
        CREATE OR REPLACE VIEW joined AS SELECT a.id, b.version FROM odd a JOIN odd b USING (id);
        """,
    )
    source = MysqlReadSource(name="shop", url=shop.admin_url, tls=Tls(ca=shop.ca))
    names = ("odd", "old", "simple", "joined", "twice", "unions")
    odd, old, simple, joined, twice, unions = [await source.describe(Relation(schema="billing", name=n)) for n in names]
    elsewhere = await source.describe(Relation(schema="BILLING", name="odd"))
    await source.aclose()
    assert elsewhere is None
    assert odd is not None
    assert old is not None
    assert simple is not None
    assert joined is not None
    assert twice is not None
    assert unions is not None
    assert set(odd.unique) == {frozenset({"id"}), frozenset({"tenant", "id"})}
    assert {n for n, c in odd.columns.items() if c.moves} == {"at", "sum_", "version", "seen"}
    assert {n for n, c in odd.columns.items() if c.approximate} == {"f", "m"}
    assert odd.columns["at"].scale == 0
    assert (odd.columns["id"].low, odd.columns["id"].high) == (0, 2**32 - 1)
    assert odd.columns["tenant"].exact
    assert odd.columns["tiny"].family == {"integer", "boolean"}
    assert not old.transactional
    assert (simple.kind, simple.unique) == ("view", (frozenset({"number"}), frozenset({"tenant", "number"})))
    assert [n for n, c in simple.columns.items() if c.moves] == ["v"]
    assert twice.unique == ()
    assert set(unions.unique) == {frozenset({"id"}), frozenset({"tenant", "id"})}
    assert (joined.unique, [n for n, c in joined.columns.items() if c.moves]) == ((), [])


@pytest.mark.requirement("link:proven")
async def test_columns_are_said_to_be_compared_where_the_server_compares_them(shop: Database) -> None:
    collations = (
        "utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_bin", "utf8mb4_nopad_bin", "utf8mb3_general_ci", "utf8mb3_unicode_ci",
        "ascii_bin", "ascii_general_ci", "latin1_swedish_ci", "latin1_german1_ci", "latin1_bin", "latin2_general_ci", "latin2_bin",
    )  # fmt: skip
    columns = ", ".join(
        f"c_{name} varchar(20) CHARACTER SET {name.split('_')[0]} COLLATE {name}" for name in collations
    )
    execute(shop, f"CREATE OR REPLACE TABLE collated (id int PRIMARY KEY, raw varbinary(20), {columns}) ENGINE=InnoDB")
    source = MysqlReadSource(name="shop", url=shop.admin_url, tls=Tls(ca=shop.ca))
    facts = await source.describe(Relation(schema="billing", name="collated"))
    assert facts is not None
    wrong = []
    for one, other in product((f"c_{name}" for name in collations), repeat=2):
        left, right = facts.columns[one].collation, facts.columns[other].collation
        assert left is not None
        assert right is not None
        pair = ask(f"SELECT 1 FROM billing.collated a JOIN billing.collated b ON a.{one} = b.{other}")
        if mixes(left, right) != await compares(source, pair):
            wrong.append((one, other))
    await source.aclose()
    assert wrong == []
    assert [facts.columns[name].collation for name in ("id", "raw")] == [None, None]
    lacking = {n for n, c in facts.columns.items() if c.collation is not None and c.collation.narrow}
    assert lacking == {f"c_{name}" for name in collations if not name.startswith("utf8mb4")}


async def compares(source: MysqlReadSource, statement: Statement) -> bool:
    try:
        await source.fetch(statement, time_ms=5000)
    except SourceFailure as failed:
        assert failed.state == "1267"  # noqa: PT017  # that it fails is one of two answers
        return False
    return True


@pytest.mark.parametrize(
    ("body", "columns"),
    [
        ("SET NEW.a = 1", {"a"}),
        ("set new . `a` := 1, NEW.b=f(1, NEW.c = 2)", {"a", "b"}),
        ("IF NEW.a = 1 THEN SET @x = NEW.a; END IF", set()),
        ("SET @s = 'SET NEW.a = 1'; /* SET NEW.b = 1 */ SET NEW.c = 1 # SET NEW.d = 2", {"c"}),
    ],
)
def test_what_a_trigger_assigns_is_read_from_its_code(body: str, columns: set[str]) -> None:
    assert set(_assigned(body)) == columns


async def test_on_mysql_which_hides_triggers_only_what_the_worker_may_set_is_said_to_stay() -> None:
    async def mysql8(text: str, *_: object) -> list[tuple[object, ...]]:
        if "VERSION()" in text:
            return [("8.0.36",)]
        rows: list[tuple[object, ...]] = [
            ("s", "t", "id", "select"),
            ("s", "t", "note", "select,update"),
            ("s", "t", "v", "select"),
        ]
        return [] if "triggers" in text else rows

    where = Relation(schema="s", name="t")
    found = await _moved_by_triggers(mysql8, where, frozenset({"id", "note", "v"}), keys=frozenset({"id"}))
    assert found == {"v"}


async def test_a_fingerprint_names_the_server_and_nothing_of_the_address(
    shop: Database, reader: MysqlReadSource
) -> None:
    other = MysqlReadSource(name="shop", url=shop.admin_url, tls=Tls(ca=shop.ca))
    assert await reader.fingerprint() == await other.fingerprint()
    assert (await reader.fingerprint()).startswith("sha256:")
    await other.aclose()


# ---- the grants --------------------------------------------------------------------------------------------------------------


def grant(privilege: str, schema: str | None, table: str | None, *columns: str, routine: bool = False) -> Grant:
    return Grant(privilege=privilege, columns=frozenset(columns) or None, schema=schema, table=table, routine=routine)


@pytest.mark.parametrize(
    ("text", "privileges", "roles"),
    [
        ("GRANT USAGE ON *.* TO `r`@`%` IDENTIFIED BY PASSWORD '*ABC'", [grant("USAGE", None, None)], []),
        (
            "GRANT ALL PRIVILEGES ON *.* TO `r`@`%` WITH GRANT OPTION",
            [grant("ALL PRIVILEGES", None, None), grant("GRANT OPTION", None, None)],
            [],
        ),
        (
            "GRANT SELECT (`a`, `b``c`), SHOW VIEW, UPDATE (`a`) ON `shop`.`in``voices` TO `r`@`%`",
            [
                grant("SELECT", "shop", "in`voices", "a", "b`c"),
                grant("SHOW VIEW", "shop", "in`voices"),
                grant("UPDATE", "shop", "in`voices", "a"),
            ],
            [],
        ),
        ("GRANT EXECUTE ON PROCEDURE `shop`.`p` TO `r`@`%`", [grant("EXECUTE", "shop", "p", routine=True)], []),
        ("GRANT SELECT ON `shop\\_1`.* TO 'r'@'%' REQUIRE SSL", [grant("SELECT", "shop\\_1", None)], []),
        ("GRANT `app_role` TO `r`@`%`", [], ["`app_role`"]),
        ("GRANT `a`@`%`,`b`@`%` TO `r`@`%`", [], ["`a`@`%`", "`b`@`%`"]),
        (
            "GRANT PROXY ON ''@'%' TO 'r'@'%' WITH GRANT OPTION",
            [grant("PROXY", None, None), grant("GRANT OPTION", None, None)],
            [],
        ),
        (
            "GRANT BACKUP_ADMIN,SYSTEM_VARIABLES_ADMIN ON *.* TO `r`@`%`",
            [grant("BACKUP_ADMIN", None, None), grant("SYSTEM_VARIABLES_ADMIN", None, None)],
            [],
        ),
        ("REVOKE SELECT ON `mysql`.* FROM `r`@`%`", [], []),
        ("SET DEFAULT ROLE `a` FOR `r`@`%`", [], []),
        ("SOMETHING ELSE", [grant("UNKNOWN", None, None)], []),
        ("GRANT x; DROP TO `r`@`%`", [grant("UNKNOWN", None, None)], []),
    ],
)
def test_a_grant_is_read_in_full(text: str, privileges: list[Grant], roles: list[str]) -> None:
    assert parse_grant(text) == (privileges, roles)


async def rules(
    shop: Database, script: str, denied: dict[Relation, frozenset[str]] | None = None, user: str = "probe"
) -> set[str]:
    """Return what is fatal about a reader that a script grants something to."""
    account = f"{user}@'%'"
    execute(shop, f"CREATE OR REPLACE USER {account} IDENTIFIED BY 'pw'; " + script.replace("PROBE", account))
    where = shop.read_url.rpartition("@")[2].partition("/")[0]
    source = MysqlReadSource(name="shop", url=f"mysql://{user}:pw@{where}/", tls=Tls(ca=shop.ca))
    found = await told_of_reader(source, {}, denied or {})
    await source.aclose()
    execute(shop, f"DROP USER {account}")
    assert "*" + "D821809F681A40A6E379B50D0463EFAE20BDD122" not in str(found), (
        "the hash of the password is in the grant's text"
    )
    return {finding.rule for finding in found if finding.fatal}


@pytest.mark.requirement("source:unsafe-reader-refused")
@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("GRANT SELECT, SHOW VIEW ON billing.* TO PROBE", set()),
        ("GRANT SELECT, INSERT ON billing.invoices TO PROBE", {"reader_can_write"}),
        ("GRANT UPDATE (note) ON billing.invoices TO PROBE", {"reader_can_write"}),
        ("GRANT CREATE ON billing.* TO PROBE", {"reader_can_create"}),
        ("GRANT CREATE USER ON *.* TO PROBE", {"reader_creates_roles"}),
        ("GRANT REPLICATION SLAVE ON *.* TO PROBE", {"reader_replicates"}),
        ("GRANT ALL ON billing.* TO PROBE", {"reader_can_write"}),
        ("GRANT ALL ON *.* TO PROBE", {"reader_superuser"}),
        ("GRANT CREATE TEMPORARY TABLES ON billing.* TO PROBE", {"reader_can_create_temporary"}),
        ("GRANT FILE ON *.* TO PROBE", {"reader_can_use_files"}),
        ("GRANT SUPER ON *.* TO PROBE", {"reader_superuser"}),
        ("GRANT PROCESS ON *.* TO PROBE", {"reader_is_privileged"}),
        ("GRANT SELECT ON billing.* TO PROBE WITH GRANT OPTION", {"reader_can_grant"}),
        (
            "CREATE OR REPLACE PROCEDURE poke() SELECT 1; GRANT EXECUTE ON PROCEDURE billing.poke TO PROBE",
            {"reader_can_run_definer"},
        ),
        ("CREATE OR REPLACE ROLE quiet; GRANT quiet TO PROBE", {"reader_becomes_stronger"}),
        (
            (
                "CREATE OR REPLACE ROLE inner_; CREATE OR REPLACE ROLE outer_; GRANT DELETE ON billing.* TO inner_;"
                " GRANT inner_ TO outer_; GRANT outer_ TO PROBE; SET DEFAULT ROLE outer_ FOR PROBE"
            ),
            {"reader_can_write"},
        ),
        (
            "CREATE OR REPLACE ROLE calm; GRANT SELECT ON billing.* TO calm; GRANT calm TO PROBE; SET DEFAULT ROLE calm FOR PROBE",
            set(),
        ),
    ],
)
async def test_a_reader_that_can_do_more_is_found(shop: Database, script: str, expected: set[str]) -> None:
    assert await rules(shop, script) == expected


async def test_what_everybody_may_do_counts_for_the_reader(shop: Database) -> None:
    try:
        assert await rules(shop, "GRANT INSERT ON billing.customers TO PUBLIC") == {"reader_can_write"}
    finally:
        execute(shop, "REVOKE INSERT ON billing.customers FROM PUBLIC")


async def test_a_reader_taken_for_the_anonymous_user_is_found(shop: Database) -> None:
    execute(shop, "CREATE USER ''@'127.0.0.1' IDENTIFIED BY 'pw'")
    try:
        assert "anonymous_user" in await rules(shop, "GRANT SELECT ON billing.* TO PROBE")
    finally:
        execute(shop, "DROP USER ''@'127.0.0.1'")


async def test_a_denied_column_that_the_grants_reach_is_reported(shop: Database) -> None:
    denied = {INVOICES: frozenset({"card_token"}), REVIEW: frozenset({"card_token"})}
    assert await rules(shop, "GRANT SELECT ON billing.* TO PROBE", denied) == {"reader_sees_denied_column"}
    assert await rules(shop, "GRANT SELECT ON `bill%`.* TO PROBE", denied) == {"reader_sees_denied_column"}
    assert await rules(shop, "GRANT SELECT (id, note) ON billing.invoices TO PROBE", denied) == set()


async def test_the_fixtures_credentials_are_safe(reader: MysqlReadSource, writer: MysqlWriteSource) -> None:
    denied = frozenset({"card_token"})
    found = await told_of_reader(reader, {REVIEW: frozenset({"id", "status"})}, {REVIEW: denied, INVOICES: denied})
    assert {(f.rule, f.fatal) for f in found} == {("reader_sees_more", False)}
    found = await told_of_reader(reader, {INVOICES: frozenset({"id"}), REVIEW: frozenset({"id", "nope"})}, {})
    assert [(f.rule, "nope" in f.message) for f in found if f.fatal] == [
        ("reader_cannot_read", True),
        ("reader_cannot_read", False),
    ]
    found = await told_of_writer(writer, {INVOICES: frozenset({"late_fee_cents", "waiver_reason"})}, RECEIPTS)
    assert {(f.rule, f.fatal) for f in found} == {
        ("writer_can_do_more", False),
        ("writer_writes_more", False),
        ("not_durable", False),
    }


@pytest.mark.requirement("posture:safe-credential")
@pytest.mark.parametrize("encrypted", [True, False])
async def test_a_connection_that_leaves_the_host_in_clear_is_refused(
    shop: Database, monkeypatch: pytest.MonkeyPatch, encrypted: bool
) -> None:
    source = MysqlReadSource(name="shop", url=shop.read_url, tls=Tls(ca=shop.ca if encrypted else None))
    assert "reader_in_clear" not in {f.rule for f in await told_of_reader(source, {}, {})}
    monkeypatch.setattr("synapsor.sources.mysql.is_loopback", lambda _: False)
    found = await told_of_reader(source, {}, {})
    await source.aclose()
    assert [f.rule for f in found if f.fatal] == ([] if encrypted else ["reader_in_clear"])


async def test_what_a_writer_lacks_is_found(shop: Database, writer: MysqlWriteSource) -> None:
    execute(
        shop,
        """
        CREATE OR REPLACE TABLE loose LIKE synapsor_receipts; ALTER TABLE loose ENGINE=MyISAM;
        CREATE OR REPLACE TABLE folded (receipt_key varchar(32) PRIMARY KEY, proposal_digest binary(32), proposal_id int, tenant int,
          outcome int, ledger_head binary(32), worker int);
        CREATE OR REPLACE TABLE keyless (receipt_key binary(32), proposal_digest binary(32), proposal_id int, tenant int,
          outcome int, ledger_head binary(32), worker int); GRANT SELECT, INSERT ON keyless TO synapsor_writer@'127.0.0.1';
        GRANT SELECT, INSERT ON loose TO synapsor_writer@'127.0.0.1'; GRANT SELECT, INSERT ON folded TO synapsor_writer@'127.0.0.1';
        CREATE OR REPLACE TABLE looked LIKE synapsor_receipts; GRANT SELECT ON looked TO synapsor_writer@'127.0.0.1';
        """,
    )

    async def fatal(receipts: str, *columns: str, relation: Relation = INVOICES) -> set[str]:
        writes = {relation: frozenset(columns)} if columns else {}
        return {
            f.rule for f in await told_of_writer(writer, writes, Relation(schema="billing", name=receipts)) if f.fatal
        }

    assert await fatal("synapsor_receipts", "note", "row_version") == {"writer_cannot_update"}
    assert await fatal("synapsor_receipts", "note", "card_token") == {"writer_cannot_update", "writer_cannot_read"}
    assert await fatal("synapsor_receipts", "tier", relation=Relation(schema="billing", name="customers")) == {
        "writer_cannot_update",
        "writer_cannot_read",
    }
    assert await fatal("nope") == {"receipts_missing"}
    assert await fatal("loose") == {"receipts_not_transactional"}
    assert await fatal("folded") == {"receipts_shape"}
    assert await fatal("looked") == {"receipts_privilege"}
    assert await fatal("keyless") == {"receipts_key"}
    execute(shop, "DROP TABLE loose, folded, looked, keyless")


async def test_an_administrator_as_worker_is_refused(shop: Database) -> None:
    source = MysqlWriteSource(name="shop", url=shop.admin_url, tls=Tls(ca=shop.ca))
    found = await told_of_writer(source, {INVOICES: frozenset({"note"})}, RECEIPTS)
    await source.aclose()
    assert {(f.rule, f.fatal) for f in found} == {
        ("writer_superuser", True),
        ("receipts_can_change", False),
        ("not_durable", False),
    }
