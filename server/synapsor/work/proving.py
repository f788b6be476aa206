"""Whether each source may be written now: what was proven when the worker started is proven again and again while it runs.

While a finding is fatal no job of that source is taken and no attempt counted; the other sources go on. That nobody can look is no
finding: what was known stays known.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import anyio

from synapsor.contract.digest import recorded
from synapsor.contract.model import Contract
from synapsor.core.facts import Finding
from synapsor.core.outcome import Why
from synapsor.errors import SynapsorError, place
from synapsor.ports import WorkLedger
from synapsor.work.authority import WriteTarget
from synapsor.work.posture import posture

log = logging.getLogger("synapsor.worker")

AGAIN: Final = 5.0
"""Seconds after which a source is looked at again that is held, or that nobody could look at."""

LONGEST: Final = 5.0
"""Seconds for which a look may keep the worker from taking jobs."""

DOUBTFUL: Final = frozenset(
    {Why.DENIED, Why.DRIFT, Why.UNAVAILABLE, Why.UNKNOWN_COMMIT, Why.RELATION_MISSING, Why.VERSION_DID_NOT_MOVE}
)
"""After which outcomes a source is looked at before its next job is taken."""


@dataclass(kw_only=True)
class Proving:
    """What is known of the sources of one worker, which were proven when it started.

    Attributes:
        contracts: those of the project; of each the version that is active by then is what a source has to be fit for.
        every: seconds between two looks at a source of which nothing is doubted.
    """

    ledger: WorkLedger
    targets: Mapping[str, WriteTarget]
    contracts: tuple[Contract, ...]
    every: float
    clock: Callable[[], float] = time.monotonic
    _due: dict[str, float] = field(default_factory=dict, init=False, repr=False)
    _doubted: set[str] = field(default_factory=set, init=False, repr=False)
    _held: dict[str, frozenset[Finding]] = field(default_factory=dict, init=False, repr=False)
    _told: dict[str, frozenset[Finding]] = field(default_factory=dict, init=False, repr=False)
    _looking: bool = field(default=False, init=False, repr=False)

    def __post_init__(self) -> None:
        self._due = dict.fromkeys(self.targets, self.clock() + self.every)

    def doubt(self, source: str, why: Why | None) -> None:
        """Let an outcome of a job make it doubtful whether its source is still as it was proven."""
        if why in DOUBTFUL and source in self.targets:
            self._doubted.add(source)

    async def writable(self) -> tuple[str, ...]:
        """Return the sources of which jobs may be taken, after a look at those that are due or doubted."""
        now = self.clock()
        due = [name for name in self.targets if name in self._doubted or now >= self._due[name]]
        if due and not self._looking:
            self._looking = True
            try:
                async with anyio.create_task_group() as group:
                    for name in due:
                        group.start_soon(self._look, name)
            finally:
                self._looking = False
        return tuple(name for name in self.targets if name not in self._held and name not in self._doubted)

    async def _look(self, name: str) -> None:
        try:
            with anyio.fail_after(LONGEST):
                found = await posture(await self._active(), name, self.targets[name])
        except Exception as error:  # noqa: BLE001  # whatever it is, nothing was found
            said = str(error) if isinstance(error, SynapsorError) else place(error)
            log.warning("%s: nobody could look: %s", name, said, extra={"action": "posture_unknown", "source": name})
            self._due[name] = self.clock() + min(self.every, AGAIN)
        else:
            self.targets[name].known.clear()  # the types, too, may be others since
            self._judge(name, found)
        self._doubted.discard(name)

    async def _active(self) -> list[Contract]:
        found = [(one, await self.ledger.active_contract(one.contract)) for one in self.contracts]
        return [recorded(active.body)[0] if active is not None else one for one, active in found]

    def _judge(self, name: str, found: Collection[Finding]) -> None:
        fatal = frozenset(finding for finding in found if finding.fatal)
        if fatal and fatal != self._held.get(name):
            log.error("%s: no job is taken: %s", name, _listed(fatal), extra={"action": "source_held", "source": name})
        elif not fatal and name in self._held:
            log.warning("%s: jobs are taken again", name, extra={"action": "source_free", "source": name})
        if fatal:
            self._held[name] = fatal
        else:
            self._held.pop(name, None)
        others = frozenset(found) - fatal
        for finding in sorted(others - self._told.get(name, others), key=lambda one: (one.rule, one.message)):
            log.warning("%s: %s: %s", finding.rule, name, finding.message, extra={"action": "posture"})
        self._told[name] = others
        self._due[name] = self.clock() + (min(self.every, AGAIN) if fatal else self.every)


def _listed(findings: Iterable[Finding]) -> str:
    """Return every finding with its fix, in one line of a log."""
    ordered = sorted(findings, key=lambda one: (one.rule, one.message))
    return " ".join(f"{one.rule}: {one.message} Fix: {one.fix}" for one in ordered)
