"""Files that only their owner may read: made so, and narrowed with a notice where they were found wider."""

from __future__ import annotations

import fcntl
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from synapsor.errors import LedgerFailure

log = logging.getLogger("synapsor.ledger")

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def create_private(path: Path, data: bytes = b"") -> None:
    """Write a new file of mode 0600 whatever the umask, durably, and its directory of mode 0700 where there is none.

    Raises:
        LedgerFailure: there is a file already, or it cannot be written.
    """
    try:
        make_directory(path.parent)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except FileExistsError:
        raise LedgerFailure(f"{path.name} exists already.", fix="Move it away if it is not needed.") from None
    except OSError as error:
        raise LedgerFailure(f"{path.name} cannot be written ({_reason(error)}).") from None


def make_directory(path: Path) -> None:
    """Make a directory of mode 0700, and leave an existing one as it is."""
    missing = [p for p in (path, *path.parents) if not p.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
        each.chmod(0o700)


def narrow(path: Path) -> None:
    """Take everybody else's rights to a file away, and say so.

    Raises:
        LedgerFailure: others may read it and we may not change that.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if not mode & _OTHERS:
            return
        path.chmod(mode & ~_OTHERS)
    except FileNotFoundError:
        return
    except OSError:
        raise LedgerFailure(f"{path.name} is open to other users.", fix="Run chmod 600 on it as its owner.") from None
    log.warning(
        "%s was open to other users (mode %o); narrowed to its owner",
        path.name,
        mode,
        extra={"action": "mode_narrowed"},
    )


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
