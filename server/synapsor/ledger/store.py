"""The ledger: what the ports promise, each call one transaction over the connection seam, each change one link of the chain."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any

from synapsor.core.attempts import RefusedLogin
from synapsor.core.budget import Spending
from synapsor.core.exchange import Answer
from synapsor.core.moment import stamp
from synapsor.core.past import Past, Wanted
from synapsor.core.proposal import Proposal, Status
from synapsor.core.scope import Scope
from synapsor.core.statements import SignedDecision, SignedInquiry
from synapsor.core.writeback import Closed, Job, Lease, Receipt
from synapsor.errors import LedgerFailure
from synapsor.handles import Kind
from synapsor.ledger import (
    amendments,
    budgets,
    contracts,
    decisions,
    exchanges,
    handles,
    history,
    jobs,
    logins,
    proposals,
    reads,
    tail,
)
from synapsor.ledger.anchor import Anchor
from synapsor.ledger.believed import Trust
from synapsor.ledger.chain import GENESIS, Book, Checkpoint, Signer
from synapsor.ledger.connection import Connection, T, Transaction
from synapsor.ledger.doubts import Doubts
from synapsor.ledger.kinds import read_each
from synapsor.ledger.measuring import Measuring
from synapsor.ledger.overview import Overview
from synapsor.ledger.policies import Policies
from synapsor.ledger.repetitions import Repetitions
from synapsor.ledger.rows import receipt_of
from synapsor.ledger.steering import Steering
from synapsor.ledger.verify import VerifyReport, verify
from synapsor.ports import Activated, Clock, ProposalRecord

log = logging.getLogger("synapsor.ledger")


class Ledger:
    """A `WorkLedger` over any engine; `runtime` hands it out as the narrower port that a process may use.

    Attributes:
        id: the ledger's own name; approvals and receipts are bound to it.
        public_key: the key that its checkpoints are signed with, base64.
        overview, measuring, steering, doubts: what a person asks of the whole record at once; what is measured before anybody approves it;
            how people steer the worker; what nobody may know the end of.
        policies: automatic approval.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        clock: Clock,
        signer: Signer,
        anchor: Anchor | None,
        followed: tail.Followed,
    ) -> None:
        self.id = followed.trust.ledger
        self.public_key = followed.trust.public_key
        self._connection = connection
        self._clock = clock
        self._signer = signer
        self._anchor = anchor
        self._followed = followed
        self._refusals = decisions.Refusals()
        self._repeated = Repetitions()
        self.overview = Overview(connection)
        self.measuring = Measuring(connection, self._write, followed)
        self.steering = Steering(connection, self._write, followed)
        self.doubts = Doubts(connection, self._write, followed, clock)
        self.policies = Policies(connection, self._write, followed)

    def secret(self, purpose: str) -> bytes:
        """Return 32 bytes of this ledger's own, other ones for other purposes."""
        return self._signer.secret(purpose)

    async def record_read(self, audit: Mapping[str, Any], evidence: Mapping[str, Any] | None) -> None:
        """Record an audit and its evidence in one durable transaction; returns after the commit."""
        entry = reads.read_event(audit, evidence)
        await self._write(lambda book: book.append(entry))

    async def spend(self, spending: Spending) -> bool:
        """Count a call; False when its day is spent."""
        return await self._connection.write(lambda tx: budgets.spend(tx, spending))

    async def file_proposal(
        self, proposal: Proposal, evidence: Mapping[str, Any], audit: Mapping[str, Any]
    ) -> ProposalRecord:
        """File a proposal, its review branch, evidence and audit, or find the pending one that asks for the same."""
        seen = reads.seen_records(audit, evidence)

        async def job(book: Book) -> ProposalRecord:
            filed = await proposals.file(book, proposal, seen, self._repeated, self._trust)
            return await proposals.existing(book.tx, filed, self._trust)

        return self._repeated.counted(await self._write(job), audit["id"])

    async def proposal(self, proposal_id: str) -> ProposalRecord | None:
        """Return a proposal with everything that has happened to it."""
        return await self._connection.glance(lambda tx: proposals.load(tx, proposal_id, self._trust))

    async def statuses(self, proposals_: Collection[str]) -> Mapping[str, Status]:
        """Return where proposals stand."""
        return await self._connection.read(lambda tx: proposals.statuses(tx, proposals_))

    async def questions(self, proposals: Collection[str]) -> Mapping[str, int]:
        """Return how often people have asked about proposals."""
        return await self._connection.read(lambda tx: exchanges.counts(tx, proposals))

    async def own_waiting(self, scope: Scope, *, now: str, limit: int) -> tuple[ProposalRecord, ...]:
        """Return what a principal of a tenant has in review, newest first."""
        return await self._connection.read(lambda tx: proposals.own_waiting(tx, scope, now, limit, self._trust))

    async def own_handles(self, kind: Kind, scope: Scope, *, beginning: str, limit: int) -> tuple[tuple[str, str], ...]:
        """Return handles of a principal's newest records that begin so, each with its capability, newest first."""
        finder = {"proposal": proposals.own_handles, "evidence": reads.own_handles}[kind]
        rows = await self._connection.read(lambda tx: finder(tx, scope, beginning, limit))
        return tuple((row["id"], row["capability"]) for row in rows)

    async def evidence(self, evidence_id: str) -> Mapping[str, Any] | None:
        """Return an evidence bundle."""
        return await self._connection.read(lambda tx: reads.evidence_of(tx, evidence_id, self._trust))

    async def answered(
        self, run: str, capability: str, *, tenant: str | None, principal: str, limit: int
    ) -> tuple[Mapping[str, Any], ...]:
        """Return the evidence of what a capability answered in a run for a tenant and a principal, newest first."""
        asked = {"run": run, "capability": capability, "tenant": tenant, "principal": principal, "limit": limit}
        return await self._connection.read(lambda tx: reads.answered(tx, asked, self._trust))

    async def read_before(self, evidence_id: str, *, limit: int) -> tuple[Mapping[str, Any], ...]:
        """Return the evidence of what the same person read in the same run before this evidence, newest first."""
        return await self._connection.read(lambda tx: reads.read_before(tx, evidence_id, limit, self._trust))

    async def active_contract(self, name: str) -> Activated | None:
        """Return the version of a contract that was activated last."""
        return await self._connection.glance(lambda tx: contracts.active(tx, name, self._trust))

    async def active_contract_by_digest(self, digest: str) -> Activated | None:
        """Return the version with this digest while it is the one activated last under its name."""
        return await self._connection.glance(lambda tx: contracts.active_by_digest(tx, digest, self._trust))

    async def newest_activation(self, contract: str) -> str | None:
        """Return the handle of a contract's newest activation."""
        return await self._connection.glance(lambda tx: contracts.newest(tx, contract))

    async def activations(self, contract: str, *, limit: int) -> tuple[Activated, ...]:
        """Return the activations of a contract, newest first."""
        return await self._connection.read(lambda tx: contracts.history(tx, contract, limit, self._trust))

    async def activation_named(self, contract: str, digest_or_handle: str) -> Activated | None:
        """Return the newest activation of a contract that has this handle or names this digest."""
        return await self._connection.read(lambda tx: contracts.named(tx, contract, digest_or_handle))

    async def activation_before(self, contract: str, digest: str) -> Activated | None:
        """Return the newest activation of a contract that names another digest than this one."""
        return await self._connection.read(lambda tx: contracts.before(tx, contract, digest))

    async def asked_before(self, request: str) -> tuple[ProposalRecord, ...]:
        """Return the proposals of one request, oldest first."""
        return await self._connection.read(lambda tx: proposals.of_request(tx, request, self._trust))

    async def rivals(self, proposal: Proposal, *, now: str, limit: int) -> tuple[ProposalRecord, ...]:
        """Return other open proposals about the rows of a proposal."""
        return await self._connection.read(lambda tx: proposals.rivals(tx, proposal, self._trust, now=now, limit=limit))

    async def inbox(self, *, status: Status | None, limit: int) -> tuple[ProposalRecord, ...]:
        """Return the newest proposals, newest first."""
        return await self._connection.read(lambda tx: proposals.newest(tx, status, limit, self._trust))

    async def first_to_expire(self, *, now: str, limit: int) -> tuple[ProposalRecord, ...]:
        """Return the proposals that can be decided on, those that expire first before the others."""
        return await self._connection.read(lambda tx: proposals.first_to_expire(tx, now, limit, self._trust))

    async def decide(
        self,
        signed: SignedDecision,
        *,
        job: Job | None,
        counted: Mapping[str, tuple[str, ...]],
        complete: bool,
    ) -> ProposalRecord:
        """Record a decision, and where it completes the quorum or rejects, move the proposal and its group; the job is filed with it."""

        async def work(book: Book) -> ProposalRecord:
            await decisions.decide(book, self._trust, signed, job, counted=counted, complete=complete)
            return await proposals.existing(book.tx, signed.decision.proposal, self._trust)

        return await self._write(work)

    async def ask(self, signed: SignedInquiry) -> ProposalRecord:
        """Record a question about a proposal."""

        async def work(book: Book) -> ProposalRecord:
            await exchanges.ask(book, self.id, signed)
            return await proposals.existing(book.tx, signed.question.proposal, self._trust)

        return await self._write(work)

    async def answer(self, answer: Answer) -> None:
        """Record an agent's answer to a question about its proposal."""
        await self._write(lambda book: exchanges.answer(book, answer))

    async def amend(self, proposal: Proposal, evidence: Mapping[str, Any], audit: Mapping[str, Any]) -> ProposalRecord:
        """File a proposal in the place of the one that it amends."""
        seen = reads.seen_records(audit, evidence)

        async def work(book: Book) -> ProposalRecord:
            await amendments.amend(book, proposal, seen, self._trust)
            return await proposals.existing(book.tx, proposal.id, self._trust)

        return await self._write(work)

    async def past(
        self, *, after: int | None, since: str, until: str, limit: int, wanted: Wanted
    ) -> tuple[tuple[Past, ...], int | None]:
        """Return the wanted ones of the next proposals of a time, oldest first, and where the next page begins."""
        return await self._connection.read(
            lambda tx: history.page(
                tx, after=after, since=since, until=until, limit=limit, wanted=wanted, trust=self._trust
            )
        )

    async def refused_decision(self, proposal_id: str, operator: str, rule: str, at: str) -> None:
        """Record that a decision was attempted and refused; of very many of one person, how many."""
        await self._refusals.record(self._write, proposal_id, operator, rule, at)

    async def refused_login(self, refused: RefusedLogin) -> None:
        """Record that a login was attempted and refused."""
        await self._write(lambda book: logins.refuse(book, refused))

    async def refused_logins(self, *, limit: int) -> tuple[RefusedLogin, ...]:
        """Return the newest refused logins, newest first."""
        return await self._connection.read(lambda tx: logins.newest(tx, limit))

    async def activate(self, activated: Activated) -> None:
        """Record a signed activation."""
        await self._write(lambda book: contracts.activate(book, activated))

    async def evidence_holding(self, token: str) -> Mapping[str, Any] | None:
        """Return the newest evidence bundle that holds a token."""
        return await self._connection.read(lambda tx: reads.evidence_holding(tx, token, self._trust))

    async def record_reveal(self, reveal: Mapping[str, Any]) -> None:
        """Record that somebody looked behind hidden values, or was refused to."""
        await self._write(lambda book: reads.reveal(book, reveal))

    async def find(self, handle: str) -> Mapping[str, Any] | None:
        """Return the record of any handle; `latest` names the newest proposal."""
        return await self._connection.read(lambda tx: handles.find(tx, handle))

    async def receipts(self, *, limit: int) -> tuple[Receipt, ...]:
        """Return the newest receipts, newest first."""
        rows = await self._connection.read(lambda tx: tx.all("newest_receipts", limit=limit))
        return read_each("receipt", rows, receipt_of)[0]

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
        """Lease the oldest jobs that are due, free, permitted and next for their rows; looking for one costs no write."""
        if await self._connection.glance(lambda tx: jobs.due(tx, now, sources, self._trust, permits)) is None:
            return ()
        asked = jobs.Wanted(now, until, sources, permits, pauses, most, receipts)
        return await self._write(lambda book: jobs.lease(book, worker, self._trust, asked))

    async def version(self) -> int:
        """Return a number that is another one once anybody has written since."""
        return await self._connection.version()

    async def renew(self, leases: Collection[Lease], *, until: str) -> frozenset[str]:
        """Prolong leases in one transaction; return the handles of those that were not lost."""
        return await self._write(lambda book: jobs.renew(book, leases, until))

    async def release(self, lease: Lease, *, not_before: str, code: str) -> bool:
        """Give a job back to be tried again later; False when the lease was lost."""
        at = self._now()
        return await self._write(lambda book: jobs.release(book, lease, not_before=not_before, code=code, at=at))

    async def settle(self, lease: Lease, receipts: Sequence[Receipt]) -> Closed:
        """Record receipts and settlements and move the job's proposals."""
        return await self._write(lambda book: jobs.settle(book, lease, receipts, self._trust))

    async def expire_due(self, *, now: str) -> int:
        """Move pending proposals past their time to `expired`, and say how many."""
        total = 0
        while await self._connection.glance(lambda tx: proposals.due(tx, now, self._trust)):
            total += await self._write(lambda book: proposals.expire(book, now, self._trust))
        return total

    async def head(self) -> tuple[int, str]:
        """Return the sequence number and hash of the last event."""
        row = await self._connection.glance(lambda tx: tx.one("head"))
        return (row["seq"], row["hash"]) if row else (0, GENESIS)

    async def follow(self) -> None:
        """Prove that the chain goes on from where this process, or one that noted it, has proven it; else from its beginning. Then read what is new.

        Raises:
            IntegrityError: it does not.
        """
        await self._followed.on()

    async def proven(self, proposal_id: str) -> ProposalRecord | None:
        """Prove the chain, and return a proposal with all that is on record of it."""
        await self.follow()
        return await self.proposal(proposal_id)

    async def checkpoint(self) -> None:
        """Sign the head now, and copy the checkpoint beside the ledger."""
        await self._write(lambda book: book.checkpoint())

    async def verify(self, *, public_key: str | None = None, saved_head: tuple[int, str] | None = None) -> VerifyReport:
        """Walk the whole chain; `public_key` should come from outside the ledger, since whoever can edit it can edit its key."""
        key, seals = public_key or self.public_key, self._signer.seals
        return await verify(self._connection, public_key=key, seals=seals, saved_head=saved_head, saved=self._anchor)

    async def healthy(self) -> None:
        """Prove that the ledger can be written."""
        await self._connection.write(lambda tx: tx.execute("probe", at=self._now()))

    async def aclose(self) -> None:
        """Sign the head and close; a ledger that cannot be signed any more is closed all the same."""
        try:
            await self.checkpoint()
        except LedgerFailure as failed:
            log.warning("no checkpoint at close: %s", failed.message, extra={"action": "checkpoint_failed"})
        finally:
            await self._connection.close()

    @property
    def _trust(self) -> Trust:
        return self._followed.trust

    def _now(self) -> str:
        return stamp(self._clock.now())

    async def _write(self, job: Callable[[Book], Coroutine[Any, Any, T]]) -> T:
        made: list[Checkpoint] = []

        def attempt(tx: Transaction) -> Coroutine[Any, Any, T]:
            made.clear()
            return job(Book(tx, self._signer, made))

        result = await self._connection.write(attempt)
        if made and self._anchor is not None:
            await asyncio.to_thread(self._anchor.keep, tuple(made))
        return result
