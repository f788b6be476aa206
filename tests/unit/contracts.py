"""A small contract that is in order, for tests that break it."""

from typing import Any

import yaml

from synapsor.contract.model import Contract

GOOD = """\
synapsor: 1
contract: billing
contexts:
  support: {tenant: session.tenant_id, principal: session.user}
tables:
  invoices:
    source: shop
    relation: billing.invoice_review
    write_to: billing.invoices
    key: id
    tenant: tenant_id
    version: row_version
    moves: [updated_at]
    columns:
      id: text
      tenant_id: text
      status: {type: text, one_of: [open, overdue]}
      fee: {type: integer, minimum: 0, maximum: 100000, unit: cents}
      amount: {type: numeric, scale: 2}
      note: {type: text, max_length: 500}
      paid: boolean
      due: date
      extra: json
      row_version: integer
      updated_at: timestamptz
      card_token: denied
capabilities:
  billing.inspect:
    description: Look at one invoice.
    read: invoices
    arguments:
      invoice_id: {type: string, max_length: 64}
    where: {id: $invoice_id}
    returns: [id, status, fee]
  billing.list_open:
    description: The open invoices.
    read: invoices
    where: {status: open}
    order: [-fee]
  billing.propose_note:
    description: Ask for a note to be replaced.
    propose: update invoices
    arguments:
      invoice_id: {type: string, max_length: 64}
      words: {type: string, max_length: 500}
    where: {id: $invoice_id}
    set: {note: $words}
    bounds: {fee: {before: {at_most: 10000}}}
    approval: {role: lead}
"""

LINKED = (
    GOOD.replace("      status: {type: text", "      buyer_id: text\n      status: {type: text")
    .replace(
        "    moves: [updated_at]\n",
        """\
    moves: [updated_at]
    links:
      buyer: {to: buyers, on: {buyer_id: id}}
      lines: {to: lines, on: {id: invoice_id}, many: true}
""",
    )
    .replace(
        "capabilities:\n",
        """\
  buyers:
    source: shop
    relation: billing.buyers
    key: id
    tenant: tenant
    links:
      region: {to: regions, on: {region_id: id}, because: Regions come from one list.}
    columns: {id: text, tenant: text, name: text, tier: {type: text, one_of: [gold, plain]}, region_id: text, ssn_1: denied}
  regions:
    source: shop
    relation: billing.regions
    key: id
    tenant: {single_tenant: true, because: Regions are everybody's.}
    columns: {id: text, name: text}
  lines:
    source: shop
    relation: billing.lines
    key: [invoice_id, line]
    tenant: tenant_id
    links:
      receiver: {to: buyers, on: {buyer_id: id}}
    columns: {tenant_id: text, invoice_id: text, line: integer, count: integer, weight: numeric, buyer_id: text, raw: json, cost: denied}
capabilities:
""",
    )
    .replace(
        "    returns: [id, status, fee]\n",
        """\
    returns: [id, status, buyer.name, buyer.region.name]
    with:
      lines: {returns: [line, receiver.name], where: {count: {at_least: 1}, receiver.tier: gold}, order: [-count], rows: 20}
""",
    )
    .replace("where: {status: open}", "where: {status: open, buyer.tier: plain}")
)
"""The same contract with links, with paths through them and with a list that comes along."""


def data() -> dict[str, Any]:
    """Return the contract as plain data, fresh each time."""
    loaded: dict[str, Any] = yaml.safe_load(GOOD)
    return loaded


def contract() -> Contract:
    """Return the contract."""
    return Contract.model_validate(data())
