"""What a browser is, in a few words of ours: what it calls itself is anybody's text and is never repeated."""

from __future__ import annotations

from typing import Final

_PROGRAMS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
_SOME_PROGRAM: Final = "a browser"
_SOME_SYSTEM: Final = "an unknown system"
KINDS: Final = tuple(
    f"{program} on {system}"
    for program in (*(name for _, name in _PROGRAMS), _SOME_PROGRAM)
    for system in (*(name for _, name in _SYSTEMS), _SOME_SYSTEM)
)
"""Everything that a browser can be called here."""


def described(browser: str) -> str:
    """Return a browser in words, such as `Firefox on Linux`."""
    program = next((name for mark, name in _PROGRAMS if mark in browser), _SOME_PROGRAM)
    system = next((name for mark, name in _SYSTEMS if mark in browser), _SOME_SYSTEM)
    return f"{program} on {system}"
