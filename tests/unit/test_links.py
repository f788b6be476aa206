"""Related rows in memory: scopes that only a related table needs, keys of several columns, and what is refused at the start."""

from typing import Any

import pytest

from synapsor.core.scope import Session
from synapsor.errors import ContractError, UnsafeSource
from synapsor.testing import Trial, desk_for

SCHEMA = """
CREATE TABLE regions (id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL) STRICT;
CREATE TABLE shops (
  org INTEGER NOT NULL, region_id TEXT NOT NULL REFERENCES regions, number INTEGER NOT NULL, name TEXT, owner TEXT NOT NULL,
  PRIMARY KEY (org, region_id, number)
) STRICT;
CREATE TABLE visits (
  id INTEGER PRIMARY KEY NOT NULL, org INTEGER NOT NULL, region TEXT, shop INTEGER, day TEXT NOT NULL, note TEXT,
  FOREIGN KEY (org, region, shop) REFERENCES Shops (org, region_id, number)
) STRICT;
"""
ANNA = "00000000-0000-0000-0000-00000000000a"
SEED = f"""
INSERT INTO regions VALUES ('N', 'North'), ('S', 'South');
INSERT INTO shops VALUES (1, 'N', 1, 'One', '{ANNA}'), (1, 'N', 2, 'Two', 'someone'), (2, 'N', 1, 'CANARY', '{ANNA}'), (1, 'S', 1, NULL, '{ANNA}');
INSERT INTO visits VALUES (1, 1, 'N', 1, '2026-01-01', 'a'), (2, 1, 'N', 2, '2026-01-02', NULL), (3, 1, NULL, 1, '2026-01-03', 'c'),
  (4, 2, 'N', 1, '2026-01-01', 'CANARY'), (5, 1, 'S', 1, '2026-01-05', 'e');
"""
CONTRACT = """\
synapsor: 1
contract: visits
contexts: {staff: {tenant: session.org, principal: session.user}}
tables:
  regions:
    source: shop
    relation: crm.regions
    key: id
    tenant: {single_tenant: true, because: Regions are everybody's.}
    links:
      shops: {to: shops, on: {id: region_id}, many: true}
      own_shops: {to: own_shops, on: {id: region_id}, many: true}
    columns: {id: text, name: text}
  shops:
    source: shop
    relation: crm.shops
    key: [region_id, number]
    tenant: org
    links:
      region: {to: regions, on: {region_id: id}}
    columns: {org: integer, region_id: text, number: integer, name: text, owner: denied}
  own_shops:
    source: shop
    relation: crm.own_shops
    key: [region_id, number]
    tenant: org
    principal: owner
    only: {name: {has_value: true}}
    columns: {org: integer, region_id: text, number: integer, name: text, owner: uuid}
  visits:
    source: shop
    relation: crm.visits
    key: id
    tenant: org
    links:
      place: {to: shops, on: {region: region_id, shop: number}}
      own_shop: {to: own_shops, on: {region: region_id, shop: number}, because: The view shows every shop once.}
    columns: {id: integer, org: integer, region: text, shop: integer, day: date, note: text}
capabilities:
  crm.region:
    description: Look at one region and the shops in it.
    read: regions
    arguments: {region: {type: string, max_length: 9}}
    where: {id: $region}
    with: {shops: {returns: [number, name], order: [-number]}}
  crm.own_region:
    description: Look at one region and the shops in it that are yours.
    read: regions
    arguments: {region: {type: string, max_length: 9}}
    where: {id: $region}
    returns: [id]
    with: {own_shops: {returns: [number]}}
  crm.visit:
    description: Look at one visit of a shop.
    read: visits
    arguments: {visit: {type: integer, minimum: 1, maximum: 99}}
    where: {id: $visit}
    returns: [id, place.name, place.region.name]
  crm.own_visit:
    description: Look at one visit of a shop of yours.
    read: visits
    arguments: {visit: {type: integer, minimum: 1, maximum: 99}}
    where: {id: $visit}
    returns: [id, own_shop.name]
  crm.visits_in:
    description: The visits in one region by its name.
    read: visits
    arguments: {region: {type: string, max_length: 9}}
    where: {place.region.name: $region}
    order: [-day]
    returns: [id]
"""
VIEW = "CREATE VIEW own_shops AS SELECT org, region_id, number, name, owner FROM shops;"


def trial(contract: str = CONTRACT, *, schema: str = SCHEMA + VIEW, user: str = ANNA) -> Any:
    return desk_for(contract, schema=schema, seed=SEED, session={"org": 1, "user": user})


async def seen(opened: Trial, capability: str, **arguments: Any) -> Any:
    answer = await opened.call(capability, **arguments)
    return answer["data"] or answer["error"]["code"]


@pytest.mark.requirement("link:tenant")
async def test_a_table_without_a_tenant_brings_only_the_tenant_s_own_rows_along() -> None:
    async with trial() as opened:
        answer = await opened.call("crm.region", region="N")
        shops = [{"number": 2, "name": "Two"}, {"number": 1, "name": "One"}]
        assert answer["data"]["row"] == {
            "id": "N",
            "name": "North",
            "shops": {"rows": shops, "count": 2, "truncated": False, "cut_by": None},
        }
        evidence = await opened.ledger.evidence(answer["evidence"]["id"])
        assert evidence is not None
        assert evidence["tenant"] == "1"  # so that nobody else looks it up
        opened.session = Session(values={"user": ANNA}, client="trial")
        assert await seen(opened, "crm.region", region="N") == "scope_unavailable"
        opened.session = Session(values={"org": "1", "user": ANNA}, client="trial")
        assert await seen(opened, "crm.region", region="N") == "scope_unavailable"


@pytest.mark.requirement("link:one-row")
async def test_a_link_of_several_columns_needs_all_of_them() -> None:
    async with trial() as opened:
        assert await seen(opened, "crm.visit", visit=1) == {
            "row": {"id": 1, "place": {"name": "One", "region": {"name": "North"}}}
        }
        assert await seen(opened, "crm.visit", visit=3) == {"row": {"id": 3, "place": None}}
        assert await seen(opened, "crm.visit", visit=4) == "not_found"
        # A related row whose columns are all empty is there all the same.
        assert await seen(opened, "crm.visit", visit=5) == {
            "row": {"id": 5, "place": {"name": None, "region": {"name": "South"}}}
        }
        told = await seen(opened, "crm.visits_in", region="North")
        assert [row["id"] for row in told["rows"]] == [2, 1]
    part = CONTRACT.replace(
        "place: {to: shops, on: {region: region_id, shop: number}}", "place: {to: shops, on: {shop: number}}"
    )
    with pytest.raises(UnsafeSource) as refused:
        await _opened(part)
    assert "link_not_unique" in str(refused.value)
    assert "link_not_proven" in str(refused.value)


@pytest.mark.requirement("link:person")
async def test_a_principal_that_only_a_related_table_needs_is_of_its_type_or_the_call_is_refused() -> None:
    async with trial() as opened:
        assert await seen(opened, "crm.own_visit", visit=1) == {"row": {"id": 1, "own_shop": {"name": "One"}}}
        assert await seen(opened, "crm.own_visit", visit=2) == {"row": {"id": 2, "own_shop": None}}
        # The shop of the last one is hers, and left out by what its table holds only.
        assert await seen(opened, "crm.own_visit", visit=5) == {"row": {"id": 5, "own_shop": None}}
        for region, numbers in (("N", [1]), ("S", [])):
            row = (await seen(opened, "crm.own_region", region=region))["row"]
            assert [shop["number"] for shop in row["own_shops"]["rows"]] == numbers
        opened.session = Session(values={"org": 1, "user": "anna"}, client="trial")
        assert await seen(opened, "crm.own_visit", visit=1) == "scope_unavailable"
        assert await seen(opened, "crm.own_region", region="N") == "scope_unavailable"
        assert (await seen(opened, "crm.visit", visit=1))["row"]["place"]["name"] == "One"


@pytest.mark.requirement("link:person")
async def test_a_dollar_sign_in_what_a_related_table_holds_only_is_a_dollar_sign() -> None:
    async with trial(CONTRACT.replace("{name: {has_value: true}}", "{name: $$One}")) as opened:
        assert await seen(opened, "crm.own_visit", visit=1) == {"row": {"id": 1, "own_shop": None}}
        opened.database.run("UPDATE shops SET name = '$One' WHERE name = 'One'")
        assert await seen(opened, "crm.own_visit", visit=1) == {"row": {"id": 1, "own_shop": {"name": "$One"}}}


@pytest.mark.requirement("link:proven")
async def test_without_its_reason_a_link_to_a_view_is_a_finding() -> None:
    with pytest.raises(UnsafeSource) as refused:
        await _opened(CONTRACT.replace(", because: The view shows every shop once.", ""))
    assert "link_not_unique" in str(refused.value)
    with pytest.raises(ContractError):
        await _opened(CONTRACT.replace("to: own_shops", "to: nowhere"))


async def _opened(contract: str) -> None:
    async with trial(contract):
        pass
