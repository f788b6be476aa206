"""Whether a contract that is being served still is the one that was activated last, and the one that its file says.

A rollback, another activation or an edit must reach a server that runs, and a read may not pay for it: the file is looked at and the ledger
is asked for one handle, at most once a second, and only a handle that is new has its activation proven at once; any other one is proven
again now and then.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

import anyio

from synapsor.ports import AgentLedger

log = logging.getLogger("synapsor.desk")

LASTS: Final = 1.0
"""Seconds for which an answer of the ledger is good."""

PROVEN: Final = 30.0
"""Seconds for which a proof is good: a reviewer whose key is revoked vouches no longer for what a server serves."""


class Standing:
    """What became of the activation of one contract.

    Attributes:
        contract: the contract's name.
    """

    def __init__(
        self,
        contract: str,
        ledger: AgentLedger,
        prove: Callable[[], Awaitable[str]],
        kept: Callable[[], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with nothing proven.

        `prove` says why the newest activation does not count, `kept` why the file does not say what is served; each "" when it does.
        `kept` may read and check files, so it is called in a thread.
        """
        self.contract = contract
        self._ledger = ledger
        self._prove = prove
        self._kept = kept
        self._clock = clock
        self._asking = anyio.Lock()
        self._judged: str | None = None
        self._why = ""
        self._until = self._proven_until = clock()

    async def why(self) -> str:
        """Return why the contract is not to be served, or "" when it is; what is told is never older than `LASTS`.

        Raises:
            LedgerFailure: nobody can tell.
            SourceFailure: it was activated anew, and its database cannot be asked which one it is.
        """
        if self._due():
            async with self._asking:
                if self._due():
                    now = self._clock()
                    await self._ask()
                    self._until = now + LASTS
        return self._why

    def _due(self) -> bool:
        return bool(self._why) or self._clock() >= self._until  # that it is served again is told at once

    async def _ask(self) -> None:
        if edited := await anyio.to_thread.run_sync(self._kept):
            self._say(edited)
            return
        newest = await self._ledger.newest_activation(self.contract)
        known = newest is not None and newest == self._judged and not self._why
        if known and self._clock() < self._proven_until:
            return
        self._say(await self._prove())
        self._proven_until = self._clock() + PROVEN
        self._judged = newest

    def _say(self, why: str) -> None:
        before, self._why = self._why, why
        if self._judged is not None and why != before:
            said = f"refused from now on: {why}" if why else "served again"
            action = "not_activated" if why else "activated"
            log.warning("contract %s is %s", self.contract, said, extra={"action": action})
