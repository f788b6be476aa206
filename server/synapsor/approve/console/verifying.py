"""Walking over the whole ledger on request: one walk at a time, beside the console's own work, and what the last one found."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from anyio.abc import TaskGroup

from synapsor.approve.console.needs import Held
from synapsor.errors import SynapsorError, place
from synapsor.ports import Clock

log = logging.getLogger("synapsor.console")


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """The last walk: when it ended, what it found, or why it could not be made."""

    at: dt.datetime
    held: Held | None
    trouble: str = ""


class Verifying:
    """Begins a walk, and keeps what came of it."""

    def __init__(self, verify: Callable[[], Awaitable[Held]], clock: Clock) -> None:
        self._verify = verify
        self._clock = clock
        self._tasks: TaskGroup | None = None
        self.goes_on = False
        self.last: Walk | None = None

    def within(self, tasks: TaskGroup) -> None:
        """Say where a walk runs."""
        self._tasks = tasks

    def begin(self) -> None:
        """Begin a walk, unless one goes on."""
        if self._tasks is not None and not self.goes_on:
            self.goes_on = True
            self._tasks.start_soon(self._walk)

    async def _walk(self) -> None:
        try:
            held, trouble = await self._verify(), ""
        except SynapsorError as failed:
            held, trouble = None, failed.message
        except Exception as error:  # noqa: BLE001  # the console goes on whatever a walk meets
            log.error("verify failed: %s", place(error), extra={"action": "verify_failed"})  # noqa: TRY400  # no values
            held, trouble = None, "The walk failed; the console's log names the place."
        finally:
            self.goes_on = False
        self.last = Walk(at=self._clock.now(), held=held, trouble=trouble)
