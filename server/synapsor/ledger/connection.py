"""The seam between the store and an engine: named queries inside whole-transaction jobs, and nothing else.

A job is one coroutine function that holds a whole transaction. It awaits nothing but its transaction, so an engine may drive it on the
event loop or on a thread of its own (SQLite does the first, and the second after a failure or while the file is locked); it may be run
again from its beginning, so it keeps no state outside.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeAlias, TypeVar

T = TypeVar("T")
Row: TypeAlias = dict[str, Any]


class Transaction(Protocol):
    """One open transaction. Queries are named as in `ledger/queries/*.sql`; values only ever travel as parameters.

    Raises, from every method:
        LedgerFailure: by kind; never with the driver's text.
    """

    async def execute(self, query: str, /, **params: Any) -> int:
        """Run a query and return the number of rows it changed."""
        ...

    async def one(self, query: str, /, **params: Any) -> Row | None:
        """Return the first row, or None."""
        ...

    async def all(self, query: str, /, **params: Any) -> list[Row]:
        """Return every row; the caller's query has a limit or is bounded by one proposal."""
        ...


Job: TypeAlias = Callable[[Transaction], Coroutine[Any, Any, T]]


class Connection(Protocol):
    """An engine. Implemented by `ledger.sqlite`; a conformance suite holds every engine to the same behaviour.

    Raises, from every method:
        LedgerFailure: nothing was written, or nothing can be read.
    """

    async def write(self, job: Job[T]) -> T:
        """Run the job in a serialised transaction; returns after the commit is durable. A job that raises changes nothing."""
        ...

    async def read(self, job: Job[T]) -> T:
        """Run the job on one snapshot; it cannot write."""
        ...

    async def glance(self, job: Job[T]) -> T:
        """Run a job that reads a few rows by their keys, as `read` does; it is not worth a thread of its own."""
        ...

    async def version(self) -> int:
        """Return a number that is another one once anybody, in whatever process, has written since; it reads no row."""
        ...

    async def inspect(self) -> str:
        """Say what the engine finds wrong with its own files, tables and guards; "" when nothing is."""
        ...

    async def close(self) -> None:
        """Finish what was asked for and let go of the store."""
        ...
