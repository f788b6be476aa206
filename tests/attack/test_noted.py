"""A command begins at what another process has noted of the chain: it knows then what that one knew, and a note that this ledger's key did
not write, or that is of another chain, spares nobody the beginning.
"""

import logging
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor.errors import IntegrityError
from synapsor.ledger import anchor as anchor_file
from synapsor.ledger import note, tail
from synapsor.ledger.anchor import Anchor
from synapsor.ledger.believed import Proven
from synapsor.ledger.chain import GENESIS, Signer
from synapsor.ledger.note import Note
from synapsor.ledger.open import open_ledger
from synapsor.ledger.private import locked
from synapsor.ledger.store import Ledger
from synapsor.ports import SystemClock
from synapsor.runtime import open_project
from tests.attack.shop import as_ledger_owner
from tests.attack.test_chain_followed import (
    WAYS,
    Place,
    altered,
    by_a_question,
    by_an_edit,
    by_approving,
    by_asking_first,
    by_more_time,
    by_rejecting,
    in_a_batch,
)
from tests.attack.test_withdrawn_contract import event_hidden, withdraw
from tests.attack.test_worker_permission import ON, shop_on
from tests.databases import Database

Raw = Any
ALTERED = {"ledger_altered", "records_differ"}
VERBS: tuple[Place, ...] = (
    by_approving,
    by_rejecting,
    by_asking_first,
    by_an_edit,
    by_more_time,
    by_a_question,
    in_a_batch,
)
SECRET = b"s" * 32
MUCH = Proven(
    seq=70,
    hash="sha256:" + "a" * 64,
    activated={"billing": "sha256:" + "d" * 64, "big": "sha256:" + "f" * 64},
    decided={"dec_1": ("2026-11-29T10:00:00.000000Z", "sha256:" + "e" * 64)},
    switched="sha256:" + "0" * 64,
    paused={"": "sha256:" + "1" * 64, "shop": "sha256:" + "2" * 64},
    open={"wrp_1": "sha256:" + "b" * 64},
    used={("small", "2026-11-29"): "sha256:" + "c" * 64, ("small", "2026-11-28"): ""},
)


@pytest.fixture(autouse=True)
def each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whatever is proven be noted at once."""
    monkeypatch.setattr(tail, "STEP", 1)


@pytest.fixture
def database(sqlite_db: Database) -> Database:
    """The ledger is the same on every engine."""
    return sqlite_db


@pytest.fixture
def begins(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """From which event on the chain was read, each time from now on."""
    real, seen = tail.onward, list[int]()

    async def onward(tx: Any, trust: Any, **most: int) -> Any:
        seen.append(trust.proven.seq)
        return await real(tx, trust, **most)

    monkeypatch.setattr(tail, "onward", onward)
    return seen


def noted(path: Path) -> Path:
    """Return where the note of a ledger is."""
    return path.with_name(f"{path.name}-proven")


async def proven(path: Path, *, create: bool = False) -> Ledger:
    """Open a ledger, follow its chain, and close it."""
    ledger = open_ledger(path, create=create)
    await ledger.follow()
    await ledger.aclose()
    return ledger


@pytest.mark.requirement("ledger:noted")
async def test_a_process_begins_where_another_one_has_noted_that_it_was_and_knows_what_it_knew(
    tmp_path: Path, begins: list[int]
) -> None:
    path = tmp_path / "ledger.db"
    first = await proven(path, create=True)
    second = await proven(path)
    assert begins == [0, 1]
    assert second._trust == first._trust
    assert noted(path).stat().st_mode & 0o777 == 0o600


@pytest.mark.requirement("ledger:noted")
def test_a_note_is_read_as_it_was_written_and_not_by_who_has_another_secret(tmp_path: Path) -> None:
    assert all(getattr(MUCH, one.name) != getattr(Proven(), one.name) for one in fields(Proven))
    Note(tmp_path / "note", SECRET).write(MUCH)
    assert Note(tmp_path / "note", SECRET).read() == MUCH
    assert Note(tmp_path / "note", b"t" * 32).read() is None


@pytest.mark.requirement("ledger:noted")
def test_all_that_is_remembered_of_a_chain_is_noted() -> None:
    """What a note left out, a command that begins there would not know."""
    assert [one.name for one in fields(Proven) if getattr(MUCH, one.name) == getattr(Proven(), one.name)] == []


@pytest.mark.requirement("ledger:noted")
def test_every_byte_of_a_note_counts(tmp_path: Path) -> None:
    path = tmp_path / "note"
    Note(path, SECRET).write(MUCH)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert Note(path, SECRET).read() is None
        path.write_bytes(whole[:place])
        assert Note(path, SECRET).read() is None


@pytest.mark.requirement("ledger:noted")
def test_what_a_program_of_another_form_has_noted_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(note, "_FORM", 0)
    Note(tmp_path / "note", SECRET).write(MUCH)
    monkeypatch.undo()
    assert Note(tmp_path / "note", SECRET).read() is None


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _link(path: Path) -> None:
    elsewhere = path.with_name("elsewhere")
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


ODD: dict[str, Callable[[Path], object]] = {
    "gone": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "a pipe": _pipe,
    "a link": _link,
    "a folder": _folder,
    "long": lambda path: path.write_bytes(path.read_bytes() + b"0" * 20_000_000),
    "another's": lambda path: path.write_bytes(b"0" * 64 + path.read_bytes()[64:]),
}


@pytest.mark.requirement("ledger:noted")
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_where_the_note_is_anything_else_the_whole_chain_is_proven(
    tmp_path: Path, begins: list[int], odd: Callable[[Path], object]
) -> None:
    path = tmp_path / "ledger.db"
    first = await proven(path, create=True)
    odd(noted(path))
    assert (await proven(path))._trust == first._trust
    assert begins == [0, 0]


@pytest.mark.requirement("ledger:noted")
async def test_a_note_of_what_this_chain_does_not_hold_spares_nobody_its_beginning(
    tmp_path: Path, begins: list[int]
) -> None:
    path = tmp_path / "ledger.db"
    ledger = await proven(path, create=True)
    head = replace(ledger._trust.proven, hash="sha256:" + "d" * 64, seq=1)
    Note(noted(path), ledger.secret(f"proven {ledger.id}")).write(head)
    await proven(path)
    assert begins == [0, 0]


@pytest.mark.requirement("ledger:noted")
async def test_a_note_is_none_of_a_ledger_whose_name_was_changed(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    await proven(path, create=True)
    with closing(sqlite3.connect(path)) as raw:
        ((trigger, sql),) = raw.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND sql LIKE '%UPDATE ON ledger%'"
        ).fetchall()
        raw.executescript(f"DROP TRIGGER {trigger}; UPDATE ledger SET id = 'led_{'0' * 20}'; {sql};")
    ledger = open_ledger(path)
    with pytest.raises(IntegrityError, match="another name"):
        await ledger.follow()
    await ledger.aclose()


@pytest.mark.requirement("ledger:noted")
async def test_what_a_kill_has_left_of_a_note_is_in_nobodys_way(tmp_path: Path, begins: list[int]) -> None:
    path = tmp_path / "ledger.db"
    await proven(path, create=True)
    noted(path).rename(f"{noted(path)}.new")
    await proven(path)
    await proven(path)
    assert begins == [0, 0, 1]


@pytest.mark.requirement("ledger:noted")
async def test_a_note_that_cannot_be_written_keeps_nobody_from_following(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "ledger.db"
    ledger = open_ledger(path, create=True)
    building = noted(path).with_name("ledger.db-proven.new")
    building.mkdir()
    await ledger.follow()
    assert ledger._trust.proven.seq == 1
    assert "ledger.db-proven could not be written" in caplog.text
    await ledger.aclose()


@pytest.mark.requirement("ledger:noted")
async def test_whoever_holds_the_directory_keeps_nobody_from_following(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Who may read it is enough for that, and `flock` on a directory is what backups are wrapped in."""
    path = tmp_path / "ledger.db"
    ledger = open_ledger(path, create=True)
    with locked(tmp_path), anyio.fail_after(30), caplog.at_level(logging.INFO, "synapsor.ledger"):
        await ledger.follow()
    assert ledger._trust.proven.seq == 1
    assert [(one.levelname, one.action) for one in caplog.records] == [("INFO", "note_left")]  # type: ignore[attr-defined]
    assert not noted(path).exists()
    await ledger.aclose()


@pytest.mark.requirement("ledger:noted")
async def test_a_note_is_written_anew_when_there_is_much_to_read_after_it_and_not_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "STEP", 3)
    path = tmp_path / "ledger.db"
    ledger = open_ledger(path, create=True)
    for events, at in ((1, None), (2, None), (3, 3), (4, 3), (5, 3), (6, 6)):
        await ledger.follow()
        assert ledger._trust.proven.seq == events
        told = Note(noted(path), ledger.secret(f"proven {ledger.id}")).read()
        assert (told.seq if told else None) == at
        await ledger.refused_decision("wrp_1", f"tom {events}", "role_missing", "2026-11-29T10:00:00.000000Z")
    await ledger.aclose()


@pytest.mark.requirement("ledger:noted")
async def test_an_older_ledger_that_was_restored_is_proven_from_its_beginning_and_noted_anew(
    tmp_path: Path, begins: list[int]
) -> None:
    path = tmp_path / "ledger.db"
    ledger = await proven(path, create=True)
    saved = {file: file.read_bytes() for file in (path, path.with_suffix(".checkpoints"))}
    again = open_ledger(path)
    await again.refused_decision("wrp_1", "tom", "role_missing", "2026-11-29T10:00:00.000000Z")
    await again.follow()
    await again.aclose()
    for left in ("ledger.db-wal", "ledger.db-shm"):
        (tmp_path / left).unlink(missing_ok=True)
    for file, data in saved.items():
        file.write_bytes(data)
    await proven(path)
    told = Note(noted(path), ledger.secret(f"proven {ledger.id}")).read()
    assert begins == [0, 1, 0]
    assert told == ledger._trust.proven


@pytest.mark.requirement("ledger:noted")
def test_every_checkpoint_that_was_kept_after_the_note_is_looked_for(tmp_path: Path) -> None:
    anchor = Anchor(tmp_path / "ledger.checkpoints")
    anchor.create()
    signer = Signer("led_1", Ed25519PrivateKey.generate(), SystemClock())
    kept = [signer.sign(seq, GENESIS, previous=seq - 1) for seq in range(1, 61)]
    anchor.append(kept)
    assert anchor.after(9) == tuple(kept[9:])


@pytest.mark.requirement("ledger:noted")
def test_a_file_of_checkpoints_that_was_written_since_is_read_again_whatever_it_looks_like(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anchor_file, "_AT_REST", -1)
    anchor, other = (Anchor(tmp_path / name) for name in ("ledger.checkpoints", "other.checkpoints"))
    signer = Signer("led_1", Ed25519PrivateKey.generate(), SystemClock())
    kept = [signer.sign(seq, GENESIS, previous=seq - 1) for seq in range(1, 5)]
    for one in (anchor, other):
        one.create()
        one.append(kept[:3])
    assert [anchor.after(seq) for seq in (1, 2, 1, 0)] == [tuple(kept[seq:3]) for seq in (1, 2, 1, 0)]
    facts = anchor.path.stat()
    while anchor.path.stat().st_ctime_ns == facts.st_ctime_ns:  # within one tick of the clock no two times differ
        anchor.path.write_bytes(b"x" * facts.st_size)
        os.utime(anchor.path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert anchor.after(1) == ()  # of the same size and the same time, and another all the same
    other.path.replace(anchor.path)
    assert anchor.after(1) == tuple(kept[1:3])
    anchor.append(kept[3:])
    assert anchor.after(1) == tuple(kept[1:])
    anchor.path.unlink()
    assert anchor.after(1) == ()


@pytest.mark.requirement("ledger:noted")
def test_a_file_of_checkpoints_that_was_written_just_now_is_read_again_though_its_times_say_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    anchor = Anchor(tmp_path / "ledger.checkpoints")
    anchor.create()
    signer = Signer("led_1", Ed25519PrivateKey.generate(), SystemClock())
    written = time.time_ns()
    monkeypatch.setattr(anchor_file, "_marks", lambda _path: (1, 1, 1, 1, written))
    monkeypatch.setattr(anchor_file, "_AT_REST", 60_000_000_000)
    for seq in (1, 2):
        anchor.append([signer.sign(seq, GENESIS, previous=seq - 1)])
        assert len(anchor.after(0)) == seq


@pytest.mark.requirement("ledger:noted", "ledger:followed")
@pytest.mark.parametrize("place", VERBS, ids=lambda place: place.__name__)
@pytest.mark.parametrize("runs", [False, True], ids=("starts", "runs"))
async def test_a_rejection_that_was_seen_and_is_hidden_lets_nobody_decide_anywhere(
    tmp_path: Path, database: Database, place: Place, *, runs: bool
) -> None:
    async with altered(tmp_path, database, WAYS["hidden"], runs=runs, seen=True) as (shop, asked):
        assert noted(shop.ledger_path).exists()
        assert await place(shop, asked) in ALTERED
        assert (await shop.record(asked["id"])).job is None


@pytest.mark.requirement("ledger:noted")
@pytest.mark.parametrize("how", WAYS.values(), ids=WAYS)
async def test_a_rejection_that_was_noted_is_missed_wherever_it_is_taken_from(
    tmp_path: Path, database: Database, how: Callable[[Raw], None]
) -> None:
    async with altered(tmp_path, database, how, seen=True) as (shop, asked):
        assert noted(shop.ledger_path).exists()
        assert await by_approving(shop, asked) in ALTERED


@pytest.mark.requirement("ledger:noted", "activation:withdrawn")
async def test_a_replaced_contract_is_missed_from_the_first_read_on(tmp_path: Path, sqlite_db: Database) -> None:
    """An event that is hidden under another name is found by whoever reads the chain, and here nobody does yet."""
    async with shop_on(tmp_path, sqlite_db, ON) as shop:
        await withdraw(shop)
        await shop.ledger.follow()
        with as_ledger_owner(shop) as raw:
            event_hidden(raw)
        async with open_project(shop.files.config) as again:
            with pytest.raises(IntegrityError, match="was taken away"):
                await (await again.ledger()).active_contract("billing")
