"""The ledger's side of shadow applies: what waits for one, that reviewers want one, and what came of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial

from synapsor.core.measured import Measurement
from synapsor.core.statements import SignedShadowRequest
from synapsor.ledger import measurements, proposals
from synapsor.ledger.chain import Book, Write
from synapsor.ledger.connection import Connection
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
        """Return the proposals that are to be measured, at most so many of each source, and one of each whole group."""
        believed = partial(proposals.is_believed, trust=self._followed.trust)
        return await self._connection.glance(lambda tx: measurements.waiting(tx, now, sources, limit, believed))

    async def record(self, made: Sequence[Measurement], *, answers: Collection[str]) -> bool:
        """Record what a shadow apply came to, all of it or nothing."""
        return await self._write(lambda book: measurements.add(book, made, answers))
