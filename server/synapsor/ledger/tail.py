"""The end of the chain, for whoever trusts what it tells: read on from the last event that this very process has proven.

Whoever can write the ledger can take its newest events away, and everything with them; a process that runs has seen them. One that starts
proves the chain from its beginning, or from where another one noted that it had, and that it holds each checkpoint that was copied beside
the ledger since.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import Any, Final, Generic, TypeVar

import orjson

from synapsor.core.moment import parse, stamp
from synapsor.core.proposal import OPEN
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.ledger.anchor import Anchor
from synapsor.ledger.believed import NOTHING, Proven, Trust, plus
from synapsor.ledger.chain import EVERY, Checkpoint, checkpoint_holds, event_hash, is_sealed
from synapsor.ledger.connection import Connection, Row, Transaction
from synapsor.ledger.kinds import DECISION, USE, Kind
from synapsor.ledger.note import Note

K = TypeVar("K")
V = TypeVar("V")

log = logging.getLogger("synapsor.ledger")

PAGE: Final = 1024
SHORT: Final = 64
"""Events that are read on the loop: what came since the last look; whoever finds more goes on by whole pages, on a thread."""
STEP: Final = 1024
"""How many more events must be proven before that is noted again."""
_SILENCE: Final = 2.0
"""Seconds after which whoever waits is told that something is being done."""
_CODES: Final = dt.timedelta(minutes=15)
"""For longer than any one-time code is one of now, decisions are remembered."""
SWITCHES: Final = frozenset({"policies_stopped", "policies_running"})
PAUSES: Final = frozenset({"worker_paused", "worker_resumed"})
USES: Final = frozenset({"policy_used", "policy_near_limit"})
_FIX: Final = "`synapsor verify` names what was altered; restore the ledger from a backup."


class Followed:
    """The chain of a ledger as one process follows it.

    Attributes:
        trust: by what a row is believed, with all that is proven so far.
    """

    def __init__(
        self, connection: Connection, trust: Trust, *, saved: Anchor | None = None, note: Note | None = None
    ) -> None:
        self.trust = trust
        self._connection = connection
        self._saved = saved
        self._note = note
        self._noted = trust.proven.seq
        self._one_at_a_time = asyncio.Lock()  # the slower of two would forget what the other has seen

    async def on(self) -> None:
        """Prove the chain as far as it goes now, and note that where there is much to note.

        Raises:
            IntegrityError: as for `follow`.
        """
        async with self._one_at_a_time:
            proven = await follow(self._connection, self.trust, saved=self._saved)
            self.trust = replace(self.trust, proven=proven)
            if self._note is not None and proven.seq - self._noted >= STEP:
                await asyncio.to_thread(self._note.write, proven)
                self._noted = proven.seq


async def follow(connection: Connection, trust: Trust, *, saved: Anchor | None) -> Proven:
    """Return how far the chain is proven now, a page at a time; `saved` is the file of checkpoints beside the ledger.

    Raises:
        IntegrityError: the chain does not go on from the place that was proven, or does not hold what is kept beside it.
    """
    kept = await _beside(saved, trust.proven.seq) if saved is not None else ()
    proven, more = await connection.glance(partial(onward, trust=trust, most=SHORT))
    trust, since = replace(trust, proven=proven), monotonic()
    while more:
        proven, more = await connection.read(partial(onward, trust=trust, most=PAGE))
        trust = replace(trust, proven=proven)
        if more and monotonic() - since > _SILENCE:
            since = monotonic()
            log.warning("the ledger is long: %d events are proven so far", proven.seq, extra={"action": "proving"})
    if kept:
        await connection.glance(partial(reaches, kept=kept, public_key=trust.public_key))
    return trust.proven


async def _beside(saved: Anchor, seq: int) -> Sequence[Checkpoint]:
    """Return what is kept beside the ledger after an event; of a whole file, from a thread."""
    return saved.after(seq) if seq else await asyncio.to_thread(saved.after, seq)


async def onward(tx: Transaction, trust: Trust, most: int = PAGE) -> tuple[Proven, bool]:
    """Return how far the chain is proven after at most so many events more, and whether there may be more of it.

    Raises:
        IntegrityError: the chain does not go on from the place that was proven, or somebody else than this ledger added to it.
    """
    seq, digest = trust.proven.seq, trust.proven.hash
    here = await tx.one("event_at", seq=seq)
    if seq and (here is None or here["hash"] != digest):
        raise IntegrityError(f"The ledger has lost event {seq}, or has another one in its place.", fix=_FIX)
    page = await tx.all("events_after", seq=seq, limit=most)
    remembered = _Remembered(trust.proven)
    for row in page:
        told = _next(row, seq, digest)
        if not is_sealed(row, trust.seals):
            raise IntegrityError(f"Event {row['seq']} of the ledger was not written by it.", fix=_FIX)
        if not seq and (told["kind"], told["subject"]) != ("ledger_created", trust.ledger):
            raise IntegrityError("The ledger has another name than it was made with.", fix=_FIX)
        remembered.add(row, told)
        seq, digest = row["seq"], row["hash"]
    more = len(page) == most
    signed = await tx.one("last_checkpoint")
    if not more and seq - (signed["seq"] if signed else 0) >= EVERY:
        raise IntegrityError("The newest signed checkpoints of the ledger are missing.", fix=_FIX)
    return (remembered.up_to(seq, digest) if page else trust.proven), more


async def as_of_now(tx: Transaction, trust: Trust) -> Trust:
    """Return what is trusted once all of the chain is proven that this transaction sees: by that an act is recorded.

    Raises:
        DecisionRefused: it does not go on from the place that was proven (`ledger_altered`).
    """
    more = True
    while more:
        try:
            proven, more = await onward(tx, trust)
        except IntegrityError as broken:
            raise DecisionRefused.altered(broken) from None
        trust = replace(trust, proven=proven)
    return trust


async def reaches(tx: Transaction, kept: Sequence[Checkpoint], public_key: str) -> None:
    """Prove that the chain holds the event of each checkpoint that was kept beside the ledger: one that was cut and has grown again
    reaches the last of them, and holds others on its way.

    Raises:
        IntegrityError: it does not, or nobody of this ledger signed the last one.
    """
    last = kept[-1]
    for one in kept:
        row = await tx.one("event_at", seq=one.seq)
        if row is None or row["hash"] != one.hash:
            raise IntegrityError("The ledger does not hold a checkpoint that was kept beside it.", fix=_FIX)
    if not checkpoint_holds(last, public_key):
        raise IntegrityError("The last checkpoint that was kept beside the ledger is none of its own.", fix=_FIX)


class _Remembered:
    """What is remembered of a chain while it is proven; what nothing is added to stays as it is."""

    def __init__(self, proven: Proven) -> None:
        self._activated = _Grown(proven.activated)
        self._decided = _Grown(proven.decided)
        self._switched = proven.switched
        self._paused = _Grown(proven.paused)
        self._open = _Grown(proven.open)
        self._used = _Grown(proven.used)

    def add(self, row: Row, told: Mapping[str, Any]) -> None:
        """Remember one event more."""
        kind, subject = row["kind"], row["subject"]
        decided = told["records"].get(DECISION.name)
        if decided is not None:
            self._decided.own()[decided[0]] = (row["at"], decided[1])
        if kind == "contract_activated":
            self._activated.own()[subject] = row["hash"]
        elif kind in SWITCHES:
            self._switched = row["hash"]
        elif kind in PAUSES:
            self._paused.own()[subject] = row["hash"]
        elif kind in USES:
            of_day = (str(told["facts"].get("policy")), row["at"][:10])
            self._used.own()[of_day] = plus(self._used.now.get(of_day, NOTHING), _digest_of(told, USE))
        if kind == "proposal_filed" or (kind != "read" and subject in self._open.now):
            self._open.own()[subject] = plus(self._open.now.get(subject, NOTHING), row["hash"])
        target = told["facts"].get("target")
        if isinstance(target, str) and target not in OPEN and subject in self._open.now:
            del self._open.own()[subject]

    def up_to(self, seq: int, digest: str) -> Proven:
        """Return it, as far as this event."""
        return Proven(
            seq=seq,
            hash=digest,
            activated=self._activated.now,
            decided=_of_late(self._decided.now) if self._decided.is_own else self._decided.now,
            switched=self._switched,
            paused=self._paused.now,
            open=self._open.now,
            used=self._used.now,
        )


class _Grown(Generic[K, V]):
    """A mapping that somebody else has too, and that is copied before the first thing is added to it."""

    __slots__ = ("is_own", "now")

    def __init__(self, mapping: Mapping[K, V]) -> None:
        self.now = mapping
        self.is_own = False

    def own(self) -> dict[K, V]:
        """Return it, to be added to."""
        if not self.is_own:
            self.now, self.is_own = dict(self.now), True
        assert isinstance(self.now, dict)  # noqa: S101  # it was just made
        return self.now


def _of_late(decided: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Return the decisions of the minutes before the newest one."""
    since = stamp(parse(max(at for at, _ in decided.values())) - _CODES)
    return {handle: told for handle, told in decided.items() if told[0] >= since}


def _digest_of(told: Mapping[str, Any], kind: Kind) -> str:
    """Return the digest of the record of a kind that an event tells of; of one that tells of none, what no record has."""
    named = told["records"].get(kind.name)
    return str(named[1]) if isinstance(named, list) and len(named) == 2 else "none"  # noqa: PLR2004  # handle and digest


def _next(row: Row, seq: int, prev: str) -> Mapping[str, Any]:
    """Return what the event after another one tells."""
    body = row["body"].encode()
    follows = (row["seq"], row["prev"], row["hash"]) == (seq + 1, prev, event_hash(seq + 1, prev, body))
    told = _told(row, body) if follows else None
    if told is None:
        raise IntegrityError(f"Event {seq + 1} of the ledger does not follow the one before it.", fix=_FIX)
    return told


def _told(row: Row, body: bytes) -> Mapping[str, Any] | None:
    """Return what an event tells; None where the columns by which it is found are not those of its body, which alone is hashed."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    is_one = type(told) is dict and all(told.get(name) == row[name] for name in ("at", "kind", "subject"))
    return told if is_one and type(told.get("facts")) is dict and type(told.get("records")) is dict else None
