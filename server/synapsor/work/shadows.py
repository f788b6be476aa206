"""Shadow applies at work: what is measured before anybody approves it is, in between jobs, and what came of it goes on record."""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from synapsor import handles
from synapsor.core.measured import Measurement, effect_of
from synapsor.core.moment import stamp
from synapsor.core.outcome import Outcome, Why
from synapsor.core.proposal import Proposal, Status
from synapsor.core.writeback import target
from synapsor.errors import IntegrityError, LedgerFailure
from synapsor.errors import place as place_of
from synapsor.flow.apply import Task
from synapsor.flow.permitted import Permitted, permitted
from synapsor.flow.receipts import Receipts
from synapsor.flow.shadow import Shadow, shadow
from synapsor.work.authority import Denied, Workbench, by_sql

log = logging.getLogger("synapsor.worker")

AT_A_TIME = 5
"""How many proposals of a source are measured before the next job is taken; each of them is two transactions."""

TRIES = 5
"""How often a measurement is tried that fails by nothing of its own, before it is recorded that it could not be told."""


@dataclass(kw_only=True)
class Shadows:
    """Measures what waits for it, under the contract that is activated; nobody's approval is asked, for nothing of it stays."""

    name: str
    bench: Workbench
    _tried: Counter[str] = field(default_factory=Counter, init=False, repr=False)

    async def measure(self, now: dt.datetime, sources: Sequence[str]) -> None:
        """Measure what waits for it of these sources; that it cannot be keeps nobody's approved change from being applied."""
        try:
            waiting = await self.bench.ledger.measuring.waiting(now=stamp(now), sources=sources, limit=AT_A_TIME)
            for proposal in waiting:
                await self._record(proposal)
        except LedgerFailure:
            log.exception("nothing is measured now", extra={"action": "shadows_failed"})

    async def _record(self, handle: str) -> None:
        proposal, came = await self._looked(handle)
        if proposal is None:
            return
        if came.outcome is Outcome.RETRY:
            self._tried[handle] += 1
            if self._tried[handle] < TRIES:
                return
        del self._tried[handle]
        made = measurement_of(proposal, came, worker=self.name, at=self.bench.now())
        if await self.bench.ledger.measuring.record(made):
            extra = {"action": "measured", "proposal": handle, "outcome": made.outcome, "code": made.code}
            log.info("proposal %s: %s", handle, made.outcome, extra=extra)

    async def _looked(self, handle: str) -> tuple[Proposal | None, Shadow]:
        """Return a proposal and what came of measuring it; None for what is no business of a worker: what cannot be read, or is altered."""
        nothing = Shadow(outcome=Outcome.RETRY, why=Why.INTERNAL)
        try:
            record = await self.bench.ledger.proposal(handle)
        except IntegrityError:
            return None, nothing
        if record is None or record.differs or record.status is not Status.REVIEW_REQUIRED:
            return None, nothing
        try:
            return record.proposal, await self._measured(record.proposal)
        except Denied as denied:
            return record.proposal, Shadow(outcome=denied.result.outcome, why=denied.why)
        except LedgerFailure:
            raise
        except Exception as error:  # noqa: BLE001  # one proposal must not keep the others from being applied
            log.error("measuring broke: %s", place_of(error), extra={"action": "shadow_broke", "proposal": handle})  # noqa: TRY400  # no values
            return record.proposal, nothing

    async def _measured(self, proposal: Proposal) -> Shadow:
        found = await permitted(proposal, self.bench.ledger, self.bench.operators())
        if isinstance(found, Why):
            raise Denied(found)
        if proposal.executor is not None:
            raise Denied(Why.EFFECT_ELSEWHERE)
        return await shadow(await self._task(proposal, found))

    async def _task(self, proposal: Proposal, found: Permitted) -> Task:
        """Return what carrying a proposal out takes; nobody has approved it, and no receipt is written of it."""
        place = self.bench.targets.get(proposal.source)
        if place is None:
            raise Denied(Why.SOURCE_NOT_WRITABLE)
        task = Task(
            proposal=proposal,
            source=place.source,
            verdicts=Receipts(target(found.table)),  # never asked: nothing of it is kept in the source
            ledger_head=b"",
            worker=self.name,
            time_ms=place.time_ms,
            reached=self.bench.reached,
            opened=found.proposal,
            table=found.table,
            natives={},
            expired=lambda: proposal.lapsed(self.bench.now()),
            accepts=found.capability.accepts,
        )
        return await by_sql(task, found, place)


def measurement_of(proposal: Proposal, came: Shadow, *, worker: str, at: str) -> Measurement:
    """Return what the ledger keeps of a shadow apply."""
    if came.measured is None:
        outcome = came.outcome.value if came.outcome in {Outcome.CONFLICT, Outcome.FAILED} else "unknown"
        return Measurement(
            id=handles.new("msr"),
            proposal=proposal.id,
            digest=proposal.digest,
            outcome=outcome,
            code=came.why.value if came.why else "",
            worker=worker,
            at=at,
        )
    return Measurement(
        id=handles.new("msr"),
        proposal=proposal.id,
        digest=proposal.digest,
        outcome="measured",
        code="",
        worker=worker,
        at=at,
        rows=came.measured.rows,
        tables=came.measured.tables,
        varies=came.varies,
        effect=effect_of(proposal.digest, came.measured, came.varies),
    )
