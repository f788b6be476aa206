"""Files that hold what decides: readable by their owner and nobody else, and never half written."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import Final

from synapsor.errors import ConfigError
from synapsor.secrets import private_file_trouble

_MISSING: Final = os.strerror(errno.ENOENT).lower()


def read_private(path: Path) -> bytes:
    """Return what a file of this user's holds.

    Raises:
        ConfigError: it is missing, or not this user's alone.
    """
    content, trouble = private_bytes(path)
    if trouble == _MISSING:
        raise ConfigError(f"There is no file {path}.", fix="Name the right one with --file.")
    if trouble:
        raise ConfigError(f"The file {path} cannot be used: {trouble}.", fix=f"Keep it private: chmod 600 {path}")
    return content


def private_bytes(path: Path) -> tuple[bytes, str]:
    """Return what a file of this user's alone holds, or nothing and why it may not be used."""
    try:
        # Non-blocking, so that a named pipe is refused below and nobody waits for it.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        return b"", os.strerror(error.errno or 0).lower()
    with os.fdopen(handle, "rb") as file:
        trouble = private_file_trouble(os.fstat(handle))
        return (b"", trouble) if trouble else (file.read(), "")


def write_private(path: Path, content: bytes, *, group: int | None = None) -> None:
    """Write a file of mode 0600 as a whole, in place of what was there; a `group` may read it, where one is named.

    Raises:
        ConfigError: it cannot be written.
    """
    _replace(path, content, mode=0o600 if group is None else 0o640, directory=0o700, group=group)


def write_public(path: Path, content: bytes) -> None:
    """Write a file that everybody may read as a whole, in place of what was there.

    Raises:
        ConfigError: it cannot be written.
    """
    _replace(path, content, mode=0o644, directory=0o777)


def _replace(path: Path, content: bytes, *, mode: int, directory: int, group: int | None = None) -> None:
    try:
        path.parent.mkdir(parents=True, mode=directory, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            # Nobody else can read it for a moment, whatever it is: the mode is given once the file is whole.
            if group is not None:
                os.fchown(handle, -1, group)
            os.fchmod(handle, mode)
            os.fsync(handle)
        Path(temporary).replace(path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise _unwritable(path, error) from None
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _unwritable(path: Path, error: OSError) -> ConfigError:
    trouble = os.strerror(error.errno or 0).lower()
    return ConfigError(f"The file {path} cannot be written: {trouble}.", fix="Look at its directory and its disk.")
