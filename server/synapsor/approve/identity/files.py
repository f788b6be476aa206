"""Files that hold what decides: readable by their owner and nobody else, and never half written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from synapsor.errors import ConfigError
from synapsor.secrets import private_file_trouble


def read_private(path: Path) -> bytes:
    """Return what a file of this user's holds.

    Raises:
        ConfigError: it is missing, or not this user's alone.
    """
    trouble = ""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise ConfigError(f"There is no file {path}.", fix="Name the right one with --file.") from None
    except OSError as error:
        trouble = os.strerror(error.errno or 0).lower()
    else:
        with os.fdopen(handle, "rb") as file:
            trouble = private_file_trouble(os.fstat(handle))
            if not trouble:
                return file.read()
    raise ConfigError(f"The file {path} cannot be used: {trouble}.", fix=f"Keep it private: chmod 600 {path}")


def write_private(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 as a whole, in place of what was there.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
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
