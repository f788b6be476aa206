"""Words whose letters are of several alphabets: `paypal` with a Cyrillic `a` is another word, and looks the same."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_LETTER: Final = re.compile(r"[^\W\d_]")
_ALPHABETS: Final = ("Latin", "Greek", "Cyrillic", "Armenian", "Coptic", "Cherokee", "Lisu", "Deseret", "Fullwidth")
_SEVERAL: Final = re.compile(r"([0-9])(?!\1)[0-9]")


def mixed(text: str) -> str | None:
    """Return the alphabets of the first word that mixes them, such as `Latin and Cyrillic`; None where no word does.

    Texts may be very long: each is gone through once, as the numbers of its letters' alphabets with a space between words.
    """
    table = {ord(letter): _number(letter) for letter in set(text)}
    if len(set(table.values()) - {"", " "}) < 2:  # noqa: PLR2004  # nothing to mix
        return None
    numbers = text.translate(table)
    found = _SEVERAL.search(numbers)
    if found is None:
        return None
    word = numbers[found.start() :].partition(" ")[0]
    return " and ".join(name for number, name in enumerate(_ALPHABETS) if str(number) in word)


def _number(letter: str) -> str:
    if not _LETTER.match(letter):
        return " "
    alphabet = alphabet_of(letter)
    return "" if alphabet is None else str(_ALPHABETS.index(alphabet))


def alphabet_of(letter: str) -> str | None:
    """Return the alphabet of a letter, where it is one that others can be taken for."""
    first = unicodedata.name(letter, "").partition(" ")[0].capitalize()
    return first if first in _ALPHABETS else None
