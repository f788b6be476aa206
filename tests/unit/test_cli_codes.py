"""The commands around one-time codes and logins, as a person runs them."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pyotp
import pytest

from synapsor.approve.identity.codes import keep, kept
from synapsor.cli.main import main
from synapsor.errors import ConfigError, UsageError
from synapsor.operators import read_codes
from synapsor.secrets import Secret
from tests.attack.test_worker_permission import BILLING
from tests.commands import key
from tests.databases import Database
from tests.projects import ProjectFiles, write_project

STEPPED = BILLING.replace(
    "approval: {role: billing_lead, expires_hours: 72}",
    "approval: {role: billing_lead, expires_hours: 72, step_up: low}",
)
DIGEST = "sha256:" + "ab" * 32


@pytest.fixture
def files(tmp_path: Path, sqlite_db: Database, monkeypatch: pytest.MonkeyPatch) -> ProjectFiles:
    made = write_project(tmp_path / "project", sqlite_db)
    config = made.config_path
    config.write_text(config.read_text(encoding="utf-8") + "one_time_codes: secrets/codes.yaml\n", encoding="utf-8")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    return made


def run(files: ProjectFiles, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["--config", str(files.config_path), "--json", *arguments])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.requirement("approval:one-time-code")
def test_an_operator_gets_codes_that_an_authenticator_and_the_project_agree_on(
    files: ProjectFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = run(files, capsys, "operator", "codes", "leo", "--no-passphrase")
    assert code == 0
    store = files.root / "secrets" / "codes.yaml"
    secret = read_codes(store)["leo"]
    assert pyotp.parse_uri(told["uri"]).secret == base64.b32encode(secret).decode()
    assert store.stat().st_mode & 0o777 == 0o600
    own = Path(told["file"])
    assert (kept(own), own.stat().st_mode & 0o777) == (secret, 0o600)
    run(files, capsys, "operator", "codes", "leo", "--no-passphrase")
    assert read_codes(store)["leo"] != secret


def test_the_page_for_a_person_shows_a_code_that_can_be_scanned(
    files: ProjectFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--config", str(files.config_path), "operator", "codes", "leo", "--no-passphrase"]) == 0
    lines = capsys.readouterr().out.splitlines()
    drawn = [line for line in lines if line and set(line) <= set(" ▄▀█")]
    assert len({len(line) for line in drawn}) == 1
    assert len(drawn[0]) <= 80
    assert (len(drawn) <= 23, lines[-len(drawn) :]) == (True, drawn), "it is whole on a terminal of 24 lines"
    assert any(line.startswith("otpauth://totp/") for line in lines)


@pytest.mark.parametrize("name", ["nobody", "rita2"])
def test_codes_are_given_to_operators_alone(files: ProjectFiles, capsys: pytest.CaptureFixture[str], name: str) -> None:
    code, _ = run(files, capsys, "operator", "codes", name, "--no-passphrase")
    assert code == 2
    assert not (files.root / "secrets" / "codes.yaml").exists()


def test_a_code_for_a_digest_needs_no_ledger(files: ProjectFiles, capsys: pytest.CaptureFixture[str]) -> None:
    run(files, capsys, "operator", "codes", "leo", "--no-passphrase")
    code, told = run(files, capsys, "code", "--digest", DIGEST)
    assert (code, bool(re.fullmatch(r"\d{8}", told["code"]))) == (0, True)
    assert run(files, capsys, "code", "--digest", "abcd")[0] == 2
    assert run(files, capsys, "code", "--digest", DIGEST, "--operator", "mia")[0] == 2


def test_a_copy_with_a_passphrase_is_nothing_without_it(tmp_path: Path) -> None:
    secret = b"12345678901234567890"
    path = tmp_path / "leo.code"
    keep(path, secret, passphrase=Secret("correct horse"))
    assert base64.b64encode(secret) not in path.read_bytes()
    assert kept(path, ask=lambda _: Secret("correct horse")) == secret
    with pytest.raises(UsageError):
        kept(path, ask=lambda _: Secret("another horse"))


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"format": "synapsor-code-1"}', b'{"format": 1}', b"\xff"])
def test_what_is_no_copy_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "leo.code"
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(ConfigError):
        kept(path)
    path.chmod(0o644)
    with pytest.raises(ConfigError):
        kept(path)


@pytest.mark.parametrize("open_to", [0o640, 0o604])
def test_a_store_that_others_can_read_is_not_used(
    files: ProjectFiles, capsys: pytest.CaptureFixture[str], open_to: int
) -> None:
    run(files, capsys, "operator", "codes", "leo", "--no-passphrase")
    store = files.root / "secrets" / "codes.yaml"
    store.chmod(open_to)
    with pytest.raises(ConfigError):
        read_codes(store)
    assert run(files, capsys, "operator", "codes", "leo", "--no-passphrase")[0] == 2


@pytest.mark.parametrize(
    "url",
    ["http://console.example/", "ftp://127.0.0.1/", "https://user:pass@console.example/", "127.0.0.1:8722", "https://"],
)
def test_a_login_is_signed_for_no_address_that_anybody_could_listen_to(
    files: ProjectFiles, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    code, told = run(files, capsys, "login", url, "ABCD-EFGH", "--yes")
    assert (code, told["ok"]) == (2, False)


@pytest.fixture
def stepped(tmp_path: Path, sqlite_db: Database, capsys: pytest.CaptureFixture[str]) -> ProjectFiles:
    """A project whose approvals take a one-time code, and that keeps none."""
    made = write_project(tmp_path / "project", sqlite_db, policy=STEPPED)
    assert run(made, capsys, "activate", "--yes", *key(made, "rita"))[0] == 0
    return made


def findings(files: ProjectFiles, capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str, str]]:
    _, told = run(files, capsys, "doctor")
    return [(f["rule"], f["message"], f["fix"]) for f in told["findings"] if f["rule"].startswith(("codes", "file"))]


@pytest.mark.requirement("doctor:codes")
def test_doctor_says_from_the_first_day_on_that_nobody_could_give_the_code_that_an_approval_takes(
    stepped: ProjectFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    ((rule, message, fix),) = findings(stepped, capsys)
    assert (rule, "nobody can approve changes of low or medium or high risk" in message) == ("codes_not_kept", True)
    assert ("`one_time_codes:`" in fix, "`synapsor operator codes NAME`" in fix) == (True, True)
    config = stepped.config_path
    config.write_text(config.read_text(encoding="utf-8") + "one_time_codes: secrets/codes.yaml\n", encoding="utf-8")
    ((rule, _, fix),) = findings(stepped, capsys)
    assert (rule, "`synapsor operator codes NAME`" in fix) == ("file_missing", True)
    run(stepped, capsys, "operator", "codes", "rita", "--no-passphrase", "--file", str(stepped.root / "keys" / "r"))
    ((rule, message, fix),) = findings(stepped, capsys)
    assert (rule, fix) == ("codes_unheld", "synapsor operator codes NAME")
    assert message.startswith("Nobody with the role billing_lead has one-time codes")
    run(stepped, capsys, "operator", "codes", "leo", "--no-passphrase", "--file", str(stepped.root / "keys" / "l"))
    assert findings(stepped, capsys) == []
    (stepped.root / "secrets" / "codes.yaml").chmod(0o640)
    assert [rule for rule, _, _ in findings(stepped, capsys)] == ["file_open"]


@pytest.mark.requirement("codes:told-before")
def test_check_and_activate_tell_of_codes_that_nobody_has_as_doctor_does(
    stepped: ProjectFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    code, told = run(stepped, capsys, "check")
    assert (code, [(one["rule"], one["message"], one["fix"]) for one in told["findings"]]) == (
        0,
        findings(stepped, capsys),
    )
    (finding,) = told["findings"]
    assert main(["--config", str(stepped.config_path), "check"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"! {finding['rule']} {finding['message']} fix: {finding['fix']}" in said
    assert main(["--config", str(stepped.config_path), "activate", "--yes", *key(stepped, "rita")]) == 0
    assert f"{finding['rule']}: {finding['message']}" in " ".join(capsys.readouterr().err.split())
    config = stepped.config_path
    config.write_text(config.read_text(encoding="utf-8") + "one_time_codes: secrets/codes.yaml\n", encoding="utf-8")
    run(stepped, capsys, "operator", "codes", "leo", "--no-passphrase", "--file", str(stepped.root / "keys" / "l"))
    assert run(stepped, capsys, "check")[1]["findings"] == []


@pytest.mark.requirement("approval:code-before-asked")
def test_who_has_no_codes_is_refused_before_a_digest_a_passphrase_and_a_code_are_asked_for(
    stepped: ProjectFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    _, told = run(
        stepped,
        capsys,
        "call",
        "billing.propose_late_fee_waiver",
        "--arg",
        "invoice_id=INV-3001",
        "--arg",
        "reason=Paid.",
    )
    handle = told["proposal"]["id"]
    # No digest is given, and nobody is here to be asked: whatever came first would be refused first.
    code = main(["--config", str(stepped.config_path), "approve", handle, *key(stepped, "leo")])
    said = capsys.readouterr().err
    assert (code, "(no_codes)" in said, "`one_time_codes:`" in " ".join(said.split())) == (5, True, True)
    assert (
        run(
            stepped,
            capsys,
            "reject",
            handle,
            *key(stepped, "leo"),
            "--reason",
            "No.",
            "--digest",
            told["proposal"]["digest"],
        )[0]
        == 0
    )


def test_whoever_rejects_without_a_reason_is_told_the_words_that_they_may_choose_from(
    stepped: ProjectFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = run(stepped, capsys, "reject", "latest", *key(stepped, "leo"))
    assert (code, "--reason, or in one word with --preset (wrong_scope, " in told["error"]["fix"]) == (2, True)
