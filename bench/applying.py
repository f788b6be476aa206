"""`python -m bench.applying`: applied proposals a second and the time from approved to applied, for 1, 4 and 16 lanes, on Postgres and MariaDB.

Beside each stands the same guarded transaction by the bare driver with as many connections, in the same round; ratios are what counts. Worker,
ledger and database server share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import itertools
import os
import pstats
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomysql
import anyio
import asyncpg
import uvloop
from pymysql.constants import CLIENT

from bench.report import Figures, percentile
from synapsor.config import load_config
from synapsor.flow.desk import Desk
from synapsor.runtime import Project, open_project
from synapsor.work.worker import Worker
from tests.databases import Database, execute, load_mariadb, load_postgres, table
from tests.projects import ACME, ProjectFiles, leo_approves, opened, write_project
from tests.servers import start_mariadb, start_postgres

LANES = (1, 4, 16)
WORKERS = 2
PROPOSE = "billing.propose_note"
_COLUMNS = "id, tenant_id, customer, status, amount, late_fee_cents, waiver_reason, note, due_date, row_version"
_RECEIPT = "(receipt_key, proposal_digest, proposal_id, tenant, outcome, ledger_head, worker)"
_TEXTS = "id, tenant_id, customer, status::text, amount::text, late_fee_cents, waiver_reason, note, due_date::text, row_version"
_HAMMER: dict[str, tuple[str, str, str]] = {
    "postgres": (
        f"INSERT INTO billing.synapsor_receipts {_RECEIPT} VALUES ($1, $2, $3, 'acme', 'applied', $2, 'bench')",
        f"SELECT {_TEXTS} FROM billing.invoices WHERE tenant_id = $1 AND id = $2",
        "UPDATE billing.invoices SET note = $3 WHERE tenant_id = $1 AND id = $2 AND row_version = $4",
    ),
    "mariadb": (
        f"INSERT INTO synapsor_receipts {_RECEIPT} VALUES (UNHEX(%s), UNHEX(%s), %s, 'acme', 'applied', UNHEX(%s), 'bench')",
        f"SELECT {_COLUMNS} FROM invoices WHERE tenant_id = %s AND id = %s",
        "UPDATE invoices SET note = %s WHERE tenant_id = %s AND id = %s AND row_version = %s",
    ),
}
Apply = Callable[[str], Awaitable[None]]


def main() -> None:
    """Measure and print a table for each engine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--engine", choices=tuple(_HAMMER))
    parser.add_argument(
        "--profile", type=int, metavar="LANES", help="print where a drain of so many lanes spends its time"
    )
    parser.add_argument("--drain", type=Path, metavar="CONFIG", help=argparse.SUPPRESS)  # one of several workers
    arguments = parser.parse_args()
    if arguments.drain:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_one_of_several(arguments.drain))
        return
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    for engine in [arguments.engine] if arguments.engine else _HAMMER:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_engine(engine, arguments.jobs, arguments.rounds, arguments.profile))


async def _engine(engine: str, jobs: int, rounds: int, profile: int | None) -> None:
    figures = Figures()
    work = jobs * (2 * len(LANES) + 2) * rounds + 200 * len(LANES)
    async with _shop(engine, work) as (files, keys), opened(files) as project:
        desk = await project.desk()
        if profile:
            await _profiled(files, project, desk, list(itertools.islice(keys, jobs)), profile)
            return
        for _ in range(rounds):
            for lanes in LANES:
                await _approved(files, project, desk, list(itertools.islice(keys, jobs)))
                rate, used = await _drained(project, lanes, jobs)
                figures.add(f"worker {lanes}", rate)
                figures.add(f"used {lanes}", used)
                bare = await _hammered(files.database, list(itertools.islice(keys, jobs)), lanes)
                figures.add(f"driver {lanes}", bare)
            await _approved(files, project, desk, list(itertools.islice(keys, jobs * 2)))
            figures.add("together", await _together(files, jobs * 2))
        for lanes in LANES:
            for seconds in await _answered(files, project, desk, list(itertools.islice(keys, 40)), lanes):
                figures.add(f"latency {lanes}", seconds * 1000)
    _print(engine, figures)


def _print(engine: str, figures: Figures) -> None:
    print(
        f"{engine}\nlanes  worker/s  driver/s  ratio  cpu ms a job  approved to applied: median, 95th percentile (ms)"
    )
    for lanes in LANES:
        worker, driver = f"worker {lanes}", f"driver {lanes}"
        late = figures.rounds[f"latency {lanes}"]
        print(
            f"{lanes:5}  {figures.median(worker):8.0f}  {figures.median(driver):8.0f}  {figures.ratio(worker, driver):5.2f}  {figures.median(f'used {lanes}'):12.1f}"
            f"  {statistics.median(late):8.0f}  {percentile(late, 0.95):8.0f}",
            flush=True,
        )
    together = figures.median("together")
    print(
        f"{WORKERS} workers of 4 lanes: {together:.0f} together, {figures.ratio('together', 'driver 4'):.2f} of the driver"
    )


@asynccontextmanager
async def _shop(engine: str, work: int) -> AsyncIterator[tuple[ProjectFiles, Iterator[str]]]:
    """Start a server that really syncs, with a row for each change, and a project over it."""
    server = (
        start_postgres(fsync="on", full_page_writes="on", shared_buffers="256MB", max_connections="400")
        if engine == "postgres"
        else start_mariadb(
            innodb_flush_log_at_trx_commit="1",
            sync_binlog="1",
            innodb_buffer_pool_size="256M",
            max_connections="400",
        )
    )
    try:
        with tempfile.TemporaryDirectory(prefix="syn-bench-") as folder:
            database = load_postgres(server) if engine == "postgres" else load_mariadb(server)
            keys = [f"W-{n}" for n in range(work)]
            rows = ", ".join(f"('{key}', 'acme', 'Customer', 'overdue', 1, 1, '2026-01-01', 'card')" for key in keys)
            columns = "id, tenant_id, customer, status, amount, late_fee_cents, due_date, card_token"
            execute(database, f"INSERT INTO {table(database, 'invoices')} ({columns}) VALUES {rows};")
            yield write_project(Path(folder) / "project", database), iter(keys)
    finally:
        server.close()


async def _approved(files: ProjectFiles, project: Project, desk: Desk, keys: list[str]) -> None:
    for key in keys:
        await _one_approved(files, project, desk, key)


async def _one_approved(files: ProjectFiles, project: Project, desk: Desk, key: str) -> str:
    answer = await desk.call(PROPOSE, {"invoice_id": key, "note": "A note."}, ACME)
    assert answer["ok"], answer["error"]
    await leo_approves(files, project, answer["proposal"]["id"], answer["proposal"]["digest"])
    return str(answer["proposal"]["id"])


async def _drained(project: Project, lanes: int, jobs: int) -> tuple[float, float]:
    """Return how many jobs a second were settled, and the milliseconds of processor time that each took in the worker."""
    worker = await project.worker(lanes=lanes)
    begun, used = time.perf_counter(), time.process_time()
    settled = await worker.run(drain=True)
    seconds, used = time.perf_counter() - begun, time.process_time() - used
    assert settled == jobs, f"{settled} of {jobs} settled"
    return settled / seconds, used / jobs * 1000


async def _together(files: ProjectFiles, jobs: int) -> float:
    """Return how many jobs a second workers of four lanes each settle together, each of them a process of its own."""
    workers = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "bench.applying", "--drain", str(files.config_path)),
            env={**os.environ, **files.environment, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(WORKERS)
    ]
    for worker in workers:
        assert worker.stdout is not None
        while (await worker.stdout.readline()).strip() != b"ready":
            pass
    begun = time.perf_counter()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(b"go\n")
    settled = [int((await worker.communicate())[0]) for worker in workers]
    seconds = time.perf_counter() - begun
    assert sum(settled) == jobs, settled
    return jobs / seconds


async def _one_of_several(config: Path) -> None:
    async with open_project(load_config(config)) as project:
        worker = await project.worker(lanes=4)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        print(await worker.run(drain=True), flush=True)


async def _profiled(files: ProjectFiles, project: Project, desk: Desk, keys: list[str], lanes: int) -> None:
    await _approved(files, project, desk, keys)
    with cProfile.Profile() as profile:
        rate, _ = await _drained(project, lanes, len(keys))
    print(f"{rate:.0f} a second under the profiler")
    pstats.Stats(profile).sort_stats("tottime").print_stats(45)
    pstats.Stats(profile).sort_stats("cumulative").print_stats(90)


async def _answered(files: ProjectFiles, project: Project, desk: Desk, keys: list[str], lanes: int) -> list[float]:
    """Return how long after its approval was recorded each of some changes was reported as applied, by a worker that waits for work."""
    applied: dict[str, float] = {}
    told, stop = anyio.Event(), anyio.Event()

    def report(line: Any) -> None:
        assert line["outcome"] == "applied", line
        applied[line["proposal"]] = time.perf_counter()
        told.set()

    async def run(worker: Worker) -> None:
        await worker.run(stop=stop)

    worker = await project.worker(lanes=lanes, report=report)
    took = []
    async with anyio.create_task_group() as group:
        group.start_soon(run, worker)
        for key in keys:
            told = anyio.Event()
            proposal = await _one_approved(files, project, desk, key)
            approved = time.perf_counter()
            while proposal not in applied:
                await told.wait()
                told = anyio.Event()
            took.append(max(applied[proposal] - approved, 0.0))
            await asyncio.sleep(secrets.randbelow(300) / 1000)  # a person takes their time
        stop.set()
    return took


async def _hammered(database: Database, keys: list[str], connections: int) -> float:
    """Return how many of the worker's transactions a second the bare driver makes with so many connections."""
    left = iter(keys)

    async def each(apply: Apply) -> None:
        for key in left:
            await apply(key)

    connect = _postgres if database.engine == "postgres" else _mariadb
    async with AsyncExitStack() as stack:
        applies = [await stack.enter_async_context(connect(database)) for _ in range(connections)]
        begun = time.perf_counter()
        async with anyio.create_task_group() as group:
            for apply in applies:
                group.start_soon(each, apply)
        return len(keys) / (time.perf_counter() - begun)


@asynccontextmanager
async def _postgres(database: Database) -> AsyncIterator[Apply]:
    receipt, look, update = _HAMMER["postgres"]
    connection = await asyncpg.connect(database.write_url, ssl=False)

    async def apply(key: str) -> None:
        async with connection.transaction():
            await connection.execute(receipt, secrets.token_bytes(32), secrets.token_bytes(32), key)
            row = await connection.fetchrow(look + " FOR UPDATE", "acme", key)
            assert row is not None
            await connection.execute(update, "acme", key, "A note.", row["row_version"])
            await connection.fetchrow(look, "acme", key)

    yield apply
    await connection.close()


@asynccontextmanager
async def _mariadb(database: Database) -> AsyncIterator[Apply]:
    receipt, look, update = _HAMMER["mariadb"]
    parts = urlsplit(database.write_url)
    connection = await aiomysql.connect(
        host=parts.hostname,
        port=parts.port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        db=parts.path.lstrip("/"),
        charset="utf8mb4",
        autocommit=False,
        client_flag=CLIENT.FOUND_ROWS,
        init_command="SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    )
    cursor = await connection.cursor()

    async def apply(key: str) -> None:
        await connection.begin()
        digest = secrets.token_hex(32)
        await cursor.execute(receipt, (secrets.token_hex(32), digest, key, digest))
        await cursor.execute(look + " FOR UPDATE", ("acme", key))
        row = await cursor.fetchone()
        await cursor.execute(update, ("A note.", "acme", key, row[-1]))
        await cursor.execute(look, ("acme", key))
        await cursor.fetchone()
        await connection.commit()

    yield apply
    connection.close()


if __name__ == "__main__":
    main()
