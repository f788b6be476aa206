"""What the worker proves before it touches a source: signature, digest, activation, mode and columns, all from the ledger's own records.

Nothing that the model-facing process can write is believed: a job or a status proves nothing, a trusted person's signature does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from synapsor.contract.mapping import Table
from synapsor.core.authority import table_for
from synapsor.core.hidden import Keeper
from synapsor.core.outcome import Outcome, Why, why_failed, why_refused
from synapsor.core.plan import Relation
from synapsor.core.posture import natives
from synapsor.core.presenter import opened
from synapsor.core.proposal import Proposal
from synapsor.core.review import Operator, SignedDecision, verify_approval
from synapsor.core.writeback import Lease, target
from synapsor.errors import DecisionRefused, IntegrityError, SourceFailure
from synapsor.flow.apply import Claim, Result, Task
from synapsor.flow.review import contract_behind
from synapsor.ports import ProposalRecord, WorkLedger, WriteSource


class Denied(Exception):
    """A job is not authorised, or cannot be judged now; `result` says what becomes of it."""

    def __init__(self, why: Why, outcome: Outcome = Outcome.FAILED) -> None:
        super().__init__(why)
        self.result = Result(outcome=outcome, why=why)


@dataclass(frozen=True, kw_only=True)
class WriteTarget:
    """A source as the project wires it for writing."""

    source: WriteSource
    receipts: Relation
    time_ms: int
    known: dict[Relation, dict[str, str]] = field(default_factory=dict)

    async def natives(self, relation: Relation) -> dict[str, str]:
        """Return the catalogue's type names of a relation's columns, asked once."""
        if relation not in self.known:
            facts = await self.source.describe(relation)
            if facts is None:
                raise Denied(Why.RELATION_MISSING, Outcome.RETRY)
            self.known[relation] = natives(facts)
        return self.known[relation]


async def authorise(
    lease: Lease,
    ledger: WorkLedger,
    targets: Mapping[str, WriteTarget],
    operators: Mapping[str, Operator],
    *,
    now: Callable[[], str],
    reached: Callable[[str], Awaitable[None]],
) -> Task:
    """Return the task of a leased job, proven to be authorised.

    Raises:
        Denied: it is not, or the source cannot be described now.
        LedgerFailure: the ledger cannot be read.
    """
    record = await ledger.proposal(lease.job.proposal)
    if record is None:
        raise Denied(Why.PROPOSAL_MISSING)
    proposal = record.proposal
    if proposal.digest != lease.job.digest or proposal.ledger != ledger.id:
        raise Denied(Why.DIGEST_MISMATCH)
    signed = _approval(lease, record)
    _verify(signed, proposal, operators, ledger.id, now())
    table = await _reviewed_table(proposal, ledger, operators)
    place = targets.get(proposal.source)
    if place is None:
        raise Denied(Why.SOURCE_NOT_WRITABLE)
    try:
        kinds = await place.natives(target(table))
    except SourceFailure as failed:
        raise Denied(why_failed(failed.kind), Outcome.RETRY) from None
    claim = await claim_of(proposal, lease, ledger, targets, reached=reached)
    assert claim is not None  # noqa: S101  # the source is among the targets
    until = min(signed.decision.expires_at, proposal.expires_at)
    whole = _opened(proposal, ledger)
    return Task(**vars(claim), opened=whole, table=table, natives=kinds, expired=lambda: now() >= until)


async def claim_of(
    proposal: Proposal,
    lease: Lease,
    ledger: WorkLedger,
    targets: Mapping[str, WriteTarget],
    *,
    reached: Callable[[str], Awaitable[None]],
) -> Claim | None:
    """Return the claim of a leased job, or None when its source is not written here."""
    place = targets.get(proposal.source)
    if place is None:
        return None
    _, head = await ledger.head()
    return Claim(
        proposal=proposal,
        source=place.source,
        receipts=place.receipts,
        ledger_head=bytes.fromhex(head.removeprefix("sha256:")),
        worker=lease.worker,
        time_ms=place.time_ms,
        reached=reached,
    )


def _opened(proposal: Proposal, ledger: WorkLedger) -> Proposal:
    try:
        return opened(proposal, Keeper.of(ledger.secret))
    except IntegrityError:
        raise Denied(Why.HIDDEN_UNREADABLE) from None


def _approval(lease: Lease, record: ProposalRecord) -> SignedDecision:
    if any(s.decision.verdict == "reject" for s in record.decisions):
        raise Denied(Why.REJECTED)
    signed = next((s for s in record.decisions if s.decision.id == lease.job.decision), None)
    if signed is None:
        raise Denied(Why.APPROVAL_MISSING)
    return signed


def _verify(
    signed: SignedDecision, proposal: Proposal, operators: Mapping[str, Operator], ledger: str, now: str
) -> None:
    try:
        verify_approval(signed, proposal, operators, ledger=ledger, now=now)
    except IntegrityError:
        raise Denied(Why.APPROVAL_INVALID) from None
    except DecisionRefused as refused:
        raise Denied(why_refused(refused.rule)) from None


async def _reviewed_table(proposal: Proposal, ledger: WorkLedger, operators: Mapping[str, Operator]) -> Table:
    contract = await contract_behind(proposal, ledger, operators)
    found = contract if isinstance(contract, Why) else table_for(proposal, contract)
    if isinstance(found, Why):
        raise Denied(found)
    return found
