"""Instants as text: UTC, ISO 8601, always six decimal places, so that text order is time order."""

from __future__ import annotations

import datetime as dt
from typing import Final

CLOCKS_APART: Final = dt.timedelta(minutes=5)
"""How far the clocks of two processes may be apart, or one may be behind with what it does."""


def stamp(moment: dt.datetime) -> str:
    """Return the instant as `2026-11-23T20:17:00.000000Z`."""
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse(text: str) -> dt.datetime:
    """Return the instant that `stamp` wrote.

    Raises:
        ValueError: the text is not an instant.
    """
    return dt.datetime.fromisoformat(text)


def are_stamps(*texts: str) -> bool:
    """Tell whether texts are as `stamp` writes instants, so that their order is that of time."""
    try:
        return all(stamp(parse(text)) == text for text in texts)
    except (ValueError, OverflowError):
        return False
