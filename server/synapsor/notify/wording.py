"""What people are told, in words: short lines of untrusted text made visible, and where to look at the whole of it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from synapsor.config.events import Event
from synapsor.core.moment import parse
from synapsor.core.outcome import meaning_of
from synapsor.core.plain import is_right_to_left, span, visible
from synapsor.core.proposal import Status
from synapsor.core.words import many
from synapsor.notify.message import Message
from synapsor.notify.notice import Notice

LONGEST: Final = 120
"""Characters of one untrusted word or value."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_.]{0,126}\Z")

_COUNTED: Final = {event.value: event.about.counted for event in Event}


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A label of ours, and beside it what is said; `foreign` where others chose the words."""

    label: str
    text: str
    foreign: bool = True


def short(text: str) -> str:
    """Return untrusted text that no reader could be fooled by, cut where it is long."""
    seen = visible(text[: LONGEST * 4])
    return seen if len(seen) <= LONGEST and len(text) <= LONGEST * 4 else f"{seen[:LONGEST]}…"


def named(text: str) -> str:
    """Return a name of the contract, which stands where no markup may; what is none was not written by a contract."""
    return text if _NAME.match(text) else "a change of no known name"


def topic(notice: Notice) -> str:
    """Return what one notice of several is about: an event, and the change that it happened to, where it happened to one."""
    event = notice.event.replace("_", " ")
    return f"{event}: {named(notice.capability)}" if notice.proposal else event


def headline(message: Message) -> str:
    """Return what a message is about, in one line of our words and names of the contract."""
    if not message.is_digest:
        return _headline(message.notices[0])
    said = (f"{number} {_COUNTED[event]}" for event, number in message.counts if event in _COUNTED)
    return f"{', '.join(said)}"


def _headline(notice: Notice) -> str:
    happened = notice.event.about.happened
    if not notice.proposal:
        return happened
    risk = " (high risk)" if notice.risk == "high" else ""
    return f"{named(notice.capability)} {happened}{risk}"


def details(notice: Notice, now: dt.datetime) -> Iterator[Words]:
    """Yield what is told of a notice beyond its headline."""
    if not notice.proposal:
        yield from _refused(notice)
        if _steers(notice):
            yield Words(label="source", text=short(notice.source) if notice.source else "all of them")
        if notice.by:
            yield Words(label="by", text=short(", ".join(notice.by)))
            yield Words(label="why", text=f"`{_status_of(notice)}` tells the reason", foreign=False)
        return
    yield Words(label="proposal", text=short(notice.proposal))
    if notice.stands:
        yield Words(label="by now", text=f"it {Status(notice.stands).stands}", foreign=False)
    what = f"{notice.operation} of {many(notice.rows, 'row', 'rows')}, {notice.risk} risk"
    yield Words(label="what", text=what, foreign=False)
    for one in notice.told:
        row = f" of row {one.row}" if notice.rows > 1 else ""
        yield Words(label=f"{named(one.column)}{row}", text=_change(one.before, one.after, notice.operation))
    if notice.asks:
        people = f", {notice.need} people" if notice.need > 1 else ""
        yield Words(label="needs", text=f"{short(notice.role)}{people}")
    if notice.by and notice.event is Event.PARTLY_APPROVED:
        yield Words(label="so far", text=f"approved by {short(', '.join(notice.by))}")
    elif notice.by:
        yield Words(label="by", text=short(", ".join(notice.by)))
    yield Words(label="asked by", text=f"{short(notice.principal)}, through {short(notice.client)}")
    yield Words(label="asked", text=f"{span(now - parse(notice.asked_at))} ago", foreign=False)
    if notice.asks:
        yield Words(label="expires", text=_until(notice.expires_at, now), foreign=False)
    if notice.policy:
        limits = f": {', '.join(notice.limits)}" if notice.limits else ""
        yield Words(label="policy", text=short(f"{notice.policy}{limits}"))
    yield from _because(notice)


def _because(notice: Notice) -> Iterator[Words]:
    if notice.code:
        meaning = meaning_of(notice.code)
        yield Words(label="because", text=short(f"{notice.code}: {meaning}" if meaning else notice.code), foreign=False)
    if notice.accepted:
        yield Words(label="but", text="the application had accepted it, so it may be done", foreign=False)


def _refused(notice: Notice) -> Iterator[Words]:
    told = ((notice.refused_logins, "login", "logins"), (notice.refused_decisions, "decision", "decisions"))
    said = " and ".join(many(number, one, several) for number, one, several in told if number)
    if said:
        yield Words(label="refused", text=said, foreign=False)
        yield Words(label="since", text=notice.since, foreign=False)


def _steers(notice: Notice) -> bool:
    return notice.event.about.topic == "worker"


def _status_of(notice: Notice) -> str:
    return "synapsor worker status" if _steers(notice) else "synapsor policy status"


def _change(before: str | None, after: str | None, operation: str) -> str:
    was, will = ("nothing" if value is None else short(value) for value in (before, after))
    if operation == "delete":
        return was
    if operation == "insert" or before == after:
        return will
    # An arrow between letters that run from the right is turned round with them; words of ours are not.
    return f"{was}, and is to be {will}" if is_right_to_left(was + will) else f"{was} → {will}"


def _until(expires_at: str, now: dt.datetime) -> str:
    left = parse(expires_at) - now
    return f"in {span(left)}" if left > dt.timedelta(0) else "now: it has expired"


def where(notice: Notice, console_url: str | None) -> str:
    """Return where to look at a proposal: a plain link without any secret, or the command that shows it."""
    if notice.event is Event.ATTEMPTS_REFUSED:
        return f"{console_url.rstrip('/')}/people" if console_url else "synapsor operator refused"
    if not notice.proposal:
        return f"{console_url.rstrip('/')}/worker" if console_url and _steers(notice) else _status_of(notice)
    return (
        f"{console_url.rstrip('/')}/proposals/{notice.proposal}" if console_url else f"synapsor show {notice.proposal}"
    )


def everything(console_url: str | None) -> str:
    """Return where to look at all that waits."""
    return f"{console_url.rstrip('/')}/" if console_url else "synapsor inbox"
