"""`synapsor worker pause`, `resume` and `status`: have workers take no new jobs, let them again, or see what rests."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from synapsor import runtime
from synapsor.cli.refused_acts import lines as refused_lines
from synapsor.cli.refused_acts import told
from synapsor.cli.signing import throw_here
from synapsor.cli.terminal import answer, interrupt_at_once, paragraph
from synapsor.config import load_config
from synapsor.core.instructions import PauseState
from synapsor.core.moment import stamp
from synapsor.core.overview import Stands
from synapsor.core.records import to_body
from synapsor.core.statements import SignedPause
from synapsor.core.words import many
from synapsor.errors import UsageError
from synapsor.flow.refused import WORKER
from synapsor.flow.resting import Rest, holding, resting, standings
from synapsor.flow.throw import Throw, pause

if TYPE_CHECKING:
    from synapsor.ledger.store import Ledger

_STATES: Final[Mapping[str, PauseState]] = {"pause": "paused", "resume": "running"}
_MOST: Final = 500
_STAND: Final[Mapping[Stands, str]] = {
    "due": "due",
    "paused": "kept by a pause",
    "leased": "in hand",
    "accepted": "accepted by an application",
    "later": "put off",
    "dead": "given up",
}
"""How a job stands that is not done, in the order in which it is told."""


def run(arguments: Namespace) -> int:
    """Pause, resume or tell how it stands, and return 0."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    interrupt_at_once()
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger = await project.ledger()
        if arguments.action != "status":
            await throw_here(arguments, project, _thrown(arguments, project))
        document, text = await _status(project, ledger)
    answer(arguments, "worker_status", document, text)
    return 0


def _thrown(arguments: Namespace, project: runtime.Project) -> Throw[SignedPause]:
    source = arguments.source or ""
    if source and source not in project.config.sources:
        raise UsageError("There is no such source.", fix=f"Known here: {', '.join(project.config.sources)}.")
    return pause(_STATES[arguments.action], source=source)


async def _status(project: runtime.Project, ledger: Ledger) -> tuple[dict[str, Any], str]:
    names = [name for name, wired in project.config.sources.items() if wired.mode == "writeback"]
    now = stamp(project.clock.now())
    jobs = await ledger.overview.open_jobs(dead=False, limit=_MOST)
    every, *each = rests = await resting(ledger, names, project.operators())
    stands = [job.stands(now, rests=bool(holding(rests, job.source))) for job in jobs]
    document = {
        "all": _one(every),
        "sources": {one.source: _one(one) for one in each},
        "jobs": {word: stands.count(word) for word in _STAND},
        "refused": await told(ledger.overview, WORKER),
    }
    return document, _text(document, rests)


def _one(rest: Rest) -> dict[str, Any]:
    """Return how a source stands, or all of them; where that cannot be told, it rests."""
    return {
        "state": "paused" if rest.resting else "running",
        "because": rest.because,
        "pause": to_body(rest.pause) if rest.pause else None,
    }


def _text(document: Mapping[str, Any], rests: Sequence[Rest]) -> str:
    lines = list(standings(rests))
    if not document["sources"]:
        lines.append("No source is in `mode: writeback`, so nothing is applied.")
    lines.append(_counted(document["jobs"]))
    lines += refused_lines(document["refused"], "pause or resume")
    return paragraph("\n".join(lines))


def _counted(jobs: Mapping[Stands, int]) -> str:
    """Return how many jobs are not done, and how they stand."""
    if not any(jobs.values()):
        return "No job waits."
    told = ", ".join(f"{count} {_STAND[word]}" for word, count in jobs.items() if count)
    return f"{many(sum(jobs.values()), 'job')} not done: {told}."
