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


def data() -> dict[str, Any]:
    """Return the contract as plain data, fresh each time."""
    loaded: dict[str, Any] = yaml.safe_load(GOOD)
    return loaded


def contract() -> Contract:
    """Return the contract."""
    return Contract.model_validate(data())
