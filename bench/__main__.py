"""`python -m bench`: measure the guarded read and write beside their floors, in one run, and print one table.

Quote ratios: absolute figures drift with the machine. Client, server and database share its cores.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import uvloop

from bench.floor import Disk, Driver
from bench.noop import TOOL
from bench.report import Figures, machine, save, table, verdict
from bench.rounds import CALLERS, PROPOSE, READ, WARM_UP, Effort, apply, latency, memory, noop, ours, start, throughput
from bench.shop import Shop, opened_shop
from bench.wire import Era, Http, Target
from tests.projects import ROOT

_ERAS: tuple[Era, Era] = ("2025", "2026")
_WORDS = {
    "disk": "   disk: 28 KB written and synced",
    "driver": "a  asyncpg select",
    "noop": "b  no-op tool, stock SDK",
    "read": "c  guarded read, durable evidence",
    "noop 2026": "b  the same, 2026 protocol",
    "read 2026": "c  the same, 2026 protocol",
    "propose": "d  propose",
}


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Benchmarks beside their floors; ratios are what counts."
    )
    parser.add_argument("--full", action="store_true", help="a million rows, twice the calls and rounds")
    parser.add_argument("--rows", type=int, help="rows of the table (default 50000)")
    parser.add_argument("--rounds", type=int, help="how many rounds (default 5)")
    parser.add_argument("--only", action="append", choices=("latency", "calls", "http", "apply", "start", "memory"))
    parser.add_argument("--save", action="store_true", help="write bench/results/<date>.json")
    arguments = parser.parse_args()
    effort = Effort(
        rounds=arguments.rounds or (10 if arguments.full else 5),
        calls=800 if arguments.full else 400,
        rss_calls=20_000 if arguments.full else 10_000,
    )
    rows = arguments.rows or (1_000_000 if arguments.full else 50_000)
    parts = frozenset(arguments.only or ("latency", "calls", "http", "apply", "start", "memory"))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(rows, effort, parts, keep=arguments.save))


async def _run(rows: int, effort: Effort, parts: frozenset[str], *, keep: bool) -> None:
    figures = Figures()
    async with opened_shop(rows=rows, work=2 * effort.jobs * effort.rounds) as shop:
        about = machine(shop.version)
        print(f"{about}, {rows} rows; {effort.rounds} rounds of {effort.calls} calls", flush=True)
        connection = await asyncpg.connect(shop.files.database.read_url)
        writer = await asyncpg.connect(shop.files.database.write_url)
        driver, writing = Driver(connection), Driver(writer)
        if parts & {"latency", "calls"}:
            await _stdio(figures, shop, driver, effort, parts)
        if "http" in parts:
            await _http(figures, shop, effort)
        for number in range(effort.rounds):
            _tell(f"apply, start: round {number + 1}")
            if "apply" in parts:
                await apply(figures, shop, writing, effort)
            if "start" in parts:
                await start(figures, shop)
        if "memory" in parts:
            _tell("memory")
            await memory(figures, shop, effort)
        await connection.close()
        await writer.close()
    _tell("")
    _print(figures)
    if keep:
        print(f"\nsaved: {save(figures, {'machine': about, 'rows': rows}).relative_to(ROOT)}")


async def _stdio(figures: Figures, shop: Shop, driver: Driver, effort: Effort, parts: frozenset[str]) -> None:
    async with AsyncExitStack() as stack:
        floor, floor26 = await noop(shop), await noop(shop, "2026")
        read, read26, ask = await ours(shop), await ours(shop, READ, "2026"), await ours(shop, PROPOSE)
        for session in (floor, floor26, read, read26, ask):
            stack.push_async_callback(session.close)
        targets: tuple[Target, ...] = (Disk(shop.files.root), driver, floor, read, floor26, read26, ask)
        arguments = [*[shop.reads() for _ in targets[:-1]], shop.asks()]
        for target, given in zip(targets, arguments, strict=True):
            await target.measure(given, callers=1, calls=WARM_UP, seconds=60)
        for number in range(effort.rounds):
            _tell(f"stdio: round {number + 1}")
            if "latency" in parts:
                for name, target, given in zip(_WORDS, targets, arguments, strict=True):
                    await latency(figures, name, target, given, effort)
            if "calls" in parts:
                for callers in CALLERS:
                    for name, session in (("noop", floor), ("read", read)):
                        await throughput(figures, name, session, shop.reads(), callers, effort)


async def _http(figures: Figures, shop: Shop, effort: Effort) -> None:
    async with AsyncExitStack() as stack:
        targets: list[tuple[str, Http]] = []
        for name, tool in (("noop", TOOL), ("read", READ)):
            port = _free_port()
            ours = shop.files.command("serve", "--http", f"127.0.0.1:{port}")
            command = [sys.executable, "-m", "bench.noop", str(port)] if tool == TOOL else ours
            await stack.enter_async_context(_process(command, shop, port))
            for era in _ERAS:
                target = Http(port, tool, era, shop.token)
                await target.open()
                await target.measure(shop.reads(), callers=1, calls=WARM_UP, seconds=60)
                targets.append((f"{name} http {era}", target))
        for number in range(effort.rounds):
            _tell(f"http: round {number + 1}")
            for name, target in sorted(targets, key=lambda t: t[0].split()[2]):
                await latency(figures, name, target, shop.reads(), effort)
            for callers, (name, target) in itertools.product(CALLERS, targets):
                if name.endswith("2025"):
                    await throughput(figures, name, target, shop.reads(), callers, effort)


@asynccontextmanager
async def _process(command: list[str], shop: Shop, port: int) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(*command, env=shop.environment, cwd=ROOT)
    try:
        async with asyncio.timeout(20):
            while True:
                assert process.returncode is None, "the HTTP server ended"
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    break
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _print(figures: Figures) -> None:
    if figures.has("read p50"):
        print(
            table(
                "One caller over stdio, ms a call",
                ["", "p50", "p95", "p99", "server CPU", "p50 / b"],
                _latencies(figures),
            )
        )
    for title, suffix in (("stdio", ""), ("Streamable HTTP", " http 2025")):
        if figures.has(f"read{suffix} x1"):
            print(_rates(figures, title, f"noop{suffix}", f"read{suffix}"))
    if figures.has("read http 2025 p50"):
        rows = [[era, *_pair(figures, f"noop http {era} p50", f"read http {era} p50", ".3f")] for era in _ERAS]
        print(table("One caller over Streamable HTTP, p50 in ms", ["protocol", "b no-op", "c read", "c / b"], rows))
    if rest := _rest(figures):
        print(table("The rest", ["", "beside", "floor", "ours", "ratio"], rest))
    print(table("Targets", ["", "", "", ""], _targets(figures)))


def _latencies(figures: Figures) -> list[list[str]]:
    rows = []
    for name, words in _WORDS.items():
        cells = [f"{figures.median(f'{name} {p}'):.3f}" for p in ("p50", "p95", "p99")]
        cpu = f"{figures.median(f'{name} cpu'):.2f}" if figures.has(f"{name} cpu") else "-"
        rows.append([words, *cells, cpu, f"{figures.ratio(f'{name} p50', 'noop p50'):.2f}"])
    return rows


def _rest(figures: Figures) -> list[list[str]]:
    wanted = (
        ("e  proposals/s, approved to applied", "driver", "driver applied", "worker applied", ".0f"),
        ("g  start to first answer, s", "no-op", "noop start", "read start", ".2f"),
        ("h  RSS after 1,000 calls, MB", "no-op", "noop rss first", "read rss first", ".1f"),
        ("h  RSS after all calls, MB", "no-op", "noop rss last", "read rss last", ".1f"),
    )
    return [[words, beside, *_pair(figures, a, b, form)] for words, beside, a, b, form in wanted if figures.has(a, b)]


def _rates(figures: Figures, title: str, floor: str, mine: str) -> str:
    rows = [
        [
            str(callers),
            f"{figures.median(f'{floor} x{callers}'):.0f}",
            f"{figures.median(f'{mine} x{callers}'):.0f}",
            f"{figures.ratio(f'{mine} x{callers}', f'{floor} x{callers}'):.2f}",
            f"{figures.median(f'{floor} x{callers} p99'):.1f}",
            f"{figures.median(f'{mine} x{callers} p99'):.1f}",
            f"{sum(figures.rounds[f'{mine} x{callers} refused']):.0f}",
        ]
        for callers in CALLERS
    ]
    return table(
        f"f  calls/s over {title}", ["callers", "b no-op", "c read", "c / b", "b p99 ms", "c p99 ms", "c refused"], rows
    )


def _pair(figures: Figures, floor: str, mine: str, form: str) -> list[str]:
    return [f"{figures.median(floor):{form}}", f"{figures.median(mine):{form}}", f"{figures.ratio(mine, floor):.2f}"]


def _targets(figures: Figures) -> list[list[str]]:
    lines = []
    if figures.has("read p50"):
        lines.append(
            verdict("c p50 / (b p50 + a p50)", figures.ratio("read p50", "noop p50", "driver p50"), 1.0, below=True)
        )
    if figures.has("read x32"):
        lines.append(verdict("c / b calls/s at 32 callers", figures.ratio("read x32", "noop x32"), 1.0, below=False))
    if figures.has("read rss last"):
        grown = figures.median("read rss last") - figures.median("read rss first")
        lines.append(verdict("h growth in MB", grown, 2.0, below=True))
    if figures.has("read start"):
        lines.append(verdict("g start / no-op start", figures.ratio("read start", "noop start"), 1.3, below=True))
    return lines


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _tell(words: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{words}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
