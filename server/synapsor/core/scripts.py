"""Words whose letters are of several alphabets: `paypal` with a Cyrillic `a` is another word, and looks the same."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_WORD: Final = re.compile(r"[^\W\d_]*[^\W\d_\x00-\x7f][^\W\d_]*")
_ALPHABETS: Final = ("Latin", "Greek", "Cyrillic", "Armenian", "Coptic", "Cherokee", "Lisu", "Deseret", "Fullwidth")


def mixed(text: str) -> str | None:
    """Return the alphabets of the first word that mixes them, such as `Latin and Cyrillic`; None where no word does."""
    for word in _WORD.finditer(text):
        found = {alphabet_of(letter) for letter in word[0]} - {None}
        if len(found) > 1:
            return " and ".join(name for name in _ALPHABETS if name in found)
    return None


def alphabet_of(letter: str) -> str | None:
    """Return the alphabet of a letter, where it is one that others can be taken for."""
    first = unicodedata.name(letter, "").partition(" ")[0].capitalize()
    return first if first in _ALPHABETS else None
