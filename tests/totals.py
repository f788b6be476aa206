"""A table of orders, the same rows on every engine, and what is true of them, computed here without SQL."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.attack.shop import Shop, open_shop
from tests.databases import READER, Database, execute, table

Row = dict[str, Any]

COLUMNS = {
    "id": {"postgres": "text PRIMARY KEY", "mariadb": "varchar(64) PRIMARY KEY", "sqlite": "TEXT PRIMARY KEY NOT NULL"},
    "tenant_id": {"postgres": "text NOT NULL", "mariadb": "varchar(64) NOT NULL", "sqlite": "TEXT NOT NULL"},
    "person": {"postgres": "text", "mariadb": "varchar(64)", "sqlite": "TEXT"},
    "region": {"postgres": "text", "mariadb": "text", "sqlite": "TEXT"},
    "kind": {"postgres": "text", "mariadb": "varchar(64)", "sqlite": "TEXT"},
    "paid": {"postgres": "boolean", "mariadb": "boolean", "sqlite": "INTEGER"},
    "quantity": {"postgres": "bigint", "mariadb": "bigint", "sqlite": "INTEGER"},
    "amount": {"postgres": "numeric(14,2)", "mariadb": "decimal(14,2)", "sqlite": "TEXT"},
    "day": {"postgres": "date", "mariadb": "date", "sqlite": "TEXT"},
    "at": {"postgres": "timestamp", "mariadb": "datetime(6)", "sqlite": "TEXT"},
    "moment": {"postgres": "timestamptz", "mariadb": "timestamp(6) NULL", "sqlite": "TEXT"},
    "ref": {"postgres": "uuid", "mariadb": "uuid", "sqlite": "TEXT"},
    "salary": {"postgres": "bigint", "mariadb": "bigint", "sqlite": "INTEGER"},
}
HEAD = """\
synapsor: 1
contract: totals
contexts:
  support: {{tenant: session.tenant_id, principal: session.user}}
tables:
  orders:
    source: shop
    relation: {schema}.orders
    key: id
    tenant: tenant_id
{more}    columns:
      id: text
      tenant_id: text
      person: text
      region: text
      kind: text
      paid: boolean
      quantity: integer
      amount: {{type: numeric, scale: 2}}
      day: date
      at: timestamp
      moment: timestamptz
      ref: uuid
      salary: denied
capabilities:
"""


def row(number: int, **given: Any) -> Row:
    """Return an order; what is not given depends on its number alone."""
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=7 * number, microseconds=number)
    made: Row = {
        "id": f"ORD-{number:04}",
        "tenant_id": "acme",
        "person": f"agent_{number % 3}",
        "region": ("north", "south", "west")[number % 3],
        "kind": ("new", "old")[number % 2],
        "paid": number % 4 == 0,
        "quantity": number % 7,
        "amount": Decimal(number % 9) + Decimal("0.05"),
        "day": moment.date(),
        "at": moment.replace(tzinfo=None),
        "moment": moment,
        "ref": uuid.UUID(int=number % 5),
        "salary": 1,
    }
    return made | given


def rows(count: int, first: int = 1, **given: Any) -> list[Row]:
    """Return so many orders."""
    return [row(number, **given) for number in range(first, first + count)]


def fill(database: Database, orders: Iterable[Row]) -> None:
    """Make the table anew with these rows, so that the reader may read it."""
    name = table(database, "orders")
    columns = ", ".join(f"{column} {kinds[database.engine]}" for column, kinds in COLUMNS.items())
    options = " ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci" if database.engine == "mariadb" else ""
    script = f"DROP TABLE IF EXISTS {name};\nCREATE TABLE {name} ({columns}){options};\n"
    values = [", ".join(_literal(order[column], database) for column in COLUMNS) for order in orders]
    if database.engine != "sqlite":
        script = "SET TIME ZONE 'UTC';\n" + script if database.engine == "postgres" else script
    if database.engine == "mariadb":
        script = "SET time_zone = '+00:00';\n" + script
    if values:
        script += f"INSERT INTO {name} VALUES {', '.join(f'({value})' for value in values)};\n"
    # A credential that could read what is denied is not served.
    seen = ", ".join(column for column in COLUMNS if column != "salary")
    if database.engine == "postgres":
        script += f"GRANT SELECT ({seen}) ON {name} TO {READER};\n"
    if database.engine == "mariadb":
        script += f"GRANT SELECT ({seen}) ON {database.schema}.orders TO {READER}@'127.0.0.1';\n"
    execute(database, script)


def _literal(value: Any, database: Database) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return ("true" if value else "false") if database.engine != "sqlite" else str(int(value))
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dt.datetime):
        said = value.astimezone(dt.UTC) if value.tzinfo else value
        text = said.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds").rstrip("0").rstrip(".")
        zoned = value.tzinfo is not None and database.engine != "mariadb"
        return f"'{text}{'+00' if zoned else ''}'"
    text = str(value).replace("'", "''")
    return f"'{text}'"


@asynccontextmanager
async def totals(
    root: Path, database: Database, orders: Iterable[Row], capabilities: str, *, more: str = "", clock: Any = None
) -> AsyncIterator[Shop]:
    """Open a project over these orders; `capabilities` is what stands under that word of its contract."""
    fill(database, orders)
    policy = HEAD.format(schema=database.schema, more=more) + capabilities
    async with open_shop(root / "totals", database, policy=policy, clock=clock) as shop:
        yield shop


def grouped(
    orders: Iterable[Row],
    keys: Mapping[str, Callable[[Row], Any]],
    measures: Mapping[str, Callable[[Sequence[Row]], Any]],
) -> list[dict[str, Any]]:
    """Return what a grouping of rows must answer, in the order of the keys, those without a value last."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for order in orders:
        found.setdefault(tuple(key(order) for key in keys.values()), []).append(order)
    ordered = sorted(
        found.items(), key=lambda item: [(part is None, part if part is not None else "") for part in item[0]]
    )
    return [
        dict(zip(keys, key, strict=True)) | {name: measure(group) for name, measure in measures.items()}
        for key, group in ordered
    ]


def local(order: Row, zone: str) -> dt.datetime:
    """Return the moment of an order by a zone's clock."""
    moment: dt.datetime = order["moment"]
    return moment.astimezone(ZoneInfo(zone))


def told(at: dt.datetime | dt.date, unit: str) -> str:
    """Return how a stretch of time is told, by the standard library's own means."""
    if unit == "hour":
        assert isinstance(at, dt.datetime)
        # By the text: where the clock goes back by half an hour, the hour's first minute is not of the same offset.
        return f"{at:%Y-%m-%dT%H}:00{at.isoformat(timespec='minutes')[16:]}"
    if unit == "week":
        year, week, _ = at.isocalendar()
        return f"{year}-W{week:02}"
    if unit == "quarter":
        return f"{at.year}-Q{(at.month + 2) // 3}"
    return {"day": f"{at:%Y-%m-%d}", "month": f"{at:%Y-%m}", "year": f"{at:%Y}"}[unit]
