"""One object of a public contract with its place, and the findings that are collected over all of them; nothing stops at the first.

A path is the format's own, such as `$.capabilities[0].proposal.patch.status`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from synapsor.contract.public.codes import CODES
from synapsor.contract.public.forms import Test, is_extension

ROOT: Final = "$"

Row: TypeAlias = tuple[str, Test, str]
"""A key, the form that its value must have, and the code that is reported otherwise."""


@dataclass(frozen=True, slots=True, order=True)
class Issue:
    """One finding: where, and under which code of the format."""

    path: str
    code: str

    @property
    def message(self) -> str:
        """The sentence of its code."""
        return CODES[self.code]


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found so far; each place and code once."""

    errors: dict[Issue, None] = field(default_factory=dict)
    warnings: dict[Issue, None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """One object of the document."""

    data: Mapping[str, Any]
    path: str
    found: Findings

    def __contains__(self, key: str) -> bool:
        return key in self.data

    def get(self, key: str) -> Any:
        """Return the value of a key; a missing one and null look alike, which is right wherever null is wrong."""
        return self.data.get(key)

    def at(self, key: str) -> str:
        """Return the path of a key."""
        return f"{self.path}.{key}"

    def wrong(self, code: str, *keys: str) -> None:
        """Report an error here, or at what is below."""
        self.found.errors[Issue(".".join((self.path, *keys)), code)] = None

    def warn(self, code: str, key: str) -> None:
        """Report a warning at a key."""
        self.found.warnings[Issue(self.at(key), code)] = None

    def closed(self, *known: str) -> None:
        """Report every key that is neither known nor an extension."""
        for key in self.data:
            if key not in known and not is_extension(key):
                self.wrong("UNKNOWN_CORE_FIELD", key)

    def needs(self, *rows: Row) -> None:
        """Report each key whose value, also a missing one, has not the form."""
        for key, test, code in rows:
            if not test(self.get(key)):
                self.wrong(code, key)

    def may(self, *rows: Row) -> None:
        """Report each key that is there with a value that has not the form."""
        for key, test, code in rows:
            if key in self.data and not test(self.data[key]):
                self.wrong(code, key)

    def forbids(self, code: str, *keys: str) -> None:
        """Report each of these keys that is there."""
        for key in keys:
            if key in self.data:
                self.wrong(code, key)

    def child(self, key: str) -> Part | None:
        """Return the object under a key, if there is one."""
        return part_of(self.get(key), self.at(key), self.found)

    def inner(self, key: str, code: str, *known: str) -> Part | None:
        """Return the object under a key, closed; report it when something else is there, or nothing."""
        found = self.child(key)
        if found is None:
            self.wrong(code, key)
        else:
            found.closed(*known)
        return found

    def optional(self, key: str, code: str, *known: str) -> Part | None:
        """Return the object under a key, closed; report it when something else is there."""
        return self.inner(key, code, *known) if key in self.data else None

    def items(self, key: str, code: str) -> Iterator[Part]:
        """Yield the objects of the list under a key, and report its items that are none."""
        listed = self.get(key)
        for index, item in enumerate(listed if isinstance(listed, list) else []):
            path = f"{self.at(key)}[{index}]"
            found = part_of(item, path, self.found)
            if found is None:
                self.found.errors[Issue(path, code)] = None
            else:
                yield found

    def names(self, key: str) -> tuple[str, ...]:
        """Return the texts of the list under a key."""
        listed = self.get(key)
        return tuple(item for item in listed if isinstance(item, str)) if isinstance(listed, list) else ()


def part_of(value: Any, path: str, found: Findings) -> Part | None:
    """Return a value as a part, if it is an object."""
    return Part(value, path, found) if isinstance(value, dict) else None


def once(parts: Iterable[tuple[Part, Any]], key: str, code: str) -> None:
    """Report the later of two parts that have the same name."""
    seen: set[str] = set()
    for part, name in parts:
        if isinstance(name, str) and name in seen:
            part.wrong(code, key)
        elif isinstance(name, str):
            seen.add(name)
