"""Which channels a notice goes to, and when a channel may be disturbed: pure functions of the configuration and the time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from synapsor.config.notify import QUIETLY, Channel, Notify, Quiet, Route
from synapsor.core.moment import parse
from synapsor.notify.notice import Notice

FLOOD = 5
"""More messages than this at once become one, where people read them."""


def channels_of(notice: Notice, notify: Notify) -> Iterator[str]:
    """Yield the channels that a notice goes to, each once; without routes every channel hears what a person may have to do."""
    routes = notify.routes or (Route(to=tuple(notify.channels), events=QUIETLY),)
    yield from dict.fromkeys(name for route in routes if _fits(notice, route) for name in route.to)


def _fits(notice: Notice, route: Route) -> bool:
    if notice.event not in route.events:
        return False
    wanted = (
        (route.capabilities, notice.capability),
        (route.contracts, notice.contract),
        (route.roles, notice.role),
        (route.risks, notice.risk),
    )
    return all(not listed or value in listed for listed, value in wanted)


def is_quiet(quiet: Quiet | None, now: dt.datetime) -> bool:
    """Tell whether a moment is within quiet hours, by the clock of their own zone."""
    if quiet is None:
        return False
    clock = now.astimezone(ZoneInfo(quiet.zone)).strftime("%H:%M")
    if quiet.from_ < quiet.to:
        return quiet.from_ <= clock < quiet.to
    return clock >= quiet.from_ or clock < quiet.to


def batches(channel: Channel, held: Sequence[tuple[Notice, str]], now: dt.datetime) -> Iterator[tuple[Notice, ...]]:
    """Yield what goes out now, each batch as one message; a notice comes with the moment since which it is held.

    What is urgent waits for nothing. What is collected goes out together when the oldest of it was held for long enough.
    """
    quiet = is_quiet(channel.quiet, now)
    if not quiet and channel.digest is None:
        yield from _messages(channel, [notice for notice, _ in held])
        return
    yield from _messages(channel, [notice for notice, _ in held if notice.urgent])
    rest = [(notice, since) for notice, since in held if not notice.urgent]
    if rest and not quiet and channel.digest is not None:
        oldest = parse(rest[0][1])
        if now - oldest >= dt.timedelta(minutes=channel.digest.minutes):
            yield tuple(notice for notice, _ in rest)


def _messages(channel: Channel, notices: Sequence[Notice]) -> Iterator[tuple[Notice, ...]]:
    if channel.webhook is None and len(notices) > FLOOD:
        yield tuple(notices)
    else:
        yield from ((notice,) for notice in notices)
