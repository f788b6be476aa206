"""Activations and switches at the command line that are refused: whoever signs is asked for again, and every refusal is on record and told."""

from collections.abc import Callable
from typing import Any

import pytest

from synapsor.approve.identity.keys import create_key
from synapsor.approve.identity.operators import revoke_operator
from synapsor.cli.signer import signer
from tests.commands import Run, commands, key
from tests.projects import ProjectFiles
from tests.unit.test_cli_policies import files, run  # noqa: F401  # fixtures

STOP = ("policy", "stop", "--reason", "Look first.")


def refused(run: Run) -> list[tuple[str, str]]:  # noqa: F811  # a fixture's name
    """Return who was refused what about automatic approval and about the contract, newest first."""
    told = [*run("--json", "policy", "status").json["refused"], *run("--json", "history", "billing").json["refused"]]
    return [(one["operator"], one["rule"]) for one in told]


def meanwhile(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen while somebody types the passphrase of their key."""

    def slow(*arguments: Any, **options: Any) -> Any:
        operator, unlock = signer(*arguments, **options)

        def slowly() -> Any:
            happens()
            return unlock()

        return operator, slowly

    monkeypatch.setattr("synapsor.cli.refused_acts.signer", slow)


def revoking(monkeypatch: pytest.MonkeyPatch, files: ProjectFiles, who: str) -> None:  # noqa: F811
    """Let somebody be revoked while they type the passphrase of their key."""
    meanwhile(monkeypatch, lambda: revoke_operator(files.root / "operators.yaml", who))


@pytest.mark.requirement("refused:acts")
def test_a_refused_switch_is_on_record_and_told_by_policy_status(run: Run, files: ProjectFiles) -> None:  # noqa: F811
    for action in ("stop", "start"):
        done = run("--json", "policy", action, "--reason", "x", *key(files, "leo"))
        assert (done.code, done.json["error"]["rule"]) == (5, "role_missing")
    assert refused(run) == [("leo", "role_missing")] * 2
    told = " ".join(run("policy", "status").out.split())
    assert "Refused attempts to stop or start it, newest first:" in told
    assert "leo (role_missing): This person, or their login, does not carry the role that it needs." in told


@pytest.mark.requirement("refused:acts")
def test_a_refused_activation_is_on_record_and_told_by_history(run: Run, files: ProjectFiles) -> None:  # noqa: F811
    done = run("--json", "activate", "--yes", *key(files, "leo"))
    assert (done.code, done.json["error"]["rule"]) == (5, "role_missing")
    done = run("--json", "rollback", "billing", "--yes", *key(files, "leo"))
    assert (done.code, done.json["error"]["rule"]) == (5, "role_missing")
    assert refused(run) == [("leo", "role_missing")] * 2
    told = run("history", "billing").out
    assert "Refused attempts to activate it, newest first:" in told
    assert "leo (role_missing)" in told
    assert run("verify").code == 0


@pytest.mark.requirement("refused:acts")
def test_a_key_of_nobody_is_on_record_as_nobodys(run: Run, files: ProjectFiles) -> None:  # noqa: F811
    foreign = files.root / "keys" / "foreign.pem"
    create_key(foreign, passphrase=None)
    for line in (STOP, ("activate", "--yes")):
        done = run("--json", *line, "--key", str(foreign))
        assert done.json["error"]["rule"] == "unknown_key"
    assert refused(run) == [("?", "unknown_key")] * 2


@pytest.mark.requirement("refused:acts")
def test_no_ledger_is_made_to_record_a_refusal_in(files: ProjectFiles, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    done = commands(capsys, files)("--json", "activate", "--yes", *key(files, "leo"))
    assert (done.json["error"]["rule"], files.config.ledger.exists()) == ("role_missing", False)


@pytest.mark.requirement("approval:trusted-now")
@pytest.mark.parametrize(
    ("who", "line"),
    [
        ("rosa", STOP),
        ("rita", ("activate", "--yes")),
        ("rita", ("rollback", "billing", "--yes")),
    ],
)
def test_whoever_was_revoked_while_they_unlocked_their_key_switches_and_activates_nothing(
    run: Run,  # noqa: F811
    files: ProjectFiles,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    who: str,
    line: tuple[str, ...],
) -> None:
    (contract,) = files.config.policies
    contract.write_text(
        f"# reviewed\n{contract.read_text(encoding='utf-8')}".replace("small", "tiny"), encoding="utf-8"
    )
    assert run("activate", "--yes", *key(files, "rita")).code == 0
    before = run("--json", "history", "billing").json["activations"][0]["id"]
    revoking(monkeypatch, files, who)
    done = run("--json", *line, *key(files, who))
    assert (done.code, done.json["error"]["rule"]) == (5, "operator_revoked")
    assert refused(run) == [(who, "operator_revoked")]
    assert run("--json", "policy", "status").json["switch"] is None
    assert run("--json", "history", "billing").json["activations"][0]["id"] == before
