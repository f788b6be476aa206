"""What the board keeps: the list, the open card, what is typed, and what the keys mean now. Frozen; `state` makes the next one of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from synapsor.approve.terminal.drawing import Row
from synapsor.core.statements import Verdict

LEAST: Final = (30, 8)
"""Columns and rows of the smallest terminal that shows a card whole; on a smaller one nothing counts as seen."""


class Mode(StrEnum):
    """What the keys mean now."""

    LIST = "list"
    SEARCH = "search"
    CARD = "card"
    DIGEST = "digest"
    CODE = "code"
    REASON = "reason"
    HELP = "help"


TYPING: Final = frozenset({Mode.SEARCH, Mode.DIGEST, Mode.CODE, Mode.REASON})


@dataclass(frozen=True, slots=True)
class Paste:
    """Text that was pasted: it is typed where something is typed, and is never a key."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One proposal of the list.

    Attributes:
        lines: its head and what is told of it, harmless and not folded yet.
        words: what a search looks in.
    """

    id: str
    lines: tuple[str, ...]
    words: str
    risky: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A card on the screen.

    Attributes:
        draw: draws it for a width; `lines` are those of the width that it was drawn for last.
        full: nothing of it is cut.
        live: the source was looked at for it, and `stands` is what that told in one word: `same`, `changed` or `untold`.
        reaches: that told that the change touches more than its rows, or that this cannot be told.
        looks: it can be looked at.
        approvable: it is whole and proven; `why_not` says otherwise.
        takes_code: approving it takes a one-time code.
    """

    id: str
    digest: str
    draw: Callable[[int], tuple[Row, ...]] = field(repr=False, compare=False)
    lines: tuple[Row, ...]
    width: int
    approvable: bool
    why_not: str = ""
    takes_code: bool = False
    full: bool = False
    live: bool = False
    stands: str = ""
    reaches: bool = False
    looks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The board.

    Attributes:
        seen: how many lines of the open card have been on the screen.
        waiting: cards that are still to be shown, one after another, of those that were chosen.
        looking: the source is being looked at, for the open card.
        as_it_was: that was done while the digest was typed; every row was as it was, and nothing else is touched.
        standing: what is to be said as long as nothing else is.
        more: there are more proposals than the list holds.
        page: of the help.
        small: the terminal is too small to show anything that counts.
    """

    items: tuple[Item, ...] = ()
    at: int = 0
    chosen: frozenset[str] = frozenset()
    search: str = ""
    mode: Mode = Mode.LIST
    card: Open | None = None
    top: int = 0
    seen: int = 0
    typed: str = ""
    code: str = ""
    verdict: Verdict = "approve"
    waiting: tuple[str, ...] = ()
    message: str = ""
    looking: bool = False
    as_it_was: bool = False
    standing: str = ""
    more: bool = False
    page: int = 0
    height: int = 20
    small: bool = False

    @property
    def found(self) -> tuple[Item, ...]:
        """What the search leaves of the list."""
        words = self.search.casefold().split()
        return tuple(item for item in self.items if all(word in item.words for word in words))

    @property
    def current(self) -> Item | None:
        """The proposal that the cursor is on."""
        found = self.found
        return found[min(self.at, len(found) - 1)] if found else None

    @property
    def seen_whole(self) -> bool:
        """Whether the open card has been on the screen to its end."""
        return self.card is not None and self.seen >= len(self.card.lines)
