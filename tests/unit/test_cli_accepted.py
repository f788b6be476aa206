"""What an application has accepted at the command line: the worker's line, the jobs, the proposal and its replay all say that it waits."""

from pathlib import Path

import pytest

from tests.commands import Run, activated, key
from tests.databases import Database
from tests.handlers.answering import Answering, accepted, said
from tests.handlers.serving import POLICY, configured
from tests.projects import ProjectFiles, write_project
from tests.unit.test_cli_steering import approved, unfolded

WORDS = "The application has accepted it and has not said yet that it is done; it is asked again until"


@pytest.fixture
def files(tmp_path: Path, sqlite_db: Database) -> ProjectFiles:
    made = write_project(tmp_path / "project", sqlite_db, policy=POLICY)
    text = made.config_path.read_text(encoding="utf-8")
    for old, new in configured("http://127.0.0.1:9/").items():
        text = text.replace(old, new)
    made.config_path.write_text(text, encoding="utf-8")
    return made


@pytest.fixture
def run(run: Run, files: ProjectFiles) -> Run:
    return activated(run, files)


@pytest.mark.requirement("accepted:told")
def test_what_is_accepted_and_not_done_is_told_as_that(
    run: Run, files: ProjectFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = approved(run, files)
    handler = Answering(
        accepted(), said("applied", confirmed={"by": "pay-1", "at": AT, "evidence": f"sha256:{'0' * 64}"})
    )
    monkeypatch.setattr("synapsor.runtime.open_handler", lambda *_: handler)
    done = run("worker", "--once")
    assert "outcome=accepted  code=handler_accepted" in done.out
    assert f"again_at={run('--json', 'jobs', 'list').json['jobs'][0]['not_before']}" in done.out
    assert "0 settled. 1 accepted by an application and not done yet: run the worker once more." in done.out
    (job,) = run("--json", "jobs", "list").json["jobs"]
    assert (job["stands"], job["code"], job["accepted_until"] > job["not_before"]) == (
        "accepted",
        "handler_accepted",
        True,
    )
    assert "accepted by the application, asked again in" in unfolded(run("jobs", "list").out)
    asked = f"what has come of it is asked until {job['accepted_until']}; after that a person has to find out"
    assert asked in unfolded(run("jobs", "show", proposal).out)
    assert "1 job not done: 1 accepted by an application." in unfolded(run("worker", "status").out)
    for command in (("show", proposal), ("inbox", "--all")):
        assert WORDS in unfolded(run(*command).out)
    assert WORDS in run("--json", "replay", proposal).out
    assert run("verify").code == 0
    while run("--json", "jobs", "list").json["jobs"]:
        run("worker", "--once")
    assert f"In the application pay-1 confirmed it at {AT}" in unfolded(run("show", proposal).out)
    assert '"by":"pay-1"' in run("--json", "replay", proposal).out.replace(" ", "")


@pytest.mark.requirement("reconcile:given-up", "reconcile:advised", "cli:json")
def test_what_a_person_says_of_it_waits_for_the_application_and_every_command_says_so(
    run: Run, files: ProjectFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = approved(run, files)
    handler = Answering(said("conflict", "receipts_differ"), said("applied"), said("failed", "closed"))
    monkeypatch.setattr("synapsor.runtime.open_handler", lambda *_: handler)
    assert "code=receipts_differ" in run("worker", "--once").out
    told = ("reconcile", "resolve", proposal, "--as", "not-applied", "--reason", "Nothing there.", *key(files, "leo"))
    waits = f"leo says that {proposal} was not applied, and what was found is matches_before. That waits until a worker"
    assert waits in unfolded(run(*told).out)
    for command in (("reconcile", "list"), ("reconcile", "inspect", proposal)):
        assert "That waits until a worker has asked the application app to give it up" in unfolded(run(*command).out)
    assert "which waits until the application gives it up" in unfolded(run("show", proposal).out)
    ended = "Of 1 resolution an application said what is so: see `synapsor reconcile list`."
    assert unfolded(run("worker", "--drain").out).strip() == ended
    refused = "What a person said became of it was refused, by what the application answered: handler_applied."
    assert refused in unfolded(run("reconcile", "list").out)
    assert refused in run("--json", "reconcile", "list").json["proposals"][0]["said"]
    at_once = run("--json", *told, "--unasked").json
    assert (at_once["status"], at_once["waits"], at_once["resolutions"][0]["unasked"]) == ("failed", False, True)
    assert "without the application being asked to give it up" in unfolded(run("show", proposal).out)
    assert (handler.asks, run("verify").code) == (["apply", "abandon"], 0)
    assert run("--json", "replay", proposal).json["differences"] == []


AT = "2026-11-29T10:00:00.000000Z"
