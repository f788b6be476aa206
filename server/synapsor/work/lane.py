"""A lane takes one leased job after another to its end: prove its authority again, apply it, settle it, or give it back."""

from __future__ import annotations

import datetime as dt
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from synapsor.core.moment import parse, stamp
from synapsor.core.outcome import Outcome, Why
from synapsor.core.statements import Operator
from synapsor.core.writeback import Lease
from synapsor.errors import LedgerFailure, place
from synapsor.flow.executing import apply, read_verdict, record_verdict
from synapsor.flow.settle import settle
from synapsor.flow.verdict import Result
from synapsor.work.authority import Denied, Workbench, accepted_before, authorise, claim_of
from synapsor.work.pace import Pace

log = logging.getLogger("synapsor.worker")

PARKED: Final = "parked"
"""What is reported of a job that is given up, beside the words of `Outcome`."""

_UNTIL_SAID: Final = frozenset({Why.JOB_PARKED, Why.CANCEL_UNPROVEN})
"""Why waiting is in vain until a person says something."""

AT_ONCE = 3
"""How often an outcome that is only waiting for a receipt is asked again before the job is given back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What an attempt at a job came to, before it is on record; `begun` is when it was, by the clock that nobody can set."""

    lease: Lease
    result: Result
    begun: float


@dataclass(frozen=True, kw_only=True)
class Lane:
    """Works on the jobs that it is given, one at a time.

    Attributes:
        report: called with one plain dictionary a job, for the log line.
        progress: called with one plain dictionary while a job of many rows is applied.
        number: which one it is of its source's lanes.
    """

    bench: Workbench
    pace: Pace
    report: Callable[[Mapping[str, Any]], None]
    progress: Callable[[Mapping[str, Any]], None]
    number: int

    async def work(self, lease: Lease, trusted: Mapping[str, Operator]) -> Came:
        """Return what came of a job; `trusted` are the people whose keys were trusted before it was taken.

        Raises:
            LedgerFailure: the ledger cannot be read; the job is left to its lease.
        """
        begun = self.bench.elapsed()
        await self.bench.reached("work.leased")
        result = await self._attempt(lease, trusted)
        if self._is_last(lease, result):
            last = await self._surely(lease, lambda: self._last_look(lease, result), result)
            result = replace(last, refused=result.refused)
        await self.bench.reached("work.applied")
        return Came(lease=lease, result=result, begun=begun)

    async def _attempt(self, lease: Lease, trusted: Mapping[str, Operator]) -> Result:
        broke = Result(outcome=Outcome.RETRY, why=Why.INTERNAL)
        return await self._surely(lease, lambda: self._applied(lease, trusted), broke)

    async def _surely(self, lease: Lease, work: Callable[[], Awaitable[Result]], otherwise: Result) -> Result:
        """Return what the work came to. One job that breaks the worker's own code must not stop the others: nothing is known of it."""
        try:
            return await work()
        except LedgerFailure:
            raise
        except Exception as error:  # noqa: BLE001  # see above
            log.error("job broke: %s", place(error), extra={"action": "job_broke", "job": lease.job.id})  # noqa: TRY400  # no values
            return otherwise

    async def _applied(self, lease: Lease, trusted: Mapping[str, Operator]) -> Result:
        try:
            job = await authorise(lease, self.bench, trusted)
        except Denied as denied:
            return replace(await self._denied(lease, denied), refused=denied.result)
        job = replace(job, progress=partial(self._progress, lease))
        result = await apply(job)
        for _ in range(AT_ONCE):
            if result.outcome is not Outcome.RETRY or result.why not in {Why.UNKNOWN_COMMIT, Why.RECEIPT_RACED}:
                break
            result = await apply(job)
        return result

    def _is_last(self, lease: Lease, result: Result) -> bool:
        """Tell whether nobody tries it again after this, until a person says so; waiting for a moment is no attempt."""
        if result.outcome is not Outcome.RETRY or result.until:
            return False
        return lease.tries >= self.pace.attempts or result.why in _UNTIL_SAID

    async def _last_look(self, lease: Lease, last: Result) -> Result:
        """Return what the source says has come of a job that is about to be given up, or that nothing is known: nothing is written there.
        One that the application has accepted is not given up: it could not be asked now.
        """
        before = await accepted_before(lease, self.bench)
        if before is not None and last.why not in _UNTIL_SAID:
            return replace(last, outcome=Outcome.ACCEPTED, asked_until=before.until)
        try:
            claim = await claim_of(lease, self.bench)
        except Denied:
            return last
        found = await read_verdict(claim) if claim is not None else None
        return last if found is None or found.outcome is Outcome.RETRY else found

    async def _denied(self, lease: Lease, denied: Denied) -> Result:
        """Return what a refused job came to. It may have been applied all the same, before the ledger was restored from a backup or by
        an earlier attempt, which may still wake up: the source decides. On the word of a first, refused attempt nothing is written there.
        """
        canceled = denied.result.outcome is Outcome.CANCELED
        waits = denied.result.outcome in {Outcome.RETRY, Outcome.RECONCILIATION_REQUIRED}
        try:
            claim = await claim_of(lease, self.bench)
        except Denied as unasked:  # only whoever carries it out knows whether an earlier attempt got through
            return denied.result if waits else unasked.result
        if claim is not None and claim.accepted:
            # Nobody's word keeps from happening what may have happened: only what a person cancels is to be taken back, if it can be.
            return await (record_verdict(claim, denied.result) if canceled else read_verdict(claim)) or denied.result
        if waits:
            return denied.result
        if claim is None:
            # Nobody can be asked; only of a first attempt is it certain that none before it got through.
            unread = Result(outcome=Outcome.RECONCILIATION_REQUIRED, why=Why.RECORDS_DIFFER)
            return unread if canceled or lease.attempt > 1 else denied.result
        # That it is canceled, the source alone makes true: an attempt that still goes on finds that there, or has been the first.
        if lease.attempt == 1 and not canceled:
            return await read_verdict(claim) or denied.result
        return await record_verdict(claim, denied.result)

    async def settle(self, came: Came) -> bool:
        """Put what came of a job on record, or give it back; return whether it was settled by this attempt.

        Raises:
            LedgerFailure: it is not on record; the job is left to its lease.
        """
        lease, result, begun = came.lease, came.result, came.begun
        now, parked = self.bench.clock.now(), False
        result = _overdue(result, stamp(now))
        self.bench.doubt(lease.job.source, result.why)
        if result.why is Why.LEASE_LOST:  # whoever has the job by now gives it back, or up
            kept = False
        elif result.outcome is Outcome.RETRY:
            kept, parked = await self._put_off(lease, result, now)
        elif result.outcome is Outcome.ACCEPTED:
            result = replace(result, until=min(self._later(lease, result, now), result.asked_until))
            kept = await self._wait(lease, result, stamp(now))
        else:
            closed = await settle(self.bench.ledger, lease, result, at=stamp(now))
            kept, result = closed is not None, closed or result
            await self.bench.reached("work.settled")
        if kept and came.result.refused is not None:  # else it was refused since another attempt had ended it
            _say(lease, came.result.refused)
        outcome = PARKED if parked else result.outcome.value
        self._tell(lease, result, outcome, recorded=kept, since_approval=now - parse(lease.job.at), begun=begun)
        return kept and result.outcome.status is not None

    def _tell(
        self, lease: Lease, result: Result, outcome: str, *, recorded: bool, since_approval: dt.timedelta, begun: float
    ) -> None:
        self.report(
            {
                "job": lease.job.id,
                "proposal": result.by or lease.job.lead.proposal,
                "source": lease.job.source,
                "capability": lease.capability,
                "worker": lease.worker,
                "lane": self.number,
                "outcome": outcome,
                "code": result.code,
                "attempt": lease.attempt,
                "rows": lease.rows,
                "recorded": recorded,
                "again_at": result.until,
                "newcomers": sum(result.newcomers.values()),
                "group": [part.proposal for part in lease.job.parts] if len(lease.job.parts) > 1 else [],
                "seconds_since_approval": round(max(since_approval.total_seconds(), 0.0), 3),
                "seconds_applying": round(self.bench.elapsed() - begun, 3),
            }
        )

    def _progress(self, lease: Lease, done: int, rows: int) -> None:
        self.progress({"job": lease.job.id, "rows_done": done, "rows": rows})

    async def _put_off(self, lease: Lease, result: Result, now: dt.datetime) -> tuple[bool, bool]:
        """Give a job back until later, or give it up; return whether that is on record, and whether it was given up."""
        if self._is_last(lease, result):
            kept, parked = await self.bench.ledger.steering.park(lease, code=result.code, at=stamp(now))
            if parked:
                unproven = result.why is Why.CANCEL_UNPROVEN  # another try would end in the same
                todo = (
                    "`synapsor cancel` it again"
                    if unproven
                    else "`synapsor jobs requeue` or `synapsor jobs discard` it"
                )
                said, extra = (
                    "job %s is given up after %d attempts: %s. %s",
                    {"action": "job_parked", "job": lease.job.id},
                )
                log.error(said, lease.job.id, lease.tries, result.code, todo, extra={**extra, "code": result.code})
            return kept, parked
        until = max(self._later(lease, result, now), result.until)
        return await self.bench.ledger.release(lease, not_before=until, code=result.code), False

    async def _wait(self, lease: Lease, result: Result, at: str) -> bool:
        """Give back until later what the application has accepted; it is asked again for as long as it may be open, and never given up."""
        doubts = self.bench.ledger.doubts
        return await doubts.accept(lease, until=result.asked_until, not_before=result.until, code=result.code, at=at)

    def _later(self, lease: Lease, result: Result, now: dt.datetime) -> str:
        """Return when it is tried again: ever less often, and not before whoever was asked wants to be."""
        most = self.pace.asked_most if result.outcome is Outcome.ACCEPTED else self.pace.backoff_most
        longest = min(most, self.pace.backoff_seconds * 2 ** min(lease.tries - 1, 16))
        wait = max(longest * random.uniform(0.5, 1.0), min(result.wait, self.pace.asked_most))  # noqa: S311  # jitter
        return stamp(now + dt.timedelta(seconds=wait))


def _say(lease: Lease, denied: Result) -> None:
    """Say that a job is not applied, or not now: an error only where somebody is to look at it."""
    levels = {Outcome.CANCELED: logging.INFO, Outcome.RETRY: logging.WARNING}
    action, said = ("job_put_off", "put off") if denied.outcome is Outcome.RETRY else ("job_refused", "refused")
    extra = {"action": action, "job": lease.job.id, "code": denied.code}
    log.log(levels.get(denied.outcome, logging.ERROR), "job %s is %s: %s", lease.job.id, said, denied.code, extra=extra)


def _overdue(result: Result, now: str) -> Result:
    """Return what an attempt came to; what was accepted, and is open for longer than it may be, is for a person: nobody knows its end."""
    if result.outcome is not Outcome.ACCEPTED or now < result.asked_until:
        return result
    return Result(outcome=Outcome.RECONCILIATION_REQUIRED, why=Why.HANDLER_OVERDUE)
