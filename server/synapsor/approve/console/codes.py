"""The codes of key logins: everything that a login needs is made from its code and a secret of this process, so that none is kept.

A code says when it was shown and for which kind of browser; its last letters prove that it was shown here, and not mistyped.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor.approve.console.browsers import KINDS, described

WAITS: Final = dt.timedelta(minutes=5)
_LETTERS: Final = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
_TOLD, _RANDOM, _CHECK = 2, 7, 3
_GROUP: Final = 4
_ROUND: Final = len(_LETTERS) ** _TOLD // len(KINDS)
"""Minutes after which the minute of a code comes again; more than twice as long as it waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a code stands for."""

    kind: str
    key: Ed25519PrivateKey


class Codes:
    """The codes of one process."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def new(self, browser: str, now: dt.datetime) -> str:
        """Return a new code for what a browser calls itself."""
        told = KINDS.index(described(browser)) * _ROUND + _minute(now) % _ROUND
        start = _written(told, _TOLD) + _written(secrets.randbelow(len(_LETTERS) ** _RANDOM), _RANDOM)
        return _grouped(start + self._check(start))

    def read(self, code: str, now: dt.datetime) -> Asked | None:
        """Return what a code stands for; None where it was not shown here, or too long ago."""
        if not code.isascii():
            return None
        letters = code.replace("-", "")
        start = letters[: _TOLD + _RANDOM]
        if _grouped(letters) != code or not hmac.compare_digest(self._check(start), letters[_TOLD + _RANDOM :]):
            return None
        kind, minute = divmod(_LETTERS.index(start[0]) * len(_LETTERS) + _LETTERS.index(start[1]), _ROUND)
        if (_minute(now) - minute) % _ROUND > WAITS.total_seconds() // 60:
            return None
        key = Ed25519PrivateKey.from_private_bytes(self._digest("session", letters))
        return Asked(kind=KINDS[kind], key=key)

    def _check(self, start: str) -> str:
        proof = int.from_bytes(self._digest("check", start)[:8])
        return _written(proof % len(_LETTERS) ** _CHECK, _CHECK)

    def _digest(self, purpose: str, text: str) -> bytes:
        return hmac.digest(self._secret, f"{purpose}\0{text}".encode("utf-8", "surrogatepass"), hashlib.sha256)


def _minute(now: dt.datetime) -> int:
    return int(now.timestamp() // 60)


def _written(number: int, letters: int) -> str:
    text = ""
    for _ in range(letters):
        number, digit = divmod(number, len(_LETTERS))
        text = _LETTERS[digit] + text
    return text


def _grouped(letters: str) -> str:
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))
