"""`synapsor jobs list` and `show`: what waits to be applied, who has it in hand, what was put off and what was given up."""

from __future__ import annotations

import asyncio
import datetime as dt
from argparse import Namespace
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from synapsor import runtime
from synapsor.approve.terminal.drawing import entry
from synapsor.cli.terminal import answer, width
from synapsor.config import load_config
from synapsor.core.moment import parse, stamp
from synapsor.core.outcome import meaning_of
from synapsor.core.overview import JobState
from synapsor.core.plain import span, visible
from synapsor.core.records import to_body
from synapsor.core.steering import said_of
from synapsor.core.words import many
from synapsor.errors import UsageError
from synapsor.flow.named import proposal_of
from synapsor.flow.resting import Rest, holding, resting

if TYPE_CHECKING:
    from synapsor.ledger.store import Ledger


def run(arguments: Namespace) -> int:
    """List jobs or show one, and return 0."""
    return asyncio.run(_show(arguments) if arguments.action == "show" else _list(arguments))


async def _list(arguments: Namespace) -> int:
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger = await project.ledger()
        jobs = await _asked(arguments, ledger)
        rests = await resting(ledger, _sources(jobs), project.operators())
        now = project.clock.now()
    lines = [line for job in jobs for line in entry(*_entry(job, now, holding(rests, job.source)), width=width())]
    none = "No job was given up." if arguments.dead else "Nothing waits to be applied."
    document = {"jobs": [_body(job, now, holding(rests, job.source)) for job in jobs]}
    answer(arguments, "jobs", document, "\n".join(lines) or none)
    return 0


async def _asked(arguments: Namespace, ledger: Ledger) -> Sequence[JobState]:
    if arguments.all:
        return await ledger.overview.jobs(limit=arguments.limit)
    return await ledger.overview.open_jobs(dead=arguments.dead, limit=arguments.limit)


async def _show(arguments: Namespace) -> int:
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger = await project.ledger()
        record = await proposal_of(ledger, arguments.handle)
        job = await ledger.overview.job(record.job.id) if record.job else None
        if record.job is None or job is None:
            raise UsageError("No job applies this proposal.", fix="See `synapsor jobs list --all`.")
        rests = holding(await resting(ledger, (job.source,), project.operators()), job.source)
        now = project.clock.now()
    said = said_of(record.together)
    head, body = _entry(job, now, rests)
    parts = [part.proposal for part in record.job.parts]
    body += [f"together with {', '.join(map(visible, parts[1:]))}"] if len(parts) > 1 else []
    body += [visible(line) for line in said]
    instructions = [to_body(one.instruction) for each in record.together for one in each.instructions]
    document = {**_body(job, now, rests), "proposals": parts, "instructions": instructions}
    answer(arguments, "job", document, "\n".join(entry(head, body, width=width())))
    return 0


def _body(job: JobState, now: dt.datetime, rests: Sequence[Rest]) -> dict[str, Any]:
    return {
        "id": job.id,
        "proposal": job.proposal,
        "source": job.source,
        "stands": job.stands(stamp(now), rests=bool(rests)),
        "kept_by": [one.source for one in rests] if job.is_open else [],
        "at": job.at,
        "attempts": job.attempt,
        "attempts_before": job.anew,
        "worker": job.worker,
        "lease_until": job.lease_until,
        "not_before": job.not_before,
        "given_up_at": job.parked,
        "accepted_until": job.accepted,
        "code": job.code or "",
    }


def _sources(jobs: Iterable[JobState]) -> tuple[str, ...]:
    return tuple(sorted({job.source for job in jobs if job.is_open}))


def _entry(job: JobState, now: dt.datetime, rests: Sequence[Rest]) -> tuple[str, list[str]]:
    """Return the first line of a job, and those below it; `rests` are what keeps jobs of its source from being taken."""
    stands = job.stands(stamp(now), rests=bool(rests))
    worker = visible(job.worker or "?")
    words = {
        "due": "due",
        "paused": "not taken while its source is paused",
        "leased": f"in hand of {worker} until {job.lease_until}",
        "accepted": f"accepted by the application, {'not asked again while its source is paused' if rests else f'asked again in {_left(job.not_before, now)}'}",
        "later": f"put off, tried again in {_left(job.not_before, now)}",
        "dead": "given up",
        "closed": "done",
    }[stands]
    tries = job.attempt - job.anew
    attempts = f", {many(tries, 'attempt')}" if tries else ""
    before = f" after {many(job.anew, 'attempt')} before" if job.anew else ""
    body = [f"{visible(job.proposal)}, of source {visible(job.source)}, filed {span(now - parse(job.at))} ago"]
    body += [one.told for one in rests] if stands not in {"leased", "closed"} else []
    if job.code:
        body.append(f"{visible(job.code)}: {meaning_of(job.code)}")
    if job.accepted and stands != "closed":
        body.append(
            f"the application has accepted it; what has come of it is asked until {visible(job.accepted)}; after that a person has to find out"
        )
    if stands == "dead":
        body.append("`synapsor jobs requeue` has it tried again, `synapsor jobs discard` cancels it")
    return f"{visible(job.id)}  {words}{attempts}{before}", body


def _left(until: str | None, now: dt.datetime) -> str:
    return span(max(parse(until) - now, dt.timedelta(0))) if until else "?"
