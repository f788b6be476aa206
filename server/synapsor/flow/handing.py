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
from synapsor.flow.apply import Task
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

    async def apply(self, tasks: Sequence[Task]) -> Result:
        """Have a proposal applied, or all of a group in its order; a lapsed one is closed, for an earlier attempt may have got through."""
        changes = [(task.proposal, task.opened, task.lapses) for task in tasks]
        if _accepted(tasks):
            return await self._applied(to_ask_again(tasks[0].job, changes), tasks)
        if lapsed := next((task for task in tasks if task.expired()), None):
            failed = Result(outcome=Outcome.FAILED, why=Why.APPROVAL_EXPIRED, by=lapsed.proposal.id)
            return await self.record_verdict(tasks, failed)
        return await self._applied(to_apply(tasks[0].job, changes), tasks)

    async def _applied(self, document: bytes, tasks: Sequence[Task]) -> Result:
        """Return what has come of it, and take nothing for applied but exactly the rows that were approved."""
        answer = await self._ask(document, tasks)
        if isinstance(answer, Result):
            return answer
        if answer.came in _APPLIED and not is_exact(answer, [task.opened for task in tasks]):
            return _DIFFERS
        return _UNKNOWN if is_nothing(answer) else _verdict(answer, tasks)

    async def read_verdict(self, claims: Sequence[Claim]) -> Result | None:
        """Return what the handler says has come of these, without having anything done."""
        answer = await self._ask(to_look(claims[0].job, _told(claims)), claims)
        if isinstance(answer, Result):
            return answer
        return None if is_nothing(answer) else _verdict(answer, claims)

    async def record_verdict(self, claims: Sequence[Claim], result: Result) -> Result:
        """Have the handler record that these were not applied, unless another verdict is there already, which then counts."""
        answer = await self._ask(to_close(claims[0].job, _told(claims)), claims)
        if isinstance(answer, Result):
            return answer
        if is_nothing(answer):
            return _UNKNOWN
        verdict = _verdict(answer, claims)
        return result if verdict.why is Why.RECORDED_BEFORE else verdict

    async def _ask(self, document: bytes, claims: Sequence[Claim]) -> Answer | Result:
        """Return an answer that is about exactly these, or what came instead of one."""
        answer = await _asked(self.handler, document, claims[0].job, _told(claims))
        if isinstance(answer, Result):
            return _unheard(answer, claims) if answer.outcome is Outcome.RETRY else answer
        return _FORGOT if is_nothing(answer) and _accepted(claims) else answer

    def __repr__(self) -> str:
        return f"ByHandler({self.handler.name})"


async def abandon(handler: Handler, job: str, proposals: Sequence[Proposal]) -> Result:
    """Have an application give up what it may still have in hand, since a person says that it was not applied; return what it answers to
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


def _told(claims: Sequence[Claim]) -> list[Proposal]:
    return [claim.proposal for claim in claims]


def _applied(answer: Answer, claims: Sequence[Claim]) -> Result:
    # The rows are exactly those that were approved; as they were signed, their hidden values are sealed.
    done = {c.proposal.id: told_of(c.proposal) for c in claims}
    return Result(outcome=outcome_of(answer)[0], done=done, confirmed=confirmed_by(answer))


def _accepted(claims: Sequence[Claim]) -> bool:
    """Tell whether the handler has accepted it: from then on it is only asked what has come of it, whoever says otherwise."""
    return any(claim.accepted for claim in claims)


def _unheard(result: Result, claims: Sequence[Claim]) -> Result:
    """Return what an attempt without an answer came to: what was accepted stays so, and is never given up as if nothing had been done."""
    if not _accepted(claims):
        return result
    return replace(result, outcome=Outcome.ACCEPTED, asked_until=_until(claims))


def _until(claims: Sequence[Claim]) -> str:
    return next((claim.asked_until for claim in claims if claim.accepted), claims[0].asked_until)


def _not_applied(answer: Answer, claims: Sequence[Claim]) -> Result:
    outcome, why = outcome_of(answer)
    if outcome is Outcome.ACCEPTED:
        return Result(outcome=outcome, why=why, wait=float(answer.again), asked_until=_until(claims))
    by = claims[0].proposal.id if len(claims) == 1 else None
    return Result(outcome=outcome, why=why, by=by, recorded=True, confirmed=confirmed_by(answer))


def _verdict(answer: Answer, claims: Sequence[Claim]) -> Result:
    return _applied(answer, claims) if answer.came in _APPLIED else _not_applied(answer, claims)
