"""Carry out a change in a transaction of the source that is rolled back, twice, and say what it did: a shadow apply.

It is the apply's own code under all of its guards, without a receipt and without a commit. Sequences that it draws from move on, and
its rows are locked for as long as it lasts; a table that does not roll back is refused beforehand, as far as the catalogue shows it.
"""

from __future__ import annotations

from dataclasses import dataclass

from synapsor.core.measured import Measured, varying
from synapsor.core.outcome import Outcome, Why, why_failed
from synapsor.core.writeback import target
from synapsor.errors import SourceFailure
from synapsor.flow.apply import TRY_AGAIN, Task, carry_out
from synapsor.flow.verdict import Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """What came of a shadow apply.

    Attributes:
        outcome: `applied` where an apply would be, `retry` where that could not be told now.
        why: the reason, unless it would be applied.
        moved: of `dependency_moved`, as of a `Result`.
        measured: what it did, and `varies` the columns that were not alike twice.
    """

    outcome: Outcome
    why: Why | None = None
    moved: tuple[str, ...] = ()
    measured: Measured | None = None
    varies: tuple[str, ...] = ()


async def shadow(task: Task) -> Shadow:
    """Measure what a change does; whatever happens, nothing of it stays."""
    try:
        if await task.source.lasting(target(task.table)):
            return Shadow(outcome=Outcome.FAILED, why=Why.EFFECT_STAYS)
        first = await _once(task)
        second = await _once(task) if first is not None else None
        if first is None or second is None:
            return Shadow(outcome=Outcome.FAILED, why=Why.EFFECT_STAYS)
    except Stop as stop:
        return Shadow(outcome=stop.result.outcome, why=stop.result.why, moved=stop.result.moved)
    except SourceFailure as failed:
        return _failed(failed)
    varies = varying(task.proposal, first, second)
    if varies is None:
        return Shadow(outcome=Outcome.FAILED, why=Why.EFFECT_VARIES)
    return Shadow(outcome=Outcome.APPLIED, measured=first, varies=varies)


async def _once(task: Task) -> Measured | None:
    """Return what the change did, or None where a part of it did not roll back. However it is left, it is without a commit."""
    async with task.source.transaction(time_ms=task.time_ms) as tx:
        carried = await carry_out((task,), tx, counts=True)
        if not await tx.roll_back():
            return None
    return carried.measured(task.proposal.id)


def _failed(failed: SourceFailure) -> Shadow:
    if failed.kind in TRY_AGAIN:
        return Shadow(outcome=Outcome.RETRY, why=why_failed(failed.kind))
    return Shadow(outcome=Outcome.FAILED, why=why_failed(failed.kind))
