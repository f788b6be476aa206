"""What became of a proposal, as data on the card: decisions, attempts to apply it, and what ended it before."""

from __future__ import annotations

from dataclasses import dataclass

from synapsor.approve.card.cells import DoneRow, Moment
from synapsor.core.plain import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One decision on record.

    Attributes:
        policy: the policy that made it, with the key of `by`; None for a person.
        session: by what session it was signed, and who vouched for it; None where the key of `by` itself signed.
        preset: of a rejection, why in one word; None where none was chosen.
        doubt: why nothing proves it, or None.
    """

    verdict: str
    by: Text
    role: Text
    policy: Text | None
    session: Text | None
    at: Moment
    preset: Text | None
    reason: Text | None
    doubt: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What an attempt to apply it came to: a receipt, with what its code means in plain words."""

    outcome: Text
    code: Text | None
    moved: tuple[Text, ...]
    meaning: str
    receipt: Text
    worker: Text
    at: Moment
    rows: tuple[DoneRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """That it ended before anybody could approve it; `because` is the proposal that it fell with, `by` the one that took its place."""

    how: Text
    because: Text | None
    by: Text | None
    at: Moment
