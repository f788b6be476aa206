"""A ledger that a group of users shares: its files are that group's and nobody else's, whoever of it makes or opens them."""

import asyncio
import logging
import os
import pickle
import stat
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from synapsor.errors import LedgerFailure, SynapsorError
from synapsor.ledger import note
from synapsor.ledger.open import open_ledger
from synapsor.ledger.private import Access, access_of
from synapsor.ledger.store import Ledger
from tests.ledger_records import CLOCK, seen

GROUP, SERVER, WORKER, STRANGER = 41000, 41001, 41002, 41003
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be other users")


def being(user: int, groups: list[int], act: Callable[[], Awaitable[Any]]) -> Any:
    """Return what an act returns, or the text of what it raises, in a process of another user of this machine."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups(groups)
            os.setgid(user)
            os.setuid(user)
            os.umask(0o077)
            told: Any = asyncio.run(act())  # type: ignore[arg-type]
        except SynapsorError as refused:
            told = f"{type(refused).__name__}: {refused.message}"
        except BaseException as broke:  # noqa: BLE001  # nothing of this child may reach pytest
            told = repr(broke)
        with os.fdopen(theirs, "wb") as stream:
            pickle.dump(told, stream)
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as stream:
        told = pickle.load(stream)
    os.waitpid(child, 0)
    return told


def of(path: Path, *, create: bool = False, group: int | None = GROUP) -> Callable[[], Awaitable[int]]:
    """Return an act: open a ledger, record a read and prove the chain."""

    async def act() -> int:
        ledger = open_ledger(path, create=create, group=group, clock=CLOCK)
        try:
            await ledger.record_read(*seen())
            await ledger.follow()
            return (await ledger.head())[0]
        finally:
            await ledger.aclose()

    return act


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory that a group may write. Not below pytest's own, which each new run closes to others."""
    with tempfile.TemporaryDirectory(prefix="syn-group-") as found:
        root = Path(found)
        root.chmod(0o711)
        # The other users may not read this checkout: what a ledger reads of it once is read before.
        asyncio.run(of(root / "first.db", create=True, group=None)())  # type: ignore[arg-type]
        made = root / "shared"
        made.mkdir()
        os.chown(made, 0, GROUP)
        made.chmod(0o2770)
        yield made


def held(folder: Path) -> set[tuple[str, int]]:
    """Return the modes and groups of what is in a directory."""
    return {(oct(stat.S_IMODE(p.stat().st_mode)), p.stat().st_gid) for p in folder.iterdir()}


@as_root
@pytest.mark.requirement("ledger:group")
def test_two_users_of_one_group_write_one_ledger_and_nobody_else_does(folder: Path) -> None:
    path = folder / "new" / "ledger.db"
    first = being(SERVER, [GROUP], of(path, create=True))
    assert being(WORKER, [GROUP], of(path)) == first + 1
    assert being(SERVER, [GROUP], of(path)) == first + 2
    assert held(path.parent) == {("0o660", GROUP)}
    assert (oct(stat.S_IMODE(path.parent.stat().st_mode)), path.parent.stat().st_gid) == ("0o2770", GROUP)
    assert {p.name for p in path.parent.iterdir()} >= {"ledger.db", "ledger.key", "ledger.checkpoints"}
    assert "This user is not in the ledger's group" in being(STRANGER, [], of(path))
    assert "LedgerFailure" in being(STRANGER, [], of(path, group=None))


@as_root
@pytest.mark.requirement("ledger:group")
def test_while_one_user_has_it_open_what_sqlite_keeps_beside_it_is_the_groups_too(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = folder / "ledger.db"

    with asyncio.Runner() as runner:

        async def begin() -> Ledger:
            ledger = open_ledger(path, create=True, group=GROUP, clock=CLOCK)
            await ledger.record_read(*seen())
            return ledger

        with caplog.at_level(logging.WARNING, "synapsor.ledger"):
            ledger = runner.run(begin())
        assert caplog.records == []  # nothing of it had to be mended
        assert {p.name for p in folder.iterdir()} > {"ledger.db-wal", "ledger.db-shm"}
        assert held(folder) == {("0o660", GROUP)}
        told = being(WORKER, [GROUP], of(path))
        runner.run(ledger.record_read(*seen()))
        assert runner.run(ledger.head())[0] == told + 1
        runner.run(ledger.aclose())


@as_root
@pytest.mark.requirement("ledger:group")
def test_a_note_of_what_is_proven_is_the_groups_too(folder: Path) -> None:
    kept = note.Note(folder / "ledger.db-proven", b"s" * 32, Access(GROUP))

    async def write() -> bool:
        kept._put(b"a note")
        return True

    assert being(SERVER, [GROUP], write) is True
    assert being(WORKER, [GROUP], write) is True
    assert held(folder) == {("0o660", GROUP)}


@as_root
@pytest.mark.requirement("ledger:group")
def test_a_file_that_is_wider_or_not_the_groups_is_mended_by_its_owner_and_refused_to_the_others(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = folder / "ledger.db"
    assert being(SERVER, [GROUP], of(path, create=True)) > 0
    for name in ("ledger.db", "ledger.key", "ledger.checkpoints"):
        for mode, group in ((0o664, GROUP), (0o660, STRANGER), (0o600, GROUP)):
            os.chown(folder / name, SERVER, group)
            (folder / name).chmod(mode)
            told = being(WORKER, [GROUP, STRANGER], of(path))
            assert "LedgerFailure" in told, (name, mode, group, told)
            assert isinstance(being(SERVER, [GROUP], of(path)), int)
            assert held(folder) == {("0o660", GROUP)}
    with caplog.at_level(logging.WARNING, "synapsor.ledger"):
        path.chmod(0o666)
        asyncio.run(of(path)())  # type: ignore[arg-type]
    assert [r.__dict__["action"] for r in caplog.records] == ["mode_narrowed"]


@as_root
@pytest.mark.requirement("ledger:group")
@pytest.mark.parametrize("mode", [0o2771, 0o2777, 0o770, 0o2750])
def test_a_directory_that_is_not_the_groups_alone_is_refused_with_what_to_do(folder: Path, mode: int) -> None:
    path = folder / "ledger.db"
    asyncio.run(of(path, create=True)())  # type: ignore[arg-type]
    folder.chmod(mode)
    for opens in (of(path), of(folder / "other.db", create=True)):
        with pytest.raises(LedgerFailure, match="not its group's alone") as refused:
            asyncio.run(opens())  # type: ignore[arg-type]
        assert f"chgrp {GROUP}" in refused.value.fix
        assert "chmod 2770" in refused.value.fix


@pytest.mark.requirement("ledger:group")
def test_a_group_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LedgerFailure, match="There is no group no-such-group-here"):
        open_ledger(tmp_path / "ledger.db", create=True, group="no-such-group-here", clock=CLOCK)
    assert access_of(None) == Access()
    assert list(tmp_path.iterdir()) == []
