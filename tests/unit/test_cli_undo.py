"""`synapsor undo` at the command line: what it files and says, and every way in which it refuses to."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.attack.test_drift import VIEWS
from tests.commands import Done, Run, activated, key
from tests.databases import Database, execute, fetch
from tests.projects import ProjectFiles, write_project
from tests.unit.test_trial import BILLING

NOTE = "billing.propose_note"
POLICY = BILLING.replace("    set: {note: $note}\n", "    set: {note: $note}\n    undo: reviewed\n")


@pytest.fixture
def files(tmp_path: Path, sqlite_db: Database) -> ProjectFiles:
    made = write_project(tmp_path / "project", sqlite_db, policy=POLICY)
    made.join("mia")
    return made


@pytest.fixture
def run(run: Run, files: ProjectFiles) -> Run:
    return activated(run, files)


def note(run: Run, files: ProjectFiles, text: str = "Wrong one.") -> str:
    """Return the handle of a note that was applied."""
    called = run("--json", "call", NOTE, "--arg", "invoice_id=INV-3001", "--arg", f"note={text}")
    proposal = json.loads(called.out)["proposal"]
    assert run("approve", proposal["id"], *key(files, "leo"), "--digest", proposal["digest"]).code == 0
    assert run("worker", "--drain").code == 0
    return str(proposal["id"])


def undo(run: Run, files: ProjectFiles, handle: str, *more: str, who: str = "mia") -> Done:
    """Ask for an undo."""
    return run(*more, "undo", handle, *key(files, who), "--reason", "It was the wrong invoice.")


@pytest.mark.requirement("undo:people-decide", "cli:json")
def test_an_undo_is_filed_shown_approved_by_another_and_applied(run: Run, files: ProjectFiles) -> None:
    original = note(run, files)
    (receipt,) = run("--json", "receipts", "list").json["receipts"]
    asked = undo(run, files, receipt["id"])
    assert (asked.code, "nothing has changed yet" in asked.out) == (0, True)
    assert f"would undo {original}" in asked.out
    assert "Another person with the role billing_lead decides" in asked.out
    (entry,) = run("--json", "inbox").json["proposals"]
    assert (entry["undoes"], entry["principal"]) == (original, "mia")
    assert f"undo of {original}" in run("inbox").out
    shown = run("--json", "show", entry["id"]).json
    assert (shown["proposal"]["undoes"]["proposal"], shown["warnings"]) == (original, [])
    own = run("approve", entry["id"], *key(files, "mia"), "--digest", entry["digest"])
    assert (own.code, "own request" in own.err) == (5, True)
    assert run("approve", entry["id"], *key(files, "leo"), "--digest", entry["digest"]).code == 0
    assert run("worker", "--drain").code == 0
    assert run("--json", "replay", entry["id"]).json["differences"] == []
    assert f"undo of it         {entry['id']} is applied" in run("show", original).out
    assert run("--json", "show", original).json["undos"] == [{"proposal": entry["id"], "status": "applied"}]
    again = undo(run, files, original, "--json")
    assert (again.code, again.json["error"]["rule"]) == (3, "already_undone")
    back = undo(run, files, entry["id"], "--json")
    assert (back.code, back.json["status"], back.json["undoes"]["depth"]) == (0, "review_required", 2)
    assert run("verify").code == 0


@pytest.mark.requirement("undo:refused", "cli:exit-codes")
def test_an_undo_is_refused_with_its_rule_and_exit_code(run: Run, files: ProjectFiles) -> None:
    original = note(run, files)
    nobody = run("undo", "wrp_" + "0" * 20, "--reason", "Why.")
    assert (nobody.code, "no such record" in nobody.err) == (2, True)
    assert undo(run, files, original, who="leo").code == 0
    called = run("--json", "call", NOTE, "--arg", "invoice_id=INV-3002", "--arg", "note=Waits.")
    waits = undo(run, files, json.loads(called.out)["proposal"]["id"], "--json")
    assert (waits.code, waits.json["error"]["rule"]) == (1, "not_applied")
    assert "waits for review" in waits.json["error"]["message"]


@pytest.mark.requirement("undo:keeps-others", "undo:shown", "cli:json")
def test_whoever_asks_is_told_that_a_row_has_moved_on_and_what_of_it_stays(run: Run, files: ProjectFiles) -> None:
    original = note(run, files)
    exact = undo(run, files, original, "--json").json
    assert exact["moved_on"] == []
    assert (
        run("reject", exact["proposal"], *key(files, "leo"), "--digest", exact["digest"], "--reason", "No.").code == 0
    )
    execute(files.database, "UPDATE invoices SET late_fee_cents = 1 WHERE id = 'INV-3001'")
    asked = undo(run, files, original)
    assert "1 row has moved on since; what others have set stays." in asked.out
    (entry,) = run("--json", "inbox").json["proposals"]
    told = " ".join(run("show", entry["id"]).out.split())
    assert "others have set late_fee_cents" in told
    (row,) = run("--json", "show", entry["id"]).json["card"]["rows"]
    assert [name["text"] for name in row["moved_on"]["others"]] == ["late_fee_cents"]
    assert (row["moved_on"]["back"], row["moved_on"]["written"]) == ([], True)
    assert run("approve", entry["id"], *key(files, "leo"), "--digest", entry["digest"]).code == 0
    assert run("worker", "--drain").code == 0
    (kept,) = fetch(files.database, "SELECT late_fee_cents, note FROM invoices WHERE id = 'INV-3001'")
    assert kept == (1, None)
    assert undo(run, files, entry["id"]).code == 0


@pytest.mark.requirement("undo:refusals-recorded")
def test_whoever_is_refused_an_undo_is_recorded_with_the_rule(run: Run, files: ProjectFiles) -> None:
    original = note(run, files)
    assert refusals(files, original) == []
    assert run("operator", "revoke", "mia").code == 0
    assert undo(run, files, original).code == 5
    text = files.config_path.read_text(encoding="utf-8")
    files.config_path.write_text(text.replace("mode: writeback", "mode: evidence"), encoding="utf-8")
    assert undo(run, files, original, who="leo").code == 1
    files.config_path.write_text(text, encoding="utf-8")
    assert undo(run, files, original, who="leo").code == 0
    assert undo(run, files, original, who="leo").code == 3
    found = [("mia", "operator_revoked"), ("leo", "proposals_off"), ("leo", "already_undone")]
    assert refusals(files, original) == found
    called = run("--json", "call", NOTE, "--arg", "invoice_id=INV-3002", "--arg", "note=Waits.")
    waits = json.loads(called.out)["proposal"]["id"]
    for who, recorded in (("leo", "leo"), ("nobody-of-this-name", "?")):
        assert run("undo", waits, "--operator", who, "--reason", "x").code == 1
        assert refusals(files, waits)[-1] == (recorded, "not_applied")
    assert run("verify").code == 0


def refusals(files: ProjectFiles, handle: str) -> list[tuple[str, str]]:
    """Return who was refused a decision on a proposal, and by which rule, as the ledger has it."""
    with closing(sqlite3.connect(files.root / ".synapsor" / "ledger.db")) as ledger:
        rows = ledger.execute(
            "SELECT operator, rule FROM refused_decision WHERE proposal = ? ORDER BY seq", (handle,)
        ).fetchall()
    return [(str(who), str(rule)) for who, rule in rows]


@pytest.mark.requirement("undo:refused", "contract:replaced-is-refused", "drift:refused")
def test_nothing_is_undone_under_a_contract_that_is_not_the_activated_one_or_on_another_schema(
    run: Run, files: ProjectFiles
) -> None:
    original = note(run, files)
    policy = files.root / "policies" / "billing.yaml"
    policy.write_text(POLICY.replace("max_length: 500", "max_length: 499"), encoding="utf-8")
    replaced = undo(run, files, original, "--json")
    assert (replaced.code, replaced.json["error"]["rule"]) == (5, "not_activated")
    policy.write_text(POLICY, encoding="utf-8")
    execute(files.database, VIEWS["sqlite"][0])
    drifted = undo(run, files, original, "--json")
    assert (drifted.code, drifted.json["error"]["rule"]) == (3, "schema_drift")
    policy.write_text(POLICY.replace(f"  {NOTE}:", "  billing.propose_remark:"), encoding="utf-8")
    gone = undo(run, files, original, "--json")
    assert (gone.code, gone.json["error"]["rule"]) == (2, "ConfigError")


@pytest.mark.requirement("undo:refused", "ladder:enforced")
def test_nothing_is_undone_where_only_reads_are_allowed(run: Run, files: ProjectFiles) -> None:
    original = note(run, files)
    text = files.config_path.read_text(encoding="utf-8")
    files.config_path.write_text(text.replace("mode: writeback", "mode: evidence"), encoding="utf-8")
    refused = undo(run, files, original, "--json")
    assert (refused.code, refused.json["error"]["rule"]) == (1, "proposals_off")


@pytest.mark.requirement("approval:could-be-applied")
def test_of_an_undo_that_a_new_version_leaves_behind_nobody_is_told_to_extend_it(run: Run, files: ProjectFiles) -> None:
    assert undo(run, files, note(run, files)).code == 0
    policy = files.root / "policies" / "billing.yaml"
    policy.write_text(policy.read_text("utf-8").replace("rows: 50", "rows: 40"), encoding="utf-8")
    assert run("activate", "--yes", *key(files, "rita")).code == 0
    told = " ".join(run("inbox").out.replace("┆", " ").split())
    assert "its contract was replaced since. Reject it, and ask for the undo again" in told
