"""What a shadow apply measured, as a card tells it."""

from __future__ import annotations

from dataclasses import dataclass

from synapsor.approve.card.cells import Field, Moment
from synapsor.core.plain import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Touches:
    """How many rows of a table were touched; `table` is None where the engine counts those of all tables together."""

    table: Text | None
    rows: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaves:
    """What a row would hold after the change that the change does not say: a trigger or a default has set it."""

    row: int
    field: Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """What the worker measured by carrying the change out and rolling it back.

    Attributes:
        state: `waits` until it was measured; else that it was, or how an apply would have ended.
        wanted_by: the reviewers who have asked for it, where its contract does not.
        code: why, where it was not measured, and `meaning` the same in sentences.
        varies: columns that had another value each time, and that the apply is not held to.
        together: whether it was carried out with what it stands or falls with, so that what is touched is of all of that.
    """

    state: str
    wanted_by: tuple[Text, ...] = ()
    code: Text | None = None
    meaning: str = ""
    handle: Text | None = None
    worker: Text | None = None
    at: Moment | None = None
    touches: tuple[Touches, ...] = ()
    leaves: tuple[Leaves, ...] = ()
    varies: tuple[Text, ...] = ()
    together: bool = False
