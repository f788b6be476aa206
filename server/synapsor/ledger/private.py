"""Files that only their owner, or one group, may use: made so, and narrowed with a notice where they were found wider."""

from __future__ import annotations

import fcntl
import grp
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from synapsor.errors import LedgerFailure

log = logging.getLogger("synapsor.ledger")

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use a ledger's files: their owner alone, or every user of one group of this machine.

    Attributes:
        group: its number; None for the owner alone.
    """

    group: int | None = None

    @property
    def of_files(self) -> int:
        """The mode of a file."""
        return 0o600 if self.group is None else 0o660

    @property
    def of_directories(self) -> int:
        """The mode of a directory; what is made in a group's directory is the group's."""
        return 0o700 if self.group is None else 0o2770

    def give(self, place: int | Path, mode: int) -> None:
        """Give a file or a directory of ours to whom it is for.

        Raises:
            OSError: we may not.
        """
        if self.group is not None:
            os.chown(place, -1, self.group)
            os.chmod(place, mode)  # noqa: PTH101  # it may be an open file


OWNER = Access()


def access_of(group: str | int | None) -> Access:
    """Return who may use the files of a ledger that is for a group, by its name or number, or for its owner alone.

    Raises:
        LedgerFailure: there is no such group, or this user is not in it.
    """
    if group is None:
        return OWNER
    try:
        number = group if isinstance(group, int) else grp.getgrnam(group).gr_gid
    except KeyError:
        raise LedgerFailure(f"There is no group {group} on this machine.", fix=f"As root: groupadd {group}") from None
    if os.geteuid() != 0 and number not in {os.getegid(), *os.getgroups()}:
        raise LedgerFailure(
            f"This user is not in the ledger's group {group}.",
            fix=f"As root: usermod -aG {group} USER; then start anew what runs as that user.",
        )
    return Access(number)


def create_private(path: Path, data: bytes = b"", access: Access = OWNER) -> None:
    """Write a new file for those who may use it, whatever the umask, durably, and its directory where there is none.

    Raises:
        LedgerFailure: there is a file already, or it cannot be written.
    """
    try:
        make_directory(path.parent, access)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as stream:
            access.give(handle, access.of_files)
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except FileExistsError:
        raise LedgerFailure(f"{path.name} exists already.", fix="Move it away if it is not needed.") from None
    except OSError as error:
        raise LedgerFailure(f"{path.name} cannot be written ({_reason(error)}).") from None


def make_directory(path: Path, access: Access = OWNER) -> None:
    """Make a directory for those who may use it, and leave an existing one as it is."""
    missing = [p for p in (path, *path.parents) if not p.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
        each.chmod(0o700)
        access.give(each, access.of_directories)


def narrow(path: Path, access: Access = OWNER) -> None:
    """Take the rights to a file away from everybody who is not to use it, and say so.

    Raises:
        LedgerFailure: others may use it, or some of the group may not, and we may not change that.
    """
    try:
        info = path.stat()
        mode = stat.S_IMODE(info.st_mode)
        if access.group is None:
            if not mode & _OTHERS:
                return
            path.chmod(mode & ~_OTHERS)
        elif (mode, info.st_gid) != (access.of_files, access.group):
            access.give(path, access.of_files)
        else:
            return
    except FileNotFoundError:
        return
    except OSError:
        raise LedgerFailure(f"{path.name} is {_WRONG[access.group is None]}.", fix=_fix(path, access)) from None
    whom = "its owner" if access.group is None else "the ledger's group"
    log.warning(
        "%s had mode %o; now it is for %s alone",
        path.name,
        mode,
        whom,
        extra={"action": "mode_narrowed"},
    )


def check_directory(path: Path, access: Access) -> None:
    """Check that a group's directory is that group's and nobody else's: whoever may write it may put another file in a file's place.

    Raises:
        LedgerFailure: it is another's, too.
    """
    if access.group is None:
        return
    info = path.stat()
    if (stat.S_IMODE(info.st_mode), info.st_gid) != (access.of_directories, access.group):
        raise LedgerFailure(
            f"The ledger's directory {path.name} is not its group's alone.",
            fix=f"As its owner: chgrp {access.group} {path} && chmod 2770 {path}",
        )


_WRONG = {True: "open to other users", False: "not for the ledger's group alone"}


def _fix(path: Path, access: Access) -> str:
    if access.group is None:
        return "Run chmod 600 on it as its owner."
    return f"As its owner: chgrp {access.group} {path.name} && chmod 660 {path.name}"


@contextmanager
def locked(path: Path, *, waits: bool = True) -> Iterator[None]:
    """Hold a directory, so that of several processes one does what is inside first. Whoever may read it can hold it, for as long as they like.

    Raises:
        BlockingIOError: somebody else holds it, and nobody `waits`.
    """
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else "input/output error"
