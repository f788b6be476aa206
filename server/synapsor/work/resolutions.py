"""Resolutions at work: what a person says became of a change counts when the application that had it in hand has given it up, and not before.

The worker alone holds the executor's secret, so it is the one that asks. It asks until it is answered; what it is answered is on record.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from synapsor.core.group import in_order, is_whole
from synapsor.core.outcome import Outcome, Why, meaning_of
from synapsor.core.proposal import Status
from synapsor.core.resolving import VERDICTS, End, end_by
from synapsor.core.review import is_resolved
from synapsor.core.statements import SignedResolution
from synapsor.errors import DecisionRefused, IntegrityError, LedgerFailure, place
from synapsor.flow.handing import abandon
from synapsor.flow.verdict import Result
from synapsor.ports import ProposalRecord
from synapsor.work.authority import Workbench
from synapsor.work.pace import Pace
from synapsor.work.pauses import Pauses

log = logging.getLogger("synapsor.worker")


@dataclass(kw_only=True)
class Resolutions:
    """Asks applications to give up what people have said the end of, one after the other, beside the jobs.

    Attributes:
        ended: how many resolutions were carried out or refused here, by what an application answered.
    """

    bench: Workbench
    pace: Pace
    pauses: Pauses
    ended: int = field(default=0, init=False)
    _at_it: bool = field(default=False, init=False, repr=False)
    _tries: Counter[str] = field(default_factory=Counter, init=False, repr=False)
    _rest: dict[str, float] = field(default_factory=dict, init=False, repr=False)
    _told: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    async def carry_out(self, sources: Sequence[str], *, stop: Callable[[], bool] = lambda: False) -> None:
        """Ask about all that waits in these sources and is due, unless the worker is to stop; that it cannot be done keeps nobody's approved
        change from being applied.
        """
        if self._at_it or not self.bench.handlers:
            return
        self._at_it = True
        try:
            await self._each(await self.bench.ledger.doubts.waiting(sources), stop)
        except LedgerFailure:
            log.exception("nothing is resolved now", extra={"action": "resolutions_failed"})
        except Exception as error:  # noqa: BLE001  # a record that breaks the worker's own code must not end it
            log.error("resolving broke: %s", place(error), extra={"action": "resolution_broke"})  # noqa: TRY400  # no values
        finally:
            self._at_it = False

    async def _each(self, waiting: Sequence[str], stop: Callable[[], bool]) -> None:
        done: set[str] = set()
        for handle in waiting:
            if stop():
                return
            if handle in done or self._rest.get(handle, 0.0) > self.bench.elapsed():
                continue
            records = await self._whole(handle)
            done.update(one.proposal.id for one, _ in records)
            if records and not await self.pauses.rests(records[0][0].proposal.source):
                await self._surely(handle, records)

    async def _surely(self, handle: str, records: Sequence[tuple[ProposalRecord, SignedResolution]]) -> None:
        """Ask about one. One that breaks rests: it would be the next again, and keep all others waiting.

        Raises:
            LedgerFailure: it is the ledger that fails, and not this record of it.
        """
        try:
            await self._one(handle, records)
        except LedgerFailure as failed:
            if not failed.of_one_record:
                raise
            broke = failed.rule
        except DecisionRefused as refused:
            broke = str(refused.rule)  # what contradicts itself is for `verify` to name
        except Exception as error:  # noqa: BLE001  # see above
            broke = place(error)
        else:
            return
        self._ask_later(handle)
        log.error("resolving broke: %s", broke, extra={"action": "resolution_broke", "proposal": handle})  # no values

    async def _whole(self, handle: str) -> tuple[tuple[ProposalRecord, SignedResolution], ...]:
        """Return a proposal and what it stands or falls with, in the order in which they are applied, each with what was said of it; nothing of
        what contradicts itself or does not wait any more.
        """
        try:
            record = await self.bench.ledger.proposal(handle)
        except IntegrityError:
            return ()
        together = record.together if record is not None else ()
        found = {
            one.proposal.id: (one, one.said.waits)
            for one in together
            if one.said.waits is not None and not one.differs and one.status is Status.RECONCILIATION_REQUIRED
        }
        proposals = {name: one.proposal for name, (one, _) in found.items()}
        if len(found) < len(together) or not is_whole(tuple(proposals.values())):
            return ()
        return tuple(found[name] for name in in_order(proposals))

    async def _one(self, handle: str, records: Sequence[tuple[ProposalRecord, SignedResolution]]) -> None:
        came = await self._asked(records)
        known = {code for one, _ in records for code in (*one.said.refusals, *(r.code for r in one.receipts))}
        verdict = VERDICTS[records[0][1].resolution.verdict]
        end = end_by(records[0][1].resolution.verdict, came.outcome, came.why, known)
        if end is End.WAITS:
            self._put_off(handle, verdict, came)
            return
        counts = end is End.COUNTS
        kept = await self.bench.ledger.doubts.end([said for _, said in records], code=came.code, counts=counts)
        for of in (self._tries, self._rest, self._told):
            of.pop(handle, None)
        if kept:
            self.ended += len(records)
            _say(handle, verdict, came, counts=counts)

    async def _asked(self, records: Sequence[tuple[ProposalRecord, SignedResolution]]) -> Result:
        """Return what the application answers; it is not asked on the word of somebody whom nobody trusts now."""
        bench, (lead, _) = self.bench, records[0]
        operators, now = bench.operators(), bench.now()
        if not all(
            is_resolved(said, one.proposal, operators, ledger=bench.ledger.id, now=now) for one, said in records
        ):
            return Result(outcome=Outcome.RETRY, why=Why.RESOLUTION_UNPROVEN)
        handler = bench.handlers.get(lead.proposal.executor or "")
        if handler is None or len({one.proposal.executor for one, _ in records}) > 1 or lead.job is None:
            return Result(outcome=Outcome.RETRY, why=Why.EXECUTOR_MISSING)
        return await abandon(handler, lead.job.id, [one.proposal for one, _ in records])

    def _put_off(self, handle: str, verdict: str, came: Result) -> None:
        """Ask again later, and say once why it waits."""
        self._ask_later(handle, came.wait)
        if self._told.get(handle) != came.code:
            self._told[handle] = came.code
            extra = {"action": "resolution_waits", "proposal": handle, "code": came.code}
            said = "that %s %s waits: %s. %s"
            log.warning(said, handle, verdict, came.code, meaning_of(came.code), extra=extra)

    def _ask_later(self, handle: str, wanted: float = 0.0) -> None:
        """Ask again ever less often, and not before whoever was asked wants to be."""
        self._tries[handle] += 1
        wait = min(self.pace.backoff_seconds * 2 ** min(self._tries[handle] - 1, 16), self.pace.asked_most)
        self._rest[handle] = self.bench.elapsed() + max(wait, min(wanted, self.pace.asked_most))


def _say(handle: str, verdict: str, came: Result, *, counts: bool) -> None:
    extra = {"action": "resolved" if counts else "resolution_refused", "proposal": handle, "code": came.code}
    if counts:
        log.info("that %s %s counts: %s", handle, verdict, came.code, extra=extra)
    else:
        log.error("that %s %s is refused: %s. %s", handle, verdict, came.code, meaning_of(came.code), extra=extra)
