"""Several people, policies and their switch, at the command line."""

import json
from pathlib import Path
from typing import Any

import pytest

from synapsor.approve.identity.keys import create_key
from synapsor.approve.identity.operators import add_operator
from synapsor.cli.main import main
from synapsor.config import load_config
from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator
from synapsor.errors import ConfigError
from tests.attack.test_worker_permission import AUTOMATIC, ON
from tests.commands import Done, Run, activated, commands, key, propose
from tests.databases import Database
from tests.projects import ProjectFiles, write_project
from tests.unit.test_contract_rules_of_deciding import GOOD

QUORUM = AUTOMATIC.replace("role: billing_lead, expires_hours: 72, policy", "role: billing_lead, quorum: 2, policy")


def person(files: ProjectFiles, name: str, *roles: str) -> None:
    """Add one more operator to the project."""
    made = create_key(files.root / "keys" / f"{name}.pem", passphrase=None)
    operator = Operator(name=name, key=public_text(made), roles=roles)
    files.operators = add_operator(files.root / "operators.yaml", operator)


@pytest.fixture
def files(tmp_path: Path, sqlite_db: Database) -> ProjectFiles:
    made = write_project(tmp_path / "project", sqlite_db, policy=QUORUM)
    person(made, "mia", "billing_lead")
    person(made, "rosa", "policy_steward")
    person(made, "policy", "policy_signer")
    with made.config_path.open("a", encoding="utf-8") as config:
        config.write(ON)
    return made


@pytest.fixture
def run(run: Run, files: ProjectFiles) -> Run:
    return activated(run, files)


def approve(run: Run, files: ProjectFiles, who: str, proposal: dict[str, Any]) -> Done:
    return run("approve", proposal["id"], *key(files, who), "--digest", proposal["digest"])


@pytest.mark.requirement("approval:quorum")
def test_it_is_told_how_many_have_approved_and_how_many_it_takes(run: Run, files: ProjectFiles) -> None:
    proposal = propose(run)
    assert proposal["needs"] == {"role": "billing_lead", "people": 2}
    first = approve(run, files, "leo", proposal)
    assert (first.code, "is approved by leo. 1/2 have approved; it waits for 1 more." in first.out) == (0, True)
    assert "needs billing_lead 1/2" in run("inbox").out
    (entry,) = run("--json", "inbox").json["proposals"]
    assert (entry["approvals"], entry["risk"]) == ({"have": 1, "need": 2}, "low")
    shown = run("show", proposal["id"])
    assert "1/2: leo" in shown.out
    assert run("--json", "show", proposal["id"]).json["approvals"] == {"have": 1, "need": 2}
    again = approve(run, files, "leo", proposal)
    assert (again.code, "has approved it already" in again.err) == (1, True)
    second = run("--json", "approve", proposal["id"], *key(files, "mia"), "--digest", proposal["digest"])
    assert (second.json["status"], second.json["approvals"]) == ("approved", {"have": 2, "need": 2})
    assert run("--json", "replay", proposal["id"]).code == 0
    assert run("worker", "--drain").code == 0
    assert run("show", proposal["id"]).out.count("applied") >= 1


@pytest.mark.requirement("policy:stop")
def test_the_switch_is_thrown_by_a_steward_and_tells_how_it_stands(run: Run, files: ProjectFiles) -> None:
    assert "Automatic approval is running." in run("policy", "status").out
    refused = run("policy", "stop", *key(files, "leo"), "--reason", "no")
    assert (refused.code, "needs the role policy_steward" in refused.err) == (5, True)
    stopped = run("policy", "stop", *key(files, "rosa"), "--reason", "too many")
    assert "Automatic approval is stopped (by rosa at" in stopped.out
    document = run("--json", "policy", "status").json
    assert (document["state"], document["allowed"], document["switch"]["operator"]) == ("stopped", True, "rosa")
    assert [(one["contract"], one["stands"]) for one in document["contracts"]] == [("billing", "same")]
    assert document["policies"] == [
        {
            "policy": "billing.small_fees",
            "approved_today": 0,
            "limits": [{"count": 2, "total": {"late_fee_cents": 9000}, "of": "policy"}],
            "standing": [
                {"what": what, "of": "policy", "limit": limit, "most": "0", "near": 0, "full": 0}
                for what, limit in (("count", "2"), ("late_fee_cents", "9000"))
            ],
        }
    ]
    assert run("policy", "start", *key(files, "rosa"), "--reason", "fine").code == 0
    assert run("verify").code == 0


@pytest.mark.requirement("policy:inside")
def test_what_a_policy_left_to_people_is_told_on_the_card(run: Run) -> None:
    proposal = propose(run)
    assert run("worker", "--drain").code == 0
    assert "small_fees left it to a person: it takes more than one person (2)" in " ".join(
        run("show", proposal["id"]).out.replace("┆", "").split()
    )


@pytest.mark.requirement("policy:off-by-default")
def test_automatic_approval_needs_a_key(files: ProjectFiles) -> None:
    text = files.config_path.read_text(encoding="utf-8").replace("policy_key: keys/policy.pem\n", "")
    files.config_path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="policy_key_missing"):
        load_config(files.config_path)


def test_doctor_tells_that_too_few_people_hold_a_role(run: Run) -> None:
    assert "hold the role billing_lead" not in run("doctor").out
    assert run("operator", "revoke", "mia").code == 0
    assert (
        "Only 1 of 2 people hold the role billing_lead, so nobody can approve what needs it: changes of"
        in run("doctor").out
    )


@pytest.mark.requirement("policy:key-told")
def test_a_policy_key_that_is_revoked_is_told_by_the_status_and_by_doctor(run: Run, files: ProjectFiles) -> None:
    said = "No policy key is trusted (revoked: policy), so nothing is approved by policy."
    assert run("--json", "policy", "status").json["keys"] == [{"operator": "policy", "trusted": True}]
    assert said not in run("policy", "status").out
    assert "policy_key" not in run("doctor").out
    assert run("operator", "revoke", "policy").code == 0
    assert run("--json", "policy", "status").json["keys"] == [{"operator": "policy", "trusted": False}]
    assert said in run("policy", "status").out
    found = {f["rule"]: f["fatal"] for f in run("--json", "doctor").json["findings"]}
    assert found["policy_key_untrusted"] is True
    (files.root / "keys" / "policy.pem").unlink()
    done = run("--json", "doctor")
    assert {f["rule"]: f["fatal"] for f in done.json["findings"]}["policy_key_not_looked_at"] is False
    assert done.code == 0


def test_check_says_who_or_what_decides(run: Run) -> None:
    told = run("check").out
    assert "decided by 2 with the role billing_lead, or the policy small_fees" in told
    assert "decided by billing_lead\n" in told


def test_a_reviewer_reads_all_that_can_approve_before_they_sign(
    files: ProjectFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = GOOD.replace("billing.invoice_review", "billing.invoices")
    (files.root / "policies" / "billing.yaml").write_text(contract, encoding="utf-8")
    main(["--config", str(files.config_path), "activate", *key(files, "rita")])
    told = " ".join(capsys.readouterr().err.split())  # lines are folded to the terminal
    for line in (
        "A person with the role lead, who is not the one who asked, within 72 hours.",
        "High risk when fee is at least 5000 before the change and status is open before the change; needs the role boss, 2 different people, within 72 hours",
        "Medium risk when reason code is goodwill; needs the role lead, within 24 hours",
        "May be approved by the policy small_fees, without a person, where the project allows that",
        "May be applied by a worker that nobody watches, where the project allows that",
        "policy small_fees: approves when fee is at most 2500 before the change and fee changes by -2500 to 0, reason code mistake; at most 20 proposals and 10000 of fee in all a day for one tenant",
        "workflow fee_review: billing.inspect, billing.propose_fee; settled by policy",
        "billing.propose_fee needs billing.inspect before it, in the same run",
    ):
        assert line in told, (line, told)
    assert json.dumps(told)


@pytest.mark.requirement("policy:status-active")
def test_the_status_tells_the_limits_that_were_activated_and_that_the_file_says_others(
    run: Run, files: ProjectFiles
) -> None:
    path = files.root / "policies" / "billing.yaml"
    active = path.read_text(encoding="utf-8")
    path.write_text(active.replace("count: 2", "count: 300"), encoding="utf-8")
    told = run("policy", "status").out
    assert "count: 0 of 2" in told
    assert "The file of billing is not what was activated" in told
    assert [one["stands"] for one in run("--json", "policy", "status").json["contracts"]] == ["file_differs"]
    path.write_text("this is no contract: [", encoding="utf-8")  # the switch is thrown and told all the same
    stopped = run("policy", "stop", *key(files, "rosa"), "--reason", "too many")
    assert (stopped.code, "count: 0 of 2" in stopped.out, "cannot be read" in stopped.out) == (0, True, True)
    path.write_text(active, encoding="utf-8")
    assert "The file of" not in run("policy", "status").out


@pytest.mark.requirement("policy:status-active")
def test_of_a_policy_that_is_in_no_activated_contract_the_status_says_that_it_approves_nothing(
    tmp_path: Path, sqlite_db: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    files = write_project(tmp_path / "project", sqlite_db)
    run = commands(capsys, files)
    assert run("activate", "--yes", *key(files, "rita")).code == 0
    nothing = "No activated contract has a policy, so nothing is approved by policy."
    assert nothing in run("policy", "status").out
    (files.root / "policies" / "billing.yaml").write_text(QUORUM, encoding="utf-8")
    told = run("policy", "status")
    assert (nothing in told.out, "The file of billing is not what was activated" in told.out) == (True, True)
    assert run("--json", "policy", "status").json["policies"] == []
    assert run("activate", "--yes", *key(files, "rita")).code == 0
    assert "billing.small_fees: 0 approved" in run("policy", "status").out
    assert run("operator", "revoke", "rita").code == 0
    revoked = run("policy", "status").out
    assert (nothing in revoked, "The activation of billing does not count" in revoked) == (True, True)
