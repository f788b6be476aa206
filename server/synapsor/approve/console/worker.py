"""The page "Worker": what goes on by itself and what does not, who works, what waits by source, what was given up, and what came of the last ones.

Here sources are paused and automatic approval is stopped, and both go on again; whether somebody may is for the verb to say (`flow.throw`).
Whoever lets something go on lets go on what this page showed, and nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Final

import anyio.to_thread
from starlette.responses import Response
from starlette.routing import Route

from synapsor.approve.console.acting import objection_as, signer_of
from synapsor.approve.console.kept import kept
from synapsor.approve.console.room import Room
from synapsor.approve.console.visit import Visit, page
from synapsor.approve.refused_words import words_of
from synapsor.contract.approvals import POLICY_STEWARD, WRITEBACK_OPERATOR
from synapsor.core.instructions import PauseState
from synapsor.core.moment import stamp
from synapsor.core.outcome import Outcome, meaning_of
from synapsor.core.overview import JobState, Search, Stands
from synapsor.core.proposal import Status
from synapsor.core.statements import SwitchState
from synapsor.core.writeback import Receipt
from synapsor.errors import UsageError
from synapsor.flow.refused import POLICIES, WORKER
from synapsor.flow.resting import Rest, holding, resting
from synapsor.flow.switched import switched
from synapsor.flow.throw import S, Throw, pause, switch, throw

MOST: Final = 100
MOST_COUNTED: Final = 1000
"""Of how many jobs that are not done it is told how they stand."""
MOST_REFUSED: Final = 5
_ALWAYS: Final[tuple[Stands, ...]] = ("due", "leased", "later", "dead")
"""What a queue is told by, though nothing of it stands so."""
_SWITCHED: Final[Mapping[SwitchState, str]] = {
    "stopped": "No policy approves anything any more, and what one has approved and is not applied yet fails. People decide as ever.",
    "running": "Policies approve again, as far as nothing else keeps them.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker, as jobs and receipts name it.

    Attributes:
        lanes: how many of its lanes are at work, by source: each has one job in hand.
    """

    name: str
    lanes: Mapping[str, int]
    receipts: int
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job with how it stands in one word, and what its last receipt says came of it, or ""."""

    state: JobState
    stands: Stands
    meaning: str
    came: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The jobs of a source that are not done, by how they stand; `rest` of one that may rest, and None of any other that has jobs."""

    source: str
    stands: Mapping[str, int]
    rest: Rest | None


def routes(room: Room) -> Iterable[Route]:
    """Return the page and its forms."""
    yield page(room, "/worker", _worker)
    thrown: dict[str, PauseState] = {"pause": "paused", "resume": "running"}
    for verb, state in thrown.items():
        yield page(room, f"/worker/{verb}", partial(_thrown, state), posts=True)
        yield page(room, f"/worker/{verb}", _back)
    switches: dict[str, SwitchState] = {"stop": "stopped", "start": "running"}
    for verb, to in switches.items():
        yield page(room, f"/worker/{verb}", partial(_switched, to), posts=True)
        yield page(room, f"/worker/{verb}", _back)


async def _worker(visit: Visit) -> Response:
    return await _page(visit)


async def _back(visit: Visit) -> Response:
    return visit.lead("/worker")


async def _thrown(state: PauseState, visit: Visit) -> Response:
    """Pause a source or all of them, or let it go on, in the name of who is logged in."""
    room, source = visit.room, visit.sent("source")
    if "source" not in visit.form or (source and source not in room.given.modes):
        raise UsageError("There is no such source.", fix="Open the page again.")
    instead_of = visit.sent("pause") if state == "running" else None
    return await _throw(visit, pause(state, source=source, instead_of=instead_of), told=_told(state, source))


async def _switched(state: SwitchState, visit: Visit) -> Response:
    """Stop automatic approval, or let it run, in the name of who is logged in."""
    if "switch" not in visit.form:
        raise UsageError("The form was not whole.", fix="Open the page again.")
    instead_of = visit.sent("switch") if state == "running" else None
    return await _throw(visit, switch(state, instead_of=instead_of), told=_SWITCHED[state])


async def _throw(visit: Visit, thrown: Throw[S], *, told: str) -> Response:
    """Sign it in the name of who is logged in, and lead back to the page, which says `told`."""
    operators = visit.room.operators()
    try:
        await throw(
            visit.room.ledger,
            thrown,
            signer=signer_of(visit, operators),
            operators=operators,
            now=visit.room.now(),
            reason=visit.sent("reason").strip(),
        )
    except UsageError as error:
        return await _page(
            visit, trouble=f"{error.message} {error.fix}".strip(), status=HTTPStatus.UNPROCESSABLE_ENTITY
        )
    visit.session.flash = ("", told)
    return visit.lead("/worker")


def _told(state: PauseState, source: str) -> str:
    whole = source or "Every source"
    if state == "running":
        return f"{whole} goes on, as far as nothing else keeps it."
    return f"{whole} rests: workers take no new job of it. What they have in hand, they bring to its end."


async def _page(visit: Visit, *, trouble: str = "", status: int = HTTPStatus.OK) -> Response:
    room, now = visit.room, stamp(visit.now)
    jobs = await room.overview.jobs(limit=MOST)
    waiting = await room.overview.open_jobs(dead=False, limit=MOST_COUNTED)
    receipts = await room.ledger.receipts(limit=MOST)
    came = {receipt.job: receipt.outcome for receipt in sorted(receipts, key=lambda one: one.at)}
    rests = await resting(room.ledger, _writes(room), room.operators())
    known = [_job(job, now, came, rests) for job in jobs]
    return await visit.page(
        "worker.html",
        status=status,
        every=rests[0],
        queues=_queues(waiting, rests, now),
        cut=len(waiting) == MOST_COUNTED,
        columns=_columns(waiting, rests, now),
        dead=[_job(job, now, came, rests) for job in await room.overview.open_jobs(dead=True, limit=MOST)],
        jobs=[job for job in known if job.stands != "dead"],
        receipts=[(receipt, _came(receipt)) for receipt in receipts],
        workers=_workers(jobs, receipts, now),
        modes=room.given.modes,
        unknown=await in_doubt(room),
        against=objection_as(visit, WRITEBACK_OPERATOR),
        automatic=room.given.automatic,
        switched=await switched(room.ledger, room.operators()),
        against_switch=objection_as(visit, POLICY_STEWARD),
        refused_switch=[
            (one, words_of(one.rule)) for one in await room.overview.refused_about(POLICIES, limit=MOST_REFUSED)
        ],
        refused=[(one, words_of(one.rule)) for one in await room.overview.refused_about(WORKER, limit=MOST_REFUSED)],
        silence=await anyio.to_thread.run_sync(room.given.silence),
        trouble=trouble,
        sent=(
            visit.sent("source") if "source" in visit.form else None,
            kept(visit.request.url.path, visit.form, same=False),
        ),
    )


async def in_doubt(room: Room) -> int:
    """Return of how many proposals nobody knows the end, counted up to a hundred."""
    found = await room.overview.found(Search(status=Status.RECONCILIATION_REQUIRED), before=None, limit=MOST)
    return len(found.ids)


def _writes(room: Room) -> tuple[str, ...]:
    return tuple(name for name, mode in room.given.modes.items() if mode == "writeback")


def _stands(job: JobState, now: str, rests: Sequence[Rest]) -> Stands:
    return job.stands(now, rests=bool(holding(rests, job.source)))


def _job(job: JobState, now: str, came: Mapping[str, str], rests: Sequence[Rest]) -> Job:
    return Job(
        state=job,
        stands=_stands(job, now, rests),
        meaning=meaning_of(job.code) if job.code else "",
        came=came.get(job.id, ""),
    )


def _columns(jobs: Sequence[JobState], rests: Sequence[Rest], now: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*_ALWAYS, *(_stands(job, now, rests) for job in jobs)]))


def _queues(jobs: Sequence[JobState], rests: Sequence[Rest], now: str) -> list[Queue]:
    """Return the queue of every source that is written to, and of every other that jobs name."""
    counted: dict[str, Counter[str]] = {}
    for job in jobs:
        counted.setdefault(job.source, Counter())[_stands(job, now, rests)] += 1
    known = {rest.source: rest for rest in rests if rest.source}
    names = [*known, *sorted(set(counted) - set(known))]
    return [Queue(source=name, stands=counted.get(name, Counter()), rest=known.get(name)) for name in names]


def _came(receipt: Receipt) -> str:
    return "" if receipt.outcome == Outcome.APPLIED.value else meaning_of(receipt.code)


def _workers(jobs: Iterable[JobState], receipts: Iterable[Receipt], now: str) -> list[Worker]:
    at_work: dict[str, Counter[str]] = {}
    for job in jobs:
        if job.worker is not None:
            at_work.setdefault(job.worker, Counter())[job.source] += job.leased(now)
    came: dict[str, list[str]] = {}
    for receipt in receipts:
        came.setdefault(receipt.worker, []).append(receipt.at)
    return [
        Worker(
            name=name,
            lanes=+at_work.get(name, Counter()),
            receipts=len(came.get(name, ())),
            last=max(came.get(name, ("",))),
        )
        for name in sorted({*at_work, *came})
    ]
