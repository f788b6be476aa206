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


def described(browser: str) -> str:
    """Return a browser in words, such as `Firefox on Linux`."""
    program = next((name for mark, name in _PROGRAMS if mark in browser), "a browser")
    system = next((name for mark, name in _SYSTEMS if mark in browser), "an unknown system")
    return f"{program} on {system}"
