"""The files of a served contract: looked at without being read, read again when touched, and good only for the digest that is served."""

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from synapsor.contract import files as module
from synapsor.contract.files import ContractFiles
from synapsor.contract.load import LoadedContract, load
from synapsor.contract.public.types import beside
from tests.projects import ROOT
from tests.unit.public_contracts import only
from tests.unit.public_types import RELATIONS

pytestmark = pytest.mark.requirement("contract:edited-is-refused")

OLD = time.time() - 3600


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return Path(shutil.copy(ROOT / "policies" / "billing.yaml", tmp_path / "billing.yaml"))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Count how often the files are read again."""
    found: list[Path] = []

    def counted(path: Path) -> LoadedContract:
        found.append(path)
        return load(path)

    monkeypatch.setattr(module, "load", counted)
    return found


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Give what makes every change so far an old one."""
    start = time.time_ns

    def pass_time() -> None:
        monkeypatch.setattr(time, "time_ns", lambda: start() + 60_000_000_000)

    return pass_time


def edit(policy: Path, old: str, new: str) -> None:
    text = policy.read_text(encoding="utf-8")
    assert old in text
    policy.write_text(text.replace(old, new), encoding="utf-8")


def test_a_file_that_nobody_touched_is_not_read_again(
    policy: Path, reads: list[Path], later: Callable[[], None]
) -> None:
    later()
    files = ContractFiles(load(policy))
    assert [files.why() for _ in range(3)] == ["", "", ""]
    assert reads == []


def test_a_file_that_was_written_just_now_is_read_again_until_another_writing_would_show(
    policy: Path, reads: list[Path], later: Callable[[], None]
) -> None:
    files = ContractFiles(load(policy))
    assert [files.why() for _ in range(2)] == ["", ""]
    assert len(reads) == 2
    later()
    assert [files.why() for _ in range(3)] == ["", "", ""]
    assert len(reads) == 3


def test_another_digest_refuses_and_the_served_one_serves_again(policy: Path, later: Callable[[], None]) -> None:
    later()
    files = ContractFiles(load(policy))
    edit(policy, "Look at one invoice", "Inspect one invoice")
    assert "was edited and says another version, sha256:" in files.why()
    edit(policy, "Inspect one invoice", "Look at one invoice")
    assert files.why() == ""


def test_comments_and_layout_count_for_nothing(policy: Path, reads: list[Path], later: Callable[[], None]) -> None:
    later()
    files = ContractFiles(load(policy))
    edit(policy, "synapsor: 1", "# reviewed on Monday\n\nsynapsor:   1")
    assert files.why() == ""
    assert len(reads) == 1


def test_an_edit_that_keeps_size_and_time_of_modification_is_noticed(policy: Path, later: Callable[[], None]) -> None:
    os.utime(policy, (OLD, OLD))
    later()
    files = ContractFiles(load(policy))
    before = policy.stat()
    edit(policy, "Look at one", "Pick at one")
    os.utime(policy, (OLD, OLD))
    assert (policy.stat().st_size, policy.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert files.why()


def test_a_file_that_does_not_check_refuses_and_says_where(policy: Path, later: Callable[[], None]) -> None:
    later()
    files = ContractFiles(load(policy))
    policy.write_text("not: [a contract\n", encoding="utf-8")
    assert f"does not check: {policy}:" in files.why()
    assert "start the server again" in files.why()


@pytest.mark.parametrize("lost", [Path.unlink, lambda path: path.rename(path.parent / "elsewhere")])
def test_a_file_that_is_not_there_refuses_until_it_is_there_again(
    policy: Path, lost: Callable[[Path], object], later: Callable[[], None]
) -> None:
    later()
    files = ContractFiles(load(policy))
    text = policy.read_text(encoding="utf-8")
    lost(policy)
    assert "cannot be read" in files.why()
    policy.write_text(text, encoding="utf-8")
    assert files.why() == ""


def test_what_leaves_no_mark_on_a_file_and_keeps_it_from_being_read_refuses_no_longer_than_it_lasts(
    policy: Path, monkeypatch: pytest.MonkeyPatch, later: Callable[[], None]
) -> None:
    files = ContractFiles(load(policy))
    later()
    with monkeypatch.context() as broken:
        broken.setattr(Path, "open", _no_file_handle)
        assert "cannot be read" in files.why()
    assert files.why() == ""


def _no_file_handle(*_: object, **__: object) -> None:
    raise OSError("too many open files")


def test_a_folder_that_is_swapped_whole_is_noticed(tmp_path: Path, policy: Path, later: Callable[[], None]) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
        shutil.copy(policy, folder)
    edit(other / "billing.yaml", "Look at one invoice", "Inspect one invoice")
    link = tmp_path / "current"
    link.symlink_to(one)
    later()
    files = ContractFiles(load(link / "billing.yaml"))
    assert files.why() == ""
    (tmp_path / "next").symlink_to(other)
    (tmp_path / "next").replace(link)
    assert "another version" in files.why()


def test_the_types_beside_a_public_contract_count_as_much_as_the_contract(
    tmp_path: Path, later: Callable[[], None]
) -> None:
    contract = tmp_path / "fees.json"
    types = yaml.safe_dump({"sources": {"shop": "shop"}, "relations": RELATIONS})
    contract.write_text(json.dumps(only("read")), encoding="utf-8")
    beside(contract).write_text(types, encoding="utf-8")
    later()
    files = ContractFiles(load(contract))
    assert files.why() == ""
    edit(beside(contract), "max_length: 40", "max_length: 41")
    assert "another version" in files.why()
    beside(contract).unlink()
    assert files.why()
    beside(contract).write_text(types, encoding="utf-8")
    assert files.why() == ""
