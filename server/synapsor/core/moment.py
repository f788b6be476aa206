"""Instants as text: UTC, ISO 8601, always six decimal places, so that text order is time order."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Final, TypeAlias

CLOCKS_APART: Final = dt.timedelta(minutes=5)
"""How far the clocks of two processes may be apart, or one may be behind with what it does."""
_STAMP: Final = re.compile(r"[1-8][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
"""The years leave room at both ends for what is reckoned from an instant."""


def stamp(moment: dt.datetime) -> str:
    """Return the instant as `2026-11-23T20:17:00.000000Z`."""
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse(text: str) -> dt.datetime:
    """Return the instant that `stamp` wrote.

    Raises:
        ValueError: the text is not an instant.
    """
    return dt.datetime.fromisoformat(text)


def earliest(at: str) -> str:
    """Return the moment from which on what is dated so counts, by a clock that may be a little behind the one that dated it."""
    return stamp(parse(at) - CLOCKS_APART)


def is_stamp(text: str) -> bool:
    """Tell whether a text is an instant as `stamp` writes it."""
    if _STAMP.fullmatch(text) is None:
        return False
    try:
        parse(text)
    except ValueError:
        return False
    return True


def are_stamps(*texts: str) -> bool:
    """Tell whether texts are instants as `stamp` writes them, so that their order is that of time."""
    return all(is_stamp(text) for text in texts)


def are_close(one: str, other: str) -> bool:
    """Tell whether two texts are instants no further from each other than clocks may be."""
    return are_stamps(one, other) and abs(parse(one) - parse(other)) <= CLOCKS_APART


Instant: TypeAlias = Annotated[str, is_stamp]
"""A field of a record that holds an instant."""
