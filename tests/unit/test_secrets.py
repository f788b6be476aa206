"""Secrets: shown by nothing but `reveal`, taken from private files only, and in no message, traceback or pickle."""

import copy
import json
import logging
import os
import pickle
import traceback
from pathlib import Path

import pytest

from synapsor.errors import ConfigError
from synapsor.secrets import MAX_SECRET_BYTES, Secret, SecretRef, private_file_trouble, resolve

CANARY = "canary-7f3#/@[%"


def file_ref(path: Path) -> SecretRef:
    return SecretRef.parse(f"${{file:{path.name}}}", root=path.parent)


def private(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.requirement("secrets:never-shown")
def test_nothing_but_reveal_gives_the_value(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(CANARY)
    assert secret.reveal() == CANARY
    logging.getLogger("synapsor").warning("%s %r", secret, secret)
    shown = [str(secret), repr(secret), f"{secret}", f"{secret:>40}", f"{secret!r}", repr([secret]), caplog.text]
    assert not any("canary" in text for text in shown)
    for steal in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            steal(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError):
        vars(secret)


@pytest.mark.requirement("secrets:never-shown")
def test_a_reference_shows_where_and_not_what(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SHOP_READ_URL", CANARY)
    ref = SecretRef.parse("${env:SHOP_READ_URL}", root=tmp_path)
    assert (str(ref), repr(ref)) == ("${env:SHOP_READ_URL}", "SecretRef(${env:SHOP_READ_URL})")
    assert resolve(ref).reveal() == CANARY


def fails_with(ref: SecretRef) -> ConfigError:
    with pytest.raises(ConfigError) as refused:
        resolve(ref)
    return refused.value


@pytest.mark.requirement("secrets:never-shown")
@pytest.mark.parametrize(
    ("content", "mode"),
    [
        (CANARY.encode() + b"\xff\xfe", 0o600),
        (CANARY.encode(), 0o640),
        (CANARY.encode(), 0o604),
        (CANARY.encode(), 0o620),
        (CANARY.encode() * MAX_SECRET_BYTES, 0o600),
    ],
)
def test_a_refused_file_leaves_its_content_in_no_traceback_even_with_locals(
    tmp_path: Path, content: bytes, mode: int
) -> None:
    error = fails_with(file_ref(private(tmp_path / "url", content, mode)))
    told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "canary" not in told.replace(repr(content), "")  # this test's own locals hold it
    assert error.__context__ is None
    assert "canary" not in error.message + error.fix


@pytest.mark.parametrize(("content", "value"), [(b"x", "x"), (b"x\n", "x"), (b"x\r\n", "x"), (b" x \n\n", " x \n")])
def test_one_line_end_is_taken_off_a_file_and_nothing_else(tmp_path: Path, content: bytes, value: str) -> None:
    assert resolve(file_ref(private(tmp_path / "url", content))).reveal() == value


def test_what_is_missing_empty_or_no_file_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "directory").mkdir(mode=0o700)
    private(tmp_path / "empty", b"\n")
    for name in ("absent", "pipe", "directory", "empty"):
        assert f"${{file:{name}}}" in fails_with(file_ref(tmp_path / name)).message
    monkeypatch.delenv("NOT_SET", raising=False)
    monkeypatch.setenv("EMPTY", "")
    for name in ("NOT_SET", "EMPTY"):
        assert name in fails_with(SecretRef.parse(f"${{env:{name}}}", root=tmp_path)).message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "${env:}",
        "${env: }",
        "${env:1A}",
        "${env:A-B}",
        "${file:}",
        "${cmd:id}",
        "a${env:B}",
        "${env:A}\n",
        "${env:A}${env:B}",
        "$env:A",
    ],
)
def test_only_a_whole_reference_is_one(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        SecretRef.parse(text, root=tmp_path)


@pytest.mark.requirement("secrets:credential")
def test_a_credential_of_a_service_manager_is_read_from_its_directory_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = SecretRef.parse("${credential:writer}", root=tmp_path)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert "no service manager" in fails_with(ref).message
    for elsewhere in ("", "relative"):
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", elsewhere)
        assert "no service manager" in fails_with(ref).message
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert "no such file" in fails_with(ref).message
    private(tmp_path / "writer", CANARY.encode(), 0o400)
    assert resolve(ref).reveal() == CANARY
    assert (str(ref), repr(ref)) == ("${credential:writer}", "SecretRef(${credential:writer})")


@pytest.mark.requirement("secrets:credential")
@pytest.mark.skipif(os.geteuid() != 0, reason="a credential of systemd belongs to root")
@pytest.mark.parametrize("mode", [0o440, 0o444, 0o460, 0o441])
def test_of_a_credential_the_mask_of_its_access_list_is_no_right_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    private(tmp_path / "writer", CANARY.encode(), mode)
    ref = SecretRef.parse("${credential:writer}", root=tmp_path)
    if mode == 0o440:
        assert resolve(ref).reveal() == CANARY
        os.chown(tmp_path / "writer", 41001, -1)
    assert "canary" not in str(fails_with(ref))
    assert "have access" in fails_with(file_ref(tmp_path / "writer")).message


@pytest.mark.requirement("secrets:credential")
@pytest.mark.parametrize("name", ["../writer", "a/b", ".hidden", "", "a b"])
def test_a_credential_has_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError):
        SecretRef.parse(f"${{credential:{name}}}", root=tmp_path)


@pytest.mark.requirement("secrets:credential")
@pytest.mark.parametrize(
    ("owner", "mode", "given", "fits"),
    [
        (0, 0o440, True, True),
        (0, 0o440, False, False),
        (7, 0o440, True, False),
        (7, 0o400, True, True),
        (8, 0o400, True, False),
        (0, 0o444, True, False),
    ],
)
def test_a_secret_is_of_this_user_and_not_of_another_user_or_of_root_and_given_by_a_service_manager(
    monkeypatch: pytest.MonkeyPatch, owner: int, mode: int, given: bool, fits: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 7)
    info = os.stat_result((0o100000 | mode, 0, 0, 1, owner, 0, 9, 0, 0, 0))
    assert (private_file_trouble(info, given=given) == "") is fits
