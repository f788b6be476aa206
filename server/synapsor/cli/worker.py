"""`synapsor worker`: apply approved proposals until told to stop; the only command that holds a write credential."""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

import anyio

from synapsor import runtime
from synapsor.approve.terminal.drawing import entry
from synapsor.cli.terminal import answer, as_json, looked_at, note, paragraph, width
from synapsor.config import load_config
from synapsor.core.outcome import Outcome, meaning_of
from synapsor.core.plain import span, visible
from synapsor.core.words import many
from synapsor.flow.resting import Rest, resting
from synapsor.web.loop import ends_this_task, on_signals
from synapsor.web.loop import run as run_loop
from synapsor.work.lane import PARKED

_MOST = 100


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
            sys.stdout.write(_line(outcome, wide=width() if looked_at(sys.stdout) else None))
            sys.stdout.flush()
        elif stays:
            done.clear()  # a worker that runs for months keeps no list; its log lines are on stderr
            sys.stderr.write(as_json({"kind": "job", **outcome}) + "\n")

    def progress(far: Mapping[str, Any]) -> None:
        if arguments.json:
            sys.stderr.write(as_json({"kind": "progress", **far}) + "\n")
        else:
            sys.stdout.write(_far(far, person=looked_at(sys.stdout)))
            sys.stdout.flush()

    async with runtime.open_project(load_config(arguments.config)) as project:
        worker = await project.worker(
            arguments.name, report=report, progress=progress, supervised=arguments.supervised, lanes=arguments.lanes
        )
        stop = anyio.Event()
        with on_signals(stop.set, ends_this_task()):
            if stays and not arguments.json:
                note(f"worker {worker.name} waits for approved changes; Ctrl-C ends it")
            settled = await worker.run(once=arguments.once, drain=arguments.drain, stop=stop)
        left, kept = (0, ()) if stays else await _left(project, tuple(worker.bench.targets))
    beside = {"measured": worker.measured, "resolved": worker.resolved}
    document = {"settled": settled, **beside, "jobs": done, "paused": [one.source for one in kept]}
    text = _end(settled, done, stayed=stays, **beside, left=left, kept=kept)
    answer(arguments, "worker", document, paragraph(text))
    return 0


async def _left(project: runtime.Project, sources: tuple[str, ...]) -> tuple[int, tuple[Rest, ...]]:
    """Return how many jobs of these sources are not done, counted up to a hundred, and what keeps any of them from being taken."""
    ledger = await project.ledger()
    rests = await resting(ledger, sources, project.operators())
    jobs = await ledger.overview.open_jobs(dead=False, limit=_MOST)
    return sum(job.source in sources for job in jobs), tuple(one for one in rests if one.resting)


def _end(
    settled: int,
    done: Sequence[Mapping[str, Any]],
    *,
    stayed: bool,
    measured: int = 0,
    resolved: int = 0,
    left: int = 0,
    kept: Sequence[Rest] = (),
) -> str:
    shadows = f" {many(measured, 'proposal')} measured: see `synapsor inbox`." if measured else ""
    if resolved:
        shadows += f" Of {many(resolved, 'resolution')} an application said what is so: see `synapsor reconcile list`."
    if stayed:
        return f"Stopped; {settled or 'nothing'} settled.{shadows}"
    last = {outcome["job"]: outcome["outcome"] for outcome in done}
    waiting = sum(outcome == Outcome.RETRY for outcome in last.values())
    dead = sum(outcome == PARKED for outcome in last.values())
    accepted = sum(outcome == Outcome.ACCEPTED for outcome in last.values())
    open_ = f" {accepted} accepted by an application and not done yet: run the worker once more." if accepted else ""
    given = f" {dead} given up: see `synapsor jobs list --dead`." if dead else ""
    later = f" {waiting} to be tried again later: run the worker once more." if waiting else ""
    jobs = f"{settled} settled.{open_}{later}{given}" if last else ""
    came = f"{jobs}{shadows}".strip()
    if kept:
        return "\n".join([came or "Nothing was taken.", *(f"{one.told[0].upper()}{one.told[1:]}." for one in kept)])
    more = f" {many(left, 'job is', 'jobs are')} not done: see `synapsor jobs list`." if left and not last else ""
    return f"{came or 'Nothing was due.'}{more}"


def _line(outcome: Mapping[str, Any], *, wide: int | None) -> str:
    """Return what came of a job: for a person in a few lines of `wide` cells, and in a log, where nobody folds, in one."""
    if wide is None:
        return "  ".join(f"{name}={_word(value)}" for name, value in outcome.items() if value not in ("", [])) + "\n"
    job, proposal = visible(outcome["job"]), visible(outcome["proposal"])
    code = f", {outcome['code']}" if outcome["code"] not in ("", outcome["outcome"]) else ""
    attempt = f", attempt {outcome['attempt']}" if outcome["attempt"] > 1 else ""
    after = span(dt.timedelta(seconds=outcome["seconds_since_approval"]))
    body = [f"{job}{attempt}, {after} after its approval"]
    body += [meaning] if (meaning := meaning_of(outcome["code"])) else []
    if others := [name for name in outcome["group"] if name != outcome["proposal"]]:
        body.append(f"together with {', '.join(map(visible, others))}")
    if outcome["newcomers"]:
        body.append(
            f"{many(outcome['newcomers'], 'more row matches', 'more rows match')} now, and nothing was done to them"
        )
    if outcome["again_at"]:
        body.append(f"next attempt not before {outcome['again_at']}")
    if not outcome["recorded"]:
        body.append("another worker had recorded it")
    return "".join(f"{line}\n" for line in entry(f"{proposal}  {outcome['outcome']}{code}", body, width=wide))


def _far(far: Mapping[str, Any], *, person: bool) -> str:
    """Return how far a job of many rows is."""
    if person:
        return f"{visible(far['job'])}  {far['rows_done']} of {far['rows']} rows changed, none of them committed\n"
    return "  ".join(f"{name}={_word(value)}" for name, value in {"kind": "progress", **far}.items()) + "\n"


def _word(value: Any) -> str:
    """Return a value as a word: what the ledger's columns say may be anybody's, and must not pass for another field or line."""
    if isinstance(value, list):
        return ",".join(_word(each) for each in value)
    return str(value).lower() if isinstance(value, bool) else visible(str(value)).replace(" ", "\\x20")
