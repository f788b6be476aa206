"""Hand an approved change to the application's handler, and take its answer for what it proves: its receipts are the verdict, as the source's are.

Whatever is no whole answer about exactly this is unknown: it is asked again under the same key, and never guessed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from synapsor.core.handed import (
    confirmed_by,
    is_about,
    is_exact,
    is_nothing,
    key_of,
    outcome_of,
    to_abandon,
    to_apply,
    to_ask_again,
    to_close,
    to_look,
)
from synapsor.core.outcome import Outcome, Why
from synapsor.core.proposal import Proposal
from synapsor.core.writeback import told_of
from synapsor.flow.apply import InHand
from synapsor.flow.verdict import Claim, Result
from synapsor.handler.answer import Answer, read_answer
from synapsor.handler.wire import Came
from synapsor.handler_ports import Handler, Heard, Reply

log = logging.getLogger("synapsor.worker")

_WHY: Final = {
    Heard.UNREACHED: Why.HANDLER_UNREACHED,
    Heard.UNKNOWN: Why.HANDLER_UNKNOWN,
    Heard.DENIED: Why.HANDLER_DENIED,
    Heard.BUSY: Why.HANDLER_BUSY,
}
_DIFFERS: Final = Result(outcome=Outcome.RECONCILIATION_REQUIRED, why=Why.HANDLER_DIFFERS)
_FORGOT: Final = Result(outcome=Outcome.RECONCILIATION_REQUIRED, why=Why.HANDLER_FORGOT)
_UNKNOWN: Final = Result(outcome=Outcome.RETRY, why=Why.HANDLER_UNKNOWN)
_APPLIED: Final = frozenset({Came.APPLIED, Came.ALREADY_APPLIED})


@dataclass(frozen=True, slots=True)
class ByHandler:
    """Has an application's handler carry out what was approved."""

    handler: Handler

    async def apply(self, job: InHand) -> Result:
        """Have a proposal applied, or all of a group in its order; a lapsed one is closed, for an earlier attempt may have got through."""
        claim = job.claim
        changes = [(task.proposal, task.opened, task.lapses) for task in job.tasks]
        if claim.accepted:  # whoever says otherwise, it is only asked what has come of it
            return await self._applied(to_ask_again(claim.lease.job.id, changes), job)
        if lapsed := next((task for task in job.tasks if task.expired()), None):
            failed = Result(outcome=Outcome.FAILED, why=Why.APPROVAL_EXPIRED, by=lapsed.proposal.id)
            return await self.record_verdict(claim, failed)
        return await self._applied(to_apply(claim.lease.job.id, changes), job)

    async def _applied(self, document: bytes, job: InHand) -> Result:
        """Return what has come of it, and take nothing for applied but exactly the rows that were approved."""
        answer = await self._ask(document, job.claim)
        if isinstance(answer, Result):
            return answer
        if answer.came in _APPLIED and not is_exact(answer, [task.opened for task in job.tasks]):
            return _DIFFERS
        return _UNKNOWN if is_nothing(answer) else _verdict(answer, job.claim)

    async def read_verdict(self, claim: Claim) -> Result | None:
        """Return what the handler says has come of a job, without having anything done."""
        answer = await self._ask(to_look(claim.lease.job.id, claim.proposals), claim)
        if isinstance(answer, Result):
            return answer
        return None if is_nothing(answer) else _verdict(answer, claim)

    async def record_verdict(self, claim: Claim, result: Result) -> Result:
        """Have the handler record that a job was not applied, unless another verdict is there already, which then counts."""
        answer = await self._ask(to_close(claim.lease.job.id, claim.proposals), claim)
        if isinstance(answer, Result):
            return answer
        if is_nothing(answer):
            return _UNKNOWN
        verdict = _verdict(answer, claim)
        return result if verdict.why is Why.RECORDED_BEFORE else verdict

    async def _ask(self, document: bytes, claim: Claim) -> Answer | Result:
        """Return an answer that is about exactly a job's proposals, or what came instead of one."""
        answer = await _asked(self.handler, document, claim.lease.job.id, claim.proposals)
        if isinstance(answer, Result):
            return _unheard(answer, claim) if answer.outcome is Outcome.RETRY else answer
        return _FORGOT if is_nothing(answer) and claim.accepted else answer

    def __repr__(self) -> str:
        return f"ByHandler({self.handler.name})"


async def abandon(handler: Handler, job: str, proposals: Sequence[Proposal]) -> Result:
    """Have an application give up what it may still have in hand, since a person says what became of it; return what it answers to
    that, `RETRY` or `ACCEPTED` where it may be done yet.
    """
    answer = await _asked(handler, to_abandon(job, proposals), job, proposals)
    if isinstance(answer, Result):
        return answer
    if is_nothing(answer):
        return _UNKNOWN
    outcome, why = outcome_of(answer)
    given = {Came.APPLIED: Why.HANDLER_APPLIED, Came.ALREADY_APPLIED: Why.HANDLER_APPLIED}.get(answer.came, why)
    closed = given is Why.RECORDED_BEFORE  # nobody had ever begun it
    return Result(outcome=outcome, why=Why.HANDLER_ABANDONED if closed else given, wait=float(answer.again))


async def _asked(handler: Handler, document: bytes, job: str, proposals: Sequence[Proposal]) -> Answer | Result:
    """Return an answer that is about exactly these, or what came instead of one."""
    reply = await handler.ask(document, key=key_of(proposals[0]))
    if reply.heard is not Heard.ANSWERED:
        return Result(outcome=Outcome.RETRY, why=_WHY[reply.heard], wait=reply.wait)
    answer = _read(reply)
    if answer is None:
        return _UNKNOWN
    if answer.detail:
        extra = {"action": "handler_said", "job": job}
        log.warning("executor %s says: %s", handler.name, _visible(answer.detail), extra=extra)
    return answer if is_about(answer, proposals) else _DIFFERS


def _read(reply: Reply) -> Answer | None:
    answer = read_answer(reply.body)
    return answer if answer is not None and reply.status in {None, answer.came.status} else None


def _visible(detail: str) -> str:
    """Return an application's own words without anything that could end a line or change how it is read."""
    return detail.encode("ascii", "backslashreplace").decode().translate(dict.fromkeys((*range(32), 127), "?"))


def _applied(answer: Answer, claim: Claim) -> Result:
    # The rows are exactly those that were approved; as they were signed, their hidden values are sealed.
    done = {proposal.id: told_of(proposal) for proposal in claim.proposals}
    return Result(outcome=outcome_of(answer)[0], done=done, confirmed=confirmed_by(answer))


def _unheard(result: Result, claim: Claim) -> Result:
    """Return what an attempt without an answer came to: what was accepted stays so, and is never given up as if nothing had been done."""
    if not claim.accepted:
        return result
    return replace(result, outcome=Outcome.ACCEPTED, asked_until=claim.asked_until)


def _not_applied(answer: Answer, claim: Claim) -> Result:
    outcome, why = outcome_of(answer)
    if outcome is Outcome.ACCEPTED:
        return Result(outcome=outcome, why=why, wait=float(answer.again), asked_until=claim.asked_until)
    by = claim.proposals[0].id if len(claim.proposals) == 1 else None
    return Result(outcome=outcome, why=why, by=by, recorded=True, confirmed=confirmed_by(answer))


def _verdict(answer: Answer, claim: Claim) -> Result:
    return _applied(answer, claim) if answer.came in _APPLIED else _not_applied(answer, claim)
