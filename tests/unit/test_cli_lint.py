"""`synapsor lint`: its exit codes, and the forms in which programs take its findings."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.commands import NOT_TO_LOOK, Run, commands, imported_of
from tests.unit.test_contract_lint import ALLOW, CLEAN

SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["$schema", "version", "runs"],
    "properties": {
        "$schema": {
            "const": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
        },
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "additionalProperties": False,
                "properties": {
                    "columnKind": {"enum": ["unicodeCodePoints", "utf16CodeUnits"]},
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name", "version", "rules"],
                                "properties": {"rules": {"type": "array", "items": {"$ref": "#/$defs/rule"}}},
                            }
                        },
                    },
                    "results": {"type": "array", "items": {"$ref": "#/$defs/result"}},
                },
            },
        },
    },
    "$defs": {
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}},
        "rule": {
            "type": "object",
            "required": ["id", "shortDescription", "defaultConfiguration"],
            "properties": {
                "id": {"type": "string"},
                "shortDescription": {"$ref": "#/$defs/message"},
                "defaultConfiguration": {"type": "object", "properties": {"level": {"$ref": "#/$defs/level"}}},
            },
        },
        "result": {
            "type": "object",
            "required": ["ruleId", "ruleIndex", "level", "message", "locations"],
            "additionalProperties": False,
            "properties": {
                "ruleId": {"type": "string"},
                "ruleIndex": {"type": "integer", "minimum": 0},
                "level": {"$ref": "#/$defs/level"},
                "message": {"$ref": "#/$defs/message"},
                "locations": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/location"}},
                "suppressions": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["kind", "justification"],
                        "properties": {"kind": {"enum": ["inSource", "external"]}},
                    },
                },
            },
        },
        "location": {
            "type": "object",
            "required": ["physicalLocation"],
            "properties": {
                "physicalLocation": {
                    "type": "object",
                    "required": ["artifactLocation", "region"],
                    "properties": {
                        "artifactLocation": {
                            "type": "object",
                            "required": ["uri"],
                            "properties": {"uri": {"type": "string", "pattern": "^[A-Za-z0-9%._~:/@!$&'()*+,;=-]+$"}},
                        },
                        "region": {
                            "type": "object",
                            "required": ["startLine", "startColumn"],
                            "properties": {
                                "startLine": {"type": "integer", "minimum": 1},
                                "startColumn": {"type": "integer", "minimum": 1},
                            },
                        },
                    },
                }
            },
        },
    },
}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return commands(capsys)


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "a policy.yaml"
    file.write_text(CLEAN, encoding="utf-8")
    return file


def edit(policy: Path, old: str, new: str) -> None:
    text = policy.read_text("utf-8")
    assert old in text
    policy.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.requirement("lint:exit")
def test_errors_end_with_one_and_warnings_only_if_strict(run: Run, policy: Path) -> None:
    assert run("lint", str(policy)).code == run("lint", "--strict", str(policy)).code == 0
    edit(policy, "{role: lead}", "{role: lead, expires_hours: 999}")
    assert run("lint", "--strict", str(policy)).code == 0  # a note
    edit(policy, "order: [-fee]", "order: [-fee]\n    limits: {rows: 500}")
    assert (run("lint", str(policy)).code, run("lint", "--strict", str(policy)).code) == (0, 1)
    edit(policy, "limits: {rows: 500}", f"limits: {{rows: 500}} {ALLOW}")
    assert run("lint", "--strict", str(policy)).code == 0
    edit(policy, "card_token: denied", "card_token: text")
    done = run("lint", str(policy))
    assert done.code == 1
    assert done.out.endswith("1 error, 1 note, 1 let pass by a comment.\n")
    edit(policy, "read: people", "read: nobody")
    done = run("lint", str(policy))
    assert (done.code, "SYN301" in done.out, "LNT" in done.out) == (2, True, False)


@pytest.mark.requirement("lint:exit")
def test_findings_are_json_with_what_was_let_pass(run: Run, policy: Path) -> None:
    edit(policy, "order: [-fee]", f"order: [-fee]\n    limits: {{rows: 500}} {ALLOW}")
    edit(policy, "card_token: denied", "card_token: text")
    done = run("--json", "lint", str(policy))
    secret, rows = done.json["findings"]
    assert (done.code, done.json["ok"], done.json["problems"]) == (1, False, [])
    assert secret == {
        "file": str(policy),
        "line": 23,
        "column": 7,
        "rule": "LNT203",
        "severity": "error",
        "message": "`card_token` looks like something that nobody else may know.",
        "fix": "Write `card_token: denied`.",
        "allowed": None,
    }
    assert (rows["rule"], rows["allowed"]) == ("LNT104", "the report needs them all")


@pytest.mark.requirement("lint:sarif")
def test_findings_are_sarif(run: Run, policy: Path) -> None:
    edit(policy, "order: [-fee]", f"order: [-fee]\n    limits: {{rows: 500}} {ALLOW}")
    edit(policy, "card_token: denied", "card_token: text")
    broken = policy.with_name("broken.yaml")
    broken.write_text(CLEAN.replace("read: people", "read: nobody"), encoding="utf-8")
    done = run("lint", "--sarif", policy.name, str(broken))
    document = json.loads(done.out)
    Draft202012Validator.check_schema(SARIF)
    Draft202012Validator(SARIF).validate(document)
    (found,) = document["runs"]
    rules = found["tool"]["driver"]["rules"]
    assert [rules[r["ruleIndex"]]["id"] for r in found["results"]] == [r["ruleId"] for r in found["results"]]
    uris = {r["ruleId"]: r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in found["results"]}
    assert uris["LNT203"] == "a%20policy.yaml"
    assert uris["SYN301"] == "broken.yaml"
    by_rule = {r["ruleId"]: r for r in found["results"]}
    assert by_rule["LNT104"]["suppressions"] == [{"kind": "inSource", "justification": "the report needs them all"}]
    assert "suppressions" not in by_rule["LNT203"]
    assert done.code == 2
    assert run("--json", "lint", "--sarif", str(policy)).code == 2


@pytest.mark.requirement("cli:light-start")
def test_lint_imports_no_compiler_driver_or_sdk(policy: Path) -> None:
    assert imported_of(NOT_TO_LOOK, ["lint", str(policy)]) == []


def test_a_finding_fits_the_terminal(run: Run, policy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    edit(policy, "    returns: [id, due]\n", "")
    lines = run("lint", policy.name).out.splitlines()
    assert max(map(len, lines)) <= 50
