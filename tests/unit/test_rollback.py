"""Going back to a version that was activated earlier: a new signature on an old body, judged as if it were new; no file is touched."""

import asyncio
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synapsor.contract.digest import canonical_body
from synapsor.contract.load import load
from synapsor.core.statements import Operator, sign
from synapsor.errors import ContractError, IntegrityError
from synapsor.flow.activate import activate
from synapsor.flow.rollback import judged_again, same_databases
from synapsor.flow.signing import Signer
from synapsor.ports import Activated
from synapsor.runtime import open_project
from synapsor.values import digest
from tests.commands import Run, at_terminal, key
from tests.databases import Database, load_sqlite
from tests.projects import ProjectFiles, opened, write_project

SAID = "a rollback to"


@pytest.fixture
def files(tmp_path: Path, sqlite_db: Database) -> ProjectFiles:
    return write_project(tmp_path / "project", sqlite_db)


@pytest.fixture
def policy(files: ProjectFiles) -> Path:
    return files.root / "policies" / "billing.yaml"


def change(policy: Path, rows: int) -> None:
    """Review another version: the list shows this many rows."""
    text = policy.read_text(encoding="utf-8")
    lines = [f"    limits: {{rows: {rows}}}" if "limits: {rows:" in line else line for line in text.splitlines()]
    policy.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def versions(run: Run, files: ProjectFiles, policy: Path) -> list[str]:
    """The digests of two versions that were activated one after the other."""
    found = []
    for rows in (50, 40):
        change(policy, rows)
        done = run("--json", "activate", "--yes", *key(files, "rita"))
        found.append(done.json["activations"][0]["digest"])
    assert found[0] != found[1]
    return found


def listed(run: Run) -> list[dict[str, Any]]:
    activations: list[dict[str, Any]] = run("--json", "history", "billing").json["activations"]
    return activations


@pytest.mark.requirement("contract:history")
def test_every_activation_is_listed_newest_first_with_who_signed_it(run: Run, versions: list[str]) -> None:
    assert [(e["digest"], e["operator"], e["active"], e["returns_to"], e["problem"]) for e in listed(run)] == [
        (versions[1], "rita", True, None, ""),
        (versions[0], "rita", False, None, ""),
    ]
    assert run("--json", "history", "billing", "--limit", "1").json["activations"] == listed(run)[:1]
    lines = run("history", "billing").out.splitlines()
    newest, oldest = lines[:3], lines[3:]
    assert (newest[0][0], newest[2].strip(), newest[0].endswith("  active")) == ("*", versions[1], True)
    assert (oldest[0][0], oldest[2].strip(), oldest[0].endswith("active")) == (" ", versions[0], False)
    assert run("history", "other").code == 2
    assert run("operator", "revoke", "rita").code == 0
    assert [e["problem"] for e in listed(run)] == ["It was activated by somebody who may not do so here."] * 2
    assert "would not count today" in run("history", "billing").out


@pytest.mark.requirement("contract:history")
def test_a_version_can_be_had_as_a_file_again(run: Run, versions: list[str], policy: Path) -> None:
    for named in (versions[0], listed(run)[1]["id"]):
        policy.write_text(run("history", "billing", "--body", named).out, encoding="utf-8")
        assert load(policy).digest == versions[0]
    assert run("--json", "history", "billing", "--body", versions[0]).json["body"] == canonical_body(
        load(policy).contract
    )
    assert [run("history", "billing", "--body", unknown).code for unknown in ("sha256:0", "")] == [2, 2]


@pytest.mark.requirement("contract:rolled-back-as-activated")
@pytest.mark.parametrize("named", ["", "digest", "handle"])
def test_a_rollback_is_a_new_activation_of_an_old_version_and_touches_no_file(
    run: Run, versions: list[str], files: ProjectFiles, policy: Path, named: str
) -> None:
    before, held = policy.read_bytes(), listed(run)
    to = {"": (), "digest": ("--to", versions[0]), "handle": ("--to", held[1]["id"])}[named]
    done = run("--json", "rollback", "billing", *to, "--yes", *key(files, "rita"))
    assert done.code == 0
    assert done.json["activation"] == {
        "id": done.json["activation"]["id"],
        "contract": "billing",
        "digest": versions[0],
        "operator": "rita",
        "at": done.json["activation"]["at"],
        "returns_to": held[1]["id"],
        "before": versions[1],
        "left_behind": 0,
    }
    assert done.json["file"] == {"path": str(policy), "digest": versions[1], "active": False}
    assert policy.read_bytes() == before
    newest, *rest = listed(run)
    assert rest == [{**e, "active": False} for e in held]
    assert (newest["digest"], newest["active"], newest["returns_to"]) == (versions[0], True, held[1]["id"])
    assert newest["problem"] == ""
    assert f"{SAID} {held[1]['id']}" in run("history", "billing").out
    assert run("verify").code == 0


@pytest.mark.requirement("contract:rolled-back-as-activated")
def test_what_a_rollback_means_beside_the_file_is_said(
    run: Run, versions: list[str], files: ProjectFiles, policy: Path
) -> None:
    said = run("rollback", "billing", "--yes", *key(files, "rita")).out
    for words in (str(policy), versions[1], "is not active", "not_activated", "no server starts", "version control"):
        assert words in " ".join(said.split())
    refused = run("call", "billing.inspect_invoice", "--arg", "invoice_id=INV-3001")
    assert refused.code == 2
    assert "another version is the active one" in refused.err
    change(policy, 50)
    assert run("call", "billing.inspect_invoice", "--arg", "invoice_id=INV-3001").code == 0
    change(policy, 40)
    run("activate", "--yes", *key(files, "rita"))
    change(policy, 50)
    assert "holds the same version" in run("rollback", "billing", "--yes", *key(files, "rita")).out
    policy.write_text("synapsor: 1\ncontract: [\n", encoding="utf-8")  # a broken file keeps nobody from going back
    done = run("rollback", "billing", "--yes", *key(files, "rita"))
    assert (done.code, "No policy file" in done.out) == (0, True)


@pytest.mark.requirement("contract:rolled-back-as-activated")
def test_nobody_rolls_back_without_the_role_or_without_having_seen_the_digest(
    run: Run, versions: list[str], files: ProjectFiles
) -> None:
    assert run("rollback", "billing", *key(files, "rita")).code == 2  # nobody to ask, and no --yes
    assert run("rollback", "billing", "--yes", *key(files, "leo")).code == 5
    assert run("rollback", "other", "--yes", *key(files, "rita")).code == 2
    assert run("rollback", "billing", "--to", versions[1], "--yes", *key(files, "rita")).code == 2  # it is active
    for unknown in ("act_none", ""):
        assert run("rollback", "billing", "--to", unknown, "--yes", *key(files, "rita")).code == 2
    command = files.command("rollback", "billing", *key(files, "rita"))
    typed = versions[1].removeprefix("sha256:")[:8]
    code, shown = at_terminal(
        command, files.environment, typed
    )  # of the one that is active, not of the one that is meant
    assert (code, versions[0] in shown) == (2, True), shown
    assert len(listed(run)) == 2
    code, shown = at_terminal(command, files.environment, versions[0].removeprefix("sha256:")[:8])
    assert (code, [e["digest"] for e in listed(run)]) == (0, [versions[0], versions[1], versions[0]]), shown


@pytest.mark.requirement("contract:rolled-back-as-activated")
@pytest.mark.usefixtures("versions")
def test_a_version_goes_back_only_onto_its_own_database(run: Run, files: ProjectFiles, tmp_path: Path) -> None:
    other = load_sqlite(tmp_path / "other.db")
    (files.root / "secrets" / "read").write_text(other.read_url, encoding="utf-8")
    done = run("rollback", "billing", "--yes", *key(files, "rita"))
    assert done.code == 5
    assert "another database" in done.err
    assert len(listed(run)) == 2


@pytest.mark.requirement("contract:rolled-back-as-activated")
async def test_a_version_that_the_rules_of_today_refuse_is_not_activated_again(
    files: ProjectFiles, policy: Path
) -> None:
    body = canonical_body(load(policy).contract)
    body["capabilities"]["billing.inspect_invoice"]["returns"] = ["id", "card_token"]  # denied
    async with opened(files) as project:
        ledger = await project.ledger()
        active = await ledger.active_contract("billing")
        assert active is not None
        forged = await activate(
            ledger,
            contract="billing",
            digest=digest("contract", body),
            body=body,
            sources=active.activation.sources,
            metadata={},
            signer=Signer(operator=files.operators["rita"], key=files.keys["rita"]),
            operators=files.operators,
            now=project.clock.now(),
        )
        with pytest.raises(ContractError) as refused:
            judged_again(forged, project.operators(), [], ledger=ledger.id)
    assert {problem.file for problem in refused.value.problems} == {f"billing@{forged.activation.digest[7:19]}"}


Forge = Callable[[Activated, ProjectFiles], Activated]


def _another_body(real: Activated, _: ProjectFiles) -> Activated:
    body = json.loads(json.dumps(real.body))
    body["capabilities"]["billing.list_overdue"]["limits"]["rows"] = 49
    return replace(real, body=body)


def _another_ledger(real: Activated, files: ProjectFiles) -> Activated:
    told = replace(real.activation, ledger="led_other")
    return replace(real, activation=told, signature=sign(told, files.keys["rita"]))


def _another_name(real: Activated, files: ProjectFiles) -> Activated:
    told = replace(real.activation, contract="other")
    return replace(real, activation=told, signature=sign(told, files.keys["rita"]))


def _unsigned(real: Activated, _: ProjectFiles) -> Activated:
    return replace(real, activation=replace(real.activation, at="2026-01-01T00:00:00.000000Z"))


def _of_a_stranger(real: Activated, files: ProjectFiles) -> Activated:
    told = replace(real.activation, operator="mallory")
    return replace(real, activation=told, signature=sign(told, files.keys["leo"]))


@pytest.mark.requirement("contract:rolled-back-as-activated")
@pytest.mark.parametrize(
    "forge", [_another_body, _another_ledger, _another_name, _unsigned, _of_a_stranger], ids=lambda f: f.__name__
)
async def test_only_what_was_signed_in_this_ledger_is_gone_back_to(files: ProjectFiles, forge: Forge) -> None:
    async with opened(files) as project:
        ledger, operators = await project.ledger(), project.operators()
        real = await ledger.active_contract("billing")
        assert real is not None
        revoked: dict[str, Operator] = {n: replace(o, revoked=True) for n, o in operators.items()}
        # Who has left has still signed it; the new signature is what counts from now on.
        assert judged_again(real, revoked, [], ledger=ledger.id).digest == real.activation.digest
        with pytest.raises(IntegrityError):
            judged_again(forge(real, files), operators, [], ledger=ledger.id)
        same_databases(real, real.activation.sources)
        with pytest.raises(IntegrityError):
            same_databases(real, {"shop": "sha256:" + "0" * 64})


@pytest.mark.requirement("contract:rolled-back-as-activated")
@pytest.mark.usefixtures("versions")
def test_a_version_that_clashes_with_another_contract_of_today_is_not_activated_again(
    run: Run, files: ProjectFiles, policy: Path
) -> None:
    shutil.copy(policy, other := files.root / "policies" / "other.yaml")
    other.write_text(other.read_text("utf-8").replace("contract: billing", "contract: other"), encoding="utf-8")
    policy.write_text(
        policy.read_text("utf-8").replace("billing.list_overdue:", "billing.list_late:"), encoding="utf-8"
    )
    config = files.config_path.read_text("utf-8").replace(
        "[policies/billing.yaml]", "[policies/billing.yaml, policies/other.yaml]"
    )
    files.config_path.write_text(config, encoding="utf-8")
    done = run("rollback", "billing", "--yes", *key(files, "rita"))
    assert done.code == 2
    assert "SYN502" in done.err


NOTE = "billing.propose_note"


async def _last_event(files: ProjectFiles, proposal: str) -> str:
    async with open_project(files.config) as project:
        record = await (await project.ledger()).proposal(proposal)
        assert record is not None
        return str(record.events[-1]["kind"])


@pytest.mark.requirement("approval:could-be-applied")
def test_a_proposal_that_a_new_version_leaves_behind_is_marked_and_can_only_be_rejected(
    run: Run, files: ProjectFiles, policy: Path
) -> None:
    assert run("--json", "activate", "--yes", *key(files, "rita")).json["activations"][0]["left_behind"] == 0
    asked = run("--json", "call", NOTE, "--arg", "invoice_id=INV-3001", "--arg", "note=Called.").json["proposal"]
    assert run("--json", "inbox").json["proposals"][0]["contract_replaced"] is False
    again = run("activate", "--yes", *key(files, "rita"))
    assert (again.code, "wait" in again.out) == (0, False)  # the same version leaves nothing behind
    change(policy, 40)
    done = run("activate", "--yes", *key(files, "rita"))
    assert "! 1 proposal waits for a decision or the worker under the version before" in " ".join(done.out.split())
    assert "`synapsor extend`" in " ".join(done.out.split())
    assert run("--json", "inbox").json["proposals"][0]["contract_replaced"] is True
    assert "or extend it under the new contract" in " ".join(run("inbox").out.replace("┆", " ").split())
    decide = (asked["id"], *key(files, "leo"), "--digest", asked["digest"])
    refused = run("--json", "approve", *decide)
    error = refused.json["error"]
    assert (refused.code, error["rule"]) == (3, "would_not_apply")
    assert error["fix"].startswith("Ask the agent to propose it again, or extend it under the contract as it is now")
    assert asyncio.run(_last_event(files, asked["id"])) == "decision_refused"
    back = run("--json", "rollback", "billing", "--yes", *key(files, "rita"))
    assert back.json["activation"]["left_behind"] == 0
    assert "needs billing_lead" in run("inbox").out
    assert run("--json", "rollback", "billing", "--yes", *key(files, "rita")).json["activation"]["left_behind"] == 1
    assert run("reject", *decide, "--reason", "Asked anew.").code == 0
    assert run("--json", "inbox", "--all").json["proposals"][0]["contract_replaced"] is False
