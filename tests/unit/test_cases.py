"""Cases beside a contract: what they can say, how a difference is told, and that a wrong file runs nothing."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from synapsor.errors import ConfigError
from synapsor.testing.cases import Expect, cases_json_schema, load_cases
from synapsor.testing.expect import CHECKS, Seen, mismatches
from synapsor.testing.suite import run_in_memory
from tests.commands import Run, commands
from tests.databases import Database
from tests.projects import ROOT, write_project

BILLING = ROOT / "policies" / "billing.test.yaml"
POLICIES = sorted(p for p in (ROOT / "policies").glob("*.yaml") if not p.name.endswith(".test.yaml"))
HEAD = f"""\
synapsor: 1
contract: {ROOT}/policies/billing.yaml
fixture: {{schema: {ROOT}/fixtures/sqlite/schema.sql, seed: {ROOT}/fixtures/sqlite/seed.sql}}
as: {{tenant_id: acme, user: agent}}
cases:
"""
INSPECT = "call: billing.inspect_invoice, arguments: {invoice_id: INV-3001}"
WAIVE = "call: billing.propose_late_fee_waiver, arguments: {invoice_id: INV-3001, reason: Paid.}"
LIST = "call: billing.list_overdue"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    return commands(capsys)


def written(folder: Path, *cases: str, head: str = HEAD) -> Path:
    file = folder / "some.test.yaml"
    file.write_text(head + "".join(f"  case {n}: {{{case}}}\n" for n, case in enumerate(cases)), encoding="utf-8")
    return file


@pytest.mark.requirement("cases:run")
@pytest.mark.parametrize("policy", POLICIES, ids=lambda path: path.name)
async def test_the_cases_beside_every_example_hold(policy: Path) -> None:
    cases = load_cases(policy.with_suffix(".test.yaml"))
    outcomes = await run_in_memory(cases, list(cases.held.cases))
    assert [(o.name, o.mismatches) for o in outcomes if not o.passed] == []
    assert len(outcomes) >= 12


FAILS = [
    (INSPECT, "error: not_found", {"ok": ("not_found", "1 row.")}),
    (INSPECT, "ok: false", {"ok": (False, "1 row.")}),
    (INSPECT.replace("3001", "9001"), "", {"ok": (True, "not_found: There is no such record in your scope.")}),
    (INSPECT.replace("3001", "9001"), "error: timeout", {"error": ("timeout", "not_found")}),
    (INSPECT, "count: 2", {"count": (2, 1)}),
    (INSPECT, "rows: []", {"rows[0]": ("nothing", ...)}),
    (LIST, "includes: [{id: INV-3026, late_fee_cents: 1}]", {"includes[0].late_fee_cents": (1, 10000)}),
    (LIST, "includes: [{id: INV-3026}, {id: INV-3026}]", {"includes[1].id": ("INV-3026", ...)}),
    (INSPECT, "columns: [id]", {"columns of rows[0]": (["id"], ...)}),
    (INSPECT, "absent: [status]", {"rows[0].status": ("nothing", "overdue")}),
    (LIST, "truncated: true", {"truncated": (True, False)}),
    (INSPECT, "truncated: false", {"truncated": (False, "nothing")}),
    (LIST, "data: {cut_by: rows, gone: 1}", {"data.cut_by": ("rows", None), "data.gone": (1, "nothing")}),
    (
        WAIVE,
        "changes: {late_fee_cents: {from: 5500, to: '0'}}",
        {
            "changes.late_fee_cents": ({"from": 5500, "to": "0"}, {"from": 5500, "to": 0}),
            "changes.waiver_reason": ("nothing", {"from": None, "to": "Paid."}),
        },
    ),
    (WAIVE, "members: [{}]", {"members": (1, 0)}),
    (WAIVE, "status: applied", {"status": ("applied", "review_required")}),
    (INSPECT, "status: applied", {"status": ("applied", "nothing")}),
    (f"{WAIVE}, steps: [approve, apply]", "outcome: conflict", {"outcome": ("conflict", "applied")}),
    (f"{WAIVE}, steps: [{{hours: 73}}, approve]", "", {"refused": ("nothing", "expired")}),
    (WAIVE, "refused: expired", {"refused": ("expired", "nothing")}),
    (f"{INSPECT}, steps: [approve]", "", {"refused": ("nothing", "no_such_proposal")}),
    (f"{WAIVE}, steps: [approve, apply]", "row: {late_fee_cents: 5500}", {"row.late_fee_cents": (5500, 0)}),
    (WAIVE, "row: {late_fee_cents: true}", {"row.late_fee_cents": (True, 5500)}),
]


@pytest.mark.requirement("cases:run")
@pytest.mark.parametrize(
    ("call", "expect", "wanted"), FAILS, ids=[f"{e or 'ok'}-{n}" for n, (_, e, _) in enumerate(FAILS)]
)
async def test_what_is_not_as_expected_is_told_with_both_values(
    call: str, expect: str, wanted: dict[str, tuple[Any, Any]], tmp_path: Path
) -> None:
    cases = load_cases(written(tmp_path, f"{call}, expect: {{{expect}}}"))
    (outcome,) = await run_in_memory(cases, ["case 0"])
    assert outcome.line == 6
    assert not outcome.passed
    found = {m.where: (m.expected, m.got) for m in outcome.mismatches}
    assert found.keys() == wanted.keys()
    for where, (expected, got) in wanted.items():
        assert found[where][0] == expected
        assert got is ... or json.dumps(found[where][1]) == json.dumps(got)


@pytest.mark.requirement("cases:run")
def test_every_key_of_expect_has_a_check() -> None:
    assert set(CHECKS) == set(Expect.model_fields)


def test_rows_are_compared_exactly_and_in_order() -> None:
    seen = Seen(envelope={"ok": True, "data": {"rows": [{"id": 1}, {"id": 2}]}, "error": None, "proposal": None})
    right = Expect.model_validate({"rows": [{"id": 1}, {"id": 2}], "count": 2})
    assert mismatches(right, seen) == ()
    wrong = Expect.model_validate({"rows": [{"id": 2}, {"id": "2"}, {"id": 3}]})
    assert [m.where for m in mismatches(wrong, seen)] == ["rows[0].id", "rows[1].id", "rows[2]"]
    more = Expect.model_validate({"rows": [{"id": 1, "name": None}, {}]})
    assert [m.where for m in mismatches(more, seen)] == ["rows[0].name", "rows[1].id"]


@pytest.mark.requirement("cases:run")
def test_the_changes_of_a_set_are_told_row_by_row() -> None:
    members = [{"changes": [{"column": "fee", "before": n, "after": 0}]} for n in (5, 7)]
    proposal = {"members": members, "changes": None}
    seen = Seen(envelope={"ok": True, "data": None, "error": None, "proposal": proposal})
    right = {"members": [{"fee": {"from": 5, "to": 0}}, {"fee": {"from": 7, "to": 0}}]}
    assert mismatches(Expect.model_validate(right), seen) == ()
    (wrong,) = mismatches(
        Expect.model_validate({"members": [*right["members"][:1], {"fee": {"from": 8, "to": 0}}]}), seen
    )
    assert (wrong.where, wrong.got) == ("members[1].fee", {"from": 7, "to": 0})
    (less,) = mismatches(Expect.model_validate({"members": right["members"][:1]}), seen)
    assert (less.where, less.expected, less.got) == ("members", 1, 2)
    (one,) = mismatches(Expect.model_validate({"changes": {"fee": {"from": 5, "to": 0}}}), seen)
    assert (one.where, "members" in one.got) == ("changes", True)


@pytest.mark.requirement("cases:strict")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("synapsor: 1", "synapsor: 2"),
        ("cases:", "case:"),
        ("as: {tenant_id: acme, user: agent}\n", ""),
        ("fixture:", "source: live\nfixture:"),
        (f"fixture: {{schema: {ROOT}/fixtures/sqlite/schema.sql, seed: {ROOT}/fixtures/sqlite/seed.sql}}\n", ""),
        ("schema.sql,", "none.sql,"),
        ("policies/billing.yaml", "policies/none.yaml"),
        ("seed.sql}", "seed.sql, sql: 'SELECT FROM'}"),
        ("seed.sql}", "seed.sql, sql: \"ATTACH DATABASE 'other.db' AS other\"}"),
        ("expect: {}", "expects: {}"),
        ("expect: {}", "expect: {error: no_such_code}"),
        ("expect: {}", "expect: {status: done}"),
        ("expect: {}", "expect: {count: true}"),
        ("expect: {}", "steps: [aprove]"),
        ("expect: {}", "steps: [{hours: 0}]"),
        ("call: billing.inspect_invoice", "call: Inspect"),
        ("call: billing.inspect_invoice", "call: billing.inspect_invoise"),
        ("expect: {}", "expect: {error: internal}, call: billing.nothing"),
    ],
)  # fmt: skip
def test_a_wrong_file_runs_nothing_and_ends_with_two(old: str, new: str, run: Run, tmp_path: Path) -> None:
    file = written(tmp_path, f"{INSPECT}, expect: {{}}")
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    done = run("test", str(file))
    assert (done.code, done.out) == (2, "")
    assert not (tmp_path / "other.db").exists()


def test_a_live_case_takes_no_steps(tmp_path: Path) -> None:
    head = "synapsor: 1\nsource: live\nas: {tenant_id: acme, user: agent}\ncases:\n"
    for case in (f"{WAIVE}, steps: [approve]", f"{WAIVE}, expect: {{row: {{id: x}}}}"):
        with pytest.raises(ConfigError):
            load_cases(written(tmp_path, case, head=head))


def test_a_contract_with_problems_ends_with_two(run: Run, tmp_path: Path) -> None:
    file = written(tmp_path, INSPECT)
    contract = tmp_path / "contract.yaml"
    contract.write_text(
        (ROOT / "policies/billing.yaml").read_text("utf-8").replace("read: invoices", "read: x"), "utf-8"
    )
    file.write_text(file.read_text("utf-8").replace(f"{ROOT}/policies/billing.yaml", "contract.yaml"), "utf-8")
    done = run("test", str(file))
    assert (done.code, "SYN301" in done.err) == (2, True)


@pytest.mark.requirement("cases:exit")
def test_a_failure_ends_with_one_and_is_told_in_every_form(run: Run, tmp_path: Path) -> None:
    file = written(tmp_path, INSPECT, f"{INSPECT}, expect: {{count: 2}}")
    done = run("test", str(file), "--junit", "report.xml")
    assert done.code == 1
    assert done.out == (
        f"{file}\n  ✓ case 0\n  ✗ case 1 (line 7)\n      count\n        expected 2\n        got      1\n\n1 passed, 1 failed\n"
    )
    (suite,) = ET.parse(tmp_path / "report.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    passed, failed = suite
    assert (passed.get("name"), len(passed), failed.get("line")) == ("case 0", 0, "7")
    assert failed[0].get("message") == "count: expected 2, got 1"
    told = run("--json", "test", str(file)).json
    assert (told["ok"], told["passed"], told["failed"]) == (False, 1, 1)
    assert told["files"][0]["cases"][1]["mismatches"] == [{"where": "count", "expected": 2, "got": 1}]
    assert run("test", str(file), "--name", "case 0").code == 0
    assert run("test", str(file), "--name", "none").code == 2
    assert run("test", str(file), "--junit", str(tmp_path / "none" / "report.xml")).code == 2


@pytest.mark.requirement("cases:run", "undo:people-decide")
async def test_the_steps_after_an_undo_are_about_the_undo(tmp_path: Path) -> None:
    reviewed = (ROOT / "policies" / "billing.yaml").read_text(encoding="utf-8")
    approval = "    approval: {role: billing_lead, expires_hours: 72}"
    assert approval in reviewed
    contract = tmp_path / "undone.yaml"
    contract.write_text(reviewed.replace(approval, f"{approval}\n    undo: reviewed"), encoding="utf-8")
    file = written(
        tmp_path,
        f"{WAIVE}, steps: [approve, apply, undo], expect: {{status: review_required, row: {{late_fee_cents: 0}}}}",
        f"{WAIVE}, steps: [approve, apply, undo, approve, apply], expect: {{outcome: applied, row: {{late_fee_cents: 5500}}}}",
        f"{WAIVE}, steps: [approve, undo], expect: {{refused: not_applied, status: approved}}",
        f"{WAIVE}, steps: [approve, apply, undo, {{approve: operator}}], expect: {{refused: own_request}}",
        head=HEAD.replace(f"{ROOT}/policies/billing.yaml", str(contract)),
    )
    cases = load_cases(file)
    assert [(o.name, o.mismatches) for o in await run_in_memory(cases, list(cases.held.cases)) if not o.passed] == []


RETAIL = (
    HEAD.replace("billing.yaml", "retail.yaml")
    .replace("sqlite/schema.sql, seed", "retail/sqlite.sql, seed")
    .replace(f"seed: {ROOT}/fixtures/sqlite/seed.sql", "seed: []")
)
SENDING = "call: retail.propose_sending, arguments: {store_id: S-2, sku: SKU-11, pieces: 3}"
RECEIVING = "call: retail.propose_receiving, arguments: {store_id: S-1, sku: SKU-11, pieces: 3}"


@pytest.mark.requirement("cases:run", "group:whole")
async def test_what_is_called_before_is_of_the_same_run_and_approved_with_it(tmp_path: Path) -> None:
    steps = "steps: [approve, apply], expect: {outcome: applied, row: {on_hand: 8}}"
    rejected = "steps: [reject, apply], expect: {outcome: nothing, status: rejected, row: {on_hand: 5}}"
    moved = "UPDATE stock SET on_hand = 0 WHERE tenant_id = 'acme' AND store_id = 'S-2' AND sku = 'SKU-11'"
    file = written(
        tmp_path,
        f"before: [{{{SENDING}}}], {RECEIVING}, {steps}",
        f"before: [{{{SENDING}}}], {RECEIVING}, {rejected}",
        f"before: [{{{SENDING}}}], {RECEIVING}, steps: [approve, {{sql: {moved}}}, apply], expect: {{outcome: group_failed, status: conflict}}",
        f"before: [{{{SENDING}}}], {RECEIVING}, steps: [{{hours: 25}}], expect: {{status: expired}}",
        head=RETAIL,
    )
    cases = load_cases(file)
    assert [(o.name, o.mismatches) for o in await run_in_memory(cases, list(cases.held.cases)) if not o.passed] == []


@pytest.mark.requirement("cases:run")
@pytest.mark.parametrize(
    ("before", "told"),
    [
        (SENDING.replace("SKU-11", "SKU-99"), "calls `retail.propose_sending` before, which is refused: not_found"),
        (SENDING.replace("sending", "sendin"), "calls `retail.propose_sendin`, which is no capability"),
    ],
)
async def test_a_case_does_not_hold_because_of_what_failed_before_it(tmp_path: Path, before: str, told: str) -> None:
    cases = load_cases(written(tmp_path, f"before: [{{{before}}}], {RECEIVING}", head=RETAIL))
    with pytest.raises(ConfigError, match=told):
        await run_in_memory(cases, list(cases.held.cases))


@pytest.mark.requirement("cases:live")
def test_a_live_source_is_read_and_proposes_nothing(run: Run, database: Database, tmp_path: Path) -> None:
    project = write_project(tmp_path / "project", database, profile="development")
    file = project.root / "policies" / "billing.test.yaml"
    head = "synapsor: 1\nsource: live\nas: {tenant_id: acme, user: agent}\ncases:\n"
    cases = written(tmp_path, f"{INSPECT}, expect: {{includes: [{{late_fee_cents: 5500}}]}}", head=head)
    file.write_text(cases.read_text("utf-8"), encoding="utf-8")
    done = run("--config", str(project.config_path), "test")
    assert (done.code, done.out.endswith("1 passed, 0 failed\n")) == (0, True), done.out + done.err
    file.write_text(written(tmp_path, WAIVE, head=head).read_text("utf-8"), encoding="utf-8")
    done = run("--config", str(project.config_path), "test")
    assert (done.code, "calls no read" in done.err) == (2, True)


def test_a_project_without_cases_says_where_to_write_them(run: Run, sqlite_db: Database, tmp_path: Path) -> None:
    project = write_project(tmp_path / "project", sqlite_db)
    done = run("--config", str(project.config_path), "test")
    assert (done.code, "billing.test.yaml" in done.err) == (2, True)


@pytest.mark.requirement("cases:schema")
def test_the_schema_of_cases_is_published_and_fits_the_demos(run: Run, tmp_path: Path) -> None:
    schema = cases_json_schema()
    Draft202012Validator.check_schema(schema)
    cases = yaml.load(BILLING.read_text("utf-8"), Loader=yaml.BaseLoader)
    assert set(cases) <= set(schema["properties"])
    Draft202012Validator(schema).validate({**yaml.safe_load(HEAD + "  x: {call: a.b}"), "synapsor": 1})
    wrong = {**yaml.safe_load(HEAD + "  x: {call: a.b, steps: [x]}")}
    assert not Draft202012Validator(schema).is_valid(wrong)
    assert json.loads(run("schema", "--cases").out) == schema
    assert run("--json", "schema", "--cases").json["cases"] == schema
    target = tmp_path / "cases.schema.json"
    assert run("schema", "--cases", "--write", str(target)).code == 0
    assert json.loads(target.read_text("utf-8")) == schema
    assert run("schema", "--write", str(target)).code == 2  # it is another schema
