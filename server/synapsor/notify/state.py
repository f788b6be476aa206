"""The notifier's own file: up to where it has read, what it has still to tell, and what became of each message.

It lies beside the ledger and apart from it, so that the notifier needs no right to write the ledger. What is read is taken over in one
transaction with the place up to which it was read, and an attempt is recorded before anything is sent: a kill at any moment loses nothing
and at the most sends again, under the same id.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeAlias

from synapsor.core.history import Mark
from synapsor.errors import LedgerFailure, UsageError
from synapsor.named import queries
from synapsor.notify.message import Message, as_text, from_text
from synapsor.notify.refused import Minute

Moment: TypeAlias = Literal["alive", "refused_told"]
"""What the notifier remembers the last time of: that it looked at the ledger, and that it told of refused attempts."""

_VERSION = 2
_APPLICATION = 0x53594E4E  # "SYNN", in the file's header
_BUSY_SECONDS = 10
_WORDS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "input or output failed",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_BUSY: "another process holds it",
    sqlite3.SQLITE_CORRUPT: "it is damaged",
    sqlite3.SQLITE_NOTADB: "it is another program's file",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A message that is to be sent, how often that was tried, since when (None before the first attempt), and whom of several it has reached."""

    message: Message
    attempts: int
    first_at: str | None
    reached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """A message that did not arrive so far: how often it was tried, why not, and when it is tried again."""

    id: str
    channel: str
    due: str
    attempts: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """A message that was given up, when and why, and whom of several it has reached all the same."""

    message: Message
    attempts: int
    ended_at: str
    why: str
    reached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """What was told of a proposal that waits: how often, when last, and whether that it has expired."""

    times: int = 0
    last_at: str = ""
    expired: bool = False


class State:
    """The file, while it is open. Every method is one transaction unless it is called within `together`.

    Raises, from every method:
        LedgerFailure: nothing was written, or nothing can be read.
    """

    def __init__(self, connection: sqlite3.Connection, lock: int | None = None) -> None:
        self._connection = connection
        self._lock = lock
        self._queries = queries(__package__ or "")

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make one transaction of what is done inside: all of it, or nothing."""
        with _told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def cursor(self) -> Mark | None:
        """Return up to where the ledger was read; None before the first time."""
        row = self._one("cursor")
        return Mark(ledger=row["ledger"], seq=row["seq"], hash=row["hash"]) if row else None

    def move(self, mark: Mark) -> None:
        """Remember up to where the ledger was read."""
        self._do("set_cursor", ledger=mark.ledger, seq=mark.seq, hash=mark.hash)

    def hold(self, channel: str, key: str, body: str, *, since: str) -> None:
        """Keep a notice for a channel, once."""
        self._do("hold", channel=channel, key=key, since=since, body=body)

    def held(self, channel: str) -> tuple[tuple[str, str], ...]:
        """Return what is kept for a channel, oldest first, each with the moment since which it is kept."""
        return tuple((row["body"], row["since"]) for row in self._all("held", channel=channel))

    def post(self, message: Message, keys: Sequence[str]) -> None:
        """Add a message of what was held under these keys, which is held no more."""
        self._do("insert_message", id=message.id, channel=message.channel, at=message.at, body=as_text(message))
        for key in keys:
            self._do("let_go", channel=message.channel, key=key)

    def next(self, channel: str, *, now: str) -> Queued | None:
        """Return the oldest message of a channel that is due, unless the channel rests."""
        rest = self._one("rest", channel=channel)
        row = None if rest and rest["until"] > now else self._one("next_message", channel=channel, now=now)
        if row is None:
            return None
        message = from_text(row["id"], row["channel"], row["body"])
        return Queued(
            message=message,
            attempts=row["attempts"],
            first_at=row["first_at"],
            reached=tuple(json.loads(row["reached"])),
        )

    def recent(self, channel: str, *, since: str) -> int:
        """Return how many messages were made for a channel after a moment."""
        row = self._one("recent", channel=channel, since=since)
        return int(row["number"]) if row else 0

    def begin(self, message_id: str, *, now: str) -> None:
        """Count an attempt, before it is made."""
        self._do("begin", id=message_id, now=now)

    def sent(self, message: Message, *, now: str) -> None:
        """A message arrived, so its channel works."""
        with self.together():
            self._do("sent", id=message.id, now=now)
            self._do("end_rest", channel=message.channel)

    def put_off(self, message: Message, *, due: str, why: str, failures: int, reached: Sequence[str] = ()) -> None:
        """An attempt failed; neither this message nor its channel is tried again before `due`."""
        with self.together():
            self._do("put_off", id=message.id, due=due, why=why, reached=json.dumps(list(reached)))
            self._do("set_rest", channel=message.channel, failures=failures, until=due)

    def give_up(self, message_id: str, *, now: str, why: str, reached: Sequence[str] = ()) -> None:
        """A message is given up; whom it has reached is remembered, for when it is tried again."""
        self._do("give_up", id=message_id, now=now, why=why, reached=json.dumps(list(reached)))

    def failures(self, channel: str) -> int:
        """Return how often in a row a channel has failed."""
        row = self._one("rest", channel=channel)
        return int(row["failures"]) if row else 0

    def recover(self) -> None:
        """What was being sent when the last process ended is sent again."""
        self._do("recover")

    def forget(self, *, before: str) -> None:
        """Forget messages that arrived before a moment."""
        self._do("forget", before=before)

    def dead(self) -> tuple[Dead, ...]:
        """Return the messages that were given up, oldest first."""
        return tuple(
            Dead(
                message=from_text(row["id"], row["channel"], row["body"]),
                attempts=row["attempts"],
                ended_at=row["ended_at"],
                why=row["why"],
                reached=tuple(json.loads(row["reached"])),
            )
            for row in self._all("dead")
        )

    def to_retry(self) -> tuple[Retry, ...]:
        """Return the messages that did not arrive at first and are tried again, oldest first."""
        return tuple(
            Retry(
                id=row["id"], channel=row["channel"], due=row["due_at"], attempts=row["attempts"], why=row["why"] or ""
            )
            for row in self._all("to_retry")
        )

    def requeue(self, message_id: str, *, now: str) -> bool:
        """Try a message again that was given up; False when there is no such one."""
        return self._do("requeue", id=message_id, now=now) > 0

    def discard(self, message_id: str) -> bool:
        """Throw a message away that was given up; False when there is no such one."""
        return self._do("discard", id=message_id) > 0

    def unserved(self, channels: Sequence[str]) -> tuple[str, ...]:
        """Return the channels for which something waits and that are not among these."""
        return tuple(sorted({row["channel"] for row in self._all("unserved")} - set(channels)))

    def reminders(self) -> dict[str, Reminder]:
        """Return what was told of each proposal that waits."""
        return {row.pop("proposal"): _reminder(row) for row in self._all("reminders")}

    def reminder(self, proposal: str) -> Reminder:
        """Return what was told of one proposal that waits."""
        row = self._one("reminder", proposal=proposal)
        return _reminder(row) if row else Reminder()

    def remind(self, proposal: str, told: Reminder) -> None:
        """Remember what was told of a proposal that waits."""
        self._do("remind", proposal=proposal, times=told.times, last_at=told.last_at, expired=int(told.expired))

    def no_reminder(self, proposal: str) -> None:
        """A proposal waits no more."""
        self._do("no_reminder", proposal=proposal)

    def moment(self, name: Moment) -> str | None:
        """Return when something happened last, or None."""
        row = self._one("moment", name=name)
        return str(row["at"]) if row else None

    def happened(self, name: Moment, *, at: str) -> None:
        """Remember when something happened last."""
        self._do("set_moment", name=name, at=at)

    def count_refused(self, minute: Minute) -> None:
        """Count refused attempts of a minute beside those that are counted."""
        self._do("count_refused", **asdict(minute))

    def refused(self) -> tuple[Minute, ...]:
        """Return what is counted and not told yet, minute by minute."""
        return tuple(Minute(**row) for row in self._all("refused"))

    def forget_refused(self, *, before: str) -> None:
        """Count the minutes before one no more."""
        self._do("forget_refused", before=before)

    def copy(self) -> State:
        """Return a copy in memory, for trying out what would be done."""
        memory = _connected(":memory:")
        with _told():
            self._connection.backup(memory)
        return State(memory)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
        if self._lock is not None:
            os.close(self._lock)

    def _do(self, query: str, **params: Any) -> int:
        with _told():
            return self._connection.execute(self._queries[query], params).rowcount

    def _one(self, query: str, **params: Any) -> dict[str, Any] | None:
        return next(iter(self._all(query, **params)), None)

    def _all(self, query: str, **params: Any) -> list[dict[str, Any]]:
        with _told():
            return [dict(row) for row in self._connection.execute(self._queries[query], params)]


def open_state(path: Path, *, alone: bool) -> State:
    """Open the notifier's file, and make it where there is none; `alone` is for the one process that sends.

    Raises:
        LedgerFailure: it cannot be opened, or is not the notifier's.
        UsageError: another notifier is running on it.
    """
    lock: int | None = None
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = _only_one(path) if alone else None
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        if stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
            path.chmod(0o600)
        state = State(_connected(f"{path.absolute().as_uri()}?mode=rw"), lock)
    except OSError as error:
        _release(lock)
        raise LedgerFailure(
            f"The notifier's state {path.name} cannot be opened ({os.strerror(error.errno or 0).lower()}).",
            fix="Its user must own the file and its directory: `notify: state:` in synapsor.yaml.",
        ) from None
    except BaseException:
        _release(lock)
        raise
    if alone:
        state.recover()
    return state


def empty_state() -> State:
    """Return a state in memory, as before the first start."""
    return State(_connected(":memory:"))


def _release(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)


def _only_one(path: Path) -> int:
    """Hold the file's lock; apart from the file itself, since closing any descriptor of that would take SQLite's own locks away."""
    handle = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise UsageError(
            "Another notifier is running on this state.", fix="One is enough; end it, or name another `notify: state:`."
        ) from None
    return handle


def _connected(database: str) -> sqlite3.Connection:
    with _told():
        connection = sqlite3.connect(database, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA temp_store = MEMORY")
            _make(connection)  # first, so that a file that is not ours stays as it is
            connection.execute("PRAGMA journal_mode = WAL")  # an attempt waits for the disk once, and not four times
        except BaseException:
            connection.close()
            raise
    return connection


def _make(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    ours = connection.execute("PRAGMA application_id").fetchone()[0] == _APPLICATION
    if ours and version == _VERSION:
        return
    if ours or version or connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise LedgerFailure(
            "The notifier's state is another version's, or another program's file.",
            fix="Name another `notify: state:`.",
        )
    text = (files(__package__ or "") / "schema.sql").read_text(encoding="utf-8")
    connection.executescript(
        f"BEGIN IMMEDIATE;\n{text}\nPRAGMA application_id = {_APPLICATION};\nPRAGMA user_version = {_VERSION};\nCOMMIT;"
    )


@contextmanager
def _told() -> Iterator[None]:
    """Raise SQLite's failures as ours, without its text."""
    try:
        yield
    except sqlite3.Error as error:
        why = _WORDS.get((getattr(error, "sqlite_errorcode", None) or 0) & 0xFF, "SQLite refused")
        raise LedgerFailure(
            f"The notifier's state failed: {why}.", fix="Look at its disk and its owner; nothing was lost."
        ) from None


def _reminder(row: dict[str, Any]) -> Reminder:
    return Reminder(times=row["times"], last_at=row["last_at"], expired=bool(row["expired"]))
