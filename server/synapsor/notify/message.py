"""A message: what one delivery tells, made once and kept until it arrived, so that every attempt says the same under the same id."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from synapsor.notify.notice import Notice, as_data, from_data

MOST_LISTED = 20
"""How many notices of a digest are told one by one; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One delivery to one channel.

    Attributes:
        id: the same at every attempt, and the same again if the notifier's state was lost.
        counts: how often what happened, over all that it tells.
        oldest: when the first of it happened.
        notices: those that are told one by one, urgent ones first.
    """

    id: str
    channel: str
    at: str
    counts: tuple[tuple[str, int], ...]
    oldest: str
    notices: tuple[Notice, ...]

    @property
    def total(self) -> int:
        """How many things it tells of."""
        return sum(number for _, number in self.counts)

    @property
    def is_digest(self) -> bool:
        """Whether it tells of more than one thing."""
        return self.total > 1


def message_of(ledger: str, channel: str, notices: Sequence[Notice], *, at: str) -> Message:
    """Return the message that tells a channel of these."""
    named = json.dumps([ledger, channel, [notice.key for notice in notices]]).encode()
    first = sorted(notices, key=lambda n: (not n.urgent, not n.asks))[:MOST_LISTED]
    listed = (replace(notice, told=()) for notice in first) if len(notices) > 1 else first  # a digest tells no value
    return Message(
        id=f"msg_{hashlib.sha256(named).hexdigest()[:32]}",
        channel=channel,
        at=at,
        counts=tuple(sorted(Counter(notice.event for notice in notices).items())),
        oldest=min(notice.at for notice in notices),
        notices=tuple(listed),
    )


def as_text(message: Message) -> str:
    """Return a message as it is kept."""
    kept = {
        "at": message.at,
        "counts": dict(message.counts),
        "oldest": message.oldest,
        "notices": [as_data(n) for n in message.notices],
    }
    return json.dumps(kept, ensure_ascii=False)


def from_text(message_id: str, channel: str, text: str) -> Message:
    """Return the message that `as_text` wrote."""
    kept: dict[str, Any] = json.loads(text)
    return Message(
        id=message_id,
        channel=channel,
        at=kept["at"],
        counts=tuple(sorted(kept["counts"].items())),
        oldest=kept["oldest"],
        notices=tuple(from_data(data) for data in kept["notices"]),
    )
