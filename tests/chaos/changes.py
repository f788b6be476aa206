"""What the chaos tests ask for: one row changed, a set changed, several rows added, a set removed, and a set changed together with
rows added, all of them of one table.

Rows come in groups of one customer, which is what a set is asked by; the other tenant has a row of every group, too.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from synapsor.core.scope import Session
from tests.chaos.history import TRIGGER, Asked
from tests.databases import Database, execute, table
from tests.projects import ACME, GLOBEX, ROOT, ProjectFiles, write_project

KINDS = ("one", "set", "insert", "delete", "group")
SESSIONS = {"acme": ACME, "globex": GLOBEX}
GROUP = 3
"""How many rows a group has."""
_MORE = f"""
  billing.waive_all:
    description: Ask for the late fees of a customer to be waived.
    propose: update invoices
    arguments: {{customer: {{type: string, max_length: 100}}, reason: {{type: string, max_length: 500}}}}
    where: {{customer: $customer}}
    members: {{at_most: {GROUP}}}
    set: {{late_fee_cents: 0, waiver_reason: $reason}}
    returns: [id, late_fee_cents, waiver_reason]
    approval: {{role: billing_lead}}
  billing.add_all:
    description: Ask for invoices of a customer to be added.
    propose: insert invoices
    arguments:
      customer: {{type: string, max_length: 100}}
      reason: {{type: string, max_length: 500}}
      list: {{type: items, many: {GROUP}, fields: {{id: {{type: string, max_length: 64}}}}}}
    items: $list
    set: {{id: $list.id, customer: $customer, status: overdue, amount: 10, due_date: 2026-01-31, waiver_reason: $reason}}
    dedup: [tenant_id, id]
    approval: {{role: billing_lead}}
  billing.remove_all:
    description: Ask for the invoices of a customer to be removed.
    propose: delete invoices
    arguments: {{customer: {{type: string, max_length: 100}}}}
    where: {{customer: $customer}}
    members: {{at_most: {GROUP}}}
    accepts: {{triggers: [{TRIGGER}]}}
    returns: [id]
    approval: {{role: billing_lead}}
"""
_MORE += (
    _MORE.partition("  billing.remove_all:")[0].replace("waive_all", "waive_with").replace("add_all", "add_with")
    + "workflows:\n  moving:\n    allow: [billing.waive_with, billing.add_with]\n"
    "    together: [billing.waive_with, billing.add_with]\n"
)
_ADDED = "id, tenant_id, customer, status, amount, due_date, waiver_reason"
# Rows can be added only where what a contract denies has a value of its own.
_ALLOW = {
    "postgres": f"""
ALTER TABLE billing.invoices ALTER card_token SET DEFAULT 'CANARY-default';
GRANT INSERT ({_ADDED}), DELETE ON billing.invoices TO synapsor_writer;
""",
    "mariadb": f"""
ALTER TABLE invoices ALTER card_token SET DEFAULT 'CANARY-default';
GRANT INSERT ({_ADDED}), DELETE ON invoices TO synapsor_writer@'127.0.0.1';
GRANT PROCESS ON *.* TO synapsor_writer@'127.0.0.1';
""",
    "sqlite": """
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'card_token     TEXT NOT NULL', 'card_token     TEXT NOT NULL DEFAULT ''CANARY-default''')
  WHERE name = 'invoices';
PRAGMA writable_schema = RESET;
""",
}


@dataclass(frozen=True)
class Request:
    """A call that proposes something, and what must come of it if it is approved; `others` stand or fall with it."""

    capability: str
    arguments: dict[str, Any]
    session: Session
    asked: Asked
    others: tuple["Request", ...] = ()


def write_chaos_project(root: Path, database: Database, *, shadow: bool = False) -> ProjectFiles:
    """Write a project whose one table may be changed in every way; with `shadow`, all of it is measured before it is approved."""
    execute(database, _ALLOW[database.engine])
    policy = (ROOT / "policies" / "billing.yaml").read_text(encoding="utf-8")
    policy += _MORE
    if shadow:
        policy = policy.replace("approval: {role: billing_lead", "approval: {role: billing_lead, shadow: true")
    return write_project(root, database, policy=policy)


def members(tenant: str, group: str) -> tuple[str, ...]:
    """Return the rows of a group."""
    return tuple(f"{group}-{tenant}-{n}" for n in range(GROUP))


def fill(database: Database, groups: Iterable[str]) -> None:
    """Add the rows of these groups to both tenants."""
    values = [
        f"('{key}', '{tenant}', '{group}', 'overdue', '10.00', 500, '2026-01-31', 'CANARY-token')"
        for group in groups
        for tenant in SESSIONS
        for key in members(tenant, group)
    ]
    columns = "id, tenant_id, customer, status, amount, late_fee_cents, due_date, card_token"
    execute(database, f"INSERT INTO {table(database, 'invoices')} ({columns}) VALUES " + ", ".join(values))


def one(tenant: str, row: str, mark: str) -> Request:
    """Ask for one row to be changed."""
    return Request(
        "billing.propose_late_fee_waiver",
        {"invoice_id": row, "reason": mark},
        SESSIONS[tenant],
        Asked(mark, "update", frozenset({row})),
    )


def _set(tenant: str, group: str, mark: str) -> Request:
    return Request(
        "billing.waive_all",
        {"customer": group, "reason": mark},
        SESSIONS[tenant],
        Asked(mark, "update", frozenset(members(tenant, group))),
    )


def _insert(tenant: str, _: str, mark: str) -> Request:
    group = f"new {mark}"
    rows = members(tenant, group)
    return Request(
        "billing.add_all",
        {"customer": group, "reason": mark, "list": [{"id": row} for row in rows]},
        SESSIONS[tenant],
        Asked(mark, "insert", frozenset(rows)),
    )


def _delete(tenant: str, group: str, mark: str) -> Request:
    return Request(
        "billing.remove_all",
        {"customer": group},
        SESSIONS[tenant],
        Asked(mark, "delete", frozenset(members(tenant, group))),
    )


def _group(tenant: str, group: str, mark: str) -> Request:
    session = replace(SESSIONS[tenant], run=f"run {mark}")
    added = replace(_insert(tenant, group, f"{mark} added"), capability="billing.add_with", session=session)
    changed = _set(tenant, group, f"{mark} changed")
    return replace(changed, capability="billing.waive_with", session=session, others=(added,))


ASK: dict[str, Callable[[str, str, str], Request]] = {
    "one": lambda tenant, group, mark: one(tenant, members(tenant, group)[0], mark),
    "set": _set,
    "insert": _insert,
    "delete": _delete,
    "group": _group,
}
"""For each kind, how it is asked of a group; what is added is a group of its own."""
