"""Walk the whole ledger and name the first record that is not what was written: edited, missing, added, moved, or cut off.

Every event is hashed again and its seal proven, every record is digested again, every signed head is compared, and every status is derived from the
events. Whoever holds the ledger's key can still write another history; a head or a public key kept elsewhere finds that too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from synapsor.core.accepted import ACCEPTED
from synapsor.core.proposal import Proposal, Status, stepped
from synapsor.core.records import from_body
from synapsor.core.rivals import targets
from synapsor.core.steering import PARKED
from synapsor.core.writeback import Job
from synapsor.errors import IntegrityError, LedgerFailure
from synapsor.ledger.anchor import Anchor
from synapsor.ledger.chain import GENESIS, Checkpoint, checkpoint_holds, checkpoint_of, event_hash, is_sealed
from synapsor.ledger.connection import Connection, Row, Transaction
from synapsor.ledger.kinds import INSTRUCTION, KINDS, PROPOSAL, Kind, loads
from synapsor.values import digest_bytes

PAGE = 256
Where: TypeAlias = int | str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What a walk found.

    Attributes:
        events: how many events hold, from the first one on.
        checkpoints: how many signed heads hold, among those of the ledger itself.
        first_bad: number of the event (or name of the thing) that does not hold, and why; None when all is well.
        head: number and hash of the last event that holds; keep it elsewhere to prove later that nothing was cut off.
    """

    events: int
    checkpoints: int
    first_bad: tuple[Where, str] | None
    head: tuple[int, str]

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return self.first_bad is None


class _Bad(Exception):
    """Something does not hold."""

    def __init__(self, where: Where, reason: str) -> None:
        super().__init__(reason)
        self.where = where
        self.reason = reason


async def verify(
    connection: Connection,
    *,
    public_key: str,
    seals: bytes,
    saved_head: tuple[int, str] | None = None,
    saved: Anchor | None = None,
) -> VerifyReport:
    """Return what a walk over the whole ledger finds; one snapshot, a page at a time.

    `seals` is what the ledger seals its events with, `saved_head` a head that was kept elsewhere, `saved` the file of checkpoints beside
    the ledger.
    """
    walk = _Walk(public_key, seals, saved_head)
    bad: tuple[Where, str] | None = None
    try:
        await connection.read(lambda tx: walk.all(tx, saved))
        wrong = await connection.inspect()
        bad = ("ledger", wrong) if wrong else None
    except _Bad as found:
        bad = (found.where, found.reason)
    except LedgerFailure as failed:
        bad = (walk.at, f"cannot be read: {failed.message}")
    except (IntegrityError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        bad = (walk.at, "is not of the form that was written")
    return VerifyReport(events=walk.seq, checkpoints=walk.checkpoints, first_bad=bad, head=(walk.seq, walk.hash))


class _Walk:
    """How far a walk has come.

    Attributes:
        at: what is being looked at, for an error that does not say.
    """

    def __init__(self, public_key: str, seals: bytes, saved_head: tuple[int, str] | None) -> None:
        self.at: Where = "ledger"
        self.seq = 0
        self.hash = GENESIS
        self.checkpoints = 0
        self._public_key = public_key
        self._seals = seals
        self._saved_head = saved_head
        self._ledger = ""
        self._signed = 0

    async def all(self, tx: Transaction, saved: Anchor | None) -> None:
        identity = await tx.one("ledger")
        if identity is None or identity["public_key"] != self._public_key:
            raise _Bad("ledger", "is signed with another key")
        self._ledger = identity["id"]
        await self._events(tx, identity)
        await self._end(tx)
        if saved is not None:
            await self._anchor(tx, saved)
        await self._proposals(tx)

    async def _events(self, tx: Transaction, identity: Row) -> None:
        signed = _checkpoints(tx)
        checkpoint = await anext(signed, None)
        while True:
            self.at = self.seq + 1
            page = await tx.all("events_after", seq=self.seq, limit=PAGE)
            low, records = self.seq + 1, 0
            for row in page:
                self.at = self.seq + 1
                body = self._event(row)
                if self.at == 1:
                    _is_genesis(body, identity)
                records += await _records(tx, row["seq"], body["records"])
                if checkpoint is not None and checkpoint.seq == row["seq"]:
                    self._checkpoint(checkpoint, row["hash"])
                    checkpoint = await anext(signed, None)
                self.seq, self.hash = row["seq"], row["hash"]
            await self._nothing_more(tx, low, records)
            if len(page) < PAGE:
                return

    def _event(self, row: Row) -> dict[str, Any]:
        seq = self.seq + 1
        if row["seq"] != seq:
            raise _Bad(seq, "event is missing")
        if row["prev"] != self.hash:
            raise _Bad(seq, "event does not follow the one before it")
        if row["hash"] != event_hash(seq, self.hash, row["body"].encode()):
            raise _Bad(seq, "event was changed")
        if not is_sealed(row, self._seals):
            raise _Bad(seq, "event was not written with the ledger's key")
        body = loads(row["body"])
        if any(row[name] != body[name] for name in ("at", "kind", "subject")):
            raise _Bad(seq, "event's columns differ from its body")
        if self._saved_head and self._saved_head[0] == seq and self._saved_head[1] != row["hash"]:
            raise _Bad(seq, "history was written again: the head that was kept elsewhere differs")
        return body

    def _checkpoint(self, checkpoint: Checkpoint, head: str) -> None:
        if checkpoint.hash != head:
            raise _Bad(checkpoint.seq, "history was written again: its signed checkpoint differs")
        if checkpoint.ledger != self._ledger or not checkpoint_holds(checkpoint, self._public_key):
            raise _Bad(checkpoint.seq, "checkpoint's signature does not hold")
        if checkpoint.previous != self._signed:
            raise _Bad(checkpoint.seq, "the checkpoint before this one is missing")
        self._signed = checkpoint.seq
        self.checkpoints += 1

    async def _nothing_more(self, tx: Transaction, low: int, expected: int) -> None:
        """Prove that no record of these events is in the tables besides those that the events name."""
        if await _count(tx, low, self.seq) == expected:
            return
        for seq in range(low, self.seq + 1):
            row = await tx.one("event_at", seq=seq)
            named = len(loads(row["body"])["records"]) if row else 0
            if await _count(tx, seq, seq) != named:
                raise _Bad(seq, "a record was added to this event")

    async def _end(self, tx: Transaction) -> None:
        self.at = self.seq + 1
        below = await tx.one("first_event")
        if below and below["seq"] is not None and below["seq"] < 1:
            raise _Bad(below["seq"], "event stands before the first one")
        stray = await tx.one("first_stray", head=self.seq)
        if stray and stray["seq"] is not None:
            raise _Bad(stray["seq"], "event is missing, but what was written with it is there")
        if self._saved_head and self._saved_head[0] > self.seq:
            raise _Bad(self.seq + 1, "the tail is missing: the head that was kept elsewhere is further on")
        if self._signed == 0:
            raise _Bad(1, "the first checkpoint is missing")

    async def _anchor(self, tx: Transaction, saved: Anchor) -> None:
        self.at = saved.path.name
        try:
            found = 0
            for number, checkpoint in saved.lines():
                self.at = f"{saved.path.name}:{number}"
                await self._anchored(tx, checkpoint)
                found += 1
        except OSError:
            raise _Bad(saved.path.name, "is missing or cannot be read") from None
        if not found:
            raise _Bad(saved.path.name, "holds no checkpoint")

    async def _anchored(self, tx: Transaction, checkpoint: Checkpoint | None) -> None:
        if (
            checkpoint is None
            or checkpoint.ledger != self._ledger
            or not checkpoint_holds(checkpoint, self._public_key)
        ):
            raise _Bad(self.at, "is not a checkpoint of this ledger")
        if checkpoint.seq > self.seq:
            raise _Bad(self.seq + 1, "the tail is missing: a signed checkpoint is further on")
        row = await tx.one("checkpoint_at", seq=checkpoint.seq)
        if row is None or checkpoint_of(row) != checkpoint:
            raise _Bad(checkpoint.seq, "differs from the checkpoint that was kept beside the ledger")

    async def _proposals(self, tx: Transaction) -> None:
        after, more, waits = 0, True, 0
        while more:
            page = await tx.all("proposals_after", seq=after, limit=PAGE)
            for row in page:
                self.at = row["id"]
                await _derive(tx, row)
                waits += await _waits(tx, row)
            more = len(page) == PAGE
            after = page[-1]["seq"] if page else after
        self.at = "job_row"
        counted = await tx.one("count_job_rows")
        if counted is None or counted["rows"] != waits:
            raise _Bad("job_row", "holds rows that no open job is about")


async def _checkpoints(tx: Transaction) -> AsyncIterator[Checkpoint]:
    after = -1
    while page := await tx.all("checkpoints_after", seq=after, limit=PAGE):
        for row in page:
            yield checkpoint_of(row)
        after = page[-1]["seq"]


def _is_genesis(body: dict[str, Any], identity: Row) -> None:
    if body["kind"] != "ledger_created" or body["subject"] != identity["id"] or body["facts"] != dict(identity):
        raise _Bad(1, "the ledger's name or key is not the one it was made with")


async def _records(tx: Transaction, seq: int, named: dict[str, list[str]]) -> int:
    for name, (handle, digest) in named.items():
        await _record(tx, seq, KINDS[name], handle, digest)
    return len(named)


async def _record(tx: Transaction, seq: int, kind: Kind, handle: str, digest: str) -> None:
    row = await tx.one(f"{kind.name}_at", seq=seq)
    if row is None:
        raise _Bad(seq, f"its {kind.name} is missing")
    if row["id"] != handle or digest_bytes(kind.name, row["body"].encode()) != digest:
        raise _Bad(seq, f"its {kind.name} was changed")
    body = loads(row["body"])
    if any(row[name] != value for name, value in kind.columns(body).items()):
        raise _Bad(seq, f"its {kind.name} has columns that differ from its body")
    if kind is PROPOSAL:
        found = {(one["seq"], one["target"], one["own"]) for one in await tx.all("proposal_rows", proposal=handle)}
        if found != {(seq, target, int(own)) for target, own in targets(from_body(Proposal, body)).items()}:
            raise _Bad(seq, "its proposal is not found by the rows that it is about, and by no others")


async def _count(tx: Transaction, low: int, high: int) -> int:
    row = await tx.one("count_records", low=low, high=high)
    return int(row["records"]) if row else 0


async def _derive(tx: Transaction, row: Row) -> None:
    """Follow a proposal through its events, and compare what the tables say of it now."""
    status: Status | None = None
    job, aside, attempts = False, False, 0
    parked: str | None = None
    later: str | None = None
    accepted: str | None = None
    anew = 0
    for told in await tx.all("proposal_events", subject=row["id"]):
        body = loads(told["body"])
        facts = body["facts"]
        if "target" in facts:
            status = _stepped(told["seq"], status, facts)
        job = job or "job" in body["records"]
        aside = aside or body["kind"] == "job_set_aside"
        attempts += body["kind"] == "job_leased"
        parked = body["at"] if body["kind"] == PARKED else parked
        if body["kind"] in {PARKED, "job_released"}:
            later = facts.get("not_before")
        accepted = facts["until"] if body["kind"] == ACCEPTED and accepted is None else accepted
        if INSTRUCTION.name in body["records"]:
            parked, later, anew = None, None, attempts
    if status is None or row["status"] != status.value:
        raise _Bad(row["id"], "its status is not what its events say")
    is_open = int(status is Status.APPROVED and not aside)
    stands = tuple(row[name] for name in ("open", "attempt", "parked", "not_before", "anew", "accepted"))
    if job and stands != (is_open, attempts, parked, later, anew, accepted):
        raise _Bad(row["id"], "its job stands where its events do not lead")


async def _waits(tx: Transaction, row: Row) -> int:
    """Compare the rows by which a job waits for older ones, and younger ones for it, with those of its proposals; return how many they are."""
    if row["job"] is None or not row["open"]:
        return 0
    about: dict[str, bool] = {}
    for part in from_body(Job, loads(row["job_body"])).parts:
        filed = await tx.one("proposal_by_id", id=part.proposal)
        told = targets(from_body(Proposal, loads(filed["body"]))) if filed else {}
        about |= {name: own or about.get(name, False) for name, own in told.items()}
    if {one["target"]: bool(one["own"]) for one in await tx.all("job_rows", seq=row["job_seq"])} != about:
        raise _Bad(row["id"], "its job does not wait by the rows that it is about")
    return len(about)


def _stepped(seq: int, status: Status | None, facts: dict[str, Any]) -> Status:
    try:
        return stepped(status, facts)
    except IntegrityError:
        raise _Bad(seq, "a proposal took a step that there is not") from None
