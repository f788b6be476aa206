"""What the verbs need of an application database. A read source and a write source are different types.

Whoever uses them imports them from `ports`, which has what is needed of everything else as well.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from synapsor.core.facts import Effect, RelationFacts, Rights
from synapsor.core.plan import Relation
from synapsor.core.surroundings import Surroundings
from synapsor.sql.statement import Dialect, RawRow, Statement


class Snapshot(Protocol):
    """One READ ONLY transaction of several statements, all of which see one state of the database.

    Raises:
        SourceFailure: by kind; after one it can only be left.
    """

    async def fetch(self, statement: Statement) -> Sequence[RawRow]:
        """Return the raw rows."""
        ...


class ReadSource(Protocol):
    """A source through its read-only credential. Every fetch is one READ ONLY transaction with its own time limit.

    Raises, from every method:
        SourceFailure: by kind; never with driver text.
    """

    name: str
    dialect: Dialect

    async def fetch(self, statement: Statement, *, time_ms: int) -> Sequence[RawRow]:
        """Return the raw rows, each cell as the statement selects it: text, bytes, a number or None, and never a driver's own type.

        What the statement wants told is told in the same transaction before it; an engine without row security refuses that.
        A cancelled call stops the statement on the server.
        """
        ...

    def snapshot(self, *, time_ms: int) -> AbstractAsyncContextManager[Snapshot]:
        """Open a transaction for several statements, all of which together have `time_ms`; `fetch` is the short way of one."""
        ...

    async def describe(self, relation: Relation) -> RelationFacts | None:
        """Return what the catalogue says, or None when the credential cannot see such a relation."""
        ...

    async def posture(self, relations: Collection[Relation], denied: Mapping[Relation, frozenset[str]]) -> Rights:
        """Return what this credential may do with the relations (the denied columns' too), and beyond; `judge_reader` judges it.

        Where the engine has no grants, the denied columns are refused to every later fetch.
        """
        ...

    async def surroundings(self, relation: Relation) -> Surroundings | None:
        """Return what stands around a table: who refers to its rows, what fires; None where there is none. What is not seen is said to be unseen."""
        ...

    async def fingerprint(self) -> str:
        """Return a digest that names the server and database without an address, a name or a password in clear."""
        ...

    async def aclose(self) -> None:
        """Close its connections."""
        ...


class WriteTransaction(Protocol):
    """One transaction of the worker; leaving it without `commit` rolls back and closes the connection."""

    async def fetch(self, statement: Statement) -> Sequence[RawRow]:
        """Return the raw rows, after the transaction was told what the statement wants told; an engine without row security refuses that."""
        ...

    async def execute(self, statement: Statement) -> int:
        """Return the number of rows matched (not the number changed)."""
        ...

    async def effects(self, relation: Relation) -> tuple[Effect, ...]:
        """Return what removing a row of a relation does beside, as far as foreign keys lead on.

        Asked in the transaction, so that what holds the row's lock also keeps every trigger and foreign key as it is.
        """
        ...

    async def settle_constraints(self) -> None:
        """Force deferred constraints to be checked now."""
        ...

    async def commit(self) -> None:
        """Commit, durably.

        Raises:
            SourceFailure: `unknown_commit` when the answer was lost; of every other, the server has rolled back.
        """
        ...


class WriteSource(Protocol):
    """A source through the worker's write credential."""

    name: str
    dialect: Dialect

    def transaction(self, *, time_ms: int) -> AbstractAsyncContextManager[WriteTransaction]:
        """Open a read-committed transaction with statement, lock and idle limits and synchronous commit."""
        ...

    async def describe(self, relation: Relation) -> RelationFacts | None:
        """Return what the catalogue says of a relation, as far as this credential sees it, or None where it sees none."""
        ...

    async def effects(self, relation: Relation) -> tuple[Effect, ...]:
        """Return what removing a row does beside, as things stand; a transaction asks again under its own locks."""
        ...

    async def posture(self, relations: Collection[Relation], receipts: Relation | None) -> Rights:
        """Return what this credential may do with the relations and the receipts, where it keeps any, and beyond; `judge_writer` judges it."""
        ...

    async def aclose(self) -> None:
        """Close its connections."""
        ...
