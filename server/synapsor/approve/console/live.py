"""Live updates: one look at the ledger's head a second for all pages together, and server-sent events that tell that something happened.

An event names records and no value of any; the page then asks for what it may see. A stream ends with its session.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import anyio
from sse_starlette.sse import EventSourceResponse
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from synapsor.approve.console.room import ConsoleLedger, Room
from synapsor.approve.console.visit import Visit, page
from synapsor.core.moment import stamp
from synapsor.core.overview import Happened
from synapsor.errors import LedgerFailure

log = logging.getLogger("synapsor.console")

EVERY_S: Final = 0.5
STILL_S: Final = 5.0
"""How long a stream goes on before it looks whether its session does."""
MOST_STREAMS: Final = 64
_TOLD: Final = 200


@dataclass(slots=True, eq=False)
class _Listener:
    wakes: anyio.Event = field(default_factory=anyio.Event)
    heard: list[Happened] = field(default_factory=list)


class Pulse:
    """Tells every open page what happened in the ledger."""

    def __init__(self, ledger: ConsoleLedger) -> None:
        self._ledger = ledger
        self._listeners: set[_Listener] = set()
        self.ended = False

    async def run(self) -> None:
        """Look at the ledger again and again, while somebody listens."""
        after, _ = await self._ledger.head()
        while not self.ended:
            await anyio.sleep(EVERY_S)
            try:
                after = await self._look(after)
            except LedgerFailure as failed:  # the pages say so themselves, when they are asked for
                log.warning("the ledger cannot be looked at: %s", failed.message, extra={"action": "pulse_failed"})

    async def _look(self, after: int) -> int:
        head, _ = await self._ledger.head()
        if head == after:
            return after
        happened = await self._ledger.overview.changes(after=after) if self._listeners else ()
        for listener in self._listeners:
            if happened:
                listener.heard.extend(happened)
                del listener.heard[:-_TOLD]
                listener.wakes.set()
        return head

    def end(self) -> None:
        """End every stream."""
        self.ended = True
        for listener in self._listeners:
            listener.wakes.set()

    @property
    def is_full(self) -> bool:
        """Whether there are as many streams as there may be."""
        return len(self._listeners) >= MOST_STREAMS

    @contextmanager
    def listening(self):  # type: ignore[no-untyped-def]  # noqa: ANN201  # a listener is nobody else's
        """Listen while a page is open."""
        listener = _Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)


async def hear(listener: _Listener, seconds: float) -> tuple[Happened, ...]:
    """Return what happened meanwhile; nothing when the time is over."""
    with anyio.move_on_after(seconds):
        await listener.wakes.wait()
    listener.wakes = anyio.Event()
    heard = tuple(listener.heard)
    listener.heard.clear()
    return heard


async def _events(visit: Visit) -> Response:
    if visit.room.pulse.is_full:
        return PlainTextResponse("There are too many open pages.\n", status_code=503)
    return EventSourceResponse(_told(visit), ping=15)


async def _told(visit: Visit) -> AsyncIterator[dict[str, str]]:
    room = visit.room
    with room.pulse.listening() as listener:
        yield {"event": "open", "data": "{}"}
        while not room.pulse.ended:
            heard = await hear(listener, STILL_S)
            now = room.now()
            if not room.sessions.still(visit.session, now=now, operators=room.operators()):
                yield {"event": "over", "data": "{}"}
                return
            if heard:
                waiting = await room.overview.count_waiting(now=stamp(now))
                told = {"waiting": waiting, "happened": [[one.kind, one.subject] for one in heard]}
                yield {"event": "changed", "data": json.dumps(told)}


def routes(room: Room) -> list[Route]:
    """Return the stream."""
    return [page(room, "/events", _events)]


__all__ = ["Pulse", "Request", "hear", "routes"]
