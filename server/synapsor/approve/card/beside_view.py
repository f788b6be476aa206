"""What stands beside a proposal, as data on the card: those of its group, and others about the same rows."""

from __future__ import annotations

from dataclasses import dataclass

from synapsor.approve.card.cells import Field, Moment, Value
from synapsor.core.plain import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class BesideRow:
    """What another proposal does to a row, in short: `changes` are name, before and after."""

    key: tuple[Field, ...]
    removed: bool
    changes: tuple[tuple[Text, Value, Value], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Another proposal of the same group, which is decided on by itself."""

    proposal: Text
    capability: Text
    status: str
    have: int
    need: int
    rows: tuple[BesideRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What is applied in one transaction with it, or not at all; `missing` are capabilities that nothing was proposed by yet."""

    others: tuple[Beside, ...]
    missing: tuple[Text, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """Another open proposal about one of the rows.

    Attributes:
        keys: the rows in common.
        columns: the columns that both change.
        removes: it removes them.
    """

    proposal: Text
    capability: Text
    status: str
    stands: str
    by: Text
    at: Moment
    expires: Moment
    keys: tuple[tuple[Field, ...], ...]
    columns: tuple[Text, ...]
    removes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rivals:
    """The other open proposals about the same rows; `more` says that there are others, which are not told."""

    told: tuple[Rival, ...] = ()
    more: bool = False
