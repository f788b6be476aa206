"""`synapsor notifier dead`: the messages that were given up."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator

from synapsor.cli.terminal import answer, paragraph
from synapsor.config import load_config
from synapsor.core.moment import stamp
from synapsor.core.words import many
from synapsor.errors import UsageError
from synapsor.notify.state import Dead, State, open_state
from synapsor.notify.wording import headline
from synapsor.notifying import settings
from synapsor.ports import SystemClock

ALL = "all"


def run(arguments: Namespace) -> int:
    """List, requeue or discard, and return 0; 1 when one of the named ones is not there."""
    if arguments.verb == "list" and arguments.messages:
        raise UsageError("`list` takes no message.", fix="Leave it out.")
    if arguments.verb != "list" and not arguments.messages:
        raise UsageError(f"Nothing says what to {arguments.verb}.", fix="Name messages, or write `all`.")
    path = settings(load_config(arguments.config)).state
    if not path.exists():
        answer(arguments, "notifier-dead", {"messages": []}, "Nothing was given up.")
        return 0
    state = open_state(path, alone=False)
    try:
        return _list(arguments, state) if arguments.verb == "list" else _change(arguments, state)
    finally:
        state.close()


def _list(arguments: Namespace, state: State) -> int:
    dead = state.dead()
    answer(arguments, "notifier-dead", {"messages": [_data(one) for one in dead]}, paragraph("\n".join(_lines(dead))))
    return 0


def _data(one: Dead) -> dict[str, object]:
    message = one.message
    return {
        "id": message.id,
        "channel": message.channel,
        "at": message.at,
        "attempts": one.attempts,
        "ended_at": one.ended_at,
        "why": one.why,
        "reached": list(one.reached),
        "counts": dict(message.counts),
        "proposals": [notice.proposal for notice in message.notices if notice.proposal],
    }


def _lines(dead: Iterable[Dead]) -> Iterator[str]:
    for one in dead:
        tried = many(one.attempts, "attempt", "attempts")
        yield f"{one.message.id}  {one.message.channel}  {one.why}, {tried}, given up {one.ended_at}"
        yield f"  {headline(one.message)}"
        if one.reached:
            yield f"  {', '.join(one.reached)} {'has' if len(one.reached) == 1 else 'have'} it already, and {'gets' if len(one.reached) == 1 else 'get'} it no more"
    if not dead:
        yield "Nothing was given up."


def _change(arguments: Namespace, state: State) -> int:
    known = [one.message.id for one in state.dead()]
    named = known if arguments.messages == [ALL] else list(dict.fromkeys(arguments.messages))
    now = stamp(SystemClock().now())
    done = [m for m in named if (state.requeue(m, now=now) if arguments.verb == "requeue" else state.discard(m))]
    missing = [m for m in named if m not in done]
    verb = "to be tried again" if arguments.verb == "requeue" else "thrown away"
    lost = f" Not among those that were given up: {', '.join(missing)}." if missing else ""
    text = f"{many(len(done), 'message', 'messages')} {verb}.{lost}"
    answer(arguments, "notifier-dead", {"done": done, "missing": missing}, text, ok=not missing)
    return 1 if missing else 0
