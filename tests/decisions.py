"""A proposal that waits for a decision, people who could decide on it, and a ledger that holds it."""

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor.contract.digest import canonical_body, contract_digest
from synapsor.contract.load import load_all
from synapsor.core.moment import stamp
from synapsor.core.proposal import Member, Proposal
from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator
from synapsor.flow.activate import activate
from synapsor.flow.signing import Signer
from synapsor.ledger.open import open_memory_ledger
from synapsor.ledger.store import Ledger
from synapsor.testing.clock import TestClock
from synapsor.values import digest

NOW = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
BILLING = load_all([Path(__file__).parents[1] / "policies" / "billing.yaml"])[0].contract
PROPOSAL_ID = "wrp_" + "0" * 19 + "1"


@dataclass(frozen=True, kw_only=True)
class Person:
    """An operator and the key that makes them one."""

    operator: Operator
    key: Ed25519PrivateKey

    @property
    def signer(self) -> Signer:
        """Who signs with the key."""
        return Signer(operator=self.operator, key=self.key)


def person(name: str = "leo", *roles: str, principals: tuple[str, ...] = (), revoked: bool = False) -> Person:
    """Return a person with a new key; a billing lead unless told otherwise."""
    key = Ed25519PrivateKey.generate()
    operator = Operator(
        name=name, key=public_text(key), roles=roles or ("billing_lead",), principals=principals, revoked=revoked
    )
    return Person(operator=operator, key=key)


def evidence_of(row: dict[str, str | None]) -> dict[str, Any]:
    """Return the evidence of one row as seen a minute ago."""
    return {
        "id": "ev_" + "0" * 19 + "1",
        "call": "aud_" + "0" * 19 + "1",
        "at": stamp(NOW - dt.timedelta(minutes=1)),
        "capability": "billing.propose_late_fee_waiver",
        "contract": contract_digest(BILLING),
        "tenant": "acme",
        "principal": "support_agent_17",
        "source": "shop",
        "columns": [[name, "text"] for name in row],
        "rows": [list(row.values())],
        "position": None,
        "cut_by": None,
        "plan": "sha256:" + "p" * 64,
        "parameters": "sha256:" + "a" * 64,
        "limits": {"rows": 1, "bytes": 1024, "time_ms": 1000},
    }


def audit_of(evidence: dict[str, Any]) -> dict[str, Any]:
    """Return the audit of the call that saw this evidence."""
    same = ("at", "capability", "contract", "tenant", "principal", "source", "plan", "parameters")
    more = {"client": "stdio", "run": "run_1", "outcome": "proposed", "relation": "billing.invoice_review", "rows": 1}
    return {"id": evidence["call"], **{n: evidence[n] for n in same}, **more, "evidence": evidence["id"]}


ROW: dict[str, str | None] = {
    "id": "INV-3001",
    "tenant_id": "acme",
    "late_fee_cents": "5500",
    "waiver_reason": None,
    "row_version": "3",
}


def with_row(told: Proposal, **fields: Any) -> Proposal:
    """Return the proposal with other fields; `key`, `before` and `changes` are those of its first row."""
    row = {name: fields.pop(name) for name in ("key", "before", "changes") if name in fields}
    members = fields.pop("members", told.members)
    return replace(told, members=(replace(members[0], **row), *members[1:]) if row else members, **fields)


def proposal(ledger: str = "led_test", **changes: Any) -> Proposal:
    """Return a waiver of one late fee, asked for a minute ago; `changes` replace its fields."""
    evidence = evidence_of(ROW)
    return with_row(
        Proposal(
            id=PROPOSAL_ID,
            branch="rb_" + "0" * 19 + "1",
            at=evidence["at"],
            expires_at=stamp(NOW + dt.timedelta(hours=72)),
            nonce="n" * 32,
            ledger=ledger,
            capability=evidence["capability"],
            contract=evidence["contract"],
            tenant="acme",
            principal="support_agent_17",
            client="stdio",
            source="shop",
            relation="billing.invoices",
            tenant_column="tenant_id",
            principal_column=None,
            operation="update",
            members=(
                Member(
                    key=(("id", "INV-3001"),),
                    before=dict(ROW),
                    changes={"late_fee_cents": "0", "waiver_reason": "Paid next day."},
                ),
            ),
            columns=(
                ("id", "text"),
                ("tenant_id", "text"),
                ("late_fee_cents", "integer"),
                ("waiver_reason", "text"),
                ("row_version", "integer"),
            ),
            guards=("row_version", "late_fee_cents", "waiver_reason"),
            advances="row_version",
            moves=(),
            arguments={"invoice_id": "INV-3001", "reason": "Paid next day."},
            evidence=evidence["id"],
            evidence_digest=digest("evidence", evidence),
            request="sha256:" + "r" * 64,
            role="billing_lead",
        ),
        **changes,
    )


async def open_ledger() -> Ledger:
    """Return a ledger in memory in which the contract is active: by somebody whom none of these people know, which keeps nobody from deciding."""
    ledger = open_memory_ledger(clock=TestClock(NOW))
    rita = person("rita", "contract_reviewer")
    await activate(
        ledger,
        contract=BILLING.contract,
        digest=contract_digest(BILLING),
        body=canonical_body(BILLING),
        sources={},
        metadata={},
        signer=Signer(operator=rita.operator, key=rita.key),
        operators={"rita": rita.operator},
        now=NOW,
    )
    return ledger


async def filed(**changes: Any) -> tuple[Ledger, Proposal]:
    """Return a ledger in memory with one proposal in review."""
    ledger = await open_ledger()
    asked = proposal(ledger.id, **changes)
    evidence = evidence_of(ROW)
    await ledger.file_proposal(asked, evidence, audit_of(evidence))
    return ledger, asked
