"""A database in memory, and read and write sources on it: the adapters of SQLite with a place that is no file.

Everything else is what production runs: the same connections, authorizer, limits and transactions.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

from synapsor.errors import ConfigError
from synapsor.sources.sqlite import SqliteReadSource, SqliteWriteSource
from synapsor.sources.sqlite_connection import Place

_SCHEME = "memory:"


class MemoryDatabase:
    """A database that lives until it is closed; its connections see each other's commits, as those of a file would.

    Unlike with a file, a reader waits while a write transaction is open.
    """

    def __init__(self, *scripts: str) -> None:
        self.url = f"{_SCHEME}{secrets.token_hex(8)}"
        self._held = connect_memory(self.url)
        for script in scripts:
            self.run(script)

    def run(self, script: str) -> None:
        """Run a script of the test's own, outside of every guard."""
        with closing(connect_memory(self.url)) as connection:
            connection.executescript(script)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what a query of the test's own sees."""
        with closing(connect_memory(self.url)) as connection:
            return connection.execute(query).fetchall()

    def row(self, table: str, key: Mapping[str, str]) -> dict[str, Any] | None:
        """Return the row that a key names, or None."""
        compared = " AND ".join(f'CAST("{column}" AS TEXT) = ?' for column in key)
        with closing(connect_memory(self.url)) as connection:
            connection.row_factory = sqlite3.Row
            query = f'SELECT * FROM "{table}" WHERE {compared}'  # noqa: S608  # names of a contract, which hold no quote
            found = connection.execute(query, tuple(key.values())).fetchone()
        return None if found is None else dict(found)

    def reader(self, name: str, *, schema: str) -> MemoryReadSource:
        """Return the database as a read source; statements reach it under the schema's name."""
        return MemoryReadSource(name=name, url=self.url, schema=schema)

    def writer(self, name: str, *, schema: str) -> MemoryWriteSource:
        """Return the database as the worker's source."""
        return MemoryWriteSource(name=name, url=self.url, schema=schema)

    def close(self) -> None:
        """Let go of it; sources that are still open keep it alive."""
        self._held.close()


class MemoryPlace(Place):
    """A database in memory and the schema name by which statements reach it."""

    # Here, unlike in a file, a writer holds up whoever connects.
    connect_seconds = 2.0

    def uri(self, mode: Literal["ro", "rw"]) -> str:
        """Return how SQLite is told to open it."""
        return f"file:{self.path}?vfs=memdb&mode={mode}"


class MemoryReadSource(SqliteReadSource):
    """A database in memory, opened read-only."""

    @staticmethod
    def _placed(url: str, schema: str) -> Place:
        return _place(url, schema)


class MemoryWriteSource(SqliteWriteSource):
    """A database in memory, opened for the worker's guarded updates."""

    @staticmethod
    def _placed(url: str, schema: str) -> Place:
        return _place(url, schema)

    def _writable(self) -> bool:
        return True  # there is no file whose permissions could be wrong


def _place(url: str, schema: str) -> Place:
    name = url.removeprefix(_SCHEME)
    if name == url or not name.isalnum():
        raise ConfigError("A database in memory is named memory:NAME.", fix="Use the `url` of a MemoryDatabase.")
    checked = Place.parse(f"sqlite:///{name}", schema)
    return MemoryPlace(path=Path("/", name), schema=checked.schema)


def connect_memory(url: str) -> sqlite3.Connection:
    """Return a connection of the test's own, outside of every guard but one: no script of it reaches a file."""
    connection = sqlite3.connect(_place(url, "main").uri("rw"), uri=True)
    connection.set_authorizer(_no_files)
    return connection


def _no_files(action: int, *_: str | None) -> int:
    return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_ATTACH else sqlite3.SQLITE_OK
