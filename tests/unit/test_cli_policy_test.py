"""Testing and drafting policies at the command line, on a real ledger."""

import json
from pathlib import Path
from typing import Any

import pytest

from synapsor.contract.public.yaml_text import render
from synapsor.core.plain import cells
from tests.attack.test_worker_permission import AUTOMATIC, BILLING, ON
from tests.commands import Run, activated, key, propose
from tests.databases import Database
from tests.leaks import tells_number
from tests.projects import ProjectFiles, write_project
from tests.unit.test_cli_policies import approve, person

SMALLER = AUTOMATIC.replace("{before: {at_most: 6000}}", "{before: {at_most: 3000}}")


@pytest.fixture
def files(tmp_path: Path, sqlite_db: Database) -> ProjectFiles:
    made = write_project(tmp_path / "project", sqlite_db, policy=BILLING)
    person(made, "policy", "policy_signer")
    return made


@pytest.fixture
def run(run: Run, files: ProjectFiles, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "80")

    return activated(run, files)


def reject(run: Run, files: ProjectFiles, proposal: dict[str, Any], reason: str) -> None:
    done = run("reject", proposal["id"], *key(files, "leo"), "--digest", proposal["digest"], "--reason", reason)
    assert done.code == 0, done.err


def decided(run: Run, files: ProjectFiles) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a waiver that was applied and one that a person rejected."""
    good, bad = propose(run, "INV-3002"), propose(run, "INV-3001")
    assert approve(run, files, "leo", good).code == 0
    reject(run, files, bad, "They pay late every month.")
    assert run("worker", "--drain").code == 0
    return good, bad


def candidate(files: ProjectFiles, text: str, name: str = "candidate.yaml") -> str:
    path = files.root / name
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.requirement("policy:backtest-red", "cli:fits")
def test_a_candidate_that_would_pass_what_a_person_had_rejected_ends_with_1(run: Run, files: ProjectFiles) -> None:
    good, bad = decided(run, files)
    told = run("policy", "test", candidate(files, AUTOMATIC))
    assert told.code == 1
    assert "RED: 1 that a person had rejected would pass" in told.out
    assert "GREEN: 1 that people approved would pass: reviews that are saved" in told.out
    words = " ".join(told.out.replace("┆", "").split())
    assert 'billing.small_fees approves it; was rejected by leo: "They pay late every month."' in words
    assert "late_fee_cents 5500 to 0 cents" in words
    assert "8,000 cents in 2 proposals downwards" in words
    assert "approved by people 1 0 0 rejected by a person 1 0 0 of the approved: applied 1 0 0" in words
    assert "Reviews a day: 2.0 as it was, 0.0 under the candidate, over 1 day." in words
    assert words.endswith("1 proposal that a person had rejected would pass: look at each before you activate this.")
    assert [line for line in told.out.splitlines() if cells(line) > 80] == []
    document = run("--json", "policy", "test", candidate(files, AUTOMATIC)).json
    assert (document["schema"], document["ok"]) == ("synapsor.policy-test/1", False)
    assert [one["proposal"] for one in document["red"]["examples"]] == [bad["id"]]
    assert [one["proposal"] for one in document["green"]["examples"]] == [good["id"]]
    assert document["candidate"][0]["policies"] == ["small_fees"]


@pytest.mark.requirement("policy:backtest-red")
def test_a_candidate_that_passes_no_rejected_one_ends_with_0_and_needs_no_activation(
    run: Run, files: ProjectFiles
) -> None:
    good, _ = decided(run, files)
    told = run("--json", "policy", "test", candidate(files, SMALLER))
    assert told.code == 0
    assert [one["proposal"] for one in told.json["green"]["examples"]] == [good["id"]]
    (files.root / "policies" / "billing.yaml").write_text(SMALLER, encoding="utf-8")
    own = run("--json", "policy", "test")  # the files as they are, which nobody has activated
    same = ("looked_at", "crossings", "left", "money", "per_day", "red", "green", "candidate")
    assert [own.json[name] for name in same] == [told.json[name] for name in same]
    assert run("verify").code == 0


def test_a_time_a_file_and_a_capability_that_are_none_are_refused(run: Run, files: ProjectFiles) -> None:
    for wrong in ("0d", "90", "90y", "-1d", "9999w", "2026-13-01"):
        with pytest.raises(SystemExit) as ended:
            run("policy", "test", "--since", wrong)
        assert ended.value.code == 2
    assert run("policy", "test", "--since", "2026-01-31").code == 0
    assert run("policy", "test", "--since", "2w").code == 0
    assert run("policy", "test", str(files.root / "nothing.yaml")).code == 2
    assert run("policy", "test", "--capability", "billing.nothing").code == 2
    assert "No proposal since" in run("policy", "test").out


# Drafts.


@pytest.mark.requirement("policy:draft")
def test_a_draft_approves_what_it_was_made_of_and_changes_no_file(run: Run, files: ProjectFiles) -> None:
    good, bad = decided(run, files)
    before = {path: path.read_bytes() for path in files.root.rglob("*.yaml")}
    told = run("policy", "draft", good["id"])
    assert told.code == 0, told.err
    assert {path: path.read_bytes() for path in files.root.rglob("*.yaml")} == before
    assert [line for line in told.out.splitlines() if cells(line) > 80] == []
    assert f"#   {good['id']}" in told.out
    assert "Drafted from 1 decision of leo" in told.out
    assert "texts of the model's that are written into waiver_reason" in " ".join(told.out.replace("#", "").split())
    assert "GREEN: 1" in told.out
    document = run("--json", "policy", "draft", good["id"]).json
    draft = document["draft"]
    assert draft["policy"] == {
        "when": {
            "late_fee_cents": {
                "before": {"at_least": 2500, "at_most": 2500},
                "after": {"at_least": 0, "at_most": 0},
                "change": {"at_least": -2500, "at_most": -2500},
            },
            "status": {"before": {"one_of": ["overdue"]}},
        },
        "limits": {"per_day": [{"count": 1, "total": {"late_fee_cents": 2500}}, {"count": 1, "of": "object"}]},
    }
    assert document["report"]["green"]["examples"][0]["proposal"] == good["id"]
    assert bad["id"] not in json.dumps(document)


@pytest.mark.requirement("policy:draft")
def test_what_is_printed_is_a_piece_of_a_contract_that_is_in_order_and_tests_alike(
    run: Run, files: ProjectFiles
) -> None:
    first, second = propose(run, "INV-3002"), propose(run, "INV-3001")
    for proposal in (first, second):
        assert approve(run, files, "leo", proposal).code == 0
    document = run("--json", "policy", "draft", first["id"], second["id"], "latest", "--name", "drafted").json
    draft = document["draft"]
    assert draft["proposals"] == [first["id"], second["id"]]
    assert draft["policy"]["when"]["late_fee_cents"]["before"] == {"at_least": 2500, "at_most": 5500}
    assert draft["policy"]["limits"]["per_day"][0] == {"count": 2, "total": {"late_fee_cents": 8000}}
    piece = draft["yaml"]
    named = BILLING.replace(
        "    approval: {role: billing_lead, expires_hours: 72}\n\n  billing.propose_note",
        "    approval: {role: billing_lead, expires_hours: 72, policy: drafted}\n\n  billing.propose_note",
    )
    path = candidate(files, named + piece + "\n")
    assert run("check", path).code == 0
    tested = run("--json", "policy", "test", path).json
    assert tested["candidate"] == document["report"]["candidate"]
    assert tested["green"] == document["report"]["green"]
    assert piece.endswith(render({"policies": {"drafted": draft["policy"]}}, wide=80).strip("\n"))


@pytest.mark.requirement("policy:draft")
def test_what_no_policy_should_repeat_becomes_no_draft(run: Run, files: ProjectFiles) -> None:
    good, bad = decided(run, files)
    waits = propose(run, "INV-3005")
    note = run(
        "--json", "call", "billing.propose_note", "--arg", "invoice_id=INV-3002", "--arg", "note=Call first."
    ).json["proposal"]
    assert approve(run, files, "leo", note).code == 0
    for handles, rule in (
        ([bad["id"]], "not_approved"),
        ([waits["id"]], "not_approved"),
        ([good["id"], bad["id"]], "not_approved"),
        ([note["id"]], "no_bounded_number"),
        ([good["id"], note["id"]], "other_capability"),
    ):
        done = run("--json", "policy", "draft", *handles)
        assert (done.code, done.json["error"]["rule"]) == (1, rule)
        assert done.json["error"]["fix"]
    assert run("policy", "draft", good["id"], "--name", "Not a name").code == 1
    assert run("policy", "draft", "wrp_nothing").code == 2


# What a day has used up.


@pytest.mark.requirement("policy:near")
def test_the_status_and_the_log_of_the_worker_say_that_a_limit_is_near(run: Run, files: ProjectFiles) -> None:
    (files.root / "policies" / "billing.yaml").write_text(AUTOMATIC, encoding="utf-8")
    with files.config_path.open("a", encoding="utf-8") as config:
        config.write(ON)
    assert run("activate", "--yes", *key(files, "rita")).code == 0
    assert "count: 0 of 2\n" in run("policy", "status").out
    logged = []
    for invoice in ("INV-3001", "INV-3002"):
        propose(run, invoice)
        logged.append(run("worker", "--drain").err)
    assert "limit" not in logged[0]
    assert "a policy's limit of 2 approvals a day is nearly used up" in logged[1]
    assert "a policy's limit of 9000 of late_fee_cents a day is nearly used up" in logged[1]
    assert not tells_number(logged[1], "8000")  # how much it is could be a row's own value
    told = run("policy", "status").out
    assert "    count: 2 of 2: FULL\n" in told
    assert "    late_fee_cents: 8000 of 9000: NEARLY FULL\n" in told
    standing = run("--json", "policy", "status").json["policies"][0]["standing"]
    assert [(one["what"], one["most"], one["near"], one["full"]) for one in standing] == [
        ("count", "2", 1, 1),
        ("late_fee_cents", "8000", 1, 0),
    ]
    third = propose(run, "INV-3005")
    done = run("worker", "--drain")
    assert f"{third['id']}: a policy's limit of 2 approvals a day has no room for this proposal" in done.err
