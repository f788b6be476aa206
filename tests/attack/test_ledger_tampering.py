"""Whoever can write the ledger's files changes history in every way we could think of; `verify` says that, and where.

The attacker owns the files but not the ledger's key. Triggers are put back after each change, so that they are not what is found.
"""

import datetime as dt
import itertools
import random
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synapsor.core.records import to_body
from synapsor.core.signatures import public_text
from synapsor.ledger.anchor import Anchor
from synapsor.ledger.chain import Book, Signer, event, event_hash
from synapsor.ledger.connection import Job, T
from synapsor.ledger.keys import create_key, load_key
from synapsor.ledger.kinds import KINDS, loads
from synapsor.ledger.open import open_ledger
from synapsor.ledger.sqlite_file import ERRORS, SqliteTransaction, connect, run
from synapsor.ledger.verify import VerifyReport, _Bad, _Walk, verify
from synapsor.values import canonical, digest_bytes
from tests.ledger_records import CLOCK, START, at, fill, seen

UNCOVERED = {
    "probe": {"one", "at"},
    "migration": {"name", "at"},
    "job": {"lease", "worker", "lease_until", "code"},
    "ledger": {"one"},
}
"""What says nothing about history: the probe, the names of schema steps, and who works on a job."""


class Still:
    """The connection seam over a connection whose open transaction holds the attack."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._tx = SqliteTransaction(raw)

    async def read(self, job: Job[T]) -> T:
        return run(job, self._tx)

    async def glance(self, job: Job[T]) -> T:
        return run(job, self._tx)

    async def write(self, job: Job[T]) -> T:
        return run(job, self._tx)

    async def version(self) -> int:
        return 0

    async def inspect(self) -> str:
        return self._tx.inspect()

    async def close(self) -> None:
        """Nothing to let go of."""


@dataclass
class Scene:
    """A filled ledger, closed, and what an honest keeper noted elsewhere."""

    path: Path
    public_key: str
    signer: Signer
    head: tuple[int, str]
    raw: sqlite3.Connection

    @property
    def anchor(self) -> Anchor:
        return Anchor(self.path.with_suffix(".checkpoints"))

    async def verify(self, *, saved_head: bool = False, anchor: bool = True) -> VerifyReport:
        return await verify(
            Still(self.raw),
            public_key=self.public_key,
            seals=self.signer.seals,
            saved_head=self.head if saved_head else None,
            saved=self.anchor if anchor else None,
        )

    def guards(self, table: str | None = None) -> list[dict[str, Any]]:
        """Return the guards, of one table or of all."""
        query = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND coalesce(tbl_name = ?, true)"
        return self.raw.execute(query, (table,)).fetchall()

    @contextmanager
    def attack(self, table: str | None = None) -> Iterator[sqlite3.Connection]:
        """Open a transaction in which no guard stands, of one table if no other is attacked; all is undone after it."""
        self.raw.execute("BEGIN")
        for guard in self.guards(table):
            self.raw.execute(f"DROP TRIGGER {guard['name']}")
        try:
            yield self.raw
        finally:
            self.raw.execute("ROLLBACK")

    def restore_guards(self, guards: list[dict[str, Any]]) -> None:
        for guard in guards:
            self.raw.execute(guard["sql"])

    async def after(
        self, *statements: tuple[str, tuple[Any, ...]], table: str | None = None, **kept: bool
    ) -> VerifyReport:
        """Return what `verify` says after these statements, and with every guard standing again."""
        return await self.after_work(
            lambda raw: [raw.execute(text, values) for text, values in statements], table=table, **kept
        )

    async def after_work(
        self, work: Callable[[sqlite3.Connection], Any], *, table: str | None = None, **kept: bool
    ) -> VerifyReport:
        guards = self.guards(table)
        with self.attack(table) as raw:
            work(raw)
            self.restore_guards(guards)
            return await self.verify(**kept)


@pytest_asyncio.fixture
async def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    monkeypatch.setattr("synapsor.ledger.chain.EVERY", 8)
    path = tmp_path / "ledger.db"
    ledger = open_ledger(path, create=True, clock=CLOCK)
    await fill(ledger)
    await fill(ledger)
    for _ in range(7):
        await ledger.record_read(*seen())
    head, public_key, signer = await ledger.head(), ledger.public_key, ledger._signer
    await ledger.aclose()
    raw = connect(path.as_uri() + "?mode=rw")
    raw.execute("PRAGMA foreign_keys = OFF")
    raw.execute("PRAGMA ignore_check_constraints = ON")
    scene = Scene(path, public_key, signer, head, raw)
    assert (await scene.verify(saved_head=True)).first_bad is None
    yield scene
    raw.close()


def tables(raw: sqlite3.Connection) -> list[str]:
    """Return the tables; what is counted of a day, and which job waits for which (`ledger:order-verified`), says nothing about history."""
    apart = "('spent', 'job_row')"
    found = raw.execute(f"SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN {apart} ORDER BY name")
    return [r["name"] for r in found]


def rows(raw: sqlite3.Connection, table: str) -> list[dict[str, Any]]:
    return raw.execute(f"SELECT rowid AS place, * FROM {table} ORDER BY rowid").fetchall()


def spoiled(value: Any, rng: random.Random) -> Any:
    """Return a value that differs in as little as one bit."""
    if value is None:
        return "x"
    if isinstance(value, int):
        return value ^ 1
    place = rng.randrange(len(value)) if value else 0
    return value[:place] + chr(ord(value[place]) ^ 1) + value[place + 1 :] if value else "x"


@pytest.mark.requirement("ledger:tampering-is-found")
async def test_a_bit_changed_in_any_column_of_any_row_is_found_at_that_row(scene: Scene) -> None:
    rng, tried, unfound, misplaced = random.Random(7), 0, [], []
    for table in tables(scene.raw):
        for row in rows(scene.raw, table):
            for column in set(row) - {"place"} - UNCOVERED.get(table, set()):
                changed = spoiled(row[column], rng)
                change = (f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (changed, row["place"]))
                try:
                    report = await scene.after(change, table=table)
                except sqlite3.IntegrityError:
                    continue  # the change would make two rows one, which no attacker can write either
                tried += 1
                if report.first_bad is None:
                    unfound.append((table, column))
                elif column == "body" and report.first_bad[0] != row["seq"]:
                    misplaced.append((table, row["seq"], report.first_bad))
    assert unfound == []
    assert misplaced == []
    assert tried > 800


@pytest.mark.requirement("ledger:tampering-is-found")
async def test_every_row_that_is_deleted_is_found(scene: Scene) -> None:
    unfound = []
    for table in sorted(set(tables(scene.raw)) - {"probe"}):
        for row in rows(scene.raw, table):
            report = await scene.after((f"DELETE FROM {table} WHERE rowid = ?", (row["place"],)), table=table)
            if report.first_bad is None:
                unfound.append((table, row["place"]))
    assert unfound == []


async def test_a_checkpoint_changed_or_deleted_in_the_ledger_is_found_without_the_file_too(scene: Scene) -> None:
    signed = rows(scene.raw, "checkpoint")
    assert len(signed) > 5
    for row, following in itertools.pairwise(signed):
        deleted = await scene.after(("DELETE FROM checkpoint WHERE seq = ?", (row["seq"],)), anchor=False)
        assert deleted.first_bad == (following["seq"], "the checkpoint before this one is missing")
    for row in signed:
        for column in ("signature", "at", "ledger", "hash", "previous"):
            changed = spoiled(row[column], random.Random(5))
            report = await scene.after(
                (f"UPDATE checkpoint SET {column} = ? WHERE seq = ?", (changed, row["seq"])), anchor=False
            )
            assert report.first_bad is not None
            assert report.first_bad[0] == row["seq"]


@pytest.mark.requirement("ledger:tampering-is-found")
async def test_a_record_that_is_added_to_history_is_found(scene: Scene) -> None:
    unfound = []
    for kind in KINDS:
        for seq in (1, 3, scene.head[0], scene.head[0] + 1, 0, -5, 2**40):
            row = {**rows(scene.raw, kind)[0], "seq": seq, "id": "forged"}
            row = {
                name: "forged" if name in {"proposal", "digest"} else value
                for name, value in row.items()
                if name != "place"
            }
            names = ", ".join(row)
            insert = (f"INSERT INTO {kind} ({names}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))
            try:
                report = await scene.after(insert)
            except sqlite3.IntegrityError:
                continue  # that event has such a record already
            if report.first_bad is None or report.first_bad[0] != seq:
                unfound.append((kind, seq, report.first_bad))
    assert unfound == []


async def test_events_swapped_duplicated_or_renumbered_are_found(scene: Scene) -> None:
    last = scene.head[0]
    swap = (
        ("UPDATE event SET seq = -1 WHERE seq = 5", ()),
        ("UPDATE event SET seq = 5 WHERE seq = 6", ()),
        ("UPDATE event SET seq = 6 WHERE seq = -1", ()),
    )
    copy = (
        (
            "INSERT INTO event SELECT ?, at, kind, subject, body, prev, hash, seal FROM event WHERE seq = ?",
            (last + 1, last),
        ),
    )
    shift = (
        ("UPDATE event SET seq = seq + 1000 WHERE seq > 20", ()),
        ("UPDATE event SET seq = seq - 999 WHERE seq > 1000", ()),
    )
    below = (("INSERT INTO event SELECT 0, at, kind, subject, body, prev, hash, seal FROM event WHERE seq = 1", ()),)
    assert (await scene.after(*swap)).first_bad == (5, "event does not follow the one before it")
    assert (await scene.after(*copy)).first_bad == (last + 1, "event does not follow the one before it")
    assert (await scene.after(*shift)).first_bad == (21, "event is missing")
    assert (await scene.after(*below)).first_bad == (0, "event stands before the first one")


def cut(raw: sqlite3.Connection, keep: int) -> None:
    """Take history back to an event as if nothing had come after it, statuses and jobs too."""
    for table in ("job_row", *KINDS, "proposal_row", "checkpoint", "event"):
        raw.execute(f"DELETE FROM {table} WHERE seq > ?", (keep,))
    for row in raw.execute("SELECT id FROM proposal").fetchall():
        moves = [
            loads(e["body"]) for e in raw.execute("SELECT body FROM event WHERE subject = ? ORDER BY seq", (row["id"],))
        ]
        status = [m["facts"]["target"] for m in moves if "target" in m["facts"]][-1]
        leases = sum(m["kind"] == "job_leased" for m in moves)
        raw.execute("UPDATE proposal SET status = ? WHERE id = ?", (status, row["id"]))
        raw.execute(
            "UPDATE job SET open = ?, attempt = ? WHERE proposal = ?", (status == "approved", leases, row["id"])
        )
    raw.execute("DELETE FROM job_row")
    raw.execute(
        "INSERT INTO job_row SELECT r.target, j.seq, r.own FROM job j JOIN proposal_row r ON r.proposal = j.proposal WHERE j.open = 1"
    )


@pytest.mark.requirement("ledger:tampering-is-found")
async def test_a_tail_cut_anywhere_is_found_by_a_head_kept_elsewhere(scene: Scene) -> None:
    for keep in range(scene.head[0]):
        report = await scene.after_work(partial(cut, keep=keep), saved_head=True, anchor=False)
        assert report.first_bad is not None, keep


@pytest.mark.requirement("ledger:tampering-is-found")
async def test_a_tail_cut_below_the_last_checkpoint_is_found_by_the_file_beside_the_ledger(scene: Scene) -> None:
    signed = max(c.seq for _, c in scene.anchor.lines() if c)
    assert signed == scene.head[0]
    for keep in range(signed):
        report = await scene.after_work(partial(cut, keep=keep))
        assert report.first_bad is not None, keep
    shorter = await scene.after_work(partial(cut, keep=30))
    assert shorter.first_bad == (31, "the tail is missing: a signed checkpoint is further on")
    without = await scene.after_work(lambda raw: cut(raw, 30), anchor=False)
    assert without.ok, "a plain chain cannot tell; this is why heads are kept elsewhere"


def rewrite(raw: sqlite3.Connection, start: int) -> None:
    """Change an event and its evidence, then hash everything after it again, as the chain wants it."""
    prev = raw.execute("SELECT prev FROM event WHERE seq = ?", (start,)).fetchone()["prev"]
    for row in raw.execute("SELECT seq, body FROM event WHERE seq >= ? ORDER BY seq", (start,)).fetchall():
        body = loads(row["body"])
        if row["seq"] == start:
            body["facts"]["forged"] = True
            for kind, (handle, _) in body["records"].items():
                record = loads(raw.execute(f"SELECT body FROM {kind} WHERE seq = ?", (start,)).fetchone()["body"])
                text = canonical({**record, "forged": True})
                raw.execute(f"UPDATE {kind} SET body = ? WHERE seq = ?", (text.decode(), start))
                body["records"][kind] = [handle, digest_bytes(kind, text)]
        text = canonical(body)
        digest = event_hash(row["seq"], prev, text)
        raw.execute(
            "UPDATE event SET body = ?, prev = ?, hash = ? WHERE seq = ?", (text.decode(), prev, digest, row["seq"])
        )
        prev = digest


@pytest.mark.requirement("ledger:tampering-is-found")
async def test_history_hashed_again_without_the_key_is_found(scene: Scene) -> None:
    for start in range(2, scene.head[0] + 1):
        kept = await scene.after_work(partial(rewrite, start=start), anchor=False)
        assert kept.first_bad is not None, start
        assert isinstance(kept.first_bad[0], int)
        assert kept.first_bad[0] >= start

        def without_checkpoints(raw: sqlite3.Connection, start: int = start) -> None:
            rewrite(raw, start)
            raw.execute("DELETE FROM checkpoint WHERE seq >= ?", (start,))

        assert (await scene.after_work(without_checkpoints)).first_bad is not None, start
        assert (await scene.after_work(without_checkpoints, anchor=False, saved_head=True)).first_bad is not None, start


@pytest.mark.requirement("ledger:tampering-is-found")
async def test_history_signed_again_with_another_key_is_found_by_the_pinned_key(scene: Scene, tmp_path: Path) -> None:
    other = public_text(create_key(tmp_path / "other.key"))
    report = await scene.after(("UPDATE ledger SET public_key = ?", (other,)))
    assert report.first_bad == ("ledger", "is signed with another key")
    report = await verify(Still(scene.raw), public_key=other, seals=scene.signer.seals)
    assert report.first_bad == ("ledger", "is signed with another key")


async def test_a_status_written_by_hand_is_found(scene: Scene) -> None:
    waiting = scene.raw.execute("SELECT id FROM proposal WHERE status = 'review_required'").fetchone()["id"]
    report = await scene.after(("UPDATE proposal SET status = 'approved' WHERE id = ?", (waiting,)))
    assert report.first_bad == (waiting, "its status is not what its events say")


async def test_an_event_that_takes_a_step_there_is_not_is_found_though_the_chain_holds(scene: Scene) -> None:
    rejected = scene.raw.execute("SELECT id FROM proposal WHERE status = 'rejected'").fetchone()["id"]
    step = event("proposal_applied", rejected, at(), facts={"origin": "rejected", "target": "applied"})

    def forge(raw: sqlite3.Connection) -> None:
        run(lambda tx: Book(tx, scene.signer, []).append(step), SqliteTransaction(raw))
        raw.execute("UPDATE proposal SET status = 'applied' WHERE id = ?", (rejected,))

    report = await scene.after_work(forge)
    assert report.first_bad == (scene.head[0] + 1, "a proposal took a step that there is not")


async def test_a_job_opened_again_by_hand_is_found(scene: Scene) -> None:
    job = scene.raw.execute("SELECT proposal FROM job WHERE open = 0").fetchone()["proposal"]
    report = await scene.after(("UPDATE job SET open = 1, attempt = 0 WHERE proposal = ?", (job,)))
    assert report.first_bad == (job, "its job stands where its events do not lead")


async def test_a_guard_that_was_taken_away_is_found(scene: Scene) -> None:
    with scene.attack():
        report = await scene.verify()
    assert report.first_bad == ("ledger", "its tables or triggers are not those of this program")
    assert (await scene.verify()).ok


async def test_two_histories_signed_with_the_right_key_are_told_apart_by_the_file(scene: Scene) -> None:
    """As after a backup was restored and written on, while the file remembers the other future."""
    ledger = scene.raw.execute("SELECT id FROM ledger").fetchone()["id"]
    signer = Signer(ledger, load_key(scene.path.with_suffix(".key")), FixedClock())
    fork = signer.sign(8, "sha256:" + "1" * 64, previous=1)
    line = canonical(to_body(fork)) + b"\n"
    report = await with_lines(scene, scene.anchor.path.read_bytes() + line)
    assert report.first_bad == (8, "differs from the checkpoint that was kept beside the ledger")


# The file of checkpoints.


class FixedClock:
    def now(self) -> dt.datetime:
        return START


async def with_lines(scene: Scene, data: bytes | None) -> VerifyReport:
    path, honest = scene.anchor.path, scene.anchor.path.read_bytes()
    if data is None:
        path.unlink()
    else:
        path.write_bytes(data)
    try:
        return await scene.verify()
    finally:
        path.write_bytes(honest)


class Keeper:
    """Looks at the checkpoint file alone, after one walk over the ledger."""

    def __init__(self, scene: Scene) -> None:
        self._tx = SqliteTransaction(scene.raw)
        self._walk = _Walk(scene.public_key, scene.signer.seals, None)
        self.path = scene.anchor.path
        self.honest = self.path.read_bytes()

    async def accepts(self, data: bytes) -> bool:
        if not self._walk.seq:
            await self._walk.all(self._tx, None)
        self.path.write_bytes(data)
        try:
            await self._walk._anchor(self._tx, Anchor(self.path))
        except _Bad:
            return False
        finally:
            self.path.write_bytes(self.honest)
        return True


async def test_every_byte_of_the_checkpoint_file_counts(scene: Scene) -> None:
    keeper, rng, unfound = Keeper(scene), random.Random(3), []
    assert await keeper.accepts(keeper.honest)
    ends = [place for place, byte in enumerate(keeper.honest) if byte == ord("\n")]
    for place in (*range(ends[0] + 1), *ends, *range(ends[-2], ends[-1] + 1)):  # the lines in the middle are like these
        data = bytearray(keeper.honest)
        data[place] ^= 1 << rng.randrange(8)
        if await keeper.accepts(bytes(data)):
            unfound.append(place)
    assert unfound == []


async def test_a_checkpoint_file_that_is_missing_empty_or_of_another_ledger_is_found(
    scene: Scene, tmp_path: Path
) -> None:
    other = open_ledger(tmp_path / "other" / "ledger.db", create=True, clock=CLOCK)
    await other.aclose()
    foreign = (tmp_path / "other" / "ledger.checkpoints").read_bytes()
    for data in (None, b"", b"\n", b"{}\n", foreign, scene.anchor.path.read_bytes() + foreign):
        assert (await with_lines(scene, data)).first_bad is not None, data


async def test_a_line_torn_by_a_crash_is_no_finding_and_is_mended_by_the_next(scene: Scene) -> None:
    keeper = Keeper(scene)
    honest = keeper.honest
    last = honest.rindex(b"\n", 0, -1) + 1
    for end in range(last + 1, len(honest)):
        assert await keeper.accepts(honest[:end]), end
    found = [c for _, c in scene.anchor.lines() if c]
    scene.anchor.path.write_bytes(honest[: last + 40])
    scene.anchor.append([found[-1]])
    assert scene.anchor.path.read_bytes() == honest
    assert (await scene.verify()).ok


async def test_a_checkpoint_without_its_signature_or_with_another_spelling_of_it_is_found(scene: Scene) -> None:
    last = [c for _, c in scene.anchor.lines() if c][-1]
    spelled = last.signature[:-3] + chr(ord(last.signature[-3]) + 1) + "=="
    for signature in ("", "x", spelled, last.signature[::-1], last.signature + "\n"):
        line = canonical(to_body(replace(last, signature=signature))) + b"\n"
        assert (await with_lines(scene, scene.anchor.path.read_bytes() + line)).first_bad is not None


# The database file.


def dump(raw: sqlite3.Connection) -> list[Any]:
    found: list[Any] = []
    for table in tables(raw):
        columns = [
            c["name"]
            for c in raw.execute(f"PRAGMA table_info({table})")
            if c["name"] not in UNCOVERED.get(table, set())
        ]
        if columns:
            found += [(table, row) for row in raw.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY rowid")]
    return found


@pytest.mark.requirement("ledger:tampering-is-found")
async def test_a_bit_flipped_in_the_file_is_found_or_changes_no_record(scene: Scene, tmp_path: Path) -> None:
    scene.raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    honest, whole = dump(scene.raw), scene.path.read_bytes()
    copy = tmp_path / "copy.db"
    rng, found, changed = random.Random(11), 0, []
    for _ in range(480):
        place = rng.randrange(len(whole))
        shutil.copyfile(scene.path, copy)
        with copy.open("r+b") as stream:
            stream.seek(place)
            stream.write(bytes([whole[place] ^ (1 << rng.randrange(8))]))
        if await _bad(copy, scene):
            found += 1
        else:
            raw = connect(copy.as_uri() + "?mode=ro&immutable=1")
            if dump(raw) != honest:
                changed.append(place)
            raw.close()
    assert changed == []
    assert found > 120


async def _bad(path: Path, scene: Scene) -> bool:
    try:
        raw = connect(path.as_uri() + "?mode=ro&immutable=1")
    except ERRORS:
        return True
    try:
        return (
            await verify(
                Still(raw),
                public_key=scene.public_key,
                seals=scene.signer.seals,
                saved_head=scene.head,
                saved=scene.anchor,
            )
        ).first_bad is not None
    except ERRORS:
        return True
    finally:
        raw.close()
