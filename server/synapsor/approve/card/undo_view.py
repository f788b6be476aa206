"""What a card tells of undoing: the change that it takes back, what undoes it, and whether anything can."""

from __future__ import annotations

from dataclasses import dataclass

from synapsor.core.plain import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoes:
    """The applied change that it takes back, and why the one who asks says that should be."""

    proposal: Text
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoneBy:
    """A proposal that would undo it, or did."""

    proposal: Text
    status: str
    stands: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoable:
    """Whether it can be undone, `once_applied` where it is not yet; and else why not."""

    can: bool
    once_applied: bool
    why: Text | None
