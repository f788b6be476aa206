"""The trusted worker: lease a job, prove its authority again, apply it, settle it, one at a time, until told to stop."""

from __future__ import annotations

import datetime as dt
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio

from synapsor.contract.approvals import POLICY_SIGNER
from synapsor.core.moment import parse, stamp
from synapsor.core.outcome import GivenUp, Outcome, Why
from synapsor.core.policy import COUNT, Deferral, Near
from synapsor.core.statements import Operator
from synapsor.core.trust import ProgramKey
from synapsor.core.writeback import Lease
from synapsor.errors import ConfigError, IntegrityError, LedgerFailure, SynapsorError, place
from synapsor.flow.apply import apply
from synapsor.flow.automatic import approve_by_policy
from synapsor.flow.settle import settle
from synapsor.flow.verdict import Result, read_verdict, record_verdict
from synapsor.work.authority import Denied, Workbench, authorise, claims_of

log = logging.getLogger("synapsor.worker")

AT_ONCE = 3
"""How often an outcome that is only waiting for a receipt is asked again before the job is given back."""


AT_A_TIME = 50
"""How many proposals of a source policies look at before the next job is taken."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long a lease lasts, how often to look for work, and when to give up."""

    lease_seconds: float = 30.0
    poll_seconds: float = 0.5
    attempts: int = 10
    backoff_seconds: float = 0.2
    backoff_most: float = 60.0


@dataclass(kw_only=True)
class Worker:
    """Applies approved proposals of its sources.

    Attributes:
        report: called with one plain dictionary a job, for the log line.
        permits: what alone may be applied, by contract digest and capability; None for all that is approved.
    """

    name: str
    bench: Workbench
    pace: Pace = field(default_factory=Pace)
    report: Callable[[Mapping[str, Any]], None] = field(default=lambda _: None)
    permits: frozenset[tuple[str, str]] | None = None
    _held: tuple[str, ...] = field(default=(), init=False, repr=False)
    _untrusted: bool = field(default=False, init=False, repr=False)

    async def run(self, *, once: bool = False, drain: bool = False, stop: anyio.Event | None = None) -> int:
        """Work until stopped, or for one job (`once`), or until none is due (`drain`); return how many were settled."""
        stop = stop or anyio.Event()
        settled = 0
        while not stop.is_set():
            trusted = await self._trusted(waits=not (once or drain))
            lease = await self._next() if trusted is not None else None
            if trusted is None or lease is None:
                if once or drain:
                    break
                with anyio.move_on_after(self.pace.poll_seconds):
                    await stop.wait()
                continue
            # A job is finished or rolled back before the worker ends, whoever cancels it.
            with anyio.CancelScope(shield=True):
                settled += await self._work(lease, trusted)
            if once:
                break
        return settled

    async def _trusted(self, *, waits: bool) -> Mapping[str, Operator] | None:
        """Return whose keys are trusted now, or None while that cannot be told: then no job is touched, and no attempt of one counted.

        Raises:
            SynapsorError: it cannot be told, and the worker is not to wait for it.
        """
        try:
            await self.bench.ledger.follow()
            trusted = self.bench.operators()
        except LedgerFailure:
            log.exception("no work can be had now", extra={"action": "lease_failed"})
            return None
        except (ConfigError, IntegrityError, OSError) as error:
            if not waits:
                raise
            self._hold(error)
            return None
        if self._held:
            log.warning("jobs are taken again", extra={"action": "trusted_again"})
            self._held = ()
        return trusted

    def _hold(self, error: Exception) -> None:
        """Say once why nothing is done."""
        told = (error.message, error.fix) if isinstance(error, SynapsorError) else ("It cannot be read.", "")
        if told != self._held:
            self._held = told
            action = "ledger_altered" if isinstance(error, IntegrityError) else "trust_unreadable"
            log.error("no job is taken: %s %s", *told, extra={"action": action})

    async def _next(self) -> Lease | None:
        now = self.bench.clock.now()
        until = now + dt.timedelta(seconds=self.pace.lease_seconds)
        try:
            await self._expire(stamp(now))
            if self.bench.automatic is not None:
                await self._approve_by_policy(self.bench.automatic, now)
            return await self.bench.ledger.lease(
                self.name, now=stamp(now), until=stamp(until), sources=tuple(self.bench.targets), permits=self.permits
            )
        except LedgerFailure:
            log.exception("no work can be had now", extra={"action": "lease_failed"})
        except Exception as error:  # noqa: BLE001  # a record that breaks the worker's own code must not end it
            log.error("no work can be had now: %s", place(error), extra={"action": "lease_broke"})  # noqa: TRY400  # no values
        return None

    async def _expire(self, now: str) -> None:
        """Let what is past its time expire; that it cannot keeps nobody's approved change from being applied."""
        try:
            await self.bench.ledger.expire_due(now=now)
        except LedgerFailure:
            log.exception("nothing expires now", extra={"action": "expire_failed"})

    async def _approve_by_policy(self, signer: ProgramKey, now: dt.datetime) -> None:
        """Let policies look at what waits for them; that they cannot keeps nobody's approved change from being applied."""
        if not self._may_sign(signer):
            return
        try:
            waiting = await self.bench.ledger.for_policies(
                now=stamp(now), sources=tuple(self.bench.targets), limit=AT_A_TIME
            )
            for proposal in waiting:
                await self._look(proposal, signer, now)
        except LedgerFailure:
            log.exception("no policy decides now", extra={"action": "policies_failed"})

    async def _look(self, proposal: str, signer: ProgramKey, now: dt.datetime) -> None:
        """Let a policy look at one proposal. One that cannot be looked at is left to people: it would be the next again, and again.

        Raises:
            LedgerFailure: it is the ledger that fails, and not this record of it.
        """
        operators = self.bench.operators()
        try:
            came = await approve_by_policy(self.bench.ledger, proposal, signer=signer, operators=operators, now=now)
        except LedgerFailure as failed:
            if not failed.of_one_record:
                raise
            broke = failed.rule
        except Exception as error:  # noqa: BLE001  # one proposal must not keep the others from being applied
            broke = place(error)
        else:
            _warn(proposal, came)
            return
        log.error("policy broke: %s", broke, extra={"action": "policy_broke", "proposal": proposal})  # no values
        await self.bench.ledger.defer(proposal, Deferral(policy="", why="unreadable"), at=stamp(now))

    def _may_sign(self, signer: ProgramKey) -> bool:
        """Tell whether the policy key is trusted now; when it is not any more, and when it is again, is said once."""
        trusted = signer.is_trusted(self.bench.operators(), POLICY_SIGNER)
        name = signer.operator.name
        if not trusted and not self._untrusted:
            told = "the policy key of %s is not trusted any more: nothing is approved by policy (see `synapsor policy status`)"
            log.warning(told, name, extra={"action": "policy_key_untrusted", "operator": name})
        elif trusted and self._untrusted:
            log.warning(
                "the policy key of %s is trusted again", name, extra={"action": "policy_key_trusted", "operator": name}
            )
        self._untrusted = not trusted
        return trusted

    async def _work(self, lease: Lease, trusted: Mapping[str, Operator]) -> int:
        await self.bench.reached("work.leased")
        settled = False
        async with anyio.create_task_group() as group:
            group.start_soon(self._renew, lease)
            try:
                result = await self._attempt(lease, trusted)
                if result.outcome is Outcome.RETRY and lease.attempt >= self.pace.attempts and not result.until:
                    result = await self._surely(lease, lambda: self._give_up(lease, result), _unresolved(result))
                await self.bench.reached("work.applied")
                settled = await self._finish(lease, result)
            except LedgerFailure:
                log.exception("job left to its lease", extra={"action": "settle_failed", "job": lease.job.id})
            finally:
                group.cancel_scope.cancel()
        return int(settled)

    async def _renew(self, lease: Lease) -> None:
        while True:
            await anyio.sleep(self.pace.lease_seconds / 3)
            until = self.bench.clock.now() + dt.timedelta(seconds=self.pace.lease_seconds)
            try:
                await self.bench.ledger.renew(lease, until=stamp(until))
            except LedgerFailure:
                log.warning("lease not renewed", extra={"action": "renew_failed", "job": lease.job.id})

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
        result = await apply(tasks)
        for _ in range(AT_ONCE):
            if result.outcome is not Outcome.RETRY or result.why not in {Why.UNKNOWN_COMMIT, Why.RECEIPT_RACED}:
                break
            result = await apply(tasks)
        return result

    async def _give_up(self, lease: Lease, last: Result) -> Result:
        """Return the verdict on a job that was tried too often: what the source says, or else that a person must look."""
        unresolved = _unresolved(last)
        claims = await claims_of(lease, self.bench)
        if claims is None:
            return unresolved
        verdict = await record_verdict(claims, Result(outcome=Outcome.FAILED, why=last.why, given_up=GivenUp.GAVE_UP))
        return unresolved if verdict.outcome is Outcome.RETRY else verdict

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

    async def _finish(self, lease: Lease, result: Result) -> bool:
        now = self.bench.clock.now()
        if result.outcome is Outcome.RETRY:
            longest = min(self.pace.backoff_most, self.pace.backoff_seconds * 2 ** min(lease.attempt - 1, 16))
            wait = longest * random.uniform(0.5, 1.0)  # noqa: S311  # jitter
            kept = await self.bench.ledger.release(
                lease, not_before=max(stamp(now + dt.timedelta(seconds=wait)), result.until), code=result.code
            )
        else:
            closed = await settle(self.bench.ledger, lease, result, at=stamp(now))
            kept, result = closed is not None, closed or result
            await self.bench.reached("work.settled")
        took = (now - parse(lease.job.at)).total_seconds()
        self.report(
            {
                "job": lease.job.id,
                "proposal": result.by or lease.job.lead.proposal,
                "outcome": result.outcome.value,
                "code": result.code,
                "attempt": lease.attempt,
                "recorded": kept,
                "newcomers": sum(result.newcomers.values()),
                "group": [part.proposal for part in lease.job.parts] if len(lease.job.parts) > 1 else [],
                "seconds_since_approval": round(max(took, 0.0), 3),
            }
        )
        return kept and result.outcome is not Outcome.RETRY


def _warn(proposal: str, came: Deferral | tuple[Near, ...] | None) -> None:
    """Say that a limit of a policy is nearly used up, or is; by how much is the ledger's to tell, for it may be a row's own value."""
    full = [came] if isinstance(came, Deferral) and came.why == "limit" else []
    near = came if isinstance(came, tuple) else ()
    told = [
        ("policy_limit_reached", "has no room for this proposal", limit.what, limit.of, limit.limit) for limit in full
    ]
    told += [("policy_near_limit", "is nearly used up", limit.what, limit.of, limit.limit) for limit in near]
    for action, said, what, of, most in told:
        each = "" if of == "policy" else f" for one {of}"
        much = f"{most} {'approval' if most == '1' else 'approvals'}" if what == COUNT else f"{most} of {what}"
        extra = {"action": action, "proposal": proposal}
        log.warning("%s: a policy's limit of %s a day%s %s", proposal, much, each, said, extra=extra)


def _unresolved(last: Result) -> Result:
    return Result(outcome=Outcome.RECONCILIATION_REQUIRED, why=last.why, given_up=GivenUp.UNRESOLVED)
