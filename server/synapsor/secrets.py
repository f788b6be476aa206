"""Secret references and the secrets behind them.

Configuration holds references only; `resolve` is called by the process that needs the value, when it needs it. A `Secret` shows its
value to `reveal` and to nothing else, and no error of this module carries one.
"""

from __future__ import annotations

import grp
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NoReturn

from synapsor.errors import ConfigError

MAX_SECRET_BYTES = 65_536
OPEN_TO_OTHERS = "its group or others have access to it"
_REFERENCE = re.compile(r"\$\{(env|file|credential):([^{}$\x00-\x1f]+)\}")
_CREDENTIAL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")
_GIVEN = "CREDENTIALS_DIRECTORY"
"""Where a service manager puts the secrets of one service, and tells it so."""
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SQLITE = re.compile(r"sqlite:///(?!/)([^?#@%\x00-\x1f]+)")


class Secret:
    """A secret text; printing, formatting or pickling it never gives the value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value; call it in the expression that uses it, so that no local variable holds it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not copied or pickled")


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Where a secret is kept. Only the reference is ever shown.

    Attributes:
        scheme: `env`, `file`, `credential`, or `sqlite` for a literal `sqlite:///relative/path`, which holds no secret.
        text: the reference as it was written.
        target: the variable's or the credential's name, or the absolute path; equal targets are the same secret however they were written.
    """

    scheme: Literal["env", "file", "credential", "sqlite"]
    target: str
    text: str = field(compare=False)

    @classmethod
    def parse(cls, text: str, *, root: Path, sqlite: bool = False) -> SecretRef:
        """Return the reference that `text` writes; paths are relative to `root`.

        Raises:
            ConfigError: it is no reference. The text may be a secret itself, so the message does not repeat it.
        """
        if found := _REFERENCE.fullmatch(text):
            scheme, target = found[1], found[2].strip()
            if scheme == "file" and target:
                return cls("file", os.path.normpath(root / target), text)
            if scheme == "env" and _ENV_NAME.fullmatch(target):
                return cls("env", target, text)
            if scheme == "credential" and _CREDENTIAL.fullmatch(target):
                return cls("credential", target, text)
        elif sqlite and (literal := _SQLITE.fullmatch(text)):
            return cls("sqlite", os.path.normpath(root / literal[1]), text)
        raise ConfigError(
            "this must be a secret reference, never the value itself", fix=_WRITE_IT_AS + (_OR_SQLITE if sqlite else "")
        )

    def __repr__(self) -> str:
        return f"SecretRef({self.text})"

    def __str__(self) -> str:
        return self.text


_WRITE_IT_AS = "Write ${env:NAME}, ${file:path} or ${credential:NAME}"
_OR_SQLITE = ", or sqlite:///a/relative/path"


def resolve(ref: SecretRef) -> Secret:
    """Return the secret behind a reference.

    Raises:
        ConfigError: the variable is not set, or the file is missing, empty or open to others.
    """
    if ref.scheme == "sqlite":
        return Secret(f"sqlite:///{ref.target}")
    if ref.scheme == "env":
        secret = Secret(os.environ.get(ref.target, ""))
    else:
        secret = _credential(ref) if ref.scheme == "credential" else _from_file(ref, ref.target)
    if not secret:
        fix = (
            f"Set the environment variable {ref.target}." if ref.scheme == "env" else "Write the secret into the file."
        )
        raise ConfigError(f"{ref} is not set or empty.", fix=fix)
    return secret


def _credential(ref: SecretRef) -> Secret:
    given = os.environ.get(_GIVEN, "")
    if not Path(given).is_absolute():
        raise ConfigError(
            f"{ref} cannot be used: no service manager has given this process credentials.",
            fix=f"Name it under LoadCredential= of the unit; elsewhere set {_GIVEN} to the directory of its file.",
        )
    return _from_file(ref, str(Path(given) / ref.target), given=True)


def _from_file(ref: SecretRef, path: str, *, given: bool = False) -> Secret:
    secret, trouble = _read(path, given=given)
    if trouble:
        # Raised out here, so that no handled error with the file's bytes in it hangs on as its context.
        raise ConfigError(
            f"{ref} cannot be used: {trouble}.", fix=f"Make it a file of yours with mode 0600: chmod 600 {path}"
        )
    return secret


def _read(path: str, *, given: bool) -> tuple[Secret, str]:
    try:
        # Non-blocking, so that a named pipe is refused below and does not hang the start.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        return Secret(""), os.strerror(error.errno or 0).lower()
    try:
        if trouble := private_file_trouble(os.fstat(handle), given=given):
            return Secret(""), trouble
        return Secret(os.read(handle, MAX_SECRET_BYTES + 1).decode().removesuffix("\n").removesuffix("\r")), ""
    except (OSError, UnicodeDecodeError):
        return Secret(""), "it cannot be read as UTF-8 text"
    finally:
        os.close(handle)


def group_number(group: str | int) -> int:
    """Return the number of a group of this machine, by its name or number.

    Raises:
        ConfigError: there is no such group.
    """
    try:
        return group if isinstance(group, int) else grp.getgrnam(group).gr_gid
    except KeyError:
        raise ConfigError(f"There is no group {group} on this machine.", fix=f"As root: groupadd {group}") from None


def private_file_trouble(info: os.stat_result, *, given: bool = False, group: int | None = None) -> str:
    """Return why a file may not hold a secret of this user, or "" when it may.

    One that systemd has `given` is root's, and this user may read it by an access list, whose mask stands where the group's rights do.
    One that a `group` shares may be read by it, and is written by root alone.
    """
    if not stat.S_ISREG(info.st_mode):
        return "it is not a regular file"
    if group is not None and info.st_mode & 0o070 and info.st_gid != group:
        return "it is another group's"
    if info.st_mode & (0o037 if group is not None or (given and info.st_uid == 0) else 0o077):
        return (
            OPEN_TO_OTHERS if group is None else "others than its group have access to it, or its group may change it"
        )
    if info.st_uid not in {os.geteuid(), 0}:
        return "it belongs to another user"
    return f"it is larger than {MAX_SECRET_BYTES} bytes" if info.st_size > MAX_SECRET_BYTES else ""
