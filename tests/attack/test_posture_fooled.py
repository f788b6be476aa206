"""What looks harmless in the grants of a writer and is not: what an owner may give itself, and what leads to the receipts on another way."""

import logging
from pathlib import Path

import pytest

from tests.attack.shop import meanwhile, open_shop
from tests.attack.test_production import refused, told
from tests.databases import Database

VIEW = "CREATE VIEW billing.kept AS SELECT * FROM {synapsor_receipts}"
RULE = "CREATE RULE away AS ON UPDATE TO billing.customers DO ALSO DELETE FROM {synapsor_receipts}"
OWNS = [
    (
        "ALTER SCHEMA billing OWNER TO {who}; REVOKE CREATE ON SCHEMA billing FROM {who};",
        "ALTER SCHEMA billing OWNER TO postgres; GRANT USAGE ON SCHEMA billing TO {who}",
    ),
    ("ALTER ROLE {who} CREATEDB", "ALTER ROLE {who} NOCREATEDB"),
]
PARENT = "ALTER TABLE {synapsor_receipts} ADD CONSTRAINT led FOREIGN KEY (tenant) REFERENCES billing.led ON DELETE CASCADE NOT VALID"
LEADS = [
    (
        "CREATE TABLE billing.older () INHERITS ({synapsor_receipts}); GRANT DELETE ON billing.older TO {who}",
        "DROP TABLE billing.older",
    ),
    (
        f"CREATE TABLE billing.led (id text PRIMARY KEY); {PARENT}; GRANT DELETE ON billing.led TO {{who}}",
        "ALTER TABLE {synapsor_receipts} DROP CONSTRAINT led; DROP TABLE billing.led",
    ),
    (
        f"{VIEW}; GRANT DELETE ON billing.kept TO {{who}}",
        "DROP VIEW billing.kept",
    ),
    (
        f"{VIEW}; CREATE VIEW billing.above AS SELECT * FROM billing.kept; GRANT UPDATE (outcome) ON billing.above TO {{who}}",
        "DROP VIEW billing.above; DROP VIEW billing.kept",
    ),
    (
        f"{RULE}; GRANT UPDATE ON billing.customers TO {{who}}",
        "DROP RULE away ON billing.customers; REVOKE UPDATE ON billing.customers FROM {who}",
    ),
]


@pytest.mark.requirement("posture:production", "posture:fooled")
async def test_who_owns_a_place_or_has_a_way_to_the_receipts_applies_nothing_in_production(
    postgres_db: Database, tmp_path: Path
) -> None:
    async with open_shop(tmp_path / "project", postgres_db) as shop:
        assert await refused(shop) == set()
        for rule, cases in (("writer_can_create", OWNS), ("receipts_can_change", LEADS)):
            for do, undo in cases:
                with meanwhile(shop, told(shop, do), told(shop, undo)):
                    assert (do, await refused(shop)) == (do, {rule})
        with meanwhile(shop, told(shop, f"{VIEW}; GRANT SELECT ON billing.kept TO {{who}}"), "DROP VIEW billing.kept"):
            assert await refused(shop) == set()
        assert await refused(shop) == set()


ABOVE = "CREATE VIEW billing.above AS SELECT * FROM billing.kept"
UNVIEW = "DROP VIEW billing.above; DROP VIEW billing.kept"
SEEN = "SELECT, SHOW VIEW, UPDATE (outcome)"
POWERS = {
    "postgres": [
        (
            "GRANT SET ON PARAMETER session_replication_role TO {who}",
            "REVOKE SET ON PARAMETER session_replication_role FROM {who}",
            "writer_superuser",
        ),
        ("GRANT pg_signal_backend TO {who}", "REVOKE pg_signal_backend FROM {who}", "writer_superuser"),
        (
            "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO {who}",
            "REVOKE EXECUTE ON FUNCTION pg_read_file(text) FROM {who}",
            "writer_superuser",
        ),
        (
            "GRANT EXECUTE ON FUNCTION pg_ls_dir(text) TO PUBLIC",
            "REVOKE EXECUTE ON FUNCTION pg_ls_dir(text) FROM PUBLIC",
            "writer_superuser",
        ),
        (
            "GRANT UPDATE (note) ON {invoices} TO {who} WITH GRANT OPTION",
            "REVOKE GRANT OPTION FOR UPDATE (note) ON {invoices} FROM {who}",
            "writer_superuser",
        ),
        ("GRANT REFERENCES ON {invoices} TO {who}", "REVOKE REFERENCES ON {invoices} FROM {who}", "writer_can_alter"),
        (
            "GRANT REFERENCES ON {synapsor_receipts} TO {who}",
            "REVOKE REFERENCES ON {synapsor_receipts} FROM {who}",
            "receipts_can_change",
        ),
        (
            "ALTER FUNCTION billing.bump_version() OWNER TO {who}",
            "ALTER FUNCTION billing.bump_version() OWNER TO postgres",
            "writer_owns",
        ),
        (
            "CREATE EXTENSION file_fdw; GRANT USAGE ON FOREIGN DATA WRAPPER file_fdw TO {who}",
            "DROP EXTENSION file_fdw",
            "writer_can_create",
        ),
    ],
    "mariadb": [
        ("GRANT BINLOG REPLAY ON *.* TO {who}", "REVOKE BINLOG REPLAY ON *.* FROM {who}", "writer_superuser"),
        ("GRANT CONNECTION ADMIN ON *.* TO {who}", "REVOKE CONNECTION ADMIN ON *.* FROM {who}", "writer_superuser"),
        (
            "CREATE ROLE asleep; GRANT UPDATE ON {synapsor_receipts} TO asleep; GRANT asleep TO {who}",
            "DROP ROLE asleep",
            "writer_becomes_stronger",
        ),
        (
            f"{VIEW}; GRANT DELETE ON billing.kept TO {{who}}",
            "DROP VIEW billing.kept; REVOKE DELETE ON billing.kept FROM {who}",
            "receipts_can_change",
        ),
        (
            f"{VIEW}; {ABOVE}; GRANT SELECT, SHOW VIEW ON billing.kept TO {{who}}; GRANT {SEEN} ON billing.above TO {{who}}",
            f"{UNVIEW}; REVOKE SELECT, SHOW VIEW ON billing.kept FROM {{who}}; REVOKE {SEEN} ON billing.above FROM {{who}}",
            "receipts_can_change",
        ),
    ],
}
HARMLESS = {
    "postgres": ("GRANT pg_monitor TO {who}", "REVOKE pg_monitor FROM {who}"),
    "mariadb": (
        "CREATE VIEW billing.seen AS SELECT * FROM billing.customers; GRANT SELECT, SHOW VIEW, UPDATE ON billing.seen TO {who}",
        "DROP VIEW billing.seen; REVOKE SELECT, SHOW VIEW, UPDATE ON billing.seen FROM {who}",
    ),
}
"""What is told, and leads to no receipt."""


@pytest.mark.requirement("posture:production", "posture:fooled")
@pytest.mark.parametrize("engine", POWERS)
async def test_a_writer_that_reaches_past_the_rows_by_a_right_that_no_table_shows_applies_nothing_in_production(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    database: Database = request.getfixturevalue(f"{engine}_db")
    async with open_shop(tmp_path / "project", database) as shop:
        for do, undo, rule in POWERS[engine]:
            with meanwhile(shop, told(shop, do), told(shop, undo)):
                assert (do, await refused(shop)) == (do, {rule})
        with meanwhile(shop, *(told(shop, text) for text in HARMLESS[engine])):
            assert await refused(shop) == set()


WRITES = """
CREATE FUNCTION billing.removes() RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN DELETE FROM {synapsor_receipts}; RETURN 1; END $$;
REVOKE ALL ON FUNCTION billing.removes() FROM PUBLIC;
CREATE FUNCTION billing.only_reads() RETURNS int LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$ BEGIN RETURN billing.removes(); END $$;
CREATE SEQUENCE billing.numbers;
GRANT UPDATE ON SEQUENCE billing.numbers TO {who}"""
UNWRITES = "DROP FUNCTION billing.only_reads(); DROP FUNCTION billing.removes(); DROP SEQUENCE billing.numbers"


@pytest.mark.requirement("posture:fooled")
async def test_a_function_that_says_that_it_only_reads_and_a_sequence_that_can_be_set_back_are_named(
    postgres_db: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_shop(tmp_path / "project", postgres_db) as shop:
        with caplog.at_level(logging.WARNING, "synapsor"), meanwhile(shop, told(shop, WRITES), UNWRITES):
            assert await refused(shop) == set()
    assert "billing.only_reads with another's rights; that it only reads is its own word" in caplog.text
    assert "billing.numbers" in caplog.text
