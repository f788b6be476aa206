"""The command line: thin commands, stable exit codes, one answer on stdout, and no secret or traceback anywhere."""

import hashlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synapsor.cli import demo, version
from synapsor.cli.main import main
from synapsor.cli.worker import _end, _far
from synapsor.errors import IntegrityError
from tests.commands import NOT_TO_LOOK, Run, activated, at_terminal, imported_of, key, propose
from tests.databases import Database, execute
from tests.projects import ProjectFiles, write_project

CANARY = "canary-7f3"
HEAVY = ("mcp", "pydantic", "sqlglot", "asyncpg", "aiomysql", "cryptography", "uvicorn", "anyio", "yaml")


@pytest.fixture
def files(tmp_path: Path, sqlite_db: Database) -> ProjectFiles:
    return write_project(tmp_path / "project", sqlite_db)


@pytest.fixture
def active(run: Run, files: ProjectFiles) -> Run:
    return activated(run, files)


@pytest.mark.requirement("cli:light-start")
@pytest.mark.parametrize("arguments", [["--help"], ["version"], ["approve", "--help"]])
def test_help_and_version_import_nothing_heavy(arguments: list[str]) -> None:
    assert imported_of(HEAVY, arguments) == []


@pytest.mark.requirement("cli:light-start")
@pytest.mark.parametrize(
    "command",
    [
        ["inbox"],
        ["show"],
        ["replay"],
        ["verify"],
        ["receipts", "list"],
        ["operator", "list"],
        ["reject"],
        ["check"],
        ["history", "billing"],
    ],
    ids=" ".join,
)
def test_commands_that_only_look_at_the_record_import_no_compiler_driver_or_sdk(
    active: Run, files: ProjectFiles, command: list[str]
) -> None:
    propose(active)
    assert imported_of(NOT_TO_LOOK, ["--config", str(files.config_path), *command]) == []


@pytest.mark.requirement("secrets:never-shown")
def test_no_other_packages_plugin_is_shown_what_is_validated(tmp_path: Path, files: ProjectFiles) -> None:
    mark = tmp_path / "seen"
    (tmp_path / "curious.py").write_text(f"open({str(mark)!r}, 'w').close()\nplugin = None\n", encoding="utf-8")
    info = tmp_path / "curious-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: curious\nVersion: 1\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[pydantic]\ncurious = curious:plugin\n", encoding="utf-8")
    environment = {**files.environment, "PYTHONPATH": os.pathsep.join([files.environment["PYTHONPATH"], str(tmp_path)])}
    subprocess.run(files.command("check"), env=environment, capture_output=True, check=True)
    assert not mark.exists()
    # It is a plugin that any other program would load.
    script = "import pydantic\nclass Any(pydantic.BaseModel): number: int"
    subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=False)
    assert mark.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["aprove"],
        ["approve", "--dig", "x"],
        ["inbox", "--limit", "0"],
        ["inbox", "--limit", "many"],
        ["token"],
        ["operator", "add", "x"],
    ],
)
def test_a_wrong_command_line_ends_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2


@pytest.mark.requirement("cli:exit-codes")
def test_a_missing_project_ends_with_2_and_a_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["inbox"]) == 2
    assert "fix: " in capsys.readouterr().err
    assert main(["--config", str(tmp_path / "absent.yaml"), "--json", "inbox"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["ok"], told["error"]["exit_code"]) == ("synapsor.error/1", False, 2)


@pytest.mark.requirement("cli:exit-codes")
def test_an_argument_that_is_no_text_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["approve", "latest", "--operator", "\udcff"])
    assert "an argument is not UTF-8 text" in capsys.readouterr().err


@pytest.mark.requirement("cli:json")
def test_the_global_options_stand_before_or_after_the_command(run: Run, files: ProjectFiles) -> None:
    for arguments in (("--json", "version"), ("version", "--json")):
        assert run(*arguments).json["version"]
    assert main(["--json", "operator", "list", "--config", str(files.config_path)]) == 0
    assert main(["operator", "list", "--json", "--config", str(files.config_path)]) == 0


def test_an_interrupt_ends_with_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: Any) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(version, "run", interrupted)
    assert run("version").code == 130


@pytest.mark.requirement("secrets:never-shown")
@pytest.mark.parametrize("debug", ["0", "1"])
def test_an_unexpected_error_is_one_line_without_its_text_or_its_locals(
    run: Run, monkeypatch: pytest.MonkeyPatch, debug: str
) -> None:
    def broken(_: Any) -> int:
        local = f"{CANARY}-local"
        raise RuntimeError(f"postgres://reader:{CANARY}-text@db" + local[:0])

    monkeypatch.setattr(version, "run", broken)
    monkeypatch.setenv("SYNAPSOR_DEBUG", debug)
    done = run("--json", "version")
    assert done.code == 1
    assert "RuntimeError at broken:" in done.json["error"]["message"]
    assert f"{CANARY}-local" not in done.out + done.err
    assert (f"{CANARY}-text" in done.err) is (debug == "1")
    assert ("Traceback" in done.err) is (debug == "1")
    assert CANARY not in done.out


def test_errors_inside_task_groups_keep_their_message_and_code(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def grouped(_: Any) -> int:
        raise ExceptionGroup("outer", [ExceptionGroup("inner", [IntegrityError("The chain does not hold.")])])

    monkeypatch.setattr(version, "run", grouped)
    done = run("version")
    assert (done.code, done.err.splitlines()[0]) == (5, "synapsor: The chain does not hold.")


@pytest.mark.requirement("cli:exit-codes")
def test_check_lists_every_problem_with_its_place_or_one_line_a_capability(run: Run, files: ProjectFiles) -> None:
    done = run("check")
    assert done.code == 0
    assert [line.split()[1] for line in done.out.splitlines()] == run("--json", "check").json["capabilities"]
    policy = files.root / "policies" / "billing.yaml"
    text = policy.read_text(encoding="utf-8")
    policy.write_text(
        text.replace("read: invoices", "read: invoicse").replace("approval:", "aproval:"), encoding="utf-8"
    )
    done = run("check")
    assert done.code == 2
    assert len(done.out.splitlines()) >= 3
    assert all(line.startswith(f"{policy}:") for line in done.out.splitlines())
    told = run("--json", "check")
    assert (told.code, told.json["ok"]) == (2, False)
    assert {"file", "line", "column", "rule", "message", "fix"} == set(told.json["problems"][0])
    policy.write_text(text.replace("source: shop", "source: shopp"), encoding="utf-8")
    assert run("check").code == 2


def test_check_takes_files_without_a_project(files: ProjectFiles, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(files.root / "policies" / "billing.yaml")]) == 0
    assert capsys.readouterr().out.startswith("ok  billing.")


@pytest.mark.requirement("contract:activated-by-a-reviewer")
def test_nothing_is_activated_by_the_wrong_person_or_by_nobody(run: Run, files: ProjectFiles) -> None:
    assert run("activate", *key(files, "rita")).code == 2  # nobody to ask, and no --yes
    assert run("activate", "--yes", *key(files, "leo")).code == 5
    assert run("activate", "--yes", "--operator", "rita", "--key", str(files.root / "keys" / "leo.pem")).code == 5
    assert run("activate", "--yes", "nothing", *key(files, "rita")).code == 2
    assert run("call", "billing.inspect_invoice", "--arg", "invoice_id=INV-3001").code == 2
    done = run("--json", "activate", "--yes", *key(files, "rita"))
    assert done.code == 0
    assert done.json["activations"][0]["operator"] == "rita"
    assert run("call", "billing.inspect_invoice", "--arg", "invoice_id=INV-3001").code == 0


@pytest.mark.requirement("cli:exit-codes")
def test_who_activates_is_told_what_the_database_contradicts(run: Run, files: ProjectFiles) -> None:
    policy = files.root / "policies" / "billing.yaml"
    policy.write_text(
        policy.read_text(encoding="utf-8").replace("due_date: date", "due_date: boolean"), encoding="utf-8"
    )
    done = run("activate", "--yes", *key(files, "rita"))
    assert done.code == 0
    assert "does not fit its database, column_type: " in done.err


def test_call_prints_the_envelope_and_ends_as_the_call_did(active: Run) -> None:
    done = active("--json", "call", "billing.inspect_invoice", "--arg", "invoice_id=INV-3001")
    assert (done.code, done.json["data"]["row"]["id"], done.json["schema"]) == (0, "INV-3001", "synapsor.envelope/1")
    assert json.loads(active("call", "billing.inspect_invoice", "--args-json", '{"invoice_id": "INV-3001"}').out)["ok"]
    for code, arguments in (
        (1, ("billing.inspect_invoice", "--arg", "invoice_id=INV-9001")),
        (2, ("billing.inspect_invoice", "--arg", "invoice_id:=3001")),
        (2, ("billing.inspect_invoice", "--arg", "tenant_id=globex", "--arg", "invoice_id=INV-9001")),
        (2, ("billing.inspect_invoice",)),
        (2, ("billing.nothing",)),
        (2, ("billing.inspect_invoice", "--arg", "no pair")),
        (2, ("billing.inspect_invoice", "--arg", "a=1", "--arg", "a=2")),
        (2, ("billing.inspect_invoice", "--args-json", '{"invoice_id": "INV-3001", "invoice_id": "INV-9001"}')),
        (2, ("billing.inspect_invoice", "--args-json", "[]")),
        (2, ("billing.inspect_invoice", "--args-json", '{"a": 1}', "--arg", "a=1")),
        (
            0,
            (
                "billing.inspect_invoice",
                "--arg",
                "invoice_id=INV-9001",
                "--as",
                "tenant_id=globex,user=support_agent_99",
            ),
        ),
        (
            1,
            (
                "billing.inspect_invoice",
                "--arg",
                "invoice_id=INV-3001",
                "--as",
                "tenant_id=globex,user=support_agent_99",
            ),
        ),
        (1, ("billing.inspect_invoice", "--arg", "invoice_id=INV-3001", "--as", "tenant_id:=0,user=x")),
        (2, ("billing.inspect_invoice", "--arg", "invoice_id=INV-3001", "--as", "tenant_id:=false,user=x")),
    ):
        assert active("call", *arguments).code == code, arguments


@pytest.mark.requirement("secrets:only-where-needed")
def test_calling_and_deciding_never_look_at_the_write_credential(active: Run, files: ProjectFiles) -> None:
    (files.root / "secrets" / "write").unlink()
    proposal = propose(active)
    assert active("approve", proposal["id"], "--digest", proposal["digest"], *key(files, "leo")).code == 0
    (files.root / "secrets" / "read").unlink()
    assert active("show").code == 0
    assert active("inbox").code == 0
    assert active("replay").code == 0
    assert active("worker", "--drain").code == 2


@pytest.mark.requirement("approval:shown-in-full", "approval:no-tricks")
def test_a_person_reads_letters_units_and_bounds_and_no_hidden_character(active: Run) -> None:
    asked = ("--arg", "invoice_id=INV-3001", "--arg", "reason=N\u00e4chster Tag, \u9867\u5ba2 \u202e\x9b2J")
    envelope = active("call", "billing.propose_late_fee_waiver", *asked).out
    assert '"after": "N\u00e4chster Tag, \u9867\u5ba2 \\u202e\\u009b2J"' in envelope
    shown = active("show").out.splitlines()
    at = shown.index("  late_fee_cents     5500 cents (55.00)")
    assert shown[at + 3] == " " * 21 + "bounds: before the change at most 10000 cents"
    assert '    \u2192                "N\u00e4chster Tag, \u9867\u5ba2 \\u202e\\u009b2J"' in shown


@pytest.mark.requirement("approval:evidence", "approval:typed")
def test_show_gives_the_card_as_data_with_a_version_and_the_rows_that_were_read_where_they_are_asked_for(
    active: Run,
) -> None:
    read = active("--json", "call", "billing.inspect_invoice", "--arg", "invoice_id=INV-3001").json
    proposal = propose(active)
    document = active("--json", "show").json
    card = document["card"]
    assert (document["schema"], card["version"], card["whole"]) == ("synapsor.proposal/1", 1, True)
    assert (card["proposal"], card["digest"]) == (proposal["id"], proposal["digest"])
    change = next(c for row in card["rows"] for c in row["changes"] if c["name"]["text"] == "late_fee_cents")
    assert [change[side]["reading"]["text"] for side in ("before", "after", "difference")] == [
        "55.00",
        "0.00",
        "-55.00",
    ]
    assert card["rests_on"][0]["rows"][0]["more"] == 0
    rows = active("show", "--evidence").out.splitlines()
    assert rows.index("What the agent read") < rows.index("What the agent sent (untrusted, believe none of it)")
    assert read["evidence"]["id"] not in active("show").out


@pytest.mark.requirement("approval:one-digest")
def test_a_script_decides_only_with_the_full_digest_and_the_right_key(active: Run, files: ProjectFiles) -> None:
    proposal = propose(active)
    handle, digest, leo = proposal["id"], proposal["digest"], key(files, "leo")
    other = "sha256:" + "0" * 64
    for code, arguments in (
        (2, ("approve", handle, *leo)),
        (2, ("--json", "approve", handle, *leo)),
        (2, ("approve", handle, "--digest", digest[7:15], *leo)),
        (2, ("approve", handle, "--digest", "latest", *leo)),
        (3, ("approve", handle, "--digest", other, *leo)),
        (5, ("approve", handle, "--digest", digest, *key(files, "rita"))),
        (5, ("approve", handle, "--digest", digest, "--operator", "rita", "--key", leo[3])),
        (2, ("approve", handle, "--digest", digest, "--operator", "nobody")),
        (2, ("approve", handle, "--digest", digest)),
        (2, ("approve", "wrp_" + "f" * 20, "--digest", digest, *leo)),
        (2, ("reject", handle, "--digest", digest, *leo)),
    ):
        assert active(*arguments).code == code, arguments
        assert active("--json", "show", handle).json["status"] == "review_required"
    done = active("--json", "approve", "latest", "--digest", digest[7:].upper(), "--key", leo[3])
    assert (done.code, done.json["status"], done.json["decision"]["operator"]) == (0, "approved", "leo")
    assert active("approve", handle, "--digest", digest, *leo).code == 3
    assert active("reject", handle, "--digest", digest, "--reason", "No.", *leo).code == 3


@pytest.mark.requirement("approval:once")
def test_a_decision_is_applied_replayed_and_verified_by_the_commands_alone(active: Run, files: ProjectFiles) -> None:
    proposal = propose(active)
    assert [p["id"] for p in active("--json", "inbox").json["proposals"]] == [proposal["id"]]
    assert active("approve", "--digest", proposal["digest"], *key(files, "leo")).code == 0
    assert active("--json", "inbox").json["proposals"] == []
    worked = active("--json", "worker", "--drain").json
    assert (worked["settled"], worked["jobs"][0]["outcome"]) == (1, "applied")
    assert active("--json", "worker", "--drain").json["settled"] == 0
    receipt = active("--json", "receipts", "list").json["receipts"][0]
    for handle in ("latest", proposal["id"], receipt["id"], receipt["job"]):
        assert active("--json", "replay", handle).json["differences"] == []
    shown = active("--json", "show", receipt["id"]).json
    assert (shown["status"], shown["receipts"][0]["changed"]) == ("applied", True)
    assert active("verify").code == 0
    assert active("--json", "inbox", "--all").json["proposals"][0]["status"] == "applied"


def test_a_rejected_proposal_tells_the_agent_why(active: Run, files: ProjectFiles) -> None:
    proposal = propose(active)
    done = active("reject", "--digest", proposal["digest"], "--reason", "Ask again in May.", *key(files, "leo"))
    assert done.code == 0
    status = active("--json", "call", "synapsor.proposal_status", "--arg", f"proposal_id={proposal['id']}").json[
        "proposal"
    ]
    assert (status["status"], status["rejection"]["comment"]) == ("rejected", "Ask again in May.")
    assert active("worker", "--drain").code == 0
    assert active("--json", "receipts", "list").json["receipts"] == []


def test_a_word_of_the_list_says_why_something_is_rejected_and_spares_the_sentence(
    active: Run, files: ProjectFiles
) -> None:
    proposal = propose(active)
    command = ("reject", "--digest", proposal["digest"], *key(files, "leo"))
    assert active(*command).code == 2
    assert active(*command, "--preset", "not_needed").code == 0
    told = active("--json", "call", "synapsor.proposal_status", "--arg", f"proposal_id={proposal['id']}").json
    assert told["proposal"]["rejection"] == {
        "code": "not_needed",
        "meaning": "The change is not needed.",
        "comment": "The change is not needed.",
    }


@pytest.mark.requirement("inbox:first-to-expire")
def test_the_inbox_keeps_those_that_expire_first_and_says_that_there_are_more(active: Run) -> None:
    first, second, third = (propose(active, f"INV-300{n}")["id"] for n in (1, 2, 3))
    listed = active("--json", "inbox", "--limit", "2").json
    assert ([p["id"] for p in listed["proposals"]], listed["more"]) == ([first, second], True)
    assert "There are more than these 2" in active("inbox", "--limit", "2").out
    listed = active("--json", "inbox", "--limit", "3").json
    assert ([p["id"] for p in listed["proposals"]], listed["more"]) == ([first, second, third], False)


@pytest.mark.requirement("approval:shown-in-full")
def test_nobody_approves_what_was_cut(active: Run, files: ProjectFiles) -> None:
    proposal = propose(active, reason="x" * 480)
    arguments = ("approve", "--digest", proposal["digest"], *key(files, "leo"))
    done = active(*arguments)
    assert done.code == 1
    assert "--full" in done.err
    assert "480 characters in all" in done.out
    assert active(*arguments, "--full").code == 0


@pytest.mark.requirement("evidence:digest-checked")
def test_an_edited_ledger_is_found_by_show_approve_replay_and_verify(active: Run, files: ProjectFiles) -> None:
    proposal = propose(active)
    ledger = sqlite3.connect(files.root / ".synapsor" / "ledger.db")
    with ledger:
        triggers = [name for (name,) in ledger.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")]
        for name in triggers:
            ledger.execute(f'DROP TRIGGER "{name}"')
        ledger.execute("UPDATE evidence SET body = replace(body, '5500', '9900')")
    ledger.close()
    for arguments in (
        ("show",),
        ("approve", "--digest", proposal["digest"], *key(files, "leo")),
        ("replay",),
        ("verify",),
    ):
        assert active(*arguments).code in {4, 5}, arguments  # 4 where the ledger refuses to open with its triggers gone


def test_nothing_is_found_under_a_handle_that_is_none(active: Run) -> None:
    for command in ("show", "replay", "approve"):
        for handle in ("latest", "wrp_" + "f" * 20, "", "../../etc/passwd", "' OR 1=1 --"):
            assert active(command, handle).code == 2, (command, handle)


def test_operators_are_added_listed_and_revoked(run: Run, files: ProjectFiles) -> None:
    new = files.root / "keys" / "lea.pem"
    done = run(
        "--json",
        "operator",
        "add",
        "lea",
        "--role",
        "billing_lead",
        "--principal",
        "lea@shop",
        "--key",
        str(new),
        "--no-passphrase",
    )
    assert (done.code, done.json["operator"]["roles"]) == (0, ["billing_lead"])
    assert new.exists()
    for arguments in (
        ("lea", "--role", "x"),
        ("lea2", "--role", "x", "--principal", "LEA"),
        ("Lea3", "--role", "x"),
        ("lea4", "--role", "Not a role"),
        ("lea5", "--role", "x", "--public-key", "AAAA"),
    ):
        unused = files.root / "keys" / "unused.pem"
        place = () if "--public-key" in arguments else ("--key", str(unused))
        assert run("operator", "add", *arguments, *place).code == 2
        assert not unused.exists()
    assert [o["name"] for o in run("--json", "operator", "list").json["operators"]] == ["lea", "leo", "rita"]
    assert run("operator", "revoke", "lea").code == 0
    assert "REVOKED" in run("operator", "list").out
    assert run("operator", "revoke", "nobody").code == 2


def test_an_operators_roles_and_principals_are_changed_and_the_key_stays(run: Run, files: ProjectFiles) -> None:
    operators = files.root / "operators.yaml"
    before = next(o for o in run("--json", "operator", "list").json["operators"] if o["name"] == "leo")
    done = run("--json", "operator", "change", "leo", "--role", "support_lead", "--role", "billing_lead")
    changed = {**before, "roles": ["support_lead", "billing_lead"]}
    assert (done.code, done.json["before"], done.json["operator"]) == (0, before, changed)
    assert run("operator", "change", "leo", "--principal", "leo@shop", "--principal", "agent_9").code == 0
    shown = run("operator", "change", "leo", "--role", "support_lead").out
    assert shown.splitlines() == [
        "leo was trusted with support_lead, billing_lead, and is leo@shop, agent_9",
        "    is  trusted with support_lead, and is leo@shop, agent_9",
        "What leo signed as billing_lead and is still to count counts no more.",
    ]
    text = operators.read_text(encoding="utf-8")
    assert "is as before" in run("operator", "change", "leo", "--role", "support_lead").out
    for refused in (
        (),
        ("--role", "Not a role"),
        ("--principal", "rita"),
        ("--role", "policy_signer"),
        ("--principal", "x", "--no-principal"),
    ):
        assert run("operator", "change", "leo", *refused).code == 2, refused
    assert run("operator", "change", "nobody", "--role", "x").code == 2
    assert operators.read_text(encoding="utf-8") == text
    assert run("operator", "change", "leo", "--no-principal").code == 0
    assert run("--json", "operator", "list").json["operators"][0]["principals"] == []
    assert run("operator", "revoke", "leo").code == 0
    assert "is revoked" in run("operator", "change", "leo", "--role", "billing_lead").err


@pytest.mark.requirement("approval:trusted-key")
def test_an_approval_counts_no_more_when_its_role_is_taken_away(active: Run, files: ProjectFiles) -> None:
    proposal = propose(active)
    assert active("approve", "--digest", proposal["digest"], *key(files, "leo")).code == 0
    assert active("operator", "change", "leo", "--role", "support_lead").code == 0
    assert active("--json", "worker", "--drain").json["jobs"][0]["code"] == "approval_role_missing"


@pytest.mark.requirement("approval:trusted-key")
def test_a_revoked_operators_approval_is_not_applied(active: Run, files: ProjectFiles) -> None:
    proposal = propose(active)
    assert active("approve", "--digest", proposal["digest"], *key(files, "leo")).code == 0
    assert active("operator", "revoke", "leo").code == 0
    assert active("--json", "worker", "--drain").json["jobs"][0]["code"] == "approval_operator_revoked"
    assert active("--json", "show").json["status"] == "failed"


def test_a_token_is_printed_once_with_its_hash(run: Run) -> None:
    one, other = run("--json", "token", "new").json, run("--json", "token", "new").json
    assert one["sha256"] == hashlib.sha256(one["token"].encode()).hexdigest()
    assert one["token"] != other["token"]


def test_the_receipts_table_is_printed_for_its_owner(run: Run) -> None:
    done = run("receipts", "ddl")
    assert (done.code, "CREATE TABLE" in done.out) == (0, True)
    assert run("receipts", "ddl", "--source", "nothing").code == 2
    assert run("receipts", "ddl", "--role", "x; DROP TABLE y").code in {0, 2}
    assert "DROP TABLE" not in run("receipts", "ddl", "--role", "x; DROP TABLE y").out


@pytest.mark.parametrize(
    ("action", "option", "value"),
    [("list", "--source", "shop"), ("list", "--source", ""), ("list", "--role", "w"), ("ddl", "--limit", "5")],
)
def test_receipts_refuses_an_option_that_means_nothing_to_what_it_does(
    active: Run, action: str, option: str, value: str
) -> None:
    refused = active("receipts", action, option, value)
    assert (refused.code, refused.out, option in refused.err) == (2, "", True)


@pytest.mark.requirement("doctor:what-serve-says")
def test_doctor_says_what_serve_would_say_before_and_after_the_activation(run: Run, files: ProjectFiles) -> None:
    def rules() -> tuple[int, set[str]]:
        done = run("--json", "doctor")
        return done.code, {f["rule"] for f in done.json["findings"] if f["fatal"]}

    assert rules() == (1, {"ledger"})
    assert run("activate", "--yes", *key(files, "rita")).code == 0
    assert rules() == (0, set())
    policy = files.root / "policies" / "billing.yaml"
    policy.write_text(policy.read_text(encoding="utf-8").replace("at_most: 10000", "at_most: 90000"), encoding="utf-8")
    assert rules() == (1, {"not_activated"})


def test_doctor_ends_with_1_about_a_mapping_that_is_gone(active: Run, files: ProjectFiles) -> None:
    run = active
    assert run("doctor").code == 0
    policy = files.root / "policies" / "billing.yaml"
    policy.write_text(
        policy.read_text(encoding="utf-8").replace("billing.invoice_review", "billing.gone"), encoding="utf-8"
    )
    done = run("--json", "doctor")
    assert (done.code, done.json["ok"]) == (1, False)
    assert {"rule", "message", "fix", "fatal"} == set(done.json["findings"][0])


@pytest.mark.requirement("doctor:told-once")
def test_doctor_tells_what_two_capabilities_share_once_and_names_the_source(active: Run, files: ProjectFiles) -> None:
    execute(files.database, "DROP TRIGGER invoices_row_version")
    done = active("--json", "doctor")
    assert [(f["rule"], f["message"]) for f in done.json["findings"] if f["fatal"]] == [
        (
            "version_does_not_move",
            "shop: Nothing in the database moves billing.invoices.row_version when a row is updated.",
        )
    ]


def test_doctor_says_how_a_source_that_serves_reads_alone_takes_proposals(active: Run, files: ProjectFiles) -> None:
    text = files.config_path.read_text(encoding="utf-8")
    files.config_path.write_text(text.replace("mode: writeback", "mode: evidence"), encoding="utf-8")
    found = {f["rule"]: f for f in active("--json", "doctor").json["findings"]}["proposals_off"]
    assert found["fatal"] is False
    assert found["message"].startswith("shop: Contract billing asks for changes")
    assert "`mode: review`" in found["fix"]
    assert "`mode: writeback`" in found["fix"]


def test_of_a_file_that_is_not_there_an_operator_learns_that_it_cannot_be_opened(
    active: Run, files: ProjectFiles
) -> None:
    for name in ("read", "write"):
        (files.root / "secrets" / name).write_text(f"sqlite:///{files.root}/gone.db", encoding="utf-8")
    fix = "The file cannot be opened: its path in synapsor.yaml is wrong, or this user may not open it."
    done = active("--json", "doctor")
    assert {f["fix"] for f in done.json["findings"] if f["rule"] == "source_unreachable"} == {fix}
    called = active("call", "billing.inspect_invoice", "--arg", "invoice_id=INV-3001")
    assert called.code == 4
    assert fix.rsplit(maxsplit=1)[-1] in called.err
    assert "gone.db" not in done.out + done.err + called.out + called.err


def test_a_source_that_is_mistyped_is_told_at_its_line_with_the_nearest(run: Run, files: ProjectFiles) -> None:
    policy = files.root / "policies" / "billing.yaml"
    text = policy.read_text(encoding="utf-8").replace("source: shop", "source: shp")
    policy.write_text(text, encoding="utf-8")
    line = text[: text.index("source: shp")].count("\n") + 1
    done = run("check")
    assert done.code == 2
    assert f"billing.yaml:{line}:13: invoices is of shp." in " ".join(done.err.split())
    assert "Did you mean `shop`?" in done.err


@pytest.fixture
def closed() -> Iterator[int]:
    """Return a loopback port on which nobody listens, and which nobody else takes meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def close_the_door(files: ProjectFiles, port: int) -> None:
    """Let both credentials point to a port."""
    for name in ("read", "write"):
        (files.root / "secrets" / name).write_text(
            f"postgresql://shop:{CANARY}@127.0.0.1:{port}/shop", encoding="utf-8"
        )
    text = files.config_path.read_text(encoding="utf-8")
    text = text.replace("engine: sqlite", "engine: postgres").replace(f"    schema: {files.database.schema}\n", "")
    files.config_path.write_text(text, encoding="utf-8")


@pytest.mark.requirement("doctor:goes-on")
def test_doctor_lists_a_source_that_cannot_be_reached_with_everything_else(
    active: Run, files: ProjectFiles, closed: int
) -> None:
    close_the_door(files, closed)
    assert active("operator", "revoke", "leo").code == 0
    done = active("--json", "doctor")
    assert [(f["rule"], f["message"], f["fatal"]) for f in done.json["findings"]] == [
        ("source_unreachable", "shop: The reader could not look: unavailable [connection].", True),
        ("source_unreachable", "shop: The writer could not look: unavailable [connection].", True),
        (
            "role_unheld",
            "Nobody holds the role billing_lead, so nobody can approve what needs it: changes of low risk.",
            False,
        ),
    ]
    assert (done.code, done.err) == (1, "")


@pytest.mark.requirement("doctor:goes-on")
@pytest.mark.parametrize(
    "command", [("call", "billing.inspect_invoice"), ("serve",), ("worker", "--once"), ("activate", "--yes")]
)
def test_a_command_names_the_source_that_it_cannot_start_without(
    active: Run, files: ProjectFiles, closed: int, command: tuple[str, ...]
) -> None:
    close_the_door(files, closed)
    done = active(*command, *(key(files, "rita") if command[0] == "activate" else ()))
    assert (done.code, done.out) == (4, "")
    assert done.err.splitlines()[0] == "synapsor: Source shop failed: unavailable [connection]."
    assert CANARY not in done.err


@pytest.mark.requirement("doctor:session-values")
def test_doctor_names_the_session_value_that_no_call_would_have(active: Run, files: ProjectFiles) -> None:
    text = files.config_path.read_text(encoding="utf-8")
    tokens = f"http: {{tokens: [{{name: desk, sha256: {'a' * 64}, session: {{user: ann}}}}]}}\n"
    files.config_path.write_text(text.replace("user: support", "usr: support") + tokens, encoding="utf-8")
    done = active("--json", "doctor")
    refused = "does not give: its calls are refused as scope_unavailable."
    assert [(f["message"], f["fatal"]) for f in done.json["findings"] if f["rule"] == "session_value_missing"] == [
        (
            f"Context support of contract billing takes its principal from session.user, which `session:` {refused}",
            False,
        ),
        (
            "Context support of contract billing takes its tenant from session.tenant_id, which the session of http token desk "
            + refused,
            False,
        ),
    ]
    assert done.code == 0


@pytest.mark.requirement("doctor:session-values")
@pytest.mark.usefixtures("active")
def test_serve_logs_the_session_value_that_no_call_would_have(files: ProjectFiles) -> None:
    text = files.config_path.read_text(encoding="utf-8")
    for broken in (False, True):
        files.config_path.write_text(text.replace("user: ", "usr: ") if broken else text, encoding="utf-8")
        done = files.run("serve")
        assert done.returncode == 0, done.stderr
        assert ("session_value_missing: Context support of contract billing" in done.stderr) is broken


def test_what_doctor_cannot_look_at_has_a_fix(active: Run, files: ProjectFiles) -> None:
    (files.root / "secrets" / "write").unlink()
    found = {f["rule"]: f["fix"] for f in active("--json", "doctor").json["findings"]}
    assert found["writer_not_looked_at"] == "Run `synapsor doctor` where the worker runs, too."


@pytest.mark.usefixtures("active")
def test_a_worker_says_that_it_waits_and_that_it_was_stopped(files: ProjectFiles) -> None:
    started = files.command("worker", "--name", "w1")
    with subprocess.Popen(
        started, env=files.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "worker w1 waits for approved changes; Ctrl-C ends it\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "Stopped; nothing settled.\n", "")


def test_a_worker_that_does_what_is_due_says_only_what_came_of_it(active: Run, files: ProjectFiles) -> None:
    assert active("worker", "--once").out == "Nothing was due.\n"
    proposal = propose(active)
    assert active("approve", "--digest", proposal["digest"], *key(files, "leo")).code == 0
    done = active("worker", "--drain")
    assert ("outcome=applied" in done.out, "code=" in done.out, done.err) == (True, False, "")


@pytest.mark.requirement("worker:lanes")
def test_no_worker_has_more_lanes_than_its_source_can_have(active: Run, capsys: pytest.CaptureFixture[str]) -> None:
    refused = active("worker", "--drain", "--lanes", "2")
    assert (refused.code, "one writer and so one lane" in refused.err) == (2, True)
    for lanes in ("0", "65"):
        with pytest.raises(SystemExit):
            active("worker", "--drain", "--lanes", lanes)
        assert "from 1 to 64" in capsys.readouterr().err
    assert active("worker", "--drain", "--lanes", "1").code == 0


@pytest.mark.requirement("worker:one-line")
def test_a_worker_that_stays_tells_of_each_job_in_a_line_of_json_of_its_own_kind(
    active: Run, files: ProjectFiles
) -> None:
    proposal = propose(active)
    assert active("approve", "--digest", proposal["digest"], *key(files, "leo")).code == 0
    command = files.command("--json", "worker", "--name", "w1")
    with subprocess.Popen(
        command, env=files.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        line = json.loads(next(one for one in process.stderr if one.startswith('{"kind"')))
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    assert (line["kind"], line["proposal"], line["outcome"]) == ("job", proposal["id"], "applied")
    assert (process.returncode, json.loads(out)["settled"], json.loads(out)["jobs"]) == (0, 1, [])


@pytest.mark.requirement("worker:one-line")
def test_how_far_a_job_is_is_told_to_a_person_in_words_and_to_a_log_in_fields() -> None:
    far = {"job": "job_1", "rows_done": 100, "rows": 250}
    assert _far(far, person=True) == "job_1  100 of 250 rows changed, none of them committed\n"
    assert _far(far, person=False) == "kind=progress  job=job_1  rows_done=100  rows=250\n"


def test_a_worker_that_leaves_a_job_for_later_says_so() -> None:
    done = [{"job": "a", "outcome": "retry"}, {"job": "b", "outcome": "applied"}]
    assert _end(1, done, stayed=False) == "1 settled. 1 to be tried again later: run the worker once more."
    assert _end(2, [*done, {"job": "a", "outcome": "applied"}], stayed=False) == "2 settled."
    assert _end(0, [], stayed=False) == "Nothing was due."
    assert _end(0, [], stayed=False, measured=2) == "2 proposals measured: see `synapsor inbox`."
    assert _end(1, done, stayed=False, measured=1).endswith("once more. 1 proposal measured: see `synapsor inbox`.")
    assert (
        _end(0, [], stayed=True, measured=1) == "Stopped; nothing settled. 1 proposal measured: see `synapsor inbox`."
    )


def test_the_story_of_a_refused_call_claims_no_proof_of_its_own(active: Run) -> None:
    refused = active("--json", "call", "billing.inspect_invoice", "--arg", "note=not-of-its-schema").json
    done = active("replay", refused["audit"]["id"])
    assert done.code == 0
    assert "✓" not in done.out
    assert done.out.endswith("`synapsor verify` proves the whole chain.\n")


def test_check_says_one_row_of_a_read_by_key(run: Run) -> None:
    lines = run("check").out.splitlines()
    assert any("billing.inspect_invoice" in line and line.endswith(", one row") for line in lines)


def test_check_says_what_an_aggregate_computes(run: Run, files: ProjectFiles) -> None:
    policy = files.root / "policies" / "billing.yaml"
    more = "  billing.fees:\n    description: Late fees.\n    aggregate: invoices\n    measures: {fees: {sum: late_fee_cents}}\n"
    policy.write_text(policy.read_text(encoding="utf-8") + more + "    group: {state: status}\n", encoding="utf-8")
    wanted = "ok  billing.fees  computes fees of shop:billing.invoice_review by state, of 5 rows or more"
    assert wanted in run("check").out.splitlines()


def test_the_demo_names_the_command_as_it_was_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "synapsor"
    script.touch(mode=0o700)
    monkeypatch.setattr(sys, "argv", [str(script)])
    monkeypatch.setenv("PATH", "")
    assert demo._started_as() == str(script)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert demo._started_as() == "synapsor"
    monkeypatch.setattr(sys, "argv", ["/somewhere/main.py"])
    assert demo._started_as() == f"{sys.executable} -m synapsor.cli.main"


def test_serve_refuses_what_it_cannot_serve(active: Run, files: ProjectFiles) -> None:
    assert active("--json", "serve").code == 2
    assert active("serve", "--http", "nowhere").code == 2
    assert active("serve", "--http", "127.0.0.1:0").code == 2  # no token is configured
    path = files.config_path
    path.write_text(
        path.read_text(encoding="utf-8").replace("session: {tenant_id: acme, user: support_agent_17}", "session: {}"),
        encoding="utf-8",
    )
    assert active("serve").code == 2


@pytest.mark.requirement("approval:a-person-is-there")
def test_a_piped_yes_is_nobody(active: Run, files: ProjectFiles) -> None:
    proposal = propose(active)
    for typed in ("y\n", "yes\n", proposal["digest"][7:15] + "\n"):
        done = files.run("approve", *key(files, "leo"), typed=typed)
        assert done.returncode == 2, done.stdout + done.stderr
        assert "no terminal" in done.stderr
    assert active("--json", "show").json["status"] == "review_required"


@pytest.mark.requirement("approval:a-person-is-there")
def test_a_person_at_a_terminal_types_the_digest_that_the_card_shows(active: Run, files: ProjectFiles) -> None:
    proposal = propose(active)
    prefix = proposal["digest"][7:15]
    command = files.command("approve", *key(files, "leo"))
    for typed in ("y", "", prefix[:7], "00000000"):
        code, shown = at_terminal(command, files.environment, typed)
        assert (code, "nothing was signed" in shown) == (2, True), shown
    assert active("--json", "show").json["status"] == "review_required"
    code, shown = at_terminal(command, files.environment, prefix, real=True)
    assert code == 0, shown
    assert "\x1b[1mProposal" in shown
    assert active("--json", "show").json["status"] == "approved"


def test_an_interrupt_at_the_question_decides_nothing_and_ends_with_130(active: Run, files: ProjectFiles) -> None:
    propose(active)
    assert at_terminal(files.command("approve", *key(files, "leo")), files.environment, "\x03", real=True)[0] == 130
    assert active("--json", "show").json["status"] == "review_required"
    assert at_terminal(files.command("activate", *key(files, "rita")), files.environment, "\x03")[0] == 130


@pytest.mark.requirement("contract:activated-by-a-reviewer")
def test_a_reviewer_at_a_terminal_types_the_digest_of_the_contract(run: Run, files: ProjectFiles) -> None:
    digest = run("--json", "check").json["contracts"][0]["digest"]
    command = files.command("activate", *key(files, "rita"))
    assert at_terminal(command, files.environment, "y")[0] == 2
    assert run("call", "billing.inspect_invoice", "--arg", "invoice_id=INV-3001").code == 4
    assert at_terminal(command, files.environment, digest[7:15].upper())[0] == 0
    assert run("call", "billing.inspect_invoice", "--arg", "invoice_id=INV-3001").code == 0


@pytest.mark.usefixtures("active")
def test_a_reader_that_leaves_early_gets_no_complaint(files: ProjectFiles) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    for arguments in (("inbox",), ("--json", "inbox"), ("--help",)):
        done = subprocess.run(
            files.command(*arguments),
            env=files.environment,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr, arguments
        assert "Unexpected" not in done.stderr, arguments
    os.close(writer)


@pytest.mark.requirement("operator-key:private")
def test_a_passphrase_is_asked_for_at_the_terminal_and_not_read_from_a_pipe(active: Run, files: ProjectFiles) -> None:
    path = files.root / "keys" / "lea.pem"
    add = files.command("operator", "add", "lea", "--role", "billing_lead", "--key", str(path))
    code, shown = at_terminal(add, files.environment, CANARY, CANARY, real=True)
    assert code == 0, shown
    assert CANARY not in shown
    assert path.read_bytes().startswith(b"Synapsor-Key: scrypt-1 ")
    proposal = propose(active)
    decide = files.command("approve", "--digest", proposal["digest"], "--operator", "lea", "--key", str(path))
    piped = subprocess.run(
        decide,
        input=CANARY + "\n",
        env=files.environment,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    assert piped.returncode == 2
    assert "no terminal" in piped.stderr
    assert at_terminal(decide, files.environment, "wrong passphrase")[0] == 2
    assert active("--json", "show").json["status"] == "review_required"
    code, shown = at_terminal(decide, files.environment, CANARY)
    assert (code, CANARY in shown) == (0, False), shown


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colours_are_left_out_where_they_are_not_wanted(
    active: Run, files: ProjectFiles, variable: str, value: str
) -> None:
    propose(active)
    code, shown = at_terminal(files.command("show"), {**files.environment, variable: value})
    assert (code, "\x1b" in shown) == (0, False)
    assert "\x1b" in at_terminal(files.command("show"), files.environment)[1]
    assert "\x1b" not in at_terminal(files.command("show", "--no-color"), files.environment)[1]
