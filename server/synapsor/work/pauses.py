"""Sources that rest: a worker takes no new job of one that people have paused, and says so once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from synapsor.core.statements import Operator
from synapsor.core.steering import rests
from synapsor.errors import IntegrityError
from synapsor.work.authority import Workbench

log = logging.getLogger("synapsor.worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """The sources of which jobs may be taken, and the newest pause of each, and of all (""), by which that was judged."""

    sources: tuple[str, ...]
    judged: Mapping[str, str | None]


@dataclass(kw_only=True)
class Pauses:
    """Knows which sources of a worker rest."""

    bench: Workbench
    _resting: frozenset[str] = field(default=frozenset(), init=False, repr=False)

    async def going(self, trusted: Mapping[str, Operator]) -> Going:
        """Return the sources that do not rest; where that cannot be told, none of them."""
        every = tuple(self.bench.targets)
        try:
            newest = await self.bench.ledger.steering.pauses(every)
        except IntegrityError as error:
            self._say(frozenset(every), error.message)
            return Going(sources=(), judged={})
        resting = {name for name, one in newest.items() if rests(one, trusted, ledger=self.bench.ledger.id)}
        going = () if "" in resting else tuple(name for name in every if name not in resting)
        self._say(
            frozenset(every) - set(going),
            "It is paused; `synapsor worker status` says by whom, why, and what lets it go on.",
        )
        return Going(sources=going, judged={name: one.pause.id if one else None for name, one in newest.items()})

    async def rests(self, source: str) -> bool:
        """Tell whether a source rests now, or may: somebody may have paused it since it was looked at."""
        trusted = self.bench.operators()
        try:
            newest = await self.bench.ledger.steering.pauses((source,))
        except IntegrityError:
            return True
        return any(rests(one, trusted, ledger=self.bench.ledger.id) for one in newest.values())

    def _say(self, resting: frozenset[str], why: str) -> None:
        for name in sorted(resting - self._resting):
            log.warning(
                "no new job of source %s is taken: %s", name, why, extra={"action": "source_paused", "source": name}
            )
        for name in sorted(self._resting - resting):
            log.warning("jobs of source %s are taken again", name, extra={"action": "source_resumed", "source": name})
        self._resting = resting
