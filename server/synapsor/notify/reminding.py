"""Which proposals wait for too long or have expired, found by looking: nothing happens in a ledger when nobody does anything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

from synapsor.config.events import Event
from synapsor.config.notify import Waiting
from synapsor.core.history import Pending
from synapsor.core.moment import parse
from synapsor.notify.chronicle import Chronicle
from synapsor.notify.notice import Notice, Teller
from synapsor.notify.state import Reminder

PAGE = 500


async def overdue(
    chronicle: Chronicle,
    teller: Teller,
    known: Mapping[str, Reminder],
    waiting: Waiting,
    *,
    now: str,
) -> list[tuple[Notice, Reminder]]:
    """Return what is to be told of proposals in review, each with what is known to be told after it."""
    found: list[tuple[Notice, Reminder]] = []
    after = 0
    while page := await chronicle.in_review(after=after, limit=PAGE):
        for seq, pending in page:
            after = seq
            told = known.get(pending.id, Reminder())
            event = _due(pending, told, waiting, now)
            if event is None:
                continue
            if (notice := await _notice(teller, pending, event, told, now)) is not None:
                found.append((notice, _after(told, event, now)))
    return found


async def expired(chronicle: Chronicle, *, now: str) -> list[str]:
    """Return the proposals in review whose time is over."""
    found: list[str] = []
    after = 0
    while page := await chronicle.in_review(after=after, limit=PAGE):
        after = page[-1][0]
        found += [pending.id for _, pending in page if now >= pending.expires_at]
    return found


def _due(pending: Pending, told: Reminder, waiting: Waiting, now: str) -> Event | None:
    if now >= pending.expires_at:
        return None if told.expired else Event.EXPIRED
    since, wait = pending.at, dt.timedelta(minutes=waiting.after_minutes)
    if told.times:
        since, wait = told.last_at, dt.timedelta(hours=waiting.again_hours)
    late = parse(now) - parse(since) >= wait
    return Event.WAITING if late and told.times < waiting.at_most else None


def _after(told: Reminder, event: Event, now: str) -> Reminder:
    if event is Event.EXPIRED:
        return replace(told, expired=True)
    return replace(told, times=told.times + 1, last_at=now)


async def _notice(teller: Teller, pending: Pending, event: Event, told: Reminder, now: str) -> Notice | None:
    key = f"expired:{pending.id}" if event is Event.EXPIRED else f"waiting:{pending.id}:{told.times + 1}"
    at = pending.expires_at if event is Event.EXPIRED else now
    return await teller.about(Notice(key=key, event=event, at=at), pending.id)
