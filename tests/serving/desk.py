"""A desk that records what it was asked and answers as its arguments say."""

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Literal

import anyio

from synapsor.core.envelope import failure, success
from synapsor.core.scope import Session
from synapsor.errors import Code, Refusal
from synapsor.flow.desk import Desk
from synapsor.flow.prepare import Tool

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
        tool("billing.propose_late_fee_waiver", "propose", "Ask for one late fee to be waived."),
        tool("billing.inspect_invoice", "read", "Look at one invoice."),
    )
}


class FakeDesk(Desk):
    """Answers by the invoice id: `raise`, `group`, `print`, `wait`, `slow`, `refuse`, or any other one."""

    def __init__(self) -> None:
        self.tools = TOOLS
        self.calls: list[tuple[str, dict[str, Any], Session]] = []
        self.waiting = anyio.Event()
        self.go_on = anyio.Event()
        self.canceled = anyio.Event()

    async def call(self, name: str, arguments: Mapping[str, Any] | None, session: Session) -> dict[str, Any]:
        given = dict(arguments or {})
        self.calls.append((name, given, session))
        wish = given.get("invoice_id")
        if wish == "raise":
            raise RuntimeError(LEAK)
        if wish == "group":
            raise ExceptionGroup(LEAK, [ValueError(LEAK)])
        if wish == "print":
            _make_noise()
        if wish == "wait":
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

    async def _wait(self) -> None:
        self.waiting.set()
        try:
            await self.go_on.wait()
        except anyio.get_cancelled_exc_class():
            self.canceled.set()
            raise


def _make_noise() -> None:
    print("printed to stdout")  # noqa: T201  # the noise is the point
    os.write(1, b"written to descriptor 1\n")
    subprocess.run(
        [sys.executable, "-c", "import sys; print('printed by a child'); assert not sys.stdin.read()"], check=True
    )
