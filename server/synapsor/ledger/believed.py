"""What is believed of a row: that it is the one which an event of the chain tells of, by its handle and its digest.

Whoever can write the ledger's file can take a row away or put an older one in its place, and so no row says of itself that it is the
newest. An event says so, and each is sealed with the ledger's key as it is written, for its own place in the chain and no other. A process
that has proven the chain also remembers what it has seen in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from synapsor.core.moment import are_close
from synapsor.core.proposal import OPEN, Status, stepped
from synapsor.core.records import from_body
from synapsor.errors import IntegrityError
from synapsor.ledger.chain import GENESIS, Checkpoint, Told, checkpoint_holds, event_hash, is_sealed
from synapsor.ledger.connection import Row
from synapsor.ledger.kinds import DECISION, INSTRUCTION, PROPOSAL, Kind, Record, loads
from synapsor.values import digest_bytes

NOTHING = ""
"""What is remembered of a sequence in which nothing was seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """How far a process has proven the chain, and what it told as far as that.

    Attributes:
        activated: the hash of the event that activated each contract last.
        decided: of each decision of the last minutes, by its handle, the moment of its event and its digest.
        switched: that of the one that stopped or started automatic approval last.
        paused: that of the one that paused or resumed each source last, and all of them ("").
        open: of each proposal that had not reached its end, the hash over the hashes of all its events.
        used: of each policy and day (UTC), the hash over the digests of all its uses.
    """

    seq: int = 0
    hash: str = GENESIS
    activated: Mapping[str, str] = field(default_factory=dict)
    decided: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    switched: str = NOTHING
    paused: Mapping[str, str] = field(default_factory=dict)
    open: Mapping[str, str] = field(default_factory=dict)
    used: Mapping[tuple[str, str], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """By what a row is believed: the ledger's own name, key and secret of seals, and what this process has proven."""

    ledger: str
    public_key: str
    seals: bytes = field(repr=False)
    proven: Proven = field(default_factory=Proven)


def plus(seen: str, digest: str) -> str:
    """Return the hash over a sequence of digests with one more: the same one for the same sequence only."""
    return digest_bytes("sequence", f"{seen}{digest}".encode())


def over(digests: Iterable[str]) -> str:
    """Return the hash over a sequence of digests."""
    seen = NOTHING
    for digest in digests:
        seen = plus(seen, digest)
    return seen


def told_by(row: Row) -> Told:
    """Return what an event tells.

    Raises:
        IntegrityError: its hash is not that of what it tells, or it is found by something else than it tells.
    """
    told = from_body(Told, loads(row["body"]))
    if row["hash"] != _hash(row) or (told.at, told.kind, told.subject) != (row["at"], row["kind"], row["subject"]):
        raise IntegrityError("An event of the ledger was altered.")
    return told


def sealed_by(row: Row, trust: Trust) -> Told | None:
    """Return what an event tells that this ledger wrote; None where somebody else did.

    Raises:
        IntegrityError: as for `told_by`.
    """
    told = told_by(row)
    return told if is_sealed(row, trust.seals) else None


def newest(event: Row | None, trust: Trust, *, seen: str, what: str) -> Told | None:
    """Return what the newest event of its kind tells; `seen` is the hash of the one that this process has seen, and it is that one or newer
    than all that was proven: another one that this ledger wrote before, and restored a backup since, is none of this chain.

    Raises:
        IntegrityError: it was taken away, altered, or is none that this ledger wrote.
    """
    is_newer = event is not None and event["seq"] > trust.proven.seq
    if not is_newer and (event["hash"] if event else NOTHING) != seen:
        raise IntegrityError(f"{what} was taken away.")
    told = sealed_by(event, trust) if event else None
    if event is not None and told is None:
        raise IntegrityError(f"{what} was not written by this ledger.")
    return told


def newest_body(
    kind: Kind, record: Row | None, event: Row | None, trust: Trust, *, seen: str, what: str
) -> dict[str, Any] | None:
    """Return the newest record of a kind, which is the one that the newest event of its kind tells of; None where there never was one.
    No older one counts in the place of one that is gone.

    Raises:
        IntegrityError: it was taken away, is another one, or cannot be read.
    """
    told = newest(event, trust, seen=seen, what=what)
    if record is None and event is None:
        return None
    is_there = record is not None and event is not None and record["seq"] == event["seq"]
    if record is None or told is None or not is_there or not is_told(kind, record["id"], record["body"], told):
        raise IntegrityError(f"{what} is not the one that its event tells of.")
    return loads(record["body"])


def is_told(kind: Kind, handle: str, body: str, told: Told) -> bool:
    """Tell whether this is the record of a kind that an event tells of."""
    return told.records.get(kind.name) == (handle, digest_bytes(kind.name, body.encode()))


def untold(records: Iterable[Record], events: Iterable[Told]) -> frozenset[str]:
    """Return which of these records, by handle, are not those of which any of these events tells."""
    told = {(kind, *named) for event in events for kind, named in event.records.items()}
    return frozenset(one.id for one in records if (one.kind.name, one.id, one.digest) not in told)


def is_as_filed(proposal: Row, event: Row, told: Told) -> bool:
    """Tell whether a proposal is the one that this event filed, found by nothing else than what it says."""
    if proposal["seq"] != event["seq"] or not is_told(PROPOSAL, proposal["id"], proposal["body"], told):
        return False
    return all(proposal[name] == value for name, value in PROPOSAL.columns(loads(proposal["body"])).items())


def stands(proposal: Row, events: Sequence[tuple[Row, Told]], signed: Iterable[Row], trust: Trust) -> bool:
    """Tell whether a proposal is the one that was filed and stands where all of its events say, each decision and instruction that they
    tell of is among what people have signed, and no event is missing that this process has seen.
    """
    if not events or not is_as_filed(proposal, *events[0]):
        return False
    kept = {row["seq"]: row for row in signed}
    led = led_to(events, trust)
    seen = NOTHING
    for row, told in events:
        if DECISION.name in told.records and not _decided(row, told, kept.get(row["seq"]), trust):
            return False
        if INSTRUCTION.name in told.records and not _instructed(told, kept.get(row["seq"])):
            return False
        if row["seq"] <= trust.proven.seq:
            seen = plus(seen, row["hash"])
    remembered = trust.proven.open.get(proposal["id"])
    # One that had reached its end is not remembered: it does not stand open again.
    as_seen = seen == remembered if remembered is not None else seen == NOTHING or led not in OPEN
    return led is not None and led.value == proposal["status"] and as_seen


def own(events: Iterable[tuple[Row, Told]], trust: Trust) -> Iterator[tuple[Row, Told]]:
    """Yield the events that this ledger wrote."""
    return ((row, told) for row, told in events if is_sealed(row, trust.seals))


def led_to(events: Iterable[tuple[Row, Told]], trust: Trust) -> Status | None:
    """Return where the events of a proposal lead; None where one of them is none of this ledger's, or no step of its way."""
    led: Status | None = None
    for row, told in events:
        if not is_sealed(row, trust.seals):
            return None
        try:
            led = stepped(led, told.facts) if "target" in told.facts else led
        except IntegrityError:
            return None
    return led


def _instructed(told: Told, kept: Row | None) -> bool:
    return kept is not None and is_told(INSTRUCTION, kept["id"], kept["body"], told)


def _decided(event: Row, told: Told, kept: Row | None, trust: Trust) -> bool:
    """Tell whether a decision is the one that its event tells of, which this ledger signed at the moment that the decision says: who has
    somebody's key of before dates nothing back to then.
    """
    if kept is None or not (is_told(DECISION, kept["id"], kept["body"], told) and _is_signed(event, trust)):
        return False
    try:
        return are_close(event["signed_at"], orjson.loads(kept["body"])["decision"]["at"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return False


def _is_signed(row: Row, trust: Trust) -> bool:
    if (row["signed_ledger"], row["signed_hash"]) != (trust.ledger, row["hash"]):
        return False
    signed = Checkpoint(
        ledger=row["signed_ledger"],
        seq=row["seq"],
        hash=row["signed_hash"],
        at=row["signed_at"],
        previous=row["signed_previous"],
        signature=row["signature"],
    )
    return checkpoint_holds(signed, trust.public_key)


def _hash(row: Row) -> str | None:
    try:
        return event_hash(row["seq"], row["prev"], row["body"].encode())
    except (OverflowError, ValueError):
        return None
