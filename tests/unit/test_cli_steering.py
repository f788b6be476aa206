"""Steering the worker at the command line: what waits, what was given up, what rests, and what people said of it."""

from pathlib import Path
from typing import Any

import pytest

from synapsor.work import pace
from tests.attack.steered import busy
from tests.commands import Run, activated, key, propose
from tests.databases import Database
from tests.projects import ProjectFiles, write_project
from tests.unit.test_cli_policies import approve, person


@pytest.fixture
def files(tmp_path: Path, sqlite_db: Database) -> ProjectFiles:
    made = write_project(tmp_path / "project", sqlite_db)
    person(made, "opal", "writeback_operator")
    return made


@pytest.fixture
def run(run: Run, files: ProjectFiles) -> Run:
    return activated(run, files)


def approved(run: Run, files: ProjectFiles) -> str:
    """Return the handle of a change that was approved."""
    proposal: dict[str, Any] = propose(run)
    assert approve(run, files, "leo", proposal).code == 0
    return str(proposal["id"])


def given_up(run: Run, files: ProjectFiles, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the handle of an approved change of which the job was given up."""
    proposal = approved(run, files)
    with monkeypatch.context() as patch:
        patch.setattr("synapsor.runtime.failpoints", lambda: busy)
        patch.setattr(pace.Pace, "__init__", _once(pace.Pace.__init__))
        done = run("worker", "--drain")
    assert (done.code, "1 given up: see `synapsor jobs list --dead`" in done.out) == (0, True)
    return proposal


def _once(make: Any) -> Any:
    return lambda self, **given: make(self, **{**given, "attempts": 1})


def unfolded(text: str) -> str:
    """Return a text for people in one line."""
    return " ".join(text.replace("┆", " ").split())


@pytest.mark.requirement("steer:told")
def test_what_waits_is_listed_and_shown(run: Run, files: ProjectFiles) -> None:
    assert "Nothing waits to be applied." in run("jobs", "list").out
    proposal = approved(run, files)
    (job,) = run("--json", "jobs", "list").json["jobs"]
    assert (job["proposal"], job["stands"], job["attempts"]) == (proposal, "due", 0)
    assert f"{job['id']}  due" in run("jobs", "show", proposal).out
    assert run("--json", "jobs", "list", "--dead").json["jobs"] == []
    assert run("worker", "--drain").code == 0
    assert run("--json", "jobs", "list").json["jobs"] == []
    assert [one["stands"] for one in run("--json", "jobs", "list", "--all").json["jobs"]] == ["closed"]


@pytest.mark.requirement("steer:told", "steer:given-up")
def test_a_job_that_was_given_up_is_told_everywhere_until_somebody_says_what_becomes_of_it(
    run: Run, files: ProjectFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = given_up(run, files, monkeypatch)
    words = "Its job was given up after 1 attempt (busy): an operator must requeue or discard it."
    for command in (("show", proposal), ("inbox", "--all")):
        assert words in unfolded(run(*command).out)
    assert [one["job"] for one in run("--json", "inbox", "--all").json["proposals"]] == [words]
    assert words in run("--json", "replay", proposal).out
    (job,) = run("--json", "jobs", "list", "--dead").json["jobs"]
    assert (job["stands"], job["code"]) == ("dead", "busy")
    said = run("--json", "jobs", "requeue", job["id"], *key(files, "opal"), "--reason", "the pool is larger now")
    assert (said.code, said.json["proposals"]) == (0, [proposal])
    assert "requeued by opal (writeback_operator)" in unfolded(run("show", proposal).out)
    assert "the pool is larger now" in unfolded(run("jobs", "show", said.json["instruction"]).out)
    assert run("worker", "--drain").code == 0
    replayed = run("--json", "replay", said.json["instruction"])
    assert (replayed.code, replayed.json["differences"]) == (0, [])
    assert "steered" in [one["step"] for one in replayed.json["steps"]]


@pytest.mark.requirement("steer:discard")
def test_a_job_that_was_given_up_is_discarded(run: Run, files: ProjectFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    proposal = given_up(run, files, monkeypatch)
    assert run("jobs", "discard", proposal, *key(files, "leo"), "--reason", "no").code == 5
    assert run("jobs", "discard", proposal, *key(files, "opal"), "--reason", "not wanted any more").code == 0
    assert run("--json", "worker", "--drain").json["jobs"][0]["code"] == "discarded"
    assert "is canceled" in run("show", proposal).out


@pytest.mark.requirement("steer:cancel")
def test_an_approved_change_is_canceled_at_a_terminal(run: Run, files: ProjectFiles) -> None:
    proposal = propose(run)["id"]
    early = run("cancel", proposal, *key(files, "leo"), "--reason", "no")
    assert (early.code, "synapsor reject" in early.err) == (3, True)
    assert approve(run, files, "leo", propose(run)).code == 0
    done = run("cancel", proposal, *key(files, "leo"), "--reason", "paid")
    assert (done.code, "is to be canceled" in done.out) == (0, True)
    assert "It is to be canceled when a worker comes to it." in unfolded(run("show", proposal).out)
    assert run("worker", "--drain").code == 0
    assert (run("--json", "show", proposal).json["status"], run("--json", "replay", proposal).code) == ("canceled", 0)
    assert "canceled: A person canceled it before it was applied." in unfolded(run("jobs", "list", "--all").out)
    late = run("cancel", proposal, *key(files, "leo"), "--reason", "once more")
    assert (late.code, "is canceled" in late.err) == (3, True)


@pytest.mark.requirement("steer:pause", "steer:who")
def test_the_worker_is_paused_and_resumed_and_tells_how_it_stands(run: Run, files: ProjectFiles) -> None:
    proposal = approved(run, files)
    assert "All sources: running." in run("worker", "status").out
    refused = run("worker", "pause", *key(files, "leo"), "--reason", "no")
    assert (refused.code, "needs the role writeback_operator" in refused.err) == (5, True)
    paused = run("worker", "pause", "--source", "shop", *key(files, "opal"), "--reason", "the source is moved")
    assert (paused.code, "shop: paused (by opal at" in paused.out) == (0, True)
    assert run("worker", "status").out.startswith("Not all sources run:\n  shop: paused (by opal")
    document = run("--json", "worker", "status").json
    assert (document["sources"]["shop"]["state"], document["all"]["state"]) == ("paused", "running")
    assert (document["jobs"]["due"], document["jobs"]["paused"], document["refused"][0]["rule"]) == (
        0,
        1,
        "role_missing",
    )
    assert run("worker", "pause", "--source", "nowhere", *key(files, "opal"), "--reason", "x").code == 2
    assert run("worker", "resume", "--source", "shop", *key(files, "opal"), "--reason", "it is there").code == 0
    assert run("worker", "--drain").code == 0
    assert run("--json", "show", proposal).json["status"] == "applied"


@pytest.mark.requirement("steer:rest-told")
@pytest.mark.parametrize("source", ["shop", ""])
def test_what_a_pause_keeps_is_not_called_due_and_it_is_told_by_whom_why_and_what_lets_it_go_on(
    run: Run, files: ProjectFiles, source: str
) -> None:
    proposal, where = approved(run, files), ("--source", source) if source else ()
    assert run("worker", "pause", *where, *key(files, "opal"), "--reason", "the database is moved").code == 0
    way_on = f"`synapsor worker resume{f' --source {source}' if source else ''} --reason WHY` lets it go on"
    listed, shown = (unfolded(run("jobs", *words).out) for words in (("list",), ("show", proposal)))
    for told in (listed, shown):
        assert "not taken while its source is paused" in told
        assert f"{f'source {source}' if source else 'every source'} is paused (by opal at " in told
        assert f": the database is moved); {way_on}" in told
        assert " due" not in told
    (job,) = run("--json", "jobs", "list").json["jobs"]
    assert (job["stands"], job["kept_by"]) == ("paused", [source])
    for end in ("--drain", "--once"):
        done = unfolded(run("worker", end).out)
        assert done.startswith(
            f"Nothing was taken. {f'Source {source}' if source else 'Every source'} is paused (by opal"
        )
        assert f": the database is moved); {way_on}." in done
    assert run("--json", "worker", "--drain").json["paused"] == [source]
    canceled, of_it = run("cancel", proposal, *key(files, "leo"), "--reason", "paid"), run("show", proposal)
    for done_so in (canceled, of_it):
        assert "No worker comes to it: " in done_so.err
        assert way_on in unfolded(done_so.err)
    assert run("worker", "resume", *where, *key(files, "opal"), "--reason", "it is there").code == 0
    (job,) = run("--json", "jobs", "list").json["jobs"]
    assert (job["stands"], job["kept_by"]) == ("due", [])
    assert run("show", proposal).err == ""


def test_a_worker_that_takes_nothing_says_of_what_is_not_done_that_it_is_not(
    run: Run, files: ProjectFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up(run, files, monkeypatch)
    assert run("worker", "--drain").out == "Nothing was due. 1 job is not done: see `synapsor jobs list`.\n"


@pytest.mark.parametrize("words", [("jobs", "requeue"), ("jobs", "discard"), ("cancel",), ("worker", "pause")])
def test_nobody_steers_without_saying_why(run: Run, words: tuple[str, ...]) -> None:
    assert run(*words, "--reason", "  ").code == 2
    with pytest.raises(SystemExit):
        run(*words)
