"""Instants as text: UTC, ISO 8601, always six decimal places, so that text order is time order."""

from __future__ import annotations

import datetime as dt


def stamp(moment: dt.datetime) -> str:
    """Return the instant as `2026-11-23T20:17:00.000000Z`."""
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse(text: str) -> dt.datetime:
    """Return the instant that `stamp` wrote.

    Raises:
        ValueError: the text is not an instant.
    """
    return dt.datetime.fromisoformat(text)
