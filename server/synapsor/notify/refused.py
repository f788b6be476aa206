"""Refused logins and decisions, counted by the minute and told together: anybody can bring them about, and nobody may flood others by it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from synapsor.config.events import Event
from synapsor.config.notify import Refused
from synapsor.core.history import Entry
from synapsor.core.moment import parse, stamp
from synapsor.notify.notice import COUNTED_ONLY, Notice

_TO_THE_MINUTE = len("2026-11-23T20:17")
MOST = 1_000_000
"""More than this is not believed of one event that says how many it stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """What was refused within one minute.

    Attributes:
        last_seq: the number of the last event that is counted.
    """

    minute: str
    first_at: str
    last_at: str
    last_seq: int
    logins: int
    decisions: int

    @property
    def total(self) -> int:
        """How many attempts they were."""
        return self.logins + self.decisions


def counted(entries: Iterable[Entry]) -> tuple[Minute, ...]:
    """Return the refused attempts among events of the ledger, minute by minute."""
    found: dict[str, Minute] = {}
    for entry in entries:
        if entry.kind not in COUNTED_ONLY:
            continue
        one = _one(entry)
        known = found.get(one.minute)
        found[one.minute] = one if known is None else _sum(known, one)
    return tuple(found.values())


def told(minutes: Sequence[Minute], refused: Refused, *, last: str | None, now: dt.datetime) -> Notice | None:
    """Return the one notice of all that is counted, if it was enough within a stretch of time and nobody was told lately."""
    resting = last is not None and now - parse(last) < dt.timedelta(minutes=refused.again_minutes)
    if resting or not any(many >= refused.at_least for many in _within(minutes, refused.within_minutes)):
        return None
    return Notice(
        key=f"refused:{max(one.last_seq for one in minutes)}",
        event=Event.ATTEMPTS_REFUSED,
        at=max(one.last_at for one in minutes),
        since=min(one.first_at for one in minutes),
        refused_logins=sum(one.logins for one in minutes),
        refused_decisions=sum(one.decisions for one in minutes),
    )


def oldest(refused: Refused, *, last: str | None, now: dt.datetime) -> str:
    """Return the first minute that still counts: all since the last time that it was told, while nobody is told again."""
    edge = now - dt.timedelta(minutes=refused.within_minutes)
    if last is not None and now - parse(last) < dt.timedelta(minutes=refused.again_minutes):
        edge = min(edge, parse(last))
    return stamp(edge)[:_TO_THE_MINUTE]


def _one(entry: Entry) -> Minute:
    is_login = entry.kind == "login_refused"
    # A door that is knocked at too often records some, and of the others how many.
    more = entry.facts.get("unrecorded", 0) if is_login else 0
    number = 1 + (min(more, MOST) if isinstance(more, int) and more > 0 else 0)
    return Minute(
        minute=entry.at[:_TO_THE_MINUTE],
        first_at=entry.at,
        last_at=entry.at,
        last_seq=entry.seq,
        logins=number if is_login else 0,
        decisions=0 if is_login else number,
    )


def _sum(one: Minute, other: Minute) -> Minute:
    return replace(
        one,
        first_at=min(one.first_at, other.first_at),
        last_at=max(one.last_at, other.last_at),
        last_seq=max(one.last_seq, other.last_seq),
        logins=one.logins + other.logins,
        decisions=one.decisions + other.decisions,
    )


def _within(minutes: Sequence[Minute], length: int) -> Iterator[int]:
    """Yield how many were refused within each stretch of so many minutes that begins with a counted one."""
    for first in minutes:
        end = stamp(parse(f"{first.minute}:00.000000Z") + dt.timedelta(minutes=length))[:_TO_THE_MINUTE]
        yield sum(one.total for one in minutes if first.minute <= one.minute < end)
