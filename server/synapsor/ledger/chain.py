"""The chain: each event's hash covers its number, the hash before it and its body; its body covers the records written with it. And each
is sealed with a secret of the ledger's key as it is written, so that what somebody else adds to the file is none of it.

Every 256 events, and where it matters most, a checkpoint signs the head, so that a cut tail or a re-hashed history is found.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from synapsor.core import signatures
from synapsor.core.moment import Instant, are_close, stamp
from synapsor.core.records import to_body
from synapsor.errors import LedgerFailure
from synapsor.ledger.connection import Row, T, Transaction
from synapsor.ledger.kinds import Record
from synapsor.ports import Clock
from synapsor.values import ValueUnfit, canonical, digest_bytes

EVERY = 256
"""A checkpoint is signed with every event whose number this divides."""

GENESIS = "sha256:" + "0" * 64
"""What the first event has for the hash before it."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event made ready to be added; its number and hash are found inside the transaction.

    Attributes:
        subject: the handle (or contract name) that it happened to.
    """

    at: str
    kind: str
    subject: str
    body: bytes
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the body of an event says; `records` are the handle and digest of each record that was written with it, by kind."""

    at: Instant
    facts: dict[str, Any]
    kind: str
    records: dict[str, tuple[str, str]]
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A signed head.

    Attributes:
        previous: number of the checkpoint before it, 0 for the first; a checkpoint cannot be left out unnoticed.
    """

    ledger: str
    seq: int
    hash: str
    at: str
    previous: int
    signature: str = ""


def event(
    kind: str, subject: str, at: str, records: Sequence[Record] = (), facts: Mapping[str, Any] | None = None
) -> Event:
    """Make an event ready; `facts` are what happened beyond the records.

    Raises:
        LedgerFailure: a fact has no canonical form.
    """
    covered = {r.kind.name: [r.id, r.digest] for r in records}
    try:
        body = canonical({"at": at, "facts": dict(facts or {}), "kind": kind, "records": covered, "subject": subject})
    except ValueUnfit as unfit:
        raise LedgerFailure(f"This event cannot be recorded: {unfit}.") from None
    return Event(at, kind, subject, body, tuple(records))


def event_hash(seq: int, prev: str, body: bytes) -> str:
    """Return the hash of an event; number and previous hash are of fixed width, so no two inputs are alike."""
    return digest_bytes("event", seq.to_bytes(8, "big") + bytes.fromhex(prev[7:]) + body)


def seal_of(digest: str, seals: bytes) -> str:
    """Return the seal of the event with this hash; `seals` is the ledger's secret for it (HMAC-SHA256, RFC 2104)."""
    return hmac.new(seals, digest.encode(), sha256).hexdigest()


def is_sealed(row: Row, seals: bytes) -> bool:
    """Tell whether the holder of the ledger's key wrote the event with the hash of this one."""
    return hmac.compare_digest(str(row["seal"]).encode(), seal_of(row["hash"], seals).encode())


class Signer:
    """Seals events and signs checkpoints with the ledger's key.

    Attributes:
        seals: the secret that events are sealed with.
    """

    def __init__(self, ledger: str, key: Ed25519PrivateKey, clock: Clock) -> None:
        self._ledger = ledger
        self._key = key
        self._clock = clock
        self._secrets: dict[str, bytes] = {}
        self.seals = self.secret("event")

    def now(self) -> str:
        """Return this moment, as checkpoints are dated."""
        return stamp(self._clock.now())

    def secret(self, purpose: str) -> bytes:
        """Return 32 bytes that only the holder of the key can make; other purposes have others (RFC 5869)."""
        if purpose not in self._secrets:
            derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"synapsor:" + purpose.encode())
            self._secrets[purpose] = derive.derive(self._key.private_bytes_raw())
        return self._secrets[purpose]

    def sign(self, seq: int, head: str, *, previous: int) -> Checkpoint:
        """Return the signed checkpoint of a head."""
        bare = Checkpoint(ledger=self._ledger, seq=seq, hash=head, at=self.now(), previous=previous)
        signature = signatures.sign(_signed_bytes(bare), self._key)
        return Checkpoint(ledger=bare.ledger, seq=seq, hash=head, at=bare.at, previous=previous, signature=signature)


def checkpoint_holds(checkpoint: Checkpoint, public_key: str) -> bool:
    """Tell whether this key signed this checkpoint."""
    return signatures.holds(_signed_bytes(checkpoint), checkpoint.signature, public_key)


def _signed_bytes(checkpoint: Checkpoint) -> bytes:
    statement = {name: value for name, value in to_body(checkpoint).items() if name != "signature"}
    return b"synapsor:checkpoint\0" + canonical(statement)


class Book:
    """A transaction that can also add to the chain; it lives as long as its transaction.

    Attributes:
        made: the checkpoints signed in this transaction, to be copied beside the ledger once it is committed.
    """

    __slots__ = ("_signer", "made", "tx")

    def __init__(self, tx: Transaction, signer: Signer, made: list[Checkpoint]) -> None:
        self.tx = tx
        self._signer = signer
        self.made = made

    @property
    def seals(self) -> bytes:
        """The secret that the ledger's own events are sealed with."""
        return self._signer.seals

    def is_now(self, at: str) -> bool:
        """Tell whether a moment is the present one, as far as what is signed of it can be believed."""
        return are_close(self._signer.now(), at)

    async def append(self, entry: Event, *, checkpoint: bool = False) -> int:
        """Add an event and its records, and return its number."""
        last, prev = await self._head()
        seq = last + 1
        digest = event_hash(seq, prev, entry.body)
        await self.tx.execute(
            "insert_event",
            seq=seq,
            at=entry.at,
            kind=entry.kind,
            subject=entry.subject,
            body=entry.body.decode(),
            prev=prev,
            hash=digest,
            seal=seal_of(digest, self._signer.seals),
        )
        for each in entry.records:
            await self.tx.execute(f"insert_{each.kind.name}", seq=seq, id=each.id, body=each.text, **each.columns)
        if checkpoint or seq % EVERY == 0:
            await self._sign(seq, digest)
        return seq

    async def checkpoint(self) -> None:
        """Sign the head, unless it is signed already."""
        seq, digest = await self._head()
        if seq:
            await self._sign(seq, digest)

    async def head(self) -> str:
        """Return the hash of the last event."""
        return (await self._head())[1]

    async def _head(self) -> tuple[int, str]:
        """Return the number and hash of the last event, 0 and that of none before the first.

        Raises:
            LedgerFailure: it has such ones that none can follow, and somebody else wrote it.
        """
        head = await self.tx.one("head")
        if head is None:
            return 0, GENESIS
        try:
            event_hash(head["seq"] + 1, head["hash"], canonical(head["seq"] + 1))
        except (ValueError, OverflowError):
            raise LedgerFailure(
                "The ledger failed: its newest event is none of its own.",
                fix="`synapsor verify` names what was altered; restore the ledger from a backup.",
                rule="ledger_damaged",
            ) from None
        return head["seq"], head["hash"]

    async def _sign(self, seq: int, head: str) -> None:
        last = await self.tx.one("last_checkpoint")
        previous = last["seq"] if last else 0
        if previous == seq:
            return
        signed = self._signer.sign(seq, head, previous=previous)
        await self.tx.execute("insert_checkpoint", **to_body(signed))
        self.made.append(signed)


class Write(Protocol):
    """One transaction of the ledger."""

    async def __call__(self, job: Callable[[Book], Coroutine[Any, Any, T]], /) -> T:
        """Return what the work came to, after its commit."""
        ...


def checkpoint_of(row: Row) -> Checkpoint:
    """Return the checkpoint that a row or a line holds.

    Raises:
        TypeError: a field is missing or unknown.
    """
    return Checkpoint(**row)
