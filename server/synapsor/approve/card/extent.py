"""How much a card tells of what is not the proposal's own: what the agent read, how the rows are now, and what others ask for.

It bounds the work as well as the card: what is not told is not looked through.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from synapsor.core.plain import CUT_AT

MOST_COMPARED: Final = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is told.

    Attributes:
        text: characters of one text; None for all of them.
        rows: rows of one list that was read.
        read: characters of all that was read; None for as many as the rows have.
        compared: characters of what was read that new texts are looked for in, in all of one card.
    """

    text: int | None
    rows: int
    read: int | None = None
    compared: int = MOST_COMPARED


BRIEFLY: Final = Extent(text=CUT_AT, rows=20)
IN_FULL: Final = Extent(text=None, rows=1000)
ON_A_PAGE: Final = Extent(text=600, rows=50, read=200_000)


def one_of(many: int) -> Extent:
    """Return how much is told of each of several that are decided on together: nothing that was read, which is still looked through."""
    return Extent(text=ON_A_PAGE.text, rows=0, read=0, compared=MOST_COMPARED // max(1, many))
