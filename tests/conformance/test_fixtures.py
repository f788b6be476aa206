"""The fixture shop is what the other tests take it for: the same rows everywhere, canaries in place, roles that can do little."""

import sqlite3
from collections.abc import Iterator

import asyncpg
import pymysql
import pytest

from tests.databases import Database, execute, fetch, load_mariadb, load_postgres, reset, table
from tests.servers import Server, start_mariadb, start_postgres

INVOICE = "id, tenant_id, customer, status, amount, late_fee_cents, waiver_reason, note, due_date"
DENIED = (asyncpg.InsufficientPrivilegeError, pymysql.OperationalError, pymysql.ProgrammingError)


def as_text(rows: list[tuple[object, ...]]) -> list[tuple[str, ...]]:
    return [tuple(str(value) for value in row) for row in rows]


def count(database: Database, condition: str, name: str = "invoices") -> int:
    ((found,),) = fetch(database, f"SELECT count(*) FROM {table(database, name)} WHERE {condition}")
    return int(found)


def test_every_engine_holds_the_same_invoices(postgres_db: Database, mariadb_db: Database, sqlite_db: Database) -> None:
    reset(postgres_db)
    reset(mariadb_db)
    shops = [
        as_text(fetch(shop, f"SELECT {INVOICE} FROM {table(shop, 'invoices')} ORDER BY id"))
        for shop in (postgres_db, mariadb_db, sqlite_db)
    ]
    assert len(shops[0]) == 80
    assert shops[0] == shops[1] == shops[2]
    assert shops[0][0][:6] == ("INV-3001", "acme", "Aldous Bakery", "overdue", "1250.00", "5500")


def test_every_engine_holds_the_same_hostile_notes(
    postgres_db: Database, mariadb_db: Database, sqlite_db: Database
) -> None:
    query = "SELECT id, tenant_id, amount, note, secret FROM {} ORDER BY id"
    shops = [
        sorted(as_text(fetch(shop, query.format(table(shop, "hostile_invoices")))))
        for shop in (postgres_db, mariadb_db, sqlite_db)
    ]
    assert shops[0] == shops[1] == shops[2]
    assert shops[0] == sorted(as_text(fetch(mariadb_db, query.format("hostile_invoices_unicode"))))
    assert {row[1] for row in shops[0]} >= {"acme", "ACME", "acme ", "acmé", "globex", "0", "0zz"}


def test_canaries_stand_in_every_denied_and_every_foreign_text(database: Database) -> None:
    assert count(database, "card_token LIKE '%CANARY%'") == 80
    assert count(database, "tenant_id = 'globex' AND customer LIKE '%CANARY%' AND note LIKE '%CANARY%'") == 40
    assert count(database, "email NOT LIKE '%CANARY%'", "customers") == 0
    assert count(database, "secret NOT LIKE '%CANARY%'", "hostile_invoices") == 0
    foreign = "id LIKE 'H-%-%' AND id NOT LIKE 'H-acme-%'"
    assert count(database, foreign, "hostile_invoices") == 16
    assert count(database, f"{foreign} AND note NOT LIKE '%CANARY%'", "hostile_invoices") == 0


@pytest.mark.parametrize("name", ["invoice_review", "specimens"])
def test_no_canary_stands_where_acme_may_look(database: Database, name: str) -> None:
    # As text, because the driver has no Python value for a date before Christ.
    columns = "t::text" if database.engine == "postgres" else "*"
    rows = fetch(database, f"SELECT {columns} FROM {table(database, name)} t WHERE tenant_id = 'acme'", role="read")
    assert rows
    assert "CANARY" not in repr(rows)


def test_an_update_moves_the_version_by_one(database: Database) -> None:
    invoices = table(database, "invoices")
    query = f"SELECT row_version, updated_at FROM {invoices} WHERE id = 'INV-3001'"
    ((version, stamp),) = fetch(database, query)
    execute(database, f"UPDATE {invoices} SET note = 'once' WHERE id = 'INV-3001'", role="write")
    ((moved, later),) = fetch(database, query)
    assert (version, moved) == (1, 2)
    assert later > stamp


def test_reset_puts_the_seed_rows_back(database: Database) -> None:
    invoices = table(database, "invoices")
    before = fetch(database, f"SELECT * FROM {invoices} ORDER BY id")
    execute(database, f"UPDATE {invoices} SET late_fee_cents = 1; DELETE FROM {invoices} WHERE tenant_id = 'acme'")
    reset(database)
    assert fetch(database, f"SELECT * FROM {invoices} ORDER BY id") == before


@pytest.fixture(params=["postgres", "mariadb"])
def served(request: pytest.FixtureRequest) -> Database:
    """The shop on each engine that knows roles."""
    found: Database = request.getfixturevalue(f"{request.param}_db")
    reset(found)
    return found


@pytest.mark.parametrize(
    "query",
    [
        "SELECT card_token FROM {invoices}",
        "SELECT id FROM {invoices}",
        "SELECT email FROM {customers}",
        "SELECT * FROM {hostile_invoices}",
        "SELECT * FROM {synapsor_receipts}",
        "UPDATE {invoice_review} SET note = 'x'",
        "UPDATE {specimens} SET note = 'x'",
        "INSERT INTO {customers} VALUES ('a', 'b', 'c', 'd', 'e')",
        "DELETE FROM {hostile_invoices}",
        "CREATE TABLE {grabbed} (id int)",
        "CREATE TEMPORARY TABLE grabbed (id int)",
    ],
)
def test_the_reader_is_refused(served: Database, query: str) -> None:
    with pytest.raises(DENIED):
        execute(served, _named(served, query), role="read")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT card_token FROM {invoices}",
        "UPDATE {invoices} SET amount = 0",
        "UPDATE {invoices} SET tenant_id = 'globex'",
        "UPDATE {invoices} SET row_version = 1",
        "DELETE FROM {invoices}",
        "UPDATE {synapsor_receipts} SET outcome = 'failed'",
        "DELETE FROM {synapsor_receipts}",
        "SELECT email FROM {customers}",
        "CREATE TABLE {grabbed} (id int)",
    ],
)
def test_the_writer_is_refused(served: Database, query: str) -> None:
    with pytest.raises(DENIED):
        execute(served, _named(served, query), role="write")


def test_the_writer_may_do_its_work(served: Database) -> None:
    execute(
        served,
        _named(
            served,
            "UPDATE {invoices} SET late_fee_cents = 0, waiver_reason = 'w', note = 'n', status = 'open' WHERE id = 'INV-3001'",
        ),
        role="write",
    )
    assert count(served, "id = 'INV-3001' AND late_fee_cents = 0 AND waiver_reason = 'w'") == 1


def test_receipt_keys_that_differ_in_one_byte_are_two_receipts(database: Database) -> None:
    name = table(database, "synapsor_receipts")
    for letter in ("61", "41"):
        key = letter * 32
        blob = f"'\\x{key}'" if database.engine == "postgres" else f"x'{key}'"
        execute(
            database,
            f"INSERT INTO {name} (receipt_key, proposal_digest, proposal_id, tenant, outcome, ledger_head, worker) "
            f"VALUES ({blob}, {blob}, 'P-1', 'acme', 'applied', {blob}, 'w1')",
            role="write",
        )
    assert count(database, "created_at IS NOT NULL", "synapsor_receipts") == 2


def test_a_receipt_outcome_is_one_of_three(sqlite_db: Database) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        execute(
            sqlite_db,
            "INSERT INTO synapsor_receipts VALUES (zeroblob(32), zeroblob(32), 'P', 'acme', 'maybe', zeroblob(32), 'w', '')",
        )


def test_a_view_filter_on_postgres_is_a_barrier(postgres_db: Database) -> None:
    ((options,),) = fetch(postgres_db, "SELECT reloptions FROM pg_class WHERE relname = 'invoice_review'")
    assert options == ["security_barrier=true"]


@pytest.fixture(params=["postgres", "mariadb"])
def own_server(request: pytest.FixtureRequest) -> Iterator[tuple[Server, Database]]:
    """A server that the test may hurt."""
    postgres = request.param == "postgres"
    server = start_postgres() if postgres else start_mariadb()
    yield server, load_postgres(server) if postgres else load_mariadb(server)
    server.close()


@pytest.mark.chaos
@pytest.mark.parametrize("mode", ["fast", "immediate", "kill"])
def test_a_committed_change_survives_the_server(own_server: tuple[Server, Database], mode: str) -> None:
    server, shop = own_server
    execute(shop, _named(shop, "UPDATE {invoices} SET note = 'kept' WHERE id = 'INV-3001'"), role="write")
    if mode == "kill":
        server.kill()
        server.start()
    else:
        server.restart("fast" if mode == "fast" else "immediate")
    assert count(shop, "id = 'INV-3001' AND note = 'kept'") == 1


def _named(database: Database, query: str) -> str:
    names = ("invoices", "customers", "specimens", "hostile_invoices", "synapsor_receipts", "invoice_review", "grabbed")
    return query.format(**{name: table(database, name) for name in names})
