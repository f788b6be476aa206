"""What nobody may know the end of: said in the ledger before it is applied, and resolved by a person afterwards."""

from __future__ import annotations

from collections.abc import Sequence

from synapsor.core.moment import stamp
from synapsor.core.statements import SignedResolution
from synapsor.core.writeback import Lease
from synapsor.ledger import accepted, resolutions
from synapsor.ledger.chain import Write
from synapsor.ledger.connection import Connection
from synapsor.ledger.intents import intend
from synapsor.ledger.tail import Followed
from synapsor.ports import Clock


class Doubts:
    """Intents of workers and resolutions of people, over any engine."""

    def __init__(self, connection: Connection, write: Write, followed: Followed, clock: Clock) -> None:
        self._connection = connection
        self._write = write
        self._followed = followed
        self._clock = clock

    async def intend(self, lease: Lease) -> bool:
        """Record that a leased job is about to be applied; False when the lease was lost, and then nothing is recorded."""
        at = stamp(self._clock.now())
        return await self._write(lambda book: intend(book, lease, at=at))

    async def accept(self, lease: Lease, *, until: str, not_before: str, code: str, at: str) -> bool:
        """Record that an application has accepted a leased job, and give it back until it is asked again; False when the lease was lost."""
        return await self._write(
            lambda book: accepted.keep(book, lease, until=until, not_before=not_before, code=code, at=at)
        )

    async def resolve(self, signed: Sequence[SignedResolution]) -> None:
        """Record what a person says became of a proposal and its group, and move them, or let that wait for the application."""
        await self._write(lambda book: resolutions.resolve(book, self._followed.trust, signed))

    async def waiting(self, sources: Sequence[str]) -> tuple[str, ...]:
        """Return the proposals whose resolutions wait for an application."""
        return await self._connection.glance(lambda tx: resolutions.waiting(tx, sources))

    async def end(self, signed: Sequence[SignedResolution], *, code: str, counts: bool) -> bool:
        """Move what waited for the application, or refuse what was said of it."""
        at, trust = stamp(self._clock.now()), self._followed.trust
        return await self._write(lambda book: resolutions.end(book, trust, signed, code=code, counts=counts, at=at))
