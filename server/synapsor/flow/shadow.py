"""Carry out a change in a transaction of the source that is rolled back, twice, and say what it did: a shadow apply.

It is the apply's own code under all of its guards, without a receipt and without a commit; of what stands or falls together, all of it at once.
Sequences that it draws from move on, and its rows are locked for as long as it lasts; a table that does not roll back is refused beforehand,
as far as the catalogue shows it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from synapsor.core.measured import Measured, varying
from synapsor.core.outcome import Outcome, Why, why_failed
from synapsor.core.writeback import target
from synapsor.errors import SourceFailure
from synapsor.flow.apply import TRY_AGAIN, Carried, Site, Task, carry_out
from synapsor.flow.verdict import Result, Stop
from synapsor.ports import WriteSource

SHADOW_STEPS = ("shadow.taken", "shadow.begun", "shadow.carried_out", "shadow.rolled_back", "shadow.recorded")
"""Named points of a shadow apply beside those that `carry_out` passes; all but the first and the last are passed twice."""


@dataclass(frozen=True, kw_only=True)
class ToMeasure:
    """What is measured at once: one proposal, or all of a group in its order, over one source."""

    tasks: Sequence[Task]
    source: WriteSource
    time_ms: int
    reached: Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """What came of a shadow apply.

    Attributes:
        result: `applied` where an apply would be, `retry` where that could not be told now.
        measured: what was done for each proposal, and `varies` the columns that were not alike twice; only where it would be applied.
    """

    result: Result
    measured: Mapping[str, Measured] = field(default_factory=dict)
    varies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


async def shadow(what: ToMeasure) -> Shadow:
    """Measure what a change does, or all of a group; whatever happens, nothing of it stays."""
    try:
        for task in what.tasks:
            if await what.source.lasting(target(task.table)):
                return _failed(Why.EFFECT_STAYS)
        first = await _once(what)
        second = await _once(what) if first is not None else None
        if first is None or second is None:
            return _failed(Why.EFFECT_STAYS)
    except Stop as stop:
        return Shadow(result=stop.result)
    except SourceFailure as failed:
        outcome = Outcome.RETRY if failed.kind in TRY_AGAIN else Outcome.FAILED
        return Shadow(result=Result(outcome=outcome, why=why_failed(failed.kind)))
    return _alike(what.tasks, first, second)


def _alike(tasks: Sequence[Task], first: Carried, second: Carried) -> Shadow:
    """Return what both times came to, or that they came to different things."""
    measured: dict[str, Measured] = {}
    varies: dict[str, tuple[str, ...]] = {}
    for task in tasks:
        name = task.proposal.id
        measured[name] = first.measured(name)
        differ = varying(task.proposal, measured[name], second.measured(name))
        if differ is None:
            return _failed(Why.EFFECT_VARIES)
        varies[name] = differ
    return Shadow(result=Result(outcome=Outcome.APPLIED), measured=measured, varies=varies)


async def _once(what: ToMeasure) -> Carried | None:
    """Return what the change did, or None where a part of it did not roll back. However it is left, it is without a commit."""
    async with what.source.transaction(time_ms=what.time_ms) as tx:
        await what.reached("shadow.begun")
        site = Site(tx=tx, source=what.source, time_ms=what.time_ms, reached=what.reached)
        carried = await carry_out(what.tasks, site, counts=True)
        await what.reached("shadow.carried_out")
        if not await tx.roll_back():
            return None
    await what.reached("shadow.rolled_back")
    return carried


def _failed(why: Why) -> Shadow:
    return Shadow(result=Result(outcome=Outcome.FAILED, why=why))
