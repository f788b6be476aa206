"""`synapsor notifier`: tell people and programs what happens to proposals, until told to stop."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from dataclasses import asdict
from typing import Any

import anyio

from synapsor.cli.terminal import answer, note
from synapsor.config import load_config
from synapsor.core.words import many
from synapsor.errors import UsageError
from synapsor.notify.notifier import Delivered, Notifier
from synapsor.notify.state import Retry
from synapsor.notifying import open_notifier
from synapsor.web.loop import ends_this_task, on_signals
from synapsor.web.loop import run as run_loop


def run(arguments: Namespace) -> int:
    """Tell, and return 0; with --once 1 when something did not arrive."""
    if arguments.since is not None and arguments.since < 0:
        raise UsageError("--since takes the number of an event.", fix="0 is before the first one.")
    try:
        return run_loop(_dry(arguments) if arguments.dry_run else _run(arguments))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _run(arguments: Namespace) -> int:
    told = {"arrived": 0, "failed": 0, "dead": 0}

    def report(outcome: Delivered) -> None:
        told["dead" if outcome.dead else "failed" if outcome.why else "arrived"] += 1

    async with open_notifier(load_config(arguments.config), report=report) as notifier:
        await notifier.start(arguments.since)
        if arguments.once:
            await notifier.once()
        else:
            await _stay(notifier)
    ended = "" if arguments.once else "Stopped; "
    failed = f", {told['failed']} to be tried again" if told["failed"] else ""
    dead = f", {told['dead']} given up: `synapsor notifier dead list`" if told["dead"] else ""
    text = f"{ended}{many(told['arrived'], 'message', 'messages')} delivered{failed}{dead}."
    bad = arguments.once and bool(told["failed"] or told["dead"])
    answer(arguments, "notifier", dict(told), text, ok=not bad)
    return 1 if bad else 0


async def _stay(notifier: Notifier) -> None:
    stop = anyio.Event()
    with on_signals(stop.set, ends_this_task()):
        note(f"notifier tells {many(len(notifier.senders), 'channel', 'channels')}; Ctrl-C ends it")
        await notifier.run(stop)


async def _dry(arguments: Namespace) -> int:
    async with open_notifier(load_config(arguments.config), dry=True) as notifier:
        await notifier.start(arguments.since)
        await notifier.look()
        now = notifier.clock.now()
        found: list[dict[str, Any]] = [
            {"id": m.id, "channel": m.channel, "tells": m.total, "shown": notifier.senders[m.channel].shown(m, now)}
            for m in notifier.outbox()
        ]
        retries = notifier.state.to_retry()
    text = "\n".join(f"{one['channel']}  {one['id']}\n{one['shown'].rstrip()}\n" for one in found)
    lines = [text or "Nothing would be sent now.", *map(_again, retries)]
    document = {"messages": found, "to_retry": [asdict(one) for one in retries]}
    answer(arguments, "notifier-dry-run", document, "\n".join(lines))
    return 0


def _again(retry: Retry) -> str:
    tried = many(retry.attempts, "attempt", "attempts")
    why = f" ({retry.why})" if retry.why else ""
    return f"{retry.channel}  {retry.id} did not arrive in {tried}{why}, and is tried again at {retry.due}."
