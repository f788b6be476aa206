"""One-time codes that a group of users reads: root writes them, and neither the server nor anybody else can."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from synapsor.approve.identity.codes import enrol
from synapsor.errors import ConfigError
from synapsor.examine.secrets import private
from synapsor.operators import read_codes
from tests.unit.test_ledger_group import GROUP, SERVER, STRANGER, WORKER, as_root, being

LEDGERS = GROUP + 100
pytestmark = [as_root, pytest.mark.requirement("deploy:codes")]


@pytest.fixture
def store() -> Iterator[Path]:
    """A store of codes that root has written for a group, where all can get to it."""
    with tempfile.TemporaryDirectory(prefix="syn-codes-") as found:
        root = Path(found)
        root.chmod(0o755)
        enrol(root / "codes.yaml", "leo", GROUP)
        yield root / "codes.yaml"


def read_as(user: int, groups: list[int], store: Path) -> object:
    """Return whose codes a user reads, or why none."""

    async def act() -> list[str]:
        return sorted(read_codes(store, GROUP))

    return being(user, groups, act)


def test_who_decides_and_who_applies_read_the_codes_and_the_server_cannot(store: Path) -> None:
    assert (store.stat().st_mode & 0o777, store.stat().st_uid, store.stat().st_gid) == (0o640, 0, GROUP)
    assert read_as(WORKER, [LEDGERS, GROUP], store) == ["leo"]
    for user, groups in ((SERVER, [LEDGERS]), (STRANGER, [])):
        assert read_as(user, groups, store) == "ConfigError: codes.yaml cannot be read: permission denied."
    assert list(private(store, "codes", group=GROUP)) == []


def test_more_codes_are_written_by_root_alone_and_the_file_stays_the_groups(store: Path) -> None:
    async def act() -> bytes:
        return enrol(store, "mia", GROUP)

    told = being(WORKER, [GROUP], act)
    assert told == f"ConfigError: The one-time codes are for the group {GROUP}, and root alone writes them."
    enrol(store, "mia", GROUP)
    assert read_as(WORKER, [GROUP], store) == ["leo", "mia"]


@pytest.mark.parametrize(
    ("owner", "group", "mode", "why"),
    [
        (0, LEDGERS, 0o640, "it is another group's"),
        (0, GROUP, 0o660, "others than its group have access to it, or its group may change it"),
        (0, GROUP, 0o644, "others than its group have access to it, or its group may change it"),
        (STRANGER, GROUP, 0o640, "it belongs to another user"),
    ],
)
def test_a_store_that_is_not_the_groups_alone_is_used_by_nobody_and_doctor_says_how_it_is_mended(
    store: Path, owner: int, group: int, mode: int, why: str
) -> None:
    os.chown(store, owner, group)
    store.chmod(mode)
    with pytest.raises(ConfigError) as refused:
        read_codes(store, GROUP)
    fix = f"As root: chown root:{GROUP} {store} && chmod 640 {store}"
    assert (refused.value.message, refused.value.fix) == (f"codes.yaml cannot be used: {why}.", fix)
    assert [finding.fix for finding in private(store, "codes", group=GROUP)] == [fix]


def test_without_a_group_the_codes_are_their_owners_alone(store: Path) -> None:
    with pytest.raises(ConfigError):
        read_codes(store)
    with pytest.raises(ConfigError, match="There is no group"):
        read_codes(store, "nobody-calls-a-group-so")
