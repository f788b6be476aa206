"""`synapsor inbox`: what waits for a decision, on a terminal as a board that is worked by the keyboard, and otherwise as a list."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from argparse import Namespace
from functools import partial
from typing import TYPE_CHECKING, Final

from synapsor import runtime
from synapsor.approve.card.outline import behind
from synapsor.approve.terminal.inbox import render, summary
from synapsor.cli.arguments.base import MOST
from synapsor.cli.roles import approving
from synapsor.cli.signer import signer
from synapsor.cli.silence import silence
from synapsor.cli.terminal import answer, mute_if_gone, note, width
from synapsor.config import load_config
from synapsor.core.moment import stamp
from synapsor.errors import SynapsorError, UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from synapsor.approve.identity.keys import Unlock

TRIES: Final = 3
"""How often a passphrase is asked for before nothing is signed."""


def run(arguments: Namespace) -> int:
    """Show it and return 0."""
    return asyncio.run(_board(arguments) if _is_board(arguments) else _list(arguments))


def _is_board(arguments: Namespace) -> bool:
    """Tell whether a person sits there who can press keys."""
    if arguments.json or arguments.all or arguments.list or os.environ.get("TERM", "dumb") == "dumb":
        return False
    return sys.stdin.isatty() and sys.stdout.isatty()


async def _board(arguments: Namespace) -> int:
    from synapsor.approve.board.screen import Screen
    from synapsor.approve.board.work import Reviewing
    from synapsor.looking import SourceLooks

    config = load_config(arguments.config)
    roles = await approving(config)
    async with runtime.open_project(config) as project:
        operators = project.deciders()
        try:
            person, unlock = signer(arguments, operators, roles=roles)
        except SynapsorError as error:
            # Who has no key here may look all the same.
            ended = await _list(arguments)
            # Behind the list, or it would have run off the screen.
            note(
                f"synapsor: a list and no board, for {error.message[:1].lower()}{error.message[1:]} {error.fix}",
                indent=2,
            )
            return ended
        reviewing = Reviewing(
            ledger=await project.ledger(),
            operators=project.deciders,
            modes=project.config.modes,
            receiptless=project.config.receiptless,
            clock=project.clock,
            operator=person.name,
            unlock=partial(patiently, unlock),
            looks=SourceLooks(project=project, client="inbox"),
            silence=silence(project.config, project.clock),
        )
        colour = not (arguments.no_color or os.environ.get("NO_COLOR"))
        await Screen(reviewing, colour=colour).run()
        # A terminal that is closed tells its end before it hangs up, and what is left to do is to close the ledger.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    mute_if_gone()
    return 0


def patiently(unlock: Unlock) -> Ed25519PrivateKey:
    """Return the key, asking again for its passphrase: what was read and typed for a decision is not to be lost by a slip of a finger.

    Raises:
        ConfigError: as `unlock`.
        UsageError: it was wrong to the end, or nobody is there to be asked.
    """
    for _ in range(TRIES - 1):
        try:
            return unlock()
        except UsageError as wrong:
            note(f"{wrong.message} Once more.")
    return unlock()


async def _list(arguments: Namespace) -> int:
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger, now, operators, most = await project.ledger(), project.clock.now(), project.deciders(), arguments.limit
        if arguments.all:
            found = await ledger.inbox(status=None, limit=most + 1)
        else:
            found = await ledger.first_to_expire(now=stamp(now), limit=most + 1)
        records, more = found[:most], len(found) > most
        replaced = await behind(ledger, records)
    text = render(records, now=now, operators=operators, width=width(), replaced=replaced)
    if more:
        text += f"There are more than these {most}; --limit shows up to {MOST}.\n"
    listed = [summary(r, now=now, operators=operators, replaced=replaced) for r in records]
    answer(arguments, "inbox", {"proposals": listed, "more": more}, text)
    return 0
