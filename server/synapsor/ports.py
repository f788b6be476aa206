"""What the verbs need from the outside world: sources, the ledger, a clock and random names.

Adapters in `sources` and `ledger`, and the fakes in `testing`, implement these; `runtime` is the one place that chooses. A read
source and a write source are different types, so that the process that serves a model cannot even be handed the second.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from synapsor.core.attempts import RefusedLogin
from synapsor.core.budget import Spending
from synapsor.core.exchange import Answer
from synapsor.core.kept import Activated, ProposalRecord
from synapsor.core.past import Past, Wanted
from synapsor.core.proposal import Proposal, Status
from synapsor.core.scope import Scope
from synapsor.core.statements import SignedDecision, SignedInquiry
from synapsor.core.writeback import Closed, Job, Lease, Receipt
from synapsor.doubt_ports import Doubts
from synapsor.handles import Kind
from synapsor.measuring_ports import Measuring
from synapsor.policy_ports import DecidingPolicies, Policies
from synapsor.source_ports import ReadSource, Snapshot, WriteSource, WriteTransaction
from synapsor.steering_ports import Steering


class Clock(Protocol):
    """Tells the time in UTC; tests give their own."""

    def now(self) -> dt.datetime:
        """Return the present instant, with its zone."""
        ...


class SystemClock:
    """The host's clock."""

    def now(self) -> dt.datetime:
        """Return the present instant."""
        return dt.datetime.now(dt.UTC)


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

    async def proposal(self, proposal_id: str) -> ProposalRecord | None:
        """Return a proposal with all that is on record of it, or None where there is none of this handle.

        Raises:
            IntegrityError: what is on record is none, or of another one.
        """
        ...

    async def answer(self, answer: Answer) -> None:
        """Record an agent's answer to a question about its proposal; the same one again is that of before.

        Raises:
            Refusal: `not_found` where nobody asked that, `question_closed` where it is answered otherwise or the proposal left review.
        """
        ...

    async def statuses(self, proposals: Collection[str]) -> Mapping[str, Status]:
        """Return where proposals stand; a lookup by an index for each, since it is asked several times a second while somebody waits."""
        ...

    async def questions(self, proposals: Collection[str]) -> Mapping[str, int]:
        """Return how often people have asked about proposals; as quick as `statuses`."""
        ...

    async def own_waiting(self, scope: Scope, *, now: str, limit: int) -> tuple[ProposalRecord, ...]:
        """Return what a principal of a tenant has in review, newest first."""
        ...

    async def own_handles(self, kind: Kind, scope: Scope, *, beginning: str, limit: int) -> tuple[tuple[str, str], ...]:
        """Return handles of a principal's newest records that begin so, each with its capability, newest first; no undo is among them."""
        ...

    async def evidence(self, evidence_id: str) -> Mapping[str, Any] | None:
        """Return an evidence bundle as it is on record, or None; whether it is what a proposal was made from, `flow.evidence` says."""
        ...

    async def answered(
        self, run: str, capability: str, *, tenant: str | None, principal: str, limit: int
    ) -> tuple[Mapping[str, Any], ...]:
        """Return the evidence of what a capability answered in a run for a tenant and a principal, newest first."""
        ...

    async def active_contract(self, name: str) -> Activated | None:
        """Return the version of a contract that was activated last."""
        ...

    async def active_contract_by_digest(self, digest: str) -> Activated | None:
        """Return the version with this digest while it is the one activated last under its name.

        Raises:
            IntegrityError: what its event tells of is not there, or this ledger's key never signed it; so for `active_contract`.
        """
        ...

    async def follow(self) -> None:
        """Prove that the ledger's chain goes on from where it was proven before; whoever decides, serves a contract or applies does so first.

        Raises:
            IntegrityError: events were taken away or put in.
        """
        ...

    async def newest_activation(self, contract: str) -> str | None:
        """Return the handle of a contract's newest activation; one row by an index, since it is asked once a second."""
        ...

    async def healthy(self) -> None:
        """Prove that the ledger can be written."""
        ...

    async def aclose(self) -> None:
        """Close it; what was recorded is durable already."""
        ...


class ReviewLedger(AgentLedger, Protocol):
    """What an operator's tools may do as well; `steering` is how they steer the worker."""

    @property
    def doubts(self) -> Doubts:
        """What nobody may know the end of."""
        ...

    @property
    def steering(self) -> Steering:
        """How people steer the worker."""
        ...

    @property
    def measuring(self) -> Measuring:
        """What is measured before anybody approves it."""
        ...

    @property
    def policies(self) -> Policies:
        """Automatic approval, as people see it."""
        ...

    async def head(self) -> tuple[int, str]:
        """Return the sequence number and hash of the last event."""
        ...

    async def proven(self, proposal_id: str) -> ProposalRecord | None:
        """Follow the chain, and return a proposal as `proposal` does then: whoever acts upon one reads it so.

        Raises:
            IntegrityError: as for `follow` and `proposal`.
        """
        ...

    async def asked_before(self, request: str) -> tuple[ProposalRecord, ...]:
        """Return the proposals of one request, oldest first."""
        ...

    async def read_before(self, evidence_id: str, *, limit: int) -> tuple[Mapping[str, Any], ...]:
        """Return the evidence of what the same person read in the same run before this evidence, newest first."""
        ...

    async def rivals(self, proposal: Proposal, *, now: str, limit: int) -> tuple[ProposalRecord, ...]:
        """Return other proposals about the rows of a proposal that are in review or approved and in time, at most so many."""
        ...

    async def inbox(self, *, status: Status | None, limit: int) -> tuple[ProposalRecord, ...]:
        """Return the newest proposals, of one status or of all, newest first."""
        ...

    async def first_to_expire(self, *, now: str, limit: int) -> tuple[ProposalRecord, ...]:
        """Return the proposals that can be decided on, those that expire first before the others."""
        ...

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
            DecisionRefused: there is no such proposal (rule `no_such_proposal`), one of these is no longer `review_required`
                (`already_decided`), this operator's approval counts already (`already_counted`), there are other decisions than were
                counted (`decided_meanwhile`), one does not stand where its events say (`records_differ`), or the one-time code was used
                (`code_used`).
            IntegrityError: the decision is about another digest or ledger, its group is not whole, or the job does not follow from it.
        """
        ...

    async def ask(self, signed: SignedInquiry) -> ProposalRecord:
        """Record a question about a proposal.

        Raises:
            DecisionRefused: it is no longer `review_required` (rule `already_decided`), or enough was asked (`too_many_questions`).
        """
        ...

    async def amend(self, proposal: Proposal, evidence: Mapping[str, Any], audit: Mapping[str, Any]) -> ProposalRecord:
        """File a proposal in the place of the one that it amends, which is superseded by it, in one durable transaction.

        Raises:
            DecisionRefused: that one is no longer `review_required` (rule `already_decided`), or what the new one asks for waits
                already (`asked_already`).
        """
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

    async def refused_login(self, refused: RefusedLogin) -> None:
        """Record that a login or a token was refused."""
        ...

    async def refused_logins(self, *, limit: int) -> tuple[RefusedLogin, ...]:
        """Return the newest refused logins, newest first."""
        ...

    async def activate(self, activated: Activated) -> None:
        """Record an activation as it was signed, and the contract version where it is new; from then on it is the active one of its name."""
        ...

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

    async def receipts(self, *, limit: int) -> tuple[Receipt, ...]:
        """Return the newest receipts that can be read, newest first."""
        ...


class WorkLedger(ReviewLedger, Protocol):
    """What the worker may do as well."""

    @property
    def policies(self) -> DecidingPolicies:
        """Automatic approval, as it decides."""
        ...

    async def lease(
        self,
        worker: str,
        *,
        now: str,
        until: str,
        sources: Mapping[str, int],
        permits: Collection[tuple[str, str]] | None = None,
        pauses: Mapping[str, str | None] | None = None,
        most: int | None = None,
        receipts: Collection[str] = (),
    ) -> tuple[Lease, ...]:
        """Lease the oldest jobs that are due, free and not given up, at most so many of each source and `most` in all, each with a new lease
        id and the attempt counted, in one durable transaction.

        Where an older open job is about one of a job's rows, that one comes first: leased, put off or free, and whoever may take it; one
        that was given up does not.
        With `permits`, only jobs of these contract digests and capabilities; with `pauses`, by their handles, only of sources whose newest
        ones are still these. `receipts` are the sources that keep receipts by now, which the chain then tells of each attempt.
        """
        ...

    async def version(self) -> int:
        """Return a number that is another one once anybody, in whatever process, has written in the ledger since; to ask for it is cheap."""
        ...

    async def renew(self, leases: Collection[Lease], *, until: str) -> frozenset[str]:
        """Prolong leases until a moment, and return the handles of those that were still held; the job of another may be somebody else's by now."""
        ...

    async def release(self, lease: Lease, *, not_before: str, code: str) -> bool:
        """Give a job back to be tried again later; False when the lease was lost."""
        ...

    async def settle(self, lease: Lease, receipts: Sequence[Receipt]) -> Closed:
        """Record a receipt and a settlement event for each proposal of the job, in its order, and move them all to the status
        that their one outcome leads to.

        Where one of them does not wait to be settled, nothing is moved: the receipts are kept and the job is closed. Where an intent stands
        of which nobody knows what became, nothing is recorded that says it was not applied.
        """
        ...

    async def expire_due(self, *, now: str) -> int:
        """Move pending proposals past their time to `expired`, and say how many."""
        ...


__all__ = [
    "Activated",
    "AgentLedger",
    "Clock",
    "Doubts",
    "Policies",
    "ProposalRecord",
    "ReadSource",
    "ReviewLedger",
    "Snapshot",
    "Steering",
    "SystemClock",
    "WorkLedger",
    "WriteSource",
    "WriteTransaction",
]
