"""Postgres' own row security of related tables: told for whatever reads them, of a table that has none itself as of one that has."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from synapsor.config import load_config
from synapsor.errors import UnsafeSource
from synapsor.runtime import open_project
from tests.attack.shop import Shop, open_shop
from tests.attack.test_row_security import DROP, MAKE, orders
from tests.databases import Database, execute
from tests.projects import activate_all, write_project

POLICY = """\
synapsor: 1
contract: parcels
contexts:
  support: {tenant: session.tenant_id, principal: session.user}
tables:
  orders:
    source: shop
    relation: billing.orders
    key: id
    tenant: tenant_id
    only: {kind: {not: paid}}
    row_security: {tenant: app.tenant_id, principal: app.user}
    columns: {id: text, tenant_id: text, note: text, kind: text}
  parcels:
    source: shop
    relation: billing.parcels
    key: id
    tenant: tenant_id
    version: version
    links: {order: {to: orders, on: {order_id: id}}}
    columns: {id: text, tenant_id: text, order_id: text, state: text, version: integer}
capabilities:
  parcels.inspect:
    description: Look at one parcel and its order.
    read: parcels
    arguments: {parcel: {type: string, max_length: 64}}
    where: {id: $parcel}
    returns: [id, order.note]
  parcels.list:
    description: The parcels with their orders.
    read: parcels
    order: [id]
    returns: [id, order.note]
  parcels.by_note:
    description: How many parcels there are of each order's note.
    aggregate: parcels
    group: {note: order.note}
    measures: {parcels: count}
    minimum_group: 1
  parcels.send:
    description: Ask for one parcel to be sent.
    propose: update parcels
    arguments: {parcel: {type: string, max_length: 64}}
    where: {id: $parcel}
    set: {state: sent}
    unchanged: [order.note]
    returns: [id, state]
    approval: {role: billing_lead}
"""
_PARCELS = """
ALTER TABLE billing.orders ADD kind billing.invoice_status NOT NULL DEFAULT 'open';
CREATE TABLE billing.parcels (id text PRIMARY KEY, tenant_id text NOT NULL, order_id text REFERENCES billing.orders, state text,
  version bigint NOT NULL DEFAULT 1, updated_at timestamptz);
INSERT INTO billing.parcels (id, tenant_id, order_id) VALUES
  ('P-1', 'acme', 'O-1'), ('P-2', 'acme', 'O-2'), ('P-3', 'acme', 'O-8'), ('P-4', 'acme', NULL);
CREATE TRIGGER parcels_version BEFORE UPDATE ON billing.parcels FOR EACH ROW EXECUTE FUNCTION billing.bump_version();
GRANT SELECT ON billing.parcels TO synapsor_reader, synapsor_writer;
GRANT UPDATE (state) ON billing.parcels TO synapsor_writer;
GRANT SELECT (kind) ON billing.orders TO synapsor_reader, synapsor_writer;
"""
_GONE = "DROP TABLE IF EXISTS billing.parcels;"


@pytest_asyncio.fixture
async def parcels(tmp_path: Path, postgres_db: Database) -> AsyncIterator[Shop]:
    execute(postgres_db, _GONE)
    with orders(postgres_db, _PARCELS):
        async with open_shop(tmp_path / "project", postgres_db, policy=POLICY) as shop:
            yield shop
        execute(postgres_db, _GONE)


@pytest.mark.requirement("row-security:told")
async def test_the_policies_of_a_joined_table_are_told_who_asks(parcels: Shop) -> None:
    answer = await parcels.call("parcels.inspect", {"parcel": "P-1"})
    assert answer["data"]["row"] == {"id": "P-1", "order": {"note": "mine"}}
    rows = (await parcels.call("parcels.list"))["data"]["rows"]
    assert [row["order"] for row in rows] == [{"note": "mine"}, None, None, None]
    groups = (await parcels.call("parcels.by_note"))["data"]["groups"]
    assert {group["note"]: group["parcels"] for group in groups} == {"mine": 1, None: 3}


@pytest.mark.requirement("row-security:told", "depends:held")
async def test_the_policies_of_a_related_row_are_told_when_a_change_is_asked_for_and_when_it_is_made(
    parcels: Shop,
) -> None:
    for parcel in ("P-2", "P-3", "P-4"):
        assert (await parcels.call("parcels.send", {"parcel": parcel}))["error"]["code"] == "not_found"
    await parcels.approved("parcels.send", {"parcel": "P-1"})
    assert await parcels.work() == [("applied", "")]
    parcels.change("UPDATE {parcels} SET state = NULL")
    await parcels.approved("parcels.send", {"parcel": "P-1"})
    parcels.change("UPDATE {orders} SET owner = 'somebody_else' WHERE id = 'O-1'")
    assert await parcels.work() == [("conflict", "dependency_moved")]


@pytest.mark.requirement("row-security:proven", "depends:held")
async def test_no_row_is_held_on_row_security_that_does_not_hold_for_a_lock(
    tmp_path: Path, postgres_db: Database
) -> None:
    """A lock is by the policies of an update, which are others than those of a read."""
    files = write_project(tmp_path / "project", postgres_db, policy=POLICY)
    execute(postgres_db, _GONE + DROP + MAKE + _PARCELS + "DROP POLICY changed ON billing.orders;")
    try:
        async with open_project(load_config(files.config_path)) as project:
            await activate_all(files, project)
            await project.desk()  # it only reads
            with pytest.raises(UnsafeSource) as refused:
                await project.worker()
    finally:
        execute(postgres_db, _GONE + DROP)
    assert "row_security_policy: " in str(refused.value)
    assert "UPDATE" in str(refused.value)
