"""In production a worker does not start with a credential that can do more than it should, on real servers; elsewhere that is told."""

import logging
from pathlib import Path

import pytest

from synapsor.errors import UnsafeSource
from tests.attack.shop import Shop, meanwhile, open_shop
from tests.databases import Database

WHO = {"postgres": "synapsor_writer", "mariadb": "synapsor_writer@'127.0.0.1'"}
ALLOW = "    allow: [writer_writes_more]\n"
"""What the projects of the tests have, for the sake of the test tables."""

ALWAYS: dict[str, list[tuple[str, str, str]]] = {
    "postgres": [
        ("ALTER ROLE {who} SUPERUSER", "ALTER ROLE {who} NOSUPERUSER", "writer_superuser"),
        ("ALTER ROLE {who} BYPASSRLS", "ALTER ROLE {who} NOBYPASSRLS", "writer_bypasses_row_security"),
        ("ALTER ROLE {who} REPLICATION", "ALTER ROLE {who} NOREPLICATION", "writer_replicates"),
        ("ALTER ROLE {who} CREATEROLE", "ALTER ROLE {who} NOCREATEROLE", "writer_creates_roles"),
        ("GRANT pg_write_server_files TO {who}", "REVOKE pg_write_server_files FROM {who}", "writer_becomes_stronger"),
    ],
    "mariadb": [
        ("GRANT SUPER ON *.* TO {who}", "REVOKE SUPER ON *.* FROM {who}", "writer_superuser"),
        ("GRANT FILE ON *.* TO {who}", "REVOKE FILE ON *.* FROM {who}", "writer_superuser"),
        ("GRANT REPLICATION SLAVE ON *.* TO {who}", "REVOKE REPLICATION SLAVE ON *.* FROM {who}", "writer_replicates"),
        ("GRANT CREATE USER ON *.* TO {who}", "REVOKE CREATE USER ON *.* FROM {who}", "writer_creates_roles"),
        ("GRANT ALL ON billing.* TO {who}", "REVOKE ALL ON billing.* FROM {who}", "writer_superuser"),
    ],
}
"""What is refused whatever the profile."""

MORE: dict[str, list[tuple[str, str, str]]] = {
    "postgres": [
        (
            "ALTER TABLE billing.customers OWNER TO {who}",
            "ALTER TABLE billing.customers OWNER TO postgres",
            "writer_owns",
        ),
        (
            "GRANT CREATE ON SCHEMA billing TO {who}",
            "REVOKE CREATE ON SCHEMA billing FROM {who}",
            "writer_can_create",
        ),
        ("GRANT CREATE ON SCHEMA public TO PUBLIC", "REVOKE CREATE ON SCHEMA public FROM PUBLIC", "writer_can_create"),
        ("GRANT TRUNCATE ON {invoices} TO {who}", "REVOKE TRUNCATE ON {invoices} FROM {who}", "writer_can_alter"),
        (
            "GRANT UPDATE ON {synapsor_receipts} TO {who}",
            "REVOKE UPDATE ON {synapsor_receipts} FROM {who}",
            "receipts_can_change",
        ),
        (
            "GRANT DELETE ON {synapsor_receipts} TO {who}",
            "REVOKE DELETE ON {synapsor_receipts} FROM {who}",
            "receipts_can_change",
        ),
    ],
    "mariadb": [
        ("GRANT CREATE ON billing.* TO {who}", "REVOKE CREATE ON billing.* FROM {who}", "writer_can_create"),
        ("GRANT CREATE VIEW ON billing.* TO {who}", "REVOKE CREATE VIEW ON billing.* FROM {who}", "writer_can_create"),
        ("GRANT ALTER ON {invoices} TO {who}", "REVOKE ALTER ON {invoices} FROM {who}", "writer_can_alter"),
        ("GRANT TRIGGER ON {invoices} TO {who}", "REVOKE TRIGGER ON {invoices} FROM {who}", "writer_can_alter"),
        (
            "GRANT DELETE ON {synapsor_receipts} TO {who}",
            "REVOKE DELETE ON {synapsor_receipts} FROM {who}",
            "receipts_can_change",
        ),
    ],
}
"""What is refused in production."""


def told(shop: Shop, text: str) -> str:
    """Return a statement about the writer."""
    return text.replace("{who}", WHO[shop.database.engine])


async def refused(shop: Shop) -> set[str]:
    """Return the rules with which no worker starts now."""
    try:
        await shop.worker()
    except UnsafeSource as unsafe:
        return {line.partition(":")[0] for line in unsafe.message.splitlines()}
    return set()


@pytest.mark.requirement("posture:production")
@pytest.mark.parametrize("engine", ["postgres", "mariadb"])
@pytest.mark.parametrize("profile", ["production", "development"])
async def test_a_worker_does_not_start_in_production_where_its_credential_could_do_more(
    engine: str, profile: str, request: pytest.FixtureRequest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database: Database = request.getfixturevalue(f"{engine}_db")
    config = {"profile: production": f"profile: {profile}"}
    async with open_shop(tmp_path / "project", database, config=config) as shop:
        assert await refused(shop) == set()
        for do, undo, rule in ALWAYS[engine] if profile == "production" else ():
            with meanwhile(shop, told(shop, do), told(shop, undo)):
                assert (do, rule in await refused(shop)) == (do, True)
        for do, undo, rule in MORE[engine]:
            caplog.clear()
            with caplog.at_level(logging.WARNING, "synapsor"), meanwhile(shop, told(shop, do), told(shop, undo)):
                assert (do, await refused(shop)) == (do, {rule} if profile == "production" else set())
            assert profile == "production" or rule in caplog.text


@pytest.mark.requirement("posture:production")
@pytest.mark.parametrize("engine", ["postgres", "mariadb"])
async def test_another_table_may_be_changed_in_production_only_where_the_project_allows_it_by_name(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database: Database = request.getfixturevalue(f"{engine}_db")
    async with open_shop(tmp_path / "one", database, config={ALLOW: ""}) as shop:
        assert await refused(shop) == {"writer_writes_more"}
    async with open_shop(tmp_path / "two", database) as shop:
        for _ in range(2):  # it is told at every start
            caplog.clear()
            with caplog.at_level(logging.WARNING, "synapsor"):
                assert await refused(shop) == set()
            assert "writer_writes_more: shop: The writer can do more" in caplog.text
            assert "It is allowed: `allow` of the source names it." in caplog.text
