"""Reads and refusals: an audit for every call, and the evidence of what left; both with one event, or neither."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synapsor.core.scope import Scope
from synapsor.ledger.chain import Book, Event, event
from synapsor.ledger.connection import Row, Transaction
from synapsor.ledger.kinds import AUDIT, EVIDENCE, REVEAL, Record, loads, read_each, record


def read_event(audit: Mapping[str, Any], evidence: Mapping[str, Any] | None) -> Event:
    """Make the event of one call ready, outside the transaction."""
    return event("read", audit["id"], audit["at"], seen_records(audit, evidence))


def seen_records(audit: Mapping[str, Any], evidence: Mapping[str, Any] | None) -> tuple[Record, ...]:
    """Make the audit and the evidence of one call ready."""
    asked = record(AUDIT, audit["id"], audit)
    return (asked,) if evidence is None else (asked, record(EVIDENCE, evidence["id"], evidence))


async def evidence_of(tx: Transaction, evidence_id: str) -> dict[str, Any] | None:
    """Return an evidence bundle; one that cannot be read proves as little as one that is gone."""
    row = await tx.one("evidence_by_id", id=evidence_id)
    return next(iter(read_each("evidence", [row] if row else [], lambda found: loads(found["body"]))[0]), None)


async def own_handles(tx: Transaction, scope: Scope, beginning: str, limit: int) -> list[Row]:
    """Return the newest evidence of a tenant and a principal whose handle begins so."""
    asked = {"tenant": scope.tenant, "principal": scope.principal, "beginning": beginning, "limit": limit}
    return await tx.all("own_evidence_handles", **asked)


async def evidence_holding(tx: Transaction, token: str) -> dict[str, Any] | None:
    """Return the newest evidence bundle that holds a token."""
    row = await tx.one("evidence_holding", token=token)
    return loads(row["body"]) if row else None


async def reveal(book: Book, body: Mapping[str, Any]) -> None:
    """Record that somebody looked behind hidden values, or was refused to."""
    kind = "revealed" if body["outcome"] == "revealed" else "reveal_refused"
    told = record(REVEAL, body["id"], body)
    await book.append(event(kind, body["subject"], body["at"], (told,)), checkpoint=True)
