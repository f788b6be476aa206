"""What only Postgres has: verified TLS, row security, definer functions, deferred constraints, and many ways to be too powerful."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path

import pytest
import trustme

from synapsor.core.facts import RelationFacts
from synapsor.core.link_posture import mixes
from synapsor.core.plan import Relation
from synapsor.errors import ConfigError, Failure, SourceFailure
from synapsor.ports import ReadSource, WriteSource
from synapsor.sources import postgres_connection
from synapsor.sources.pool import Pool
from synapsor.sources.postgres_connection import READ_PINS, Address, Session, begin_read, begin_write
from synapsor.sources.tls import Tls
from synapsor.sql.read import compile_read
from synapsor.sql.statement import Statement
from synapsor.values import ColumnType
from tests.databases import Database, execute, fetch, load_postgres
from tests.servers import Server, start_postgres
from tests.sources import (
    columns_of,
    one_row,
    open_reader,
    open_writer,
    page,
    see,
    told_of_reader,
    told_of_writer,
    update,
)

VIEW = Relation(schema="billing", name="invoice_review")
INVOICES = Relation(schema="billing", name="invoices")
SPECIMENS = Relation(schema="billing", name="specimens")
RECEIPTS = Relation(schema="billing", name="synapsor_receipts")
DENIED = frozenset({"card_token"})


@pytest.fixture
def shop(postgres_server: Server) -> Database:
    """A shop of this test's own: its grants and its schema are changed."""
    return load_postgres(postgres_server, "shop_of_one_test")


@pytest.fixture
async def reader(shop: Database) -> AsyncIterator[ReadSource]:
    source = open_reader(shop, pool_size=1)
    yield source
    await source.aclose()


@pytest.fixture
async def writer(shop: Database) -> AsyncIterator[WriteSource]:
    source = open_writer(shop)
    yield source
    await source.aclose()


async def ask(source: ReadSource, text: str, *params: str) -> object:
    return (await source.fetch(Statement(text=text, params=params), time_ms=2000))[0][0]


async def kind_of(source: ReadSource, text: str, *params: str) -> Failure:
    with pytest.raises(SourceFailure) as raised:
        await source.fetch(Statement(text=text, params=params), time_ms=2000)
    return raised.value.kind


# ---- TLS ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("source:tls-verified")
async def test_tls_is_spoken_and_verified_where_it_is_asked_for(shop: Database) -> None:
    for options in (
        {"tls": Tls(ca=shop.ca, required=True)},
        {"tls": Tls(ca=shop.ca), "url": f"{shop.read_url}?sslmode=verify-full"},
    ):
        source = open_reader(shop, **options)
        assert await ask(source, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") is True
        await source.aclose()


@pytest.mark.requirement("source:tls-verified")
async def test_a_server_that_another_authority_vouches_for_is_refused(shop: Database, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    source = open_reader(shop, tls=Tls(ca=tmp_path / "other.pem", required=True))
    assert await kind_of(source, "SELECT 1") is Failure.UNAVAILABLE
    await source.aclose()


@pytest.mark.requirement("source:tls-verified")
async def test_a_server_without_tls_is_refused_where_tls_is_asked_for(shop: Database) -> None:
    server = await asyncio.to_thread(start_postgres, tls=False)
    try:
        url = f"postgresql://postgres:{server.admin_password}@127.0.0.1:{server.port}/postgres"
        source = open_reader(shop, url=url, tls=Tls(ca=shop.ca, required=True))
        assert await kind_of(source, "SELECT 1") is Failure.UNAVAILABLE
        await source.aclose()
    finally:
        await asyncio.to_thread(server.close)


@pytest.mark.parametrize("host", ["db.example", "10.0.0.1", "127.0.0.1.example", "[2001:db8::1]"])
def test_clear_text_over_a_network_is_a_configuration_error(host: str) -> None:
    address = Address.parse(f"postgresql://u:p@{host}/shop?sslmode=disable")
    with pytest.raises(ConfigError):
        address.context(Tls())
    verifying = Address.parse(f"postgresql://u:p@{host}/shop").context(Tls())
    assert verifying is not None
    assert verifying.check_hostname


TAILS = (
    "?sslmode=prefer",
    "?sslmode=allow",
    "?options=-csearch_path%3Dpublic",
    "?sslmode=disable&x=1",
    "#x",
    "/y",
    "?x",
)


@pytest.mark.parametrize("tail", TAILS)
def test_an_address_that_is_not_fully_understood_is_refused(tail: str) -> None:
    with pytest.raises(ConfigError):
        Address.parse(f"postgresql://u:p@localhost/shop{tail}")


@pytest.mark.requirement("secrets:never-shown")
@pytest.mark.parametrize("character", ["#", "/", "@", "[", "]", "%", ":", "?", " ", "\\", "\u00e9"])
def test_no_part_of_a_password_stands_in_an_error_or_representation(character: str) -> None:
    password = f"CANARY1{character}CANARY2"
    try:
        shown = repr(Address.parse(f"postgresql://u:{password}@localhost:5432/shop"))
    except ConfigError as refused:
        shown = f"{refused!r} {refused.fix} {refused.__cause__} {refused.__context__}"
    assert "CANARY" not in shown


def test_a_password_may_hold_anything_when_it_is_encoded() -> None:
    address = Address.parse("postgresql://u%40x:%23%2F%40%5B%25@localhost:6543/my%20shop")
    assert (address.user, address.password, address.port, address.database) == ("u@x", "#/@[%", 6543, "my shop")


# ---- sessions ----------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("values:host-independent")
async def test_settings_of_a_role_change_no_token(shop: Database) -> None:
    before = open_reader(shop)
    columns = await columns_of(before, SPECIMENS)
    shape = page(SPECIMENS, columns, *columns)
    expected = await see(before, shape, "acme")
    await before.aclose()
    settings = {
        "TimeZone": "Pacific/Apia",
        "DateStyle": "German",
        "IntervalStyle": "postgres_verbose",
        "extra_float_digits": "-5",
    }
    settings |= {
        "bytea_output": "escape",
        "search_path": "public",
        "statement_timeout": "1",
        "default_transaction_read_only": "off",
    }
    role = "synapsor_reader IN DATABASE shop_of_one_test"
    execute(shop, "".join(f"ALTER ROLE {role} SET {name} = '{value}';" for name, value in settings.items()))
    try:
        after = open_reader(shop)
        assert (await see(after, shape, "acme")).rows == expected.rows
        await after.aclose()
    finally:
        execute(shop, f"ALTER ROLE {role} RESET ALL;")


@pytest.mark.requirement("source:no-bleed")
async def test_nothing_of_a_session_reaches_its_next_borrower(reader: ReadSource) -> None:
    backend = await ask(reader, "SELECT pg_backend_pid()")
    await ask(reader, "SELECT pg_advisory_lock(42)")
    await ask(
        reader,
        "SELECT set_config('search_path', 'public', false) || set_config('default_transaction_read_only', 'off', false)",
    )
    await ask(reader, "SELECT set_config('app.tenant', 'acme', false)")
    assert await kind_of(reader, "SELECT 1 / 0") is Failure.VALUE
    assert await ask(reader, "SELECT pg_backend_pid()") == backend, "an error of a statement costs no connection"
    assert (
        await ask(reader, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()") == 0
    )
    assert await ask(reader, "SELECT current_setting('search_path')") == "pg_catalog, pg_temp"
    assert await ask(reader, "SELECT coalesce(current_setting('app.tenant', true), '')") == ""
    assert await ask(reader, "SELECT current_setting('transaction_read_only')") == "on"
    assert await ask(reader, "SELECT current_setting('transaction_isolation')") == "repeatable read"


async def _tidied(reader: ReadSource) -> Session:
    """Return the one idle session of a reader, when its last borrower's traces are gone."""
    pool: Pool[Session] = reader._pool  # type: ignore[attr-defined]  # what it does between two calls
    await pool.tidied()
    (session,) = pool._idle
    return session


_ACTIVITY = "SELECT state, xact_start, backend_xmin::text FROM pg_stat_activity WHERE pid = "


@pytest.mark.requirement("source:no-bleed")
async def test_a_transaction_that_was_begun_ahead_serves_the_next_call_unless_it_is_old(
    shop: Database, reader: ReadSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_connection, "AHEAD_SECONDS", 3600)
    pid = await ask(reader, "SELECT pg_backend_pid()")
    session = await _tidied(reader)
    ((state, begun, snapshot),) = fetch(shop, f"{_ACTIVITY}{pid}")
    assert (state, snapshot) == ("idle in transaction", None)
    assert await ask(reader, "SELECT now()") == begun
    assert await _tidied(reader) is session
    ((state, begun, snapshot),) = fetch(shop, f"{_ACTIVITY}{pid}")
    session._ahead_since -= 3600
    assert await ask(reader, "SELECT now()") > begun
    assert await ask(reader, "SELECT pg_backend_pid()") == pid


async def test_no_session_stays_in_a_transaction_that_nobody_came_for(shop: Database, reader: ReadSource) -> None:
    pid = await ask(reader, "SELECT pg_backend_pid()")
    await _tidied(reader)
    while (seen := fetch(shop, f"{_ACTIVITY}{pid}")) != [("idle", None, None)]:
        assert [(state, snapshot) for state, _, snapshot in seen] == [("idle in transaction", None)]
        await asyncio.sleep(0.005)
    assert await ask(reader, "SELECT pg_backend_pid()") == pid
    assert await ask(reader, "SELECT current_setting('transaction_read_only')") == "on"


@pytest.mark.requirement("read:bounded-time")
async def test_a_transaction_that_was_begun_ahead_has_the_limits_of_the_call_it_serves(
    reader: ReadSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_connection, "AHEAD_SECONDS", 3600)
    text = (
        "SELECT current_setting('statement_timeout') || current_setting('lock_timeout') "
        "|| current_setting('transaction_read_only') || current_setting('transaction_isolation')"
    )
    for limit in (700, 700, 900, 700, 700):
        rows = await reader.fetch(Statement(text=text, params=()), time_ms=limit)
        assert [tuple(row) for row in rows] == [(f"{limit}ms{limit}msonrepeatable read",)]
        await _tidied(reader)


async def test_a_session_that_dies_while_it_waits_in_a_transaction_is_replaced(
    shop: Database, reader: ReadSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_connection, "AHEAD_SECONDS", 3600)
    pid = await ask(reader, "SELECT pg_backend_pid()")
    await _tidied(reader)
    assert fetch(shop, f"SELECT pg_terminate_backend({pid}, 5000)") == [(True,)]
    assert await ask(reader, "SELECT pg_backend_pid()") != pid


@pytest.mark.requirement("read:cannot-write")
def test_the_session_and_each_transaction_are_read_only_on_their_own() -> None:
    assert READ_PINS["default_transaction_read_only"] == "on"
    assert begin_read(7) == (
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 7; SET LOCAL lock_timeout = 7"
    )
    assert begin_write(7) == (
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = on; "
        "SET LOCAL statement_timeout = 7; SET LOCAL lock_timeout = 7"
    )


@pytest.mark.requirement("read:cannot-write")
async def test_a_view_that_writes_through_a_definer_function_cannot(shop: Database, reader: ReadSource) -> None:
    execute(
        shop,
        """CREATE FUNCTION billing.sneak() RETURNS integer LANGUAGE sql SECURITY DEFINER VOLATILE AS
           $$ UPDATE billing.invoices SET note = 'written' WHERE id = 'INV-3001' RETURNING 1 $$;
           CREATE VIEW billing.sneaky WITH (security_barrier = true) AS SELECT billing.sneak() AS n;
           GRANT SELECT ON billing.sneaky TO synapsor_reader;""",
    )
    assert await kind_of(reader, "SELECT n FROM billing.sneaky") is Failure.DENIED
    assert fetch(shop, "SELECT count(*) FROM billing.invoices WHERE note = 'written'") == [(0,)]
    facts = await reader.describe(Relation(schema="billing", name="sneaky"))
    assert facts is not None
    assert any("SECURITY DEFINER" in hazard for hazard in facts.hazards)


async def test_a_change_of_the_schema_is_drift_or_is_followed(shop: Database, reader: ReadSource) -> None:
    columns = await columns_of(reader, SPECIMENS)
    kept, lost = one_row(SPECIMENS, columns, "c_int"), one_row(SPECIMENS, columns, "c_int", "c_smallint")
    for shape in (kept, lost):
        assert (await see(reader, shape, "acme", "SP-1")).rows[0][0] == "42"
    # In a thread: a read's transaction is ended by the loop, and would hold up the change of the table.
    await asyncio.to_thread(execute, shop, "ALTER TABLE billing.specimens ALTER c_int TYPE bigint, DROP c_smallint;")
    assert (await see(reader, kept, "acme", "SP-1")).rows[0][0] == "42"
    with pytest.raises(SourceFailure) as raised:
        await see(reader, lost, "acme", "SP-1")
    assert raised.value.kind is Failure.DRIFT


async def test_a_plan_that_the_server_calls_outdated_is_made_anew(shop: Database, reader: ReadSource) -> None:
    execute(shop, "CREATE TABLE billing.moving (n integer); GRANT SELECT ON billing.moving TO synapsor_reader;")
    assert await reader.fetch(Statement(text="SELECT n FROM billing.moving", params=()), time_ms=1000) == []
    await asyncio.to_thread(
        execute, shop, "ALTER TABLE billing.moving ALTER n TYPE text; INSERT INTO billing.moving VALUES ('x');"
    )
    assert await ask(reader, "SELECT n FROM billing.moving") == "x"


@pytest.mark.requirement("read:tenant")
async def test_a_collation_that_folds_widens_no_tenant(shop: Database, reader: ReadSource) -> None:
    execute(
        shop,
        """CREATE COLLATION billing.folding (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
           ALTER TABLE billing.hostile_invoices ALTER tenant_id TYPE text COLLATE billing.folding;""",
    )
    where = Relation(schema="billing", name="hostile_invoices")
    facts = await reader.describe(where)
    assert facts is not None
    assert not facts.columns["tenant_id"].exact
    shape = page(where, await columns_of(reader, where))
    for tenant, count in {"acme": 20, "ACME": 2, "acm\u00e9": 2}.items():
        assert [row[1] for row in (await see(reader, shape, tenant)).rows] == [tenant] * count


@pytest.mark.parametrize(
    "kind", ["text", "varchar(40)", "char(8)", "uuid", "bigint", "billing.invoice_status", "numeric(12,2)"]
)
async def test_key_and_tenant_are_found_through_their_index(postgres_db: Database, kind: str) -> None:
    execute(
        postgres_db,
        f"""DROP TABLE IF EXISTS billing.keyed;
            CREATE TABLE billing.keyed (tenant_id varchar(20) NOT NULL, id {kind} NOT NULL, UNIQUE (tenant_id, id));
            GRANT SELECT ON billing.keyed TO synapsor_reader;""",
    )
    where = Relation(schema="billing", name="keyed")
    reader = open_reader(postgres_db)
    columns = await columns_of(reader, where, **({"id": ColumnType.UUID} if kind == "uuid" else {}))
    value = {"uuid": "00112233-4455-6677-8899-aabbccddeeff", "bigint": "7", "numeric(12,2)": "1.50"}.get(kind, "open")
    text = compile_read(one_row(where, columns), "postgres").text
    plan = await reader.fetch(Statement(text=f"EXPLAIN {text}", params=("acme", value)), time_ms=2000)
    await reader.aclose()
    condition = next(line for (line,) in plan if "Index Cond" in line)
    assert "tenant_id" in condition
    assert "id =" in condition.replace("tenant_id", "")


# ---- the catalogue -----------------------------------------------------------------------------------------------------------


async def described(source: ReadSource | WriteSource, name: str) -> RelationFacts:
    facts = await source.describe(Relation(schema="billing", name=name))
    assert facts is not None
    return facts


async def test_only_what_proves_a_single_row_is_called_unique(shop: Database, reader: ReadSource) -> None:
    execute(
        shop,
        """CREATE TABLE billing.u (a int NOT NULL, b int NOT NULL, c int, d int NOT NULL, e int NOT NULL, f int NOT NULL,
             UNIQUE (a, b), UNIQUE (c), UNIQUE (d) DEFERRABLE);
           CREATE UNIQUE INDEX ON billing.u (e) WHERE e > 0;
           CREATE UNIQUE INDEX ON billing.u ((f + 1));
           CREATE UNIQUE INDEX ON billing.u (f) INCLUDE (a);
           CREATE TABLE billing.parent (id int PRIMARY KEY);
           CREATE TABLE billing.child () INHERITS (billing.parent);
           CREATE VIEW billing.simple AS SELECT a, b, f AS g FROM billing.u;
           CREATE VIEW billing.grouped AS SELECT a, b FROM billing.u GROUP BY a, b;
           CREATE VIEW billing.renamed AS SELECT e AS f, a FROM billing.u;
           CREATE VIEW billing.aliased AS SELECT k.f, k.b FROM billing.u k(f, b, c, d, e, g);
           CREATE VIEW billing.unrelated (a, b) AS SELECT d, e FROM billing.u;
           CREATE VIEW billing.plain AS SELECT b, a FROM billing.u k WHERE c IS NULL;
           CREATE VIEW billing.of_parent AS SELECT id FROM billing.parent;
           GRANT SELECT ON ALL TABLES IN SCHEMA billing TO synapsor_reader;""",
    )
    assert set((await described(reader, "u")).unique) == {frozenset("ab"), frozenset("f")}
    assert (await described(reader, "parent")).unique == ()
    assert any("inherit" in hazard for hazard in (await described(reader, "parent")).hazards)
    assert (await described(reader, "simple")).unique == (frozenset("ab"),)
    assert (await described(reader, "grouped")).unique == ()
    assert (await described(reader, "plain")).unique == (frozenset("ab"),)
    for name in ("renamed", "aliased", "unrelated", "of_parent"):
        assert (await described(reader, name)).unique == (), name


@pytest.mark.requirement("link:proven")
async def test_columns_are_said_to_be_compared_where_the_server_compares_them(
    shop: Database, reader: ReadSource
) -> None:
    execute(
        shop,
        """CREATE TABLE billing.collated (a text, b varchar(9), c text COLLATE "C", d text COLLATE "POSIX", e varchar(9) COLLATE "C", f name, g int);
           INSERT INTO billing.collated VALUES ('x', 'x', 'x', 'x', 'x', 'x', 1);  -- of no rows it would compare anything
           CREATE VIEW billing.collating AS SELECT a, b, c, d, e, f, a COLLATE "POSIX" AS g FROM billing.collated;
           GRANT SELECT ON billing.collated, billing.collating TO synapsor_reader;""",
    )
    for name in ("collated", "collating"):
        known = (await described(reader, name)).columns
        for one, other in product("abcdef" if name == "collated" else "abcdefg", repeat=2):
            left, right = known[one].collation, known[other].collation
            said = left is None or right is None or mixes(left, right)
            pair = Statement(
                text=f"SELECT 1 FROM billing.{name} x JOIN billing.{name} y ON x.{one} = y.{other}", params=()
            )
            assert said == await compares(reader, pair), (one, other)


async def compares(source: ReadSource, statement: Statement) -> bool:
    try:
        await source.fetch(statement, time_ms=5000)
    except SourceFailure as failed:
        assert failed.state == "42P22"  # noqa: PT017  # that it fails is one of two answers
        return False
    return True


async def test_what_a_trigger_sets_moves_and_nothing_else(shop: Database, reader: ReadSource) -> None:
    execute(
        shop,
        """CREATE FUNCTION billing.bump() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN
             -- NEW.b := 1
             NEW.a = OLD.a + 1; new."c" := now(); IF NEW.d = 1 THEN NULL; END IF; RETURN NEW; END $f$;
           CREATE TABLE billing.moved (id int PRIMARY KEY, a int, b int, c timestamptz, d int, g int GENERATED ALWAYS AS (a + 1) STORED);
           CREATE TRIGGER t BEFORE UPDATE ON billing.moved FOR EACH ROW EXECUTE FUNCTION billing.bump();
           GRANT SELECT ON billing.moved TO synapsor_reader;""",
    )

    async def moving() -> set[str]:
        return {name for name, column in (await described(reader, "moved")).columns.items() if column.moves}

    assert await moving() == {"a", "c", "g"}
    replaced = "DROP TRIGGER t ON billing.moved; CREATE TRIGGER t {} ON billing.moved FOR EACH ROW EXECUTE FUNCTION billing.bump()"
    for change in (
        "ALTER TABLE billing.moved DISABLE TRIGGER t",
        "ALTER TABLE billing.moved ENABLE REPLICA TRIGGER t",
        replaced.format("BEFORE UPDATE OF b"),
        replaced.format("AFTER UPDATE"),
    ):
        execute(shop, change)
        assert await moving() == {"g"}


async def test_what_makes_a_view_unsafe_is_told(shop: Database, reader: ReadSource) -> None:
    execute(
        shop,
        """ALTER TABLE billing.customers ENABLE ROW LEVEL SECURITY;
           CREATE VIEW billing.plain AS SELECT id, tenant_id FROM billing.customers;
           CREATE VIEW billing.safe WITH (security_barrier, security_invoker) AS SELECT id, tenant_id FROM billing.customers;
           CREATE VIEW billing.outer_view WITH (security_barrier) AS SELECT id, tenant_id FROM billing.safe;
           GRANT SELECT ON billing.plain, billing.safe, billing.outer_view TO synapsor_reader;""",
    )
    assert len((await described(reader, "plain")).hazards) == 2
    assert (await described(reader, "safe")).hazards == ()
    assert len((await described(reader, "outer_view")).hazards) == 1


# ---- posture -----------------------------------------------------------------------------------------------------------------

UNSAFE = {
    "reader_bypasses_row_security": ("ALTER ROLE synapsor_reader BYPASSRLS", "ALTER ROLE synapsor_reader NOBYPASSRLS"),
    "reader_creates_roles": ("ALTER ROLE synapsor_reader CREATEROLE", "ALTER ROLE synapsor_reader NOCREATEROLE"),
    "reader_replicates": ("ALTER ROLE synapsor_reader REPLICATION", "ALTER ROLE synapsor_reader NOREPLICATION"),
    "reader_superuser": ("ALTER ROLE synapsor_reader SUPERUSER", "ALTER ROLE synapsor_reader NOSUPERUSER"),
    "reader_becomes_stronger": (
        "GRANT pg_read_server_files TO synapsor_reader",
        "REVOKE pg_read_server_files FROM synapsor_reader",
    ),
    "reader_owns": (
        "ALTER VIEW billing.invoice_review OWNER TO synapsor_reader",
        "ALTER VIEW billing.invoice_review OWNER TO postgres; GRANT SELECT ON billing.invoice_review TO synapsor_reader",
    ),
    "reader_can_write": (
        "GRANT UPDATE (note) ON billing.invoices TO synapsor_reader",
        "REVOKE UPDATE (note) ON billing.invoices FROM synapsor_reader",
    ),
    "reader_can_write other": (
        "GRANT TRUNCATE ON billing.customers TO synapsor_reader",
        "REVOKE TRUNCATE ON billing.customers FROM synapsor_reader",
    ),
    "reader_can_write by public": (
        "GRANT INSERT ON billing.customers TO PUBLIC",
        "REVOKE INSERT ON billing.customers FROM PUBLIC",
    ),
    "reader_can_write not inherited": (
        "ALTER ROLE synapsor_reader NOINHERIT; GRANT synapsor_writer TO synapsor_reader",
        "REVOKE synapsor_writer FROM synapsor_reader; ALTER ROLE synapsor_reader INHERIT",
    ),
    "reader_can_create": ("GRANT CREATE ON SCHEMA billing TO PUBLIC", "REVOKE CREATE ON SCHEMA billing FROM PUBLIC"),
    "reader_can_create in database": (
        "GRANT CREATE ON DATABASE shop TO synapsor_reader",
        "REVOKE CREATE ON DATABASE shop FROM synapsor_reader",
    ),
    "reader_can_run_definer": (
        "CREATE FUNCTION billing.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        "DROP FUNCTION billing.f()",
    ),
    "reader_sees_denied_column": (
        "GRANT SELECT (card_token) ON billing.invoices TO synapsor_reader",
        "REVOKE SELECT (card_token) ON billing.invoices FROM synapsor_reader",
    ),
    "reader_sees_denied_column by role": (
        "GRANT pg_read_all_data TO synapsor_reader",
        "REVOKE pg_read_all_data FROM synapsor_reader",
    ),
    "reader_cannot_read": (
        "REVOKE SELECT ON billing.invoice_review FROM synapsor_reader",
        "GRANT SELECT ON billing.invoice_review TO synapsor_reader",
    ),
}


@pytest.mark.requirement("posture:safe-credential")
@pytest.mark.parametrize("case", sorted(UNSAFE))
async def test_an_unsafe_read_credential_is_found_out(postgres_db: Database, case: str) -> None:
    grant, revoke = UNSAFE[case]
    reader = open_reader(postgres_db)
    execute(postgres_db, grant)
    try:
        found = await told_of_reader(reader, {VIEW: frozenset({"id", "status"})}, {VIEW: DENIED})
    finally:
        execute(postgres_db, revoke)
        await reader.aclose()
    assert [finding.rule for finding in found if finding.fatal] == [case.partition(" ")[0]]


LACKING = {
    "writer_superuser": ("ALTER ROLE synapsor_writer SUPERUSER", "ALTER ROLE synapsor_writer NOSUPERUSER"),
    "writer_cannot_update": (
        "REVOKE UPDATE (note) ON billing.invoices FROM synapsor_writer",
        "GRANT UPDATE (note) ON billing.invoices TO synapsor_writer",
    ),
    "writer_cannot_read": (
        "REVOKE SELECT (note) ON billing.invoices FROM synapsor_writer",
        "GRANT SELECT (note) ON billing.invoices TO synapsor_writer",
    ),
    "receipts_missing": (
        "ALTER TABLE billing.synapsor_receipts RENAME TO hidden",
        "ALTER TABLE billing.hidden RENAME TO synapsor_receipts",
    ),
    "receipts_key": (
        "ALTER TABLE billing.synapsor_receipts DROP CONSTRAINT synapsor_receipts_pkey",
        "ALTER TABLE billing.synapsor_receipts ADD PRIMARY KEY (receipt_key)",
    ),
    "receipts_not_durable": (
        "ALTER TABLE billing.synapsor_receipts SET UNLOGGED",
        "ALTER TABLE billing.synapsor_receipts SET LOGGED",
    ),
    "receipts_privilege": (
        "REVOKE INSERT ON billing.synapsor_receipts FROM synapsor_writer",
        "GRANT INSERT ON billing.synapsor_receipts TO synapsor_writer",
    ),
    "receipts_shape": (
        "ALTER TABLE billing.synapsor_receipts RENAME worker TO hidden",
        "ALTER TABLE billing.synapsor_receipts RENAME hidden TO worker",
    ),
}


@pytest.mark.requirement("posture:worker-sufficient")
@pytest.mark.parametrize("case", sorted(LACKING))
async def test_what_a_write_credential_lacks_is_found_out(postgres_db: Database, case: str) -> None:
    grant, revoke = LACKING[case]
    writer = open_writer(postgres_db)
    execute(postgres_db, grant)
    try:
        found = await told_of_writer(writer, {INVOICES: frozenset({"note"})}, RECEIPTS)
    finally:
        execute(postgres_db, revoke)
        await writer.aclose()
    assert [finding.rule for finding in found if finding.fatal] == [case]


BY_ROLE = (
    "CREATE ROLE clerk; GRANT USAGE ON SCHEMA billing TO clerk; "
    "ALTER ROLE synapsor_writer NOINHERIT; GRANT clerk TO synapsor_writer;"
)
"""What a role has that is not inherited, SET ROLE takes."""
NO_ROLE = "ALTER ROLE synapsor_writer INHERIT; DROP OWNED BY clerk; DROP ROLE clerk"


@pytest.mark.requirement("posture:safe-credential")
@pytest.mark.parametrize(
    ("grant", "revoke", "rule", "words"),
    [
        (
            "GRANT DELETE ON billing.invoices TO synapsor_writer",
            "REVOKE DELETE ON billing.invoices FROM synapsor_writer",
            "writer_can_do_more",
            "remove rows",
        ),
        (
            "GRANT INSERT ON billing.customers TO PUBLIC",
            "REVOKE INSERT ON billing.customers FROM PUBLIC",
            "writer_writes_more",
            "billing.customers",
        ),
        (
            "CREATE FUNCTION billing.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
            "DROP FUNCTION billing.f()",
            "writer_can_do_more",
            "billing.f",
        ),
        (
            f"{BY_ROLE} GRANT UPDATE ON billing.synapsor_receipts TO clerk",
            NO_ROLE,
            "receipts_can_change",
            "by a role that it may become",
        ),
        (
            f"{BY_ROLE} GRANT TRUNCATE ON billing.synapsor_receipts TO clerk",
            NO_ROLE,
            "receipts_can_change",
            "by a role that it may become",
        ),
        (
            f"{BY_ROLE} GRANT DELETE ON billing.invoices TO clerk",
            NO_ROLE,
            "writer_can_do_more",
            "remove rows",
        ),
        (
            f"{BY_ROLE} GRANT UPDATE (tenant_id) ON billing.invoices TO clerk",
            NO_ROLE,
            "writer_can_do_more",
            "tenant_id",
        ),
    ],
)
async def test_what_a_writer_can_do_beyond_its_updates_is_told(
    postgres_db: Database, grant: str, revoke: str, rule: str, words: str
) -> None:
    writer = open_writer(postgres_db)
    writes = {INVOICES: frozenset({"status", "late_fee_cents", "waiver_reason", "note"})}

    async def told() -> str:
        more = [f for f in await told_of_writer(writer, writes, RECEIPTS) if f.rule == rule]
        assert not any(finding.fatal for finding in more)
        return " ".join(finding.message for finding in more)

    assert words not in await told()
    execute(postgres_db, grant)
    try:
        assert words in await told()
    finally:
        execute(postgres_db, revoke)
        await writer.aclose()


# ---- the worker's transaction ------------------------------------------------------------------------------------------------


async def deferred(shop: Database, writer: WriteSource, *, settle: bool) -> SourceFailure:
    execute(
        shop,
        """ALTER TABLE billing.specimens ADD FOREIGN KEY (note) REFERENCES billing.customers (id) DEFERRABLE INITIALLY DEFERRED NOT VALID;""",
    )
    columns = await columns_of(writer, SPECIMENS)
    change = update(writer, SPECIMENS, columns, key="SP-1", sets={"note": "nobody"}, guards={})

    async def apply() -> None:
        async with writer.transaction(time_ms=2000) as tx:
            assert await tx.execute(change) == 1
            await (tx.settle_constraints() if settle else tx.commit())

    with pytest.raises(SourceFailure) as raised:
        await apply()
    assert fetch(shop, "SELECT count(*) FROM billing.specimens WHERE note = 'nobody'") == [(0,)]
    return raised.value


@pytest.mark.requirement("apply:outcome-true")
@pytest.mark.parametrize("settle", [True, False], ids=["settled", "at commit"])
async def test_a_deferred_constraint_fails_as_a_constraint_and_nothing_is_changed(
    shop: Database, writer: WriteSource, settle: bool
) -> None:
    failed = await deferred(shop, writer, settle=settle)
    assert failed.kind is Failure.CONSTRAINT
    assert "nobody" not in f"{failed!r} {failed.__cause__} {failed.__context__}"


@pytest.mark.requirement("apply:outcome-true")
async def test_a_commit_after_an_error_is_not_called_a_commit(writer: WriteSource) -> None:
    async def apply() -> None:
        async with writer.transaction(time_ms=2000) as tx:
            with pytest.raises(SourceFailure):
                await tx.fetch(Statement(text="SELECT 1 / 0", params=()))
            await tx.commit()

    with pytest.raises(SourceFailure) as raised:
        await apply()
    assert (raised.value.kind, raised.value.state) == (Failure.OTHER, "rolled_back")


async def test_the_worker_commits_durably_whatever_its_role_says(shop: Database) -> None:
    role = "synapsor_writer IN DATABASE shop_of_one_test"
    execute(
        shop,
        f"ALTER ROLE {role} SET synchronous_commit = off; ALTER ROLE {role} SET default_transaction_read_only = on;",
    )
    writer = open_writer(shop)
    try:
        async with writer.transaction(time_ms=2000) as tx:
            seen = await tx.fetch(
                Statement(
                    text="SELECT current_setting('synchronous_commit'), current_setting('transaction_isolation')",
                    params=(),
                )
            )
            assert [tuple(row) for row in seen] == [("on", "read committed")]
    finally:
        await writer.aclose()
        execute(shop, f"ALTER ROLE {role} RESET ALL;")
