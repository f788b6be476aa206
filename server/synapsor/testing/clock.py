"""A clock that shows what a test tells it to show."""

from __future__ import annotations

import datetime as dt


class TestClock:
    """Starts at a fixed instant and moves only when told to."""

    __test__ = False  # not a test class, whatever its name begins with

    def __init__(self, start: dt.datetime | None = None) -> None:
        self.moment = start or dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

    def now(self) -> dt.datetime:
        """Return the instant it was set to."""
        return self.moment

    def move(self, **delta: float) -> None:
        """Move by a `timedelta` of these parts; backwards too."""
        self.moment += dt.timedelta(**delta)
