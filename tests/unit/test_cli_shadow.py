"""`synapsor shadow` at the command line: asked for, measured by the worker, shown, approved by the digest that holds it, and replayed."""

from pathlib import Path
from typing import Any

import pytest

from tests.commands import Run, activated, key
from tests.databases import Database
from tests.projects import ProjectFiles, write_project
from tests.unit.test_cli_amend import propose
from tests.unit.test_trial import BILLING


@pytest.fixture
def files(tmp_path: Path, sqlite_db: Database) -> ProjectFiles:
    return write_project(tmp_path / "project", sqlite_db, policy=BILLING)


@pytest.fixture
def run(run: Run, files: ProjectFiles) -> Run:
    return activated(run, files)


@pytest.mark.requirement("shadow:asked", "cli:json")
def test_what_a_reviewer_wants_measured_is_shown_and_approved_by_the_digest_of_both(
    run: Run, files: ProjectFiles
) -> None:
    proposal = propose(run)
    wanted = run("--json", "shadow", proposal["id"], *key(files, "leo"))
    assert (wanted.code, wanted.json["status"], wanted.json["request"]["operator"]) == (0, "review_required", "leo")
    early = run("--json", "approve", proposal["id"], *key(files, "leo"), "--digest", proposal["digest"])
    assert (early.code, early.json["error"]["rule"]) == (3, "not_measured")
    assert "not measured yet" in run("show", proposal["id"]).out
    drained = run("worker", "--drain")
    assert (drained.code, drained.out) == (0, "1 proposal measured: see `synapsor inbox`.\n")
    shown = run("show", proposal["id"]).out
    assert shown.index("asked for by") < shown.index("msr_") < shown.index("in all 2 rows changed")
    (entry,) = run("--json", "inbox").json["proposals"]
    assert entry["digest"] == run("--json", "show", proposal["id"]).json["digest"] != proposal["digest"]
    old = run("--json", "approve", proposal["id"], *key(files, "leo"), "--digest", proposal["digest"])
    assert (old.code, old.json["error"]["rule"]) == (3, "digest_differs")
    assert run("approve", proposal["id"], *key(files, "leo"), "--digest", entry["digest"]).code == 0
    assert "applied" in run("worker", "--drain").out
    replayed = run("--json", "replay", proposal["id"]).json
    assert (replayed["differences"], "measured" in [step["step"] for step in replayed["steps"]]) == ([], True)
    assert run("--json", "verify").code == 0
    measured = next(step["id"] for step in replayed["steps"] if step["step"] == "measured")
    for handle in (measured, wanted.json["request"]["id"]):
        assert f"Proposal {proposal['id']}" in run("show", handle).out


@pytest.mark.requirement("shadow:asked")
def test_nobody_wants_measured_what_they_may_not_decide_on(run: Run, files: ProjectFiles) -> None:
    refused = run("--json", "shadow", propose(run)["id"], *key(files, "rita"))
    assert (refused.code, refused.json["error"]["rule"]) == (5, "role_missing")


@pytest.mark.requirement("shadow:latest")
def test_the_latest_is_the_newest_that_can_be_measured_and_where_there_is_none_that_is_said(
    run: Run, files: ProjectFiles
) -> None:
    by_two = BILLING.replace("{role: billing_lead,", "{role: billing_lead, quorum: 2,")
    (files.root / "policies" / "billing.yaml").write_text(by_two, encoding="utf-8")
    activated(run, files)
    first, second, third = (propose(run, invoice) for invoice in ("INV-3001", "INV-3002", "INV-3003"))
    assert decide(run, files, "approve", third) == decide(run, files, "reject", second) == 0
    assert run("--json", "shadow", "latest", *key(files, "leo")).json["proposal"] == first["id"]
    assert decide(run, files, "reject", first) == 0
    none = run("shadow", "latest", *key(files, "leo"))
    assert (none.code, "Nothing waits that could be measured" in none.err) == (2, True)
    for named, rule in ((first, "already_decided"), (third, "shadow_approved")):
        assert run("--json", "shadow", named["id"], *key(files, "leo")).json["error"]["rule"] == rule


def decide(run: Run, files: ProjectFiles, verb: str, proposal: Any) -> int:
    """Decide on a proposal as leo, and return how that ended."""
    why = ("--reason", "no") if verb == "reject" else ()
    return run(verb, proposal["id"], *key(files, "leo"), "--digest", proposal["digest"], *why).code
