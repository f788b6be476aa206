"""Files and secrets, as `doctor` looks at them: open to nobody else, and where this user has no business with them, not looked at."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from synapsor.core.facts import Finding
from synapsor.errors import ConfigError, UsageError
from synapsor.operators import kept_so
from synapsor.secrets import Secret, SecretRef, group_number, private_file_trouble, resolve

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def nobody(_: str) -> Secret:
    """Answer no question for a passphrase.

    Raises:
        UsageError: always.
    """
    raise UsageError("Nobody is asked for a passphrase here.")


def private(path: Path, what: str, *, made: str = "", group: str | int | None = None) -> Iterator[Finding]:
    """Yield what speaks against a file that only its owner may touch; one that is kept from this user is as it should be.

    `made` is what makes it where there is none anywhere yet. A `group` may read it, where one is named.
    """
    try:
        info = path.stat()
        mode = info.st_mode
    except FileNotFoundError:
        message = f"There is no {what} at {path}, as it should be where the process that reads it does not run."
        fix = f"{made} Or run `synapsor doctor` where there is one." if made else "Run `synapsor doctor` there, too."
        yield Finding(rule="file_missing", message=message, fix=fix, fatal=False)
        return
    except OSError:
        return
    if not stat.S_ISREG(mode):
        yield Finding(rule="file_odd", message=f"The {what} at {path} is no file.", fix="Put the file there.")
    elif group is not None:
        if trouble := private_file_trouble(info, group=group_number(group)):
            yield Finding(
                rule="file_open",
                message=f"The {what} at {path} is not for its group alone: {trouble}.",
                fix=kept_so(path, group),
            )
    elif mode & _OTHERS:
        message = f"The {what} at {path} is open to its group or to everybody."
        yield Finding(
            rule="file_open", message=message, fix=f"chmod 600 {path}; and make a new one, if others could read it."
        )


def unchanged(path: Path, what: str) -> Iterator[Finding]:
    """Yield what speaks against a file that others may read and only its owner may change; one that everybody may is not read at all."""
    if path.stat().st_mode & stat.S_IWGRP:
        message = f"The {what} at {path} can be changed by its group."
        yield Finding(rule="file_writable", message=message, fix=f"chmod g-w {path}", fatal=False)


def looked_up(ref: SecretRef, what: str) -> tuple[Secret | None, list[Finding]]:
    """Return a secret, or None and why it is not to be had here."""
    try:
        return resolve(ref), []
    except ConfigError as missing:
        found = list(private(Path(ref.target), what)) if ref.scheme == "file" else []
        if any(finding.fatal for finding in found):
            return None, found
        message = (
            f"The {what} is not here, as it should be where the process that reads it does not run. {missing.message}"
        )
        return None, [Finding(rule="secret_not_here", message=message, fix=missing.fix, fatal=False)]
