"""Reads and refusals: an audit for every call, and the evidence of what left; both with one event, or neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from synapsor.core.scope import Scope
from synapsor.errors import IntegrityError
from synapsor.ledger.believed import Trust, is_told, sealed_by
from synapsor.ledger.chain import Book, Event, event
from synapsor.ledger.connection import Row, Transaction
from synapsor.ledger.kinds import AUDIT, EVIDENCE, REVEAL, Record, loads, read_each, record

_LAST: Final = 2**63 - 1


def read_event(audit: Mapping[str, Any], evidence: Mapping[str, Any] | None) -> Event:
    """Make the event of one call ready, outside the transaction."""
    return event("read", audit["id"], audit["at"], seen_records(audit, evidence))


def seen_records(audit: Mapping[str, Any], evidence: Mapping[str, Any] | None) -> tuple[Record, ...]:
    """Make the audit and the evidence of one call ready."""
    asked = record(AUDIT, audit["id"], audit)
    return (asked,) if evidence is None else (asked, record(EVIDENCE, evidence["id"], evidence))


async def evidence_of(tx: Transaction, evidence_id: str, trust: Trust) -> dict[str, Any] | None:
    """Return an evidence bundle; one that cannot be read proves as little as one that is gone."""
    row = await tx.one("evidence_by_id", id=evidence_id)
    return next(iter(await _told(tx, [row] if row else [], trust)), None)


async def answered(tx: Transaction, asked: Mapping[str, Any], trust: Trust) -> tuple[dict[str, Any], ...]:
    """Return the evidence of what a capability answered in a run, newest first."""
    return await _told(tx, await tx.all("answered_in_run", **asked), trust)


async def read_before(tx: Transaction, evidence_id: str, limit: int, trust: Trust) -> tuple[dict[str, Any], ...]:
    """Return the evidence of what was answered before in the same run, newest first."""
    return await _told(tx, await tx.all("read_before", evidence=evidence_id, limit=limit), trust)


async def own_handles(tx: Transaction, scope: Scope, beginning: str, limit: int) -> list[Row]:
    """Return the newest evidence of a tenant and a principal whose handle begins so."""
    asked = {"tenant": scope.tenant, "principal": scope.principal, "beginning": beginning, "limit": limit}
    return await tx.all("own_evidence_handles", **asked)


async def evidence_holding(tx: Transaction, token: str, trust: Trust) -> dict[str, Any] | None:
    """Return the newest evidence bundle that holds a token."""
    before = _LAST
    while (row := await tx.one("evidence_holding", token=token, before=before)) is not None:
        if found := await _told(tx, [row], trust):
            return found[0]
        before = row["seq"]
    return None


async def reveal(book: Book, body: Mapping[str, Any]) -> None:
    """Record that somebody looked behind hidden values, or was refused to."""
    kind = "revealed" if body["outcome"] == "revealed" else "reveal_refused"
    told = record(REVEAL, body["id"], body)
    await book.append(event(kind, body["subject"], body["at"], (told,)), checkpoint=True)


async def _told(tx: Transaction, rows: Sequence[Row], trust: Trust) -> tuple[dict[str, Any], ...]:
    """Return the evidence of these rows, each of a call that an event of this ledger tells of, with what was seen; all else counts as nothing."""
    events = {row["seq"]: await tx.one("event_at", seq=row["seq"]) for row in rows}
    return read_each("evidence", rows, lambda row: _as_recorded(row, events[row["seq"]], trust))[0]


def _as_recorded(row: Row, event_: Row | None, trust: Trust) -> dict[str, Any]:
    audit = loads(row["audit"])
    told = sealed_by(event_, trust) if event_ is not None else None
    if (
        told is None
        or not is_told(EVIDENCE, row["id"], row["body"], told)
        or not is_told(AUDIT, row["audit_id"], row["audit"], told)
        or any(row[name] != value for name, value in AUDIT.columns(audit).items())
    ):
        raise IntegrityError("The evidence is not what an event tells of.")
    return loads(row["body"])
