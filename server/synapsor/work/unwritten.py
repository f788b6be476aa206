"""What stands where a write source would be, of a source whose changes applications carry out: it is asked nothing, and refuses all."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from typing import NoReturn

from synapsor.core.facts import Effect, RelationFacts, Rights
from synapsor.core.plan import Relation
from synapsor.errors import Failure, SourceFailure
from synapsor.ports import WriteTransaction
from synapsor.sql.statement import Dialect


class Unwritten:
    """A `WriteSource` without a credential."""

    def __init__(self, *, name: str, dialect: Dialect) -> None:
        self.name = name
        self.dialect: Dialect = dialect

    def transaction(self, *, time_ms: int) -> AbstractAsyncContextManager[WriteTransaction]:  # noqa: ARG002  # the port's
        """Refuse."""
        _refuse()

    async def describe(self, relation: Relation) -> RelationFacts | None:  # noqa: ARG002  # the port's
        """Refuse."""
        _refuse()

    async def effects(self, relation: Relation) -> tuple[Effect, ...]:  # noqa: ARG002  # the port's
        """Refuse."""
        _refuse()

    async def lasting(self, relation: Relation) -> tuple[str, ...]:  # noqa: ARG002  # the port's
        """Refuse."""
        _refuse()

    async def posture(self, relations: Collection[Relation], receipts: Relation | None) -> Rights:  # noqa: ARG002  # the port's
        """Refuse."""
        _refuse()

    async def aclose(self) -> None:
        """Close nothing."""


def _refuse() -> NoReturn:
    raise SourceFailure(Failure.DENIED, state="no_writer")
