"""A translation while it is made: our plain data, where each part of it came from, and what was refused or changed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from synapsor.contract.document import Path
from synapsor.contract.public.types import Types
from synapsor.contract.public.words import WAITS, Said

_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ODD: Final = re.compile(r"[^a-z0-9_]+")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_MOST: Final = 63


@dataclass(slots=True)
class Draft:
    """What has come of a document so far."""

    types: Types
    data: dict[str, Any] = field(default_factory=dict)
    origins: dict[Path, str] = field(default_factory=dict)
    refused: list[Said] = field(default_factory=list)
    notes: list[Said] = field(default_factory=list)
    waits: frozenset[str] = field(default_factory=lambda: frozenset(WAITS))

    def refuse(self, path: str, word: str, detail: str = "") -> None:
        """Record why something is not served."""
        self.refused.append(Said(path, word, detail))

    def note(self, path: str, word: str, detail: str = "") -> None:
        """Record what is other than in the document."""
        self.notes.append(Said(path, word, detail))

    def needs(self, feature: str, path: str) -> None:
        """Refuse what waits for a feature; what is served already passes."""
        if feature in self.waits:
            self.refuse(path, feature)

    def put(self, path: Path, value: Any, origin: str) -> None:
        """Set a part of our data and remember where it came from."""
        into: dict[Any, Any] = self.data
        for step in path[:-1]:
            into = into.setdefault(step, {})
        into[path[-1]] = value
        self.origins[path] = origin

    def origin(self, path: Path) -> str:
        """Return where a part of our data, or its nearest parent, came from."""
        while path and path not in self.origins:
            path = path[:-1]
        return self.origins.get(path, "$")


def plain(name: str) -> str:
    """Return a name as ours are written: lower case, with underscores."""
    return _ODD.sub("_", _CAMEL.sub("_", name).casefold()).strip("_")


def renamed(draft: Draft, names: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return our name of each name, given with its path; what does not fit or becomes one with another is refused."""
    found: dict[str, str] = {}
    for name, path in names:
        ours = plain(name)
        if not _NAME.fullmatch(ours) or len(ours) > _MOST:
            draft.refuse(path, "name_unfit", f"It is `{name}`.")
        elif ours in found.values():
            draft.refuse(path, "name_clash", f"It is `{ours}`.")
        elif ours != name:
            draft.note(path, "renamed", f"It is `{ours}`.")
        found[name] = ours
    return found
