"""One look at the ledger's head again and again, for all open pages together, and what is told to each of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import anyio

from synapsor.approve.console.needs import ConsoleLedger
from synapsor.core.overview import Happened
from synapsor.errors import LedgerFailure

log = logging.getLogger("synapsor.console")

EVERY_S: Final = 0.5
_TOLD: Final = 200


@dataclass(slots=True, eq=False)
class Listener:
    """An open page, and what it has not been told yet."""

    wakes: anyio.Event = field(default_factory=anyio.Event)
    heard: list[Happened] = field(default_factory=list)


class Pulse:
    """Tells every open page what happened in the ledger."""

    def __init__(self, ledger: ConsoleLedger) -> None:
        self._ledger = ledger
        self._listeners: set[Listener] = set()
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

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """Listen while a page is open."""
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)


async def hear(listener: Listener, seconds: float) -> tuple[Happened, ...]:
    """Return what happened meanwhile; nothing when the time is over."""
    with anyio.move_on_after(seconds):
        await listener.wakes.wait()
    listener.wakes = anyio.Event()
    heard = tuple(listener.heard)
    listener.heard.clear()
    return heard
