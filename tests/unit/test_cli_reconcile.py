"""`synapsor reconcile` at the command line: what waits for a person, what its rows look like, and who says what became of it."""

import json
from pathlib import Path

import pytest

from synapsor.core.writeback import receipt_key
from tests.commands import Done, Run, activated, key
from tests.databases import Database, execute
from tests.projects import ProjectFiles, write_project

NOTE = "billing.propose_note"
BEFORE = "UPDATE invoices SET note = 'Paid twice.' WHERE id = 'INV-3001'"


@pytest.fixture
def files(tmp_path: Path, sqlite_db: Database) -> ProjectFiles:
    return write_project(tmp_path / "project", sqlite_db)


@pytest.fixture
def run(run: Run, files: ProjectFiles) -> Run:
    return activated(run, files)


def in_doubt(run: Run, files: ProjectFiles, note: str = "Paid twice.") -> str:
    """Return the handle of a proposal of which the shop has a receipt of another digest."""
    called = run("--json", "call", NOTE, "--arg", "invoice_id=INV-3001", "--arg", f"note={note}")
    proposal = json.loads(called.out)["proposal"]
    assert run("approve", proposal["id"], *key(files, "leo"), "--digest", proposal["digest"]).code == 0
    ledger = run("--json", "show", proposal["id"]).json["proposal"]["ledger"]
    execute(
        files.database,
        "INSERT INTO synapsor_receipts (receipt_key, proposal_digest, proposal_id, tenant, outcome, ledger_head, worker) "
        f"VALUES (x'{receipt_key(ledger, proposal['id']).hex()}', x'{'ab' * 32}', '{proposal['id']}', 'acme', 'applied', x'{'cd' * 32}', 'w')",
    )
    assert run("worker", "--drain").code == 0
    return str(proposal["id"])


def resolve(run: Run, files: ProjectFiles, handle: str, verdict: str, *more: str, who: str = "leo") -> Done:
    """Say what became of it."""
    return run(
        "--json",
        "reconcile",
        "resolve",
        handle,
        "--as",
        verdict,
        "--reason",
        "The log has it.",
        *key(files, who),
        *more,
    )


@pytest.mark.requirement("reconcile:signed", "reconcile:classified", "cli:json")
def test_what_is_in_doubt_is_listed_looked_at_and_resolved(run: Run, files: ProjectFiles) -> None:
    assert "No proposal is of unknown outcome" in run("reconcile", "list").out
    handle = in_doubt(run, files)
    listed = run("reconcile", "list").out
    assert handle in listed
    assert "receipt_of_another_digest" in listed
    (one,) = run("--json", "reconcile", "list").json["proposals"]
    assert (one["id"], one["role"], one["code"]) == (handle, "billing_lead", "receipt_of_another_digest")
    seen = run("reconcile", "inspect", handle)
    assert "row 1" in seen.out
    assert "is as before" in seen.out
    assert "--as not-applied" in seen.out
    assert resolve(run, files, handle, "applied").json["error"]["rule"] == "contrary"
    execute(files.database, "UPDATE invoices SET note = 'Something else.' WHERE id = 'INV-3001'")
    found = run("--json", "reconcile", "inspect", handle).json
    assert (found["found"], found["proposals"][0]["evidence"][:3]) == ("drifted", "ev_")
    drifted = run("reconcile", "inspect", handle).out
    assert 'proposed "Paid twice."' in drifted
    assert 'now "Something else."' in drifted
    execute(files.database, BEFORE)
    assert run("--json", "reconcile", "inspect").json["found"] == "matches_proposed"
    done = resolve(run, files, handle, "applied")
    assert (done.code, done.json["status"], done.json["resolutions"][0]["found"]) == (0, "applied", "matches_proposed")
    assert resolve(run, files, handle, "applied").json["error"]["rule"] == "not_in_doubt"
    assert run("--json", "reconcile", "list").json["proposals"] == []
    shown = run("--json", "show", handle).json
    assert (shown["status"], shown["resolution"]["resolution"]["operator"]) == ("applied", "leo")
    assert "resolved as applied" in run("show", handle).out
    assert run("verify").code == 0
    assert run("--json", "replay", done.json["resolutions"][0]["id"]).json["differences"] == []


@pytest.mark.requirement("intent:told")
def test_doctor_warns_of_a_source_that_keeps_no_receipts(run: Run, files: ProjectFiles) -> None:
    before = run("--json", "doctor")
    text = files.config_path.read_text(encoding="utf-8")
    files.config_path.write_text(text.replace(f"{files.database.schema}.synapsor_receipts", "ledger"), encoding="utf-8")
    after = run("--json", "doctor")
    found = [(f["rule"], f["fatal"]) for f in after.json["findings"] if f not in before.json["findings"]]
    assert (after.code, found) == (before.code, [("receipts_in_ledger", False)])
    none = run("receipts", "ddl")
    assert (none.code, "No source names its receipts" in none.err) == (2, True)


@pytest.mark.requirement("reconcile:who", "cli:exit-codes")
def test_who_may_not_say_so_and_what_is_in_no_doubt_is_refused_by_its_rule(run: Run, files: ProjectFiles) -> None:
    handle = in_doubt(run, files)
    other = resolve(run, files, handle, "not-applied", who="rita")
    assert (other.code, other.json["error"]["rule"]) == (5, "role_missing")
    done = run(
        "reconcile", "resolve", handle, "--as", "not-applied", "--reason", "Nothing in the log.", *key(files, "leo")
    )
    assert (done.code, f"{handle} has failed: leo says so" in done.out) == (0, True)
    again = run("reconcile", "inspect", handle)
    assert (again.code, "not_in_doubt" in again.err) == (3, True)
    assert run("reconcile", "inspect", "wrp_" + "0" * 20).code == 2
