"""Waiting for a decision: calls that wait share one look at the ledger, which sees what any process has recorded.

Nothing is held while a call waits: no turn, no source, no transaction. How many wait, and how long, is bounded; who finds no place is
told at once where the proposal stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

import anyio

from synapsor.core.moment import stamp
from synapsor.core.proposal import Proposal, Status
from synapsor.ports import AgentLedger, Clock

EVERY_S = 0.2
"""How often the ledger is looked at while anybody waits: a decision is to be known within a second."""
TOLD_EVERY_S = 5.0
"""How often who waits is told so, for clients and proxies that take silence for an end."""
EACH = 8
"""Calls of one client that wait at once."""
TOGETHER = 256
"""Calls of all clients that do; one look asks for as many proposals."""


class Company(Protocol):
    """Who stays with a call that waits; `serve` has one for every transport."""

    def aside(self) -> AbstractAsyncContextManager[None]:
        """Let other calls have what this one would hold meanwhile."""
        ...

    async def tell(self, waited: float, most: float) -> None:
        """Tell the client how many seconds of how many have gone by, where it wants to know; raises nothing but a cancellation."""
        ...


class Alone:
    """The company of a call that nobody looks after, as on a command line."""

    @asynccontextmanager
    async def aside(self) -> AsyncIterator[None]:
        """Hold nothing."""
        yield

    async def tell(self, waited: float, most: float) -> None:
        """Tell nobody."""


@dataclass(eq=False, slots=True, kw_only=True)
class _Waiting:
    """A call that waits."""

    proposal: Proposal
    asked: int
    client: str
    moved: bool = field(default=False)


class WaitingRoom:
    """The calls of one process that wait. They take turns to look for all of them, so that a canceled one holds nobody up."""

    def __init__(
        self,
        ledger: AgentLedger,
        clock: Clock,
        *,
        every_s: float = EVERY_S,
        told_every_s: float = TOLD_EVERY_S,
        each: int = EACH,
        together: int = TOGETHER,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._every_s = every_s
        self._told_every_s = told_every_s
        self._each = each
        self._together = together
        self._waiting: set[_Waiting] = set()
        self._of: Counter[str] = Counter()
        self._looking = False
        self._looked = anyio.Event()
        self._next_look = 0.0

    @property
    def empty(self) -> bool:
        """Whether nobody waits, and so nothing is looked at."""
        return not self._waiting

    async def wait(self, proposal: Proposal, client: str, seconds: float, company: Company, *, asked: int = 0) -> bool:
        """Return when a proposal in review has left it, a person asks something more about it, or the time is over.

        False at once where there is no place to wait. `asked` is how many questions whoever waits has seen.

        Raises:
            LedgerFailure: it cannot be seen.
        """
        if self._of[client] >= self._each or len(self._waiting) >= self._together:
            return False
        mine = _Waiting(proposal=proposal, asked=asked, client=client)
        self._waiting.add(mine)
        self._of[client] += 1
        try:
            async with company.aside():
                await self._accompanied(mine, seconds, company)
        finally:
            self._waiting.discard(mine)
            self._of -= Counter({client: 1})
        return True

    async def _accompanied(self, mine: _Waiting, seconds: float, company: Company) -> None:
        begun = anyio.current_time()

        async def tell() -> None:
            while True:
                await company.tell(min(anyio.current_time() - begun, seconds), seconds)
                await anyio.sleep(self._told_every_s)

        failed: Exception | None = None
        async with anyio.create_task_group() as group:
            group.start_soon(tell)
            try:
                with anyio.move_on_after(seconds):
                    await self._until_moved(mine)
            except Exception as error:  # noqa: BLE001  # raised below, outside of the group that would wrap it
                failed = error
            group.cancel_scope.cancel()
        if failed is not None:
            raise failed

    async def _until_moved(self, mine: _Waiting) -> None:
        while not mine.moved:
            if self._looking:
                await self._looked.wait()
            else:
                await self._look_for_all()

    async def _look_for_all(self) -> None:
        """Look when it is time; whoever else waits goes on afterwards, whatever came of this look."""
        self._looking = True
        try:
            # Counted from the last look and not from now: calls that come and are canceled must not put it off.
            await anyio.sleep_until(self._next_look)
            await self._look()
            self._next_look = anyio.current_time() + self._every_s
        finally:
            self._looking = False
            looked, self._looked = self._looked, anyio.Event()
            looked.set()

    async def _look(self) -> None:
        waiting = tuple(self._waiting)
        wanted = {w.proposal.id for w in waiting}
        standing, asked = await self._ledger.statuses(wanted), await self._ledger.questions(wanted)
        now = stamp(self._clock.now())
        for each in waiting:
            status = standing.get(each.proposal.id)
            over = status is not Status.REVIEW_REQUIRED or each.proposal.lapsed(now)
            each.moved = each.moved or over or asked.get(each.proposal.id, 0) > each.asked
