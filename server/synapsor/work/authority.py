"""What the worker proves before it touches a source: signature, digest, activation, mode and columns, all from the ledger's own records.

Nothing that the model-facing process can write is believed: a job or a status proves nothing, a trusted person's signature does.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.model import Contract
from synapsor.core.accepted import Accepted, accepted_of
from synapsor.core.depends import Hop, held_hops
from synapsor.core.facts import Effect
from synapsor.core.group import in_order, is_whole
from synapsor.core.intents import standing
from synapsor.core.measured import Measurement, holds
from synapsor.core.moment import stamp
from synapsor.core.newcomers import match_plan
from synapsor.core.outcome import Outcome, Why, why_failed, why_refused
from synapsor.core.plan import Relation
from synapsor.core.policy import outside
from synapsor.core.posture import natives
from synapsor.core.proposal import Proposal, Status
from synapsor.core.quorum import counted, to_come
from synapsor.core.review import counts_from, verify_approval, verify_policy_approval
from synapsor.core.statements import Operator, SignedDecision
from synapsor.core.steering import STEERED, ruling
from synapsor.core.trust import ProgramKey
from synapsor.core.writeback import Approved, Lease, target
from synapsor.errors import DecisionRefused, IntegrityError, SourceFailure
from synapsor.flow.apply import InHand, Task
from synapsor.flow.automatic import running
from synapsor.flow.intents import Intents
from synapsor.flow.permitted import Permitted, permitted
from synapsor.flow.receipts import Receipts
from synapsor.flow.verdict import Claim, Result, Verdicts, nowhere
from synapsor.handler_ports import Handler
from synapsor.ports import Clock, ProposalRecord, WorkLedger, WriteSource
from synapsor.work.heartbeat import elapsed


class Denied(Exception):
    """A job is not authorised, or cannot be judged now; `result` says what becomes of it."""

    def __init__(self, why: Why, outcome: Outcome = Outcome.FAILED, *, by: str | None = None, until: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.result = Result(outcome=outcome, why=why, by=by, until=until)


@dataclass(frozen=True, kw_only=True)
class WriteTarget:
    """A source as the project wires it for writing.

    Attributes:
        receipts: the table of its receipts; None where its owner has none, and the ledger alone keeps what came of each change.
        production: its credential is refused where it can do more than it should.
        allow: the rules which the project allows it to break.
        has_writer: the worker may write it; where not, applications carry out all of its changes, and `source` refuses all.
    """

    source: WriteSource
    receipts: Relation | None
    time_ms: int
    production: bool = False
    allow: frozenset[str] = frozenset()
    has_writer: bool = True
    known: dict[Relation, dict[str, str]] = field(default_factory=dict)

    def carries_out(self, proposal: Proposal) -> bool:
        """Tell whether a proposal can be carried out here: what no application does, only a writer can."""
        return self.has_writer or proposal.executor is not None

    def verdicts(self, ledger: WorkLedger, lease: Lease) -> Verdicts:
        """Return where the verdicts on a leased job are kept."""
        return Intents(ledger, lease) if self.receipts is None else Receipts(self.receipts)

    async def natives(self, relation: Relation) -> dict[str, str]:
        """Return the catalogue's type names of a relation's columns, asked once."""
        if relation not in self.known:
            facts = await self.source.describe(relation)
            if facts is None:
                raise Denied(Why.RELATION_MISSING, Outcome.RETRY)
            self.known[relation] = natives(facts)
        return self.known[relation]

    async def effects(self, capability: ProposeCapability, relation: Relation) -> tuple[Effect, ...]:
        """Return what the capability's change of a relation does beside, as the catalogue says now; only where it may remove rows.

        Raises:
            SourceFailure: the catalogue cannot be read.
        """
        if not capability.removes:
            return ()
        return await self.source.effects(relation)


@dataclass(frozen=True, kw_only=True)
class Workbench:
    """What a worker has at hand.

    Attributes:
        targets: what may be written, by source name; only sources in `writeback` mode are here.
        operators: asks whose keys are trusted now.
        handlers: the applications that carry out changes, by the names that contracts give them.
        automatic: the key that policy decisions are signed with; None where automatic approval is off.
        reached: passes the named points of the chaos tests.
        elapsed: the seconds of a clock that nobody can set.
        holds: whether a lease is certainly held now.
        doubt: is told of each outcome of a source, so that it is looked at where that makes it doubtful.
    """

    ledger: WorkLedger
    targets: Mapping[str, WriteTarget]
    operators: Callable[[], Mapping[str, Operator]]
    clock: Clock
    handlers: Mapping[str, Handler] = field(default_factory=dict)
    automatic: ProgramKey | None = None
    reached: Callable[[str], Awaitable[None]] = field(default=nowhere)
    elapsed: Callable[[], float] = field(default=elapsed)
    holds: Callable[[Lease], bool] = field(default=lambda _: True)
    doubt: Callable[[str, Why | None], None] = field(default=lambda _source, _why: None)

    def now(self) -> str:
        """Return this moment as records write it."""
        return stamp(self.clock.now())

    def reaches(self, proposal: Proposal) -> bool:
        """Tell whether a proposal can be carried out here: its source is written, and its executor is known."""
        place = self.targets.get(proposal.source)
        known = proposal.executor is None or proposal.executor in self.handlers
        return place is not None and place.carries_out(proposal) and known

    def claim(self, lease: Lease, records: Iterable[ProposalRecord]) -> Claim:
        """Return the claim to a leased job, by the records of its proposals: they are within reach, of one source and one executor."""
        found = {record.proposal.id: record for record in records}
        order = in_order({name: record.proposal for name, record in found.items()})
        proposals = tuple(found[name].proposal for name in order)
        source, executor = proposals[0].source, proposals[0].executor
        place, handler = self.targets[source], self.handlers[executor] if executor is not None else None
        before = None if handler is None else accepted_in(found[name] for name in order)
        return Claim(
            lease=lease,
            proposals=proposals,
            source=place.source,
            verdicts=place.verdicts(self.ledger, lease),
            time_ms=place.time_ms,
            reached=self.reached,
            held=partial(self.holds, lease),
            handler=handler,
            accepted=before is not None,
            asked_until=before.until if before is not None else self._may_be_open(handler),
        )

    def _may_be_open(self, handler: Handler | None) -> str:
        """Return until when it may be open what an application accepts now."""
        return "" if handler is None else stamp(self.clock.now() + dt.timedelta(seconds=handler.accepted_seconds))


def accepted_in(records: Iterable[ProposalRecord]) -> Accepted | None:
    """Return that the application has accepted a job, by the ledger's own events of its proposals."""
    told = (accepted_of(record.events) for record in records)
    return next((before for before in told if before is not None), None)


async def authorise(lease: Lease, bench: Workbench, trusted: Mapping[str, Operator]) -> InHand:
    """Return a leased job, each of its proposals proven to be authorised, and all of its group.

    By a policy only where automatic approval is on. `trusted` are the people whose keys are trusted now, as they were read before the
    job was taken.

    Raises:
        Denied: one is not, or the source cannot be described now.
        LedgerFailure: the ledger cannot be read.
    """
    if not _names_each_once(lease):
        raise Denied(Why.GROUP_BROKEN)
    records: list[ProposalRecord] = []
    for part in lease.job.parts:
        with about(part.proposal):
            records.append(await _recorded(part, bench))
    if (why := ruling(lease.job, records, trusted, ledger=bench.ledger.id)) is not None:
        raise Denied(why, STEERED[why])
    tasks: dict[str, Task] = {}
    for part, record in zip(lease.job.parts, records, strict=True):
        with about(part.proposal):
            tasks[part.proposal] = await _authorised(part, record, bench, trusted)
    proposals = [task.proposal for task in tasks.values()]
    if not is_whole(proposals) or len({proposal.executor for proposal in proposals}) > 1:
        raise Denied(Why.GROUP_BROKEN)
    claim = bench.claim(lease, records)
    return InHand(claim=claim, tasks=tuple(tasks[proposal.id] for proposal in claim.proposals))


def _names_each_once(lease: Lease) -> bool:
    return len({part.proposal for part in lease.job.parts}) == len(lease.job.parts)


@contextmanager
def about(proposal: str) -> Iterator[None]:
    """Say of what is denied which proposal it is about."""
    try:
        yield
    except Denied as denied:
        # What nobody knows is about the whole of a group.
        by = None if denied.why is Why.INTENT_UNRESOLVED else proposal
        raise Denied(denied.why, denied.result.outcome, by=by, until=denied.result.until) from None


async def _recorded(part: Approved, bench: Workbench) -> ProposalRecord:
    try:
        record = await bench.ledger.proposal(part.proposal)
    except IntegrityError:
        raise Denied(Why.DIGEST_MISMATCH) from None
    if record is None:
        raise Denied(Why.PROPOSAL_MISSING)
    return record


async def _authorised(
    part: Approved, record: ProposalRecord, bench: Workbench, operators: Mapping[str, Operator]
) -> Task:
    ledger, proposal = bench.ledger, record.proposal
    written = bench.targets.get(proposal.source)
    # First of all: where nobody can look into the source, no other reason may end what an earlier attempt can have applied.
    if written is not None and not written.carries_out(proposal):
        raise Denied(Why.SOURCE_NOT_WRITABLE, Outcome.RETRY)
    if proposal.digest != part.digest or proposal.ledger != ledger.id:
        raise Denied(Why.DIGEST_MISMATCH)
    signed = _approval(part, record)
    # A status proves nothing, and yet nothing is done that the ledger's own record denies.
    if record.status is not Status.APPROVED:
        raise Denied(Why.RECORDS_DIFFER)
    by_policy = signed.decision.policy is not None
    approvals = (signed,) if by_policy else _people(signed, record, operators, ledger.id, bench.now())
    if by_policy:
        await _by_policy(signed, proposal, bench, operators)
    found = await permitted(proposal, ledger, operators)
    if isinstance(found, Why):
        raise Denied(found)
    if by_policy and outside(proposal, found.contract) is not None:
        raise Denied(Why.POLICY_CHANGED)
    # After all that names its reason: what was taken out of the ledger does not.
    if record.differs or not record.told.issuperset(one.decision.id for one in (signed, *approvals)):
        raise Denied(Why.RECORDS_DIFFER)
    # Wherever verdicts are kept now: what an attempt came to that left nothing in the source, nothing there tells.
    if standing((told["kind"], told["facts"]) for told in record.events) is not None:
        raise Denied(Why.INTENT_UNRESOLVED, Outcome.RECONCILIATION_REQUIRED)
    capability, table = found.capability, found.table
    place = bench.targets.get(proposal.source)
    if place is None:
        raise Denied(Why.SOURCE_NOT_WRITABLE)
    if not bench.reaches(proposal):
        raise Denied(Why.EXECUTOR_MISSING, Outcome.RETRY)
    lapses = min(proposal.expires_at, *(one.decision.expires_at for one in approvals))
    task = Task(
        proposal=proposal,
        opened=found.proposal,
        table=table,
        natives={},
        expired=lambda: bench.now() >= lapses,
        accepts=capability.accepts,
        lapses=lapses,
        measured=_measured(record, approvals),
    )
    return task if proposal.executor is not None else await by_sql(task, found, place)


def _measured(record: ProposalRecord, approvals: Sequence[SignedDecision]) -> Measurement | None:
    """Return the measurement that all approvals are over; None where none is, and nobody asks for one."""
    proposal = record.proposal
    effects = {one.decision.effect for one in approvals}
    if effects == {""} and not record.is_shadowed:
        return None
    (effect, *others) = effects
    found = next((one for one in record.measurements if one.effect == effect and holds(one, proposal)), None)
    if others or found is None:
        raise Denied(Why.NOT_MEASURED)
    return found


async def by_sql(task: Task, found: Permitted, place: WriteTarget) -> Task:
    """Return a task with what the worker needs to know of the source to carry it out by itself."""
    try:
        kinds = await place.natives(target(task.table))
        hops = await _hops(found.capability, found.contract, place) if found.original is None else ()
    except SourceFailure as failed:
        raise Denied(why_failed(failed.kind), Outcome.RETRY) from None
    matching = match_plan(task.proposal, found.capability, task.table, kinds)
    return replace(task, natives=kinds, hops=hops, matching=matching)


async def _hops(capability: ProposeCapability, contract: Contract, place: WriteTarget) -> tuple[Hop, ...]:
    """Return the worker's looks at the related rows that a change depends on."""
    tables = contract.tables_of(capability) if capability.depends else {}
    natives = {name: await place.natives(target(table)) for name, table in tables.items()}
    return held_hops(capability, contract, natives) if tables else ()


async def claim_of(lease: Lease, bench: Workbench) -> Claim | None:
    """Return the claim to a leased job, its proposals in the order in which `authorise` has them, so that no two workers wait for each
    other's receipts; None when one is not on record or cannot be read, its source is not written here, or they are not of one source and one
    executor: their receipts are written in one transaction.

    Raises:
        Denied: its executor is not known here, so that nobody can be asked now.
    """
    found: list[ProposalRecord] = []
    for name in dict.fromkeys(part.proposal for part in lease.job.parts):
        try:
            record = await bench.ledger.proposal(name)
        except IntegrityError:
            return None
        if record is None or not bench.reaches(record.proposal):
            if record and record.proposal.executor not in {None, *bench.handlers}:
                raise Denied(Why.EXECUTOR_MISSING, Outcome.RETRY)
            return None
        found.append(record)
    of_one = len({(record.proposal.source, record.proposal.executor) for record in found}) == 1
    return bench.claim(lease, found) if of_one else None


async def accepted_before(lease: Lease, bench: Workbench) -> Accepted | None:
    """Return that the application has accepted a leased job, as its proposals' events tell it; None of those that cannot be read."""
    for part in lease.job.parts:
        try:
            record = await bench.ledger.proposal(part.proposal)
        except IntegrityError:
            continue
        if record is not None and (before := accepted_of(record.events)) is not None:
            return before
    return None


def _approval(part: Approved, record: ProposalRecord) -> SignedDecision:
    if any(s.decision.verdict == "reject" for s in record.decisions):
        raise Denied(Why.REJECTED)
    signed = next((s for s in record.decisions if s.decision.id == part.decision), None)
    if signed is None:
        raise Denied(Why.APPROVAL_MISSING)
    return signed


def _people(
    signed: SignedDecision, record: ProposalRecord, operators: Mapping[str, Operator], ledger: str, now: str
) -> tuple[SignedDecision, ...]:
    """Return the approvals of as many different people as the proposal needs, each signature verified again."""
    proposal = record.proposal
    found = counted(record.decisions, proposal, operators, ledger=ledger, now=now)
    early = to_come(record.decisions, proposal, operators, ledger=ledger, now=now)
    # Time passes, and a clock that was set back is set right; a verdict would be for good.
    if early and (signed in early or len(found) < proposal.quorum):
        raise Denied(Why.APPROVAL_TO_COME, Outcome.RETRY, until=min(counts_from(one.decision) for one in early))
    if signed not in found:
        with _denying():
            verify_approval(signed, proposal, operators, ledger=ledger, now=now)
    if len(found) < proposal.quorum:
        raise Denied(Why.QUORUM_MISSING)
    return found[: proposal.quorum]


async def _by_policy(
    signed: SignedDecision, proposal: Proposal, bench: Workbench, operators: Mapping[str, Operator]
) -> None:
    """Prove that the policy's key approved it, and that policies count now."""
    with _denying():
        verify_policy_approval(signed, proposal, operators, ledger=bench.ledger.id, now=bench.now())
    goes, _ = await running(bench.ledger, operators)
    if not (bench.automatic and goes):
        raise Denied(Why.POLICY_OFF)


@contextmanager
def _denying() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise Denied(Why.APPROVAL_INVALID) from None
    except DecisionRefused as refused:
        raise Denied(why_refused(refused.rule)) from None
