"""Opening and making a ledger: private files, and a refusal for whatever is not a whole ledger of this program."""

import asyncio
import logging
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from synapsor.errors import IntegrityError, LedgerFailure
from synapsor.ledger.keys import create_key
from synapsor.ledger.migrate import migrations
from synapsor.ledger.open import open_ledger
from synapsor.ledger.sqlite_file import connect
from tests.ledger_records import CLOCK, fill, seen


async def made(folder: Path) -> Path:
    path = folder / "ledger.db"
    ledger = open_ledger(path, create=True, clock=CLOCK)
    await ledger.record_read(*seen())
    await ledger.aclose()
    return path


def modes(folder: Path) -> dict[str, str]:
    return {p.name: oct(stat.S_IMODE(p.stat().st_mode)) for p in folder.iterdir()}


@pytest.mark.requirement("ledger:private-files")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
async def test_a_new_ledger_is_its_owners_alone_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    folder = tmp_path / "deep" / "er"
    before = os.umask(umask)
    try:
        ledger = open_ledger(folder / "ledger.db", create=True, clock=CLOCK)
        await ledger.record_read(*seen())
    finally:
        os.umask(before)
    names = {"ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.key", "ledger.checkpoints"}
    assert modes(folder) == dict.fromkeys(names, "0o600")
    assert {oct(stat.S_IMODE(p.stat().st_mode)) for p in (folder, folder.parent)} == {"0o700"}
    await ledger.aclose()


@pytest.mark.requirement("ledger:private-files")
async def test_a_file_found_open_to_others_is_narrowed_with_a_notice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = await made(tmp_path)
    wide = {path, path.with_suffix(".key"), path.with_suffix(".checkpoints")}
    for file in wide:
        file.chmod(0o644)
    with caplog.at_level(logging.WARNING, "synapsor.ledger"):
        await open_ledger(path, clock=CLOCK).aclose()
    assert {r.__dict__["action"] for r in caplog.records} == {"mode_narrowed"}
    assert {str(r.args[0]) for r in caplog.records if isinstance(r.args, tuple)} >= {file.name for file in wide}
    assert set(modes(tmp_path).values()) == {"0o600"}


def test_an_existing_directory_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    asyncio.run(made(tmp_path))
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file but those that SQLite makes on any look at a database."""
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file() and not p.name.endswith(("-wal", "-shm"))}


def spoil_missing(path: Path) -> None:
    path.unlink()


def spoil_empty(path: Path) -> None:
    path.write_bytes(b"")


def spoil_header(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[3] ^= 1
    path.write_bytes(data)


def spoil_pages(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:100] + b"\xff" * (len(data) - 100))


def spoil_cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:2048])


def spoil_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def spoil_text(path: Path) -> None:
    path.write_text("not a ledger", encoding="utf-8")


def spoil_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def spoil_read_only(path: Path) -> None:
    path.chmod(0o400)


def spoil_other(path: Path) -> None:
    path.unlink()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE cats (name TEXT)")
    other.close()


def spoil_version(path: Path) -> None:
    newer = connect(path.as_uri() + "?mode=rw")
    newer.execute("INSERT INTO migration (number, name, checksum, at) VALUES (9999, 'later', 'x', 'y')")
    newer.close()


def spoil_key(path: Path) -> None:
    path.with_suffix(".key").unlink()


def spoil_key_text(path: Path) -> None:
    path.with_suffix(".key").write_text("nonsense", encoding="utf-8")


SPOILERS = [value for name, value in globals().items() if name.startswith("spoil_")]


@pytest.mark.requirement("ledger:never-recreated")
@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("create", [False, True])
async def test_what_is_not_a_whole_ledger_is_refused_and_left_as_it_is(
    tmp_path: Path, spoil: object, create: bool
) -> None:
    path = await made(tmp_path)
    assert callable(spoil)
    spoil(path)
    before = contents(tmp_path)
    with pytest.raises(LedgerFailure) as refused:
        open_ledger(path, create=create, clock=CLOCK)
    assert refused.value.fix
    assert refused.value.__cause__ is None
    assert contents(tmp_path) == before


def test_a_missing_ledger_is_not_made_unless_asked(tmp_path: Path) -> None:
    with pytest.raises(LedgerFailure, match="no ledger"):
        open_ledger(tmp_path / "ledger.db", clock=CLOCK)
    assert list(tmp_path.iterdir()) == []


async def test_asking_to_make_a_ledger_that_exists_opens_it(tmp_path: Path) -> None:
    path = await made(tmp_path)
    ledger = open_ledger(path, create=True, clock=CLOCK)
    assert (await ledger.head())[0] == 2
    await ledger.aclose()


async def test_of_many_who_make_the_same_ledger_at_once_one_does(tmp_path: Path) -> None:
    ids, gate = [], threading.Barrier(8)

    def start() -> None:
        gate.wait()
        ledger = open_ledger(tmp_path / "new" / "ledger.db", create=True, clock=CLOCK)
        ids.append(ledger)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({ledger.id for ledger in ids}) == 1
    assert len(ids) == 8
    for ledger in ids:
        await ledger.aclose()


async def test_a_key_may_be_kept_elsewhere_and_is_never_overwritten(tmp_path: Path) -> None:
    key_path = tmp_path / "keys" / "mine.key"
    create_key(key_path)
    text = key_path.read_bytes()
    ledger = open_ledger(tmp_path / "ledger.db", create=True, key_path=key_path, clock=CLOCK)
    await ledger.aclose()
    assert key_path.read_bytes() == text
    assert not (tmp_path / "ledger.key").exists()
    with pytest.raises(LedgerFailure):
        create_key(key_path)


async def test_another_key_is_an_integrity_error(tmp_path: Path) -> None:
    path = await made(tmp_path)
    path.with_suffix(".key").unlink()
    create_key(path.with_suffix(".key"))
    with pytest.raises(IntegrityError):
        open_ledger(path, clock=CLOCK)


async def test_a_changed_migration_is_an_integrity_error(tmp_path: Path) -> None:
    path = await made(tmp_path)
    raw = connect(path.as_uri() + "?mode=rw")
    raw.execute("DROP TRIGGER migration_fixed")
    raw.execute("UPDATE migration SET checksum = 'sha256:0'")
    raw.close()
    with pytest.raises(IntegrityError):
        open_ledger(path, clock=CLOCK)
    assert migrations()[0].checksum != "sha256:0"


@pytest.mark.parametrize("name", ["a b.db", "%41?mode=memory#x.db", "ünï.db", "-wal.db"])
async def test_any_file_name_is_only_a_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    ledger = open_ledger(path, create=True, clock=CLOCK)
    assert (await ledger.head())[0] == 1
    await ledger.aclose()
    assert path.is_file()


LOCKED = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)
    except OSError:
        print("held")
"""
"""Tells whether another process holds SQLite's shared lock on a file (https://www.sqlite.org/fileformat.html, 1.3.1)."""


@pytest.mark.requirement("ledger:many-processes")
async def test_a_process_that_opens_a_ledger_once_more_keeps_its_locks_on_it(tmp_path: Path) -> None:
    """Without them another process that ends takes itself for the last one, and deletes the log that this one still writes."""
    path = await made(tmp_path)
    ledger = open_ledger(path, clock=CLOCK)
    await ledger.head()
    await open_ledger(path, clock=CLOCK).aclose()
    asked = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", LOCKED, str(path)], capture_output=True, text=True, check=True
    )
    assert asked.stdout == "held\n"
    await ledger.aclose()


async def test_a_copy_of_the_files_at_any_moment_verifies(tmp_path: Path) -> None:
    """The way back: database, write-ahead log and checkpoints copied together, key from where it is kept."""
    path = tmp_path / "ledger.db"
    ledger = open_ledger(path, create=True, clock=CLOCK)
    await fill(ledger)
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("ledger.checkpoints", "ledger.db", "ledger.db-wal", "ledger.key"):
        (copy / name).write_bytes((tmp_path / name).read_bytes())
    head = await ledger.head()
    await ledger.aclose()
    restored = open_ledger(copy / "ledger.db", clock=CLOCK)
    assert await restored.head() == head
    assert (await restored.verify()).ok
    await restored.aclose()
