"""Postgres' own row security under a read and an apply: what its policies are told, for how long, and what is proven before a start."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from synapsor.cli.main import main
from synapsor.config import load_config
from synapsor.core.scope import Session
from synapsor.errors import ConfigError, Failure, SourceFailure, UnsafeSource
from synapsor.examine import examine
from synapsor.runtime import open_project
from synapsor.sources.postgres import PostgresReadSource
from synapsor.sql.settings import tell
from synapsor.sql.statement import Statement
from synapsor.wiring import open_writer
from tests.attack.shop import Shop, open_shop
from tests.databases import Database, execute
from tests.projects import ACME, GLOBEX, activate_all, write_project
from tests.sources import eventually

POLICY = """\
synapsor: 1
contract: orders
contexts:
  support: {tenant: session.tenant_id, principal: session.user}
tables:
  orders:
    source: shop
    relation: billing.orders
    key: id
    tenant: tenant_id
    version: version
    moves: [updated_at]
    row_security: {tenant: app.tenant_id, principal: app.user}
    columns: {id: text, tenant_id: text, note: text, version: integer, updated_at: timestamptz}
  invoices:
    source: shop
    relation: billing.invoice_review
    key: id
    tenant: tenant_id
    columns: {id: text, tenant_id: text, customer: text}
capabilities:
  orders.inspect:
    description: Look at one order of this shop.
    read: orders
    arguments: {order_id: {type: string, max_length: 64}}
    where: {id: $order_id}
  orders.list:
    description: List the orders of this shop.
    read: orders
    order: [id]
  orders.other:
    description: Look at one invoice, which relies on no policy.
    read: invoices
    arguments: {invoice_id: {type: string, max_length: 64}}
    where: {id: $invoice_id}
  orders.propose_note:
    description: Ask for the note of one order to be replaced.
    propose: update orders
    arguments: {order_id: {type: string, max_length: 64}, words: {type: string, max_length: 60}}
    where: {id: $order_id}
    set: {note: $words}
    returns: [id, note]
    approval: {role: billing_lead}
"""
_OURS = "tenant_id = current_setting('app.tenant_id', true) AND owner = current_setting('app.user', true)"
MAKE = f"""\
CREATE TABLE billing.orders (
  id text PRIMARY KEY, tenant_id text NOT NULL, owner text NOT NULL, note text,
  version bigint NOT NULL DEFAULT 1, updated_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TRIGGER orders_version BEFORE UPDATE ON billing.orders FOR EACH ROW EXECUTE FUNCTION billing.bump_version();
INSERT INTO billing.orders (id, tenant_id, owner, note) VALUES
  ('O-1', 'acme', 'support_agent_17', 'mine'), ('O-2', 'acme', 'somebody_else', 'CANARY-theirs'),
  ('O-9', 'globex', 'support_agent_99', 'CANARY-globex'), ('O-8', 'globex', 'support_agent_17', 'CANARY-globex');
ALTER TABLE billing.orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE billing.orders FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON billing.orders FOR SELECT USING ({_OURS});
CREATE POLICY changed ON billing.orders FOR UPDATE USING ({_OURS});
GRANT SELECT (id, tenant_id, note, version, updated_at) ON billing.orders TO synapsor_reader, synapsor_writer;
GRANT UPDATE (note) ON billing.orders TO synapsor_writer;
"""
DROP = "DROP TABLE IF EXISTS billing.orders CASCADE;"
NOTE = "orders.propose_note"
ONE_SESSION = {"    receipts:": "    pool: {size: 1}\n    receipts:"}


@contextmanager
def orders(database: Database, then: str = "") -> Iterator[None]:
    execute(database, DROP + MAKE + then)
    try:
        yield
    finally:
        execute(database, DROP)


@asynccontextmanager
async def served(root: Path, database: Database) -> AsyncIterator[Shop]:
    with orders(database):
        async with open_shop(root, database, policy=POLICY, config=ONE_SESSION) as shop:
            yield shop


@pytest.mark.requirement("row-security:told")
async def test_a_read_and_an_apply_see_what_the_filter_and_the_policies_both_let_through(
    tmp_path: Path, postgres_db: Database
) -> None:
    async with served(tmp_path / "project", postgres_db) as shop:
        listed = await shop.call("orders.list")
        assert [row["id"] for row in listed["data"]["rows"]] == ["O-1"]
        assert [row["id"] for row in (await shop.call("orders.list", session=GLOBEX))["data"]["rows"]] == ["O-9"]
        for name, more in (("orders.inspect", {}), (NOTE, {"words": "x"})):
            for order in ("O-2", "O-9", "O-8"):
                answer = await shop.call(name, {"order_id": order, **more})
                assert answer["error"]["code"] == "not_found"
        approved = await shop.approved(NOTE, {"order_id": "O-1", "words": "new"})
        assert await shop.work() == [("applied", "")]
        assert await shop.status(approved) == "applied"
        assert shop.rows("SELECT note FROM {orders} WHERE id = 'O-1'") == [("new",)]


@pytest.mark.requirement("row-security:told")
async def test_a_row_that_the_policies_take_away_after_the_proposal_is_not_changed(
    tmp_path: Path, postgres_db: Database
) -> None:
    async with served(tmp_path / "project", postgres_db) as shop:
        await shop.approved(NOTE, {"order_id": "O-1", "words": "new"})
        shop.change("UPDATE {orders} SET owner = 'somebody_else' WHERE id = 'O-1'")
        assert await shop.work() == [("conflict", "row_gone")]
        assert shop.rows("SELECT note FROM {orders} WHERE id = 'O-1'") == [("mine",)]


_LEFT = Statement(
    text="SELECT coalesce(current_setting('app.tenant_id', true), '') || coalesce(current_setting('app.user', true), '')",
    params=(),
)
_SEEN = Statement(text="SELECT count(*)::text FROM billing.orders", params=())


async def left(shop: Shop) -> tuple[str, str]:
    """Return what the next borrower of the one session finds of the settings, and how many rows it would see."""
    reader = shop.project.reader("shop")
    return (await reader.fetch(_LEFT, time_ms=2000))[0][0], (await reader.fetch(_SEEN, time_ms=2000))[0][0]


@pytest.mark.requirement("row-security:no-bleed")
async def test_a_setting_is_gone_for_the_next_borrower_after_a_call_an_error_and_a_cancel(
    tmp_path: Path, postgres_db: Database
) -> None:
    async with served(tmp_path / "project", postgres_db) as shop:
        reader = cast("PostgresReadSource", shop.project.reader("shop"))
        told = tell((("app.tenant_id", "acme"), ("app.user", "support_agent_17")))

        async def asked(text: str) -> Any:
            return await reader.fetch(Statement(text=text, params=(), told=told), time_ms=5000)

        assert (await asked("SELECT count(*)::text FROM billing.orders"))[0][0] == "1"
        assert await left(shop) == ("", "0")
        with pytest.raises(SourceFailure):
            await asked("SELECT 1 / 0 FROM billing.orders")
        assert await left(shop) == ("", "0")
        sleeping = asyncio.get_running_loop().create_task(asked("SELECT pg_sleep(30) FROM billing.orders"))

        async def runs() -> bool:
            return bool(
                shop.rows("SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%(30) FROM b%'")
            )

        await eventually(runs)
        sleeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sleeping
        assert await left(shop) == ("", "0")
        assert (await shop.call("orders.list"))["ok"]
        assert (await shop.call("orders.other", {"invoice_id": "INV-3001"}))["ok"]
        assert await left(shop) == ("", "0")


@pytest.mark.requirement("row-security:told")
async def test_a_value_of_the_session_is_bound_and_never_part_of_a_text(tmp_path: Path, postgres_db: Database) -> None:
    odd = "x', true), set_config('app.tenant_id', 'acme', true); --"
    async with served(tmp_path / "project", postgres_db) as shop:
        session = Session(values={"tenant_id": odd, "user": "support_agent_17"}, client="test")
        answer = await shop.call("orders.list", session=session)
        assert answer["data"]["rows"] == []
        statement = tell((("app.tenant_id", odd),))
        assert statement is not None
        assert (odd in statement.text, statement.params) == (False, ("app.tenant_id", odd))


def test_a_call_that_relies_on_no_policy_asks_nothing_more() -> None:
    assert tell(()) is None


@pytest.mark.requirement("row-security:told")
async def test_the_tenant_is_filtered_whatever_the_policies_let_through(tmp_path: Path, postgres_db: Database) -> None:
    open_to_all = "current_setting('app.tenant_id', true) <> '' AND current_setting('app.user', true) <> ''"
    async with served(tmp_path / "project", postgres_db) as shop:
        shop.change(f"ALTER POLICY seen ON {{orders}} USING ({open_to_all})")
        listed = await shop.call("orders.list")
        assert [row["id"] for row in listed["data"]["rows"]] == ["O-1", "O-2"]


UNPROVEN = {
    "row_security_off": "ALTER TABLE billing.orders DISABLE ROW LEVEL SECURITY;",
    "row_security_not_forced": "ALTER TABLE billing.orders NO FORCE ROW LEVEL SECURITY;",
    "row_security_policy removed": "DROP POLICY seen ON billing.orders;",
    "row_security_policy of one setting": (
        "DROP POLICY seen ON billing.orders;"
        "CREATE POLICY seen ON billing.orders FOR SELECT USING (tenant_id = current_setting('app.tenant_id', true));"
    ),
    "row_security_policy beside one that lets all through": (
        "CREATE POLICY every ON billing.orders FOR SELECT USING (true);"
    ),
    "row_security_policy for another role": "ALTER POLICY seen ON billing.orders TO synapsor_writer;",
    "row_security_policy of a setting in a comment": (
        "DROP POLICY seen ON billing.orders;"
        "CREATE POLICY seen ON billing.orders FOR SELECT USING (note <> 'app.tenant_id' OR note <> 'app.user');"
    ),
    "reader_owns": "ALTER TABLE billing.orders OWNER TO synapsor_reader;",
    "reader_bypasses_row_security": "ALTER ROLE synapsor_reader BYPASSRLS;",
}
UNPROVEN_FOR_WRITER = {
    "row_security_policy removed": "DROP POLICY changed ON billing.orders;",
    "row_security_policy without a check": (
        "DROP POLICY changed ON billing.orders;"
        f"CREATE POLICY changed ON billing.orders FOR UPDATE USING ({_OURS}) WITH CHECK (true);"
    ),
    "row_security_owned": "ALTER TABLE billing.orders OWNER TO synapsor_writer;",
    "writer_bypasses_row_security": "ALTER ROLE synapsor_writer BYPASSRLS;",
}
MEND = "ALTER ROLE synapsor_reader NOBYPASSRLS; ALTER ROLE synapsor_writer NOBYPASSRLS;"


@pytest.mark.requirement("row-security:proven")
@pytest.mark.parametrize("case", sorted(UNPROVEN))
async def test_nothing_is_served_on_row_security_that_does_not_hold(
    tmp_path: Path, postgres_db: Database, case: str
) -> None:
    files = write_project(tmp_path / "project", postgres_db, policy=POLICY)
    with orders(postgres_db):
        try:
            execute(postgres_db, UNPROVEN[case])
            async with open_project(load_config(files.config_path)) as project:
                await activate_all(files, project)
                found = {finding.rule for finding in await examine(project) if finding.fatal}
                with pytest.raises(UnsafeSource) as refused:
                    await project.desk()
        finally:
            execute(postgres_db, MEND)
    assert case.partition(" ")[0] in found
    assert f"{case.partition(' ')[0]}: " in str(refused.value)


@pytest.mark.requirement("row-security:proven")
@pytest.mark.parametrize("case", sorted(UNPROVEN_FOR_WRITER))
async def test_nothing_is_applied_on_row_security_that_does_not_hold(
    tmp_path: Path, postgres_db: Database, case: str
) -> None:
    files = write_project(tmp_path / "project", postgres_db, policy=POLICY)
    with orders(postgres_db):
        try:
            execute(postgres_db, UNPROVEN_FOR_WRITER[case])
            async with open_project(load_config(files.config_path)) as project:
                await activate_all(files, project)
                with pytest.raises(UnsafeSource) as refused:
                    await project.worker()
        finally:
            execute(postgres_db, MEND)
    assert f"{case.partition(' ')[0]}: " in str(refused.value)


@pytest.mark.requirement("row-security:proven")
async def test_one_restrictive_policy_is_proof_enough(tmp_path: Path, postgres_db: Database) -> None:
    files = write_project(tmp_path / "project", postgres_db, policy=POLICY)
    more = (
        "CREATE POLICY every ON billing.orders USING (true);"
        f"CREATE POLICY never_without ON billing.orders AS RESTRICTIVE USING ({_OURS});"
    )
    with orders(postgres_db, more):
        async with open_project(load_config(files.config_path)) as project:
            await activate_all(files, project)
            desk = await project.desk()
            answer = await desk.call("orders.list", {}, ACME)
            assert [row["id"] for row in answer["data"]["rows"]] == ["O-1"]
            assert not [f for f in await examine(project) if f.fatal]


VIEWS = {
    "row_security_view": "WITH (security_barrier)",
    "row_security_view of an inner one": "WITH (security_barrier, security_invoker)",
    "": "WITH (security_barrier, security_invoker)",
}


@pytest.mark.requirement("row-security:proven")
@pytest.mark.parametrize("case", sorted(VIEWS))
async def test_a_view_must_read_with_the_rights_of_who_asks_all_the_way(
    tmp_path: Path, postgres_db: Database, case: str
) -> None:
    policy = POLICY.replace("billing.orders\n", "billing.order_view\n    write_to: billing.orders\n")
    files = write_project(tmp_path / "project", postgres_db, policy=policy)
    inner = "billing.orders"
    views = ""
    if "inner" in case:
        inner = "billing.inner_view"
        views = "CREATE VIEW billing.inner_view AS SELECT * FROM billing.orders; GRANT SELECT ON billing.inner_view TO synapsor_reader;"
    columns = "id, tenant_id, note, version, updated_at"
    views += f"CREATE VIEW billing.order_view {VIEWS[case]} AS SELECT {columns} FROM {inner};"
    views += "GRANT SELECT ON billing.order_view TO synapsor_reader; GRANT SELECT (owner) ON billing.orders TO synapsor_reader;"
    with orders(postgres_db, views):
        async with open_project(load_config(files.config_path)) as project:
            await activate_all(files, project)
            if not case:
                answer = await (await project.desk()).call("orders.list", {}, ACME)
                assert [row["id"] for row in answer["data"]["rows"]] == ["O-1"]
                return
            with pytest.raises(UnsafeSource) as refused:
                await project.desk()
    assert "row_security_view: " in str(refused.value)


@pytest.mark.requirement("row-security:told")
async def test_a_statement_of_the_worker_is_told_for_as_well(postgres_db: Database, tmp_path: Path) -> None:
    files = write_project(tmp_path / "project", postgres_db)
    writer = open_writer("shop", files.config.sources["shop"])
    try:
        async with writer.transaction(time_ms=5000) as transaction:
            text = "SELECT current_setting('app.user', true)"
            told = Statement(text=text, params=(), told=tell((("app.user", "rita"),)))
            assert [tuple(row) for row in await transaction.fetch(told)] == [("rita",)]
    finally:
        await writer.aclose()


@pytest.mark.requirement("row-security:proven")
@pytest.mark.parametrize("engine", ["mariadb", "sqlite"])
async def test_an_engine_without_row_security_is_refused_before_anything_is_asked_of_it(
    tmp_path: Path, request: pytest.FixtureRequest, engine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    database: Database = request.getfixturevalue(f"{engine}_db")
    files = write_project(tmp_path / "project", database, policy=POLICY)
    async with open_project(load_config(files.config_path)) as project:
        with pytest.raises(ConfigError, match="row security"):
            project.contracts()
        reader = project.reader("shop")
        told = Statement(text="SELECT 1", params=(), told=tell((("app.user", "x"),)))
        with pytest.raises(SourceFailure) as failed:
            await reader.fetch(told, time_ms=1000)
        assert (failed.value.kind, failed.value.state) == (Failure.OTHER, "no_row_security")
        writer = open_writer("shop", project.config.sources["shop"])
        try:
            async with writer.transaction(time_ms=1000) as transaction:
                with pytest.raises(SourceFailure, match="no_row_security"):
                    await transaction.fetch(told)
        finally:
            await writer.aclose()
    assert await asyncio.to_thread(main, ["--config", str(files.config_path), "check"]) == 2
    assert "relies on row security" in capsys.readouterr().err
