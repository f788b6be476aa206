"""The three example businesses are whole: their contracts serve, propose and apply on real servers, and no foreign row is ever seen."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import pytest_asyncio

from synapsor.core.scope import Session
from synapsor.flow.desk import Desk
from tests.businesses import BUSINESSES, Business, approved, load_business, opened
from tests.databases import fetch, table

ENGINES = ("postgres", "mariadb", "sqlite")
RITA = Session(values={"tenant_id": "acme", "user": "rita"}, client="test", run="one connection")

READS: dict[str, list[tuple[str, dict[str, Any], int]]] = {
    "support": [
        ("support.find_tickets", {}, 12),
        ("support.find_tickets", {"statuses": ["open"], "priorities": ["urgent", "high"]}, 3),
        ("support.find_tickets", {"customer": "CUS-1"}, 3),
        ("support.find_tickets", {"tier": "gold"}, 5),
        ("support.find_tickets", {"subject": "Re"}, 1),
        ("support.find_tickets", {"subject": "re"}, 0),
        ("support.find_tickets", {"opened_from": "2026-10-03T00:00:00Z", "opened_before": "2026-10-05T00:00:00Z"}, 2),
        ("support.my_tickets", {}, 3),
        ("support.read_messages", {"ticket_id": "T-1005"}, 3),
        ("support.inspect_ticket", {"ticket_id": "T-1001"}, 1),
        ("support.inspect_customer", {"customer_id": "CUS-5"}, 1),
        ("support.inspect_message", {"ticket_id": "T-1001", "number": 2}, 1),
    ],
    "retail": [
        ("retail.find_products", {}, 7),
        ("retail.find_products", {"price_from": "19.90", "price_to": "100"}, 3),
        ("retail.find_products", {"category": "furniture", "name": "Oak"}, 2),
        ("retail.inspect_stock", {"store_id": "S-1", "sku": "SKU-10"}, 1),
        ("retail.low_stock", {"store_id": "S-1", "fewer_than": 10}, 4),
        ("retail.stock_of_store", {"store_id": "S-1"}, 6),
        ("retail.stock_of_store", {"store_id": "S-1", "category": "textile"}, 2),
        ("retail.list_orders", {"store_id": "S-1", "statuses": ["draft", "sent"]}, 3),
        ("retail.list_orders", {"store_id": "S-1"}, 3),
    ],
}
COUNTED: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "support": [
        (
            "support.ticket_numbers",
            {
                "groups": [{"status": "open", "tickets": 7, "customers": 5, "oldest": "2026-10-01T09:00:00Z"}],
                "count": 1,
                "truncated": False,
                "withheld": True,
            },
        ),
        (
            "support.tickets_by_week",
            {
                # One of week 42 follows from a total, so that the four of week 40 are withheld with it.
                "groups": [{"week": "2026-W41", "tickets": 7}],
                "count": 1,
                "truncated": False,
                "withheld": True,
            },
        ),
    ],
    "retail": [
        (
            "retail.stock_totals",
            {
                "groups": [
                    {"store": "S-2", "products": 6, "pieces": 73, "reserved_pieces": 8},
                    {"store": "S-3", "products": 6, "pieces": 56, "reserved_pieces": 7},
                    {"store": "S-1", "products": 6, "pieces": 44, "reserved_pieces": 6},
                ],
                "count": 3,
                "truncated": False,
                "withheld": False,
            },
        ),
        (
            "retail.pieces_by_category",
            {
                "groups": [
                    {"category": "kitchen", "places": 4, "pieces": 50, "average_price": "21.95"},
                    {"category": "textile", "places": 5, "pieces": 46, "average_price": "125.20"},
                    {"category": "light", "places": 4, "pieces": 39, "average_price": "64.45"},
                    {"category": "furniture", "places": 5, "pieces": 38, "average_price": "217.20"},
                ],
                "count": 4,
                "truncated": False,
                "withheld": False,
            },
        ),
        (
            "retail.price_levels",
            {
                "groups": [
                    {"category": "kitchen", "products": 2, "average_price": "21.95", "average_cost": "7.05"},
                    {"category": "textile", "products": 2, "average_price": "106.75", "average_cost": "48.03"},
                ],
                "count": 2,  # a single lamp, and the furniture with it
                "truncated": False,
                "withheld": True,
            },
        ),
    ],
}
ABSENT: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "support": [
        ("support.inspect_ticket", {"ticket_id": "T-1013"}),  # deleted
        ("support.inspect_customer", {"customer_id": "CUS-9"}),  # of globex
        ("support.inspect_message", {"ticket_id": "T-1001", "number": 3}),
        ("support.propose_priority", {"ticket_id": "T-1013", "priority": "high"}),
    ],
    "retail": [
        ("retail.inspect_stock", {"store_id": "S-1", "sku": "sku-10"}),
        ("retail.propose_count", {"store_id": "S-9", "sku": "SKU-10", "counted": 1, "day": "2026-11-28"}),
        ("retail.propose_withdrawal", {"store_id": "S-1", "sku": "SKU-10 "}),
    ],
}
CHANGES: dict[str, list[tuple[str, dict[str, Any], str, tuple[Any, ...]]]] = {
    "support": [
        (
            "support.propose_resolution",
            {"ticket_id": "T-1001", "resolution": "The address is corrected."},
            "SELECT status, resolution, row_version FROM {tickets} WHERE tenant_id = 'acme' AND id = 'T-1001'",
            ("resolved", "The address is corrected.", 2),
        ),
        (
            "support.propose_priority",
            {"ticket_id": "T-1002", "priority": "urgent"},
            "SELECT priority FROM {tickets} WHERE tenant_id = 'acme' AND id = 'T-1002'",
            ("urgent",),
        ),
        (
            "support.propose_deletion",
            {"ticket_id": "T-1003"},
            "SELECT count(deleted_at) FROM {tickets} WHERE tenant_id = 'acme' AND id = 'T-1003'",
            (1,),
        ),
        (
            "support.propose_closing",
            {"before": "2026-11-01T00:00:00Z"},
            "SELECT count(*) FROM {tickets} WHERE tenant_id = 'acme' AND status = 'closed'",
            (3,),
        ),
        (
            "support.propose_credit",
            {"ticket_id": "T-1009", "customer_id": "CUS-4", "amount": 5000, "why": "late"},
            "SELECT customer_id, amount_cents, reason_code, granted_by FROM {credits} WHERE tenant_id = 'acme' AND ticket_id = 'T-1009'",
            ("CUS-4", 5000, "late", "rita"),
        ),
    ],
    "retail": [
        (
            "retail.propose_count",
            {"store_id": "S-1", "sku": "SKU-12", "counted": 12, "day": "2026-11-28"},
            "SELECT on_hand, row_version FROM {stock} WHERE tenant_id = 'acme' AND store_id = 'S-1' AND sku = 'SKU-12'",
            (12, 2),
        ),
        (
            "retail.propose_price",
            {"sku": "SKU-10", "price": "119.9"},
            "SELECT price FROM {products} WHERE tenant_id = 'acme' AND sku = 'SKU-10'",
            (Decimal("119.90"),),
        ),
        (
            "retail.propose_reservation",
            {"store_id": "S-1", "sku": "SKU-14", "pieces": 5},
            "SELECT on_hand, reserved FROM {stock} WHERE tenant_id = 'acme' AND store_id = 'S-1' AND sku = 'SKU-14'",
            (20, 6),
        ),
        (
            "retail.propose_orders",
            {
                "store_id": "S-1",
                "lines": [
                    {"order_id": "PO-100", "sku": "SKU-15", "quantity": 12},
                    {"order_id": "PO-101", "sku": "SKU-16", "quantity": 3},
                ],
            },
            "SELECT count(*), sum(quantity), min(status) FROM {purchase_orders} WHERE tenant_id = 'acme' AND id LIKE 'PO-10%'",
            (2, 15, "draft"),
        ),
        (
            "retail.propose_withdrawal",
            {"store_id": "S-1", "sku": "SKU-12"},
            "SELECT count(*) FROM {purchase_orders} WHERE tenant_id = 'acme' AND store_id = 'S-1' AND sku = 'SKU-12'",
            (0,),
        ),
        (
            "retail.propose_sending",
            {"store_id": "S-2", "sku": "SKU-11", "pieces": 3},
            "SELECT on_hand FROM {stock} WHERE tenant_id = 'acme' AND store_id = 'S-2' AND sku = 'SKU-11'",
            (9,),
        ),
        (
            "retail.propose_receiving",
            {"store_id": "S-1", "sku": "SKU-11", "pieces": 3},
            "SELECT on_hand FROM {stock} WHERE tenant_id = 'acme' AND store_id = 'S-1' AND sku = 'SKU-11'",
            (8,),
        ),
    ],
}
JOBS = {"support": 5, "retail": 6}
"""How many transactions apply all changes; those of a group are one."""


@pytest_asyncio.fixture(params=[(b, e) for b in BUSINESSES for e in ENGINES], ids="-".join)
async def business(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Business]:
    name, engine = request.param
    server = None if engine == "sqlite" else request.getfixturevalue(f"{engine}_server")
    async with opened(name, load_business(name, engine, server, tmp_path), tmp_path / "project") as found:
        yield found


async def answered(desk: Desk, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return an envelope that its own schema allows and in which no canary is."""
    envelope = await desk.call(name, arguments, RITA)
    jsonschema.Draft202012Validator(desk.tools[name].output_schema).validate(envelope)
    assert "CANARY" not in json.dumps(envelope)
    return envelope


@pytest.mark.requirement("contract:examples")
async def test_every_read_of_a_business_answers_with_its_own_rows(business: Business) -> None:
    desk = await business.project.desk()
    asked = {name for name, _, _ in READS[business.name]}
    assert asked == {
        name for name, tool in desk.tools.items() if tool.kind == "read" and name.startswith(business.name)
    }
    for name, arguments, expected in READS[business.name]:
        data = (await answered(desk, name, arguments))["data"]
        rows = [data["row"]] if "row" in data else data["rows"]
        assert (name, arguments, len(rows)) == (name, arguments, expected)
        assert data.get("total", expected) == expected


@pytest.mark.requirement("contract:examples")
async def test_every_aggregate_of_a_business_tells_what_may_be_told(business: Business) -> None:
    desk = await business.project.desk()
    assert {name for name, _ in COUNTED[business.name]} == {n for n, t in desk.tools.items() if t.kind == "aggregate"}
    for name, expected in COUNTED[business.name]:
        assert (await answered(desk, name, {}))["data"] == expected


async def test_a_ticket_is_told_with_its_customer_and_its_messages(business: Business) -> None:
    if business.name != "support":
        return
    ticket = (await answered(await business.project.desk(), "support.inspect_ticket", {"ticket_id": "T-1005"}))["data"]
    assert ticket["row"]["customer"] == {"name": "O'Hara Plumbing", "tier": "free"}
    assert [m["number"] for m in ticket["row"]["messages"]["rows"]] == [1, 2, 3]


@pytest.mark.requirement("contract:examples")
async def test_a_credit_needs_that_its_ticket_was_looked_at_in_the_same_connection(business: Business) -> None:
    if business.name != "support":
        return
    desk = await business.project.desk()
    _, credit, *_ = CHANGES["support"][-1]
    envelope = await answered(desk, "support.propose_credit", credit)
    assert envelope["error"]["code"] == "evidence_required"
    await answered(desk, "support.inspect_ticket", {"ticket_id": "T-1009"})
    elsewhere = replace(RITA, run="another connection")
    assert (await desk.call("support.propose_credit", credit, elsewhere))["error"]["code"] == "evidence_required"
    assert (await answered(desk, "support.propose_credit", credit))["proposal"]["needs"]["people"] == 2


@pytest.mark.requirement("contract:examples")
async def test_what_is_deleted_foreign_or_misspelled_is_not_found(business: Business) -> None:
    desk = await business.project.desk()
    for name, arguments in ABSENT[business.name]:
        envelope = await answered(desk, name, arguments)
        assert (name, (envelope["error"] or {}).get("code")) == (name, "not_found")


@pytest.mark.requirement("contract:examples")
async def test_every_change_of_a_business_is_proposed_approved_and_applied(business: Business) -> None:
    desk = await business.project.desk()
    proposing = {n for n, t in desk.tools.items() if t.kind == "propose"} - {"synapsor.answer_question"}
    assert {name for name, *_ in CHANGES[business.name]} == proposing
    if business.name == "support":
        await answered(desk, "support.inspect_ticket", {"ticket_id": "T-1009"})  # what a credit rests on
    for name, arguments, *_ in CHANGES[business.name]:
        envelope = await answered(desk, name, arguments)
        assert envelope["ok"], (name, envelope["error"])
        await approved(business, envelope["proposal"])
    reports: list[Any] = []
    await (await business.project.worker(report=reports.append)).run(drain=True)
    assert [(r["outcome"], r["code"]) for r in reports] == [("applied", "")] * JOBS[business.name]
    database = business.files.database
    for _, _, query, expected in CHANGES[business.name]:
        places = {
            name: table(database, name) for name in ("tickets", "credits", "stock", "products", "purchase_orders")
        }
        (row,) = fetch(database, query.format(**places))
        assert tuple(type(e)(v) for e, v in zip(expected, row, strict=True)) == expected
    assert (await business.project.verify()).ok
