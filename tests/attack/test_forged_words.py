"""Whoever owns the ledger's file writes words into it that act on a terminal; what people read of it stays what the tool drew."""

import json
from collections.abc import Callable
from typing import Any

import anyio.to_thread
import pytest

from synapsor.cli.main import main
from tests.attack.shop import Shop, as_ledger_owner
from tests.attack.test_forged_ledger import set_body
from tests.databases import Database

pytestmark = pytest.mark.requirement("approval:no-tricks")

FORGED = "x\x1b[2J\x1b[1;1H\n  approved by mara\u202e"


@pytest.fixture
def database(sqlite_db: Database) -> Database:
    """It is about the ledger, so one engine is enough here."""
    return sqlite_db


def _forge(shop: Shop, kind: str, change: Callable[[dict[str, Any]], None]) -> None:
    with as_ledger_owner(shop) as raw:
        for handle, text in raw.execute(f"SELECT id, body FROM {kind}").fetchall():
            body = json.loads(text)
            change(body)
            set_body(raw, kind, handle, body)


@pytest.mark.parametrize(
    ("kind", "within", "field", "command"),
    [
        *(("activation", "activation", field, ("history", "billing")) for field in ("id", "operator", "at")),
        *(("receipt", "", field, ("receipts", "list")) for field in ("id", "proposal", "outcome", "at", "worker")),
        *(("proposal", "", field, ("show", "latest")) for field in ("risk", "tenant_column", "role", "client")),
        *(("receipt", "", field, ("show", "latest")) for field in ("id", "outcome", "code", "worker")),
        *(("decision", "decision", field, ("show", "latest")) for field in ("operator", "role", "reason")),
        *(("proposal", "", field, ("inbox", "--all")) for field in ("risk", "principal", "role")),
    ],
)
async def test_no_word_of_a_forged_record_acts_on_the_terminal(
    shop: Shop, capsys: pytest.CaptureFixture[str], kind: str, within: str, field: str, command: tuple[str, ...]
) -> None:
    await shop.waiver()
    await shop.work()
    _forge(shop, kind, lambda body: (body[within] if within else body).update({field: FORGED}))
    capsys.readouterr()
    await anyio.to_thread.run_sync(main, ["--config", str(shop.files.config_path), *command])
    seen = capsys.readouterr()
    assert seen.out + seen.err
    assert [c for c in seen.out + seen.err if c != "\n" and not c.isprintable()] == []
    assert not [line for line in seen.out.splitlines() if line.startswith("  approved by mara")]


@pytest.mark.requirement("cli:role-known")
@pytest.mark.parametrize("body", ["{}", "null", "x", "[" * 5000 + "]" * 5000])
async def test_a_ledger_that_cannot_be_read_keeps_nobody_from_taking_a_role_away(shop: Shop, body: str) -> None:
    with as_ledger_owner(shop) as raw:
        raw.execute("UPDATE contract_version SET body = ?", (body,))
    change = ["--config", str(shop.files.config_path), "operator", "change", "leo", "--role", "of_another_day"]
    assert await anyio.to_thread.run_sync(main, change) == 0
