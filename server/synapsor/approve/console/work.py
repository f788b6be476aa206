"""The page of workers and jobs: what waits to be applied, who has it in hand, and what came of the last ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import anyio.to_thread
from starlette.responses import Response
from starlette.routing import Route

from synapsor.approve.console.room import Room
from synapsor.approve.console.visit import Visit, page
from synapsor.core.moment import stamp
from synapsor.core.outcome import Outcome, meaning_of
from synapsor.core.overview import JobState
from synapsor.core.writeback import Receipt

MOST: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker, as jobs and receipts name it."""

    name: str
    in_hand: int
    receipts: int
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job with how it stands in one word, and what its last receipt says came of it, or ""."""

    state: JobState
    stands: str
    meaning: str
    came: str


def routes(room: Room) -> Iterable[Route]:
    """Return the page."""
    yield page(room, "/jobs", _jobs)


async def _jobs(visit: Visit) -> Response:
    jobs = await visit.room.overview.jobs(limit=MOST)
    receipts = await visit.room.ledger.receipts(limit=MOST)
    came = {receipt.job: receipt.outcome for receipt in sorted(receipts, key=lambda one: one.at)}
    now = stamp(visit.now)
    return await visit.page(
        "jobs.html",
        jobs=[
            Job(state=job, stands=job.stands(now), meaning=_meaning(job.code), came=came.get(job.id, ""))
            for job in jobs
        ],
        receipts=[(receipt, _came(receipt)) for receipt in receipts],
        workers=_workers(jobs, receipts, now),
        modes=visit.room.given.modes,
        silence=await anyio.to_thread.run_sync(visit.room.given.silence),
    )


def _meaning(code: str | None) -> str:
    return meaning_of(code) if code else ""


def _came(receipt: Receipt) -> str:
    return "" if receipt.outcome == Outcome.APPLIED.value else meaning_of(receipt.code)


def _workers(jobs: Iterable[JobState], receipts: Iterable[Receipt], now: str) -> list[Worker]:
    in_hand: dict[str, int] = {}
    for job in jobs:
        if job.worker is not None:
            in_hand[job.worker] = in_hand.get(job.worker, 0) + job.leased(now)
    came: dict[str, list[str]] = {}
    for receipt in receipts:
        came.setdefault(receipt.worker, []).append(receipt.at)
    return [
        Worker(
            name=name,
            in_hand=in_hand.get(name, 0),
            receipts=len(came.get(name, ())),
            last=max(came.get(name, ("",))),
        )
        for name in sorted({*in_hand, *came})
    ]
