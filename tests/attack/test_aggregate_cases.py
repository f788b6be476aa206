"""Aggregates under attack, through the real desk on every engine: nothing that fewer rows than the minimum stand behind gets out."""

import asyncio
import datetime as dt
import json
import logging
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from synapsor.core.scope import Session
from synapsor.flow.replay import replay
from synapsor.sources.sqlite import SqliteReadSource
from synapsor.sql.statement import RawRow, Statement
from tests.attack.shop import Shop, reopened
from tests.databases import Database
from tests.projects import ACME, GLOBEX
from tests.totals import Row, row, rows, totals

CANARY = "CANARY-of-a-small-group"
AMOUNT = Decimal("666666.66")

BY_REGION = """\
  totals.by_region:
    description: Orders of each region, the dearest first.
    aggregate: orders
    measures: {orders: count, amounts: {sum: amount}, dearest: {max: amount}, refs: {count_distinct: ref}}
    group: {region: region}
    order: [-dearest]
    limits: {rows: 2}
"""
TOTAL = """\
  totals.all:
    description: All orders, or those of a region or kind.
    aggregate: orders
    arguments:
      region: {type: string, max_length: 40, optional: true}
      number: {type: string, max_length: 40, optional: true}
    where: {region: $region, person: {starts_with: $number}}
    measures: {orders: count, amounts: {sum: amount}}
"""


async def ask(shop: Shop, name: str, session: Session = ACME, **arguments: Any) -> dict[str, Any]:
    envelope = await shop.call(name, arguments, session)
    assert envelope["ok"], envelope["error"]
    jsonschema.Draft202012Validator(shop.desk.tools[name].output_schema).validate(envelope)
    data: dict[str, Any] = envelope["data"]
    return data


async def code(shop: Shop, name: str, session: Session = ACME, **arguments: Any) -> tuple[str, int | None]:
    envelope = await shop.call(name, arguments, session)
    assert not envelope["ok"]
    assert envelope["data"] is None
    return envelope["error"]["code"], envelope["error"]["retry_after_ms"]


def everything(shop: Shop) -> str:
    """Return every text of the ledger."""
    with closing(sqlite3.connect(shop.ledger_path)) as raw:
        return "\n".join(raw.iterdump())


def small(count: int = 4) -> list[Row]:
    """Return a group of few rows with values that are easily found again."""
    return [row(600 + n, region=CANARY, amount=AMOUNT) for n in range(count)]


@pytest.mark.requirement("aggregate:small-withheld")
async def test_a_small_group_is_in_no_answer_order_evidence_ledger_or_log(
    tmp_path: Path, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with totals(tmp_path, database, [*rows(30), *small()], BY_REGION) as shop:
        envelope = await shop.call("totals.by_region")
        # It has the dearest order of all and would come first; what is told has no gap where it was.
        assert [group["region"] for group in envelope["data"]["groups"]] == ["west", "south"]
        assert (envelope["data"]["truncated"], envelope["data"]["withheld"]) == (False, True)
        kept = await shop.ledger.evidence(envelope["evidence"]["id"])
        assert kept is not None
        assert kept["withheld"] is True
        assert [cells[0] for cells in kept["rows"]] == ["west", "south"]
        said = json.dumps(envelope) + everything(shop) + caplog.text
    assert CANARY not in said
    assert "666666" not in said
    assert "north" not in said  # the next smallest, without which the small one would follow from a total


@pytest.mark.requirement("aggregate:no-subtraction")
async def test_a_total_gives_no_small_group_away(tmp_path: Path, database: Database) -> None:
    async with totals(
        tmp_path, database, [*rows(30), *small()], BY_REGION.replace("{rows: 2}", "{rows: 50}") + TOTAL
    ) as shop:
        total = (await ask(shop, "totals.all"))["totals"]
        groups = (await ask(shop, "totals.by_region"))["groups"]
    assert total["orders"] == 34
    assert total["orders"] - sum(group["orders"] for group in groups) >= 5 + 4


@pytest.mark.requirement("aggregate:small-withheld")
async def test_an_argument_that_singles_a_row_out_is_told_nothing_about_it(tmp_path: Path, database: Database) -> None:
    orders = [*rows(30), row(700, person="agent_007", region="east")]
    async with totals(tmp_path, database, orders, TOTAL + BY_REGION) as shop:
        nothing = {"totals": None, "withheld": True}
        assert await ask(shop, "totals.all", number="agent_007") == nothing
        assert await ask(shop, "totals.all", region="east") == nothing
        # Whether there is such a row is not told either.
        assert await ask(shop, "totals.all", number="agent_008") == nothing
        assert (await ask(shop, "totals.all", region="north"))["totals"]["orders"] == 10


@pytest.mark.requirement("aggregate:small-withheld")
async def test_few_values_in_many_rows_are_few(tmp_path: Path, database: Database) -> None:
    orders = [order | {"amount": order["amount"] if order["region"] != "west" else None} for order in rows(30)]
    orders[1] |= {"region": "west", "amount": AMOUNT}
    async with totals(tmp_path, database, orders, BY_REGION) as shop:
        data = await ask(shop, "totals.by_region")
    assert "west" not in json.dumps(data)
    assert "666666" not in json.dumps(data)
    assert data["withheld"]


LOOK_ALIKES = ["ACME", "acme ", "acmé", "Acme", "acme\u200b", "globex"]


@pytest.mark.requirement("aggregate:tenant")
async def test_rows_of_tenants_that_look_alike_are_not_counted(tmp_path: Path, database: Database) -> None:
    orders = rows(30)
    for at, tenant in enumerate(LOOK_ALIKES):
        orders += rows(10, first=1000 + 20 * at, tenant_id=tenant, region="north", amount=AMOUNT)
    async with totals(tmp_path, database, orders, BY_REGION + TOTAL) as shop:
        assert (await ask(shop, "totals.all"))["totals"]["orders"] == 30
        assert "666666" not in json.dumps(await ask(shop, "totals.by_region"))
        assert (await ask(shop, "totals.all", session=GLOBEX))["totals"] == {"orders": 10, "amounts": "6666666.60"}
        for tenant in LOOK_ALIKES[:-1]:
            own = Session(values={"tenant_id": tenant, "user": "x"}, client="test")
            assert (await ask(shop, "totals.all", session=own))["totals"]["orders"] == 10


@pytest.mark.requirement("aggregate:tenant")
async def test_a_person_counts_only_what_is_theirs_and_only_what_there_is(tmp_path: Path, database: Database) -> None:
    more = "    principal: person\n    only: {kind: new}\n"
    text = BY_REGION + TOTAL.replace(", person: {starts_with: $number}", "").replace(
        "      number: {type: string, max_length: 40, optional: true}\n", ""
    )
    async with totals(tmp_path, database, rows(60), text, more=more) as shop:
        for person, wanted in (("agent_1", 10), ("agent_2", 10)):
            own = Session(values={"tenant_id": "acme", "user": person}, client="test")
            assert (await ask(shop, "totals.all", session=own))["totals"]["orders"] == wanted
        other = Session(values={"tenant_id": "acme", "user": "AGENT_1"}, client="test")
        assert await ask(shop, "totals.all", session=other) == {"totals": None, "withheld": True}


@pytest.mark.requirement("aggregate:tenant")
@pytest.mark.parametrize(("true", "false"), [("acme", "ACME"), ("acme", "globex"), ("north", "North")])
async def test_a_count_of_other_rows_than_asked_for_is_not_answered(
    tmp_path: Path, sqlite_db: Database, monkeypatch: pytest.MonkeyPatch, true: str, false: str
) -> None:
    async with totals(tmp_path, sqlite_db, rows(30), TOTAL) as shop:
        assert (await ask(shop, "totals.all", region="north"))["totals"]["orders"] == 10
        real = SqliteReadSource.fetch

        async def fetch(self: SqliteReadSource, statement: Statement, *, time_ms: int) -> Sequence[RawRow]:
            found = await real(self, statement, time_ms=time_ms)
            return [tuple(false if cell == true else cell for cell in cells) for cells in found]

        monkeypatch.setattr(SqliteReadSource, "fetch", fetch)
        assert await code(shop, "totals.all", region="north") == ("not_found", None)


@pytest.mark.requirement("aggregate:whole")
async def test_more_groups_than_may_be_are_refused_and_not_cut(tmp_path: Path, database: Database) -> None:
    text = BY_REGION.replace("group: {region: region}", "group: {day: day}").replace("rows: 2}", "rows: 2, groups: 8}")
    text = text.replace("aggregate: orders\n", "aggregate: orders\n    minimum_group: 1\n")
    async with totals(tmp_path, database, rows(30), text) as shop:
        assert (await code(shop, "totals.by_region"))[0] == "result_too_large"
        shop.change("DELETE FROM {orders} WHERE day >= '2026-01-08'")
        data = await ask(shop, "totals.by_region")
        assert (data["count"], data["truncated"]) == (2, True)


@pytest.mark.requirement("aggregate:whole")
async def test_keys_that_are_long_or_too_many_bytes_are_refused(tmp_path: Path, database: Database) -> None:
    long = [row(n, region="x" * 1500 + str(n % 2)) for n in range(20)]
    text = BY_REGION.replace("{rows: 2}", "{bytes: 4000}")
    async with totals(tmp_path, database, long, text) as shop:
        assert (await code(shop, "totals.by_region"))[0] == "result_too_large"
        shop.change("UPDATE {orders} SET region = substr(region, 600)")
        assert [group["orders"] for group in (await ask(shop, "totals.by_region"))["groups"]] == [10, 10]
        shop.change(
            "UPDATE {orders} SET region = concat(region, id) WHERE region <> ''".replace(
                "concat(region, id)", "region || id" if database.engine == "sqlite" else "concat(region, id)"
            )
        )
        assert (await code(shop, "totals.by_region"))[0] == "result_too_large"


async def test_different_long_texts_are_counted_as_different(tmp_path: Path, database: Database) -> None:
    orders = [row(n, region="x" * 3000 + str(n % 2)) for n in range(20)]
    text = TOTAL.replace("{sum: amount}", "{count_distinct: region}")
    async with totals(tmp_path, database, orders, text) as shop:
        assert (await ask(shop, "totals.all"))["totals"] == {"orders": 20, "amounts": 2}


# ---- two periods -------------------------------------------------------------------------------------------------------------

COMPARED = """\
  totals.compared:
    description: Two periods of each region.
    aggregate: orders
    arguments:
      begin: {type: string, max_length: 10}
      middle: {type: string, max_length: 10}
      end: {type: string, max_length: 10}
    measures: {orders: count, amounts: {sum: amount}, mean: {avg: quantity, places: 3}, last: {max: day}}
    group: {region: region}
    compare:
      column: day
      periods: {current: {at_least: $middle, below: $end}, previous: {at_least: $begin, below: $middle}}
    order: [-orders.change, region]
"""
DAYS: dict[str, Any] = {"begin": "2026-01-01", "middle": "2026-02-01", "end": "2026-03-01"}


def two_periods() -> list[Row]:
    def of(count: int, first: int, day: str, region: str, **more: Any) -> list[Row]:
        return rows(count, first=first, day=dt.date.fromisoformat(day), region=region, **more)

    return [
        *of(12, 1, "2026-02-10", "north", amount=Decimal("1.10"), quantity=1),
        *of(9, 100, "2026-01-10", "north", amount=Decimal("1.00"), quantity=2),
        *of(8, 200, "2026-02-11", "new"),
        *of(7, 300, "2026-01-11", "gone"),
        *of(20, 400, "2026-02-12", "few before"),
        *of(3, 500, "2026-01-12", "few before"),
        *of(9, 600, "2026-02-13", "large"),
        *of(10, 700, "2026-01-13", "large"),
        *of(50, 800, "2025-06-01", "neither"),
    ]


@pytest.mark.requirement("aggregate:same-everywhere", "aggregate:small-withheld")
async def test_two_periods_are_compared_and_what_is_small_in_either_is_withheld(
    tmp_path: Path, database: Database
) -> None:
    async with totals(tmp_path, database, two_periods(), COMPARED) as shop:
        data = await ask(shop, "totals.compared", **DAYS)
    assert data["withheld"]
    told = {group["region"]: group for group in data["groups"]}
    # "few before" is small in one period, and "gone" is what it would follow from in that one.
    assert list(told) == ["new", "north", "large"]
    assert told["north"] == {
        "region": "north",
        "orders": {"current": 12, "previous": 9, "change": 3},
        "amounts": {"current": "13.20", "previous": "9.00", "change": "4.20"},
        "mean": {"current": "1.000", "previous": "2.000", "change": "-1.000"},
        "last": {"current": "2026-02-10", "previous": "2026-01-10"},
    }
    assert told["new"]["orders"] == {"current": 8, "previous": 0, "change": 8}
    assert told["new"]["amounts"]["previous"] is told["new"]["amounts"]["change"] is None
    assert told["large"]["orders"]["change"] == -1


@pytest.mark.requirement("aggregate:periods-apart")
@pytest.mark.one_engine
async def test_periods_that_share_a_day_are_refused(tmp_path: Path, database: Database) -> None:
    shared = COMPARED.replace(
        "previous: {at_least: $begin, below: $middle}", "previous: {at_least: $begin, at_most: $middle}"
    )
    async with totals(tmp_path, database, two_periods(), shared) as shop:
        assert (await code(shop, "totals.compared", **DAYS))[0] == "invalid_arguments"
    async with totals(tmp_path / "other", database, two_periods(), COMPARED) as shop:
        assert await ask(shop, "totals.compared", **DAYS)


# ---- what a day allows -------------------------------------------------------------------------------------------------------


@dataclass
class Days:
    """A clock that a test moves."""

    at: dt.datetime = field(default=dt.datetime(2026, 11, 28, 18, tzinfo=dt.UTC))

    def now(self) -> dt.datetime:
        return self.at


@pytest.mark.requirement("aggregate:budget")
async def test_a_filter_cannot_be_moved_along_to_single_a_row_out(tmp_path: Path, database: Database) -> None:
    clock = Days()
    text = TOTAL + "    limits: {variants_per_day: 2}\n"
    async with totals(tmp_path, database, rows(30), text, clock=clock) as shop:
        assert await ask(shop, "totals.all", region="north")
        assert await ask(shop, "totals.all", region="south")
        assert await code(shop, "totals.all", region="west") == ("rate_limited", 6 * 3600 * 1000)
        assert await ask(shop, "totals.all", region="south")  # the same question tells nothing new
        other = Session(values={"tenant_id": "acme", "user": "somebody"}, client="test")
        assert await ask(shop, "totals.all", session=other, region="west")
        clock.at += dt.timedelta(hours=6)
        assert await ask(shop, "totals.all", region="west")


@pytest.mark.requirement("aggregate:budget")
async def test_a_days_calls_are_counted_once_over_all_server_processes(tmp_path: Path, sqlite_db: Database) -> None:
    text = TOTAL + "    limits: {calls_per_day: 20}\n"
    async with totals(tmp_path, sqlite_db, rows(30), text) as one, reopened(one.files) as other:
        asked = [shop.desk.call("totals.all", {}, ACME) for _ in range(20) for shop in (one, other)]
        answers = await asyncio.gather(*asked)
        assert sum(answer["ok"] for answer in answers) == 20
        refused = {answer["error"]["code"] for answer in answers if not answer["ok"]}
        assert refused == {"rate_limited"}
        assert (await code(other, "totals.all"))[0] == "rate_limited"


@pytest.mark.requirement("aggregate:budget")
async def test_a_call_is_spent_before_the_source_is_asked(
    tmp_path: Path, sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Mapping[str, Any]] = []
    real = SqliteReadSource.fetch

    async def fetch(self: SqliteReadSource, statement: Statement, *, time_ms: int) -> Sequence[RawRow]:
        asked.append({})
        return await real(self, statement, time_ms=time_ms)

    async with totals(tmp_path, sqlite_db, rows(30), TOTAL + "    limits: {calls_per_day: 1}\n") as shop:
        monkeypatch.setattr(SqliteReadSource, "fetch", fetch)
        assert await ask(shop, "totals.all")
        assert (await code(shop, "totals.all"))[0] == "rate_limited"
        assert len(asked) == 1
        assert [outcome for _, outcome in shop.audits()] == ["ok", "rate_limited"]


# ---- what is kept ------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("aggregate:small-withheld")
async def test_what_is_looked_up_again_is_what_was_told(tmp_path: Path, database: Database) -> None:
    async with totals(tmp_path, database, [*rows(30), *small()], BY_REGION + COMPARED) as shop:
        envelope = await shop.call("totals.by_region")
        uri = f"synapsor://evidence/{envelope['evidence']['id']}"
        found = await shop.desk.resource(uri, ACME)
        assert found is not None
        assert found["rows"] == envelope["data"]["groups"]
        assert found["withheld"] is True
        assert await shop.desk.resource(uri, GLOBEX) is None
        report = await replay(shop.ledger, envelope["evidence"]["id"], shop.files.operators)
        assert report.ok
        assert [step.name for step in report.steps] == ["asked", "seen"]
        assert report.steps[0].facts["rows"] == 2
        assert report.steps[1].facts["withheld"] is True
        compared = await shop.call(
            "totals.compared", {"begin": "2026-01-01", "middle": "2026-01-05", "end": "2026-02-01"}
        )
        found = await shop.desk.resource(f"synapsor://evidence/{compared['evidence']['id']}", ACME)
        assert found is not None
        assert {"region", "orders.current", "orders.previous", "orders.change"} <= set(found["rows"][0])
        assert (await shop.ledger.verify()).ok


async def test_a_value_that_is_not_stored_as_its_type_is_drift(tmp_path: Path, sqlite_db: Database) -> None:
    text = BY_REGION + BY_REGION.replace("by_region", "by_hour").replace("region: region", "at: {hour: at}")
    async with totals(tmp_path, sqlite_db, rows(30), text) as shop:
        assert await ask(shop, "totals.by_hour")
        shop.change("UPDATE {orders} SET at = 'soon' WHERE id = 'ORD-0001'")
        assert (await code(shop, "totals.by_hour"))[0] == "schema_drift"
        shop.change("UPDATE {orders} SET amount = 'many' WHERE id = 'ORD-0001'")
        assert (await code(shop, "totals.by_region"))[0] == "schema_drift"


async def test_times_beyond_what_can_be_told_are_later_or_earlier(tmp_path: Path, postgres_db: Database) -> None:
    text = BY_REGION.replace("group: {region: region}", "group: {at: {week: moment, zone: Asia/Tokyo}}").replace(
        "order: [-dearest]", "order: [at]"
    )
    text = text.replace("aggregate: orders\n", "aggregate: orders\n    minimum_group: 1\n").replace(
        "rows: 2", "rows: 9"
    )
    async with totals(tmp_path, postgres_db, rows(4), text) as shop:
        for number, moment in enumerate(("infinity", "-infinity", "20000-01-01", "0044-03-15 BC"), start=1):
            shop.change(f"UPDATE {{orders}} SET moment = '{moment}' WHERE id = 'ORD-000{number}'")
        groups = (await ask(shop, "totals.by_region"))["groups"]
        assert [(group["at"], group["orders"]) for group in groups] == [("earlier", 2), ("later", 2)]


async def test_no_row_is_counted_as_none_where_nothing_is_small(tmp_path: Path, database: Database) -> None:
    text = TOTAL + "    minimum_group: 1\n"
    async with totals(tmp_path, database, [], text) as shop:
        assert await ask(shop, "totals.all") == {"totals": {"orders": 0, "amounts": None}, "withheld": False}
