"""Shadow applies at work: what is measured before anybody approves it is, beside the jobs, and what came of it goes on record.

What stands or falls together is measured when all of it is there: in one transaction, and recorded at once.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from synapsor import handles
from synapsor.core.group import in_order, is_whole
from synapsor.core.measured import Measurement, effect_of
from synapsor.core.moment import stamp
from synapsor.core.outcome import Outcome, Why
from synapsor.core.proposal import Proposal, Status
from synapsor.core.statements import Operator
from synapsor.errors import IntegrityError, LedgerFailure
from synapsor.errors import place as place_of
from synapsor.flow.apply import Task
from synapsor.flow.permitted import Permitted, permitted
from synapsor.flow.shadow import Shadow, ToMeasure, shadow
from synapsor.flow.verdict import Result
from synapsor.ports import ProposalRecord
from synapsor.work.authority import Denied, Workbench, about, by_sql
from synapsor.work.pauses import Pauses

log = logging.getLogger("synapsor.worker")

AT_A_TIME = 5
"""How many proposals of a source are measured before it is looked again at what waits; each of them is two transactions."""

TRIES = 5
"""How often a measurement is tried that fails by nothing of its own, before it is recorded that it could not be told."""

RESTS = 0.2
"""Seconds between two of these tries, however often work is looked for: what passes by itself is to have passed by then."""

LONGEST = 6
"""So many times the rest doubles at most while the ledger takes no measurement although it says that one is waited for."""


@dataclass(kw_only=True)
class Shadows:
    """Measures what waits for it, under the contract that is activated; nobody's approval is asked, for nothing of it stays.

    Attributes:
        made: how many proposals were measured here.
    """

    name: str
    bench: Workbench
    pauses: Pauses
    made: int = field(default=0, init=False)
    _tried: Counter[str] = field(default_factory=Counter, init=False, repr=False)
    _vain: Counter[str] = field(default_factory=Counter, init=False, repr=False)
    _rest: dict[str, float] = field(default_factory=dict, init=False, repr=False)

    async def waiting(self, now: dt.datetime, sources: Sequence[str]) -> tuple[str, ...]:
        """Return what waits to be measured of these sources, without what rests: that keeps no other from it."""
        limit = AT_A_TIME + len(self._rest)
        try:
            waiting = await self.bench.ledger.measuring.waiting(now=stamp(now), sources=sources, limit=limit)
        except LedgerFailure:
            log.exception("nothing is measured now", extra={"action": "shadows_failed"})
            return ()
        self._forget(self._rest.keys() - set(waiting))
        return tuple(one for one in waiting if self._rest.get(one, 0.0) <= self.bench.elapsed())

    async def measure(self, waiting: Sequence[str], *, stop: Callable[[], bool] = lambda: False) -> None:
        """Measure what waits for it, one after the other, unless the worker is to stop; that it cannot be keeps nobody's approved change
        from being applied.
        """
        try:
            for proposal in waiting:
                if not stop():
                    await self._record(proposal)
        except LedgerFailure:
            log.exception("nothing is measured now", extra={"action": "shadows_failed"})
        except Exception as error:  # noqa: BLE001  # a record that breaks the worker's own code must not end it
            log.error("measuring broke: %s", place_of(error), extra={"action": "shadows_broke"})  # noqa: TRY400  # no values

    async def _record(self, handle: str) -> None:
        # Until something is on record of it, whatever keeps it from that.
        self._rest[handle] = self.bench.elapsed() + RESTS * 2 ** min(self._vain[handle], LONGEST)
        records = await self._waiting(handle)
        if not records or await self.pauses.rests(records[0].proposal.source):
            return
        await self.bench.reached("shadow.taken")
        came = await self._looked(handle, [one.proposal for one in records])
        if came.result.outcome is Outcome.RETRY:
            self._tried[handle] += 1
            if self._tried[handle] < TRIES:
                return
        at = self.bench.now()
        made = [measurement_of(one.proposal, came, worker=self.name, at=at) for one in records]
        answers = frozenset(asked.request.id for one in records for asked in one.shadow_requests)
        if not await self.bench.ledger.measuring.record(made, answers=answers):
            self._vain[handle] += 1
            return
        self._forget([handle])
        await self.bench.reached("shadow.recorded")
        self.made += len(made)
        for one in made:
            extra = {"action": "measured", "proposal": one.proposal, "outcome": one.outcome, "code": one.code}
            log.info("proposal %s: %s", one.proposal, one.outcome, extra=extra)

    def _forget(self, handles: Iterable[str]) -> None:
        for handle in handles:
            for known in (self._tried, self._vain, self._rest):
                known.pop(handle, None)

    async def _waiting(self, handle: str) -> tuple[ProposalRecord, ...]:
        """Return a proposal and what it stands or falls with, in the order in which they are applied; nothing of what is no business of a
        worker: what cannot be read, is altered, or is not whole.
        """
        try:
            record = await self.bench.ledger.proposal(handle)
        except IntegrityError:
            return ()
        if record is None or any(one.differs or one.status is not Status.REVIEW_REQUIRED for one in record.together):
            return ()
        found = {one.proposal.id: one for one in record.together}
        proposals = {name: one.proposal for name, one in found.items()}
        return tuple(found[name] for name in in_order(proposals)) if is_whole(tuple(proposals.values())) else ()

    async def _looked(self, handle: str, proposals: Sequence[Proposal]) -> Shadow:
        try:
            return await self._measured(proposals)
        except Denied as denied:
            return Shadow(result=denied.result)
        except LedgerFailure:
            raise
        except Exception as error:  # noqa: BLE001  # one proposal must not keep the others from being applied
            log.error("measuring broke: %s", place_of(error), extra={"action": "shadow_broke", "proposal": handle})  # noqa: TRY400  # no values
            return Shadow(result=Result(outcome=Outcome.RETRY, why=Why.INTERNAL))

    async def _measured(self, proposals: Sequence[Proposal]) -> Shadow:
        operators = self.bench.operators()
        tasks: list[Task] = []
        for proposal in proposals:
            with about(proposal.id):
                tasks.append(await self._authorised(proposal, operators))
        place = self.bench.targets[proposals[0].source]  # all of a group are of one
        return await shadow(
            ToMeasure(tasks=tasks, source=place.source, time_ms=place.time_ms, reached=self.bench.reached)
        )

    async def _authorised(self, proposal: Proposal, operators: Mapping[str, Operator]) -> Task:
        found = await permitted(proposal, self.bench.ledger, operators)
        if isinstance(found, Why):
            raise Denied(found)
        if proposal.executor is not None:
            raise Denied(Why.EFFECT_ELSEWHERE)
        return await self._task(proposal, found)

    async def _task(self, proposal: Proposal, found: Permitted) -> Task:
        """Return what carrying a proposal out takes; nobody has approved it, and no receipt is written of it."""
        place = self.bench.targets.get(proposal.source)
        if place is None:
            raise Denied(Why.SOURCE_NOT_WRITABLE)
        task = Task(
            proposal=proposal,
            opened=found.proposal,
            table=found.table,
            natives={},
            expired=lambda: proposal.lapsed(self.bench.now()),
            accepts=found.capability.accepts,
        )
        return await by_sql(task, found, place)


def measurement_of(proposal: Proposal, came: Shadow, *, worker: str, at: str) -> Measurement:
    """Return what the ledger keeps of a shadow apply, for one of the proposals that were carried out."""
    known = came.result.outcome in {Outcome.CONFLICT, Outcome.FAILED}
    made = Measurement(
        id=handles.new("msr"),
        proposal=proposal.id,
        digest=proposal.digest,
        outcome=came.result.outcome.value if known else "unknown",
        code=came.result.code_for(proposal.id),
        worker=worker,
        at=at,
    )
    if came.result.outcome is not Outcome.APPLIED:
        return made
    measured, varies = came.measured[proposal.id], came.varies[proposal.id]
    return replace(
        made,
        outcome="measured",
        rows=measured.rows,
        tables=measured.tables,
        others=measured.others,
        varies=varies,
        effect=effect_of(proposal.digest, measured, varies),
    )
