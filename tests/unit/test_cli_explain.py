"""`synapsor explain`: a capability in words, its statements without a value, and what its source expects of it."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from synapsor.contract.load import read_text
from synapsor.contract.telling import told
from synapsor.core.writeback import look_plan, write_plan
from synapsor.flow.statements import statements
from synapsor.sql.explain import estimate
from synapsor.sql.read import compile_read
from synapsor.sql.statement import Dialect
from synapsor.sql.write import compile_write
from synapsor.testing import desk_for
from synapsor.values import ValueUnfit
from tests.commands import Run, commands
from tests.databases import Database, execute
from tests.projects import ProjectFiles, write_project
from tests.unit.contracts import GOOD
from tests.unit.test_cli_people import AGGREGATE
from tests.unit.test_contract_rules import COUNTING
from tests.unit.test_trial import BILLING, SCHEMA, SEED

INSPECT, LIST, WAIVE = "billing.inspect_invoice", "billing.list_overdue", "billing.propose_late_fee_waiver"
READER = "synapsor_reader@'127.0.0.1'"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "80")

    return commands(capsys)


@pytest.fixture
def files(tmp_path: Path, database: Database) -> ProjectFiles:
    return write_project(tmp_path / "project", database)


def explained(run: Run, files: ProjectFiles, *options: str) -> dict[str, dict[str, Any]]:
    done = run("--config", str(files.config_path), "--json", "explain", *options)
    assert done.code == 0, done.err
    return {entry["capability"]: entry for entry in done.json["capabilities"]}


def plan_of(run: Run, files: ProjectFiles, name: str) -> dict[str, Any]:
    found: dict[str, Any] = explained(run, files, "--plan", name)[name]["plan"]
    return found


@pytest.mark.requirement("explain:plan")
def test_a_plan_tells_which_index_serves_a_read_and_what_is_read_in_full(run: Run, files: ProjectFiles) -> None:
    database = files.database
    if database.engine == "mariadb":
        # What is behind a view is for its owner to see.
        assert "SHOW VIEW" in plan_of(run, files, LIST)["problem"]
        execute(
            database, f"GRANT SELECT, SHOW VIEW ON invoice_review TO {READER}; GRANT SELECT ON invoices TO {READER};"
        )
    if database.engine == "postgres":
        # Of so small a table an index is cheaper only until the server has counted its rows, which it does when it likes.
        name = urlsplit(database.admin_url).path[1:]
        execute(database, f"ALTER ROLE synapsor_reader IN DATABASE {name} SET enable_seqscan = off")
    served = {name: plan_of(run, files, name) for name in (INSPECT, LIST)}
    for plan in served.values():
        assert plan["full_scans"] == []
        assert len(plan["indexes"]) == 1
        assert all(plan[key] is None or plan[key] > 0 for key in ("cost", "rows"))
    assert served[LIST]["indexes"] == ["invoices_by_tenant"]
    assert (served[LIST]["rows"] is None) == (database.engine == "sqlite")
    drop = "DROP INDEX invoices_by_tenant" + (" ON invoices" if database.engine == "mariadb" else "")
    execute(database, drop if database.engine != "postgres" else f"DROP INDEX {database.schema}.invoices_by_tenant")
    assert plan_of(run, files, LIST)["full_scans"] in (["invoices"], ["invoice_review"])
    told = run("--config", str(files.config_path), "explain", "--plan", LIST)
    assert "FULL SCAN of" in told.out
    # Nothing of it is a read: no evidence, no audit, no ledger.
    assert not (files.root / ".synapsor").exists()


@pytest.mark.requirement("explain:no-value")
def test_statements_hold_placeholders_and_never_a_value(run: Run, files: ProjectFiles) -> None:
    for entry in explained(run, files).values():
        for statement in entry["sql"]:
            assert not re.search(r"overdue|'|acme|support_agent", statement["text"])
            assert "billing_lead" not in statement["text"]
    (read,) = explained(run, files, LIST)[LIST]["sql"]
    assert {"postgres": "$2", "mariadb": "%(p2)s", "sqlite": ":p2"}[files.database.engine] in read["text"]


@pytest.mark.requirement("explain:true")
async def test_the_statements_are_those_that_are_sent() -> None:
    async with desk_for(BILLING, schema=SCHEMA, seed=SEED, session={"tenant_id": "acme", "user": "agent"}) as trial:
        shown = {s.purpose: s.text for s in statements(trial.contract, WAIVE, "sqlite")}
        asked = await trial.call(WAIVE, invoice_id="INV-3001", reason="Paid.")
        record = await trial.ledger.proposal(asked["proposal"]["id"])
        assert record is not None
        table = trial.contract.tables["invoices"]
        (member,) = record.proposal.members
        lock = look_plan(record.proposal, member, table, {}, time_ms=1)
        write = write_plan(record.proposal, member, table, {})
        assert shown["the row locked, before and after the change"] == compile_read(lock.shape, "sqlite").text
        assert shown["the change"] == compile_write(write.shape, "sqlite").text
        template = trial.desk._served[LIST].template
        assert template is not None
        (read,) = statements(trial.contract, LIST, "sqlite")
        assert read.text == template.text


@pytest.mark.requirement("explain:true")
def test_a_read_is_told_in_words(run: Run, sqlite_db: Database, tmp_path: Path) -> None:
    told = explained(run, write_project(tmp_path / "project", sqlite_db), LIST)[LIST]["told"]
    assert told == {
        "does": [
            "It lists rows of invoices, and changes nothing.",
            "Ordered by late_fee_cents, largest first, then by id.",
        ],
        "whose rows": [
            "Only rows whose tenant_id is the tenant_id of the session.",
            "The model cannot choose it. All other rows do not exist for it.",
        ],
        "which": ['status is "overdue"'],
        "seen": ["id, customer, status, amount, late_fee_cents, due_date"],
        "never seen": [
            "card_token: denied to every capability",
            "note, row_version, tenant_id, updated_at, waiver_reason: not returned by this one",
            "Any column that the contract does not name.",
        ],
        "limits": ["One call: at most 50 rows, 262,144 bytes of text, 2 s."],
        "refused": [
            "A session that lacks whose rows it may see.",
            "Any argument but these, and any value that does not fit.",
            "Nothing for being long: a list that is cut says so.",
        ],
    }


@pytest.mark.requirement("explain:true")
def test_a_proposal_is_told_in_words(run: Run, sqlite_db: Database, tmp_path: Path) -> None:
    files = write_project(tmp_path / "project", sqlite_db)
    done = run("--config", str(files.config_path), "explain", WAIVE)
    text = " ".join(done.out.split())
    for words in (
        "It asks for a change of one row of invoices. Nothing changes before a person approves.",
        "late_fee_cents becomes 0 waiver_reason becomes what the model gives as $reason",
        "late_fee_cents: before the change at most 10000 cents",
        "A person with the role billing_lead, who is not the one who asked, within 72 hours.",
        "row_version, late_fee_cents, waiver_reason must be as they were",
    ):
        assert words in text
    assert "SELECT" not in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    assert "UPDATE" in run("--config", str(files.config_path), "explain", "--sql", WAIVE).out
    unknown = run("--config", str(files.config_path), "explain", "billing.none")
    assert (unknown.code, LIST in unknown.err) == (2, True)


def parts_told(text: str, name: str) -> dict[str, str]:
    contract = read_text(text, "x").contract
    assert contract is not None
    return {section.label: " ".join(section.sentences) for section in told(contract, name)}


@pytest.mark.requirement("explain:true")
def test_what_is_unusual_is_told_too() -> None:
    text = (
        GOOD.replace("tenant: tenant_id\n    version: row_version", "tenant: {single_tenant: true, because: It is one.}\n    version: whole_row\n    principal: note\n    only: {paid: false}")
        .replace("where: {status: open}\n", "arguments: {words: {type: string, one_of: [open, overdue], many: 2, optional: true}}\n    where: {status: {one_of: $words}}\n    pages: true\n    total: true\n    limits: {calls_per_minute: 3}\n")
        .replace("    bounds: {fee: {before: {at_most: 10000}}}\n", "")
    )  # fmt: skip
    listed = parts_told(text, "billing.list_open")
    assert "next page" in listed["does"]
    assert "in all" in listed["does"]
    assert listed["whose rows"].startswith(
        "Everybody's: there is no tenant, because: It is one. Only rows whose note is"
    )
    assert listed["which"].startswith("paid is false status is one of $words (what the model gives)")
    assert listed["model gives"] == "$words: up to 2 values, each one of open, overdue, or nothing"
    assert "One person: at most 3 calls a minute." in listed["limits"]
    asked = parts_told(text, "billing.propose_note")
    assert asked["when applied"].startswith("Every column must be as it was")
    assert asked["bounds"] == "No number is bounded."


@pytest.mark.requirement("explain:true")
async def test_an_aggregate_is_told_in_words() -> None:
    text = COUNTING.replace(
        "    order: [-total, state]\n",
        "    order: [-total, state]\n    limits: {calls_per_day: 9, variants_per_day: 3}\n",
    )
    said = parts_told(text, "billing.totals")
    assert said["does"].startswith("It computes numbers over rows of invoices, shows no row, and changes nothing.")
    assert "tells nothing of fewer than 5 rows" in said["seen"]
    assert "extra, id, note, paid, row_version, tenant_id: not told by this one" in said["never seen"]
    assert "anything that too few rows stand behind" in said["never seen"]
    assert "50 groups of 500" in said["limits"]
    assert "at most 9 calls a day. One person: at most 3 different questions a day." in said["limits"]


@pytest.mark.requirement("explain:plan", "explain:no-value")
def test_the_plan_of_an_aggregate_is_told_and_nothing_is_counted(run: Run, files: ProjectFiles) -> None:
    policy = files.root / "policies" / "billing.yaml"
    policy.write_text(policy.read_text(encoding="utf-8") + AGGREGATE, encoding="utf-8")
    if files.database.engine == "mariadb":
        grant = f"GRANT SELECT, SHOW VIEW ON invoice_review TO {READER}; GRANT SELECT ON invoices TO {READER};"
        execute(files.database, grant)
    plan = plan_of(run, files, "billing.fees")
    assert all(plan[key] is None or plan[key] > 0 for key in ("cost", "rows"))
    (count,) = explained(run, files, "billing.fees")["billing.fees"]["sql"]
    assert count["for"] == "the count"
    assert "'" not in count["text"]
    assert not (files.root / ".synapsor").exists()


@pytest.mark.parametrize(
    ("dialect", "answer"), [("postgres", [["{}"]]), ("postgres", []), ("mysql", [["[]"]]), ("sqlite", [[1]])]
)
def test_an_answer_of_an_unknown_form_is_said_to_be_one(dialect: Dialect, answer: list[list[Any]]) -> None:
    with pytest.raises(ValueUnfit):
        estimate(answer, dialect)


def test_a_plan_of_mysql_eight_is_read_as_well() -> None:
    document = {
        "query_block": {
            "cost_info": {"query_cost": "12.5"},
            "table": {
                "table_name": "r",
                "access_type": "ALL",
                "rows_examined_per_scan": 90,
                "rows_produced_per_join": 9,
            },
        }
    }
    found = estimate([[json.dumps(document)]], "mysql")
    assert (found.cost, found.rows, found.scans, found.indexes) == (12.5, 9, ("r",), ())
