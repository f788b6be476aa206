"""What looks harmless in the grants of a Postgres writer and is not: what an owner may give itself, and what leads to the receipts on another way."""

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
LEADS = [
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
