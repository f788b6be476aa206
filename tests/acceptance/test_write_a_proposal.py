"""The contract of docs/how-to/write-a-proposal.md, played: each of its capabilities does what the page says."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synapsor.errors import UnsafeSource
from synapsor.testing import Trial, desk_for

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "write-a-proposal.md"
SCHEMA = """
CREATE TABLE items (
  id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, sku TEXT NOT NULL, state TEXT NOT NULL, count INTEGER NOT NULL, price TEXT,
  shelf TEXT, changed_by TEXT, deleted_at TEXT, row_version INTEGER NOT NULL DEFAULT 1, UNIQUE (tenant_id, sku)) STRICT;
CREATE TRIGGER items_version AFTER UPDATE ON items WHEN NEW.row_version = OLD.row_version
BEGIN UPDATE items SET row_version = OLD.row_version + 1 WHERE id = NEW.id; END;
CREATE TABLE orders (
  id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, request_no TEXT NOT NULL, sku TEXT NOT NULL, count INTEGER NOT NULL,
  asked_by TEXT, UNIQUE (tenant_id, request_no)) STRICT;
"""
SEED = """
INSERT INTO items (id, tenant_id, sku, state, count, price, shelf) VALUES
  (1, 'acme', 'A-1', 'active', 40, '2.50', 'north'), (2, 'acme', 'A-2', 'hold', 7, '9.00', 'north'),
  (3, 'acme', 'A-3', 'retired', 0, NULL, 'north'), (9, 'globex', 'A-1', 'active', 8, '1.00', 'north');
"""


@pytest_asyncio.fixture
async def trial() -> AsyncIterator[Trial]:
    (contract,) = re.findall(
        r"^```yaml contract\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    session: dict[str, str | int] = {"tenant_id": "acme", "user": "ann"}
    async with desk_for(contract, schema=SCHEMA, seed=SEED, session=session) as opened:
        yield opened


async def applied(trial: Trial, name: str, **arguments: Any) -> str:
    """Return the outcome of a proposal that a person approved."""
    asked = await trial.call(name, **arguments)
    assert asked["ok"], asked["error"]
    await trial.approve(asked)
    (report,) = await trial.apply()
    return f"{report['outcome']} {report['code']}".strip()


async def refusal(trial: Trial, name: str, **arguments: Any) -> str:
    """Return the code of a refused call."""
    return str((await trial.call(name, **arguments))["error"]["code"])


def item(trial: Trial, key: int, columns: str) -> tuple[Any, ...]:
    return trial.database.rows(f"SELECT {columns} FROM items WHERE id = {key}")[0]


@pytest.mark.requirement("propose:computed")
async def test_pieces_are_taken_down_to_what_must_stay(trial: Trial) -> None:
    assert await refusal(trial, "stock.take", item=1, pieces=36) == "out_of_bounds"
    assert await applied(trial, "stock.take", item=1, pieces=35) == "applied"
    assert item(trial, 1, "count, changed_by, row_version") == (5, "ann", 2)


@pytest.mark.requirement("apply:stale-conflicts")
async def test_what_must_be_unchanged_is_guarded_where_no_version_tells(trial: Trial) -> None:
    await trial.approve(await trial.call("stock.take", item=1, pieces=1))
    trial.database.run("UPDATE items SET shelf = 'south', row_version = 7 WHERE id = 1")
    trial.database.run("UPDATE items SET row_version = 1 WHERE id = 1")
    assert item(trial, 1, "shelf, row_version") == ("south", 1)
    assert [(r["outcome"], r["code"]) for r in await trial.apply()] == [("conflict", "version_moved")]


@pytest.mark.requirement("propose:steps")
async def test_an_item_goes_only_the_reviewed_steps(trial: Trial) -> None:
    assert await refusal(trial, "stock.set_state", item=3, state="active") == "out_of_bounds"
    assert await applied(trial, "stock.set_state", item=1, state="hold") == "applied"


@pytest.mark.requirement("insert:once")
async def test_an_order_and_new_items_are_added(trial: Trial) -> None:
    assert await applied(trial, "stock.order", sku="A-1", pieces=10) == "applied"
    assert trial.database.rows("SELECT tenant_id, sku, count, asked_by FROM orders") == [("acme", "A-1", 10, "ann")]
    lines = [{"sku": "B-1", "price": "1.5"}, {"sku": "B-2", "price": "20"}]
    assert await applied(trial, "stock.add_items", lines=lines) == "applied"
    assert trial.database.rows("SELECT sku, price, count FROM items WHERE sku LIKE 'B%' ORDER BY sku") == [
        ("B-1", "1.50", 0),
        ("B-2", "20.00", 0),
    ]
    assert await refusal(trial, "stock.add_items", lines=[{"sku": "A-1", "price": "1"}]) == "already_there"


@pytest.mark.requirement("depends:held")
async def test_an_order_is_made_only_at_the_price_that_it_was_asked_for(trial: Trial) -> None:
    assert await refusal(trial, "stock.order", sku="B-9", pieces=1) == "not_found"
    assert await refusal(trial, "stock.order", sku="A-2", pieces=1) == "not_as_required"  # it is on hold
    await trial.approve(await trial.call("stock.order", sku="A-1", pieces=10))
    trial.database.run("UPDATE items SET price = '2.60' WHERE id = 1")
    assert [(r["outcome"], r["code"]) for r in await trial.apply()] == [("conflict", "dependency_moved")]
    assert trial.database.rows("SELECT id FROM orders") == []


async def test_an_item_that_is_hidden_is_there_for_nobody(trial: Trial) -> None:
    assert await applied(trial, "stock.hide", item=1) == "applied"
    assert item(trial, 1, "deleted_at IS NULL, sku") == (0, "A-1")
    assert await refusal(trial, "stock.hide", item=1) == "not_found"


@pytest.mark.requirement("delete:no-more")
async def test_an_item_is_removed_unless_that_does_more(trial: Trial) -> None:
    assert await applied(trial, "stock.remove", item=3) == "applied"
    assert trial.database.rows("SELECT id FROM items ORDER BY id") == [(1,), (2,), (9,)]
    trial.database.run("CREATE TABLE parts (item INTEGER REFERENCES items (id) ON DELETE CASCADE)")
    await trial.approve(await trial.call("stock.remove", item=2))
    with pytest.raises(UnsafeSource, match=r"reaches into main\.parts"):
        await trial.apply()


@pytest.mark.requirement("set:all-or-nothing")
async def test_a_shelf_is_retired_as_a_whole(trial: Trial) -> None:
    asked = await trial.call("stock.retire_shelf", shelf="north")
    assert [m["before"]["sku"] for m in asked["proposal"]["members"]] == ["A-1", "A-2"]
    assert await applied(trial, "stock.retire_shelf", shelf="north") == "applied"
    assert trial.database.rows("SELECT id, state, count FROM items ORDER BY id") == [
        (1, "retired", 0),
        (2, "retired", 0),
        (3, "retired", 0),
        (9, "active", 8),
    ]
