"""UUIDs that an engine keeps as text: found by value in small letters and in capitals, alike by reads, proposals and the worker."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.attack.shop import Shop, open_shop
from tests.databases import Database, Engine, execute

SMALL = "0a0e8400-e29b-41d4-a716-446655440000"
LARGE = "ab0e8400-e29b-41d4-a716-44665544000a"
LATER = "fc0e8400-e29b-41d4-a716-44665544000b"
MIXED = "2C0e8400-e29b-41d4-a716-44665544000A"
OWNER = "bd0e8400-e29b-41d4-a716-44665544000c"
POLICY = """\
synapsor: 1
contract: devices
contexts:
  support: {tenant: session.tenant_id, principal: session.user}
tables:
  devices:
    source: shop
    relation: billing.devices
    key: id
    tenant: tenant_id
    version: row_version
    links: {keeper: {to: keepers, on: {keeper_id: id}, because: The importer keeps to it.}}
    columns: {id: uuid, tenant_id: text, keeper_id: uuid, state: text, row_version: integer}
  keepers:
    source: shop
    relation: billing.keepers
    key: id
    tenant: tenant_id
    links: {devices: {to: devices, on: {id: keeper_id}, many: true}}
    columns: {id: uuid, tenant_id: text, name: text}
capabilities:
  devices.inspect:
    description: Look at one device.
    read: devices
    arguments: {device: {type: string, max_length: 36}}
    where: {id: $device}
    returns: [id, keeper_id, keeper.name, state]
  devices.list:
    description: The devices, page by page.
    read: devices
    order: [id]
    pages: true
    limits: {rows: 1}
    returns: [id]
  devices.some:
    description: Some of the devices.
    read: devices
    arguments: {these: {type: string, max_length: 36, many: 5}}
    where: {id: {one_of: $these}}
    returns: [id]
  devices.others:
    description: All devices but one.
    read: devices
    arguments: {device: {type: string, max_length: 36}}
    where: {id: {not: $device}}
    returns: [id]
  devices.by_keeper:
    description: How many devices each keeper has.
    aggregate: devices
    group: {keeper: keeper_id}
    measures: {devices: count, different: {count_distinct: keeper_id}}
    minimum_group: 1
  devices.keeper:
    description: A keeper with the devices.
    read: keepers
    arguments: {keeper: {type: string, max_length: 36}}
    where: {id: $keeper}
    with: {devices: {returns: [id]}}
    returns: [name]
  devices.start:
    description: Ask for one device to be started.
    propose: update devices
    arguments: {device: {type: string, max_length: 36}}
    where: {id: $device}
    set: {state: started}
    unchanged: [keeper.name, keeper_id]
    returns: [id, state]
    approval: {role: billing_lead}
  devices.start_all:
    description: Ask for all new devices to be started.
    propose: update devices
    where: {state: new}
    members: {at_most: 5}
    set: {state: started}
    returns: [id, state]
    approval: {role: billing_lead}
  devices.drop:
    description: Ask for one device to be removed.
    propose: delete devices
    arguments: {device: {type: string, max_length: 36}}
    where: {id: $device}
    returns: [id]
    approval: {role: billing_lead}
  devices.add:
    description: Ask for a device to be added.
    propose: insert devices
    arguments: {device: {type: string, max_length: 36}}
    set: {id: $device, state: new}
    dedup: [tenant_id, id]
    approval: {role: billing_lead}
"""
_ROWS = f"""
INSERT INTO {{p}}keepers VALUES ('{OWNER.upper()}', 'acme', 'Ada');
INSERT INTO {{p}}devices (id, tenant_id, keeper_id, state) VALUES
  ('{SMALL}', 'acme', '{OWNER.upper()}', 'new'), ('{LARGE.upper()}', 'acme', '{OWNER.upper()}', 'new'),
  ('{LATER.upper()}', 'acme', NULL, 'held'), ('{MIXED[:-1].lower()}0', 'globex', NULL, 'new');
"""
_MAKE: dict[Engine, str] = {
    "postgres": """
CREATE TABLE billing.keepers (id uuid PRIMARY KEY, tenant_id text NOT NULL, name text);
CREATE TABLE billing.devices (id uuid PRIMARY KEY, tenant_id text NOT NULL, keeper_id uuid, state text NOT NULL,
  row_version bigint NOT NULL DEFAULT 1, UNIQUE (tenant_id, id));
CREATE TRIGGER devices_version BEFORE UPDATE ON billing.devices FOR EACH ROW EXECUTE FUNCTION billing.bump_jobs();
GRANT SELECT ON billing.keepers, billing.devices TO synapsor_reader, synapsor_writer;
GRANT UPDATE (state), INSERT (id, tenant_id, state), DELETE ON billing.devices TO synapsor_writer;
GRANT UPDATE (id) ON billing.keepers TO synapsor_writer;
""",
    "mariadb": """
CREATE TABLE keepers (id char(36) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, tenant_id varchar(64) NOT NULL, name varchar(20)) ENGINE=InnoDB;
CREATE TABLE devices (id varchar(36) COLLATE utf8mb4_bin PRIMARY KEY, tenant_id varchar(64) NOT NULL,
  keeper_id char(36) CHARACTER SET ascii COLLATE ascii_bin, state varchar(20) NOT NULL, row_version bigint NOT NULL DEFAULT 1,
  UNIQUE KEY devices_own (tenant_id, id)) ENGINE=InnoDB;
CREATE TRIGGER devices_version BEFORE UPDATE ON devices FOR EACH ROW SET NEW.row_version = OLD.row_version + 1;
GRANT SELECT ON keepers TO synapsor_reader@'127.0.0.1', synapsor_writer@'127.0.0.1';
GRANT SELECT ON devices TO synapsor_reader@'127.0.0.1';
GRANT SELECT, UPDATE (state), INSERT (id, tenant_id, state), DELETE ON devices TO synapsor_writer@'127.0.0.1';
GRANT PROCESS ON *.* TO synapsor_writer@'127.0.0.1';
""",
    "sqlite": """
CREATE TABLE keepers (id TEXT PRIMARY KEY NOT NULL, tenant_id TEXT NOT NULL, name TEXT) STRICT;
CREATE TABLE devices (id TEXT PRIMARY KEY NOT NULL, tenant_id TEXT NOT NULL, keeper_id TEXT, state TEXT NOT NULL,
  row_version INTEGER NOT NULL DEFAULT 1, UNIQUE (tenant_id, id)) STRICT;
CREATE TRIGGER devices_version AFTER UPDATE ON devices WHEN NEW.row_version = OLD.row_version
BEGIN UPDATE devices SET row_version = OLD.row_version + 1 WHERE id = NEW.id; END;
""",
}
_BUMP = """
CREATE OR REPLACE FUNCTION billing.bump_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.row_version := OLD.row_version + 1; RETURN NEW; END $$;
"""


@pytest_asyncio.fixture
async def devices(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    """A project over devices, whose ids are spelled in both ways where the engine keeps the letters."""
    postgres = database.engine == "postgres"
    prefix = "billing." if postgres else ""
    drop = "".join(f"DROP TABLE IF EXISTS {prefix}{name};" for name in ("devices", "keepers"))
    execute(database, drop + (_BUMP if postgres else "") + _MAKE[database.engine] + _ROWS.format(p=prefix))
    try:
        async with open_shop(tmp_path / "project", database, policy=POLICY) as found:
            yield found
    finally:
        taken = "REVOKE PROCESS ON *.* FROM synapsor_writer@'127.0.0.1';" if database.engine == "mariadb" else ""
        execute(database, drop + taken)


async def data(devices: Shop, name: str, **arguments: Any) -> dict[str, Any]:
    answer = await devices.call(name, arguments)
    assert answer["ok"], answer["error"]
    found: dict[str, Any] = answer["data"]
    return found


def ids(found: dict[str, Any]) -> list[str]:
    return sorted(row["id"] for row in found["rows"])


@pytest.mark.requirement("read:uuids")
async def test_a_uuid_is_read_by_its_value_however_it_is_spelled(devices: Shop) -> None:
    for device, keeper in ((SMALL, {"name": "Ada"}), (LARGE, {"name": "Ada"}), (LATER, None)):
        row = (await data(devices, "devices.inspect", device=device))["row"]
        assert (row["id"], row["keeper_id"], row["keeper"]) == (device, OWNER if keeper else None, keeper)
    assert ids(await data(devices, "devices.some", these=[LARGE, SMALL])) == [SMALL, LARGE]
    assert ids(await data(devices, "devices.others", device=LARGE)) == [SMALL, LATER]
    devices.change(f"UPDATE {{devices}} SET keeper_id = '{OWNER}' WHERE id = '{SMALL}'")
    assert ids((await data(devices, "devices.keeper", keeper=OWNER))["row"]["devices"]) == [SMALL, LARGE]
    groups = (await data(devices, "devices.by_keeper"))["groups"]
    assert {(group["keeper"], group["devices"], group["different"]) for group in groups} == {
        (OWNER, 2, 1),
        (None, 1, 0),
    }


@pytest.mark.requirement("read:uuids")
async def test_pages_in_the_order_of_uuids_leave_none_out(devices: Shop) -> None:
    found: list[str] = []
    cursor = None
    while cursor is not None or not found:
        page = await data(devices, "devices.list", **({"cursor": cursor} if cursor else {}))
        found += [row["id"] for row in page["rows"]]
        cursor = page.get("next_cursor")
    assert found == [SMALL, LARGE, LATER]


@pytest.mark.requirement("read:uuids")
async def test_a_change_is_of_the_row_with_the_value_however_it_is_spelled(devices: Shop) -> None:
    await devices.approved("devices.start", {"device": LARGE})
    assert await devices.work() == [("applied", "")]
    await devices.approved("devices.start_all", {})
    assert await devices.work() == [("applied", "")]
    assert [
        state for (state,) in devices.rows("SELECT state FROM {devices} WHERE tenant_id = 'acme' ORDER BY state")
    ] == [
        "held",
        "started",
        "started",
    ]
    devices.change("UPDATE {devices} SET state = 'new' WHERE state = 'started'")
    await devices.approved("devices.start_all", {})
    assert await devices.work() == [("applied", "")]
    assert (await devices.call("devices.add", {"device": LARGE}))["error"]["code"] == "already_there"
    await devices.approved("devices.drop", {"device": LARGE})
    assert await devices.work() == [("applied", "")]
    assert ids(await data(devices, "devices.some", these=[LARGE, SMALL])) == [SMALL]


@pytest.mark.requirement("read:uuids")
async def test_a_uuid_in_letters_of_both_cases_is_none_where_their_case_counts(devices: Shop) -> None:
    """Nobody could find it by its value, so nobody is shown it."""
    if devices.database.engine == "postgres":
        pytest.skip("its UUIDs have no letters")
    devices.change(f"UPDATE {{devices}} SET id = '{MIXED}' WHERE id = '{LATER.upper()}'")
    answer = await devices.call("devices.others", {"device": SMALL})
    assert answer["error"]["code"] == "schema_drift"
    answer = await devices.call("devices.inspect", {"device": MIXED.lower()})
    assert answer["error"]["code"] == "not_found"
    await devices.approved("devices.start_all", {})
    devices.change(f"UPDATE {{devices}} SET keeper_id = '{MIXED}', row_version = 1 WHERE id = '{SMALL}'")
    assert await devices.work() == [("failed", "drift")]
