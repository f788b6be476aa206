"""Apply one approved proposal in one transaction of the source: receipt, locks, guards, changes, checks, commit; all members or none.

The receipt commits with the change, and the first receipt of a proposal is its verdict: a conflict or failure leaves one too, so
that a worker that was paused cannot apply what another has already reported as not applied. Any error rolls back and closes the
connection; a lost answer to COMMIT is never guessed, the next attempt finds the receipt or waits for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from synapsor.contract.changes import Accepts
from synapsor.contract.mapping import Table
from synapsor.core.depends import Hop
from synapsor.core.effects import unreviewed
from synapsor.core.newcomers import count_newcomers
from synapsor.core.outcome import GivenUp, Outcome, Why, code_of, why_failed
from synapsor.core.plan import ReadPlan, Relation
from synapsor.core.proposal import Member, Proposal
from synapsor.core.question import recheck
from synapsor.core.row_security import relied_on, settings_of
from synapsor.core.scope import Scope
from synapsor.core.writeback import SourceReceipt, look_plan, receipt_key, stale, surprise, target, write_plan
from synapsor.errors import Failure, Refusal, SourceFailure
from synapsor.flow.depend import Related, Row
from synapsor.ports import WriteSource, WriteTransaction
from synapsor.sql.read import compile_read
from synapsor.sql.receipts import insert_receipt, read_receipt, select_receipt
from synapsor.sql.settings import tell
from synapsor.sql.statement import RawRow, Statement
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
    "apply.verdict_committed",
)
"""Named points that the chaos tests stop at."""

_TRY_AGAIN = frozenset(
    {
        Failure.UNAVAILABLE,
        Failure.BUSY,
        Failure.TIMEOUT,
        Failure.TRANSIENT,
        Failure.UNKNOWN_COMMIT,
        Failure.DENIED,
        Failure.DRIFT,
    }
)


def _digest(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("sha256:"))


async def nowhere(_: str) -> None:
    """Pass a named point; what production does."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A proposal and where its receipt is kept: enough to learn or to record its verdict, and not enough to change a row."""

    proposal: Proposal
    source: WriteSource
    receipts: Relation
    ledger_head: bytes
    worker: str
    time_ms: int
    reached: Callable[[str], Awaitable[None]] = field(default=nowhere)

    def receipt(self, outcome: Outcome) -> SourceReceipt:
        """Return the receipt row of this outcome."""
        return SourceReceipt(
            key=receipt_key(self.proposal.ledger, self.proposal.id),
            digest=_digest(self.proposal.digest),
            proposal=self.proposal.id,
            tenant=self.proposal.tenant or "",
            outcome=outcome.value,
            ledger_head=self.ledger_head,
            worker=self.worker,
        )


@dataclass(frozen=True, kw_only=True)
class Task(Claim):
    """One authorised proposal with all that applying it takes.

    Attributes:
        opened: the proposal with its hidden values as the database had them; `proposal` is the one that was signed.
        hops: the related rows that its rows depend on.
        accepts: the effects of a delete that were reviewed.
        matching: the look for rows that match a set now.
    """

    opened: Proposal
    table: Table
    natives: Mapping[str, str]
    expired: Callable[[], bool]
    hops: tuple[Hop, ...] = ()
    accepts: Accepts | None = None
    matching: ReadPlan | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one attempt came to.

    Attributes:
        why: the reason, unless it was applied.
        given_up: how it ended, where it was the last of too many.
        recorded: the source holds a receipt of it already.
        newcomers: rows that match the set now and were left as they are.
    """

    outcome: Outcome
    why: Why | None = None
    given_up: GivenUp | None = None
    recorded: bool = False
    changed: bool = False
    after: tuple[Mapping[str, Token], ...] = ()
    newcomers: int = 0

    @property
    def code(self) -> str:
        """What records keep of the reason."""
        return code_of(self.why, self.given_up)


class _Stop(Exception):
    """Leave the transaction with a result that is not a commit."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.code)
        self.result = result


async def apply(task: Task) -> Result:
    """Try to apply; the result is true whatever happened, and `RETRY` means that nothing is known to have happened yet."""
    try:
        async with task.source.transaction(time_ms=task.time_ms) as tx:
            result = await _apply(task, tx)
    except _Stop as stop:
        result = stop.result
    except SourceFailure as failed:
        if failed.kind in _TRY_AGAIN:
            return Result(outcome=Outcome.RETRY, why=why_failed(failed.kind))
        raced = failed.kind is Failure.CONSTRAINT and await _duplicate(task)
        result = (
            Result(outcome=Outcome.CONFLICT, why=Why.INSERT_DUPLICATE)
            if raced
            else Result(outcome=Outcome.FAILED, why=why_failed(failed.kind))
        )
    if result.outcome is Outcome.APPLIED:
        await task.reached("apply.committed")
    if result.outcome in {Outcome.CONFLICT, Outcome.FAILED} and not result.recorded:
        return await record_verdict(task, result)
    return result


async def _apply(task: Task, tx: WriteTransaction) -> Result:
    await task.reached("apply.begun")
    known = await _known(task, tx)
    if known is not None:
        raise _Stop(known)
    await _undone(task, tx)
    await _tell(task, tx)
    await _insert(task, tx, Outcome.APPLIED)
    await task.reached("apply.receipt_inserted")
    for member in task.opened.members:
        if why := stale(task.opened, member, await _look(task, tx, member)):
            raise _Stop(Result(outcome=Outcome.CONFLICT, why=why))
    await _depends(task, tx)
    newcomers = await _newcomers(task, tx)
    await task.reached("apply.row_locked")
    for member in task.opened.members:
        await _change(task, tx, member)
    await task.reached("apply.row_changed")
    after = [await _look(task, tx, member) for member in task.opened.members]
    for member, row in zip(task.opened.members, after, strict=True):
        if why := surprise(task.opened, member, task.table, row):
            raise _Stop(Result(outcome=Outcome.FAILED, why=why))
    # Asked while the change holds its locks, so that no trigger or foreign key can have come after it.
    if task.opened.deletes and unreviewed(await tx.effects(target(task.table)), task.accepts):
        raise _Stop(Result(outcome=Outcome.FAILED, why=Why.DELETE_EFFECTS))
    await tx.settle_constraints()
    await task.reached("apply.row_checked")
    if task.expired():
        raise _Stop(Result(outcome=Outcome.FAILED, why=Why.APPROVAL_EXPIRED))
    await task.reached("apply.before_commit")
    await tx.commit()
    return Result(outcome=Outcome.APPLIED, changed=True, after=_there(task, after), newcomers=newcomers)


async def _undone(task: Task, tx: WriteTransaction) -> None:
    """Stop an undo of what the source does not say was applied, under exactly this digest: the ledger alone proves nothing."""
    undoes = task.proposal.undoes
    if undoes is None:
        return
    key = receipt_key(task.proposal.ledger, undoes.proposal)
    found = await tx.fetch(select_receipt(task.receipts, task.source.dialect, key))
    applied = (_digest(undoes.digest), Outcome.APPLIED.value)
    if not found or read_receipt(found[0]) != applied:
        raise _Stop(Result(outcome=Outcome.FAILED, why=Why.ORIGINAL_NOT_APPLIED))


async def _tell(task: Task, tx: WriteTransaction) -> None:
    """Tell the policies of the tables that are read whose rows these are, for this transaction."""
    read = relied_on(task.table, *(hop.table for hop in task.hops))
    told = tell(settings_of(read, _scope(task)))
    if told is not None:
        await tx.fetch(told)


def _scope(task: Task) -> Scope:
    return Scope(tenant=task.proposal.tenant, principal=task.proposal.owner)


async def _depends(task: Task, tx: WriteTransaction) -> None:
    """Hold the related rows until the commit, and stop where one is not as it was."""

    async def ask(hop: Hop, plan: ReadPlan) -> Row | None:
        row = await _related(task, tx, plan)
        if row is not None and hop.seen is not None and row != await _related(task, tx, replace(plan, shape=hop.seen)):
            return None
        return row

    related = Related(hops=task.hops, scope=_scope(task), time_ms=task.time_ms, ask=ask)
    for member in task.opened.members:
        if await related.of({**member.row, **dict(task.proposal.scope)}) != member.depends:
            raise _Stop(Result(outcome=Outcome.CONFLICT, why=Why.DEPENDENCY_MOVED))


async def _related(task: Task, tx: WriteTransaction, plan: ReadPlan) -> Row | None:
    """Return a related row as it is in the transaction."""
    select = compile_read(plan.shape, task.source.dialect).bind(plan)
    row = _row(select, await tx.fetch(select), [c.name for c in plan.shape.columns])
    try:
        recheck(plan, [] if row is None else [tuple(row.values())])
    except Refusal:
        return None
    return row


def _there(task: Task, rows: Sequence[dict[str, Token] | None]) -> tuple[dict[str, Token], ...]:
    """Return the rows that are there, without the hidden values that the change is not about."""
    hidden = set(task.table.hidden) | task.proposal.hidden
    kept = {n for n, _ in task.proposal.columns} - (hidden - set(task.proposal.changed))
    return tuple({n: t for n, t in row.items() if n in kept} for row in rows if row is not None)


async def _newcomers(task: Task, tx: WriteTransaction) -> int:
    """Return how many rows match the set now that are none of its members."""
    if task.matching is None:
        return 0
    select = compile_read(task.matching.shape, task.source.dialect).bind(task.matching)
    try:
        return count_newcomers(task.opened, select.decode(await tx.fetch(select)))
    except ValueUnfit:
        raise _Stop(Result(outcome=Outcome.FAILED, why=Why.DRIFT)) from None


async def _look(task: Task, tx: WriteTransaction, member: Member) -> dict[str, Token] | None:
    """Return a member's row as it is in the transaction."""
    plan = look_plan(task.opened, member, task.table, task.natives, time_ms=task.time_ms)
    select = compile_read(plan.shape, task.source.dialect).bind(plan)
    return _row(select, await tx.fetch(select), [name for name, _ in task.opened.columns])


async def _change(task: Task, tx: WriteTransaction, member: Member) -> None:
    plan = write_plan(task.opened, member, task.table, task.natives)
    matched = await tx.execute(compile_write(plan.shape, task.source.dialect).bind(plan))
    if matched != 1:
        raise _Stop(
            Result(outcome=Outcome.CONFLICT, why=Why.GUARD_FAILED)
            if matched == 0
            else Result(outcome=Outcome.FAILED, why=Why.MORE_THAN_ONE_ROW)
        )


async def _duplicate(task: Task) -> bool:
    """Tell whether a refused insert met a row that came in between, in a new transaction that changes nothing."""
    if not task.opened.inserts:
        return False
    try:
        async with task.source.transaction(time_ms=task.time_ms) as tx:
            await _tell(task, tx)
            return any([await _look(task, tx, member) is not None for member in task.opened.members])
    except (SourceFailure, _Stop):
        return False


async def record_verdict(task: Claim, result: Result) -> Result:
    """Leave a receipt that says this proposal was not applied, unless another verdict is there already, which then counts."""
    assert result.outcome in {Outcome.CONFLICT, Outcome.FAILED}  # noqa: S101  # the only verdicts without a change
    try:
        async with task.source.transaction(time_ms=task.time_ms) as tx:
            await task.reached("apply.verdict_begun")
            known = await _known(task, tx)
            if known is not None:
                return known
            await _insert(task, tx, result.outcome)
            await tx.commit()
    except SourceFailure as failed:
        return Result(outcome=Outcome.RETRY, why=why_failed(failed.kind))
    except _Stop as stop:
        return stop.result
    await task.reached("apply.verdict_committed")
    return result


async def read_verdict(task: Claim) -> Result | None:
    """Return what the source says has come of this proposal, without leaving anything there; `RETRY` when it cannot be asked now."""
    try:
        async with task.source.transaction(time_ms=task.time_ms) as tx:
            return await _known(task, tx)
    except SourceFailure as failed:
        return Result(outcome=Outcome.RETRY, why=why_failed(failed.kind))


async def _known(task: Claim, tx: WriteTransaction) -> Result | None:
    """Return what an earlier attempt came to, from its receipt."""
    mine = task.receipt(Outcome.APPLIED)
    found = await tx.fetch(select_receipt(task.receipts, task.source.dialect, mine.key))
    if not found:
        return None
    digest, outcome = read_receipt(found[0])
    if digest != mine.digest:
        return Result(outcome=Outcome.RECONCILIATION_REQUIRED, why=Why.RECEIPT_OF_ANOTHER_DIGEST)
    if outcome == Outcome.APPLIED.value:
        return Result(
            outcome=Outcome.ALREADY_APPLIED,
            changed=True,
            after=tuple(m.changes for m in task.proposal.members if m.changes),
        )
    return Result(outcome=Outcome(outcome), why=Why.RECORDED_BEFORE, recorded=True)


async def _insert(task: Claim, tx: WriteTransaction, outcome: Outcome) -> None:
    try:
        await tx.execute(insert_receipt(task.receipts, task.source.dialect, task.receipt(outcome)))
    except SourceFailure as failed:
        if failed.kind is Failure.CONSTRAINT:  # another worker's receipt came first: the next attempt reads it
            raise _Stop(Result(outcome=Outcome.RETRY, why=Why.RECEIPT_RACED)) from None
        raise


def _row(select: Statement, raw: Sequence[RawRow], names: Sequence[str]) -> dict[str, Token] | None:
    try:
        rows = select.decode(raw)
    except ValueUnfit:
        raise _Stop(Result(outcome=Outcome.FAILED, why=Why.DRIFT)) from None
    if len(rows) > 1:
        raise _Stop(Result(outcome=Outcome.FAILED, why=Why.MORE_THAN_ONE_ROW))
    return dict(zip(names, rows[0], strict=True)) if rows else None
