"""Opening the ledger: refuse whatever is not a whole ledger of this program, and never make a new one where there was one before.

A ledger is made under another name and appears whole: file, key and first signed checkpoint, readable by their owner only.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor import handles
from synapsor.core.moment import stamp
from synapsor.core.signatures import public_text
from synapsor.errors import IntegrityError, LedgerFailure
from synapsor.ledger.anchor import Anchor
from synapsor.ledger.believed import Proven, Trust
from synapsor.ledger.chain import Book, Checkpoint, Signer, event
from synapsor.ledger.connection import Transaction
from synapsor.ledger.keys import create_key, load_key
from synapsor.ledger.migrate import migrate, migrations, pending
from synapsor.ledger.note import Note
from synapsor.ledger.private import (
    OWNER,
    Access,
    access_of,
    check_directory,
    create_private,
    locked,
    make_directory,
    narrow,
    sync_directory,
)
from synapsor.ledger.sqlite import SqliteConnection
from synapsor.ledger.sqlite_file import ERRORS, REPLACED, Place, SqliteTransaction, connect, failure, run
from synapsor.ledger.store import Ledger
from synapsor.ledger.tail import Followed
from synapsor.ports import Clock, SystemClock

log = logging.getLogger("synapsor.ledger")


@dataclass(frozen=True, slots=True)
class LedgerFiles:
    """Where a ledger's files are, and who may use them."""

    database: Path
    key: Path
    checkpoints: Path
    access: Access = OWNER

    @classmethod
    def beside(cls, path: Path, key_path: Path | None = None, access: Access = OWNER) -> LedgerFiles:
        """Return the files of the ledger at `path`; the key may be kept elsewhere."""
        return cls(path, key_path or path.with_suffix(".key"), path.with_suffix(".checkpoints"), access)

    @property
    def note(self) -> Path:
        """The note of how far the chain was proven, which may be gone at any time."""
        return Path(f"{self.database}-proven")

    @property
    def companions(self) -> tuple[Path, Path]:
        """The files that SQLite keeps beside the database while it is in use."""
        return Path(f"{self.database}-wal"), Path(f"{self.database}-shm")


def open_ledger(
    path: Path,
    *,
    create: bool = False,
    key_path: Path | None = None,
    group: str | int | None = None,
    clock: Clock | None = None,
) -> Ledger:
    """Open the ledger at `path`; with `create`, make it where there is none and never was one. Its files are for their owner alone, or
    for a `group` of users.

    Raises:
        LedgerFailure: it is missing, damaged, read-only, of another version, or not a ledger.
        IntegrityError: its key or its schema is not its own.
    """
    files = LedgerFiles.beside(path.absolute(), key_path, access_of(group))
    used = clock or SystemClock()
    if create and not os.path.lexists(files.database):
        _create(files, used)
    _refuse_unfit(files)
    try:
        return _open(files, used)
    except ERRORS as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
            raise LedgerFailure(
                f"{files.database.name} is not a ledger, or its header is damaged.", fix="Restore it from a backup."
            ) from None
        raise failure(error) from None


def open_memory_ledger(*, clock: Clock | None = None) -> Ledger:
    """Open a ledger that lives in memory: the same store, chain and rules, for tests and trials."""
    used = clock or SystemClock()
    key = Ed25519PrivateKey.generate()
    connection = connect(":memory:")
    migrate(connection, migrations(), at=stamp(used.now()))
    _begin(connection, key, used)
    return _ledger(connection, None, key, used, None)


def _open(files: LedgerFiles, clock: Clock) -> Ledger:
    uri = files.database.as_uri()
    place = Place.of(files.database)  # before it is opened: whatever is put there meanwhile is another one
    connection = connect(f"{uri}?mode=rw")
    try:
        _bring_up(connection, files)
        key = load_key(files.key, files.access)
        open_reader = partial(connect, f"{uri}?mode=ro", read_only=True)
        ledger = _ledger(connection, open_reader, key, clock, files, place)
    except BaseException:
        connection.close()
        raise
    if not files.checkpoints.is_file():
        log.warning("%s is missing; verify the ledger", files.checkpoints.name, extra={"action": "anchor_missing"})
    return ledger


def _bring_up(connection: sqlite3.Connection, files: LedgerFiles) -> None:
    if pending(connection, migrations()):  # first, so that a database that is not ours stays as it is
        raise LedgerFailure("An older Synapsor made this ledger.", fix="Open it with the version that made it.")
    check_directory(files.database.parent, files.access)
    for file in (files.database, *files.companions, files.checkpoints):
        narrow(file, files.access)
    if connection.execute("PRAGMA journal_mode = WAL").fetchone()["journal_mode"] != "wal":
        raise LedgerFailure("The ledger's disk cannot hold a write-ahead log.", fix="Keep it on a local disk.")


def _ledger(
    connection: sqlite3.Connection,
    open_reader: partial[sqlite3.Connection] | None,
    key: Ed25519PrivateKey,
    clock: Clock,
    files: LedgerFiles | None,
    place: Place | None = None,
) -> Ledger:
    identity = connection.execute("SELECT id, public_key FROM ledger").fetchone()
    if identity is None:
        raise LedgerFailure("This file is not a whole ledger.", fix="Restore it from a backup.")
    if public_text(key) != identity["public_key"]:
        raise IntegrityError("The ledger was made with another key.", fix="Restore the key that was made with it.")
    signer = Signer(identity["id"], key, clock)
    engine = SqliteConnection(connection, open_reader, _places(files, place) if files and place else ())
    anchor = Anchor(files.checkpoints, files.access) if files else None
    note = Note(files.note, signer.secret(f"proven {identity['id']}"), files.access) if files else None
    trust = Trust(ledger=identity["id"], public_key=identity["public_key"], seals=signer.seals)
    trust = replace(trust, proven=_noted(connection, note))
    return Ledger(
        engine,
        clock=clock,
        signer=signer,
        anchor=anchor,
        followed=Followed(engine, trust, saved=anchor, note=note),
    )


def _places(files: LedgerFiles, database: Place) -> tuple[Place, ...]:
    """Return the places of a ledger that was read: its file, and what SQLite keeps beside it until the last one closes it.

    Raises:
        LedgerFailure: that is not there.
    """
    # SQLite follows a link, and names them by what it finds.
    followed = replace(files, database=files.database.resolve())
    try:
        return (database, *map(Place.of, followed.companions))
    except OSError:
        raise LedgerFailure(
            "The ledger failed: its write-ahead log was taken away.", fix="Open it again.", rule=REPLACED
        ) from None


def _noted(connection: sqlite3.Connection, note: Note | None) -> Proven:
    """Return what was noted of this very chain; where nothing was, nothing is proven of it yet."""
    told = note.read() if note else None
    here = connection.execute("SELECT hash FROM event WHERE seq = ?", (told.seq,)).fetchone() if told else None
    return told if told and here and here["hash"] == told.hash else Proven()


def _refuse_unfit(files: LedgerFiles) -> None:
    """Refuse what is no file of ours, without opening it: to close it again would take this process's locks on it away, of which SQLite
    would not know (https://www.sqlite.org/howtocorrupt.html, 2.2).
    """
    path = files.database
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise LedgerFailure(f"{path.name} is not a file.", fix="Name the ledger's file in synapsor.yaml.")
        # The mode is looked at as well, because to root every file is writable.
        if (
            not facts.st_mode & stat.S_IWUSR
            or not os.access(path, os.R_OK | os.W_OK)
            or not os.access(path.parent, os.W_OK)
        ):
            raise LedgerFailure(
                f"{path.name} is read-only.", fix="The ledger's user must own the file and its directory."
            )
    except FileNotFoundError:
        raise LedgerFailure(
            f"There is no ledger at {path}.",
            fix="A new project gets one with `synapsor activate`; one that was there before must be restored.",
        ) from None
    except OSError:
        raise LedgerFailure(
            f"{path.name} cannot be read.", fix="The ledger's user must own the file and its directory."
        ) from None
    if not facts.st_size:
        raise LedgerFailure(
            f"{path.name} is empty.", fix="Restore it from a backup; an empty file is never taken for a new ledger."
        )


def _create(files: LedgerFiles, clock: Clock) -> None:
    """Make a ledger under another name, then give it its own name at once; of processes that race, one makes it."""
    try:
        make_directory(files.database.parent, files.access)
        check_directory(files.database.parent, files.access)
        with locked(files.database.parent):
            if not os.path.lexists(files.database):
                _make(files, clock)
    except OSError:
        raise LedgerFailure(
            "The ledger cannot be made here.", fix="Its directory must be writable for the ledger's user."
        ) from None


def _make(files: LedgerFiles, clock: Clock) -> None:
    for left in (files.checkpoints, *files.companions):
        if os.path.lexists(left):
            raise LedgerFailure(
                f"There was a ledger here: {left.name} is still there.",
                fix="Restore the ledger, or move that file away.",
            )
    building = LedgerFiles.beside(Path(f"{files.database}.new"))
    try:
        for stale in (building.database, *building.companions):
            stale.unlink(missing_ok=True)
        create_private(building.database, access=files.access)
        key = load_key(files.key, files.access) if files.key.exists() else create_key(files.key, files.access)
        first = _build(building.database, key, clock)
        anchor = Anchor(files.checkpoints, files.access)
        anchor.create()
        anchor.append(first)
        os.link(building.database, files.database)
        sync_directory(files.database.parent)
    except BaseException as error:
        files.checkpoints.unlink(missing_ok=True)
        if isinstance(error, ERRORS):
            raise failure(error) from None
        raise
    finally:
        building.database.unlink(missing_ok=True)
    log.info("ledger created", extra={"action": "ledger_created", "public_key": public_text(key)})


def _build(path: Path, key: Ed25519PrivateKey, clock: Clock) -> list[Checkpoint]:
    connection = connect(f"{path.as_uri()}?mode=rw")
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        migrate(connection, migrations(), at=stamp(clock.now()))
        return _begin(connection, key, clock)
    finally:
        connection.close()


def _begin(connection: sqlite3.Connection, key: Ed25519PrivateKey, clock: Clock) -> list[Checkpoint]:
    """Write the ledger's name and key, the first event and the first checkpoint."""
    at = stamp(clock.now())
    identity = {"id": handles.new("led"), "created_at": at, "public_key": public_text(key)}
    made: list[Checkpoint] = []

    async def job(tx: Transaction) -> None:
        await tx.execute("insert_ledger", **identity)
        await tx.execute("insert_probe", at=at)
        book = Book(tx, Signer(identity["id"], key, clock), made)
        await book.append(event("ledger_created", identity["id"], at, facts=identity), checkpoint=True)

    connection.execute("BEGIN IMMEDIATE")
    run(job, SqliteTransaction(connection))
    connection.execute("COMMIT")
    return made
