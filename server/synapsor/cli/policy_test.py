"""`synapsor policy test`: what candidate policies would have decided of past proposals; ends with 1 when a rejected one would pass."""

from __future__ import annotations

import asyncio
import datetime as dt
from argparse import Namespace

from synapsor import runtime
from synapsor.cli.backtest import render
from synapsor.cli.terminal import answer, interrupt_at_once, width
from synapsor.config import load_config
from synapsor.contract.load import load_all
from synapsor.core.records import to_body
from synapsor.errors import UsageError
from synapsor.flow.backtest import backtest


def run(arguments: Namespace) -> int:
    """Decide again and return 0, or 1 when something would pass that a person had rejected."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    interrupt_at_once()
    async with runtime.open_project(load_config(arguments.config)) as project:
        contracts = load_all(arguments.files) if arguments.files else project.contracts()
        now, only = project.clock.now(), arguments.capability
        begin = begins(arguments.since, now)
        report = await backtest(await project.ledger(), contracts, since=begin, until=now, capability=only)
    if only is not None and not report.looked_at and not any(only in c.contract.capabilities for c in contracts):
        raise UsageError(f"There is no capability {only}, and no proposal of it.", fix="See `synapsor check`.")
    answer(arguments, "policy-test", to_body(report), render(report, width()), ok=report.ok)
    return 0 if report.ok else 1


def begins(since: dt.timedelta | dt.date, now: dt.datetime) -> dt.datetime:
    """Return the moment from which on proposals are decided again."""
    if isinstance(since, dt.timedelta):
        return now - since
    return dt.datetime.combine(since, dt.time(), tzinfo=dt.UTC)
