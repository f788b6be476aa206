"""Whoever writes the ledger's file puts a trigger into it that keeps what is written from being kept, or another file in its place, while
people and programs go on: nothing is recorded, and nobody is told that something was.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from synapsor.errors import LedgerFailure
from synapsor.ledger.open import LedgerFiles, open_ledger
from tests.attack.shop import WAIVER, Shop, as_ledger_owner, open_shop
from tests.attack.test_taken_away import BEFORE, thrown, worked
from tests.attack.test_worker_permission import ON, WHY, shop_on
from tests.databases import Database
from tests.projects import leo_rejects

IGNORED = "BEGIN SELECT raise(IGNORE); END"
FORGETFUL = (
    f"CREATE TRIGGER no_event BEFORE INSERT ON event WHEN NEW.kind IN ('policies_stopped', 'proposal_rejected') {IGNORED}",
    f"CREATE TRIGGER no_switch BEFORE INSERT ON policy_switch WHEN NEW.state = 'stopped' {IGNORED}",
    "CREATE TRIGGER no_decision AFTER INSERT ON decision BEGIN DELETE FROM decision WHERE seq = NEW.seq; END",
    f"CREATE TRIGGER no_head BEFORE INSERT ON checkpoint WHEN NOT EXISTS (SELECT 1 FROM event WHERE seq = NEW.seq) {IGNORED}",
)
"""Of a stop and of a rejection nothing stays in the ledger, and whoever records one is told of no failure."""


@pytest.fixture
def database(sqlite_db: Database) -> Database:
    """The ledger is the same on every engine."""
    return sqlite_db


def put(ledger: Path, *statements: str) -> None:
    """Put something into the ledger's file."""
    with closing(sqlite3.connect(ledger, isolation_level=None)) as raw:
        for statement in statements:
            raw.execute(statement)


def taken_out(ledger: Path) -> None:
    """Take the triggers out again, so that nobody finds them."""
    put(ledger, *(f"DROP TRIGGER {statement.split()[2]}" for statement in FORGETFUL))


@pytest.mark.requirement("ledger:own-schema")
async def test_a_stop_that_a_trigger_keeps_out_of_the_ledger_is_told_not_to_be_recorded(
    tmp_path: Path, database: Database
) -> None:
    async with shop_on(tmp_path, database, ON) as shop:
        await shop.proposed(WAIVER, {"invoice_id": "INV-3001", **WHY})
        await thrown(shop, "running")
        put(shop.ledger_path, *FORGETFUL)
        with pytest.raises(LedgerFailure) as failed:
            await thrown(shop, "stopped")
        assert failed.value.rule == "ledger_replaced"
        assert await worked(shop) == []
        taken_out(shop.ledger_path)
        await thrown(shop, "stopped")
        assert (await worked(shop), shop.invoice()) == ([], BEFORE)
        assert (await shop.project.verify()).ok


@pytest.mark.requirement("ledger:own-schema")
async def test_nobody_is_told_that_they_rejected_what_a_trigger_keeps_in_review(
    tmp_path: Path, database: Database
) -> None:
    async with open_shop(tmp_path / "project", database) as shop:
        asked = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", "reason": "Paid."})
        put(shop.ledger_path, *FORGETFUL, "DROP TRIGGER proposal_needs_no_reject")
        with pytest.raises(LedgerFailure, match="tables or triggers are not those of this program"):
            await leo_rejects(shop.files, shop.project, asked)
        assert await shop.status(asked["id"]) == "review_required"


@pytest.mark.requirement("ledger:own-schema")
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE more (a TEXT)",
        "CREATE VIEW seen AS SELECT * FROM decision",
        "CREATE INDEX event_kind ON event (kind)",
        "DROP INDEX event_subject",
        "CREATE TRIGGER late AFTER UPDATE OF lease ON job BEGIN UPDATE proposal SET capability = 'x'; END",
        "ALTER TABLE job ADD COLUMN more TEXT GENERATED ALWAYS AS (id)",
    ],
)
async def test_whatever_stands_in_the_ledgers_file_beside_its_own_is_written_past_by_nobody(
    tmp_path: Path, database: Database, statement: str
) -> None:
    async with open_shop(tmp_path / "project", database) as shop:
        with as_ledger_owner(shop):
            """Whoever takes triggers away and puts the same ones back has changed nothing."""
        assert (await shop.call(WAIVER, {"invoice_id": "INV-3001", "reason": "Paid."}))["ok"]
        before = await shop.ledger.head()
        put(shop.ledger_path, statement)
        answer = await shop.call(WAIVER, {"invoice_id": "INV-3002", "reason": "Paid."})
        assert (answer["error"]["code"], await shop.ledger.head()) == ("evidence_unavailable", before)
        other = open_ledger(shop.ledger_path, clock=shop.project.clock)
        with pytest.raises(LedgerFailure):
            await other.checkpoint()
        await other.aclose()


def forgotten(ledger: Path) -> None:
    """Take the triggers out of the file and let the number of its schema be, by which others see that it has changed."""
    names = ", ".join(f"'{statement.split()[2]}'" for statement in FORGETFUL)
    put(ledger, "PRAGMA writable_schema = ON", f"DELETE FROM sqlite_schema WHERE name IN ({names})")


@pytest.mark.requirement("ledger:own-schema")
async def test_a_trigger_that_a_process_has_read_and_the_file_has_no_more_keeps_nothing_out(
    tmp_path: Path, database: Database
) -> None:
    async with shop_on(tmp_path, database, ON) as shop:
        await shop.proposed(WAIVER, {"invoice_id": "INV-3001", **WHY})
        await thrown(shop, "running")
        put(shop.ledger_path, *FORGETFUL)
        other = open_ledger(shop.ledger_path, clock=shop.project.clock)
        forgotten(shop.ledger_path)
        await thrown(replace(shop, ledger=other), "stopped")
        newest = await shop.ledger.policies.switch()
        assert newest is not None
        assert newest.switch.state == "stopped"
        assert (await worked(shop), shop.invoice()) == ([], BEFORE)
        await other.aclose()


@pytest.mark.requirement("ledger:own-schema")
async def test_a_number_of_the_schema_that_comes_again_lets_no_trigger_pass(tmp_path: Path, database: Database) -> None:
    async with shop_on(tmp_path, database, ON) as shop:
        await shop.proposed(WAIVER, {"invoice_id": "INV-3001", **WHY})
        await thrown(shop, "running")
        with closing(sqlite3.connect(shop.ledger_path)) as raw:
            ((number,),) = raw.execute("PRAGMA schema_version").fetchall()
        put(shop.ledger_path, *FORGETFUL)
        for _ in range(2):
            with pytest.raises(LedgerFailure) as failed:
                await thrown(shop, "stopped")
            assert failed.value.rule == "ledger_replaced"
            put(shop.ledger_path, f"PRAGMA schema_version = {number}")
        taken_out(shop.ledger_path)
        await thrown(shop, "stopped")
        assert (await worked(shop), shop.invoice()) == ([], BEFORE)


def copied(shop: Shop) -> None:
    """Put a copy in the place of the ledger's file, as somebody may who restores a backup while it is in use."""
    path, copy = shop.ledger_path, shop.ledger_path.with_suffix(".copy")
    put(path, f"VACUUM INTO '{copy}'")
    copy.replace(path)
    for beside in ("-wal", "-shm"):
        Path(f"{path}{beside}").unlink(missing_ok=True)


def away(shop: Shop) -> None:
    """Take the file away."""
    shop.ledger_path.unlink()


def _log_copied(shop: Shop) -> None:
    """Put a copy in the place of the write-ahead log: who opens the ledger next writes there, and beside everybody else."""
    log = Path(f"{shop.ledger_path}-wal")
    copy = log.with_name("copy")
    copy.write_bytes(log.read_bytes())
    copy.replace(log)


def _index_away(shop: Shop) -> None:
    """Take the index of the log away, by which one process sees what another has written."""
    Path(f"{shop.ledger_path}-shm").unlink()


@pytest.mark.requirement("ledger:in-place")
async def test_a_stop_that_another_file_holds_is_not_passed_by_in_the_one_that_a_worker_has_open(
    tmp_path: Path, database: Database
) -> None:
    async with shop_on(tmp_path, database, ON) as shop:
        await shop.proposed(WAIVER, {"invoice_id": "INV-3001", **WHY})
        await thrown(shop, "running")
        await shop.ledger.follow()
        kept = shop.ledger_path.with_suffix(".checkpoints").read_bytes()
        copied(shop)
        other = open_ledger(shop.ledger_path, clock=shop.project.clock)
        await thrown(replace(shop, ledger=other), "stopped")
        shop.ledger_path.with_suffix(".checkpoints").write_bytes(kept)
        assert (await worked(shop), shop.invoice()) == ([], BEFORE)
        await other.aclose()


@pytest.mark.requirement("ledger:in-place")
@pytest.mark.parametrize("how", [copied, away, _log_copied, _index_away])
async def test_nothing_is_written_into_a_file_that_is_not_the_ledgers_any_more(
    tmp_path: Path, database: Database, how: Callable[[Shop], None]
) -> None:
    async with open_shop(tmp_path / "project", database) as shop:
        asked = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", "reason": "Paid."})
        how(shop)
        with pytest.raises(LedgerFailure, match="another file was put in its place") as failed:
            await leo_rejects(shop.files, shop.project, asked)
        assert failed.value.rule == "ledger_replaced"
        answer = await shop.call(WAIVER, {"invoice_id": "INV-3002", "reason": "Paid."})
        assert answer["error"]["code"] == "evidence_unavailable"


@pytest.mark.requirement("ledger:in-place")
@pytest.mark.parametrize("how", [_log_copied, _index_away])
async def test_what_stands_beside_a_ledger_is_sought_where_a_link_to_it_leads(
    tmp_path: Path, how: Callable[[Shop], None]
) -> None:
    behind = tmp_path / "behind.db"
    await open_ledger(behind, create=True).aclose()
    for name in ("key", "checkpoints"):
        behind.with_suffix(f".{name}").rename(tmp_path / f"ledger.{name}")
    path = tmp_path / "ledger.db"
    path.symlink_to(behind)
    ledger = open_ledger(path)
    await ledger.refused_decision("wrp_1", "tom", "role_missing", "2026-11-29T10:00:00.000000Z")
    how(cast("Shop", SimpleNamespace(ledger_path=behind)))
    with pytest.raises(LedgerFailure, match="another file was put in its place"):
        await ledger.refused_decision("wrp_1", "tom", "role_missing", "2026-11-29T10:00:00.000000Z")
    await ledger.aclose()


@pytest.mark.requirement("ledger:in-place")
def test_a_ledger_whose_log_is_taken_away_while_it_is_opened_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LedgerFiles, "companions", property(lambda files: (files.database.with_name("gone"),)))
    with pytest.raises(LedgerFailure) as failed:
        open_ledger(tmp_path / "ledger.db", create=True)
    assert failed.value.rule == "ledger_replaced"
