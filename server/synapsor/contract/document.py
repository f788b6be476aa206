"""YAML as reviewers read it: plain mappings, lists and scalars, each with its line and column.

Whatever could mean one thing to a person and another to a program is refused: aliases, tags, duplicate keys, words that YAML
versions read differently, and characters that cannot be seen.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from synapsor.errors import Problem
from synapsor.values import SAFE_INTEGER

Path: TypeAlias = tuple[str | int, ...]
Place: TypeAlias = tuple[int, int]

MAX_DEPTH = 12
_MOST_PROBLEMS = 100
_IN_LINK = 4  # tables, a name, links, a name
_BRIEF = 64
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)\Z", re.ASCII)
_AMBIGUOUS = re.compile(
    r"(?:y|n|yes|no|on|off|true|false|null|~|[-+]?0[xob][0-9a-f_]+|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?|[-+]?[0-9][0-9_]*)\Z",
    re.ASCII | re.IGNORECASE,
)
_DECIMAL = re.compile(
    r"[-+]?(?:(?:[0-9][0-9_]*\.?|\.[0-9])[0-9_]*(?:e[-+]?[0-9]+)?|\.(?:inf|nan))\Z", re.ASCII | re.IGNORECASE
)
_WORDS = {"true": True, "false": False, "null": None}
_VISIBLE_BLANKS = "\t\n "
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)


@dataclass(frozen=True, slots=True)
class Positions:
    """Where every key and value of a file stands; a path that is not in the file stands where its nearest parent does."""

    file: str
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)

    def key(self, path: Path) -> Place:
        """Return the place of a key, or of the list item itself."""
        return self._nearest(self.keys, path)

    def value(self, path: Path) -> Place:
        """Return the place of a value."""
        return self._nearest(self.values, path)

    def _nearest(self, places: dict[Path, Place], path: Path) -> Place:
        while path:
            if path in places:
                return places[path]
            if path in self.keys:
                return self.keys[path]
            if path in self.values:
                return self.values[path]
            path = path[:-1]
        return (1, 1)

    def at_key(self, path: Path, rule: str, message: str, fix: str = "") -> Problem:
        """Return a problem with a key."""
        return Problem(self.file, *self.key(path), rule, printable(message), printable(fix))

    def at_value(self, path: Path, rule: str, message: str, fix: str = "") -> Problem:
        """Return a problem with a value."""
        return Problem(self.file, *self.value(path), rule, printable(message), printable(fix))


@dataclass(frozen=True, slots=True)
class Document:
    """A file's data, the places of its parts, and what is wrong with its YAML. A wrong scalar is kept as its text."""

    data: Any
    positions: Positions
    problems: list[Problem]


def hidden(character: str) -> bool:
    """Tell whether a character cannot be seen, or changes how others are seen."""
    if character in _VISIBLE_BLANKS:
        return False
    return unicodedata.category(character)[0] in "CZ" or bool(_IGNORABLE.match(character))


def printable(text: str) -> str:
    """Return a text that is safe to show: a question mark for whatever cannot be seen."""
    return "".join(c if c.isprintable() and not hidden(c) else "?" for c in text)


def hidden_characters(text: str, file: str) -> list[Problem]:
    """Return a problem for each character of a file that a reviewer cannot see."""
    text = text.replace("\r\n", "\n")
    bad = {c for c in set(text) if hidden(c)}
    places = (
        [
            (number, column, c)
            for number, line in enumerate(text.split("\n"), 1)
            for column, c in enumerate(line, 1)
            if c in bad
        ]
        if bad
        else []
    )
    return [
        Problem(file, line, column, "SYN003", f"U+{ord(c):04X} cannot be seen here.", "Remove it.")
        for line, column, c in places[:_MOST_PROBLEMS]
    ]


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""PyYAML's own scanner says the same of a file and takes twenty times as long; a PyYAML that was built without libyaml has no other."""
_NO_CHARACTER = "found invalid Unicode character escape code"
"""How libyaml refuses an escape for half a character, which PyYAML's own scanner lets pass."""
_UNSEEN = ("SYN003", "An escape stands for a character that cannot be seen.", "Remove it.")


def read_document(text: str, file: str) -> Document:
    """Return the one document of a file."""
    document = Document({}, Positions(file), [])
    reader = _Reader(document)
    try:
        data = reader.read(yaml.parse(text, Loader=_LOADER))
    except _Stop:
        data = None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if error.problem == _NO_CHARACTER:
            reader.report(mark, *_UNSEEN)
        else:
            reader.report(mark, "SYN004", f"This is not valid YAML: {error.problem or 'it cannot be read'}.")
        data = None
    except yaml.YAMLError:
        reader.report(None, "SYN004", "This is not valid YAML.")
        data = None
    return Document(data, document.positions, document.problems)


class _Stop(Exception):
    """The file cannot be read further."""


class _Reader:
    """Builds plain data from YAML events; PyYAML's own composer would resolve what is refused here."""

    def __init__(self, document: Document) -> None:
        self._keys = document.positions.keys
        self._values = document.positions.values
        self._problems = document.problems
        self._file = document.positions.file
        self._events: Iterator[yaml.Event] = iter(())

    def report(self, mark: Any, rule: str, message: str, fix: str = "") -> None:
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        self._problems.append(Problem(self._file, line, column, rule, printable(message), fix))
        if len(self._problems) >= _MOST_PROBLEMS:
            raise _Stop

    def read(self, events: Iterator[yaml.Event]) -> Any:
        self._events = events
        next(events)
        start = next(events)
        if not isinstance(start, yaml.DocumentStartEvent):
            self.report(start.start_mark, "SYN104", "The file is empty.", "Begin it with `synapsor: 1`.")
            return None
        if start.version or start.tags:
            self.report(
                start.start_mark, "SYN005", "A directive is not allowed.", "Remove the lines that begin with %."
            )
        root = next(events)
        data = self._node(root, (), 1)
        if data is None:
            self.report(root.start_mark, "SYN104", "The file is empty.", "Begin it with `synapsor: 1`.")
        next(events)
        more = next(events)
        if isinstance(more, yaml.DocumentStartEvent):
            self.report(more.start_mark, "SYN005", "A second document begins here.", "Put it in a file of its own.")
            raise _Stop
        return data

    def _node(self, event: Any, path: Path, depth: int, *, key: bool = False) -> Any:
        mark = event.start_mark
        self._values[path] = (mark.line + 1, mark.column + 1)
        if depth > MAX_DEPTH:
            self.report(mark, "SYN013", f"This is nested deeper than {MAX_DEPTH} levels.")
            raise _Stop
        if isinstance(event, yaml.AliasEvent):
            self.report(mark, "SYN006", "An alias is not allowed.", "Write the value out.")
            return ""
        if event.anchor is not None:
            self.report(mark, "SYN006", "An anchor is not allowed.", "Remove it.")
        if event.tag is not None:
            self.report(mark, "SYN007", "A tag is not allowed.", "Remove it; the reference says what each key holds.")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path, depth)
        return self._scalar(event, key=key)

    def _mapping(self, path: Path, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._key(event, path, depth)
            mark: Any = event.start_mark
            if key in found:
                self.report(mark, "SYN008", f"`{_brief(key)}` is given twice.", "Keep one of them.")
                self._node(next(self._events), (*path, key, "again"), depth + 1)
                continue
            self._keys[*path, key] = (mark.line + 1, mark.column + 1)
            found[key] = self._node(next(self._events), (*path, key), depth + 1)
        return found

    def _key(self, event: Any, path: Path, depth: int) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            self.report(event.start_mark, "SYN009", "A key must be plain text.")
            self._node(event, (*path, "?"), depth + 1)
            return "?"
        if event.value == "<<" and not event.style:
            self.report(event.start_mark, "SYN006", "A merge key is not allowed.", "Write the keys out.")
        before = len(self._problems)
        value = event.value if _is_on(event, path) else self._node(event, (*path, event.value), depth, key=True)
        if not isinstance(value, str) and len(self._problems) == before:
            self.report(event.start_mark, "SYN009", "A key must be plain text.", "Put it in quotes.")
        return str(event.value)

    def _sequence(self, path: Path, depth: int) -> list[Any]:
        found: list[Any] = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            found.append(self._node(event, (*path, len(found)), depth + 1))
        return found

    def _scalar(self, event: yaml.ScalarEvent, *, key: bool) -> Any:
        text = str(event.value)
        if event.style:
            if any(hidden(c) for c in text):
                self.report(event.start_mark, *_UNSEEN)
            return text
        if text in _WORDS:
            return _WORDS[text]
        if text == "":
            self.report(event.start_mark, "SYN014", "A value is missing.", "Write the value, or `null`.")
        elif _INTEGER.match(text):
            # Length first: Python refuses to read an integer of many thousands of digits.
            if len(text) > len(str(-SAFE_INTEGER)) or abs(int(text)) > SAFE_INTEGER:
                self.report(
                    event.start_mark,
                    "SYN012",
                    "The whole number is too large to be read exactly.",
                    "Put it in quotes if it is text.",
                )
                return 0
            return int(text)
        elif _AMBIGUOUS.match(text):
            fix = "Put it in quotes." if key else _mend(text)
            self.report(event.start_mark, "SYN010", f"`{_brief(text)}` is read differently by YAML versions.", fix)
        elif _DECIMAL.match(text):
            self.report(event.start_mark, "SYN011", "A decimal number may lose digits.", "Put it in quotes.")
        return text


def _is_on(event: yaml.ScalarEvent, path: Path) -> bool:
    """Tell whether this is the key `on` of a link: in its place no YAML version means anything else."""
    plain = event.value == "on" and not event.style and event.anchor is None and event.tag is None
    return plain and len(path) == _IN_LINK and path[0] == "tables" and path[2] == "links"


def _mend(text: str) -> str:
    folded = text.casefold()
    if folded in {"null", "~"}:
        return "Write `null`, or put it in quotes."
    word = "true" if folded in {"y", "yes", "on", "true"} else "false" if folded in {"n", "no", "off", "false"} else ""
    return (
        f"Write `{word}`, or put it in quotes if it is text."
        if word
        else "Put it in quotes, or write it in plain digits."
    )


def _brief(text: str) -> str:
    return text if len(text) <= _BRIEF else text[:_BRIEF] + "…"
