"""What an application has accepted at the command line: the worker's line, the jobs, the proposal and its replay all say that it waits."""

from pathlib import Path

import pytest

from tests.commands import Run, activated
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


AT = "2026-11-29T10:00:00.000000Z"
