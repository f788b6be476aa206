"""The ledger's side of shadow applies: what waits for one, that reviewers want one, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synapsor.core.measured import Measurement
from synapsor.core.statements import SignedShadowRequest
from synapsor.ledger import measurements, proposals
from synapsor.ledger.believed import Trust
from synapsor.ledger.chain import Book, Write
from synapsor.ledger.connection import Connection, Transaction
from synapsor.ledger.tail import Followed
from synapsor.ports import ProposalRecord


@dataclass(frozen=True, slots=True)
class Measuring:
    """What is measured before anybody approves it, over the connection of a ledger."""

    _connection: Connection
    _write: Write
    _followed: Followed

    async def ask(self, signed: SignedShadowRequest) -> ProposalRecord:
        """Record that a reviewer wants a proposal measured."""

        async def work(book: Book) -> ProposalRecord:
            await measurements.ask(book, self._followed.trust.ledger, signed)
            return await proposals.existing(book.tx, signed.request.proposal, self._followed.trust)

        return await self._write(work)

    async def waiting(self, *, now: str, sources: Sequence[str], limit: int) -> tuple[str, ...]:
        """Return the proposals that are to be measured, at most so many of each source."""
        trust = self._followed.trust
        return await self._connection.glance(lambda tx: waiting(tx, now, sources, limit, trust))

    async def record(self, measurement: Measurement) -> bool:
        """Record what a shadow apply came to."""
        return await self._write(lambda book: measurements.add(book, measurement))


async def waiting(tx: Transaction, now: str, sources: Sequence[str], limit: int, trust: Trust) -> tuple[str, ...]:
    """Return the proposals of these sources that are to be measured, at most so many of each, oldest first in each."""
    found = [await _waiting(tx, now, source, limit, trust) for source in sources]
    return tuple(handle for handles in found for handle in handles)


async def _waiting(tx: Transaction, now: str, source: str, limit: int, trust: Trust) -> list[str]:
    """Return them of one source; not one of which only its row says that it waits: it would do so for ever, and keep the others from it."""
    found: list[str] = []
    after = 0
    while len(found) < limit and (row := await tx.one("for_shadows", source=source, now=now, after=after)) is not None:
        if await proposals.is_believed(tx, row["id"], trust):
            found.append(row["id"])
        after = row["seq"]
    return found
