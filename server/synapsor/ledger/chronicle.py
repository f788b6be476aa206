"""The ledger to somebody who follows it: read alone, without its key, and proven at each step to be the chain that was read before."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from synapsor.core.history import UNREADABLE, Entry, Mark, Pending
from synapsor.core.records import from_body
from synapsor.errors import IntegrityError, LedgerFailure
from synapsor.ledger import proposals
from synapsor.ledger.chain import GENESIS, Told, event_hash
from synapsor.ledger.connection import Job, Row, T, Transaction
from synapsor.ledger.kinds import loads
from synapsor.ledger.migrate import migrations, pending
from synapsor.ledger.sqlite_file import ERRORS, SqliteTransaction, connect, failure, run
from synapsor.ports import ProposalRecord


class Chronicle:
    """A ledger that can only be read.

    Attributes:
        id: the ledger's own name.
    """

    def __init__(self, connection: sqlite3.Connection, ledger_id: str) -> None:
        self.id = ledger_id
        self._connection = connection
        self._one_at_a_time = threading.Lock()

    @property
    def beginning(self) -> Mark:
        """The place before the first event."""
        return Mark(ledger=self.id, seq=0, hash=GENESIS)

    async def head(self) -> Mark:
        """Return the place of the last event."""
        row = await self._read(lambda tx: tx.one("head"))
        return Mark(ledger=self.id, seq=row["seq"], hash=row["hash"]) if row else self.beginning

    async def mark(self, seq: int) -> Mark | None:
        """Return the place of one event, or None where there is no such event."""
        row = await self._read(lambda tx: tx.one("event_at", seq=seq))
        return self.beginning if seq == 0 else Mark(ledger=self.id, seq=seq, hash=row["hash"]) if row else None

    async def after(self, mark: Mark, *, limit: int) -> tuple[Entry, ...]:
        """Return what happened after a place, oldest first.

        Raises:
            IntegrityError: this is not the chain that the place is in, or an event does not follow the one before it.
        """

        async def job(tx: Transaction) -> tuple[Entry, ...]:
            here = await tx.one("event_at", seq=mark.seq)
            is_same = here["hash"] == mark.hash if here else mark == self.beginning
            if not is_same:
                raise IntegrityError(
                    f"The ledger does not go on from event {mark.seq}, up to which it was read: it is another one, or an older copy.",
                    fix="`synapsor verify` says whether it holds; then move the notifier's file away (`notify: state:`, and else .synapsor/notify.db) and start with --since.",
                )
            return tuple(_followed(mark, await tx.all("events_after", seq=mark.seq, limit=limit)))

        return await self._read(job)

    async def proposal(self, proposal_id: str) -> ProposalRecord | None:
        """Return a proposal with everything that has happened to it."""
        return await self._read(lambda tx: proposals.load(tx, proposal_id, None))

    async def contract(self, digest: str) -> Mapping[str, Any] | None:
        """Return the recorded body of a contract version; whoever believes it computes its digest."""
        row = await self._read(lambda tx: tx.one("contract_version_by_digest", digest=digest))
        body = loads(row["body"]).get("contract") if row else None
        return body if type(body) is dict else None

    async def thrown_by(self, switch: str) -> str:
        """Return who made a switch of automatic approval, as it is recorded; "" where there is no such one."""
        row = await self._read(lambda tx: tx.one("policy_switch_by_id", id=switch))
        return str(row["operator"]) if row else ""

    async def paused_by(self, seq: int) -> str:
        """Return who made the pause of the worker, or its end, that an event tells of, as it is recorded; "" where there is no such one."""
        row = await self._read(lambda tx: tx.one("pause_of_event", seq=seq))
        return str(row["operator"]) if row else ""

    async def in_review(self, *, after: int, limit: int) -> Sequence[tuple[int, Pending]]:
        """Return a page of the proposals that wait for a decision, oldest first, each with the number to go on from."""
        rows = await self._read(lambda tx: tx.all("in_review", seq=after, limit=limit))
        return [(r["seq"], Pending(id=r["id"], at=r["at"], expires_at=r["expires_at"])) for r in rows]

    async def aclose(self) -> None:
        """Let go of the file."""
        await asyncio.to_thread(self._connection.close)

    async def _read(self, job: Job[T]) -> T:
        return await asyncio.to_thread(self._on_one_snapshot, job)

    def _on_one_snapshot(self, job: Job[T]) -> T:
        with self._one_at_a_time:
            try:
                self._connection.execute("BEGIN")
            except ERRORS as error:
                raise failure(error) from None
            try:
                return run(job, SqliteTransaction(self._connection))
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")


def open_chronicle(path: Path) -> Chronicle:
    """Open the ledger at `path` to be read.

    Raises:
        LedgerFailure: it is missing, damaged, of another version, or not a ledger.
    """
    if not path.is_file():
        raise LedgerFailure(f"There is no ledger at {path}.", fix="A new project gets one with `synapsor activate`.")
    try:
        connection = _reading(path)
    except ERRORS as error:
        raise failure(error) from None
    try:
        return Chronicle(connection, _own_name(connection))
    except BaseException as error:
        connection.close()
        if isinstance(error, ERRORS):
            raise failure(error) from None
        raise


def ledger_id(path: Path) -> str | None:
    """Return the own name of the ledger at `path`; None where there is none that this user can read."""
    if not os.access(path, os.R_OK):
        return None
    try:
        connection = _reading(path)
    except ERRORS:
        return None
    try:
        return _own_name(connection)
    except (LedgerFailure, *ERRORS):
        return None
    finally:
        connection.close()


def _reading(path: Path) -> sqlite3.Connection:
    return connect(f"{path.absolute().as_uri()}?mode=ro", read_only=True)


def _own_name(connection: sqlite3.Connection) -> str:
    if pending(connection, migrations()):
        raise LedgerFailure("An older Synapsor made this ledger.", fix="Open it with the version that made it.")
    identity = connection.execute("SELECT id FROM ledger").fetchone()
    if identity is None:
        raise LedgerFailure("This file is not a whole ledger.", fix="Restore it from a backup.")
    name: str = identity["id"]
    return name


def _followed(mark: Mark, rows: Sequence[Row]) -> Iterator[Entry]:
    """Yield the events of a page, each proven to follow the one before it."""
    seq, prev = mark.seq, mark.hash
    for row in rows:
        seq += 1
        if row["seq"] != seq or row["prev"] != prev or row["hash"] != event_hash(seq, prev, row["body"].encode()):
            raise IntegrityError(f"Event {seq} of the ledger does not follow the one before it, or was changed.")
        prev = row["hash"]
        yield _entry(row)


def _entry(row: Row) -> Entry:
    """Return what an event says; one that is not of the form of any says nothing, and keeps nobody from those after it."""
    place = {"seq": row["seq"], "hash": row["hash"]}
    try:
        told = from_body(Told, loads(row["body"]))
    except IntegrityError:
        return Entry(**place, at="", kind=UNREADABLE, subject="", facts={})
    return Entry(**place, at=told.at, kind=told.kind, subject=told.subject, facts=told.facts)
