"""A desk that records what it was asked and answers as its arguments say."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import anyio

from synapsor.core.envelope import failure, success
from synapsor.core.scope import Session
from synapsor.errors import Code, Refusal
from synapsor.flow.desk import Desk
from synapsor.flow.own import Own
from synapsor.flow.prepare import Tool
from synapsor.flow.waiting import Alone, Company
from synapsor.handles import Kind

LEAK = "postgres://user:hunter2@db.internal/shop"
_ARGUMENTS = {
    "type": "object",
    "properties": {"invoice_id": {"type": "string", "maxLength": 64}},
    "required": ["invoice_id"],
    "additionalProperties": False,
}
_ENVELOPE = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}, "summary": {"type": "string"}},
    "required": ["ok"],
}


def tool(name: str, kind: Literal["read", "propose"], description: str) -> Tool:
    """Return a tool that takes an invoice id."""
    return Tool(name=name, kind=kind, description=description, input_schema=_ARGUMENTS, output_schema=_ENVELOPE)


TOOLS = {
    each.name: each
    for each in (
        tool("synapsor.proposal_status", "read", "Where a proposal stands."),
        replace(tool("synapsor.wait_for_decision", "read", "Wait for a decision."), waits=True),
        tool("billing.propose_late_fee_waiver", "propose", "Ask for one late fee to be waived."),
        tool("billing.inspect_invoice", "read", "Look at one invoice."),
    )
}


class FakeDesk(Desk):
    """Answers by the invoice id: `raise`, `group`, `print`, `wait`, `slow`, `refuse`, or any other one; a tool that waits does at `wait`."""

    def __init__(self) -> None:
        self.tools = TOOLS
        self.own = FakeOwn()
        self.calls: list[tuple[str, dict[str, Any], Session]] = []
        self.waiting = anyio.Event()
        self.go_on = anyio.Event()
        self.canceled = anyio.Event()

    async def call(
        self, name: str, arguments: Mapping[str, Any] | None, session: Session, company: Company | None = None
    ) -> dict[str, Any]:
        given = dict(arguments or {})
        self.calls.append((name, given, session))
        wish = given.get("invoice_id")
        if wish == "raise":
            raise RuntimeError(LEAK)
        if wish == "group":
            raise ExceptionGroup(LEAK, [ValueError(LEAK)])
        if wish == "print":
            _make_noise()
        if wish == "wait" and self.tools[name].waits:
            await self._wait_in(company or Alone())
        elif wish == "wait":
            await self._wait()
        if wish == "slow":
            await anyio.sleep(0.3)
        kind = self.tools[name].kind
        if wish == "refuse":
            return failure(name, kind, Refusal(Code.NOT_FOUND), audit="aud_1")
        data = {"invoice_id": wish, "tenant": session.values.get("tenant_id"), "client": session.client}
        return success(name, kind, "One row.", evidence="ev_1", audit="aud_1", data=data)

    async def resource(self, uri: str, session: Session) -> dict[str, Any] | None:
        if uri.endswith("raise"):
            raise RuntimeError(LEAK)
        return {"id": "ev_1", "tenant": session.values["tenant_id"]} if uri == "synapsor://evidence/ev_1" else None

    async def _wait_in(self, company: Company) -> None:
        async with company.aside():
            await company.tell(0.0, 20.0)
            await self._wait()
            await company.tell(1.0, 20.0)

    async def _wait(self) -> None:
        self.waiting.set()
        try:
            await self.go_on.wait()
        except anyio.get_cancelled_exc_class():
            self.canceled.set()
            raise


VIEW: dict[str, Any] = {
    "capability": "billing.propose_late_fee_waiver",
    "at": "2026-11-28T12:00:00.000000Z",
    "id": "wrp_1",
    "status": "review_required",
    "digest": "sha256:" + "0" * 64,
    "operation": "update",
    "before": {"note": "x"},
    "after": {"note": "y"},
    "changes": [{"column": "note", "before": "x", "after": "y"}],
    "members": None,
    "group": None,
    "expires_at": "2026-12-01T12:00:00.000000Z",
    "needs": {"role": "billing_lead", "people": 1},
    "rejection": None,
    "outcome": None,
    "questions": [],
    "superseded_by": None,
    "amends": None,
    "allowed_next": ["wait"],
    "next_poll_s": 15,
    "status_resource": "synapsor://proposal/wrp_1",
}
"""A proposal as its prompt is given it."""


class FakeOwn(Own):
    """Has one proposal, `wrp_1`, and breaks at the one called `raise`."""

    def __init__(self) -> None:
        self.view = VIEW

    async def waiting(self, session: Session) -> list[dict[str, Any]] | None:
        return [self.view] if session.values["tenant_id"] == "acme" else []

    async def proposal(self, handle: str, session: Session) -> dict[str, Any] | None:
        if handle == "raise":
            raise RuntimeError(LEAK)
        return self.view if handle == self.view["id"] and session.values["tenant_id"] == "acme" else None

    async def handles(self, kind: Kind, beginning: str, session: Session) -> list[str]:
        own = {"proposal": "wrp_1", "evidence": "ev_1"}[kind]
        return [own] if own.startswith(beginning) and session.values["tenant_id"] == "acme" else []


def _make_noise() -> None:
    print("printed to stdout")  # noqa: T201  # the noise is the point
    os.write(1, b"written to descriptor 1\n")
    subprocess.run(
        [sys.executable, "-c", "import sys; print('printed by a child'); assert not sys.stdin.read()"], check=True
    )
