"""Which sources rest, in the ledger: the newest pause of each, the one that its event tells of, and no older one in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from synapsor.core.records import from_body
from synapsor.core.statements import SignedPause
from synapsor.errors import IntegrityError
from synapsor.ledger.believed import NOTHING, Trust, is_told, newest
from synapsor.ledger.connection import Transaction
from synapsor.ledger.kinds import PAUSE, loads

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
    what = f"The newest pause of {source or 'all sources'}"
    told = newest(paused, trust, seen=trust.proven.paused.get(source, NOTHING), what=what)
    if row is None and paused is None:
        return None
    is_there = row is not None and paused is not None and row["seq"] == paused["seq"]
    if row is None or told is None or not is_there or not is_told(PAUSE, row["id"], row["body"], told):
        raise IntegrityError(f"{what} is not the one that its event tells of.")
    return from_body(SignedPause, loads(row["body"]))


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
