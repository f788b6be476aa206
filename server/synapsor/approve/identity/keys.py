"""Operators' private keys: Ed25519, one file each, readable by its owner and nobody else.

A passphrase is asked for on the terminal and taken from nowhere else: an environment variable would hand it to every process that the
operator starts, an agent's among them. It is stretched with scrypt, because the key derivation of encrypted PEM files is a weak one.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from synapsor.approve.identity.files import private_bytes
from synapsor.core.signatures import public_text
from synapsor.errors import ConfigError, UsageError
from synapsor.secrets import OPEN_TO_OTHERS, Secret

MIN_PASSPHRASE = 8

Ask = Callable[[str], Secret]
"""Asks a person at the terminal for a secret."""

Unlock = Callable[[], Ed25519PrivateKey]
"""Returns a key, and asks for its passphrase where it has one."""


def ask_terminal(prompt: str) -> Secret:
    """Ask on the terminal itself, whatever standard input is.

    Raises:
        UsageError: there is no terminal.
    """
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        raise UsageError(
            "A passphrase is needed and there is no terminal to ask on.", fix="Run this at a terminal."
        ) from None
    # getpass opens the terminal itself; it falls back to standard input only where there is none, which was refused above.
    os.close(terminal)
    try:
        return Secret(getpass.getpass(prompt))
    except (EOFError, UnicodeDecodeError):
        raise UsageError("No passphrase was given.", fix="Try again.") from None


def default_path(name: str) -> Path:
    """Return where an operator's key is kept when no other place is named."""
    home = os.environ.get("XDG_CONFIG_HOME", "")
    base = Path(home) if Path(home).is_absolute() else Path.home() / ".config"
    return base / "synapsor" / "keys" / f"{name}.pem"


def public_path(path: Path) -> Path:
    """Return where the public half of a new key is written, for those who are to trust it."""
    return path.with_suffix(".pub")


def check_place(path: Path) -> None:
    """Refuse a place where no key can be made, before a person is asked for a passphrase.

    Raises:
        ConfigError: the key or its public half is there already, or the directory is open to others.
    """
    if path == public_path(path):
        raise ConfigError(f"{path.name} is a name for public keys.", fix="Choose another name with --key.")
    for file in (path, public_path(path)):
        if os.path.lexists(file):
            raise _not_created(file, _THERE)
    if path.parent.exists():
        _private_directory(path.parent)
    above = next(directory for directory in path.absolute().parents if directory.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise _not_created(path, f"no file can be made under {above}")


def create_key(path: Path, *, passphrase: Secret | None) -> Ed25519PrivateKey:
    """Create a key in a new file of mode 0600, and its public half beside it; without a passphrase the file alone is the authority.

    Raises:
        ConfigError: a file is there already, or the directory is open to others.
    """
    check_place(path)
    key = Ed25519PrivateKey.generate()
    try:
        path.parent.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise _not_created(path, os.strerror(error.errno or 0).lower()) from None
    _private_directory(path.parent)
    _write_new(path, _encode(key, passphrase), mode=0o600)
    _write_new(public_path(path), public_text(key).encode() + b"\n", mode=0o644)
    return key


def locked_key(path: Path, *, ask: Ask = ask_terminal) -> Unlock:
    """Look at a key's file now, and return what unlocks it later: a passphrase is asked for last, when nothing else can refuse.

    Raises:
        ConfigError: the file is missing, open to others, or not such a key.
    """
    _there(path)
    _private_directory(path.parent)
    pem = _read(path)
    if not pem.startswith(_STRETCHED):
        key = _decode(pem, None, path)
        return lambda: key
    salt, _, rest = pem.removeprefix(_STRETCHED).partition(b"\n")
    if not _SALT.fullmatch(salt):
        raise _not_a_key(path)
    return lambda: _decode(rest, stretch(ask(f"Passphrase of {path.name}: "), salt), path)


def load_key(path: Path, *, ask: Ask = ask_terminal) -> Ed25519PrivateKey:
    """Return the key in a file; its passphrase is asked for when it has one.

    Raises:
        ConfigError: the file is missing, open to others, or not such a key.
        UsageError: the passphrase is wrong, or there is no terminal to ask on.
    """
    return locked_key(path, ask=ask)()


def new_passphrase(ask: Ask = ask_terminal) -> Secret | None:
    """Ask twice for a new passphrase; an empty one means none.

    Raises:
        UsageError: the two differ, it is too short, or there is no terminal.
    """
    first = ask(f"New passphrase ({MIN_PASSPHRASE} or more characters, empty for none): ")
    if not first:
        return None
    if len(first.reveal()) < MIN_PASSPHRASE:
        raise UsageError(f"The passphrase is shorter than {MIN_PASSPHRASE} characters.", fix="Try again.")
    if first.reveal() != ask("The same again: ").reveal():
        raise UsageError("The two passphrases differ.", fix="Try again.")
    return first


def stretch(passphrase: Secret, salt: bytes) -> Secret:
    """Return 32 bytes, in hexadecimal, that a passphrase and a salt make slowly."""
    # scrypt-1: n=2^16, r=8, p=1, which takes 64 MiB.
    raw = hashlib.scrypt(passphrase.reveal().encode(), salt=salt, n=2**16, r=8, p=1, maxmem=2**27, dklen=32)
    return Secret(raw.hex())


_STRETCHED = b"Synapsor-Key: scrypt-1 "
_SALT = re.compile(rb"[0-9a-f]{32}")
_THERE = "it is there already"


def _write_new(path: Path, content: bytes, *, mode: int) -> None:
    trouble = ""
    try:
        # Nobody else can read it for a moment, whatever it is: the mode is given once the file is whole.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        trouble = _THERE
    except OSError as error:
        trouble = os.strerror(error.errno or 0).lower()
    if trouble:
        raise _not_created(path, trouble)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(handle, mode)
        os.fsync(handle)


def _not_created(path: Path, trouble: str) -> ConfigError:
    fix = "Choose another name, or another place with --key."
    if trouble == _THERE:
        fix += (
            f'\nTo trust a key that is made already, give its public half:\n--public-key "$(cat {public_path(path)})"'
        )
    return ConfigError(f"The key file {path} cannot be created: {trouble}.", fix=fix)


def _there(path: Path) -> None:
    """Refuse what is no file before anything is said of its directory, which may be any at all after a slip of the pen."""
    try:
        info = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError(
            f"There is no key file {path}.",
            fix="Name your own key with --key, or make one with `synapsor operator add`.",
        ) from None
    except OSError as error:
        raise _unusable(path, os.strerror(error.errno or 0).lower()) from None
    if not stat.S_ISREG(info.st_mode):
        raise _unusable(path, "it is not a regular file")


def _unusable(path: Path, trouble: str, *, fix: str = "Name your own key with --key.") -> ConfigError:
    return ConfigError(f"The key file {path} cannot be used: {trouble}.", fix=fix)


def _encode(key: Ed25519PrivateKey, passphrase: Secret | None) -> bytes:
    if not passphrase:
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    salt = secrets.token_hex(16).encode()
    encryption = BestAvailableEncryption(stretch(passphrase, salt).reveal().encode())
    return _STRETCHED + salt + b"\n" + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def _decode(pem: bytes, password: Secret | None, path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem, password.reveal().encode() if password else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, Ed25519PrivateKey):
        return key
    if password:
        raise UsageError("The passphrase is wrong, or the key file is damaged.", fix="Try again.")
    raise _not_a_key(path)


def _not_a_key(path: Path) -> ConfigError:
    return ConfigError(f"{path} is not a private key of this tool.", fix="Make one with `synapsor operator add`.")


def _read(path: Path) -> bytes:
    content, trouble = private_bytes(path)
    if trouble == OPEN_TO_OTHERS:
        raise _unusable(path, trouble, fix=f"Name your own key with --key; keep it private: chmod 600 {path}")
    if trouble:
        raise _unusable(path, trouble)
    return content


def _private_directory(directory: Path) -> None:
    try:
        info = directory.stat()
    except OSError:
        raise ConfigError(
            f"The directory {directory} of the key is not there.", fix="Name your own key with --key."
        ) from None
    if info.st_uid not in {os.geteuid(), 0}:
        raise ConfigError(f"The directory {directory} of the key belongs to another user.", fix=_own(directory))
    if stat.S_IMODE(info.st_mode) & 0o077:
        raise ConfigError(f"The directory {directory} of the key is open to others.", fix=_own(directory))


def _own(directory: Path) -> str:
    # Never a chmod: the directory may be the project's, the home or the root, and be open for a reason.
    usual = default_path("key").parent
    such = "" if directory.absolute() == usual else f", such as {usual}"
    return f"Keep the key in a directory of your own with mode 0700{such}."
