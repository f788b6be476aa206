"""One round of the run: every target once, neighbours right after one another, so that noise strikes both alike."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.floor import Driver
from bench.noop import TOOL
from bench.report import Figures, percentile
from bench.shop import PROPOSE, READ, Shop
from bench.wire import Era, Sample, Stdio, Target
from tests.projects import ACME, ROOT, leo_approves, opened

CALLERS = (1, 8, 32, 128)
WARM_UP = 100
_FOREVER = 10**9


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much to measure."""

    rounds: int = 5
    calls: int = 400
    seconds: float = 1.5
    jobs: int = 40
    rss_calls: int = 10_000


async def noop(shop: Shop, era: Era = "2025") -> Stdio:
    """Start the floor."""
    return await Stdio.start([sys.executable, "-m", "bench.noop"], shop.environment, cwd=ROOT, tool=TOOL, era=era)


async def ours(shop: Shop, tool: str = READ, era: Era = "2025") -> Stdio:
    """Start `synapsor serve`."""
    return await Stdio.start(shop.files.command("serve"), shop.environment, cwd=shop.files.root, tool=tool, era=era)


async def latency(
    figures: Figures, name: str, target: Target, arguments: Iterator[dict[str, Any]], effort: Effort
) -> None:
    """Note p50, p95 and p99 of calls one after the other, in milliseconds; and the server's processor time where there is one."""
    _quiet_collector()
    spent = target.cpu_seconds if isinstance(target, Stdio) else 0.0
    sample = await target.measure(arguments, callers=1, calls=effort.calls, seconds=60)
    _none_refused(name, sample)
    for label, share in (("p50", 0.50), ("p95", 0.95), ("p99", 0.99)):
        figures.add(f"{name} {label}", percentile(sample.calls, share) * 1000)
    if isinstance(target, Stdio):
        figures.add(f"{name} cpu", (target.cpu_seconds - spent) * 1000 / len(sample.calls))


async def throughput(
    figures: Figures, name: str, target: Target, arguments: Iterator[dict[str, Any]], callers: int, effort: Effort
) -> None:
    """Note calls per second with this many open at once, and how many were refused."""
    _quiet_collector()
    sample = await target.measure(arguments, callers=callers, calls=_FOREVER, seconds=effort.seconds)
    figures.add(f"{name} x{callers}", sample.rate)
    figures.add(f"{name} x{callers} p99", percentile(sample.calls, 0.99) * 1000)
    figures.add(f"{name} x{callers} refused", sample.refused)


async def start(figures: Figures, shop: Shop) -> None:
    """Note the seconds from starting a process to its first answer, the floor's and ours."""
    key = shop.readable[0]
    for name, begin in (("noop", noop), ("read", ours)):
        begun = time.perf_counter()
        session = await begin(shop)
        answer = await session.call({"invoice_id": key})
        figures.add(f"{name} start", time.perf_counter() - begun)
        assert not answer["result"].get("isError"), f"{name} refused its first call"
        await session.close()


async def memory(figures: Figures, shop: Shop, effort: Effort) -> None:
    """Note the megabytes after 1,000 calls and after many more, each on a new process."""
    for name, begin in (("noop", noop), ("read", ours)):
        session = await begin(shop)
        for label, calls in (("first", 1000), ("last", effort.rss_calls - 1000)):
            _none_refused(name, await session.measure(shop.reads(), callers=8, calls=calls, seconds=600))
            figures.add(f"{name} rss {label}", session.rss_kb / 1024)
        await session.close()


async def apply(figures: Figures, shop: Shop, driver: Driver, effort: Effort) -> None:
    """Note applied proposals per second of the worker, from approved to settled, and of the bare driver's same transaction."""
    async with opened(shop.files) as project:
        desk = await project.desk()
        for _ in range(effort.jobs):
            answer = await desk.call(PROPOSE, {"invoice_id": next(shop.fresh), "note": "A note."}, ACME)
            assert answer["ok"], answer["error"]
            await leo_approves(shop.files, project, answer["proposal"]["id"], answer["proposal"]["digest"])
        worker = await project.worker()
        begun = time.perf_counter()
        settled = await worker.run(drain=True)
        figures.add("worker applied", settled / (time.perf_counter() - begun))
        assert settled == effort.jobs, f"{settled} of {effort.jobs} settled"
    bare = await driver.apply([next(shop.fresh) for _ in range(effort.jobs)])
    figures.add("driver applied", bare.rate)


def _none_refused(name: str, sample: Sample) -> None:
    assert not sample.refused, f"{name}: {sample.refused} of {len(sample.calls)} calls refused"


def _quiet_collector() -> None:
    gc.collect()
    gc.freeze()


__all__ = [
    "CALLERS",
    "PROPOSE",
    "READ",
    "WARM_UP",
    "Effort",
    "apply",
    "latency",
    "memory",
    "noop",
    "ours",
    "start",
    "throughput",
]
