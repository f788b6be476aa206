"""Apply what was approved in one transaction of the source: receipts, locks, guards, changes, checks, commit; all of it or nothing.

It is one proposal, or all of a group that stands or falls together; what their receipts mean is told in `verdict`. Any error rolls back
and closes the connection; a lost answer to COMMIT is never guessed, the next attempt finds the receipt or waits for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from synapsor.contract.changes import Accepts
from synapsor.contract.mapping import Table
from synapsor.core.depends import Hop
from synapsor.core.effects import unreviewed
from synapsor.core.measured import Measured, Measurement, Tally, effect_of, less
from synapsor.core.newcomers import count_newcomers
from synapsor.core.outcome import Outcome, Why, why_failed
from synapsor.core.plan import ReadPlan
from synapsor.core.proposal import Member, Proposal
from synapsor.core.question import recheck
from synapsor.core.row_security import relied_on, settings_of
from synapsor.core.scope import Scope
from synapsor.core.writeback import Done, done_to, look_plan, stale, surprise, target, write_plan
from synapsor.errors import Failure, Refusal, SourceFailure
from synapsor.flow.depend import Related, Row
from synapsor.flow.verdict import Claim, Result, Stop, nowhere, record_verdict
from synapsor.ports import WriteSource, WriteTransaction
from synapsor.sql.read import compile_read
from synapsor.sql.settings import tell
from synapsor.sql.write import compile_write
from synapsor.values import Token, ValueUnfit

STEPS = (
    "apply.begun",
    "apply.receipt_inserted",
    "apply.row_locked",
    "apply.row_changed",
    "apply.row_checked",
    "apply.before_commit",
    "apply.committed",
    "apply.verdict_begun",
    "apply.verdict_before_commit",
    "apply.verdict_committed",
)
"""Named points that the chaos tests stop at."""

EVERY = 100
"""After how many rows it is told how far a change is."""

TRY_AGAIN = frozenset(
    {
        Failure.UNAVAILABLE,
        Failure.BUSY,
        Failure.TIMEOUT,
        Failure.TRANSIENT,
        Failure.DENIED,
        Failure.DRIFT,
    }
)
"""How a source fails where nothing is known to have happened, and another attempt may do better."""


def unheard(_done: int, _rows: int) -> None:
    """Tell nobody how far it is."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One authorised proposal with all that carrying it out takes, beside what a job's proposals share.

    Attributes:
        opened: the proposal with its hidden values as the database had them; `proposal` is the one that was signed.
        hops: the related rows that its rows depend on.
        accepts: the effects of a delete that were reviewed.
        matching: the look for rows that match a set now.
        measured: what was approved as the effect, where that was measured; the change is then held to it.
        lapses: the moment at which `expired` begins to hold.
    """

    proposal: Proposal
    opened: Proposal
    table: Table
    natives: Mapping[str, str]
    expired: Callable[[], bool]
    hops: tuple[Hop, ...] = ()
    accepts: Accepts | None = None
    matching: ReadPlan | None = None
    lapses: str = ""
    measured: Measurement | None = None


@dataclass(frozen=True, kw_only=True)
class InHand:
    """A leased job in hand: the claim to it, and a task for each of its proposals, in the order in which they are applied.

    Attributes:
        progress: told how many of its rows are changed, of how many, each time that so many more are.
    """

    claim: Claim
    tasks: tuple[Task, ...]
    progress: Callable[[int, int], None] = unheard


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where changes are carried out: an open transaction of a source, of which nothing is committed here."""

    tx: WriteTransaction
    source: WriteSource
    time_ms: int
    reached: Callable[[str], Awaitable[None]] = field(default=nowhere)
    progress: Callable[[int, int], None] = unheard


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What carrying out changes came to, before anything is committed.

    Attributes:
        done: what was done to each proposal's rows.
        newcomers: how many rows match the set of each proposal now and were left as they are.
        tables: what was touched by all of them, where that was counted.
    """

    tasks: Sequence[Task]
    done: Mapping[str, tuple[Done, ...]]
    newcomers: Mapping[str, int]
    tables: Tally

    def measured(self, proposal: str) -> Measured:
        """Return what a proposal comes to, as it is measured."""
        rows = (one.after for one in self.done[proposal])
        others = tuple(task.proposal.digest for task in self.tasks if task.proposal.id != proposal)
        return Measured(rows=tuple(row for row in rows if row is not None), tables=self.tables, others=others)


async def apply(job: InHand) -> Result:
    """Try to apply one proposal, or a whole group in its order, over one source.

    The result is true whatever happened, and `RETRY` means that nothing is known to have happened yet.
    """
    # Of a first attempt no verdict is looked for, unless its own cannot be left: nobody has tried it before, as far as the ledger knows.
    first = job.claim.lease.attempt == 1
    result = await _attempt(job, looks=not first)
    return await _attempt(job, looks=True) if first and result.why is Why.RECEIPT_RACED else result


async def _attempt(job: InHand, *, looks: bool) -> Result:
    claim = job.claim
    if (ended := await claim.verdicts.begin(claim)) is not None:
        return ended
    try:
        async with claim.source.transaction(time_ms=claim.time_ms) as tx:
            result = await _apply(job, tx, looks=looks)
    except Stop as stop:
        result = stop.result
    except SourceFailure as failed:
        if failed.kind is Failure.UNKNOWN_COMMIT:
            return claim.verdicts.lost()
        if failed.kind in TRY_AGAIN:
            return Result(outcome=Outcome.RETRY, why=why_failed(failed.kind))
        raced = await _duplicate(job) if failed.kind is Failure.CONSTRAINT else None
        result = (
            Result(outcome=Outcome.CONFLICT, why=Why.INSERT_DUPLICATE, by=raced)
            if raced
            else Result(outcome=Outcome.FAILED, why=why_failed(failed.kind))
        )
    if result.outcome is Outcome.APPLIED:
        await claim.reached("apply.committed")
    if result.outcome in {Outcome.CONFLICT, Outcome.FAILED} and not result.recorded:
        return await record_verdict(claim, result)
    return result


async def _apply(job: InHand, tx: WriteTransaction, *, looks: bool) -> Result:
    claim, tasks = job.claim, job.tasks
    await claim.reached("apply.begun")
    known = await claim.verdicts.known(claim, tx) if looks else None
    if known is not None:
        raise Stop(known)
    for task in tasks:
        await _undone(task, claim, tx)
        await claim.verdicts.leave(claim, task.proposal, tx, Outcome.APPLIED)
    await claim.reached("apply.receipt_inserted")
    site = Site(tx=tx, source=claim.source, time_ms=claim.time_ms, reached=claim.reached, progress=job.progress)
    carried = await carry_out(tasks, site, counts=any(task.measured is not None for task in tasks))
    await claim.reached("apply.row_checked")
    for task in tasks:
        _reproduced(task, carried)
        if task.expired():
            raise _stopped(task, Outcome.FAILED, Why.APPROVAL_EXPIRED)
    claim.check_held()
    await claim.reached("apply.before_commit")
    await tx.commit()
    return Result(outcome=Outcome.APPLIED, done=carried.done, newcomers=carried.newcomers)


async def carry_out(tasks: Sequence[Task], site: Site, *, counts: bool = False) -> Carried:
    """Carry out what was approved, or is to be measured, under all of its guards, and say what it came to; nothing is committed.

    Raises:
        Stop: something is not as it was, or did not become what it was to.
        SourceFailure: by kind.
    """
    tx = site.tx
    for task in tasks:
        await _tell(task, site)
    before = await tx.tally() if counts else {}
    # All rows are compared, and those of updates locked, before the first one is changed: each proposal was decided on as things were then.
    newcomers = {task.proposal.id: await _hold(task, site) for task in tasks}
    await site.reached("apply.row_locked")
    changes = [(task, member) for task in tasks for member in task.opened.members]
    for count, (task, member) in enumerate(changes, start=1):
        await _change(task, site, member)
        if count % EVERY == 0 and count < len(changes):
            site.progress(count, len(changes))
    await site.reached("apply.row_changed")
    # Before the rows are looked at: a constraint trigger that was put off may change them as well.
    await tx.settle_constraints()
    done = {task.proposal.id: await _changed(task, site) for task in tasks}
    tables = less(await tx.tally(), before) if counts else {}
    return Carried(tasks=tasks, done=done, newcomers=newcomers, tables=tables)


def _reproduced(task: Task, carried: Carried) -> None:
    """Stop where a change did something else than what was measured and approved."""
    measured = task.measured
    if measured is None:
        return
    now = carried.measured(task.proposal.id)
    if effect_of(task.proposal.digest, now, measured.varies) != measured.effect:
        raise _stopped(task, Outcome.FAILED, Why.EFFECT_DIFFERS)


async def _hold(task: Task, site: Site) -> int:
    """Lock what a proposal updates and what it depends on, and stop where a row is not as it was; return how many are new to its set."""
    for member in task.opened.members:
        if why := stale(task.opened, member, await _look(task, site, member)):
            raise _stopped(task, Outcome.CONFLICT, why)
    await _depends(task, site)
    return await _newcomers(task, site)


async def _changed(task: Task, site: Site) -> tuple[Done, ...]:
    """Return what was done to a proposal's rows, and stop where one is not exactly what was approved after it."""
    after = []
    for member in task.opened.members:
        row = await _look(task, site, member)
        if why := surprise(task.opened, member, task.table, row):
            raise _stopped(task, Outcome.FAILED, why)
        after.append(row)
    # Asked while the change holds its locks, so that no trigger or foreign key can have come after it.
    if task.opened.deletes and unreviewed(await site.tx.effects(target(task.table)), task.accepts):
        raise _stopped(task, Outcome.FAILED, Why.DELETE_EFFECTS)
    return _done(task, after)


async def _undone(task: Task, claim: Claim, tx: WriteTransaction) -> None:
    """Stop an undo of what nothing proves was applied, under exactly this digest."""
    undoes = task.proposal.undoes
    if undoes is not None and not await claim.verdicts.applied(claim, undoes, tx):
        raise _stopped(task, Outcome.FAILED, Why.ORIGINAL_NOT_APPLIED)


async def _tell(task: Task, site: Site) -> None:
    """Tell the policies of the changed table whose rows these are, for this transaction; a look at a related row tells its own."""
    told = tell(settings_of(relied_on(task.table), _scope(task)))
    if told is not None:
        await site.tx.fetch(told)


def _scope(task: Task) -> Scope:
    return Scope(tenant=task.proposal.tenant, principal=task.proposal.owner)


async def _depends(task: Task, site: Site) -> None:
    """Hold the related rows until the commit, and stop where one is not as it was."""

    async def ask(hop: Hop, plan: ReadPlan) -> Row | None:
        row = await _related(task, site, plan)
        if (
            row is not None
            and hop.seen is not None
            and row != await _related(task, site, replace(plan, shape=hop.seen))
        ):
            return None
        return row

    related = Related(hops=task.hops, scope=_scope(task), time_ms=site.time_ms, ask=ask)
    for member in task.opened.members:
        if moved := await related.moved({**member.row, **dict(task.proposal.scope)}, member.depends):
            raise _stopped(task, Outcome.CONFLICT, Why.DEPENDENCY_MOVED, moved)


async def _related(task: Task, site: Site, plan: ReadPlan) -> Row | None:
    """Return a related row as it is in the transaction."""
    row = _one(task, await _rows(task, site, plan), [c.name for c in plan.shape.columns])
    try:
        recheck(plan, [] if row is None else [tuple(row.values())])
    except Refusal:
        return None
    return row


def _done(task: Task, rows: Sequence[dict[str, Token] | None]) -> tuple[Done, ...]:
    """Return what was done to each row, without the hidden values that the change is not about."""
    hidden = set(task.table.hidden) | task.proposal.hidden
    kept = {n for n, _ in task.proposal.columns} - (hidden - set(task.proposal.changed))
    told = [None if row is None else {n: t for n, t in row.items() if n in kept} for row in rows]
    return done_to(task.proposal, told, task.table.version if task.table.version in kept - hidden else None)


async def _newcomers(task: Task, site: Site) -> int:
    """Return how many rows match the set now that are none of its members."""
    if task.matching is None:
        return 0
    return count_newcomers(task.opened, await _rows(task, site, task.matching))


async def _look(task: Task, site: Site, member: Member) -> dict[str, Token] | None:
    """Return a member's row as it is in the transaction."""
    plan = look_plan(task.opened, member, task.table, task.natives, time_ms=site.time_ms)
    return _one(task, await _rows(task, site, plan), [name for name, _ in task.opened.columns])


async def _change(task: Task, site: Site, member: Member) -> None:
    plan = write_plan(task.opened, member, task.table, task.natives)
    matched = await site.tx.execute(compile_write(plan.shape, site.source.dialect).bind(plan))
    if matched == 0:
        raise _stopped(task, Outcome.CONFLICT, Why.GUARD_FAILED)
    if matched != 1:
        raise _stopped(task, Outcome.FAILED, Why.MORE_THAN_ONE_ROW)


async def _duplicate(job: InHand) -> str | None:
    """Return the proposal whose insert met a row that came in between, in a new transaction that changes nothing."""
    claim = job.claim
    inserting = [task for task in job.tasks if task.opened.inserts]
    if not inserting:
        return None
    try:
        async with claim.source.transaction(time_ms=claim.time_ms) as tx:
            site = Site(tx=tx, source=claim.source, time_ms=claim.time_ms)
            for task in inserting:
                await _tell(task, site)
                if any([await _look(task, site, member) is not None for member in task.opened.members]):
                    return task.proposal.id
    except (SourceFailure, Stop):
        return None
    return None


async def _rows(task: Task, site: Site, plan: ReadPlan) -> list[tuple[Token, ...]]:
    """Return the rows of a look; one that is larger than any that was shown ends the attempt before it is here."""
    template = compile_read(plan.shape, site.source.dialect)
    try:
        seen = template.seen(plan, await site.tx.fetch(template.bind(plan)))
    except ValueUnfit:
        raise _stopped(task, Outcome.FAILED, Why.DRIFT) from None
    if seen.cut_by == "bytes":
        raise _stopped(task, Outcome.FAILED, Why.TOO_LARGE)
    return seen.rows


def _one(task: Task, rows: Sequence[tuple[Token, ...]], names: Sequence[str]) -> dict[str, Token] | None:
    if len(rows) > 1:
        raise _stopped(task, Outcome.FAILED, Why.MORE_THAN_ONE_ROW)
    return dict(zip(names, rows[0], strict=True)) if rows else None


def _stopped(task: Task, outcome: Outcome, why: Why, moved: tuple[str, ...] = ()) -> Stop:
    """Return what leaves the transaction because of one of the proposals, to be raised."""
    return Stop(Result(outcome=outcome, why=why, by=task.proposal.id, moved=moved))
