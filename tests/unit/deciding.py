"""A contract in which all that decides has a part, and a trial of it: one fee that is changed, by how much and why."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from synapsor.testing import Trial, desk_for
from tests.unit.test_trial import SCHEMA, SEED

FEES = """\
synapsor: 1
contract: billing
contexts:
  support: {tenant: session.tenant_id, principal: session.user}
tables:
  invoices:
    source: shop
    relation: billing.invoices
    key: id
    tenant: tenant_id
    version: row_version
    moves: [updated_at]
    columns:
      id: text
      tenant_id: text
      customer: text
      status: {type: text, one_of: [open, overdue, paid, waiver_pending]}
      amount: {type: numeric, scale: 2}
      late_fee_cents: {type: integer, unit: cents}
      waiver_reason: {type: text, max_length: 500}
      note: {type: text, max_length: 500}
      due_date: date
      row_version: integer
      updated_at: timestamptz
capabilities:
  billing.inspect:
    description: Look at one invoice.
    read: invoices
    arguments: {invoice_id: {type: string, max_length: 64}}
    where: {id: $invoice_id}
    returns: [id, status, late_fee_cents]
  billing.propose_fee:
    description: Ask for a late fee to be changed.
    propose: update invoices
    arguments:
      invoice_id: {type: string, max_length: 64}
      cents: {type: integer, minimum: 0, maximum: 1000000}
      why: {type: string, one_of: [goodwill, mistake, dispute]}
    where: {id: $invoice_id}
    set: {late_fee_cents: $cents}
    reason_code: $why
    risk:
      high: {late_fee_cents: {change: {at_most: -5000}}}
      medium: {reason_code: [dispute]}
    approval: {role: lead, quorum: 1, expires_hours: 72, high: {role: boss, quorum: 2, expires_hours: 24}, policy: small_fees}
    worker: supervised
policies:
  small_fees:
    when: {late_fee_cents: {after: {at_most: 10000}, change: {at_least: -1000, at_most: 1000}}, status: {before: {one_of: [overdue]}}}
    reason_codes: [goodwill, mistake]
    limits: {per_day: [{count: 5, total: {late_fee_cents: 2000}}, {count: 2, of: object}]}
"""


@asynccontextmanager
async def fees(text: str = FEES, **options: Any) -> AsyncIterator[Trial]:
    """Open a trial of the contract, or of another text of it."""
    async with desk_for(
        text, schema=SCHEMA, seed=SEED, session={"tenant_id": "acme", "user": "agent"}, **options
    ) as trial:
        yield trial


async def asked(trial: Trial, cents: int, why: str = "goodwill", invoice: str = "INV-3001") -> dict[str, Any]:
    """Return the envelope of a proposal to change a fee."""
    answer = await trial.call("billing.propose_fee", invoice_id=invoice, cents=cents, why=why)
    assert answer["ok"], answer["error"]
    return answer
