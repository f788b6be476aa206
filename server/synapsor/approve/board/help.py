"""What the keys of the board do, in the two lines below it and on its page of help, for any width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from synapsor.approve.board.kept import Mode
from synapsor.core.plain import cells, fold, padded

_ANSWER: Final = ("Enter approve", "Esc back")
KEYS: Final[Mapping[Mode, tuple[str, ...]]] = {
    Mode.LIST: ("j/k move", "Enter open", "a approve", "r reject", "x choose", "/ search", "q leave", "? help"),
    Mode.CARD: ("space on", "a approve", "r reject", "l look now", "f in full", "n next", "Esc back", "? help"),
    Mode.SEARCH: ("Enter keep", "Esc forget"),
    Mode.DIGEST: _ANSWER,
    Mode.CODE: _ANSWER,
    Mode.REASON: ("Enter reject", "Esc back"),
    Mode.HELP: ("space on", "any other key back"),
}
PROMPTS: Final[Mapping[Mode, str]] = {
    Mode.SEARCH: "search",
    Mode.DIGEST: "the digest's first 8 characters, after sha256",
    Mode.CODE: "the one-time code of your authenticator",
    Mode.REASON: "a number, your own words, or both",
}
_HELP: Final = (
    ("j k ↓ ↑", "move"),
    ("space b", "a page on, a page back; Home and End to the ends"),
    ("Enter o", "open the card"),
    ("l", "look at the source now: how the rows stand, and what the change touches beside them"),
    ("f", "show long values in full"),
    (
        "a",
        "approve: read the card to its end, then type its digest, and your code where one is needed; the source is looked at meanwhile",
    ),
    ("r", "reject, with a reason that the agent is told"),
    ("", "to ask the agent, edit or give more time, leave the board: synapsor question, edit or extend HANDLE"),
    ("x", "choose several: a shows one after another, r rejects each of them"),
    ("n", "leave this one of several as it is, and go on"),
    ("/", "search"),
    ("g", "look again; the list also follows by itself"),
    ("Esc", "back; in the list, forget the search and what is chosen"),
    ("q", "leave"),
)
_KEY: Final = 9
_BETWEEN: Final = "  "
MOST: Final = 3
"""Lines of keys at the most."""


def key_lines(mode: Mode, width: int, most: int) -> list[str]:
    """Return what the keys do, in `most` lines; of what there is no room for, the last, which leads to the rest, stays."""
    *units, last = KEYS[mode]
    lines = _joined([*units, last], width)
    while len(lines) > most and units:
        units.pop()
        lines = _joined([*units, last], width)
    return lines[:most]


def lines_of_keys(width: int) -> int:
    """Return how many lines the keys take at the most, whatever they mean."""
    return min(MOST, max(len(_joined(units, width)) for units in KEYS.values()))


def help_lines(width: int) -> list[str]:
    """Return the page of help, folded to a width."""
    found: list[str] = []
    for key, does in _HELP:
        first, *more = fold(does, max(10, width - _KEY - 1))
        found += [f"{padded(key, _KEY)} {first.rstrip()}", *(f"{' ' * (_KEY + 1)}{part.strip()}" for part in more)]
    return found


def _joined(units: Sequence[str], width: int) -> list[str]:
    lines = [""]
    for unit in units:
        longer = f"{lines[-1]}{_BETWEEN}{unit}" if lines[-1] else unit
        if cells(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(unit)
    return lines
