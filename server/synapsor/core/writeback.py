"""Applying: the job, the guarded write as a plan, the check of the row before and after it, and the receipts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Literal

from synapsor.contract.changes import Operation
from synapsor.contract.mapping import Table
from synapsor.core.links import column_of
from synapsor.core.matching import satisfies
from synapsor.core.moment import Instant
from synapsor.core.outcome import Outcome, Why
from synapsor.core.plan import Condition, ReadPlan, ReadShape, Relation, WritePlan, WriteShape
from synapsor.core.proposal import Member, Proposal
from synapsor.core.records import to_body
from synapsor.values import Token

LOOK_BYTES = 16_777_216
"""The largest row that the worker looks at: twice what a proposal may have shown, for a change may make it larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """A part of a job: a proposal that was approved, its digest, and one of the decisions that approved it."""

    proposal: str
    digest: str
    decision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one transaction applies: approved proposals on their way to the source; immutable, its lease is kept beside it.

    Attributes:
        parts: all that is applied, or none of it: the proposals of a group, or the one that stands alone. The first is the one whose
            approval made the job.
    """

    id: str
    source: str
    at: Instant
    parts: tuple[Approved, ...]

    @property
    def lead(self) -> Approved:
        """The proposal whose approval made the job; the ledger keeps the job with it."""
        return self.parts[0]


class Closed(StrEnum):
    """How the ledger took what came of a job."""

    SETTLED = "settled"
    SET_ASIDE = "set_aside"
    """The ledger's records contradict each other: what came of it is on record, and no proposal was moved by it."""
    IN_DOUBT = "in_doubt"
    """An attempt has said that it applies it, and nobody knows what became of that: nothing was recorded, and a person is to look."""
    LOST = "lost"
    """The lease was lost, or somebody has settled it before: nothing was recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to work on a job until it expires. It saves work; the receipt in the source is what makes it safe.

    Attributes:
        attempt: which attempt of the job it is, from 1.
        head: the hash of the event that tells of it, which the receipt in the source keeps.
        anew: how many attempts there were before a person had it tried again; those do not count against it.
        capability, rows: what the job is about and how many rows, as the ledger's columns say it: for a line of the log, and proof of nothing.
    """

    id: str
    job: Job
    worker: str
    attempt: int
    expires_at: Instant
    head: str
    anew: int = 0
    capability: str = ""
    rows: int = 0

    @property
    def tries(self) -> int:
        """How many attempts count against it, this one among them."""
        return self.attempt - self.anew


Verb = Literal["inserted", "updated", "deleted"]
_VERBS: Mapping[str, Verb] = {
    Operation.INSERT: "inserted",
    Operation.UPDATE: "updated",
    Operation.DELETE: "deleted",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was done to one member of a proposal. How the row was before is the member's own `before`, and is not kept twice.

    Attributes:
        key: as the proposal names the row; told of a row that was deleted as well.
        after: the row after the change, without the hidden values that the change is not about; None of one that was deleted. Of an apply
            whose answer was lost, or that an application carried out, only what the change itself says of it.
        version_before, version_after: of the version column; None where there is none, or where nobody recorded it.
    """

    key: dict[str, str]
    done: Verb
    after: dict[str, Token] | None
    version_before: Token = None
    version_after: Token = None


def done_to(proposal: Proposal, rows: Sequence[Mapping[str, Token] | None], version: str | None) -> tuple[Done, ...]:
    """Return what was done to each member; `rows` are as they are told after the change, in the order of the members."""
    return tuple(
        Done(
            key=dict(member.key),
            done=_VERBS[proposal.operation],
            after=None if row is None else dict(row),
            version_before=member.before.get(version or ""),
            version_after=None if row is None else row.get(version or ""),
        )
        for member, row in zip(proposal.members, rows, strict=True)
    )


def told_of(proposal: Proposal) -> tuple[Done, ...]:
    """Return what was done to each member as far as the proposal itself says, where nobody recorded more."""
    version = None if proposal.advances in proposal.hidden else proposal.advances
    return done_to(proposal, [member.changes or None for member in proposal.members], version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """Who confirmed in an application what came of something that it had accepted, when, and the digest of what they have to show for it; all
    as the application says.
    """

    by: str
    at: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The ledger's record of an outcome.

    Attributes:
        code: why, in a word of `Why`; "" when applied.
        changed: whether the source database holds the change; None where nobody knows.
        newcomers: rows that match the set's filter now and are none of its members; they were left as they are.
        members: what was done to each member of the proposal, in their order; none where nothing changed.
        moved: of `dependency_moved` which columns of related rows are not as they were, by their paths and without a value; the links
            alone of a row that is not there. It is told to operators and never to a model.
        confirmed: who confirmed it in the application, where that had accepted it first; told to operators alone.
    """

    id: str
    job: str
    proposal: str
    digest: str
    outcome: Annotated[str, frozenset(Outcome).__contains__]
    code: str
    worker: str
    attempt: int
    changed: bool | None
    members: tuple[Done, ...]
    at: Instant
    newcomers: int = 0
    moved: tuple[str, ...] = ()
    confirmed: Confirmed | None = None

    @property
    def rows_affected(self) -> int:
        """How many rows were inserted, updated or deleted."""
        return len(self.members)

    @property
    def told(self) -> dict[str, Any]:
        """The receipt as JSON data, with how many rows it lists."""
        return {**to_body(self), "rows_affected": self.rows_affected}

    @property
    def after(self) -> tuple[dict[str, Token], ...]:
        """The rows that are there after the change."""
        return tuple(one.after for one in self.members if one.after is not None)


def left_by(receipts: Sequence[Receipt], proposal: Proposal) -> tuple[dict[str, Token], ...]:
    """Return a proposal's rows as its worker left them, by its receipts; none where nobody recorded that, as of a lost answer."""
    last = receipts[-1] if receipts else None
    told = last.after if last is not None and last.outcome == Outcome.APPLIED.value else ()
    return told if len(told) == len(proposal.members) else ()


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


def look_plan(
    proposal: Proposal, member: Member, table: Table, natives: Mapping[str, str], *, time_ms: int
) -> ReadPlan:
    """Return the worker's read of one member, with every column of the proposal; it serves before and after the change.

    An update locks the row by it. What is deleted is locked by the guarded delete itself, and what is inserted is not there to be
    locked: neither asks for the right to update.
    """
    see = partial(column_of, table, natives=natives)
    # A row under the same `dedup` columns is one whoever it belongs to; the tenant is among them.
    tenant, principal = (None, None) if proposal.inserts else (proposal.tenant_column, proposal.principal_column)
    shape = ReadShape(
        relation=target(table),
        columns=tuple(see(n) for n, _ in proposal.columns),
        tenant=see(tenant) if tenant else None,
        principal=see(principal) if principal else None,
        where=tuple(Condition(see(n)) for n, _ in member.key),
        rows=1,
        bytes=LOOK_BYTES,
        single=True,
        bare=True,
        lock=proposal.operation == Operation.UPDATE,
    )
    scope = () if proposal.inserts else _scope(proposal)
    return ReadPlan(shape=shape, scope=scope, values=tuple(v for _, v in member.key), time_ms=time_ms)


def _scope(proposal: Proposal) -> tuple[Token, ...]:
    return tuple(token for _, token in proposal.scope)


def write_plan(proposal: Proposal, member: Member, table: Table, natives: Mapping[str, str]) -> WritePlan:
    """Return the guarded change of one member: key, scope and guards in its WHERE; an insert sets key and scope instead."""
    see = partial(column_of, table, natives=natives)
    key = () if proposal.inserts else member.key
    shape = WriteShape(
        operation=Operation(proposal.operation),
        relation=target(table),
        scope=tuple(see(n) for n, _ in proposal.scope),
        key=tuple(see(n) for n, _ in key),
        guards=tuple(see(n) for n in proposal.guards),
        sets=tuple(see(n) for n in member.changes),
    )
    return WritePlan(
        shape=shape,
        scope=_scope(proposal),
        key=tuple(v for _, v in key),
        guards=tuple(member.before[n] for n in proposal.guards),
        sets=tuple(member.changes.values()),
    )


def stale(proposal: Proposal, member: Member, row: Mapping[str, Token] | None) -> Why | None:
    """Return why the row that is there is not the row that was approved, or None when it is."""
    if proposal.inserts:
        return None if row is None else Why.INSERT_DUPLICATE
    if row is None or any(row[name] != token for name, token in (*proposal.scope, *member.key)):
        return Why.ROW_GONE
    return Why.VERSION_MOVED if any(row[name] != member.before[name] for name in compared(proposal)) else None


def compared(proposal: Proposal) -> tuple[str, ...]:
    """Return the columns that must be as they were before anything is changed.

    The columns that the database moves itself are not compared after the change, so they are before it, so that all of what a person
    saw is: something may have moved them and not the version. A delete is guarded by its whole row.
    """
    return (*proposal.guards, *proposal.moves)


def surprise(proposal: Proposal, member: Member, table: Table, after: Mapping[str, Token] | None) -> Why | None:
    """Return how the row after the change differs from what was approved, or None when it is exactly that.

    Of an update every column is compared: changed ones hold the approved token, the rest hold what they held, except the version
    column, which must have moved unless the row was only set to what it held, and the columns that the reviewer listed as moving with
    every update. Of an insert the columns that the contract fills are compared, and the row must be one that the mapping holds. A deleted
    row is gone.
    """
    if proposal.deletes:
        return None if after is None else Why.STILL_THERE
    if after is None:
        return Why.AFTER_IMAGE
    if proposal.inserts:
        expected = {**member.changes, **dict(member.key), **dict(proposal.scope)}
        exact = all(after[name] == token for name, token in expected.items())
        return None if exact and satisfies(after, table.only, table.columns, {}) else Why.AFTER_IMAGE
    moves = proposal.advances not in member.changes and member.after != member.before
    if proposal.advances and moves and after[proposal.advances] == member.before[proposal.advances]:
        return Why.VERSION_DID_NOT_MOVE
    free = {proposal.advances, *proposal.moves} - set(member.changes)
    differs = any(after[name] != token for name, token in member.after.items() if name not in free)
    return Why.AFTER_IMAGE if differs else None
