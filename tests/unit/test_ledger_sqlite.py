"""The SQLite engine under pressure: many processes, a killed writer, a full disk, callers that go away."""

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from synapsor.errors import LedgerFailure
from synapsor.ledger import sqlite
from synapsor.ledger.connection import Transaction
from synapsor.ledger.open import open_ledger
from synapsor.ledger.sqlite import CROWD, SqliteConnection
from synapsor.ledger.sqlite_file import connect, failure
from synapsor.ledger.store import Ledger
from tests.ledger_records import CLOCK, seen

ROOT = Path(__file__).parents[2]
HEAD = (
    f"import asyncio, sys\nsys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'server')!r}]\n"
    """
from pathlib import Path
from synapsor.errors import LedgerFailure
from synapsor.ledger.open import open_ledger
from tests.ledger_records import CLOCK, seen, fill
path = Path(sys.argv[1])
"""
)

WRITE_MANY = (
    HEAD
    + """
async def main():
    ledger = open_ledger(path, clock=CLOCK)
    async def task():
        for _ in range(25):
            audit, evidence = seen()
            await ledger.record_read(audit, evidence)
            print(evidence["id"], flush=True)
    await asyncio.gather(*[task() for _ in range(4)])
    await ledger.aclose()
asyncio.run(main())
"""
)

WRITE_FOREVER = (
    HEAD
    + """
async def main():
    ledger = open_ledger(path, clock=CLOCK)
    async def task():
        while True:
            audit, evidence = seen()
            await ledger.record_read(audit, evidence)
            print(evidence["id"], flush=True)
    await asyncio.gather(*[task() for _ in range(8)])
asyncio.run(main())
"""
)

FILL_THE_DISK = (
    HEAD
    + """
import json, resource, signal
async def main():
    ledger = open_ledger(path, clock=CLOCK)
    await ledger.record_read(*seen())
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = sum(f.stat().st_size for f in path.parent.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 200_000, resource.RLIM_INFINITY))
    acknowledged, failed = [], []
    async def one(padding):
        audit, evidence = seen(padding=padding)
        try:
            await ledger.record_read(audit, evidence)
            acknowledged.append(evidence["id"])
        except LedgerFailure as failure:
            failed.append([audit["id"], evidence["id"], failure.message])
    for _ in range(60):
        await asyncio.gather(*[one(p) for p in (0, 3000, 60_000, 0)])
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await ledger.record_read(*seen())
    await ledger.aclose()
    print(json.dumps([acknowledged, failed]))
asyncio.run(main())
"""
)


def alone(script: str) -> str:
    """Return a script whose jobs come one at a time, each in a turn of its own, to be committed on the loop."""
    return (
        script.replace(
            "await ledger.record_read(audit, evidence)",
            "await ledger.record_read(audit, evidence); await asyncio.sleep(0)",
        )
        .replace("range(8)", "range(1)")
        .replace(
            "await asyncio.gather(*[one(p) for p in (0, 3000, 60_000, 0)])",
            "for p in (0, 3000, 60_000, 0): await one(p)",
        )
        .replace("path = Path(", "from synapsor.ledger import sqlite\nsqlite.QUICK_SECONDS = 3600\npath = Path(")
    )


def start(script: str, path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


async def fresh(folder: Path) -> Path:
    path = folder / "ledger.db"
    await open_ledger(path, create=True, clock=CLOCK).aclose()
    return path


@pytest.mark.requirement("ledger:many-processes")
async def test_eight_processes_write_one_ledger_and_none_is_turned_away(tmp_path: Path) -> None:
    path = await fresh(tmp_path)
    processes = [start(WRITE_MANY, path) for _ in range(8)]
    outputs = [await asyncio.to_thread(p.communicate, None, 100) for p in processes]
    assert [p.returncode for p in processes] == [0] * 8, [e for _, e in outputs]
    told = [line for out, _ in outputs for line in out.split()]
    assert len(told) == 800
    ledger = open_ledger(path, clock=CLOCK)
    report = await ledger.verify()
    found = [await ledger.evidence(name) is not None for name in told]
    await ledger.aclose()
    assert (report.first_bad, report.events, all(found)) == (None, 801, True)


@pytest.mark.requirement("ledger:nothing-acknowledged-is-lost")
@pytest.mark.parametrize("acknowledged", [1, 40, 333])
@pytest.mark.parametrize("script", [WRITE_FOREVER, alone(WRITE_FOREVER)], ids=["together", "alone"])
async def test_killing_a_writer_loses_nothing_that_it_acknowledged(
    tmp_path: Path, acknowledged: int, script: str
) -> None:
    path = await fresh(tmp_path)
    process = start(script, path)
    assert process.stdout is not None
    assert process.stderr is not None
    told = [await asyncio.to_thread(process.stdout.readline) for _ in range(acknowledged)]
    process.send_signal(signal.SIGKILL)
    rest, _ = await asyncio.to_thread(process.communicate)
    told += rest.splitlines(keepends=True)
    ledger = open_ledger(path, clock=CLOCK)
    report = await ledger.verify()
    missing = [name for name in told if name.endswith("\n") and await ledger.evidence(name.strip()) is None]
    await ledger.record_read(*seen())
    await ledger.aclose()
    assert report.first_bad is None
    assert missing == []
    assert report.events > acknowledged


@pytest.mark.requirement("ledger:no-evidence-no-rows")
@pytest.mark.parametrize("script", [FILL_THE_DISK, alone(FILL_THE_DISK)], ids=["together", "alone"])
async def test_on_a_full_disk_a_record_is_whole_or_refused(tmp_path: Path, script: str) -> None:
    path = await fresh(tmp_path)
    process = start(script, path)
    out, err = await asyncio.to_thread(process.communicate, None, 100)
    assert process.returncode == 0, err
    acknowledged, failed = json.loads(out)
    assert acknowledged
    assert failed
    assert {why for *_, why in failed} <= {
        "The ledger failed: the disk is full.",
        "The ledger failed: input or output failed.",
    }
    ledger = open_ledger(path, clock=CLOCK)
    report = await ledger.verify()
    kept = [await ledger.evidence(name) is not None for name in acknowledged]
    half = [handle for pair in failed for handle in pair[:2] if await ledger.find(handle) is not None]
    await ledger.aclose()
    assert report.first_bad is None
    assert all(kept)
    assert half == []


async def test_another_process_that_holds_the_ledger_too_long_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synapsor.ledger.sqlite.BUSY_SECONDS", 0.05)
    path = await fresh(tmp_path)
    ledger = open_ledger(path, clock=CLOCK)
    other = connect(path.as_uri() + "?mode=rw")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerFailure, match="another process holds it"):
        await ledger.record_read(*seen())
    with pytest.raises(LedgerFailure):
        await ledger.healthy()
    other.execute("ROLLBACK")
    other.close()
    await ledger.record_read(*seen())
    assert (await ledger.verify()).ok
    await ledger.aclose()


def _held(engine: SqliteConnection) -> threading.Event:
    """Hold every commit until the event that is returned is set."""
    gate, commit = threading.Event(), engine._commit

    def hold(group: Any) -> None:
        assert gate.wait(10)
        commit(group)

    engine._commit = hold  # type: ignore[method-assign]  # a slow disk
    engine._quick = False
    return gate


async def _turns(number: int = 2) -> None:
    """Let the loop go on until what was begun has reached the ledger's thread."""
    for _ in range(number):
        await asyncio.sleep(0)


async def test_waiting_jobs_share_a_commit(tmp_path: Path) -> None:
    ledger = open_ledger(await fresh(tmp_path), clock=CLOCK)
    engine = ledger._connection
    assert isinstance(engine, SqliteConnection)
    gate, commits = _held(engine), []
    engine._writer.set_trace_callback(lambda text: commits.append(text) if text == "COMMIT" else None)
    first = asyncio.ensure_future(ledger.record_read(*seen()))
    await _turns()
    waiting = [asyncio.ensure_future(ledger.record_read(*seen())) for _ in range(130)]
    await _turns()
    gate.set()
    await asyncio.gather(first, *waiting)
    # The first one alone, and while that was committed the others came together, at most 64 in a group.
    assert len(commits) == 4
    await ledger.aclose()


def _engine(ledger: Ledger) -> SqliteConnection:
    engine = ledger._connection
    assert isinstance(engine, SqliteConnection)
    return engine


def _watched(engine: SqliteConnection) -> list[tuple[str, str]]:
    """Return what will be said of commits and checkpoints: which of them, on which thread."""
    heard: list[tuple[str, str]] = []

    def hear(text: str) -> None:
        word = text.rsplit(maxsplit=1)[-1]
        if word in {"COMMIT", "wal_checkpoint(PASSIVE)"}:
            heard.append((word, threading.current_thread().name))

    engine._writer.set_trace_callback(hear)
    return heard


async def test_calls_that_end_together_share_commits_on_the_thread_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "QUICK_SECONDS", 3600)  # however busy the disk is
    ledger = open_ledger(await fresh(tmp_path), clock=CLOCK)
    engine = _engine(ledger)
    heard = _watched(engine)
    await asyncio.gather(*(ledger.record_read(*seen()) for _ in range(20)))
    assert heard == [("COMMIT", "ledger-write")]
    for _ in range(2 * CROWD):
        await _turns()
        await ledger.record_read(*seen())
    assert (heard[1][1], heard[-1][1]) == ("ledger-write", "MainThread")
    await ledger.aclose()


async def test_two_jobs_of_one_turn_share_a_commit_on_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "QUICK_SECONDS", 3600)
    ledger = open_ledger(await fresh(tmp_path), clock=CLOCK)
    heard = _watched(_engine(ledger))
    await asyncio.gather(*(ledger.record_read(*seen()) for _ in range(2)))
    assert heard == [("COMMIT", "MainThread")]
    await ledger.aclose()


async def test_a_glance_that_would_have_to_wait_for_another_process_waits_on_a_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = open_ledger(await fresh(tmp_path), clock=CLOCK)
    engine = _engine(ledger)
    asked: list[tuple[bool, str]] = []
    read = engine._read

    def held(job: Any, idle: list[sqlite3.Connection], *, patient: bool) -> Any:
        asked.append((patient, threading.current_thread().name.partition("_")[0]))
        if not patient:
            raise LedgerFailure("The ledger failed: another process holds it.", rule="ledger_busy")
        return read(job, idle, patient=patient)

    monkeypatch.setattr(engine, "_read", held)
    assert (await ledger.head())[0] == 1
    assert asked == [(False, "MainThread"), (True, "ledger-read")]
    monkeypatch.undo()
    await ledger.aclose()
    with pytest.raises(LedgerFailure, match="closed"):
        await ledger.head()


@pytest.mark.parametrize(("limit", "thread"), [(3600, "MainThread"), (0, "ledger-write")])
async def test_only_where_the_disk_is_quick_is_a_lone_job_committed_on_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: float, thread: str
) -> None:
    monkeypatch.setattr(sqlite, "QUICK_SECONDS", limit)
    ledger = open_ledger(await fresh(tmp_path), clock=CLOCK)
    engine = _engine(ledger)
    await ledger.record_read(*seen())
    heard = _watched(engine)
    for _ in range(3):
        await _turns()
        await ledger.record_read(*seen())
    assert heard == [("COMMIT", thread)] * 3
    await ledger.aclose()
    again = open_ledger(tmp_path / "ledger.db", clock=CLOCK)
    assert (await again.head())[0] == 5
    await again.aclose()


async def test_the_log_is_copied_into_the_file_by_the_thread_and_does_not_grow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "QUICK_SECONDS", 3600)
    monkeypatch.setattr(sqlite, "CHECKPOINT_EVERY", 8)
    ledger = open_ledger(await fresh(tmp_path), clock=CLOCK)
    engine = _engine(ledger)
    heard = _watched(engine)
    for _ in range(40):
        await _turns()
        await ledger.record_read(*seen())
    size = (tmp_path / "ledger.db-wal").stat().st_size
    for _ in range(160):
        await _turns()
        await ledger.record_read(*seen())
    checkpoints = [thread for word, thread in heard if word.startswith("wal")]
    assert (len(checkpoints) >= 20, set(checkpoints)) == (True, {"ledger-write"})
    assert (tmp_path / "ledger.db-wal").stat().st_size <= 2 * size
    await ledger.aclose()


async def test_a_log_that_cannot_be_copied_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "CHECKPOINT_EVERY", 2)
    ledger = open_ledger(await fresh(tmp_path), clock=CLOCK)
    engine = _engine(ledger)
    refused: list[str] = []

    class Refusing:
        def execute(self, text: str, *parameters: Any) -> Any:
            if "wal_checkpoint" in text:
                refused.append(text)
                raise sqlite3.OperationalError("disk I/O error")
            return writer.execute(text, *parameters)

        def __getattr__(self, name: str) -> Any:
            return getattr(writer, name)

    writer, engine._writer = engine._writer, Refusing()  # type: ignore[assignment]  # all that the engine asks of it
    for _ in range(10):
        await ledger.record_read(*seen())
    assert len(refused) >= 3
    assert (await ledger.head())[0] == 11
    assert (await ledger.verify()).ok
    await ledger.aclose()


async def test_a_job_whose_caller_left_before_it_began_is_not_run(tmp_path: Path) -> None:
    ledger = open_ledger(await fresh(tmp_path), clock=CLOCK)
    engine = ledger._connection
    assert isinstance(engine, SqliteConnection)
    gate = _held(engine)
    first = asyncio.ensure_future(ledger.healthy())
    await _turns()
    gone = asyncio.ensure_future(ledger.record_read(*seen()))
    await _turns()
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    gate.set()
    await first
    await ledger.aclose()
    again = open_ledger(tmp_path / "ledger.db", clock=CLOCK)
    assert (await again.head())[0] == 1
    await again.aclose()


async def test_a_lock_that_another_process_holds_is_waited_for_without_stopping_the_loop(tmp_path: Path) -> None:
    ledger = open_ledger(await fresh(tmp_path), clock=CLOCK)
    other = connect((tmp_path / "ledger.db").as_uri() + "?mode=rw")
    other.execute("BEGIN IMMEDIATE")
    waiting = [asyncio.ensure_future(ledger.record_read(*seen())) for _ in range(3)]
    for _ in range(100):
        await asyncio.sleep(0)
    assert not any(each.done() for each in waiting)
    other.execute("ROLLBACK")
    other.close()
    await asyncio.gather(*waiting)
    assert (await ledger.verify()).ok
    assert (await ledger.head())[0] == 4
    await ledger.aclose()


async def test_a_job_that_waits_for_anything_else_is_refused(tmp_path: Path) -> None:
    ledger = open_ledger(await fresh(tmp_path), clock=CLOCK)

    async def waits(tx: Transaction) -> None:
        await tx.execute("probe", at="half")
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError):
        await ledger._connection.write(waits)
    await ledger.record_read(*seen())
    await ledger.aclose()


async def test_two_event_loops_may_share_a_ledger(tmp_path: Path) -> None:
    ledger = open_ledger(await fresh(tmp_path), clock=CLOCK)

    async def several() -> None:
        await asyncio.gather(*[ledger.record_read(*seen()) for _ in range(50)])

    await asyncio.gather(several(), *[asyncio.to_thread(asyncio.run, several()) for _ in range(3)])
    assert (await ledger.head())[0] == 201
    await ledger.aclose()


async def test_every_connection_has_the_settings_that_durability_and_safety_rest_on(tmp_path: Path) -> None:
    ledger = open_ledger(await fresh(tmp_path), clock=CLOCK)
    engine = ledger._connection
    assert isinstance(engine, SqliteConnection)
    await ledger.head()
    await ledger.receipts(limit=1)
    names = (
        "journal_mode",
        "synchronous",
        "foreign_keys",
        "recursive_triggers",
        "trusted_schema",
        "cell_size_check",
        "busy_timeout",
    )
    for connection in (engine._writer, *engine._idle, *engine._glancing):
        told = {name: next(iter(connection.execute(f"PRAGMA {name}").fetchone().values())) for name in names}
        # What runs on the loop waits for no other process; where one holds the file, a thread waits.
        patience = 30_000 if connection in engine._idle else 0
        assert told == dict(zip(names, ("wal", 2, 1, 1, 0, 1, patience), strict=True))
    assert engine._idle and engine._glancing  # noqa: PT018  # of each there is one
    readers = (*engine._idle, *engine._glancing)
    assert {c.execute("PRAGMA query_only").fetchone()["query_only"] for c in readers} == {1}
    await ledger.aclose()


def test_no_error_of_sqlite_is_quoted() -> None:
    connection = connect(":memory:")
    told: list[str] = []
    for statement in ("SELECT 'CANARY' FROM nowhere", "CANARY", "SELECT * FROM CANARY"):
        try:
            connection.execute(statement)
        except sqlite3.Error as error:
            told.append(failure(error).message)
    told.append(failure(sqlite3.ProgrammingError("You did not supply a value for CANARY")).message)
    connection.close()
    assert len(told) == 4
    assert not any("CANARY" in message for message in told)


async def test_no_file_handle_and_no_thread_is_left_after_closing(tmp_path: Path) -> None:
    path = await fresh(tmp_path)

    def held() -> list[str]:
        targets = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        return [t for t in targets if str(tmp_path) in t]

    before = set(threading.enumerate())
    ledger = open_ledger(path, clock=CLOCK)
    await asyncio.gather(*[ledger.head() for _ in range(10)])
    await ledger.aclose()
    assert held() == []
    assert [t.name for t in threading.enumerate() if t not in before and t.name.startswith("ledger")] == []


@pytest.mark.requirement("ledger:unreadable")
def test_bytes_are_read_as_a_text_for_nothing_else_is_written() -> None:
    raw = connect(":memory:")
    row = raw.execute("SELECT CAST('ä' AS BLOB) AS same, x'ff' AS other, 7 AS number, NULL AS missing").fetchone()
    raw.close()
    assert row == {"same": "ä", "other": "\ufffd", "number": 7, "missing": None}
