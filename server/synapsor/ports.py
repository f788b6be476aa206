"""What the verbs need from the outside world: sources, the ledger, a clock and random names.

Adapters in `sources` and `ledger`, and the fakes in `testing`, implement these; `runtime` is the one place that chooses. A read
source and a write source are different types, so that the process that serves a model cannot even be handed the second.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from synapsor.contract.approval import PerDay
from synapsor.core.budget import Spending
from synapsor.core.facts import Effect, RelationFacts, Rights
from synapsor.core.past import Past, Wanted
from synapsor.core.plan import Relation
from synapsor.core.policy import Deferral, Near, PolicyUse
from synapsor.core.proposal import Proposal, Status
from synapsor.core.scope import Scope
from synapsor.core.statements import Activation, SignedDecision, SignedSwitch
from synapsor.core.surroundings import Surroundings
from synapsor.core.writeback import Closed, Job, Lease, Receipt
from synapsor.handles import Kind
from synapsor.sql.statement import Dialect, RawRow, Statement


class Clock(Protocol):
    """Tells the time in UTC; tests give their own."""

    def now(self) -> dt.datetime: ...


class SystemClock:
    """The host's clock."""

    def now(self) -> dt.datetime:
        """Return the present instant."""
        return dt.datetime.now(dt.UTC)


class Snapshot(Protocol):
    """One READ ONLY transaction of several statements, all of which see one state of the database.

    Raises:
        SourceFailure: by kind; after one it can only be left.
    """

    async def fetch(self, statement: Statement) -> Sequence[RawRow]:
        """Return the raw rows."""
        ...


class ReadSource(Protocol):
    """A source through its read-only credential. Every fetch is one READ ONLY transaction with its own time limit.

    Raises, from every method:
        SourceFailure: by kind; never with driver text.
    """

    name: str
    dialect: Dialect

    async def fetch(self, statement: Statement, *, time_ms: int) -> Sequence[RawRow]:
        """Return the raw rows, each cell as the statement selects it: text, bytes, a number or None, and never a driver's own type.

        What the statement wants told is told in the same transaction before it; an engine without row security refuses that.
        A cancelled call stops the statement on the server.
        """
        ...

    def snapshot(self, *, time_ms: int) -> AbstractAsyncContextManager[Snapshot]:
        """Open a transaction for several statements, all of which together have `time_ms`; `fetch` is the short way of one."""
        ...

    async def describe(self, relation: Relation) -> RelationFacts | None:
        """Return what the catalogue says, or None when the credential cannot see such a relation."""
        ...

    async def posture(self, relations: Collection[Relation], denied: Mapping[Relation, frozenset[str]]) -> Rights:
        """Return what this credential may do with the relations (the denied columns' too), and beyond; `judge_reader` judges it.

        Where the engine has no grants, the denied columns are refused to every later fetch.
        """
        ...

    async def surroundings(self, relation: Relation) -> Surroundings | None:
        """Return what stands around a table: who refers to its rows, what fires; None where there is none. What is not seen is said to be unseen."""
        ...

    async def fingerprint(self) -> str:
        """Return a digest that names the server and database without an address, a name or a password in clear."""
        ...

    async def aclose(self) -> None: ...


class WriteTransaction(Protocol):
    """One transaction of the worker; leaving it without `commit` rolls back and closes the connection."""

    async def fetch(self, statement: Statement) -> Sequence[RawRow]:
        """Return the raw rows, after the transaction was told what the statement wants told; an engine without row security refuses that."""
        ...

    async def execute(self, statement: Statement) -> int:
        """Return the number of rows matched (not the number changed)."""
        ...

    async def effects(self, relation: Relation) -> tuple[Effect, ...]:
        """Return what removing a row of a relation does beside, as far as foreign keys lead on.

        Asked in the transaction, so that what holds the row's lock also keeps every trigger and foreign key as it is.
        """
        ...

    async def settle_constraints(self) -> None:
        """Force deferred constraints to be checked now."""
        ...

    async def commit(self) -> None:
        """Commit, durably.

        Raises:
            SourceFailure: `unknown_commit` when the answer was lost; the caller resolves it from the receipt.
        """
        ...


class WriteSource(Protocol):
    """A source through the worker's write credential."""

    name: str
    dialect: Dialect

    def transaction(self, *, time_ms: int) -> AbstractAsyncContextManager[WriteTransaction]:
        """Open a read-committed transaction with statement, lock and idle limits and synchronous commit."""
        ...

    async def describe(self, relation: Relation) -> RelationFacts | None: ...

    async def effects(self, relation: Relation) -> tuple[Effect, ...]:
        """Return what removing a row does beside, as things stand; a transaction asks again under its own locks."""
        ...

    async def posture(self, relations: Collection[Relation], receipts: Relation) -> Rights:
        """Return what this credential may do with the relations and the receipts, and beyond; `judge_writer` judges it."""
        ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalRecord:
    """A proposal with everything that has happened to it; `group` are the others that stand or fall with it, each without its own group."""

    proposal: Proposal
    status: Status
    decisions: tuple[SignedDecision, ...] = ()
    job: Job | None = None
    receipts: tuple[Receipt, ...] = ()
    group: tuple[ProposalRecord, ...] = ()
    events: tuple[Mapping[str, Any], ...] = ()

    @property
    def together(self) -> tuple[ProposalRecord, ...]:
        """All that stands or falls together, this one first; alone where it stands alone."""
        return self, *self.group


@dataclass(frozen=True, slots=True, kw_only=True)
class Activated:
    """A contract version that an operator signed. `body` is the contract's canonical data."""

    activation: Activation
    signature: str
    body: Mapping[str, Any]
    metadata: Mapping[str, Any] = field(default_factory=dict)


class AgentLedger(Protocol):
    """What `serve` may do to the ledger: record reads and refusals, file proposals, look up by handle.

    Raises, from every method:
        LedgerFailure: nothing was recorded.
    """

    id: str

    def secret(self, purpose: str) -> bytes:
        """Return 32 bytes that only a holder of the ledger's key can make, other ones for other purposes."""
        ...

    async def record_read(self, audit: Mapping[str, Any], evidence: Mapping[str, Any] | None) -> None:
        """Record an audit and its evidence in one durable transaction; returns after the commit."""
        ...

    async def spend(self, spending: Spending) -> bool:
        """Count a call against its day, durably and once over all processes; False when the day is spent, and then it is not counted."""
        ...

    async def file_proposal(
        self, proposal: Proposal, evidence: Mapping[str, Any], audit: Mapping[str, Any]
    ) -> ProposalRecord:
        """File a proposal, its review branch, evidence and audit in one durable transaction.

        While a proposal with the same `request` is pending: if it has the same contract and the same guarded tokens, record only
        audit and evidence and return that one; else, if it is still `review_required`, mark it `superseded` and file the new one.
        One that stands or falls with others joins the oldest group of its run that lacks it, or begins one.

        Raises:
            Refusal: `not_as_required`, where another proposal of that group is about the same row.
        """
        ...

    async def proposal(self, proposal_id: str) -> ProposalRecord | None: ...

    async def statuses(self, proposals: Collection[str]) -> Mapping[str, Status]:
        """Return where proposals stand; a lookup by an index for each, since it is asked several times a second while somebody waits."""
        ...

    async def own_waiting(self, scope: Scope, *, now: str, limit: int) -> tuple[ProposalRecord, ...]:
        """Return what a principal of a tenant has in review, newest first."""
        ...

    async def own_handles(self, kind: Kind, scope: Scope, *, beginning: str, limit: int) -> tuple[tuple[str, str], ...]:
        """Return handles of a principal's newest records that begin so, each with its capability, newest first; no undo is among them."""
        ...

    async def evidence(self, evidence_id: str) -> Mapping[str, Any] | None: ...

    async def answered(
        self, run: str, capability: str, *, tenant: str | None, principal: str, limit: int
    ) -> tuple[Mapping[str, Any], ...]:
        """Return the evidence of what a capability answered in a run for a tenant and a principal, newest first."""
        ...

    async def active_contract(self, name: str) -> Activated | None:
        """Return the version of a contract that was activated last."""
        ...

    async def active_contract_by_digest(self, digest: str) -> Activated | None:
        """Return the version with this digest while it is the one activated last under its name."""
        ...

    async def newest_activation(self, contract: str) -> str | None:
        """Return the handle of a contract's newest activation; one row by an index, since it is asked once a second."""
        ...

    async def healthy(self) -> None:
        """Prove that the ledger can be written."""
        ...

    async def aclose(self) -> None: ...


class ReviewLedger(AgentLedger, Protocol):
    """What an operator's tools may do as well."""

    async def asked_before(self, request: str) -> tuple[ProposalRecord, ...]:
        """Return the proposals of one request, oldest first."""
        ...

    async def read_before(self, evidence_id: str, *, limit: int) -> tuple[Mapping[str, Any], ...]:
        """Return the evidence of what the same person read in the same run before this evidence, newest first."""
        ...

    async def rivals(self, proposal: Proposal, *, now: str, limit: int) -> tuple[ProposalRecord, ...]:
        """Return other proposals about the rows of a proposal that are in review or approved and in time, at most so many."""
        ...

    async def inbox(self, *, status: Status | None, limit: int) -> tuple[ProposalRecord, ...]: ...

    async def decide(
        self,
        signed: SignedDecision,
        *,
        job: Job | None,
        counted: Mapping[str, tuple[str, ...]],
        complete: bool,
    ) -> ProposalRecord:
        """Record a decision. One that rejects, or that is `complete`, moves the proposal and its group; `job` is filed with an approval
        that does, where the source allows writeback. `counted` are the decisions that the caller has counted, by their proposal: of an
        approval those on each proposal of the group, of a rejection those on its own.

        Raises:
            DecisionRefused: one of these is no longer `review_required` (rule `already_decided`), this operator's approval counts
                already (`already_counted`), or there are other decisions than were counted (`decided_meanwhile`).
        """
        ...

    async def switch(self) -> SignedSwitch | None:
        """Return the newest switch of automatic approval; whoever acts on it checks its signature."""
        ...

    async def throw_switch(self, signed: SignedSwitch) -> None: ...

    async def policy_uses(self, policy: str, *, day: str) -> tuple[PolicyUse, ...]:
        """Return what a policy, by contract and name, has approved in a day (UTC)."""
        ...

    async def past(
        self, *, after: int | None, since: str, until: str, limit: int, wanted: Wanted
    ) -> tuple[tuple[Past, ...], int | None]:
        """Return, oldest first, those of the next `limit` proposals asked for from `since` and before `until` of which contract, capability
        and policy are `wanted`; and what to give as `after` for the next page, None where there is none.
        """
        ...

    async def refused_decision(self, proposal_id: str, operator: str, rule: str, at: str) -> None:
        """Record that a decision was attempted and refused."""
        ...

    async def activate(self, activated: Activated) -> None: ...

    async def activations(self, contract: str, *, limit: int) -> tuple[Activated, ...]:
        """Return the activations of a contract, newest first; the first one is the active one."""
        ...

    async def activation_named(self, contract: str, digest_or_handle: str) -> Activated | None:
        """Return the newest activation of a contract that has this handle or names this digest."""
        ...

    async def activation_before(self, contract: str, digest: str) -> Activated | None:
        """Return the newest activation of a contract that names another digest than this one."""
        ...

    async def evidence_holding(self, token: str) -> Mapping[str, Any] | None:
        """Return the newest evidence bundle that holds a token; every bundle may have to be looked at."""
        ...

    async def record_reveal(self, reveal: Mapping[str, Any]) -> None:
        """Record that somebody looked behind hidden values, or was refused to; returns after the commit."""
        ...

    async def find(self, handle: str) -> Mapping[str, Any] | None:
        """Return the record of any handle: `{"kind": …, "body": …}`; `latest` names the newest proposal."""
        ...

    async def receipts(self, *, limit: int) -> tuple[Receipt, ...]: ...


class WorkLedger(ReviewLedger, Protocol):
    """What the worker may do as well."""

    async def for_policies(self, *, now: str, sources: Sequence[str], limit: int) -> tuple[str, ...]:
        """Return the proposals in review that name a policy which has not left them to a person, oldest first in each source."""
        ...

    async def defer(self, proposal_id: str, deferral: Deferral, *, at: str) -> None:
        """Record that a policy leaves a proposal to a person, and why."""
        ...

    async def approve_by_policy(
        self,
        signed: SignedDecision,
        *,
        job: Job | None,
        use: PolicyUse,
        limits: Sequence[PerDay],
        switch: str | None,
    ) -> Deferral | tuple[Near, ...]:
        """Record a policy's approval, what it uses up and the job, or that a limit leaves the proposal to a person: all in one transaction.

        Of an approval, the limits are returned that it brings near their end.

        Raises:
            DecisionRefused: somebody decided meanwhile, or the newest switch is not this one (`decided_meanwhile`).
        """
        ...

    async def lease(
        self,
        worker: str,
        *,
        now: str,
        until: str,
        sources: Sequence[str],
        permits: Collection[tuple[str, str]] | None = None,
    ) -> Lease | None:
        """Lease the oldest job that is due and free, with a new lease id and the attempt counted; None when there is none.

        With `permits`, only jobs of these contract digests and capabilities.
        """
        ...

    async def renew(self, lease: Lease, *, until: str) -> bool: ...

    async def release(self, lease: Lease, *, not_before: str, code: str) -> bool:
        """Give a job back to be tried again later; False when the lease was lost."""
        ...

    async def settle(self, lease: Lease, receipts: Sequence[Receipt]) -> Closed:
        """Record a receipt and a settlement event for each proposal of the job, in its order, and move them all to the status
        that their one outcome leads to.

        Where one of them does not wait to be settled, nothing is moved: the receipts are kept and the job is closed.
        """
        ...

    async def expire_due(self, *, now: str) -> int:
        """Move pending proposals past their time to `expired`, and say how many."""
        ...

    async def head(self) -> tuple[int, str]:
        """Return the sequence number and hash of the last event."""
        ...


__all__ = [
    "Activated",
    "AgentLedger",
    "Clock",
    "ProposalRecord",
    "ReadSource",
    "ReviewLedger",
    "Snapshot",
    "SystemClock",
    "WorkLedger",
    "WriteSource",
    "WriteTransaction",
]
