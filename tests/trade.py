"""The trade: a project whose reads follow links, over a database in which every tenant has rows with the same keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.attack.shop import Shop, open_shop
from tests.businesses import load_business
from tests.databases import Database
from tests.servers import Server

TRADE = """\
synapsor: 1
contract: trade
contexts:
  support: {tenant: session.tenant_id, principal: session.user}
tables:
  orders:
    source: shop
    relation: trade.orders
    key: id
    tenant: tenant_id
    links:
      buyer: {to: buyers, on: {buyer_id: id}}
      payer: {to: buyers, on: {payer_id: id}}
      my_buyer: {to: my_buyers, on: {buyer_id: id}}
      live_buyer: {to: live_buyers, on: {buyer_id: id}}
      money: {to: currencies, on: {currency: code}}
      period: {to: periods, on: {year: year, quarter: quarter}}
      team: {to: desks, on: {desk: code}, because: Every desk has one telephone.}
      lines: {to: order_lines, on: {id: order_id}, many: true}
      siblings: {to: orders, on: {buyer_id: buyer_id}, many: true}
    columns:
      tenant_id: text
      id: text
      buyer_id: text
      payer_id: text
      currency: text
      year: integer
      quarter: integer
      placed_on: date
      amount: {type: numeric, scale: 2}
      desk: text
      card: denied
  buyers:
    source: shop
    relation: trade.buyers
    key: id
    tenant: tenant_id
    links:
      region: {to: regions, on: {region_id: id}}
      first: {to: orders, on: {first_order_id: id}, because: The importer fills it in from the orders.}
      orders: {to: orders, on: {id: buyer_id}, many: true}
    columns: &buyer
      id: text
      tenant_id: text
      name: text
      tier: {type: text, one_of: [standard, gold]}
      agent: text
      active: boolean
      region_id: text
      first_order_id: text
      email: denied
  my_buyers:
    source: shop
    relation: trade.buyers
    key: id
    tenant: tenant_id
    principal: agent
    links:
      region: {to: regions, on: {region_id: id}}
    columns: *buyer
  live_buyers:
    source: shop
    relation: trade.buyers
    key: id
    tenant: tenant_id
    only: {active: true, tier: {one_of: [standard, gold]}}
    columns: *buyer
  regions:
    source: shop
    relation: trade.regions
    key: id
    tenant: tenant_id
    columns: {tenant_id: text, id: text, name: text, head: denied}
  currencies:
    source: shop
    relation: trade.currencies
    key: code
    tenant: {single_tenant: true, because: Currencies are everybody's.}
    columns: {code: text, name: text}
  periods:
    source: shop
    relation: trade.periods
    key: [year, quarter]
    tenant: tenant_id
    columns: {tenant_id: text, year: integer, quarter: integer, label: text}
  desks:
    source: shop
    relation: trade.desks
    key: code
    tenant: tenant_id
    columns: {tenant_id: text, code: text, phone: text}
  order_lines:
    source: shop
    relation: trade.order_lines
    key: id
    tenant: tenant_id
    links:
      receiver: {to: buyers, on: {buyer_id: id}, because: A line may be older than its buyer.}
    columns:
      id: integer
      tenant_id: text
      order_id: text
      line_no: integer
      sku: text
      quantity: integer
      buyer_id: text
      note: text
      cost: denied
capabilities:
  trade.inspect_order:
    description: Look at one order and at who bought what.
    read: orders
    arguments: {order_id: {type: string, max_length: 64}}
    where: {id: $order_id}
    returns: [id, amount, buyer.name, buyer.tier, buyer.region.name, payer.name, money.name, period.label]
    with:
      lines: {returns: [line_no, sku, quantity, note, receiver.name], order: [line_no], rows: 3}
  trade.plain_order:
    description: Look at one order alone.
    read: orders
    arguments: {order_id: {type: string, max_length: 64}}
    where: {id: $order_id}
    returns: [id, buyer.name, buyer.region.name]
  trade.assigned:
    description: Look at the buyer of an order, if it is one of yours, and if it is a live one.
    read: orders
    arguments: {order_id: {type: string, max_length: 64}}
    where: {id: $order_id}
    returns: [id, my_buyer.name, my_buyer.region.name, live_buyer.name]
  trade.list_orders:
    description: The orders, newest first, with their buyers.
    read: orders
    order: [-placed_on]
    returns: [id, buyer.name, buyer.region.name]
    total: true
    pages: true
    limits: {rows: 4}
  trade.orders_of:
    description: The orders of the buyers of a tier and of a region.
    read: orders
    arguments:
      tier: {type: string, one_of: [standard, gold], optional: true}
      region: {type: string, max_length: 20, optional: true}
    where: {buyer.tier: $tier, buyer.region.name: {starts_with: $region}}
    order: [id]
    returns: [id, buyer.name]
    total: true
  trade.orders_without_buyer:
    description: The orders whose buyer is not there.
    read: orders
    where: {buyer.name: null}
    returns: [id]
  trade.team_of:
    description: The team of one order.
    read: orders
    arguments: {order_id: {type: string, max_length: 64}}
    where: {id: $order_id}
    returns: [id, team.phone]
  trade.teams:
    description: The teams of the orders of some desks.
    read: orders
    arguments: {desks: {type: string, max_length: 20, many: 5}}
    where: {desk: {one_of: $desks}}
    order: [id]
    returns: [id, team.phone]
    total: true
  trade.circle:
    description: From an order to its buyer's first order and the buyer of that.
    read: orders
    arguments: {order_id: {type: string, max_length: 64}}
    where: {id: $order_id}
    returns: [id, buyer.first.id, buyer.first.buyer.name, buyer.first.amount]
  trade.some_lines:
    description: The lines of an order with at least so many pieces, and other orders of the same buyer.
    read: orders
    arguments:
      order_id: {type: string, max_length: 64}
      pieces: {type: integer, minimum: 1, maximum: 100, optional: true}
    where: {id: $order_id}
    returns: [id]
    with:
      lines: {returns: [line_no, sku], where: {quantity: {at_least: $pieces}}, order: [-line_no]}
      siblings: {returns: [id, period.label], order: [id]}
  trade.lines_for:
    description: The lines of an order that go to a tier.
    read: orders
    arguments: {order_id: {type: string, max_length: 64}, tier: {type: string, one_of: [standard, gold]}}
    where: {id: $order_id}
    returns: [id]
    with: {lines: {where: {receiver.tier: $tier}, order: [line_no]}}
"""


def policy() -> str:
    """Return the contract, its one repetition written out: a contract has no anchors."""
    start = TRADE.index("    columns: &buyer\n")
    columns = TRADE[start : TRADE.index("  my_buyers:", start)].replace(" &buyer", "")
    return TRADE.replace(" &buyer", "").replace("    columns: *buyer\n", columns)


def load_trade(engine: str, server: Server | None, folder: Path) -> Database:
    """Return a fresh database of the trade."""
    return load_business("trade", engine, server, folder)


@asynccontextmanager
async def open_trade(root: Path, database: Database, **options: Any) -> AsyncIterator[Shop]:
    """Open a project over the trade."""
    async with open_shop(root, database, policy=options.pop("policy", None) or policy(), **options) as shop:
        yield shop
