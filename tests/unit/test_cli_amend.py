"""`synapsor question`, `edit`, `extend` and `batch` at the command line: what they file and say, and how they refuse."""

import datetime as dt
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from synapsor.approve.identity.keys import create_key
from synapsor.cli.arguments.base import PRESETS
from synapsor.core.presets import REJECT_CODES
from synapsor.flow.batch import digest_over
from synapsor.flow.decide import Listed
from synapsor.ports import SystemClock
from tests.commands import Run, activated, key
from tests.databases import Database, fetch
from tests.projects import ProjectFiles, write_project
from tests.unit.test_cli_acts import meanwhile
from tests.unit.test_trial import BILLING

NOTE = "billing.propose_note"
WAIVER = "billing.propose_late_fee_waiver"


@pytest.fixture
def files(tmp_path: Path, sqlite_db: Database) -> ProjectFiles:
    made = write_project(tmp_path / "project", sqlite_db, policy=BILLING)
    made.join("mia")
    return made


@pytest.fixture
def run(run: Run, files: ProjectFiles) -> Run:
    return activated(run, files)


def propose(run: Run, invoice: str = "INV-3001", note: str = "Wrong one.") -> dict[str, Any]:
    """Return a proposal that waits."""
    called = run("--json", "call", NOTE, "--arg", f"invoice_id={invoice}", "--arg", f"note={note}")
    proposal: dict[str, Any] = json.loads(called.out)["proposal"]
    return proposal


def refusals(files: ProjectFiles) -> list[tuple[str, str]]:
    """Return who was refused what."""
    with closing(sqlite3.connect(files.config.ledger)) as raw:
        return raw.execute("SELECT operator, rule FROM refused_decision ORDER BY seq").fetchall()


@pytest.mark.requirement("question:asked", "cli:json")
def test_a_question_is_asked_answered_and_shown(run: Run, files: ProjectFiles) -> None:
    proposal = propose(run)
    asked = run("--json", "question", proposal["id"], "--text", "Which one?", *key(files, "leo"))
    assert (asked.code, asked.json["status"], asked.json["question"]["text"]) == (0, "review_required", "Which one?")
    assert "1 question asked about it, 1 not answered" in run("inbox").out
    question = asked.json["question"]["id"]
    answered = run(
        "--json", "call", "synapsor.answer_question",
        "--arg", f"proposal_id={proposal['id']}", "--arg", f"question_id={question}", "--arg", "text=The first.",
    )  # fmt: skip
    assert (answered.code, answered.json["kind"]) == (0, "propose")
    assert run("--json", "inbox").json["proposals"][0]["questions"] == {"asked": 1, "open": 0}
    shown = run("show", question).out
    assert shown.index("What the agent sent") < shown.index("Which one?") < shown.index("The first.")
    assert run("--json", "show", proposal["id"]).json["questions"][0]["answer"]["text"] == "The first."
    assert run("--json", "replay", proposal["id"]).json["differences"] == []
    assert run("--json", "verify").code == 0


@pytest.mark.requirement("question:asked", "amend:refusals-recorded")
def test_a_question_that_cannot_be_asked_names_its_rule_and_is_recorded(run: Run, files: ProjectFiles) -> None:
    proposal = propose(run)
    assert run("question", proposal["id"], "--text", " ", *key(files, "leo")).code == 2
    assert run("question", proposal["id"], "--text", "a\nb", *key(files, "leo")).code == 2
    refused = run("--json", "question", proposal["id"], "--text", "Why?", *key(files, "rita"))
    assert (refused.code, refused.json["error"]["rule"]) == (5, "role_missing")
    assert refusals(files) == [("rita", "role_missing")]


@pytest.mark.requirement("question:asked")
def test_a_question_is_of_the_moment_after_a_passphrase_was_typed(
    run: Run, files: ProjectFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody asks about what has expired while they typed it."""
    proposal, late = propose(run), SystemClock().now() + dt.timedelta(days=400)
    meanwhile(monkeypatch, lambda: monkeypatch.setattr(SystemClock, "now", lambda _: late))
    refused = run("--json", "question", proposal["id"], "--text", "Why?", *key(files, "leo"))
    assert (refused.code, refused.json["error"]["rule"]) == (3, "expired")
    assert refusals(files) == [("leo", "expired")]


@pytest.mark.requirement("amend:anew", "amend:people-decide", "cli:json")
def test_an_edit_takes_the_place_of_a_proposal_and_another_person_approves_it(run: Run, files: ProjectFiles) -> None:
    proposal = propose(run)
    edited = run("edit", proposal["id"], "--arg", "note=Right one.", "--reason", "A slip.", *key(files, "mia"))
    assert edited.code == 0
    assert 'note: the agent sent "Wrong one." → "Right one."' in edited.out
    assert f"has taken the place of {proposal['id']}" in edited.out
    assert "none of them mia" in edited.out.replace("\n", " ")
    (entry,) = run("--json", "inbox").json["proposals"]
    assert entry["amends"] == proposal["id"]
    assert "edited by mia" in run("inbox").out
    own = run("--json", "approve", entry["id"], *key(files, "mia"), "--digest", entry["digest"])
    assert (own.code, own.json["error"]["rule"]) == (5, "own_edit")
    old = run("--json", "approve", proposal["id"], *key(files, "leo"), "--digest", proposal["digest"])
    assert (old.code, old.json["error"]["rule"]) == (3, "already_decided")
    assert f"superseded by {entry['id']}" in run("show", proposal["id"]).out
    assert run("approve", entry["id"], *key(files, "leo"), "--digest", entry["digest"]).code == 0
    assert run("worker", "--drain").code == 0
    assert run("--json", "replay", entry["id"]).json["differences"] == []
    assert fetch(files.database, "SELECT note FROM invoices WHERE id = 'INV-3001'") == [("Right one.",)]


@pytest.mark.requirement("amend:bounded", "amend:refusals-recorded")
def test_an_edit_that_is_refused_names_its_rule_and_is_recorded(run: Run, files: ProjectFiles) -> None:
    proposal = propose(run)

    def refused(*arguments: str, who: str = "mia") -> tuple[int, str]:
        done = run("--json", "edit", proposal["id"], "--reason", "A slip.", *arguments, *key(files, who))
        return done.code, done.json["error"]["rule"]

    assert refused("--arg", "note") == (2, "UsageError")
    assert refused("--arg", "note:=1") == (2, "invalid_arguments")
    assert refused("--arg", "other=1") == (2, "invalid_arguments")
    assert refused("--arg", "note=Wrong one.") == (1, "nothing_edited")
    assert refused("--arg", "invoice_id=INV-3002") == (1, "other_rows")
    assert refused("--arg", "note=x", who="rita") == (5, "role_missing")
    told = [("mia", rule) for rule in ("invalid_arguments", "invalid_arguments", "nothing_edited", "other_rows")]
    assert refusals(files) == [*told, ("rita", "role_missing")]
    assert run("edit", proposal["id"], "--arg", "note=x", "--reason", " ", *key(files, "mia")).code == 2


@pytest.mark.requirement("amend:anew", "cli:json")
def test_more_time_is_a_new_proposal_of_the_same_change(run: Run, files: ProjectFiles) -> None:
    proposal = propose(run)
    extended = run("--json", "extend", proposal["id"], "--reason", "Leo is away.", *key(files, "leo"))
    assert (extended.code, extended.json["amends"]["kind"]) == (0, "extend")
    assert extended.json["expires_at"] > proposal["expires_at"]
    new = extended.json
    assert run("approve", new["proposal"], *key(files, "leo"), "--digest", new["digest"]).code == 0


# ---- batches ------------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("batch:each", "batch:shown", "cli:json")
def test_a_batch_is_listed_shown_and_approved_by_the_digest_over_all_of_it(run: Run, files: ProjectFiles) -> None:
    assert "No open proposals are alike" in run("batch").out
    one, two, three = (propose(run, f"INV-300{n}", f"Note {n}.") for n in (1, 2, 3))
    listed = run("batch").out
    (cluster,) = run("--json", "batch", "--capability", NOTE).json["clusters"]
    assert cluster["id"] in listed
    assert "3 proposals" in listed
    assert {p["proposal"] for p in cluster["proposals"]} == {one["id"], two["id"], three["id"]}
    assert run("--json", "batch", "--capability", "billing.other").json["clusters"] == []
    command = ("batch", "approve", cluster["id"], *key(files, "leo"))
    nobody = run("--json", *command)
    assert (nobody.code, nobody.json["error"]["rule"]) == (2, "UsageError")
    assert run("--json", *command, "--digest", "abc").code == 2
    stale = run("--json", *command, "--digest", "0" * 64)
    assert (stale.code, stale.json["error"]["rule"]) == (3, "digest_differs")
    late = propose(run, "INV-3004", "Note 4.")
    stale = run("--json", *command, "--digest", cluster["digest"])
    assert (stale.code, stale.json["error"]["rule"]) == (3, "digest_differs")
    seen = [p["proposal"] for p in cluster["proposals"]]
    done = run(*command, "--digest", cluster["digest"], "--only", *seen)
    assert done.code == 0
    assert "3 of 3 are approved" in done.out
    assert all(p["id"] in done.out for p in (one, two, three))
    assert late["id"] not in done.out
    assert [p["id"] for p in run("--json", "inbox").json["proposals"]] == [late["id"]]


@pytest.mark.requirement("batch:each", "cli:json")
def test_a_batch_is_rejected_but_for_what_is_excepted_with_a_word_of_the_list(run: Run, files: ProjectFiles) -> None:
    one, two, three = (propose(run, f"INV-300{n}", f"Note {n}.") for n in (1, 2, 3))
    (cluster,) = run("--json", "batch").json["clusters"]
    command = ("--json", "batch", "reject", cluster["id"], *key(files, "leo"), "--except", two["id"])
    assert run(*command, "--digest", "0" * 64).code == 2  # no reason
    given = ("--reason", "Not now.", "--preset", "not_needed")
    over = digest_over([Listed(proposal=p["id"], digest=p["digest"]) for p in (one, three)])
    done = run(*command, *given, "--digest", over)
    assert done.code == 0
    assert [(o["ok"], o["status"]) for o in done.json["outcomes"]] == [(True, "rejected")] * 2
    assert run("--json", "show", two["id"]).json["status"] == "review_required"
    told = run("--json", "call", "synapsor.proposal_status", "--arg", f"proposal_id={one['id']}").json["proposal"]
    assert told["rejection"]["code"] == "not_needed"


@pytest.mark.requirement("cli:refusals-recorded")
@pytest.mark.parametrize(
    "line",
    [
        ("approve", "PROPOSAL", "--digest", "DIGEST"),
        ("reject", "PROPOSAL", "--digest", "DIGEST", "--reason", "No."),
        ("question", "PROPOSAL", "--text", "Why?"),
        ("edit", "PROPOSAL", "--arg", "note=x", "--reason", "A slip."),
        ("extend", "PROPOSAL", "--reason", "Leo is away."),
        ("batch", "approve", "CLUSTER", "--digest", "DIGEST"),
        ("undo", "APPLIED", "--reason", "A slip."),
    ],
    ids=lambda line: line[0],
)
def test_a_key_of_nobody_and_another_digest_are_on_record_of_each_proposal_that_they_were_meant_for(
    run: Run, files: ProjectFiles, line: tuple[str, ...]
) -> None:
    one, two, old = (propose(run, f"INV-300{n}", f"Note {n}.") for n in (1, 2, 3))
    assert run("approve", old["id"], *key(files, "leo"), "--digest", old["digest"]).code == 0
    assert run("worker", "--drain").code == 0
    (cluster,) = run("--json", "batch").json["clusters"]
    handles = {"PROPOSAL": one["id"], "CLUSTER": cluster["id"], "APPLIED": old["id"], "DIGEST": "0" * 64}
    create_key(files.root / "keys" / "zed.pem", passphrase=None)
    given = [handles.get(word, word) for word in line]
    refused = run("--json", *given, "--key", str(files.root / "keys" / "zed.pem"))
    assert (refused.code, refused.json["error"]["rule"]) == (5, "unknown_key")
    meant = {"batch": [one["id"], two["id"]], "undo": [old["id"]]}.get(line[0], [one["id"]])
    told = sorted((handle, "?", "unknown_key") for handle in meant)
    assert attempts(files) == told
    if "--digest" in line:
        refused = run("--json", *given, *key(files, "leo"))
        assert (refused.code, refused.json["error"]["rule"]) == (3, "digest_differs")
        assert attempts(files) == sorted([*told, *((handle, "leo", "digest_differs") for handle in meant)])
    assert run("verify").code == 0


def attempts(files: ProjectFiles) -> list[tuple[str, str, str]]:
    """Return on which proposal who was refused what."""
    with closing(sqlite3.connect(files.config.ledger)) as raw:
        return sorted(raw.execute("SELECT proposal, operator, rule FROM refused_decision"))


@pytest.mark.requirement("batch:shown")
def test_the_figures_of_a_batch_are_of_those_decided_on_and_say_what_they_count(run: Run, files: ProjectFiles) -> None:
    rows = ("INV-3001", "INV-3002", "INV-3003")
    asked = [
        run("--json", "call", WAIVER, "--arg", f"invoice_id={row}", "--arg", "reason=Paid.").json["proposal"]
        for row in rows
    ]
    fees = [next(c["before"] for c in one["changes"] if c["column"] == "late_fee_cents") for one in asked]
    (cluster,) = run("--json", "batch").json["clusters"]

    def told(fees: list[int]) -> tuple[str, str]:
        least, most, total = -max(fees), -min(fees), -sum(fees)
        middle = -sorted(fees)[1] if len(fees) > 2 else total // 2
        numbers = least, most, middle, total
        words = "from {} to {}, median {}, sum {}".format
        return (
            f"late_fee_cents change {words(*numbers)} cents",
            words(*(f"{number / 100:,.2f}" for number in numbers)),
        )

    every = " ".join(run("batch").out.split())
    assert all(words in every for words in told(fees))
    command = ("batch", "reject", cluster["id"], *key(files, "leo"), "--reason", "Not now.", "--except", asked[0]["id"])
    over = digest_over([Listed(proposal=one["id"], digest=one["digest"]) for one in asked[1:]])
    done = " ".join(run(*command, "--digest", over).out.split())
    assert "2 of 3 proposals by" in done
    assert all(words in done for words in told(fees[1:]))


@pytest.mark.requirement("batch:shown", "cli:refusals-recorded")
def test_a_batch_of_which_nothing_may_be_decided_says_why(run: Run, files: ProjectFiles) -> None:
    both = [propose(run, f"INV-300{n}", f"Note {n}.")["id"] for n in (1, 2)]
    (cluster,) = run("--json", "batch").json["clusters"]
    refused = run("batch", "approve", cluster["id"], *key(files, "rita"), "--digest", cluster["digest"])
    assert (refused.code, "role_missing" in refused.err) == (5, True)
    assert attempts(files) == sorted((handle, "rita", "role_missing") for handle in both)
    assert run("batch", "approve", "bat_nothing", *key(files, "leo")).code == 2


def test_the_words_of_the_command_line_are_those_of_the_list() -> None:
    assert PRESETS == REJECT_CODES
