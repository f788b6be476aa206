"""What the agent sent and what people made of it, as data on the card: edits, extensions, questions and answers."""

from __future__ import annotations

from dataclasses import dataclass

from synapsor.approve.card.cells import Moment
from synapsor.core.plain import Text
from synapsor.core.proposal import AmendKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """What the agent sent, untrusted; `quoted` as in a value."""

    name: Text
    text: Text
    quoted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """An argument that a reviewer changed: what the agent sent, and what it is now; None where it was or is not given."""

    name: Text
    before: Argument | None
    after: Argument | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Amends:
    """The proposal whose place it takes, and what a reviewer has changed of what the agent asked for.

    Attributes:
        kind: `edit` or `extend`.
        editors: everybody who edited it; none of them decides.
        edited: against what the agent sent, over all amendments.
    """

    kind: AmendKind
    proposal: Text
    by: Text
    reason: Text
    editors: tuple[Text, ...]
    edited: tuple[Edited, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """What a person asked the agent, and what that answered, untrusted.

    Attributes:
        doubt: why nothing proves who asked, or None.
        answer: None where there is none so far, or, where it is `over`, never was: what it was asked about is not in review any more.
    """

    id: Text
    by: Text
    at: Moment
    text: Text
    doubt: Text | None
    answer: Text | None
    answered: Moment | None
    over: bool
