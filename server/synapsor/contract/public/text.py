"""JSON text read strictly, every part with its place: what two readers could understand in two ways is reported, not guessed.

Duplicate keys, numbers that a reader would round, NaN, comments, characters that nobody sees, and depths that only an attacker needs.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from synapsor.contract.document import hidden
from synapsor.contract.public.part import ROOT
from synapsor.values import SAFE_INTEGER, lone_surrogate

MAX_DEPTH: Final = 64
_MOST_PROBLEMS: Final = 100
_BLANK: Final = re.compile(r"[ \t\n\r]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)
_STRING: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_DIGITS: Final = 400

JSON_RULES: Final[dict[str, str]] = {
    "json_invalid": "The text is JSON, as RFC 8259 has it.",
    "json_duplicate_key": "A key is given once in its object; readers do not agree on which of two counts.",
    "json_inexact_number": "A number is one that every reader keeps as it is written: no NaN, no overflow, no lost digit.",
    "json_hidden_character": "No text holds a character that a reviewer cannot see, written out or escaped.",
    "json_too_deep": f"The document is nested at most {MAX_DEPTH} levels deep.",
}
"""What a document must keep to before the format's own rules are asked, by a word that never changes."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong with a JSON text."""

    line: int
    column: int
    rule: str
    path: str

    @property
    def message(self) -> str:
        """The sentence of its rule."""
        return JSON_RULES[self.rule]


@dataclass(frozen=True, slots=True)
class Text:
    """What a JSON text holds, where each part of it stands, and what is wrong with it. `data` is None when it cannot be read."""

    data: Any
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def place(self, path: str) -> tuple[int, int]:
        """Return the place of a path, or of its nearest parent."""
        while path not in self.places and path:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.places.get(path, (1, 1))


def read_json(text: str) -> Text:
    """Return what a JSON text holds."""
    reader = _Reader(text)
    try:
        data = reader.whole()
    except _Stop:
        data = None
    return Text(data, reader.places, reader.faults)


class _Stop(Exception):
    """The text cannot be read further."""


class _Reader:
    """A reader by descent, bounded in depth; Python's own keeps the last of two keys and tells no places."""

    def __init__(self, text: str) -> None:
        self.places: dict[str, tuple[int, int]] = {}
        self.faults: list[Fault] = []
        self._text = text
        self._at = 0
        self._lines = [found.end() for found in re.finditer("\n", text)]

    def whole(self) -> Any:
        data = self._value(ROOT, 1)
        if self._next():
            self._stop("json_invalid", ROOT)
        return data

    def _place(self, at: int) -> tuple[int, int]:
        low, high = 0, len(self._lines)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self._lines[middle] <= at else (low, middle)
        return low + 1, at - (self._lines[low - 1] if low else 0) + 1

    def _report(self, rule: str, path: str, at: int | None = None) -> None:
        self.faults.append(Fault(*self._place(self._at if at is None else at), rule, path))
        if len(self.faults) >= _MOST_PROBLEMS:
            raise _Stop

    def _stop(self, rule: str, path: str) -> None:
        self._report(rule, path)
        raise _Stop

    def _next(self) -> str:
        """Pass over blanks and return the next character, or ""."""
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._text[self._at : self._at + 1]

    def _value(self, path: str, depth: int) -> Any:
        first = self._next()
        self.places.setdefault(path, self._place(self._at))
        if depth > MAX_DEPTH:
            self._stop("json_too_deep", path)
        if first == "{":
            return self._object(path, depth)
        if first == "[":
            return self._list(path, depth)
        if first == '"':
            return self._string(path)
        return self._word(path)

    def _object(self, path: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for _ in self._items(path, "}"):
            if self._next() != '"':
                self._stop("json_invalid", path)
            at = self._at
            key = self._string(path)
            here = f"{path}.{key}"
            if key in found:
                self._report("json_duplicate_key", here, at)
            self.places[here] = self._place(at)
            if self._next() != ":":
                self._stop("json_invalid", here)
            self._at += 1
            found[key] = self._value(here, depth + 1)
        return found

    def _list(self, path: str, depth: int) -> list[Any]:
        return [self._value(f"{path}[{index}]", depth + 1) for index in self._items(path, "]")]

    def _items(self, path: str, end: str) -> Iterator[int]:
        """Yield a number before each item, and see to the commas between them."""
        self._at += 1
        if self._next() == end:
            self._at += 1
            return
        index = 0
        while True:
            yield index
            index += 1
            mark = self._next()
            self._at += 1
            if mark == end:
                return
            if mark != ",":
                self._at -= 1
                self._stop("json_invalid", path)

    def _string(self, path: str) -> str:
        at = self._at
        found = _STRING.match(self._text, at)
        if found is None:
            self._stop("json_invalid", path)
            return ""
        self._at = found.end()
        text = str(json.loads(found[0]))
        if lone_surrogate(text) or any(hidden(character) for character in text):
            self._report("json_hidden_character", path, at)
        return text

    def _word(self, path: str) -> Any:
        for word, value in _WORDS.items():
            if self._text.startswith(word, self._at):
                self._at += len(word)
                return value
        found = _NUMBER.match(self._text, self._at)
        if found is None:
            self._stop("json_invalid", path)
            return None
        at, self._at = self._at, found.end()
        number = _number(found[0], decimal=bool(found[1] or found[2]))
        if number is None:
            self._report("json_inexact_number", path, at)
        return 0 if number is None else number


def _number(text: str, *, decimal: bool) -> int | float | None:
    """Return a number that every reader keeps as it is, whole ones as integers; None for any other."""
    if len(text) > _DIGITS:
        return None
    number = float(text)
    if not math.isfinite(number) or abs(number) > SAFE_INTEGER:
        return None
    if not decimal:
        return int(text)
    if Decimal(repr(number)) != Decimal(text):
        return None
    return int(number) if number.is_integer() else number
