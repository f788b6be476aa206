"""What is shown to those who write contracts: the tools as a model sees them with their cost, and the schema for their editor."""

import json
from pathlib import Path

import pytest

from synapsor.contract.reference import contract_json_schema
from tests.commands import Run, imported_of
from tests.databases import Database
from tests.projects import ProjectFiles, write_project

DRIVERS = ("asyncpg", "aiomysql", "aiosqlite")


@pytest.fixture
def files(tmp_path: Path, sqlite_db: Database) -> ProjectFiles:
    return write_project(tmp_path / "project", sqlite_db)


def without_secrets(files: ProjectFiles) -> None:
    for secret in (files.root / "secrets").iterdir():
        secret.unlink()


@pytest.mark.requirement("tools:as-sent")
def test_tools_are_listed_by_cost_with_no_database_and_no_ledger(run: Run, files: ProjectFiles) -> None:
    without_secrets(files)
    document = run("--json", "tools").json
    costs = [(entry["characters"], entry["tokens"]) for entry in document["tools"]]
    assert costs == sorted(costs, reverse=True)
    for entry in document["tools"]:
        sent = {part: said for part, said in entry["tool"].items() if part != "_meta"}
        text = json.dumps(sent, separators=(",", ":"), ensure_ascii=False)
        assert (entry["characters"], entry["tokens"]) == (len(text), -(-len(text.encode()) // 4))
    assert document["total"] == {
        "tools": 7,
        "characters": sum(c for c, _ in costs),
        "tokens": sum(t for _, t in costs),
    }
    assert "divided by 4" in document["estimate"]
    lines = run("tools").out.splitlines()
    assert [line.split()[0] for line in lines[1:8]] == [entry["capability"] for entry in document["tools"]]
    assert not (files.root / ".synapsor").exists()
    assert imported_of(DRIVERS, ["--config", str(files.config_path), "--json", "tools"]) == []


@pytest.mark.requirement("tools:as-sent")
def test_a_tool_is_shown_in_full_by_either_of_its_names(run: Run, files: ProjectFiles) -> None:
    everything = {entry["capability"]: entry for entry in run("--json", "tools").json["tools"]}
    name = "billing.inspect_invoice"
    assert run("--json", "tools", name).json["tools"] == [everything[name]]
    shown, _ = json.JSONDecoder().raw_decode(run("tools", name).out)
    assert shown == everything[name]["tool"]
    done = run("tools", "billing.none")
    assert (done.code, name in done.err) == (2, True)
    config = files.config_path.read_text(encoding="utf-8")
    files.config_path.write_text(f"{config}names: underscore\n", encoding="utf-8")
    (entry,) = run("--json", "tools", "billing__inspect_invoice").json["tools"]
    assert (entry["capability"], entry["tool"]["name"]) == (name, "billing__inspect_invoice")
    assert run("--json", "tools", name).json["tools"] == [entry]


@pytest.mark.requirement("tools:budget")
def test_tools_that_cost_more_than_the_budget_end_with_one(run: Run) -> None:
    cost = run("--json", "tools").json["total"]["tokens"]
    for budget, code in ((cost, 0), (cost - 1, 1)):
        done = run("--json", "tools", "--budget", str(budget))
        assert (done.code, done.json["ok"], done.json["budget"]) == (code, not code, budget)
        # Whatever is shown in full, the budget is about all that a model is sent.
        assert run("tools", "billing.inspect_invoice", "--budget", str(budget)).code == code
    assert run("tools", "--budget", str(cost - 1)).out.endswith(f"1 over the budget of {cost - 1}.\n")
    with pytest.raises(SystemExit):
        run("tools", "--budget", "0")


def test_letters_outside_ascii_cost_their_bytes(run: Run, files: ProjectFiles) -> None:
    policy = files.root / "policies" / "billing.yaml"
    name, before = "billing.list_overdue", "List the overdue invoices with the largest late fees first."
    (plain,) = run("--json", "tools", name).json["tools"]
    policy.write_text(policy.read_text("utf-8").replace(before, "請" * len(before)), encoding="utf-8")
    (wide,) = run("--json", "tools", name).json["tools"]
    assert wide["characters"] == plain["characters"]
    assert abs(wide["tokens"] - plain["tokens"] - len(before) * 2 / 4) < 1


@pytest.mark.requirement("contract:schema-for-editors")
def test_the_schema_is_printed_and_written_over_nothing_but_itself(run: Run, files: ProjectFiles) -> None:
    without_secrets(files)
    files.config_path.unlink()  # it needs no project at all
    schema = contract_json_schema()
    assert json.loads(run("schema").out) == schema
    assert run("--json", "schema").json["contract"] == schema
    target = files.root / "contract.schema.json"
    done = run("schema", "--write", str(target))
    assert (done.code, f"# yaml-language-server: $schema={target.name}\n" in done.out) == (0, True)
    assert json.loads(target.read_text("utf-8")) == schema
    assert run("--json", "schema", "--write", str(target)).json["written"] == str(target)
    policy = files.root / "policies" / "billing.yaml"
    (files.root / "list.json").write_text("[]", encoding="utf-8")
    for other in (policy, files.root / "list.json", files.root, files.root / "none" / "schema.json"):
        before = other.read_bytes() if other.is_file() else b""
        assert run("schema", "--write", str(other)).code == 2
        assert before == (other.read_bytes() if other.is_file() else b"")
