"""What a proposal rests on: the reads that its workflow asks for, answered earlier in the same run, for the same tenant and principal.

A read of the row's own table by its key must have been of the same row. What was read is named by handle and digest in the proposal,
so that a person decides on it too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synapsor.core.evidence import Call
from synapsor.core.scope import Scope
from synapsor.errors import Code, Refusal
from synapsor.flow.prepare import Asked, Served
from synapsor.ports import AgentLedger
from synapsor.values import digest

LOOKED_AT = 200
"""How many of a run's newest answers of a capability are looked at."""

Key = tuple[tuple[str, str], ...]


async def rests_on(
    served: Served, scope: Scope, call: Call, key: Key, ledger: AgentLedger
) -> tuple[tuple[str, str, str], ...]:
    """Return capability, handle and digest of the evidence that the workflow asks for.

    Raises:
        Refusal: `evidence_required`, with the capability that was not called in this run.
    """
    return tuple([await _newest(asked, served.contract, scope, call, key, ledger) for asked in served.asked])


async def _newest(
    asked: Asked, contract: str, scope: Scope, call: Call, key: Key, ledger: AgentLedger
) -> tuple[str, str, str]:
    # Calls outside of any run have nothing in common.
    known = (
        await ledger.answered(
            call.run, asked.capability, tenant=scope.tenant, principal=scope.principal, limit=LOOKED_AT
        )
        if call.run
        else ()
    )
    for body in known:
        if body["contract"] == contract and (not asked.same_row or _is_of(body, key)):
            return asked.capability, body["id"], digest("evidence", body)
    which = " of the same record" if asked.same_row else ""
    raise Refusal(Code.EVIDENCE_REQUIRED, f"Missing in this run: {asked.capability}{which}.")


def _is_of(body: Mapping[str, Any], key: Key) -> bool:
    at = {column[0]: index for index, column in enumerate(body["columns"])}
    if any(name not in at for name, _ in key):
        return False
    return any(all(row[at[name]] == token for name, token in key) for row in body["rows"])
