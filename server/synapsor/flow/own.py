"""What a session has asked for, for prompts and completion: its own proposals and the handles of its own records, and nobody else's.

Each look at a proposal is recorded before anything is told. Handles are not: they tell nothing, and a client asks for them with each key.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from synapsor.core.moment import stamp
from synapsor.core.scope import Session
from synapsor.errors import Code, Refusal, place
from synapsor.flow.audits import call_of, plain_audit, scope_for
from synapsor.flow.lookup import own_handles, own_proposal, own_waiting
from synapsor.flow.prepare import Served
from synapsor.flow.propose import proposal_view
from synapsor.handles import Kind
from synapsor.ports import AgentLedger, Clock, ProposalRecord

log = logging.getLogger("synapsor.desk")

PROMPT: Final = "synapsor.prompt"
"""What an audit calls a prompt that is about no one capability."""
MOST_WAITING: Final = 20
MOST_HANDLES: Final = 20


class Own:
    """A session's own proposals and handles. Whatever fails, there is nothing to tell; the log says why."""

    def __init__(self, served: Mapping[str, Served], ledger: AgentLedger, clock: Clock) -> None:
        self._served = served
        self._ledger = ledger
        self._clock = clock

    async def waiting(self, session: Session) -> list[dict[str, Any]] | None:
        """Return the proposals that wait for a decision, newest first; None when that cannot be told."""
        try:
            found = await own_waiting(session, self._served, self._ledger, self._now(), limit=MOST_WAITING)
            await self._record(None, session, "prompt")
            return [_headed(record, self._served[record.proposal.capability]) for record in found]
        except Exception as error:  # noqa: BLE001  # law 7: a client learns only that there is nothing for it
            _failed("prompt", error)
            return None

    async def proposal(self, handle: str, session: Session) -> dict[str, Any] | None:
        """Return a proposal and where it stands; None for whatever is not the session's own, and when that cannot be told."""
        try:
            record, served = await own_proposal(handle, session, self._served, self._ledger, self._now())
            await self._record(served, session, "prompt")
            return _headed(record, served)
        except Refusal:
            await self._record_missing(session)
        except Exception as error:  # noqa: BLE001  # as above
            _failed("prompt", error)
        return None

    async def handles(self, kind: Kind, beginning: str, session: Session) -> list[str]:
        """Return handles that begin so, newest first."""
        try:
            return await own_handles(kind, beginning, session, self._served, self._ledger, limit=MOST_HANDLES)
        except Exception as error:  # noqa: BLE001  # as above
            _failed("completion", error)
            return []

    async def _record(self, served: Served | None, session: Session, outcome: str) -> None:
        known = served or next(iter(self._served.values()), None)  # whoever asks is the same person in each
        name = served.tool.name if served else PROMPT
        call = call_of(name, served, session, scope_for(known, session), self._clock)
        await self._ledger.record_read(plain_audit(call, outcome), None)

    async def _record_missing(self, session: Session) -> None:
        try:
            await self._record(None, session, Code.NOT_FOUND.value)
        except Exception as error:  # noqa: BLE001  # as above; the answer is the same
            _failed("prompt", error)

    def _now(self) -> str:
        return stamp(self._clock.now())


def _headed(record: ProposalRecord, served: Served) -> dict[str, Any]:
    """Return what a model may see of a proposal, with the capability that asked for it and when."""
    return {"capability": record.proposal.capability, "at": record.proposal.at, **proposal_view(record, served)}


def _failed(what: str, error: Exception) -> None:
    log.error(
        "%s failed: %s", what, place(error), extra={"action": f"{what}_failed"}
    )  # the traceback may quote row values
