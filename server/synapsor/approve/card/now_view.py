"""The parts of a card that tell of the source as it is now: how each row stands, and what the change touches beside them.

As on the rest of the card, what came from a database is a `Text`, harmless already; a plain `str` is one of Synapsor's own words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from synapsor.approve.card.cells import Field, Moment, Value
from synapsor.core.plain import Text

_CALLED: Final = {"green": "nothing else", "amber": "look twice", "red": "reaches far"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedNow:
    """A column that does not hold what it held; of a hidden one neither value is told.

    Attributes:
        guards: the worker compares it before it changes anything.
        version: it counts the changes of its row.
    """

    name: Text
    then: Value
    now: Value
    guards: bool
    version: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RowNow:
    """A row that is not as it was.

    Attributes:
        stands: `changed`, `gone`, or `there` of a row that was to be added.
        lost: the links to a related row that is not there any more.
        ends: how an attempt to apply it would end as things stand, `code` by which rule, and `words` what that means.
    """

    number: int
    key: tuple[Field, ...]
    stands: str
    moved: tuple[MovedNow, ...]
    lost: Text | None
    ends: str
    code: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveNow:
    """How the rows stand.

    Attributes:
        state: `same`, `changed` or `untold`.
        same: how many are as they were; `rows` are the others.
        untold: why it cannot be told, in one word, and `words` the same or the whole of it as a sentence.
    """

    at: Moment
    state: str
    same: int
    rows: tuple[RowNow, ...]
    untold: str | None
    words: str
    evidence: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachedNow:
    """Rows of another table that refer to the proposal's, or beyond them at a `depth` above 1, and what becomes of them.

    Attributes:
        accepted: the contract accepts that it is reached; the worker applies no delete that reaches another table.
        columns: which of its columns equals which of the table that it refers to.
        becomes: what becomes of them, in words.
        rows: how many, where they were counted; `counted` says it in words, and why they were not.
    """

    relation: Text
    constraint: Text | None
    columns: tuple[tuple[Text, Text], ...]
    action: str
    becomes: str
    depth: int
    rows: int | None
    counted: str | None
    accepted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FiredNow:
    """A trigger that fires; `on` another table than the proposal's own."""

    name: Text
    timing: str
    event: str
    on: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedNow:
    """A table in which the database looks for the row that the change refers to."""

    to: Text
    columns: tuple[tuple[Text, Text], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlastNow:
    """What the change touches beside its own rows.

    Attributes:
        colour: `green`, `amber` or `red`, and `reasons` each with its own, the weightiest first.
        computed: the columns that the database computes anew.
        unseen: what the reader may not see, so that there may be more of it.
    """

    at: Moment
    colour: str
    reasons: tuple[tuple[str, str], ...]
    reached: tuple[ReachedNow, ...]
    fired: tuple[FiredNow, ...]
    checked: tuple[CheckedNow, ...]
    computed: tuple[Text, ...]
    unseen: tuple[str, ...]
    cut: bool
    untold: str | None
    words: str

    @property
    def called(self) -> str:
        """What the colour says, in words: no colour says anything alone."""
        return _CALLED[self.colour]


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """A look at the source for this card; no part of `Card.whole`, for nobody approves what is only true now."""

    live: LiveNow
    blast: BlastNow
