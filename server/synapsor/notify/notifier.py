"""The notifier: follow the ledger, keep what is to be told, make messages of it, and deliver each of them at least once."""

from __future__ import annotations

import datetime as dt
import json
import logging
import secrets
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

import anyio

from synapsor.config.events import Event
from synapsor.config.notify import Notify
from synapsor.core.history import Mark
from synapsor.core.moment import parse, stamp
from synapsor.core.proposal import Status
from synapsor.errors import UsageError
from synapsor.notify.chronicle import Chronicle
from synapsor.notify.message import Message, message_of
from synapsor.notify.notice import Notice, Teller, as_data, from_data
from synapsor.notify.posting import LONGEST_REST, Outcome
from synapsor.notify.refused import counted, oldest
from synapsor.notify.refused import told as told_of
from synapsor.notify.reminding import expired, overdue
from synapsor.notify.routing import LULL, batches, channels_of
from synapsor.notify.state import Queued, Reminder, State
from synapsor.ports import Clock

log = logging.getLogger("synapsor.notify")

PAGE: Final = 256
FIRST_REST: Final = 5.0
KEPT: Final = dt.timedelta(days=7)
"""How long it is remembered that a message arrived."""

BETWEEN_SIGNS: Final = dt.timedelta(seconds=15)
NEVER: Final = "9999-12-31T23:59"
"""A minute that comes after all others."""


class Sender(Protocol):
    """A channel as it is reached; implemented by `webhook`, `slack` and `mail`."""

    async def send(self, message: Message, now: dt.datetime, *, reached: Collection[str] = ()) -> Outcome:
        """Try once to deliver a message to those of its receivers whom it has not reached yet."""
        ...

    def shown(self, message: Message, now: dt.datetime) -> str:
        """Return what would be sent."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often it is looked for something to do, in seconds."""

    poll: float = 1.0
    scan: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What came of one attempt; `dead` when it was the last one."""

    message: str
    channel: str
    why: str
    dead: bool
    total: int


@dataclass(kw_only=True)
class Notifier:
    """One process that tells; the state belongs to it alone.

    Attributes:
        jitter: a number from 0 to 1, by which waiting times differ.
        report: is told what came of every attempt.
    """

    notify: Notify
    chronicle: Chronicle
    state: State
    senders: Mapping[str, Sender]
    clock: Clock
    pace: Pace = field(default_factory=Pace)
    jitter: Callable[[], float] = field(default_factory=lambda: secrets.SystemRandom().random)
    report: Callable[[Delivered], None] = field(default=lambda _: None)
    _scan_at: dt.datetime | None = None
    _alive_at: dt.datetime | None = None
    _teller: Teller = field(init=False)

    def __post_init__(self) -> None:
        self._teller = Teller(self.chronicle)

    async def start(self, since: int | None = None) -> None:
        """Find the place to go on from; without one, it is the ledger's head, or the event that `since` names.

        Raises:
            UsageError: there is a place already, or no such event.
        """
        if self.state.cursor() is not None:
            if since is not None:
                raise UsageError(
                    "This notifier has begun already, so --since has no meaning.",
                    fix="Leave it out; or move the state away, and what was told may be told again.",
                )
        else:
            await self._begin(since)
        for channel in self.state.unserved(list(self.senders)):
            log.warning("something waits for %s, which is no channel any more", channel, extra={"action": "unserved"})

    async def _begin(self, since: int | None) -> None:
        if since is None:
            # What had expired before is no news either.
            gone = await expired(self.chronicle, now=self._now())
            with self.state.together():
                for proposal in gone:
                    self.state.remind(proposal, Reminder(expired=True))
        mark = await self.chronicle.head() if since is None else await self.chronicle.mark(since)
        if mark is None:
            raise UsageError(f"The ledger has no event {since}.", fix="`synapsor verify` tells the number of the last.")
        self.state.move(mark)

    async def run(self, stop: anyio.Event) -> None:
        """Tell until told to stop; what is being sent then is finished."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._until, stop, self.look)
            for channel in self.senders:
                tasks.start_soon(self._until, stop, self._serving(channel, stop))

    async def once(self) -> None:
        """Tell what is due now."""
        await self.look()
        async with anyio.create_task_group() as tasks:
            for channel in self.senders:
                tasks.start_soon(self._serving(channel))

    async def look(self) -> None:
        """Take over what happened, and make messages of what may go out now."""
        while await self._take():
            pass
        await self._remind()
        self._sum_up()
        await self._compose()
        self.state.forget(before=stamp(self.clock.now() - KEPT))
        self._sign_of_life()

    def outbox(self) -> list[Message]:
        """Return the messages that would be sent now, in order; each is taken as sent."""
        found: list[Message] = []
        for channel in self.senders:
            while (queued := self.state.next(channel, now=self._now())) is not None:
                self.state.begin(queued.message.id, now=self._now())
                found.append(queued.message)
        return found

    async def _until(self, stop: anyio.Event, job: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while not stop.is_set():
            await job()
            with anyio.move_on_after(self.pace.poll):
                await stop.wait()

    async def _take(self) -> bool:
        """Take a page of the ledger over, with the place up to which it was read; False when that was the last."""
        cursor = self.state.cursor()
        assert cursor is not None  # noqa: S101  # `start` was called
        entries = await self.chronicle.after(cursor, limit=PAGE)
        if not entries:
            return False
        notices = [n for entry in entries if (n := await self._teller.of(entry)) is not None]
        with self.state.together():
            for notice in notices:
                if not self._told_before(notice):
                    self._hold(notice)
            for minute in counted(entries):
                self.state.count_refused(minute)
            self.state.move(Mark(ledger=cursor.ledger, seq=entries[-1].seq, hash=entries[-1].hash))
        return len(entries) == PAGE

    def _told_before(self, notice: Notice) -> bool:
        """Tell whether it is known already that a proposal expired, and remind nobody any more of what left review."""
        if not notice.event.about.left:
            return False
        told = self.state.reminder(notice.proposal)
        self.state.no_reminder(notice.proposal)
        return notice.event is Event.EXPIRED and told.expired

    async def _remind(self) -> None:
        """Look for proposals that wait for too long, now and then."""
        now = self.clock.now()
        if self._scan_at is not None and now < self._scan_at:
            return
        self._scan_at = now + dt.timedelta(seconds=self.pace.scan)
        found = await overdue(self.chronicle, self._teller, self.state.reminders(), self.notify.waiting, now=stamp(now))
        with self.state.together():
            for notice, told in found:
                self._hold(notice)
                self.state.remind(notice.proposal, told)

    def _sum_up(self) -> None:
        """Tell of the attempts that were refused, when they were many, and not again for a while."""
        minutes = self.state.refused()
        if not minutes:
            return
        now, last = self.clock.now(), self.state.moment("refused_told")
        notice = told_of(minutes, self.notify.refused, last=last, now=now)
        with self.state.together():
            if notice is not None:
                self._hold(notice)
                self.state.happened("refused_told", at=stamp(now))
            self.state.forget_refused(before=NEVER if notice else oldest(self.notify.refused, last=last, now=now))

    def _sign_of_life(self) -> None:
        """Say that the ledger was looked at, now and then."""
        now = self.clock.now()
        if self._alive_at is None or abs(now - self._alive_at) >= BETWEEN_SIGNS:
            self.state.happened("alive", at=stamp(now))
            self._alive_at = now

    def _hold(self, notice: Notice) -> None:
        body = json.dumps(as_data(notice), ensure_ascii=False)
        for channel in channels_of(notice, self.notify):
            self.state.hold(channel, notice.key, body, since=self._now())

    async def _compose(self) -> None:
        now = self.clock.now()
        made: list[tuple[Message, list[str]]] = []
        for name, channel in self.notify.channels.items():
            held = [(from_data(json.loads(body)), since) for body, since in self.state.held(name)]
            recent = self.state.recent(name, since=stamp(now - LULL)) if held else 0
            for batch in batches(channel, held, now, recent=recent):
                message = message_of(self.chronicle.id, name, batch, at=stamp(now))
                told = [await self._as_it_stands(notice) for notice in message.notices]
                made.append((replace(message, notices=tuple(told)), [notice.key for notice in batch]))
        if made:
            with self.state.together():
                for message, keys in made:
                    self.state.post(message, keys)

    async def _as_it_stands(self, notice: Notice) -> Notice:
        """Return a notice that asks for a decision with what became of its proposal meanwhile."""
        record = await self._teller.record(notice.proposal) if notice.asks else None
        if record is None or record.status is Status.REVIEW_REQUIRED:
            return notice
        return replace(notice, stands=record.status.value)

    def _serving(self, channel: str, stop: anyio.Event | None = None) -> Callable[[], Coroutine[Any, Any, None]]:
        async def serve() -> None:
            while not (stop and stop.is_set()) and (queued := self.state.next(channel, now=self._now())) is not None:
                await self._deliver(queued)

        return serve

    async def _deliver(self, queued: Queued) -> None:
        message = queued.message
        now = self.clock.now()
        self.state.begin(message.id, now=stamp(now))
        outcome = await self.senders[message.channel].send(message, now, reached=queued.reached)
        dead = self._settle(queued, outcome)
        if outcome.why:
            log.warning(
                "%s for %s did not arrive: %s%s",
                message.id,
                message.channel,
                outcome.why,
                ", given up" if dead else "",
                extra={"action": "notify_dead" if dead else "notify_failed"},
            )
        told = Delivered(message=message.id, channel=message.channel, why=outcome.why, dead=dead, total=message.total)
        self.report(told)

    def _settle(self, queued: Queued, outcome: Outcome) -> bool:
        """Record what came of an attempt; True when there is no further one."""
        message, now = queued.message, self.clock.now()
        if outcome.arrived:
            self.state.sent(message, now=stamp(now))
            return False
        reached = tuple(dict.fromkeys((*queued.reached, *outcome.reached)))
        tried_for = now - parse(queued.first_at) if queued.first_at else dt.timedelta(0)
        retry = self.notify.retry
        last = queued.attempts + 1 >= retry.attempts or tried_for >= dt.timedelta(hours=retry.hours)
        if last or not outcome.again:
            self.state.give_up(message.id, now=stamp(now), why=outcome.why, reached=reached)
            return True
        failures = self.state.failures(message.channel) + 1
        due = now + dt.timedelta(seconds=self._rest(failures, outcome.after))
        self.state.put_off(message, due=stamp(due), why=outcome.why, failures=failures, reached=reached)
        return False

    def _rest(self, failures: int, wanted: float | None) -> float:
        longest = min(FIRST_REST * 2.0 ** min(failures - 1, 30), LONGEST_REST)
        return max(longest * (0.5 + self.jitter() / 2), min(wanted or 0.0, LONGEST_REST))

    def _now(self) -> str:
        return stamp(self.clock.now())
