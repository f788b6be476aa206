"""Words whose letters are of several alphabets: `paypal` with a Cyrillic `a` is another word, and looks the same."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_WORD: Final = re.compile(r"[^\W\d_]+")
"""Letters in a row, and nothing about which: an expression that wants a certain one among them takes a square of a long word's time."""
_ALPHABETS: Final = ("Latin", "Greek", "Cyrillic", "Armenian", "Coptic", "Cherokee", "Lisu", "Deseret", "Fullwidth")


def mixed(text: str) -> str | None:
    """Return the alphabets of the first word that mixes them, such as `Latin and Cyrillic`; None where no word does."""
    alphabets = {letter: alphabet_of(letter) for letter in set(text)}
    several = len(set(alphabets.values()) - {None}) > 1
    for word in _WORD.finditer(text) if several else ():
        found = {alphabets[letter] for letter in set(word[0])} - {None}
        if len(found) > 1:
            return " and ".join(name for name in _ALPHABETS if name in found)
    return None


def alphabet_of(letter: str) -> str | None:
    """Return the alphabet of a letter, where it is one that others can be taken for."""
    first = unicodedata.name(letter, "").partition(" ")[0].capitalize()
    return first if first in _ALPHABETS else None
