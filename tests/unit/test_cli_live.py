"""`synapsor show --live`, and what `synapsor approve` does with a look at the rows: told loudly, and signed only by who says so."""

import json
from pathlib import Path

import pytest

from synapsor.cli import decide
from tests.commands import Run, activated, commands, key
from tests.databases import Database, execute
from tests.projects import ProjectFiles, write_project
from tests.unit.test_cli_undo import refusals
from tests.unit.test_trial import BILLING

NOTE = "billing.propose_note"
FRESH = BILLING.replace("expires_hours: 72}", "expires_hours: 72, fresh: true}")
OTHER = "UPDATE invoices SET note = 'Disputed.' WHERE id = 'INV-3001'"


def project(
    tmp_path: Path, database: Database, capsys: pytest.CaptureFixture[str], policy: str
) -> tuple[ProjectFiles, Run]:
    files = write_project(tmp_path / "project", database, policy=policy)

    return files, activated(commands(capsys, files), files)


@pytest.fixture
def shop(tmp_path: Path, sqlite_db: Database, capsys: pytest.CaptureFixture[str]) -> tuple[ProjectFiles, Run]:
    return project(tmp_path, sqlite_db, capsys, BILLING)


@pytest.fixture
def fresh(tmp_path: Path, sqlite_db: Database, capsys: pytest.CaptureFixture[str]) -> tuple[ProjectFiles, Run]:
    return project(tmp_path, sqlite_db, capsys, FRESH)


def asked(run: Run) -> tuple[str, str]:
    called = run("--json", "call", NOTE, "--arg", "invoice_id=INV-3001", "--arg", "note=Paid.")
    proposal = json.loads(called.out)["proposal"]
    return str(proposal["id"]), str(proposal["digest"])


@pytest.mark.requirement("live:read-credential")
def test_a_look_takes_the_read_credential_and_no_other(shop: tuple[ProjectFiles, Run]) -> None:
    files, run = shop
    handle, digest = asked(run)
    (files.root / "secrets" / "write").unlink()
    shown = run("--json", "show", handle, "--live").json
    assert (shown["live"]["state"], shown["blast"]["untold"]) == ("same", None)
    assert run("approve", handle, *key(files, "leo"), "--digest", digest).code == 0


@pytest.mark.requirement("live:as-the-worker", "cli:json")
def test_show_looks_at_the_source_only_where_that_is_asked_for(
    shop: tuple[ProjectFiles, Run], sqlite_db: Database
) -> None:
    _, run = shop
    handle, _ = asked(run)
    plain = run("--json", "show", handle).json
    assert (plain["card"]["now"], "live" in plain, "blast" in plain) == (None, False, False)
    same = run("show", handle, "--live")
    assert same.code == 0
    for words in ("The rows as they are now", "still as it was", "What it touches beside", "triggers fire"):
        assert words in same.out, words
    execute(sqlite_db, OTHER)
    shown = run("--json", "show", handle, "--live").json
    (row,) = shown["live"]["rows"]
    assert (shown["live"]["state"], row["stands"], row["would_end"]) == (
        "changed",
        "changed",
        {"in": "conflict", "by": "version_moved"},
    )
    assert (shown["blast"]["colour"], shown["card"]["now"]["live"]["state"]) == ("amber", "changed")
    assert any("a row is not as it was" in words for words in shown["card"]["warnings"])
    text = run("show", handle, "--live").out
    assert "WARNING" in text
    assert "would end in       conflict, version_moved" in text
    assert '"Disputed."' in text


@pytest.mark.requirement("live:stale-said-aloud")
def test_a_row_that_is_not_as_it_was_keeps_from_approving_until_somebody_says_so(
    shop: tuple[ProjectFiles, Run], sqlite_db: Database
) -> None:
    files, run = shop
    handle, digest = asked(run)
    execute(sqlite_db, OTHER)
    said = ("approve", handle, *key(files, "leo"), "--digest", digest)
    refused = run(*said)
    assert (refused.code, "WARNING" in refused.out, "A row is not as it was" in refused.err) == (3, True, True)
    assert "--stale-anyway" in refused.err
    assert run("--json", *said).json["error"]["rule"] == "stale_row"
    assert refusals(files, handle) == [("leo", "stale_row"), ("leo", "stale_row")]
    assert run("reject", handle, *key(files, "leo"), "--digest", digest, "--reason", "Stale.").code == 0
    handle, digest = asked(run)
    execute(sqlite_db, OTHER.replace("Disputed", "Again"))
    assert run("approve", handle, *key(files, "leo"), "--digest", digest, "--stale-anyway").code == 0
    assert run("worker", "--drain").code == 0
    done = run("--json", "show", handle, "--live")
    assert (done.json["status"], done.json["live"], done.json["card"]["now"]) == ("conflict", None, None)
    assert "not looked at" in done.err
    assert run("verify").code == 0


@pytest.mark.requirement("live:fresh", "live:untold")
def test_a_source_that_cannot_be_looked_at_keeps_from_approving_only_where_the_contract_says_so(
    shop: tuple[ProjectFiles, Run],
) -> None:
    files, run = shop
    handle, digest = asked(run)
    (files.root / "secrets" / "read").unlink()
    done = run("approve", handle, *key(files, "leo"), "--digest", digest)
    assert (done.code, "cannot be told: not_configured" in done.out) == (0, True)


@pytest.mark.requirement("live:fresh")
def test_with_fresh_a_source_that_cannot_be_looked_at_keeps_from_approving(fresh: tuple[ProjectFiles, Run]) -> None:
    files, run = fresh
    assert "the rows, looked at just before it, are as they were" in " ".join(run("explain", NOTE).out.split())
    handle, digest = asked(run)
    text = (files.root / "secrets" / "read").read_text(encoding="utf-8")
    (files.root / "secrets" / "read").unlink()
    said = ("approve", handle, *key(files, "leo"), "--digest", digest)
    refused = run(*said, "--stale-anyway")
    assert (refused.code, "not_configured" in refused.err) == (3, True)
    path = files.root / "secrets" / "read"
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    assert run(*said).code == 0
    assert run("worker", "--drain").code == 0


@pytest.mark.requirement("live:fresh", "live:stale-said-aloud")
def test_who_takes_their_time_is_told_of_what_changed_meanwhile(
    shop: tuple[ProjectFiles, Run], sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, run = shop
    handle, digest = asked(run)

    def read_for_long(*_: object, **__: object) -> None:
        execute(sqlite_db, OTHER)

    monkeypatch.setattr(decide, "have_digest_named", read_for_long)
    monkeypatch.setattr(decide, "JUST_NOW_SECONDS", -1)
    refused = run("--json", "approve", handle, *key(files, "leo"), "--digest", digest)
    assert (refused.code, refused.json["error"]["rule"]) == (3, "stale_row")
    assert refusals(files, handle) == [("leo", "stale_row")]


def test_a_number_that_has_moved_is_told_with_what_it_counts(
    shop: tuple[ProjectFiles, Run], sqlite_db: Database
) -> None:
    _, run = shop
    waiver = ("billing.propose_late_fee_waiver", "--arg", "invoice_id=INV-3001", "--arg", "reason=Paid.")
    handle = run("--json", "call", *waiver).json["proposal"]["id"]
    execute(sqlite_db, "UPDATE invoices SET late_fee_cents = 100 WHERE id = 'INV-3001'")
    told = " ".join(run("show", handle, "--live").out.split())
    assert "late_fee_cents 5500 cents (55.00) → now 100 cents (1.00)" in told
