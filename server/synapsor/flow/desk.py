"""The one way in for a model: a named capability, its arguments and a trusted session; out comes an envelope, always.

Every call is audited, refused and failed ones too, and no exception but a cancellation leaves this module.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import anyio

from synapsor.core.budget import spending_of, until_tomorrow
from synapsor.core.envelope import failure, success
from synapsor.core.evidence import Call
from synapsor.core.moment import stamp
from synapsor.core.proposal import Status
from synapsor.core.scope import Scope, Session
from synapsor.errors import Code, LedgerFailure, Refusal, SourceFailure, place
from synapsor.flow.aggregate import aggregate
from synapsor.flow.answer import answer_of, answered
from synapsor.flow.audits import call_of, plain_audit, scope_for
from synapsor.flow.drift import Watch
from synapsor.flow.lookup import ANSWER_TOOL, BUILT_IN, looked_up, own_proposal, view_resource
from synapsor.flow.own import Own
from synapsor.flow.prepare import Served, Tool
from synapsor.flow.propose import job_told, proposal_view, propose
from synapsor.flow.rate import Rates
from synapsor.flow.read import read
from synapsor.flow.standing import Standing
from synapsor.flow.waiting import Alone, Company, WaitingRoom
from synapsor.ports import AgentLedger, Clock, ProposalRecord

log = logging.getLogger("synapsor.desk")

_VERBS = {"read": read, "aggregate": aggregate, "propose": propose}
RESOURCE = "synapsor.resource"
"""What an audit calls the reading of a resource that is not there for the session."""
_RECORD_CANCEL_SECONDS = 5


class Desk:
    """Serves prepared capabilities."""

    def __init__(
        self,
        served: Iterable[Served],
        ledger: AgentLedger,
        clock: Clock,
        standing: Mapping[str, Standing] | None = None,
        watches: Mapping[str, Watch] | None = None,
    ) -> None:
        """Serve; a contract whose digest has a standing is served only while that holds, and each table while its watch finds it fit."""
        self._served = {s.tool.name: s for s in served}
        self._ledger = ledger
        self._clock = clock
        self._rates = Rates()
        self._standing = dict(standing or {})
        self._watches = dict(watches or {})
        self._room = WaitingRoom(ledger, clock)
        self.own = Own(self._served, ledger, clock)
        self.tools = offered(s.tool for s in self._served.values())

    async def call(
        self, name: str, arguments: Mapping[str, Any] | None, session: Session, company: Company | None = None
    ) -> dict[str, Any]:
        """Run a capability and return its envelope; `company` stays with a call that waits."""
        served = self._served.get(name)
        kind = served.tool.kind if served else kind_of(name)
        # A refused scope is raised where the call runs, so that it is recorded and answered like any other refusal.
        # The status tool belongs to no one capability; whoever asks is the same person in each.
        scope = scope_for(served or next(iter(self._served.values()), None), session)
        call = call_of(name, served, session, scope, self._clock)
        try:
            if served is None:
                return await self._built_in(name, arguments, session, call, company or Alone())
            return await self._run(served, arguments, scope, call)
        except Refusal as refusal:
            return await self._refused(call, kind, refusal)
        except LedgerFailure:
            log.exception("ledger failure", extra={"action": "call_failed", "audit": call.id})
            return failure(name, kind, Refusal(Code.EVIDENCE_UNAVAILABLE), audit=None)
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(_RECORD_CANCEL_SECONDS, shield=True):
                await self._refused(call, kind, Refusal(Code.CANCELED))
            raise
        except Exception as error:  # noqa: BLE001  # law 7: whatever happens, the answer is from the closed table
            # The traceback may quote row values, so only its type and place are logged.
            log.error("call failed: %s", place(error), extra={"action": "call_failed", "audit": call.id})  # noqa: TRY400  # see above
            return await self._refused(call, kind, Refusal(Code.INTERNAL))

    async def resource(self, uri: str, session: Session) -> dict[str, Any] | None:
        """Return a proposal or an evidence bundle of this session's own scope; None for anything else, and when it cannot be recorded."""
        try:
            found = await view_resource(uri, session, self._served, self._ledger, stamp(self._clock.now()))
            served = found[1] if found else None
            name = served.tool.name if served else RESOURCE
            call = call_of(name, served, session, scope_for(served, session), self._clock)
            await self._ledger.record_read(plain_audit(call, "resource" if found else Code.NOT_FOUND.value), None)
        except Exception as error:  # noqa: BLE001  # law 7: whatever happens, a client learns only that there is nothing for it
            log.error("resource failed: %s", place(error), extra={"action": "resource_failed"})  # noqa: TRY400  # no values
            return None
        return found[0] if found else None

    async def _run(
        self, served: Served, arguments: Mapping[str, Any] | None, scope: Scope | Refusal, call: Call
    ) -> dict[str, Any]:
        if isinstance(scope, Refusal):
            raise scope
        checked = served.check.check(arguments)
        await self._check_standing(served)
        watch = self._watches.get(served.contract)
        if watch is not None:
            served = await watch.fit(served)
        if served.refusal is not None:
            raise Refusal(served.refusal)
        most = served.capability.limits.calls_per_minute
        if most is not None:
            self._rates.take((call.capability, scope.tenant, scope.principal), most, self._clock.now())
        await self._spend(served, checked, scope, call)
        return await _VERBS[served.tool.kind](served, checked, scope, call, self._ledger)

    async def _spend(self, served: Served, arguments: Mapping[str, Any], scope: Scope, call: Call) -> None:
        """Count a call against its day before the source is asked: what is asked has been spent, whatever comes of it."""
        now = self._clock.now()
        spending = spending_of(served.capability.limits, call.capability, scope, arguments, now)
        if spending is not None and not await self._ledger.spend(spending):
            raise Refusal(Code.RATE_LIMITED, retry_after_ms=until_tomorrow(now))

    async def _check_standing(self, served: Served) -> None:
        standing = self._standing.get(served.contract)
        try:
            if standing is not None and await standing.why():
                raise Refusal(Code.NOT_ACTIVATED)
        except SourceFailure as failed:
            raise Refusal(Code.SOURCE_UNAVAILABLE) from failed

    async def _built_in(
        self, name: str, arguments: Mapping[str, Any] | None, session: Session, call: Call, company: Company
    ) -> dict[str, Any]:
        """Tell where a proposal stands, when that is asked for or when it has changed."""
        tool = BUILT_IN.get(name)
        if tool is None:
            raise Refusal(Code.INTERNAL)
        if tool is ANSWER_TOOL:
            return await self._answer(arguments, session, call)
        handle, seconds = looked_up(tool, arguments)
        found, placed = await self._own_proposal(handle, session), True
        if tool.waits and found[0].status is Status.REVIEW_REQUIRED:
            asked = len(found[0].exchanges)
            placed = await self._room.wait(found[0].proposal, session.client, seconds, company, asked=asked)
            found = await self._own_proposal(handle, session)
        await self._ledger.record_read(plain_audit(call, "waited" if tool.waits else "ok"), None)
        summary = f"The proposal {found[0].status.stands}.{job_told(found[0])}"
        if not placed:
            summary += " This call did not wait, since as many wait already as may."
        view = proposal_view(*found)
        return success(name, tool.kind, summary, evidence=None, audit=call.id, proposal=view)

    async def _answer(self, arguments: Mapping[str, Any] | None, session: Session, call: Call) -> dict[str, Any]:
        """Record the answer to a question about a proposal, and tell where that stands."""
        handle, question, text = answered(arguments)
        await self._own_proposal(handle, session)
        await self._ledger.answer(answer_of(handle, question, text, call))
        found = await self._own_proposal(handle, session)
        await self._ledger.record_read(plain_audit(call, "ok"), None)
        summary = "The question is answered; people decide when they have read it."
        return success(
            call.capability, ANSWER_TOOL.kind, summary, evidence=None, audit=call.id, proposal=proposal_view(*found)
        )

    async def _own_proposal(self, handle: str, session: Session) -> tuple[ProposalRecord, Served]:
        return await own_proposal(handle, session, self._served, self._ledger, stamp(self._clock.now()))

    async def _refused(self, call: Call, kind: str, refusal: Refusal) -> dict[str, Any]:
        try:
            await self._ledger.record_read(plain_audit(call, refusal.code.value), None)
        except Exception as error:  # noqa: BLE001  # as above: this is the last that can fail
            log.error("refusal not recorded: %s", place(error), extra={"action": "audit_failed", "audit": call.id})  # noqa: TRY400  # no values
            return failure(call.capability, kind, Refusal(Code.EVIDENCE_UNAVAILABLE), audit=None)
        return failure(call.capability, kind, refusal, audit=call.id)


def kind_of(name: str) -> str:
    """Return the kind of a built-in tool; what there is not at all is told as a read."""
    tool = BUILT_IN.get(name)
    return tool.kind if tool else "read"


def offered(tools: Iterable[Tool]) -> dict[str, Tool]:
    """Return what a model is offered, by name: the capabilities, and where one of them proposes, how to look up and wait for a proposal."""
    found = {tool.name: tool for tool in tools}
    if any(tool.kind == "propose" for tool in found.values()):
        found |= BUILT_IN
    return found
