"""`synapsor inbox`: what waits for a decision."""

from __future__ import annotations

import asyncio
from argparse import Namespace

from synapsor import runtime
from synapsor.approve.inbox import behind, render, summary, waiting
from synapsor.cli.terminal import answer, width
from synapsor.config import load_config
from synapsor.core.proposal import Status


def run(arguments: Namespace) -> int:
    """List and return 0."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    async with runtime.open_project(load_config(arguments.config)) as project:
        status = None if arguments.all else Status.REVIEW_REQUIRED
        ledger = await project.ledger()
        records = await waiting(ledger, status=status, limit=arguments.limit)
        replaced = await behind(ledger, records)
        now = project.clock.now()
    text = render(records, now=now, width=width(), replaced=replaced)
    answer(arguments, "inbox", {"proposals": [summary(r, now=now, replaced=replaced) for r in records]}, text)
    return 0
