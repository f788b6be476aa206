"""Whether a notifier is at work, seen from outside: its own file says when it looked at the ledger last. It only reads, and makes no file.

A notifier that is stopped tells nobody, that it is stopped included; so those who look at the inbox, the console and the status are told.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from synapsor.config.notify import Notify
from synapsor.core.moment import parse
from synapsor.core.plain import span
from synapsor.core.words import many

_BUSY_SECONDS: Final = 1
_LOOK: Final = """
SELECT
    (SELECT at FROM moment WHERE name = 'alive') AS alive,
    (SELECT seq FROM cursor) AS seq,
    (SELECT count(*) FROM message WHERE state IN ('waiting', 'sending')) AS waiting,
    (SELECT min(at) FROM message WHERE state IN ('waiting', 'sending')) AS since,
    (SELECT count(*) FROM message WHERE state = 'dead') AS dead
"""


class Life(StrEnum):
    """What is known of a notifier."""

    ALIVE = "alive"
    LATE = "late"  # it has not looked at the ledger for longer than `late_minutes`
    NEVER = "never"  # none has begun on this state
    UNKNOWN = "unknown"  # its state cannot be read by whoever asks


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """How a notifier stands.

    Attributes:
        at: when it looked at the ledger last.
        seq: the event up to which it has read the ledger.
        waiting: how many messages are to be sent, and `since` when the oldest of them is.
        dead: how many were given up.
        ago: how long it is since `at`.
    """

    life: Life
    at: str | None = None
    seq: int | None = None
    waiting: int = 0
    since: str | None = None
    dead: int = 0
    ago: dt.timedelta | None = None

    @property
    def warning(self) -> str:
        """A sentence for whoever relies on being told, or "" while a notifier is at work."""
        if self.life is Life.LATE and self.ago is not None:
            return f"No notifier has run for {span(self.ago)}, so nobody is told: start `synapsor notifier`."
        if self.life is Life.NEVER:
            return "No notifier has run yet, so nobody is told: start `synapsor notifier`."
        if self.life is Life.UNKNOWN:
            return "Whether a notifier runs cannot be told: its state cannot be read."
        if self.dead:
            return f"{many(self.dead, 'message was', 'messages were')} given up: see `synapsor notifier dead list`."
        return ""


def sign_of(notify: Notify, now: dt.datetime) -> Sign:
    """Return how the notifier of a project stands; it waits for a second at the most."""
    if not _is_there(notify.state):
        return Sign(life=Life.NEVER)
    try:
        row = _read(notify.state)
    except (OSError, sqlite3.Error):
        return Sign(life=Life.UNKNOWN)
    alive, seq, waiting, since, dead = row
    if alive is None:
        return Sign(life=Life.NEVER, waiting=waiting, since=since, dead=dead)
    ago = now - parse(alive)
    late = ago > dt.timedelta(minutes=notify.late_minutes)
    life = Life.LATE if late else Life.ALIVE
    return Sign(life=life, at=alive, seq=seq, waiting=waiting, since=since, dead=dead, ago=ago)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return True  # something stands in the way, so it is not known that nothing is there


def _read(path: Path) -> tuple[str | None, int | None, int, str | None, int]:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
    try:
        row: tuple[str | None, int | None, int, str | None, int] = connection.execute(_LOOK).fetchone()
    finally:
        connection.close()
    return row
