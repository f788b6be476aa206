"""A lane takes one leased job after another to its end: prove its authority again, apply it, settle it, or give it back."""

from __future__ import annotations

import datetime as dt
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from synapsor.core.moment import parse, stamp
from synapsor.core.outcome import GivenUp, Outcome, Why
from synapsor.core.statements import Operator
from synapsor.core.writeback import Lease
from synapsor.errors import LedgerFailure, place
from synapsor.flow.apply import apply
from synapsor.flow.settle import settle
from synapsor.flow.verdict import Result, read_verdict, record_verdict
from synapsor.work.authority import Denied, Workbench, authorise, claims_of
from synapsor.work.pace import Pace

log = logging.getLogger("synapsor.worker")

AT_ONCE = 3
"""How often an outcome that is only waiting for a receipt is asked again before the job is given back."""


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

    async def work(self, lease: Lease, trusted: Mapping[str, Operator]) -> bool:
        """Return whether the job was settled by this attempt; `trusted` are the people whose keys were trusted before it was taken."""
        begun = self.bench.elapsed()
        await self.bench.reached("work.leased")
        try:
            result = await self._attempt(lease, trusted)
            if self._was_last(lease, result):
                result = await self._surely(lease, lambda: self._give_up(lease, result), _unresolved(result))
            await self.bench.reached("work.applied")
            return await self._finish(lease, result, begun)
        except LedgerFailure:
            log.exception("job left to its lease", extra={"action": "settle_failed", "job": lease.job.id})
            return False

    def _was_last(self, lease: Lease, result: Result) -> bool:
        """Tell whether a job was tried too often; not one that waits for a moment, nor one that may be another worker's by now."""
        is_own = result.why is not Why.LEASE_LOST and not result.until
        return result.outcome is Outcome.RETRY and lease.attempt >= self.pace.attempts and is_own

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
            tasks = await authorise(lease, self.bench, trusted)
        except Denied as denied:
            return await self._denied(lease, denied)
        progress = partial(self._progress, lease)
        result = await apply(tasks, progress=progress)
        for _ in range(AT_ONCE):
            if result.outcome is not Outcome.RETRY or result.why not in {Why.UNKNOWN_COMMIT, Why.RECEIPT_RACED}:
                break
            result = await apply(tasks, progress=progress)
        return result

    async def _give_up(self, lease: Lease, last: Result) -> Result:
        """Return the verdict on a job that was tried too often: what the source says, or else that a person must look."""
        unresolved = _unresolved(last)
        claims = await claims_of(lease, self.bench)
        if claims is None:
            return unresolved
        verdict = await record_verdict(claims, Result(outcome=Outcome.FAILED, why=last.why, given_up=GivenUp.GAVE_UP))
        return unresolved if verdict.outcome is Outcome.RETRY and verdict.why is not Why.LEASE_LOST else verdict

    async def _denied(self, lease: Lease, denied: Denied) -> Result:
        """Return what a refused job came to. It may have been applied all the same, before the ledger was restored from a backup or by
        an earlier attempt, which may still wake up: the source decides. On the word of a first, refused attempt nothing is written there.
        """
        job, code = lease.job.id, denied.result.code
        log.error("job %s is refused: %s", job, code, extra={"action": "job_refused", "job": job, "code": code})
        if denied.result.outcome is Outcome.RETRY:
            return denied.result
        claims = await claims_of(lease, self.bench)
        if claims is None:
            return denied.result
        if lease.attempt == 1:
            return await read_verdict(claims) or denied.result
        return await record_verdict(claims, denied.result)

    async def _finish(self, lease: Lease, result: Result, begun: float) -> bool:
        now = self.bench.clock.now()
        if result.why is Why.LEASE_LOST:
            kept = False
        elif result.outcome is Outcome.RETRY:
            longest = min(self.pace.backoff_most, self.pace.backoff_seconds * 2 ** min(lease.attempt - 1, 16))
            wait = longest * random.uniform(0.5, 1.0)  # noqa: S311  # jitter
            kept = await self.bench.ledger.release(
                lease, not_before=max(stamp(now + dt.timedelta(seconds=wait)), result.until), code=result.code
            )
        else:
            closed = await settle(self.bench.ledger, lease, result, at=stamp(now))
            kept, result = closed is not None, closed or result
            await self.bench.reached("work.settled")
        self._tell(lease, result, recorded=kept, since_approval=now - parse(lease.job.at), begun=begun)
        return kept and result.outcome is not Outcome.RETRY

    def _tell(
        self, lease: Lease, result: Result, *, recorded: bool, since_approval: dt.timedelta, begun: float
    ) -> None:
        self.report(
            {
                "job": lease.job.id,
                "proposal": result.by or lease.job.lead.proposal,
                "source": lease.job.source,
                "capability": lease.capability,
                "worker": lease.worker,
                "lane": self.number,
                "outcome": result.outcome.value,
                "code": result.code,
                "attempt": lease.attempt,
                "rows": lease.rows,
                "recorded": recorded,
                "newcomers": sum(result.newcomers.values()),
                "group": [part.proposal for part in lease.job.parts] if len(lease.job.parts) > 1 else [],
                "seconds_since_approval": round(max(since_approval.total_seconds(), 0.0), 3),
                "seconds_applying": round(self.bench.elapsed() - begun, 3),
            }
        )

    def _progress(self, lease: Lease, done: int, rows: int) -> None:
        self.progress({"job": lease.job.id, "rows_done": done, "rows": rows})


def _unresolved(last: Result) -> Result:
    return Result(outcome=Outcome.RECONCILIATION_REQUIRED, why=last.why, given_up=GivenUp.UNRESOLVED)
