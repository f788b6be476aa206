"""Which channels a notice goes to, and when a channel may be disturbed: pure functions of the configuration and the time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from synapsor.config.events import QUIETLY
from synapsor.config.notify import Channel, Notify, Quiet, Route
from synapsor.core.moment import parse
from synapsor.notify.notice import Notice

FLOOD = 5
"""More messages than this within `LULL` become one, where people read them."""

URGENT_FLOOD = 20
"""The same of what is urgent."""

LULL = dt.timedelta(minutes=10)


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


def batches(
    channel: Channel, held: Sequence[tuple[Notice, str]], now: dt.datetime, *, recent: int = 0
) -> Iterator[tuple[Notice, ...]]:
    """Yield what goes out now, each batch as one message; a notice comes with the moment since which it is held.

    What is urgent is not collected and not held back. What is collected goes out together when the oldest of it was held for long enough.
    People who had many messages lately (`recent`) get no more until there is a lull.
    """
    quiet = is_quiet(channel.quiet, now)
    if not quiet and channel.digest is None and channel.webhook is not None:
        yield from ((notice,) for notice, _ in held)
        return
    urgent = [notice for notice, _ in held if notice.urgent]
    yield from _messages(channel, urgent, URGENT_FLOOD - recent)
    rest = [(notice, since) for notice, since in held if not notice.urgent]
    if not rest or quiet:
        return
    if channel.digest is None:
        yield from _messages(channel, [notice for notice, _ in rest], FLOOD - recent)
    elif now - parse(rest[0][1]) >= dt.timedelta(minutes=channel.digest.minutes):
        yield tuple(notice for notice, _ in rest)


def _messages(channel: Channel, notices: Sequence[Notice], room: int) -> Iterator[tuple[Notice, ...]]:
    """Yield each as a message where there is room for them, all as one where there is little, and nothing where there is none."""
    if channel.webhook is not None or len(notices) <= room:
        yield from ((notice,) for notice in notices)
    elif room > 0:
        yield tuple(notices)
