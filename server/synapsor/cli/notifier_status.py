"""`synapsor notifier status`: whether a notifier is at work, and what waits to be told."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from synapsor.cli.terminal import answer, paragraph
from synapsor.config import load_config
from synapsor.core.plain import span
from synapsor.core.words import many
from synapsor.notify.sign import Life, Sign, sign_of
from synapsor.notifying import settings
from synapsor.ports import SystemClock


def run(arguments: Namespace) -> int:
    """Tell it, and return 0; 1 when none is at work or messages were given up."""
    sign = sign_of(settings(load_config(arguments.config)), SystemClock().now())
    good = sign.life is Life.ALIVE and not sign.dead
    document = {
        "life": sign.life.value,
        "looked_at": sign.at,
        "read_up_to": sign.seq,
        "waiting": sign.waiting,
        "waiting_since": sign.since,
        "given_up": sign.dead,
    }
    answer(arguments, "notifier-status", document, paragraph("\n".join(_lines(sign))), ok=good)
    return 0 if good else 1


def _lines(sign: Sign) -> Iterator[str]:
    if sign.life is Life.ALIVE and sign.ago is not None:
        yield f"A notifier is at work: it looked at the ledger {span(sign.ago)} ago, up to event {sign.seq}."
    elif sign.warning:
        yield sign.warning
    if sign.waiting:
        since = f", the oldest since {sign.since}" if sign.since else ""
        yield f"{many(sign.waiting, 'message waits', 'messages wait')} to be sent{since}."
    if sign.dead:
        yield f"{many(sign.dead, 'message was', 'messages were')} given up: `synapsor notifier dead list`."
