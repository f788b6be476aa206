"""Following a ledger: read alone, without its key, and only as long as it is the chain that was read before."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from synapsor.core.history import Entry
from synapsor.errors import IntegrityError, LedgerFailure
from synapsor.ledger.chronicle import Chronicle, open_chronicle
from synapsor.ledger.open import open_ledger
from synapsor.ledger.store import Ledger
from tests.ledger_records import CLOCK, file_one, fill


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger" / "ledger.db"


@pytest_asyncio.fixture
async def ledger(path: Path) -> AsyncIterator[Ledger]:
    opened = open_ledger(path, create=True, clock=CLOCK)
    yield opened
    await opened.aclose()


@pytest_asyncio.fixture
async def chronicle(ledger: Ledger, path: Path) -> AsyncIterator[Chronicle]:
    await fill(ledger)
    opened = open_chronicle(path)
    yield opened
    await opened.aclose()


def edit(path: Path, *statements: str) -> None:
    rows = sqlite3.connect(path)
    for (name,) in rows.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        rows.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        rows.execute(statement)
    rows.commit()
    rows.close()


async def test_what_happened_comes_in_order_and_page_by_page(chronicle: Chronicle, ledger: Ledger) -> None:
    head, mark = await chronicle.head(), chronicle.beginning
    seen: list[Entry] = []
    while entries := await chronicle.after(mark, limit=5):
        seen += entries
        mark = await chronicle.mark(entries[-1].seq) or mark
    assert [entry.seq for entry in seen] == list(range(1, head.seq + 1))
    assert (mark, (mark.seq, mark.hash), chronicle.id) == (head, await ledger.head(), ledger.id)
    assert await chronicle.mark(head.seq + 1) is None
    proposal = await file_one(ledger)
    (entry,) = await chronicle.after(head, limit=5)
    assert (entry.kind, entry.subject) == ("proposal_filed", proposal.id)
    waits = [pending.id for _, pending in await chronicle.in_review(after=0, limit=99)]
    assert waits[-1] == proposal.id


@pytest.mark.parametrize(
    ("statement", "after"),
    [
        (
            "UPDATE event SET body = replace(body, 'proposal_filed', 'proposal_dropped') WHERE kind = 'proposal_filed'",
            0,
        ),
        ("DELETE FROM event WHERE seq = 4", 0),
        ("UPDATE event SET hash = 'sha256:0' WHERE seq = 5", 5),
        ("DELETE FROM event WHERE seq >= 5", 5),
        ("UPDATE event SET prev = hash WHERE seq = 6", 5),
    ],
)
@pytest.mark.requirement("notify:same-chain")
async def test_a_chain_that_was_edited_or_cut_is_not_followed(
    chronicle: Chronicle, path: Path, statement: str, after: int
) -> None:
    mark = await chronicle.mark(after)
    assert mark is not None
    edit(path, "PRAGMA foreign_keys = OFF", statement)
    with pytest.raises(IntegrityError):
        await chronicle.after(mark, limit=999)


@pytest.mark.requirement("notify:same-chain")
async def test_a_place_in_another_ledger_is_none_in_this_one(chronicle: Chronicle, tmp_path: Path) -> None:
    other = open_ledger(tmp_path / "other" / "ledger.db", create=True, clock=CLOCK)
    await fill(other)
    reader = open_chronicle(tmp_path / "other" / "ledger.db")
    for mark in (await reader.head(), reader.beginning):
        with pytest.raises(IntegrityError):
            await chronicle.after(mark, limit=1)
    await reader.aclose()
    await other.aclose()


@pytest.mark.requirement("notify:private")
async def test_whoever_follows_needs_no_key_and_cannot_write(chronicle: Chronicle, path: Path) -> None:
    path.with_suffix(".key").rename(path.with_suffix(".gone"))
    again = open_chronicle(path)
    assert (await again.head()) == (await chronicle.head())
    with pytest.raises(sqlite3.OperationalError):
        again._connection.execute("UPDATE probe SET at = 'x'")
    await again.aclose()
    path.with_suffix(".gone").rename(path.with_suffix(".key"))


@pytest.mark.parametrize("kind", ["missing", "empty", "text", "another"])
def test_what_is_no_ledger_is_refused_and_not_made(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "ledger.db"
    if kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("not a database, but long enough to be looked at as one" * 40, encoding="utf-8")
    elif kind == "another":
        rows = sqlite3.connect(path)
        rows.execute("CREATE TABLE t (a)")
        rows.close()
    with pytest.raises(LedgerFailure):
        open_chronicle(path)
    assert path.exists() is (kind != "missing")
