"""Whether a new text repeats what was read: an agent that was told by a row to copy another one leaves the piece in both.

Case, width and spaces do not count. What a value held before is its own, and copied from nowhere.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple

from synapsor.values import Token

LEAST: Final = 16
"""Characters of a piece that is told; shorter ones are in common by chance."""

MOST_TEXT: Final = 20_000
"""Characters of a new text that are compared."""


class Piece(NamedTuple):
    """A piece that a new text has in common with one of the texts that were read; `at` says which."""

    at: int
    text: str


def plain(text: str) -> str:
    """Return a text as it is compared."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def pieces(new: str, before: Token, read: Sequence[str]) -> list[Piece]:
    """Return the longest piece of each text that was read, the longest first; those are compared as `plain` returns them."""
    text, held = plain(new)[:MOST_TEXT], plain(before or "")
    windows: dict[str, int] = {}
    for at in range(len(text) - LEAST + 1):
        windows.setdefault(text[at : at + LEAST], at)
    for at in range(len(held) - LEAST + 1) if windows else ():
        windows.pop(held[at : at + LEAST], None)
    if not windows:
        return []
    found = [Piece(at, longest.strip()) for at, other in enumerate(read) if (longest := _longest(text, windows, other))]
    return sorted(found, key=lambda piece: -len(piece.text))


def _longest(text: str, windows: dict[str, int], other: str) -> str:
    longest, at = "", 0
    while at <= len(other) - LEAST:
        start = windows.get(other[at : at + LEAST])
        if start is None:
            at += 1
            continue
        length = LEAST
        while at + length < len(other) and start + length < len(text) and other[at + length] == text[start + length]:
            length += 1
        if length > len(longest):
            longest = text[start : start + length]
        at += length - LEAST + 1
    return longest
