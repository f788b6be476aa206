"""One-time codes of operators: the project's store of their secrets, and each person's own copy for codes that are bound to a proposal.

The store is read by who decides and who applies. A person's copy is a file of their own; with a passphrase it is worth nothing without.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from synapsor.approve.identity.files import read_private, write_private
from synapsor.approve.identity.keys import Ask, ask_terminal, default_path, stretch
from synapsor.core.onetime import DIGITS, SECONDS, SECRET_BYTES
from synapsor.errors import ConfigError, UsageError
from synapsor.operators import read_codes
from synapsor.secrets import Secret, group_number

HEADER = "# The one-time codes of this project's operators. Written by `synapsor operator codes`; keep it where no agent can read it.\n"
_FORMAT = "synapsor-code-1"
_NONCE = 12
_DEFAULT = (6, 30)


def code_path(name: str) -> Path:
    """Return where a person keeps their copy when no other place is named."""
    return default_path(name).with_suffix(".code")


def enrol(store: Path, name: str, group: str | int | None = None) -> bytes:
    """Give an operator a new secret in the project's store and return it; the one before ends with that. Where a group reads the store,
    root writes it: whose it is could put another one in its place.

    Raises:
        ConfigError: the store is not what this tool writes, or cannot be written.
    """
    if group is not None and os.geteuid() != 0:
        raise ConfigError(
            f"The one-time codes are for the group {group}, and root alone writes them.", fix="Run it as root."
        )
    kept = {**read_codes(store, group), name: secrets.token_bytes(SECRET_BYTES)}
    lines = [HEADER.rstrip("\n"), "synapsor: 1", "codes:"]
    lines += [f"  {json.dumps(one)}: {json.dumps(base64.b32encode(kept[one]).decode())}" for one in sorted(kept)]
    write_private(store, ("\n".join(lines) + "\n").encode(), group=group_number(group) if group is not None else None)
    return kept[name]


def enrolment_uri(name: str, secret: bytes, *, issuer: str) -> str:
    """Return what an authenticator takes, as a URI of the `otpauth` form; short, for a QR code of it has to fit a terminal.

    Six digits and thirty seconds are what every authenticator takes where nothing else is said.
    """
    terms: dict[str, str | int] = {"secret": base64.b32encode(secret).decode(), "issuer": f"Synapsor {issuer}"}
    if (DIGITS["totp"], SECONDS["totp"]) != _DEFAULT:
        terms |= {"digits": DIGITS["totp"], "period": SECONDS["totp"]}
    return f"otpauth://totp/{quote(name)}?{urlencode(terms, quote_via=quote)}"


def qr(text: str) -> Iterator[str]:
    """Yield the lines of a QR code for a terminal, two modules to a character."""
    import segno  # noqa: PLC0415  # only where one is shown

    rows = [list(row) for row in segno.make(text, error="l").matrix_iter(border=2)]
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    for upper, lower in zip(rows[::2], rows[1::2], strict=True):
        # Light on dark terminals: what is dark in the code is left blank.
        yield "".join(" ▄▀█"[2 * (not top) + (not below)] for top, below in zip(upper, lower, strict=True))


def check_free(path: Path) -> None:
    """Refuse a place for a person's copy where something else is.

    Raises:
        ConfigError: it is there, and is no such copy.
    """
    if path.exists() and _FORMAT.encode() not in read_private(path):
        raise ConfigError(f"{path} is something else.", fix="Choose another place with --file.")


def keep(path: Path, secret: bytes, *, passphrase: Secret | None) -> None:
    """Write a person's copy, sealed with a passphrase where there is one.

    Raises:
        ConfigError: it cannot be written there.
    """
    body: dict[str, str] = {"format": _FORMAT}
    if passphrase:
        salt, nonce = secrets.token_hex(16), os.urandom(_NONCE)
        sealed = AESGCM(_key(passphrase, salt)).encrypt(nonce, secret, _FORMAT.encode())
        body |= {"salt": salt, "sealed": base64.b64encode(nonce + sealed).decode()}
    else:
        body["secret"] = base64.b64encode(secret).decode()
    write_private(path, json.dumps(body).encode() + b"\n")


def kept(path: Path, *, ask: Ask = ask_terminal) -> bytes:
    """Return the secret of a person's copy; its passphrase is asked for when it has one.

    Raises:
        ConfigError: the file is missing, open to others, or no such copy.
        UsageError: the passphrase is wrong, or there is no terminal to ask on.
    """
    raw = read_private(path)
    try:
        body = json.loads(raw)
        _ = {_FORMAT: True}[body["format"]]
        if "secret" in body:
            return base64.b64decode(body["secret"], validate=True)
        salt, sealed = str(body["salt"]), base64.b64decode(body["sealed"], validate=True)
    except (ValueError, KeyError, TypeError):
        raise ConfigError(
            f"{path} holds no one-time codes.", fix="Have them made with `synapsor operator codes`."
        ) from None
    try:
        return AESGCM(_key(ask(f"Passphrase of {path.name}: "), salt)).decrypt(
            sealed[:_NONCE], sealed[_NONCE:], _FORMAT.encode()
        )
    except InvalidTag:
        raise UsageError("The passphrase is wrong, or the file is damaged.", fix="Try again.") from None


def _key(passphrase: Secret, salt: str) -> bytes:
    return bytes.fromhex(stretch(passphrase, salt.encode()).reveal())
