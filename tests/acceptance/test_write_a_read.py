"""The page on writing a read, piece by piece: its contract is in order, and every call on it answers what the page says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from synapsor.testing import desk_for

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "write-a-read.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```([^\n]*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
CALLS = [line for info, body in BLOCKS if info == "calls" for line in body.splitlines()]
SCHEMA = """\
CREATE TABLE orders (id TEXT PRIMARY KEY NOT NULL, tenant_id TEXT NOT NULL, state TEXT NOT NULL, customer TEXT, total TEXT, paid_at TEXT,
  margin TEXT) STRICT;
CREATE TABLE order_lines (order_id TEXT NOT NULL, line_no INTEGER NOT NULL, tenant_id TEXT NOT NULL, sku TEXT,
  PRIMARY KEY (order_id, line_no)) STRICT;
CREATE TABLE tasks (id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, assignee TEXT NOT NULL, title TEXT, due TEXT) STRICT;
"""


def of(info: str) -> str:
    return "".join(body for found, body in BLOCKS if found == info)


def told(answer: dict[str, Any]) -> str:
    """Return an answer as the page writes it: the first column of each row, and the total where there is one; or the code."""
    if not answer["ok"]:
        return str(answer["error"]["code"])
    data = answer["data"]
    rows = data["rows"] if "rows" in data else [data["row"]]
    said = " ".join(str(next(iter(row.values()))) for row in rows)
    return f"{said} of {data['total']}" if "total" in data else said


@pytest.mark.requirement("docs:true", "read:filters")
async def test_every_call_of_the_page_answers_what_the_page_says() -> None:
    contract = of("yaml contract") + of("yaml capability")
    session = {"tenant_id": "acme", "user": "ann"}
    async with desk_for(contract, schema=SCHEMA, seed=of("sql rows"), session=session) as trial:
        cursor = None
        for line in CALLS:
            asked, _, expected = line.partition(" -> ")
            name, _, text = asked.partition(" ")
            arguments = json.loads(text)
            if arguments.get("cursor") == "next":
                arguments["cursor"] = cursor
            answer = await trial.call(name, **arguments)
            assert (asked, told(answer)) == (asked, expected)
            cursor = (answer["data"] or {}).get("next_cursor")
        assert {line.partition(" ")[0] for line in CALLS} == set(trial.contract.capabilities)


def test_the_page_has_no_yaml_that_is_not_tried() -> None:
    assert {info for info, _ in BLOCKS if info.startswith("yaml")} == {"yaml contract", "yaml capability"}
