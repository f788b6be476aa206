"""What commands print for people: it fits the terminal, tells how things stand in sentences, and counts one thing as one."""

import json
import re
from pathlib import Path

import pytest

from synapsor.approve.terminal.drawing import Line, drawn, entry
from synapsor.cli.main import main
from synapsor.cli.reviewing import _counted
from synapsor.cli.worker import _line
from synapsor.contract.load import load
from synapsor.core.outcome import Why, meaning_of
from synapsor.core.plain import cells, hanging, padded
from synapsor.core.proposal import Status
from synapsor.core.words import many
from tests.commands import Run, activated, key, propose
from tests.databases import Database
from tests.projects import ProjectFiles, write_project

DIGEST = "sha256:" + "0123456789abcdef" * 4
LONG = "顧客の支払いは翌日に行われたため、延滞料を免除してください。" * 3


@pytest.fixture
def files(tmp_path: Path, sqlite_db: Database) -> ProjectFiles:
    return write_project(tmp_path / "project", sqlite_db)


@pytest.fixture
def active(run: Run, files: ProjectFiles) -> Run:
    return activated(run, files)


@pytest.mark.requirement("cli:fits")
@pytest.mark.parametrize("columns", [80, 120])
def test_no_command_prints_a_line_that_is_wider_than_the_terminal(
    active: Run, files: ProjectFiles, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.chdir(files.root)  # or the way to a file would be what is told at length
    proposal = propose(active, reason=LONG)
    commands = [
        ("inbox",),
        ("show",),
        ("approve", "--digest", proposal["digest"], *key(files, "leo"), "--reason", LONG[:60]),
        ("worker", "--drain"),
        ("show",),
        ("replay",),
        ("inbox", "--all"),
        ("history", "billing"),
        ("receipts", "list"),
        ("operator", "list"),
        ("operator", "revoke", "leo"),
        ("policy", "status"),
        ("policy", "test"),
        ("check",),
        ("lint",),
        ("explain",),
        ("tools",),
        ("doctor",),
        ("verify",),
        ("undo", "--reason", "x", *key(files, "mia")),
        ("show", "wrp_" + "0" * 20),
    ]
    for command in commands:
        done = active(*command)
        wide = [line for line in (done.out + done.err).splitlines() if cells(line) > columns]
        assert wide == [], (command, wide)


@pytest.mark.requirement("cli:fits", "approval:no-tricks")
def test_what_goes_on_of_an_entry_is_marked_and_never_at_the_left_edge() -> None:
    lines = list(entry("wrp_1  is applied", [LONG, "a" * 90], width=80))
    assert [line for line in lines if cells(line) > 80] == []
    assert all(line.startswith(("  ", "wrp_1")) for line in lines)
    assert [line[2] for line in lines if line.startswith("  ┆")] == ["┆"] * (len(lines) - 3)


@pytest.mark.requirement("cli:fits")
def test_a_digest_stands_in_one_piece_wherever_there_is_room_for_it() -> None:
    for width, whole in ((120, f"  digest             {DIGEST}"), (80, f"    {DIGEST}")):
        assert whole in drawn([Line("digest", DIGEST)], width=width).splitlines()
    assert "┆" in drawn([Line("digest", DIGEST + "x")], width=80)  # what only begins like one is folded as any text


@pytest.mark.requirement("cli:fits")
def test_a_program_gets_each_finding_in_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    names = run("--json", "check").json["capabilities"]
    assert [line.split()[1] for line in run("check").out.splitlines()] == names


def test_wide_letters_are_padded_by_the_cells_that_they_take() -> None:
    assert [padded(text, 6) for text in ("ab", "顧客", "e\u0301")] == ["ab    ", "顧客  ", "e\u0301     "]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (many(1, "capability reads", "capabilities read"), "1 capability reads"),
        (many(2, "capability reads", "capabilities read"), "2 capabilities read"),
        (many(0, "source"), "0 sources"),
        (many(1, "source"), "1 source"),
        (many(1234, "row"), "1,234 rows"),
    ],
)
def test_one_is_one_and_several_are_several(told: str, words: str) -> None:
    assert told == words


def test_a_status_is_told_as_the_end_of_a_sentence() -> None:
    assert all(re.fullmatch(r"[a-z ]+", status.stands) for status in Status)
    assert (Status.CONFLICT.stands, Status.REVIEW_REQUIRED.stands) == ("ended in a conflict", "waits for review")


def test_a_code_is_told_in_sentences() -> None:
    assert meaning_of("") == ""
    assert meaning_of("nobody_knows_it") == ""
    assert meaning_of(Why.VERSION_MOVED) == Why.VERSION_MOVED.meaning


def test_a_worker_tells_a_person_in_lines_and_a_log_in_one() -> None:
    outcome = {
        "job": "job_1",
        "proposal": "wrp_1",
        "outcome": "conflict",
        "code": "version_moved",
        "attempt": 2,
        "recorded": False,
        "again_at": "",
        "newcomers": 1,
        "group": ["wrp_1", "wrp_2"],
        "seconds_since_approval": 63.2,
    }
    assert _line(outcome, wide=80).splitlines() == [
        "wrp_1  conflict, version_moved",
        "  job_1, attempt 2, 1 min after its approval",
        "  A guard no longer holds what it held when the proposal was made. Nothing was",
        "  ┆ written.",
        "  together with wrp_2",
        "  1 more row matches now, and nothing was done to them",
        "  another worker had recorded it",
    ]
    assert _line({**outcome, "group": []}, wide=None) == (
        "job=job_1  proposal=wrp_1  outcome=conflict  code=version_moved  attempt=2  recorded=false"
        "  newcomers=1  seconds_since_approval=63.2\n"
    )
    assert "group=wrp_1,wrp_2" in _line(outcome, wide=None)
    canceled = {**outcome, "outcome": "canceled", "code": "canceled"}
    assert _line(canceled, wide=80).startswith("wrp_1  canceled\n")  # and not the same word twice
    parked = {**outcome, "outcome": "parked", "code": "denied"}
    assert "given up: `synapsor jobs requeue`" in _line(parked, wide=80)
    waits = {**outcome, "outcome": "accepted", "code": "handler_accepted", "again_at": "2026-11-29T19:00:41.597465Z"}
    assert "  next attempt not before 2026-11-29T19:00:41.597465Z\n" in _line(waits, wide=80)


def test_a_text_that_goes_on_is_set_in_below_its_beginning() -> None:
    assert list(hanging("one two three four", 4, 9)) == ["one two", "    three", "    four"]


@pytest.mark.requirement("cli:decided")
def test_a_decided_proposal_says_who_decided_and_what_came_of_it(active: Run, files: ProjectFiles) -> None:
    proposal = propose(active)
    decide = ("--digest", proposal["digest"], *key(files, "leo"), "--reason", "Paid, I saw it.")
    assert active("approve", *decide).code == 0
    waits = active("show").out
    job = active("--json", "show").json["job"]["id"]
    assert f"outcome            none yet: {job} waits for the worker" in waits
    assert "approved           by leo, in the role billing_lead, 20" in waits
    assert 'because            "Paid, I saw it."' in waits
    assert active("worker", "--drain").code == 0
    (receipt,) = active("--json", "receipts", "list").json["receipts"]
    done = active("show").out
    assert "  outcome            applied\n" in done
    assert f"receipt            {receipt['id']} by {receipt['worker']}, {receipt['at']} (" in done
    assert active("operator", "revoke", "leo").code == 0
    assert "the key of leo is revoked since" in active("show").out


@pytest.mark.requirement("cli:decided")
def test_a_rejection_is_told_with_its_reason_and_a_conflict_with_its_meaning(active: Run, files: ProjectFiles) -> None:
    first, second = propose(active), propose(active, invoice="INV-3002")
    why = ("--reason", "Waived last month.", "--digest", first["digest"])
    assert active("reject", first["id"], *why, *key(files, "leo")).code == 0
    told = active("show", first["id"]).out
    assert f"Proposal {first['id']} is rejected" in told
    assert "rejected           by leo, in the role billing_lead" in told
    assert 'because            "Waived last month."' in told
    late = active("approve", first["id"], "--digest", first["digest"], *key(files, "leo"))
    assert (late.code, "The proposal is rejected. (already_decided)" in late.err) == (3, True)
    assert active("approve", second["id"], "--digest", second["digest"], *key(files, "leo")).code == 0
    policy = files.root / "policies" / "billing.yaml"
    policy.write_text(
        policy.read_text(encoding="utf-8").replace("max_length: 500", "max_length: 499"), encoding="utf-8"
    )
    assert active("activate", "--yes", *key(files, "rita")).code == 0
    assert active("worker", "--drain").code == 0
    ended = active("show", second["id"]).out
    assert f"Proposal {second['id']} has failed" in ended
    assert f"failed, {Why.CONTRACT_NOT_ACTIVE}" in ended
    assert "is not the one that is active now." in " ".join(ended.replace("┆", " ").split())


@pytest.mark.requirement("cli:exit-codes")
def test_every_refusal_names_its_rule_and_a_fix(active: Run, files: ProjectFiles) -> None:
    proposal = propose(active)
    own = active("approve", "--digest", proposal["digest"], *key(files, "rita"))
    assert (own.code, "(role_missing)" in own.err, "  fix: " in own.err) == (5, True, True)
    told = json.loads(active("--json", "approve", "--digest", proposal["digest"], *key(files, "rita")).out)
    assert told["error"]["rule"] == "role_missing"


@pytest.mark.requirement("cli:role-known")
def test_a_role_that_no_contract_names_is_given_with_a_warning(run: Run, files: ProjectFiles, tmp_path: Path) -> None:
    def add(name: str, *roles: str) -> tuple[int, str, list[str]]:
        named = [part for role in roles for part in ("--role", role)]
        place = tmp_path / "keys" / f"{name}.pem"
        place.parent.mkdir(mode=0o700, exist_ok=True)
        command = ("operator", "add", name, *named, "--no-passphrase", "--key", str(place))
        done = run("--json", *command)
        return done.code, done.err, done.json["warnings"]

    code, told, warnings = add("bea", "billing_leed", "contract_reviewer")
    assert (code, len(warnings)) == (0, 1)
    assert "names the role billing_leed: they name billing_lead" in told
    assert add("ben", "billing_lead", "policy_steward") == (0, "", [])
    for ours in ("login_voucher", "code_voucher", "policy_signer"):
        assert add(ours.replace("_", "."), ours) == (0, "", [])
    assert run("activate", "--yes", *key(files, "rita")).code == 0
    policy = files.root / "policies" / "billing.yaml"
    policy.write_text(policy.read_text(encoding="utf-8").replace("role: billing_lead", "role: other"), encoding="utf-8")
    assert add("bob", "billing_lead", "other") == (0, "", [])  # the active version names the one, the file the other
    changed = run("operator", "change", "bob", "--role", "nobodys")
    assert (changed.code, "names the role nobodys: they name billing_lead, other" in changed.err) == (0, True)


def test_a_contract_that_reads_once_says_so_before_it_is_signed(files: ProjectFiles) -> None:
    contract = load(files.root / "policies" / "billing.yaml").contract
    kept = {n: c for n, c in contract.capabilities.items() if n in {"billing.inspect_invoice", "billing.propose_note"}}
    told = _counted(contract.model_copy(update={"capabilities": kept}))
    assert told.startswith("1 capability reads, 1 asks for a change.")


@pytest.mark.requirement("cli:fits")
def test_no_help_is_wider_than_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for command in ([], ["operator", "add"], ["receipts"], ["worker"], ["diff"], ["undo"]):
        with pytest.raises(SystemExit):
            main([*command, "--help"])
        assert [line for line in capsys.readouterr().out.splitlines() if cells(line) > 80] == []
