"""Bring a ledger to the schema of this program: numbered steps, forward only, each recorded with the digest of its text."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from synapsor.errors import IntegrityError, LedgerFailure
from synapsor.values import digest_bytes

APPLICATION_ID = 0x53594E50  # "SYNP", in the file's header
_FILE = re.compile(r"([0-9]{4})_([a-z0-9_]+)\.sql\Z")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """Digest of the step's text."""
        return digest_bytes("migration", self.text.encode())


@cache
def migrations() -> tuple[Migration, ...]:
    """Return the steps of this program, in order."""
    folder = files(__package__) / "migrations" / "sqlite"
    found = [(m, f) for f in folder.iterdir() if (m := _FILE.match(f.name))]
    return tuple(
        sorted((Migration(int(m[1]), m[2], f.read_text(encoding="utf-8")) for m, f in found), key=lambda m: m.number)
    )


def schema() -> str:
    """Return the whole schema, as the sum of all steps must leave it."""
    return (files(__package__) / "schema" / "sqlite.sql").read_text(encoding="utf-8")


def pending(connection: sqlite3.Connection, steps: Sequence[Migration]) -> tuple[Migration, ...]:
    """Return the steps that this ledger still needs.

    Raises:
        LedgerFailure: it is no ledger, or a newer program made it.
        IntegrityError: a step that was taken is not the step we know.
    """
    if not _scalar(connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'migration'"):
        if _scalar(connection, "SELECT count(*) FROM sqlite_schema"):
            raise LedgerFailure("This file is not a ledger.", fix="Name the ledger's own file in synapsor.yaml.")
        return tuple(steps)
    taken = {row["number"]: row["checksum"] for row in connection.execute("SELECT number, checksum FROM migration")}
    if max(taken, default=0) > max((m.number for m in steps), default=0):
        raise LedgerFailure("A newer Synapsor made this ledger.", fix="Use that version; a ledger is never taken back.")
    known = {m.number: m.checksum for m in steps}
    if any(known.get(number) != checksum for number, checksum in taken.items()):
        raise IntegrityError("The ledger's schema was not made by the migrations of this program.")
    return tuple(m for m in steps if m.number not in taken)


def migrate(connection: sqlite3.Connection, steps: Sequence[Migration], *, at: str) -> None:
    """Take every step that is needed, in one transaction.

    Raises:
        LedgerFailure, IntegrityError: see `pending`.
        sqlite3.Error: a step failed; nothing was changed.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in pending(connection, steps):
            for statement in statements(step.text):
                connection.execute(statement)
            connection.execute(
                "INSERT INTO migration (number, name, checksum, at) VALUES (?, ?, ?, ?)",
                (step.number, step.name, step.checksum, at),
            )
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID:d}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def statements(text: str) -> Iterator[str]:
    """Split a script; a trigger is one statement, and `executescript` would commit in the middle."""
    held = ""
    for line in text.splitlines(keepends=True):
        held += line
        if sqlite3.complete_statement(held):
            yield held
            held = ""
    if held.strip():
        yield held


def shape(connection: sqlite3.Connection) -> list[tuple[str, str, str]]:
    """Return every table, index and trigger with its exact text, to compare two schemas."""
    rows = connection.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name")
    return [(r["type"], r["name"], r["sql"]) for r in rows]


@cache
def own_shape() -> list[tuple[str, str, str]]:
    """Return the shape that the steps of this program leave."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.row_factory = named_row
        migrate(connection, migrations(), at="")
        return shape(connection)
    finally:
        connection.close()


def named_row(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> dict[str, Any]:
    """Return a row by the names of its columns; bytes are read as text, which is all that is ever written."""
    names = [column[0] for column in cursor.description]
    if bytes in map(type, values):
        values = tuple(v.decode("utf-8", "replace") if type(v) is bytes else v for v in values)
    return dict(zip(names, values, strict=True))


def _scalar(connection: sqlite3.Connection, query: str) -> int:
    row = connection.execute(query).fetchone()
    value = next(iter(row.values()))
    assert isinstance(value, int)  # noqa: S101  # both queries count
    return value
