"""`synapsor worker`: apply approved proposals until told to stop; the only command that holds a write credential."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

import anyio

from synapsor import runtime
from synapsor.cli.terminal import answer, as_json, note
from synapsor.config import load_config
from synapsor.core.outcome import Outcome
from synapsor.serve.loop import on_signals
from synapsor.serve.loop import run as run_loop


def run(arguments: Namespace) -> int:
    """Work, and return 0 when told to stop or when nothing is due."""
    try:
        return run_loop(_run(arguments))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _run(arguments: Namespace) -> int:
    done: list[dict[str, Any]] = []
    stays = not (arguments.once or arguments.drain)

    def report(outcome: Mapping[str, Any]) -> None:
        done.append(dict(outcome))
        if not arguments.json:
            sys.stdout.write(_line(outcome))
            sys.stdout.flush()
        elif stays:
            done.clear()  # a worker that runs for months keeps no list; its log lines are on stderr
            sys.stderr.write(as_json(dict(outcome)) + "\n")

    async with runtime.open_project(load_config(arguments.config)) as project:
        worker = await project.worker(arguments.name, report=report, supervised=arguments.supervised)
        stop = anyio.Event()
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # this is a coroutine of a running loop

        def leave() -> None:
            task.cancel()

        with on_signals(stop.set, leave):
            if stays and not arguments.json:
                note(f"worker {worker.name} waits for approved changes; Ctrl-C ends it")
            settled = await worker.run(once=arguments.once, drain=arguments.drain, stop=stop)
    answer(arguments, "worker", {"settled": settled, "jobs": done}, _end(settled, done, stayed=stays))
    return 0


def _end(settled: int, done: Sequence[Mapping[str, Any]], *, stayed: bool) -> str:
    if stayed:
        return f"Stopped; {settled or 'nothing'} settled."
    last = {outcome["job"]: outcome["outcome"] for outcome in done}
    waiting = sum(outcome == Outcome.RETRY for outcome in last.values())
    left = f" {waiting} to be tried again later: run the worker once more." if waiting else ""
    return f"{settled} settled.{left}" if settled or waiting else "Nothing was due."


def _line(outcome: Mapping[str, Any]) -> str:
    return "  ".join(f"{name}={value}" for name, value in outcome.items() if value != "") + "\n"
