"""Which sources rest, in the ledger: the newest pause of each, the one that its event tells of, and no older one in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from synapsor.core.records import from_body
from synapsor.core.statements import SignedPause
from synapsor.errors import IntegrityError
from synapsor.ledger.believed import NOTHING, Trust, newest_body
from synapsor.ledger.connection import Transaction
from synapsor.ledger.kinds import PAUSE

_ALL: Final = ""
"""What a pause of all sources is of."""


async def pauses(tx: Transaction, sources: Sequence[str], trust: Trust) -> dict[str, SignedPause | None]:
    """Return the newest pause of all sources and of each of these, or its end, as it was signed; None of one that never rested.

    Raises:
        IntegrityError: one was taken away, is another one than its event tells of, or cannot be read.
    """
    return {source: await _newest(tx, source, trust) for source in (_ALL, *sources)}


async def _newest(tx: Transaction, source: str, trust: Trust) -> SignedPause | None:
    row, paused = await tx.one("newest_pause", source=source), await tx.one("newest_paused", subject=source)
    seen, what = trust.proven.paused.get(source, NOTHING), f"The newest pause of {source or 'all sources'}"
    body = newest_body(PAUSE, row, paused, trust, seen=seen, what=what)
    if body is None:
        return None
    signed = from_body(SignedPause, body)
    if signed.pause.source != source:
        raise IntegrityError(f"{what} was signed for another source.")
    return signed


async def unchanged(
    tx: Transaction, sources: Sequence[str], judged: Mapping[str, str | None], trust: Trust
) -> tuple[str, ...]:
    """Return those of these sources of which the newest pauses are still the ones that were judged: of no other is a job leased."""
    try:
        now = await pauses(tx, sources, trust)
    except IntegrityError:
        return ()
    same = {name for name, one in now.items() if judged.get(name) == (one.pause.id if one else None)}
    return tuple(name for name in sources if {name, _ALL} <= same)
