"""`synapsor reveal`: what stands behind a token, for whom and why; and what the other commands show of a hidden value."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from synapsor.approve.identity.keys import create_key
from synapsor.approve.identity.operators import add_operator
from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator
from tests.attack.people import CARD, MAIL, POLICY, people_table
from tests.commands import Run, activated, at_terminal, key
from tests.databases import Database
from tests.projects import ProjectFiles, write_project
from tests.unit.test_cli_acts import revoking


@pytest.fixture
def files(tmp_path: Path, sqlite_db: Database) -> Iterator[ProjectFiles]:
    with people_table(sqlite_db):
        found = write_project(tmp_path / "project", sqlite_db, policy=POLICY)
        pen = create_key(found.root / "keys" / "petra.pem", passphrase=None)
        petra = Operator(name="petra", key=public_text(pen), roles=("privacy_officer",))
        add_operator(found.root / "operators.yaml", petra)
        yield found


@pytest.fixture
def run(run: Run, files: ProjectFiles) -> Run:
    return activated(run, files)


def called(run: Run, name: str, **arguments: str) -> dict[str, Any]:
    given = [part for argument, value in arguments.items() for part in ("--arg", f"{argument}={value}")]
    done = run("--json", "call", name, *given)
    assert done.code == 0, done.out + done.err
    return done.json


def looks(files: ProjectFiles) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(files.config.ledger)) as raw:
        return [json.loads(body) for (body,) in raw.execute("SELECT body FROM reveal ORDER BY seq")]


@pytest.mark.requirement("hidden:reveal-on-record")
def test_who_has_the_role_looks_behind_a_token_for_a_reason_and_it_is_recorded(run: Run, files: ProjectFiles) -> None:
    read = called(run, "people.inspect", person="P-1")
    token = read["data"]["row"]["email"]
    done = run("--json", "reveal", token, "--reason", "The customer asked for it.", *key(files, "petra"))
    assert done.code == 0, done.err
    assert done.json["values"] == [{"token": token, "value": MAIL}]
    (look,) = looks(files)
    told = look["reveal"]
    assert (told["operator"], told["reason"], told["tokens"], told["evidence"], told["column"]) == (
        "petra",
        "The customer asked for it.",
        [token],
        read["evidence"]["id"],
        "email",
    )
    assert MAIL not in json.dumps(look)
    shown = run("show", done.json["id"])
    assert (shown.code, token in shown.out, MAIL in shown.out) == (0, True, False)
    assert run("verify").code == 0


@pytest.mark.requirement("hidden:reveal-on-record")
def test_a_column_of_an_evidence_bundle_is_looked_behind_as_a_whole(run: Run, files: ProjectFiles) -> None:
    listed = called(run, "people.list")
    handle = listed["evidence"]["id"]
    done = run("reveal", handle, "--column", "email", "--reason", "An audit.", *key(files, "petra"))
    assert done.code == 0, done.err
    assert f'{listed["data"]["rows"][0]["email"]}  "{MAIL}"' in done.out
    assert run("reveal", handle, "--column", "card", "--reason", "An audit.", *key(files, "petra")).code == 2


@pytest.mark.requirement("hidden:reveal-on-record")
def test_whoever_is_refused_a_look_sees_nothing_and_is_recorded(run: Run, files: ProjectFiles) -> None:
    token = called(run, "people.inspect", person="P-1")["data"]["row"]["email"]
    petra = key(files, "petra")
    tried = [
        (("reveal", token, "--reason", "Curious.", *key(files, "leo")), 5, "role_missing"),
        (("reveal", token, "--reason", "x", "--operator", "petra", "--key", key(files, "leo")[3]), 5, "wrong_key"),
        (("reveal", "tok_" + "0" * 32, "--reason", "A guess.", *petra), 2, "not_found"),
        (("reveal", "ev_" + "0" * 20, "--column", "email", "--reason", "A guess.", *petra), 2, "not_found"),
    ]
    for number, (arguments, code, rule) in enumerate(tried, start=1):
        done = run(*arguments)
        assert (done.code, MAIL in done.out + done.err) == (code, False), done.err
        assert (len(looks(files)), looks(files)[-1]["outcome"]) == (number, rule)
    for reason in ("", "  ", "a\nb"):
        assert run("reveal", token, "--reason", reason, *petra).code == 2
    assert len(looks(files)) == len(tried)
    assert run("verify").code == 0


@pytest.mark.requirement("hidden:reveal-on-record")
def test_a_revoked_key_looks_behind_nothing(run: Run, files: ProjectFiles) -> None:
    token = called(run, "people.inspect", person="P-1")["data"]["row"]["email"]
    assert run("operator", "revoke", "petra").code == 0
    done = run("reveal", token, "--reason", "Still here.", *key(files, "petra"))
    assert (done.code, MAIL in done.out + done.err, looks(files)[-1]["outcome"]) == (5, False, "operator_revoked")


@pytest.mark.requirement("hidden:shown-as-reviewed")
def test_who_only_looks_back_sees_what_the_model_saw(run: Run) -> None:
    read = called(run, "people.inspect", person="P-1")
    filed = called(run, "people.propose_contact", person="P-1", address="ada@new.example", number="5555666677778888")
    handles = [read["evidence"]["id"], read["audit"]["id"], filed["proposal"]["id"], filed["evidence"]["id"]]
    for command in ("show", "replay"):
        for handle in handles:
            for form in ((), ("--json",)):
                done = run(*form, command, handle)
                assert done.code == 0, done.err
                assert MAIL not in done.out
                assert CARD not in done.out
    shown = run("show", filed["proposal"]["id"]).out
    assert "…4321 (hidden)" in shown
    assert f"{read['data']['row']['email']} (hidden)" in shown


@pytest.mark.requirement("hidden:reveal-on-record")
def test_who_decides_sees_the_value_that_would_be_replaced_and_that_is_recorded(run: Run, files: ProjectFiles) -> None:
    filed = called(run, "people.propose_contact", person="P-1", address="ada@new.example", number="5555666677778888")
    handle = filed["proposal"]["id"]
    done = run("approve", handle, "--digest", filed["proposal"]["digest"], *key(files, "petra"))
    assert (done.code, MAIL in done.out) == (5, False)
    ended, shown = at_terminal(files.command("approve", handle, *key(files, "leo")), files.environment, "no")
    assert (ended, MAIL in shown, CARD in shown) == (2, True, True), shown
    (look,) = looks(files)
    assert (look["subject"], look["operator"], look["reveal"]["column"]) == (handle, "leo", "card, email")
    done = run("--json", "approve", handle, "--digest", filed["proposal"]["digest"], *key(files, "leo"))
    assert (done.code, MAIL in done.out) == (0, False)
    assert run("worker", "--drain").code == 0
    assert run("replay", handle).code == 0


@pytest.mark.requirement("approval:trusted-now", "hidden:reveal-on-record")
def test_whoever_is_revoked_while_they_unlock_their_key_is_shown_no_hidden_value_to_decide_on(
    run: Run, files: ProjectFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    filed = called(run, "people.propose_contact", person="P-1", address="ada@new.example", number="5555666677778888")
    revoking(monkeypatch, files, "leo")
    given = ("--digest", filed["proposal"]["digest"], *key(files, "leo"))
    done = run("approve", filed["proposal"]["id"], *given)
    assert (done.code, MAIL in done.out + done.err, CARD in done.out + done.err) == (5, False, False), done.err
    assert [look["outcome"] for look in looks(files)] == ["operator_revoked"]


def test_a_reviewer_is_shown_how_columns_are_shown_before_they_sign(files: ProjectFiles) -> None:
    _, shown = at_terminal(files.command("activate", *key(files, "rita")), files.environment, "no")
    told = [line.strip() for line in shown.splitlines()]
    assert "card is shown as last_four" in told
    assert "email is shown as token, behind which privacy_officer may look" in told
    assert "salary is shown as aggregate" in told
