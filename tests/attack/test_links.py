"""Related rows through the real desk, on every engine: of this tenant, of this person, of one moment; all others are not there."""

import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synapsor.cli.replay import render
from synapsor.core.plan import Relation
from synapsor.core.scope import Session
from synapsor.examine import examine
from synapsor.flow.replay import replay
from synapsor.sources.mysql import MysqlReadSource, MysqlSnapshot
from synapsor.sources.postgres import PostgresReadSource, PostgresSnapshot
from synapsor.sources.sqlite import SqliteReadSource, SqliteSnapshot
from synapsor.sql.statement import RawRow, Statement
from tests.attack.shop import Shop
from tests.attack.test_canaries import CANARY, ledger_bytes
from tests.databases import Database, execute, sqlite_path
from tests.projects import ACME, GLOBEX
from tests.schemas import conforms
from tests.trade import load_trade, open_trade, policy

INSPECT = "trade.inspect_order"
READERS: dict[str, Any] = {"postgres": PostgresReadSource, "mariadb": MysqlReadSource, "sqlite": SqliteReadSource}
SNAPSHOTS: dict[str, Any] = {"postgres": PostgresSnapshot, "mariadb": MysqlSnapshot, "sqlite": SqliteSnapshot}


@pytest.fixture(scope="module")
def loaded() -> dict[str, Database]:
    """The trade on each engine, as far as a test has asked for it and none has changed it."""
    return {}


@pytest.fixture
def spoils(loaded: dict[str, Database]) -> Iterator[None]:
    """For a test that changes rows or the schema: the next one gets fresh ones."""
    yield
    loaded.clear()


@pytest.fixture(params=["postgres", "mariadb", "sqlite"])
def database(
    request: pytest.FixtureRequest, loaded: dict[str, Database], tmp_path_factory: pytest.TempPathFactory
) -> Database:
    """The trade on each engine."""
    engine = request.param
    if engine not in loaded:
        server = None if engine == "sqlite" else request.getfixturevalue(f"{engine}_server")
        loaded[engine] = load_trade(engine, server, tmp_path_factory.mktemp("trade"))
    return loaded[engine]


@pytest_asyncio.fixture
async def trade(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    async with open_trade(tmp_path / "project", database) as found:
        yield found


async def row(trade: Shop, capability: str, order: str, session: Session = ACME, **more: Any) -> dict[str, Any]:
    """Return the one row that a read answers, as its schema declares it."""
    answer = await trade.call(capability, {"order_id": order, **more}, session)
    assert answer["ok"], answer["error"]
    conforms(answer, trade.desk.tools[capability].output_schema)
    found: dict[str, Any] = answer["data"]["row"]
    return found


async def rows(trade: Shop, capability: str, **arguments: Any) -> dict[str, Any]:
    """Return the list that a read answers, as its schema declares it."""
    answer = await trade.call(capability, arguments)
    assert answer["ok"], answer["error"]
    conforms(answer, trade.desk.tools[capability].output_schema)
    found: dict[str, Any] = answer["data"]
    return found


async def code(trade: Shop, capability: str, **arguments: Any) -> str:
    """Return the code of a refusal."""
    answer = await trade.call(capability, arguments)
    assert answer["data"] is None
    return str(answer["error"]["code"])


# ---- paths ------------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("link:shape")
async def test_related_rows_are_nested_objects_and_null_where_there_is_none(trade: Shop) -> None:
    assert await row(trade, INSPECT, "O-1") == {
        "id": "O-1",
        "amount": "120.50",
        "buyer": {"name": "Aldous Bakery", "tier": "gold", "region": {"name": "North"}},
        "payer": {"name": "Birch & Sons"},
        "money": {"name": "Euro"},
        "period": {"label": "Start of 2026"},
        "lines": {
            "rows": [
                {
                    "line_no": 1,
                    "sku": "SKU-1",
                    "quantity": 2,
                    "note": "Fragile.",
                    "receiver": {"name": "Aldous Bakery"},
                },
                {"line_no": 2, "sku": "SKU-2", "quantity": 1, "note": None, "receiver": None},
                {"line_no": 3, "sku": "SKU-3", "quantity": 7, "note": None, "receiver": {"name": "Birch & Sons"}},
            ],
            "count": 3,
            "truncated": True,
            "cut_by": "rows",
        },
    }
    without_region, without_buyer = await row(trade, INSPECT, "O-3"), await row(trade, INSPECT, "O-4")
    assert without_region["buyer"] == {"name": "Corvid Press", "tier": "gold", "region": None}
    assert (without_region["payer"], without_region["period"]) == (None, {"label": "Start of 2025"})
    assert (without_buyer["buyer"], without_buyer["period"]) == (None, None)
    assert without_buyer["lines"] == {"rows": [], "count": 0, "truncated": False, "cut_by": None}


@pytest.mark.requirement("link:tenant")
async def test_a_related_row_of_another_tenant_is_as_if_it_were_not_there(trade: Shop) -> None:
    # Their buyers are of globex, `ACME` and `acmé`, and the payer of one is of `acme `: a foreign key knows no tenant.
    for order in ("O-5", "O-6", "O-7"):
        assert (await row(trade, INSPECT, order))["buyer"] is None
    assert (await row(trade, INSPECT, "O-6"))["payer"] is None
    # The same order, its lines, its region and its period are in every tenant.
    assert CANARY not in json.dumps(await row(trade, INSPECT, "O-1"))
    assert (await row(trade, INSPECT, "O-3"))["lines"]["rows"] == []
    other = await row(trade, INSPECT, "O-1", GLOBEX)
    assert other["buyer"]["region"] == {"name": "CANARY-globex north"}
    assert [line["sku"] for line in other["lines"]["rows"]] == ["CANARY-sku 91", "CANARY-sku 92"]
    assert (await row(trade, "trade.plain_order", "O-9", GLOBEX))["buyer"]["name"] == "CANARY-globex buyer"
    assert (await row(trade, INSPECT, "O-9", GLOBEX))["payer"] is None


@pytest.mark.requirement("link:tenant")
async def test_look_alike_tenants_see_their_own_rows_and_no_others(trade: Shop) -> None:
    assert await code(trade, INSPECT, order_id="O-9") == "not_found"
    for tenant in ("ACME", "acme ", "acmé", "0", "0zz", "aCme"):
        answer = await trade.call(INSPECT, {"order_id": "O-1"}, Session(values={"tenant_id": tenant, "user": "x"}))
        assert answer["error"]["code"] == "not_found"


@pytest.mark.requirement("link:tenant")
@pytest.mark.usefixtures("spoils")
async def test_keys_are_compared_letter_by_letter(trade: Shop) -> None:
    if trade.database.engine != "mariadb":
        pytest.skip("elsewhere, a foreign key cannot hold between keys that differ in a letter's case")
    trade.change("UPDATE {orders} SET buyer_id = 'b-1' WHERE tenant_id = 'acme' AND id = 'O-1'")
    assert (await row(trade, "trade.plain_order", "O-1"))["buyer"] is None


@pytest.mark.requirement("link:person")
@pytest.mark.usefixtures("spoils")
async def test_a_related_row_that_is_assigned_to_somebody_else_or_left_out_is_not_there(trade: Shop) -> None:
    mine = {"name": "Aldous Bakery", "region": {"name": "North"}}
    assert await row(trade, "trade.assigned", "O-1") == {
        "id": "O-1",
        "my_buyer": mine,
        "live_buyer": {"name": "Aldous Bakery"},
    }
    # The second's buyer is another agent's; the third's is no longer active.
    assert await row(trade, "trade.assigned", "O-2") == {
        "id": "O-2",
        "my_buyer": None,
        "live_buyer": {"name": "Birch & Sons"},
    }
    third = await row(trade, "trade.assigned", "O-3")
    assert (third["my_buyer"], third["live_buyer"]) == ({"name": "Corvid Press", "region": None}, None)
    trade.change("UPDATE {buyers} SET tier = 'secret' WHERE id = 'B-1'")
    assert (await row(trade, "trade.assigned", "O-1"))["live_buyer"] is None


async def test_a_path_may_go_in_a_circle_and_meet_one_table_several_times(trade: Shop) -> None:
    again = {"id": "O-1", "buyer": {"name": "Aldous Bakery"}, "amount": "120.50"}
    assert await row(trade, "trade.circle", "O-1") == {"id": "O-1", "buyer": {"first": again}}
    assert await row(trade, "trade.circle", "O-3") == {"id": "O-3", "buyer": {"first": None}}
    assert await row(trade, "trade.circle", "O-4") == {"id": "O-4", "buyer": None}


async def test_rows_are_filtered_by_what_is_behind_links(trade: Shop) -> None:
    async def ids(**arguments: Any) -> tuple[list[str], int]:
        told = await rows(trade, "trade.orders_of", **arguments)
        return [found["id"] for found in told["rows"]], told["total"]

    assert await ids() == ([f"O-{n}" for n in range(1, 8)], 7)
    assert await ids(tier="gold") == (["O-1", "O-3"], 2)
    assert await ids(tier="standard", region="Sou") == (["O-2"], 1)
    assert await ids(tier="gold", region="Sou") == ([], 0)
    assert await ids(region="CANARY") == ([], 0)
    told = await rows(trade, "trade.orders_without_buyer")
    assert [found["id"] for found in told["rows"]] == ["O-4", "O-5", "O-6", "O-7"]


async def test_a_list_with_related_rows_has_pages_and_a_total(trade: Shop) -> None:
    seen: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        told = await rows(trade, "trade.list_orders", **cursor)
        assert told["total"] in {7, None}
        seen += told["rows"]
        if not told["next_cursor"]:
            break
        cursor = {"cursor": told["next_cursor"]}
    assert [found["id"] for found in seen] == ["O-2", "O-7", "O-6", "O-5", "O-4", "O-1", "O-3"]
    assert seen[0]["buyer"] == {"name": "Birch & Sons", "region": {"name": "South"}}
    assert [found["buyer"] for found in seen[1:5]] == [None] * 4


# ---- one row at most --------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("link:one-row")
async def test_a_second_row_behind_an_unproven_link_is_refused_and_neither_is_shown(trade: Shop) -> None:
    assert await row(trade, "trade.team_of", "O-1") == {"id": "O-1", "team": {"phone": "100"}}
    assert await row(trade, "trade.team_of", "O-5") == {"id": "O-5", "team": None}
    assert await code(trade, "trade.team_of", order_id="O-2") == "not_unique"
    told = await rows(trade, "trade.teams", desks=["D-1", "D-9"])
    assert [found["team"] for found in told["rows"]] == [
        {"phone": "100"},
        {"phone": "100"},
        None,
        *[{"phone": "100"}] * 2,
    ]
    assert told["total"] == 5
    assert await code(trade, "trade.teams", desks=["D-1", "D-2"]) == "not_unique"


@pytest.mark.requirement("link:one-row")
async def test_a_list_that_ends_between_two_rows_of_one_is_refused_as_well(tmp_path: Path, database: Database) -> None:
    narrow = policy().replace(
        "    returns: [id, team.phone]\n    total: true\n", "    returns: [id, team.phone]\n    limits: {rows: 2}\n"
    )
    async with open_trade(tmp_path / "project", database, policy=narrow) as trade:
        assert (await rows(trade, "trade.teams", desks=["D-1"]))["cut_by"] == "rows"
        assert await code(trade, "trade.teams", desks=["D-1", "D-2"]) == "not_unique"


@pytest.mark.requirement("link:one-row")
async def test_no_row_is_counted_twice_by_an_unproven_link(tmp_path: Path, database: Database) -> None:
    filtered = policy().replace(
        "    where: {desk: {one_of: $desks}}", "    where: {desk: {one_of: $desks}, team.phone: {has_value: true}}"
    )
    async with open_trade(tmp_path / "project", database, policy=filtered) as trade:
        assert await code(trade, "trade.teams", desks=["D-1"]) == "schema_drift"
        assert (await row(trade, "trade.team_of", "O-1"))["team"] == {"phone": "100"}


@pytest.mark.requirement("link:one-row")
async def test_a_total_is_of_the_rows_whatever_unproven_link_is_only_shown(tmp_path: Path, database: Database) -> None:
    filtered = policy().replace(
        "    where: {desk: {one_of: $desks}}", "    where: {desk: {one_of: $desks}, buyer.name: {has_value: true}}"
    )
    shown = "    order: [id]\n    returns: [id, team.phone]\n    total: true\n"
    assert filtered.count(shown) == 1
    plain = filtered.replace(shown, "    order: [id]\n    returns: [id]\n    total: true\n    limits: {rows: 1}\n")
    narrow = filtered.replace(shown, shown + "    limits: {rows: 1}\n")
    totals = []
    for number, text in enumerate((plain, narrow)):
        async with open_trade(tmp_path / f"project {number}", database, policy=text) as trade:
            totals.append((await rows(trade, "trade.teams", desks=["D-1", "D-2"]))["total"])
    assert totals[0] == totals[1] > 1  # a row with two telephones is not on the page, and counts once


@pytest.mark.requirement("link:one-row", "link:order")
async def test_a_page_in_the_order_of_an_unproven_link_is_refused_where_two_rows_answer(
    tmp_path: Path, database: Database
) -> None:
    ordered = policy().replace(
        "    order: [id]\n    returns: [id, team.phone]\n",
        "    order: [team.phone]\n    returns: [id]\n    pages: true\n    limits: {rows: 2}\n",
    )
    async with open_trade(tmp_path / "project", database, policy=ordered) as trade:
        found: list[str] = []
        more: dict[str, Any] = {}
        while True:
            told = await rows(trade, "trade.teams", desks=["D-1", "D-9"], **more)
            found += [row["id"] for row in told["rows"]]
            assert told["total"] == 5
            if told["next_cursor"] is None:
                break
            more = {"cursor": told["next_cursor"]}
        ones = ["O-1", "O-3", "O-6", "O-7"]
        assert found in ([*ones, "O-5"], ["O-5", *ones])
        assert await code(trade, "trade.teams", desks=["D-2", "D-9"]) == "not_unique"


_COUNTED = """\
  trade.by_team:
    description: How many orders each team has.
    aggregate: orders
    measures: {orders: count}
    group: {phone: team.phone}
    minimum_group: 1
  trade.by_buyer:
    description: How many orders the buyers of each region have.
    aggregate: orders
    measures: {orders: count}
    group: {region: buyer.region.name}
    minimum_group: 1
"""


@pytest.mark.requirement("link:one-row", "link:aggregate")
async def test_no_row_is_counted_twice_by_an_aggregate_either(tmp_path: Path, database: Database) -> None:
    async with open_trade(tmp_path / "project", database, policy=policy() + _COUNTED) as trade:
        assert await code(trade, "trade.by_team") == "schema_drift"
        counted = await trade.call("trade.by_buyer", {})
        assert counted["data"]["groups"] == [
            {"region": "North", "orders": 1},
            {"region": "South", "orders": 1},
            {"region": None, "orders": 5},
        ]
        other = await trade.call("trade.by_buyer", {}, GLOBEX)
        assert other["data"]["groups"] == [{"region": "CANARY-globex north", "orders": 2}]
        found = [f for f in await examine(trade.project) if f.rule == "link_miscounts"]
        assert [(f.fatal, "trade.by_team" in f.message) for f in found] == [(True, True)]


@pytest.mark.requirement("link:aggregate", "link:proven")
@pytest.mark.usefixtures("spoils")
async def test_an_aggregate_by_a_link_that_is_not_proven_is_refused(tmp_path: Path, database: Database) -> None:
    execute(database, _DROP[database.engine])
    async with open_trade(tmp_path / "project", database, policy=policy() + _COUNTED) as trade:
        assert await code(trade, "trade.by_buyer") == "schema_drift"


@pytest.mark.requirement("link:aggregate", "link:tenant")
async def test_a_forged_tenant_behind_a_link_is_in_no_total(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_trade(tmp_path / "project", database, policy=policy() + _COUNTED) as trade:
        assert (await trade.call("trade.by_buyer", {}))["ok"]
        kind = READERS[database.engine]
        real = kind.fetch

        async def fetch(self: Any, statement: Statement, **more: Any) -> Sequence[RawRow]:
            found = [list(raw) for raw in await real(self, statement, **more)]
            for raw in found:
                # The last witnesses are those of the region's tenant, the least and the greatest.
                at = -3 if database.engine == "postgres" else -2
                if raw[at] is not None:
                    raw[at] = b"acme " if isinstance(raw[at], bytes) else "acme "
            return found

        monkeypatch.setattr(kind, "fetch", fetch)
        assert await code(trade, "trade.by_buyer") == "not_found"


@pytest.mark.requirement("link:order", "link:proven")
@pytest.mark.usefixtures("spoils")
async def test_an_order_by_a_link_that_is_not_proven_refuses_its_list(tmp_path: Path, database: Database) -> None:
    ordered = policy().replace(
        "    order: [-placed_on]\n    returns: [id, buyer.name, buyer.region.name]\n",
        "    order: [buyer.name]\n    returns: [id]\n",
    )
    async with open_trade(tmp_path / "project", database, policy=ordered) as trade:
        assert (await rows(trade, "trade.list_orders"))["count"] == 4
    execute(database, _DROP[database.engine])
    async with open_trade(tmp_path / "again", database, policy=ordered) as trade:
        assert await code(trade, "trade.list_orders") == "schema_drift"


_DROP = {
    "postgres": "ALTER TABLE trade.orders DROP CONSTRAINT orders_buyer_id_fkey",
    "mariadb": "ALTER TABLE orders DROP FOREIGN KEY orders_ibfk_1",
    "sqlite": "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'FOREIGN KEY (buyer_id) REFERENCES buyers (id),', '')"
    " WHERE name = 'orders'",
}


@pytest.mark.requirement("link:proven")
@pytest.mark.usefixtures("spoils")
async def test_a_link_that_is_not_proven_refuses_those_who_follow_it_and_no_others(
    tmp_path: Path, database: Database
) -> None:
    execute(database, _DROP[database.engine])
    async with open_trade(tmp_path / "project", database) as trade:
        for name in (INSPECT, "trade.plain_order", "trade.circle", "trade.assigned"):
            assert await code(trade, name, order_id="O-1") == "schema_drift"
        assert await code(trade, "trade.orders_of") == "schema_drift"
        assert (await row(trade, "trade.team_of", "O-1"))["team"] == {"phone": "100"}
        assert (await row(trade, "trade.some_lines", "O-1"))["lines"]["count"] == 5
        found = [f for f in await examine(trade.project) if f.rule.startswith("link")]
        assert {(f.rule, f.fatal) for f in found} == {("link_not_proven", True)}
        assert len(found) == 3  # buyer, my_buyer and live_buyer; payer is another foreign key


_COLLATE = {
    "postgres": """ALTER TABLE trade.orders ALTER desk TYPE text COLLATE "C"; DROP VIEW trade.desks;
      CREATE VIEW trade.desks WITH (security_barrier = true) AS
      SELECT tenant_id, code COLLATE "POSIX" AS code, phone FROM trade.desk_rows; GRANT SELECT ON trade.desks TO synapsor_reader""",
    "mariadb": "ALTER TABLE desk_rows MODIFY code varchar(64) COLLATE utf8mb4_unicode_ci NOT NULL",
}


@pytest.mark.requirement("link:proven")
@pytest.mark.usefixtures("spoils")
async def test_a_link_between_collations_that_the_server_does_not_compare_is_found_before_a_call(
    tmp_path: Path, database: Database
) -> None:
    if database.engine == "sqlite":
        pytest.skip("it compares columns of any collations")
    execute(database, _COLLATE[database.engine])
    async with open_trade(tmp_path / "project", database) as trade:
        assert await code(trade, "trade.team_of", order_id="O-1") == "schema_drift"
        assert (await row(trade, "trade.plain_order", "O-1"))["id"] == "O-1"
        (found,) = [f for f in await examine(trade.project) if f.rule.startswith("link")]
        assert (found.rule, found.fatal) == ("link_collations", True)
        assert all(word in found.message for word in ("trade.orders", "desk", "code"))


@pytest.mark.requirement("link:proven")
@pytest.mark.usefixtures("spoils")
async def test_everything_that_links_read_is_granted_and_nothing_is_found(trade: Shop) -> None:
    found = [f for f in await trade.project.reader_posture("shop") if f.fatal]
    assert found == []
    assert [f for f in await examine(trade.project) if f.rule.startswith("link")] == []
    if trade.database.engine == "sqlite":
        return
    who = "synapsor_reader" if trade.database.engine == "postgres" else "synapsor_reader@'127.0.0.1'"
    trade.change(f"REVOKE SELECT ON {{periods}} FROM {who}")
    (lacking,) = [f for f in await trade.project.reader_posture("shop") if f.fatal]
    assert lacking.rule == "reader_cannot_read"
    assert "periods" in lacking.message


@pytest.mark.requirement("link:proven")
async def test_the_catalogue_tells_every_foreign_key_and_a_view_has_none(trade: Shop) -> None:
    async def told(name: str) -> set[tuple[str, frozenset[tuple[str, str]]]]:
        facts = await trade.project.reader("shop").describe(Relation(schema="trade", name=name))
        assert facts is not None
        return {(key.to.name, key.columns) for key in facts.references}

    assert await told("orders") == {
        ("buyers", frozenset({("buyer_id", "id")})),
        ("buyers", frozenset({("payer_id", "id")})),
        ("currencies", frozenset({("currency", "code")})),
        ("periods", frozenset({("tenant_id", "tenant_id"), ("year", "year"), ("quarter", "quarter")})),
    }
    assert await told("buyers") == {("regions", frozenset({("tenant_id", "tenant_id"), ("region_id", "id")}))}
    assert await told("order_lines") == set()
    assert await told("desks") == set()


@pytest.mark.requirement("link:proven")
@pytest.mark.usefixtures("spoils")
async def test_a_foreign_key_that_was_never_checked_proves_nothing(
    request: pytest.FixtureRequest, tmp_path: Path, loaded: dict[str, Database]
) -> None:
    database = load_trade("postgres", request.getfixturevalue("postgres_server"), tmp_path)
    loaded["postgres"] = database
    drop = "ALTER TABLE trade.orders DROP CONSTRAINT orders_buyer_id_fkey"
    add = "ALTER TABLE trade.orders ADD FOREIGN KEY (buyer_id) REFERENCES trade.buyers (id)"
    execute(database, f"{drop}; {add} NOT VALID")
    async with open_trade(tmp_path / "project", database) as trade:
        assert await code(trade, "trade.plain_order", order_id="O-1") == "schema_drift"
    execute(database, "ALTER TABLE trade.orders VALIDATE CONSTRAINT orders_buyer_id_fkey")
    async with open_trade(tmp_path / "again", database) as trade:
        assert (await row(trade, "trade.plain_order", "O-1"))["buyer"]["name"] == "Aldous Bakery"


# ---- lists ------------------------------------------------------------------------------------------------------------------


async def test_a_list_has_its_own_filters_order_and_arguments(trade: Shop) -> None:
    found = await row(trade, "trade.some_lines", "O-1", pieces=3)
    assert [line["line_no"] for line in found["lines"]["rows"]] == [4, 3]
    assert [line["line_no"] for line in (await row(trade, "trade.some_lines", "O-1"))["lines"]["rows"]] == [
        5,
        4,
        3,
        2,
        1,
    ]
    assert found["siblings"]["rows"] == [{"id": "O-1", "period": {"label": "Start of 2026"}}]
    # Its buyer is of another tenant; the order is its own sibling all the same. Without a buyer there is nothing to compare.
    assert [s["id"] for s in (await row(trade, "trade.some_lines", "O-5"))["siblings"]["rows"]] == ["O-5"]
    assert (await row(trade, "trade.some_lines", "O-4"))["siblings"]["count"] == 0
    gold = await row(trade, "trade.lines_for", "O-1", tier="gold")
    assert [line["id"] for line in gold["lines"]["rows"]] == [11]
    assert set(gold["lines"]["rows"][0]) == {"id", "order_id", "line_no", "sku", "quantity", "buyer_id", "note"}
    assert await code(trade, "trade.some_lines", order_id="O-9") == "not_found"


@pytest.mark.requirement("link:bounded")
@pytest.mark.usefixtures("spoils")
async def test_the_bytes_of_a_whole_answer_are_those_of_its_row_and_its_lists(
    tmp_path: Path, database: Database
) -> None:
    execute(database, f"UPDATE {'trade.' if database.engine == 'postgres' else ''}order_lines SET note = '{'x' * 460}'")
    small = (
        policy()
        .replace("    read: orders\n", "    read: orders\n    limits: {bytes: 1024}\n")
        .replace("    limits: {rows: 4}\n", "")
    )
    async with open_trade(tmp_path / "project", database, policy=small) as trade:
        lines = (await row(trade, INSPECT, "O-1"))["lines"]
        assert (lines["count"], lines["truncated"], lines["cut_by"]) == (1, True, "bytes")
        answer = await trade.call(INSPECT, {"order_id": "O-1"})
        assert answer["summary"] == "1 row, cut by the limit on bytes."
        evidence = await trade.ledger.evidence(answer["evidence"]["id"])
        assert evidence is not None
        cells = [c for part in (evidence, evidence["lists"]["lines"]) for found in part["rows"] for c in found if c]
        assert sum(len(cell.encode()) for cell in cells) <= 1024
    wide = small.replace(
        "returns: [id, buyer.name, buyer.region.name]\n", "returns: [id, buyer.name, buyer.region.name]\n", 1
    )
    named = "trade.buyers" if database.engine == "postgres" else "buyers"
    execute(database, f"UPDATE {named} SET name = '{'é' * 190}'")
    tables = "trade.regions" if database.engine == "postgres" else "regions"
    execute(database, f"UPDATE {tables} SET name = '{'é' * 190}'")
    async with open_trade(tmp_path / "wide", database, policy=wide) as trade:
        assert (await row(trade, "trade.plain_order", "O-1"))["buyer"]["region"] == {"name": "é" * 190}
        assert await code(trade, INSPECT, order_id="O-1") == "result_too_large"  # its payer's name is one too many
        three = [found["id"] for found in (await rows(trade, "trade.list_orders"))["rows"]]
        assert three == ["O-2", "O-7", "O-6", "O-5", "O-4"]  # the next one's buyer and region do not fit any more


def _between(engine: str, change: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let something happen after the first statement of a snapshot, and return the texts of all statements."""
    kind, texts = SNAPSHOTS[engine], []
    real = kind.fetch

    async def fetch(self: Any, statement: Statement) -> Sequence[RawRow]:
        found: Sequence[RawRow] = await real(self, statement)
        texts.append(statement.text)
        if len(texts) == 1:
            change()
        return found

    monkeypatch.setattr(kind, "fetch", fetch)
    return texts


@pytest.mark.requirement("link:one-moment")
@pytest.mark.usefixtures("spoils")
async def test_a_row_and_its_lists_are_of_one_moment(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.engine == "sqlite":
        with closing(sqlite3.connect(sqlite_path(database))) as connection:
            connection.execute("PRAGMA journal_mode=WAL")  # otherwise a writer waits until the reader is gone
    async with open_trade(tmp_path / "project", database) as trade:
        change = "DELETE FROM {order_lines} WHERE line_no > 1; UPDATE {orders} SET amount = 1 WHERE id = 'O-1'"
        texts = _between(database.engine, lambda: trade.change(change), monkeypatch)
        before = await row(trade, "trade.some_lines", "O-1")
        assert [line["line_no"] for line in before["lines"]["rows"]] == [5, 4, 3, 2, 1]
        assert len(texts) == 3
        after = await row(trade, "trade.some_lines", "O-1")
        assert [line["line_no"] for line in after["lines"]["rows"]] == [1]


@pytest.mark.requirement("link:one-moment")
async def test_a_row_and_its_lists_stand_in_one_bundle_under_one_digest(trade: Shop) -> None:
    answer = await trade.call(INSPECT, {"order_id": "O-1"})
    evidence = await trade.ledger.evidence(answer["evidence"]["id"])
    assert evidence is not None
    assert [name for name, _ in evidence["columns"]][:5] == [
        "id",
        "amount",
        "buyer.name",
        "buyer.tier",
        "buyer.region.name",
    ]
    columns = [name for name, _ in evidence["columns"]]
    seen = dict(zip(columns, evidence["rows"][0], strict=True))
    assert (seen["buyer.id"], seen["buyer.tenant_id"], seen["buyer.region.tenant_id"]) == ("B-1", "acme", "acme")
    lines = evidence["lists"]["lines"]
    assert [name for name, _ in lines["columns"]][:4] == ["line_no", "sku", "quantity", "note"]
    assert (len(lines["rows"]), lines["cut_by"], lines["limits"]["rows"]) == (3, "rows", 3)
    assert lines["plan"] != evidence["plan"]
    told = await replay(trade.ledger, answer["evidence"]["id"], {})
    assert told.ok
    assert dict(told.steps[-1].facts)["lists"] == evidence["lists"]
    assert render(told).count("\n  lines ") == 3
    assert "lines cut by the limit on rows" in render(told)
    audit = dict(told.steps[0].facts)
    assert (audit["rows"], audit["relation"]) == (4, "trade.orders")
    assert audit["related"] == [
        "trade.buyers",
        "trade.currencies",
        "trade.order_lines",
        "trade.periods",
        "trade.regions",
    ]
    view = await trade.desk.resource(f"synapsor://evidence/{answer['evidence']['id']}", ACME)
    assert view is not None
    assert view["rows"] == [answer["data"]["row"]]
    assert await trade.desk.resource(f"synapsor://evidence/{answer['evidence']['id']}", GLOBEX) is None
    assert (await trade.ledger.verify()).ok


async def test_a_read_without_lists_keeps_the_short_way_of_one_statement(
    trade: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = _between(trade.database.engine, lambda: None, monkeypatch)
    await row(trade, "trade.plain_order", "O-1")
    await rows(trade, "trade.list_orders")
    assert texts == []


@pytest.mark.requirement("link:bounded")
async def test_the_time_of_a_read_is_that_of_all_its_statements(trade: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = SNAPSHOTS[trade.database.engine]
    real = kind.fetch

    async def fetch(self: Any, statement: Statement) -> Sequence[RawRow]:
        found: Sequence[RawRow] = await real(self, statement)
        self._until = 0.0  # as if the first one had taken all of it
        return found

    monkeypatch.setattr(kind, "fetch", fetch)
    assert await code(trade, "trade.some_lines", order_id="O-1") == "timeout"
    monkeypatch.setattr(kind, "fetch", real)
    assert (await row(trade, "trade.some_lines", "O-1"))["lines"]["count"] == 5


# ---- guards that stand behind the statement ------------------------------------------------------------------------------------


@asynccontextmanager
async def _forged(
    trade: Shop, monkeypatch: pytest.MonkeyPatch, true: str, false: str, first: bool
) -> AsyncIterator[None]:
    """Let the database answer another cell than it holds, in a first statement or in a later one."""
    kind, asked = SNAPSHOTS[trade.database.engine], []
    real = kind.fetch

    async def fetch(self: Any, statement: Statement) -> Sequence[RawRow]:
        found: Sequence[RawRow] = await real(self, statement)
        asked.append(statement)
        if (len(asked) == 1) is not first:
            return found
        return [tuple(_put(cell, true, false) for cell in raw) for raw in found]

    monkeypatch.setattr(kind, "fetch", fetch)
    yield
    monkeypatch.setattr(kind, "fetch", real)


def _put(cell: Any, true: str, false: str) -> Any:
    if isinstance(cell, bytes):
        return false.encode() if cell == true.encode() else cell
    return false if cell == true else cell


@pytest.mark.requirement("link:tenant")
@pytest.mark.parametrize("foreign", ["globex", "ACME", "acme "])
async def test_a_forged_tenant_of_a_related_row_or_of_a_list_is_not_answered(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch, foreign: str
) -> None:
    # Regions hold the tenant in a column that is told from the others by what else stands in the row.
    named = policy().replace(
        "{tenant_id: text, id: text, name: text, head: denied}", "{tenant_id: text, id: text, name: text, head: denied}"
    )
    async with open_trade(tmp_path / "project", database, policy=named) as trade:
        places = trade.desk._served[INSPECT].question.shape.positions  # type: ignore[union-attr]  # it is there
        at = places["buyer.region.tenant_id"]
        kind = SNAPSHOTS[database.engine]
        real = kind.fetch

        async def fetch(self: Any, statement: Statement) -> Sequence[RawRow]:
            found = [list(raw) for raw in await real(self, statement)]
            for raw in found:
                if len(raw) > len(places) and "regions" in statement.text:
                    raw[at] = foreign.encode() if isinstance(raw[at], bytes) else foreign
            return found

        monkeypatch.setattr(kind, "fetch", fetch)
        assert await code(trade, INSPECT, order_id="O-1") == "not_found"
        # Where there is no region there is none to compare.
        assert (await row(trade, INSPECT, "O-3"))["buyer"]["region"] is None
        monkeypatch.setattr(kind, "fetch", real)
        async with _forged(trade, monkeypatch, "acme", foreign, first=False):
            assert await code(trade, INSPECT, order_id="O-1") == "not_found"
        async with _forged(trade, monkeypatch, "O-1", "O-2", first=False):
            assert await code(trade, INSPECT, order_id="O-1") == "not_found"


@pytest.mark.requirement("link:order", "link:tenant")
async def test_a_forged_tenant_of_a_row_that_only_shapes_the_order_is_not_answered(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordered = (
        policy()
        .replace(
            "    order: [-placed_on]\n    returns: [id, buyer.name, buyer.region.name]\n",
            "    order: [buyer.region.name]\n    returns: [id]\n",
        )
        .replace("    limits: {rows: 4}\n", "")
    )
    async with open_trade(tmp_path / "project", database, policy=ordered) as trade:
        assert (await rows(trade, "trade.list_orders"))["count"] == 7
        at = trade.desk._served["trade.list_orders"].question.shape.positions["buyer.region.tenant_id"]  # type: ignore[union-attr]
        kind = READERS[database.engine]
        real = kind.fetch

        async def fetch(self: Any, statement: Statement, **more: Any) -> Sequence[RawRow]:
            found = [list(raw) for raw in await real(self, statement, **more)]
            for raw in found:
                if "regions" in statement.text and raw[at] is not None:
                    raw[at] = b"ACME" if isinstance(raw[at], bytes) else "ACME"
            return found

        monkeypatch.setattr(kind, "fetch", fetch)
        assert await code(trade, "trade.list_orders") == "not_found"


@pytest.mark.requirement("canary:nowhere")
async def test_no_byte_of_another_tenant_or_a_denied_column_is_in_an_answer_or_in_the_ledger(trade: Shop) -> None:
    told: list[Any] = [tool.output_schema for tool in trade.desk.tools.values()]
    for name in trade.desk.tools:
        for number in range(1, 10):
            arguments: dict[str, Any] = {"order_id": f"O-{number}"}
            if name in {"trade.list_orders", "trade.orders_without_buyer", "trade.orders_of", "trade.teams"}:
                arguments = {"desks": ["D-1", "D-9"]} if name == "trade.teams" else {}
            if name == "trade.lines_for":
                arguments["tier"] = "gold"
            answer = await trade.call(name, arguments)
            assert answer["ok"] or answer["error"]["code"] in {"not_found", "not_unique"}
            told.append(answer)
            if answer["evidence"]:
                told.append(await trade.desk.resource(f"synapsor://evidence/{answer['evidence']['id']}", ACME))
    assert CANARY not in json.dumps(told)
    assert CANARY.encode() not in ledger_bytes(trade.files.root)
    words = json.dumps([tool.output_schema for tool in trade.desk.tools.values()])
    assert [
        w for w in ("tenant_id", "trade.buyers", "email", "head", "card", "cost", "agent") if f'"{w}"' in words
    ] == []
