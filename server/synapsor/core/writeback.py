"""Applying: the job, the guarded write as a plan, the check of the row before and after it, and the receipts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from synapsor.contract.mapping import Table
from synapsor.core.links import column_of
from synapsor.core.outcome import Why
from synapsor.core.plan import Condition, ReadPlan, ReadShape, Relation, WritePlan, WriteShape
from synapsor.core.proposal import Proposal
from synapsor.values import Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """An approved proposal on its way to the source; immutable, its lease is kept beside it."""

    id: str
    proposal: str
    digest: str
    decision: str
    source: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to work on a job until it expires. It saves work; the receipt in the source is what makes it safe."""

    id: str
    job: Job
    worker: str
    attempt: int
    expires_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The ledger's record of an outcome.

    Attributes:
        code: why, as `code_of` words it; "" when applied.
        changed: whether the source database holds the change.
    """

    id: str
    job: str
    proposal: str
    digest: str
    outcome: str
    code: str
    worker: str
    attempt: int
    changed: bool
    after: dict[str, Token]
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReceipt:
    """The row that the worker writes into the source in the same transaction as the change; first writer wins."""

    key: bytes
    digest: bytes
    proposal: str
    tenant: str
    outcome: str
    ledger_head: bytes
    worker: str


def receipt_key(ledger: str, proposal: str) -> bytes:
    """Return the 32-byte key of a proposal's receipt."""
    return hashlib.sha256(f"synapsor:receipt\0{ledger}\0{proposal}".encode()).digest()


def target(table: Table) -> Relation:
    """Return the relation that is written: the base table behind a safe view, where one is named."""
    return Relation.parse(table.write_to or table.relation)


def lock_plan(proposal: Proposal, table: Table, natives: Mapping[str, str], *, time_ms: int) -> ReadPlan:
    """Return the locking read of the target row, with every column of the proposal; it serves before and after the change."""
    see = partial(column_of, table, natives=natives)
    shape = ReadShape(
        relation=target(table),
        columns=tuple(see(n) for n, _ in proposal.columns),
        tenant=see(proposal.tenant_column) if proposal.tenant_column else None,
        principal=see(proposal.principal_column) if proposal.principal_column else None,
        where=tuple(Condition(see(n)) for n, _ in proposal.key),
        rows=1,
        bytes=8_388_608,
        single=True,
        lock=True,
    )
    return ReadPlan(shape=shape, scope=_scope(proposal), values=tuple(v for _, v in proposal.key), time_ms=time_ms)


def _scope(proposal: Proposal) -> tuple[Token, ...]:
    return tuple(token for _, token in proposal.scope)


def write_plan(proposal: Proposal, table: Table, natives: Mapping[str, str]) -> WritePlan:
    """Return the guarded update: key, tenant and guards in its WHERE."""
    see = partial(column_of, table, natives=natives)
    sets = tuple((n, t) for n, t in proposal.changes.items())
    shape = WriteShape(
        relation=target(table),
        scope=tuple(see(n) for n, _ in proposal.scope),
        key=tuple(see(n) for n, _ in proposal.key),
        guards=tuple(see(n) for n in proposal.guards),
        sets=tuple(see(n) for n, _ in sets),
    )
    return WritePlan(
        shape=shape,
        scope=_scope(proposal),
        key=tuple(v for _, v in proposal.key),
        guards=tuple(proposal.before[n] for n in proposal.guards),
        sets=tuple(t for _, t in sets),
    )


def stale(proposal: Proposal, row: Mapping[str, Token]) -> Why | None:
    """Return why the locked row is not the row that was approved, or None when it is."""
    if any(row[name] != token for name, token in (*proposal.scope, *proposal.key)):
        return Why.ROW_GONE
    moved = [name for name in proposal.guards if row[name] != proposal.before[name]]
    return Why.VERSION_MOVED if moved else None


def surprise(proposal: Proposal, after: Mapping[str, Token]) -> Why | None:
    """Return how the row after the change differs from what was approved, or None when it is exactly that.

    Every column of the proposal is compared: changed ones hold the approved token, the rest hold what they held, except the
    version column, which must have moved, and the columns that the reviewer listed as moving with every update.
    """
    if (
        proposal.advances
        and proposal.advances not in proposal.changes
        and after[proposal.advances] == proposal.before[proposal.advances]
    ):
        return Why.VERSION_DID_NOT_MOVE
    free = {proposal.advances, *proposal.moves} - set(proposal.changes)
    expected = proposal.after
    differs = any(after[name] != token for name, token in expected.items() if name not in free)
    return Why.AFTER_IMAGE if differs else None
