"""Aggregates through the real desk on every engine: the same rows give the same answers, which are also those of plain Python."""

import datetime as dt
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.attack.shop import Shop
from tests.databases import Database
from tests.totals import Row, grouped, local, row, rows, told, totals

UNITS = ("hour", "day", "week", "month", "quarter", "year")
ZONES = ("Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns")
CUTS = [(unit, zone) for zone in ZONES for unit in (UNITS if zone == "Europe/Berlin" else ("hour", "week"))]


async def ask(shop: Shop, name: str, **arguments: Any) -> dict[str, Any]:
    """Return the data of a call that must be answered as its tool declares."""
    envelope = await shop.call(name, arguments)
    assert envelope["ok"], envelope["error"]
    jsonschema.Draft202012Validator(shop.desk.tools[name].output_schema).validate(envelope)
    data: dict[str, Any] = envelope["data"]
    return data


def moments() -> list[dt.datetime]:
    """Return instants around everything that clocks do: changes of offset, ends of years, leap days, and long ago."""
    found = []
    for day in (
        "2026-03-29",
        "2026-10-25",
        "2026-11-01",
        "2026-04-04",
        "2026-04-05",
        "2024-02-29",
        "2026-01-01",
        "2027-01-01",
    ):
        start = dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC) - dt.timedelta(hours=12)
        found += [start + dt.timedelta(minutes=30 * n) for n in range(72)]
    found += [dt.datetime(year, 6, 30, 23, 59, 59, 999_999, tzinfo=dt.UTC) for year in range(1971, 2037, 5)]
    return found


@pytest.mark.requirement("aggregate:same-everywhere")
async def test_the_stretches_of_time_of_an_instant_are_those_of_its_zone(tmp_path: Path, database: Database) -> None:
    orders = [row(n, moment=moment) for n, moment in enumerate(moments())]
    text = "".join(
        f"  totals.cut_{at}:\n    description: By the {unit}.\n    aggregate: orders\n    measures: {{orders: count}}\n"
        f"    group: {{when: {{{unit}: moment, zone: {zone}}}}}\n    minimum_group: 1\n"
        f"    limits: {{rows: 1000, groups: 10000}}\n"
        for at, (unit, zone) in enumerate(CUTS)
    )
    async with totals(tmp_path, database, orders, text) as shop:
        for at, (unit, zone) in enumerate(CUTS):
            found = (await ask(shop, f"totals.cut_{at}"))["groups"]
            first = {
                told(local(o, zone), unit): o["moment"] for o in sorted(orders, key=lambda o: o["moment"], reverse=True)
            }
            wanted = grouped(orders, {"when": lambda o: told(local(o, zone), unit)}, {"orders": len})  # noqa: B023  # called in this round
            assert found == sorted(wanted, key=lambda group: first[group["when"]]), (unit, zone)


@pytest.mark.requirement("aggregate:same-everywhere")
async def test_dates_and_timestamps_without_a_zone_are_cut_by_their_own_clock(
    tmp_path: Path, database: Database
) -> None:
    days = [
        dt.date(1000, 1, 1),
        dt.date(1582, 10, 15),
        dt.date(1899, 12, 31),
        dt.date(1969, 12, 31),
        dt.date(1970, 1, 1),
    ]
    days += [
        dt.date(2000, 2, 29),
        dt.date(2026, 12, 31),
        dt.date(2027, 1, 3),
        dt.date(2027, 1, 4),
        dt.date(9999, 12, 31),
    ]
    days += [dt.date(2026, 1, 1) + dt.timedelta(days=5 * n) for n in range(60)]
    orders = [
        row(n, day=day, at=dt.datetime.combine(day, dt.time(n % 24, 59, 59, 999_999))) for n, day in enumerate(days)
    ]
    orders += [row(900 + n, day=None, at=None) for n in range(3)]
    text = "".join(
        f"  totals.{unit}_{column}:\n    description: By the {unit}.\n    aggregate: orders\n    measures: {{orders: count}}\n"
        f"    group: {{when: {{{unit}: {column}}}}}\n    minimum_group: 1\n    limits: {{rows: 1000}}\n"
        for column in ("day", "at")
        for unit in (UNITS if column == "at" else UNITS[1:])
    )
    async with totals(tmp_path, database, orders, text) as shop:
        for column in ("day", "at"):
            for unit in UNITS if column == "at" else UNITS[1:]:
                data = await ask(shop, f"totals.{unit}_{column}")
                key = {"when": lambda o: None if o[column] is None else told(o[column], unit)}  # noqa: B023  # called in this round
                assert data["groups"] == grouped(orders, key, {"orders": len}), (unit, column)


MEASURES = """\
  totals.all:
    description: Every measure of every kind of group.
    aggregate: orders
    measures:
      orders: count
      quantities: {sum: quantity}
      amounts: {sum: amount}
      mean: {avg: amount}
      mean_quantity: {avg: quantity, places: 6}
      regions: {count_distinct: region}
      refs: {count_distinct: ref}
      prices: {count_distinct: amount}
      least: {min: amount}
      most: {max: amount}
      first: {min: moment}
      last: {max: day}
    group: {group_kind: kind, group_paid: paid}
    minimum_group: 1
"""


def rounded(total: Decimal, count: int, places: int) -> str | None:
    return None if not count else str((total / count).quantize(Decimal(1).scaleb(-places), rounding="ROUND_HALF_UP"))


def measured(orders: list[Row]) -> dict[str, Any]:
    def of(column: str) -> list[Any]:
        return [order[column] for order in orders if order[column] is not None]

    amounts, quantities = of("amount"), of("quantity")
    big = sum(quantities)
    return {
        "orders": len(orders),
        "quantities": (big if abs(big) < 2**53 else str(big)) if quantities else None,
        "amounts": str(sum(amounts)) if amounts else None,
        "mean": rounded(sum(amounts, Decimal()), len(amounts), 2),
        "mean_quantity": rounded(Decimal(big), len(quantities), 6),
        "regions": len(set(of("region"))),
        "refs": len(set(of("ref"))),
        "prices": len(set(amounts)),
        "least": str(min(amounts)) if amounts else None,
        "most": str(max(amounts)) if amounts else None,
        "first": min(of("moment")).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".") + "Z"
        if of("moment")
        else None,
        "last": str(max(of("day"))) if of("day") else None,
    }


def hard_rows() -> list[Row]:
    """Return rows with what engines are tempted to do differently: look-alikes, nulls, large numbers, halves to round."""
    orders = rows(60)
    orders += [
        row(100 + n, region=word, kind="alike")
        for n, word in enumerate(("north", "North", "nörth", "north ", "NORTH", "ñorth", "n\u200borth"))
    ]
    orders += [
        row(200 + n, kind="none", amount=None, quantity=None, region=None, ref=None, moment=None, day=None, paid=None)
        for n in range(3)
    ]
    orders += [
        row(300, kind="big", quantity=2**62),
        row(301, kind="big", quantity=2**62),
        row(302, kind="big", quantity=2**62),
    ]
    orders += [
        row(310, kind="half", amount=Decimal("0.00"), quantity=0),
        row(311, kind="half", amount=Decimal("0.01"), quantity=1),
    ]
    orders += [
        row(320, kind="minus", amount=Decimal("-0.01"), quantity=-1),
        row(321, kind="minus", amount=Decimal("0.00"), quantity=0),
    ]
    orders += [
        row(330, kind="tie ", amount=Decimal("999999999999.99")),
        row(331, kind="TIE", amount=Decimal("999999999999.99")),
    ]
    orders += [
        row(332, kind=None),
        row(333, kind=""),
        row(334, kind="it's"),
        row(335, kind="🧾"),
        row(336, kind="%s $1 :x"),
    ]
    return [order | {"moment": order["moment"] and order["moment"].replace(microsecond=500_000)} for order in orders]


@pytest.mark.requirement("aggregate:same-everywhere", "aggregate:exact")
async def test_every_measure_is_exact_and_every_group_is_its_own(tmp_path: Path, database: Database) -> None:
    orders = hard_rows()
    async with totals(tmp_path, database, orders, MEASURES + "    limits: {rows: 1000}\n") as shop:
        data = await ask(shop, "totals.all")
    keys = {"group_kind": lambda o: o["kind"], "group_paid": lambda o: o["paid"]}
    wanted = [
        group | measured([o for o in orders if [o["kind"], o["paid"]] == [group["group_kind"], group["group_paid"]]])
        for group in grouped(orders, keys, {})
    ]
    assert data["groups"] == wanted
    assert (data["count"], data["truncated"], data["withheld"]) == (len(wanted), False, False)


async def test_groups_by_each_kind_of_column(tmp_path: Path, database: Database) -> None:
    orders = rows(40)
    text = "".join(
        f"  totals.by_{column}:\n    description: By one column.\n    aggregate: orders\n    measures: {{orders: count}}\n"
        f"    group: {{value: {column}}}\n    minimum_group: 1\n    limits: {{rows: 100}}\n"
        for column in ("region", "paid", "quantity", "day", "ref")
    )
    async with totals(tmp_path, database, orders, text) as shop:
        for column in ("region", "paid", "quantity", "day", "ref"):
            key = {"value": lambda o: str(o[column]) if isinstance(o[column], dt.date | uuid.UUID) else o[column]}  # noqa: B023  # called in this round
            assert (await ask(shop, f"totals.by_{column}"))["groups"] == grouped(orders, key, {"orders": len})
