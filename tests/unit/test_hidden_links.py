"""A hidden column behind a link, or in a list that comes along, is shown and kept as its own table says."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from synapsor.contract.load import read_text
from synapsor.core.scope import Session
from synapsor.flow.reveal import behind
from synapsor.testing import Trial, desk_for

POLICY = """\
synapsor: 1
contract: orders
contexts:
  support: {tenant: session.tenant_id, principal: session.user}
tables:
  buyers:
    source: shop
    relation: main.buyers
    key: id
    tenant: tenant_id
    links: {orders: {to: orders, on: {id: buyer_id}, many: true}}
    columns:
      id: text
      tenant_id: text
      email: {type: text, show: token}
      card: {type: text, show: last_four}
      salary: {type: integer, show: aggregate}
  orders:
    source: shop
    relation: main.orders
    key: id
    tenant: tenant_id
    links: {buyer: {to: buyers, on: {buyer_id: id}}}
    columns:
      id: text
      tenant_id: text
      buyer_id: text
      phone: {type: text, show: token}
capabilities:
  orders.inspect:
    description: Look at one order and its buyer.
    read: orders
    arguments: {order_id: {type: string, max_length: 20}}
    where: {id: $order_id}
    returns: [id, phone, buyer.email, buyer.card]
  buyers.inspect:
    description: Look at one buyer and the orders.
    read: buyers
    arguments: {buyer_id: {type: string, max_length: 20}}
    where: {id: $buyer_id}
    with: {orders: {returns: [id, phone, buyer.email], rows: 5}}
  buyers.totals:
    description: What all buyers earn.
    aggregate: buyers
    measures: {salary: {sum: salary}, most: {max: salary}, email: {count_distinct: email}}
    minimum_group: 2
  orders.totals:
    description: What the buyers of all orders have in common.
    aggregate: orders
    measures: {orders: count, mails: {count_distinct: buyer.email}, pays: {count_distinct: buyer.salary}}
    group: {buyer: buyer.id}
    minimum_group: 2
  orders.count:
    description: How many orders one buyer has.
    aggregate: orders
    arguments: {buyer_id: {type: string, max_length: 20, optional: true}}
    where: {buyer.id: $buyer_id}
    measures: {orders: count}
"""
SCHEMA = """\
CREATE TABLE buyers (
  id TEXT NOT NULL PRIMARY KEY, tenant_id TEXT NOT NULL, email TEXT, card TEXT, salary INTEGER) STRICT;
CREATE TABLE orders (
  id TEXT NOT NULL PRIMARY KEY, tenant_id TEXT NOT NULL, buyer_id TEXT REFERENCES buyers (id), phone TEXT) STRICT;
"""
SEED = """\
INSERT INTO buyers VALUES ('B-1', 'acme', 'CANARY-mail', 'CANARY-card-4321', 77123401), ('B-2', 'acme', 'CANARY-mail', NULL, 1);
INSERT INTO orders VALUES ('O-1', 'acme', 'B-1', 'CANARY-phone'), ('O-2', 'acme', NULL, NULL), ('O-3', 'acme', 'B-1', NULL),
  ('O-4', 'acme', NULL, NULL);
"""
BUYERS = "    aggregate: buyers\n"
SESSION = {"tenant_id": "acme", "user": "agent"}


@pytest_asyncio.fixture
async def trial() -> AsyncIterator[Trial]:
    async with desk_for(POLICY, schema=SCHEMA, seed=SEED, session=SESSION) as opened:
        yield opened


@pytest.mark.requirement("hidden:shown-as-reviewed")
async def test_a_hidden_column_is_hidden_by_whatever_path_it_is_reached(trial: Trial) -> None:
    order = await trial.call("orders.inspect", order_id="O-1")
    buyer = await trial.call("buyers.inspect", buyer_id="B-1")
    row, told = order["data"]["row"], buyer["data"]["row"]
    assert row["buyer"] == {"email": told["email"], "card": "…4321"}
    assert told["orders"]["rows"] == [
        {"id": "O-1", "phone": row["phone"], "buyer": {"email": told["email"]}},
        {"id": "O-3", "phone": None, "buyer": {"email": told["email"]}},
    ]
    assert (await trial.call("orders.inspect", order_id="O-2"))["data"]["row"]["buyer"] is None
    kept = [await trial.ledger.evidence(answer["evidence"]["id"]) for answer in (order, buyer)]
    again = [
        await trial.desk.resource(f"synapsor://evidence/{answer['evidence']['id']}", Session(values=SESSION))
        for answer in (order, buyer)
    ]
    assert again[0] is not None
    assert again[1] is not None
    assert (again[0]["rows"], again[1]["rows"]) == ([row], [told])
    everything = json.dumps([order, buyer, kept, again])
    assert "CANARY" not in everything
    assert "77123401" not in everything
    look = await behind(trial.ledger, row["phone"], None)
    assert (look.column, look.role, list(look.sealed)) == ("phone", "revealer", [row["phone"]])


@pytest.mark.requirement("hidden:shown-as-reviewed")
async def test_a_column_for_aggregates_is_measured_whatever_a_measure_is_called(trial: Trial) -> None:
    answer = await trial.call("buyers.totals")
    assert answer["data"]["totals"] == {"salary": 77123402, "most": 77123401, "email": 1}
    again = await trial.desk.resource(f"synapsor://evidence/{answer['evidence']['id']}", Session(values=SESSION))
    assert again is not None
    assert [row["salary"] for row in again["rows"]] == [77123402]


@pytest.mark.requirement("hidden:shown-as-reviewed", "link:aggregate")
async def test_hidden_values_behind_a_link_are_counted_and_told_to_nobody(trial: Trial) -> None:
    answer = await trial.call("orders.totals")
    assert answer["data"]["groups"] == [
        {"buyer": "B-1", "mails": 1, "orders": 2, "pays": 1},
        {"buyer": None, "mails": 0, "orders": 2, "pays": 0},
    ]
    evidence = await trial.ledger.evidence(answer["evidence"]["id"])
    assert "CANARY" not in json.dumps([answer, evidence])
    assert "77123401" not in json.dumps([answer, evidence])


@pytest.mark.requirement("hidden:no-oracle")
@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("buyer.email, buyer.card]", "buyer.salary]", "SYN806"),
        ("where: {id: $order_id}", "where: {id: $order_id, buyer.email: $order_id}", "SYN803"),
        ("rows: 5}}", "rows: 5, order: [phone]}}", "SYN804"),
        ("rows: 5}}", "rows: 5, order: [buyer.email]}}", "SYN804"),
        ("rows: 5}}", "rows: 5, order: [-buyer.salary]}}", "SYN804"),
        (
            "    where: {id: $order_id}",
            "    pages: true\n    order: [buyer.email]\n    where: {buyer_id: $order_id}",
            "SYN804",
        ),
        ("    where: {id: $order_id}", "    where: {buyer_id: $order_id}\n    order: [-buyer.card]", "SYN804"),
        ("rows: 5}}", "rows: 5, where: {phone: $buyer_id}}}", "SYN803"),
        ("    measures: {orders: count}\n", "    measures: {mails: {count_distinct: buyer.email}}\n", "SYN809"),
        ("    measures: {orders: count}\n", "    measures: {mails: {count_distinct: phone}}\n", "SYN809"),
        (
            "count_distinct: email}}\n    minimum_group: 2",
            "count_distinct: email}}\n    minimum_group: 1",
            "SYN809 SYN809 SYN809",
        ),
        ("[id, phone, buyer.email], rows", "[id, buyer.salary], rows", "SYN806"),
        (BUYERS, f"{BUYERS}    group: {{mail: email}}\n", "SYN809"),
        (BUYERS, f"{BUYERS}    group: {{pay: salary}}\n", "SYN809"),
        ("{count_distinct: email}", "{min: card}", "SYN809 SYN602"),
        ("group: {buyer: buyer.id}", "group: {buyer: buyer.email}", "SYN809"),
        ("group: {buyer: buyer.id}", "group: {buyer: buyer.card}", "SYN809"),
        ("group: {buyer: buyer.id}", "group: {buyer: buyer.salary}", "SYN809"),
        ("{count_distinct: buyer.salary}", "{sum: buyer.salary}", "SYN809"),
        ("{count_distinct: buyer.salary}", "{avg: buyer.salary}", "SYN809"),
        ("{count_distinct: buyer.salary}", "{max: buyer.salary}", "SYN809"),
        ("{count_distinct: buyer.email}", "{min: buyer.card}", "SYN809 SYN602"),
        ("where: {buyer.id: $buyer_id}", "where: {buyer.email: $buyer_id}", "SYN803"),
        ("where: {buyer.id: $buyer_id}", "where: {buyer.card: {starts_with: $buyer_id}}", "SYN803"),
        (
            "    group: {buyer: buyer.id}",
            "    compare: {column: buyer.salary, periods: {current: {above: 5}, previous: {below: 5}}}",
            "SYN809",
        ),
        (
            BUYERS,
            f"{BUYERS}    compare: {{column: salary, periods: {{current: {{above: 5}}, previous: {{below: 5}}}}}}\n",
            "SYN809",
        ),
    ],
)
def test_a_hidden_column_behind_a_link_is_no_oracle_either(old: str, new: str, rule: str) -> None:
    assert POLICY.count(old) == 1
    assert [p.rule for p in read_text(POLICY.replace(old, new), "x.yaml").problems] == rule.split()
