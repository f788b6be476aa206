"""The end of the chain, for whoever trusts what it tells: read on from the last event that this very process has proven.

Whoever can write the ledger can take its newest events away, and everything with them; a process that runs has seen them. One that starts
proves the chain from its beginning, and that it reaches the last checkpoint that was copied beside the ledger.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import orjson

from synapsor.errors import IntegrityError
from synapsor.ledger.anchor import Anchor
from synapsor.ledger.chain import EVERY, GENESIS, Checkpoint, checkpoint_holds, event_hash
from synapsor.ledger.connection import Connection, Row, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """How far a process has proven the chain.

    Attributes:
        activated: the number of the event that activated each contract last, as far as that.
        switched: that of the one that stopped or started automatic approval last.
    """

    seq: int = 0
    hash: str = GENESIS
    activated: Mapping[str, int] = field(default_factory=dict)
    switched: int = 0


PAGE: Final = 1024
SWITCHES: Final = frozenset({"policies_stopped", "policies_running"})
_FIX: Final = "`synapsor verify` names what was altered; restore the ledger from a backup."


async def follow(connection: Connection, proven: Proven, *, saved: Anchor | None, public_key: str) -> Proven:
    """Return how far the chain is proven now, a page at a time; `saved` is the file of checkpoints beside the ledger.

    Raises:
        IntegrityError: the chain does not go on from the place that was proven, or from its beginning to the checkpoint kept beside it.
    """
    last = await asyncio.to_thread(saved.newest, of_all=not proven.seq) if saved is not None else None
    more = True
    while more:
        proven, more = await connection.read(partial(onward, proven=proven))
    if last is not None:
        await connection.read(partial(reaches, last=last, public_key=public_key))
    return proven


async def onward(tx: Transaction, proven: Proven) -> tuple[Proven, bool]:
    """Return how far the chain is proven now, and whether there is more of it.

    Raises:
        IntegrityError: the chain does not go on from the place that was proven.
    """
    seq, digest, activated, switched = proven.seq, proven.hash, dict(proven.activated), proven.switched
    here = await tx.one("event_at", seq=seq)
    if seq and (here is None or here["hash"] != digest):
        raise IntegrityError(f"The ledger has lost event {seq}, or has another one in its place.", fix=_FIX)
    page = await tx.all("events_after", seq=seq, limit=PAGE)
    for row in page:
        _check_next(row, seq, digest)
        seq, digest = row["seq"], row["hash"]
        if row["kind"] == "contract_activated":
            activated[row["subject"]] = seq
        elif row["kind"] in SWITCHES:
            switched = seq
    more = len(page) == PAGE
    signed = await tx.one("last_checkpoint")
    if not more and seq - (signed["seq"] if signed else 0) >= EVERY:
        raise IntegrityError("The newest signed checkpoints of the ledger are missing.", fix=_FIX)
    return Proven(seq=seq, hash=digest, activated=activated, switched=switched), more


async def reaches(tx: Transaction, last: Checkpoint, public_key: str) -> None:
    """Prove that the chain holds the event of a checkpoint that was kept beside the ledger.

    Raises:
        IntegrityError: it does not, or nobody of this ledger signed that.
    """
    row = await tx.one("event_at", seq=last.seq)
    if row is None or row["hash"] != last.hash or not checkpoint_holds(last, public_key):
        raise IntegrityError("The ledger does not reach the last checkpoint that was kept beside it.", fix=_FIX)


def _check_next(row: Row, seq: int, prev: str) -> None:
    body = row["body"].encode()
    follows = (row["seq"], row["prev"], row["hash"]) == (seq + 1, prev, event_hash(seq + 1, prev, body))
    if not follows or not _says_what_it_is(row, body):
        raise IntegrityError(f"Event {seq + 1} of the ledger does not follow the one before it.", fix=_FIX)


def _says_what_it_is(row: Row, body: bytes) -> bool:
    """Tell whether the columns by which an event is found are those of its body, which alone is hashed."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return type(told) is dict and all(told.get(name) == row[name] for name in ("at", "kind", "subject"))
