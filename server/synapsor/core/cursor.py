"""The place where a list was cut, sealed: only this server can read it, and it holds for the same question of the same person.

What a list is ordered by need not be among what it returns, so a cursor is encrypted and not merely signed.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from synapsor.errors import Code, Refusal
from synapsor.values import Json, Token, canonical

_NONCE = 12


def seal(key: bytes, question: Sequence[Json], row: Sequence[Token]) -> str:
    """Return a cursor for what comes after a row; `key` has 32 bytes."""
    nonce = secrets.token_bytes(_NONCE)
    sealed = AESGCM(key).encrypt(nonce, canonical(list(row)), _domain(question))
    return base64.urlsafe_b64encode(nonce + sealed).decode().rstrip("=")


def unseal(key: bytes, question: Sequence[Json], cursor: str, width: int) -> tuple[Token, ...]:
    """Return the row that a cursor of this very question goes on after; it has `width` tokens.

    Raises:
        Refusal: it was made for another question, by another ledger, or is no cursor (`invalid_arguments`).
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        row = json.loads(AESGCM(key).decrypt(raw[:_NONCE], raw[_NONCE:], _domain(question)))
    except (InvalidTag, ValueError):
        row = None
    if not isinstance(row, list) or len(row) != width:
        raise Refusal(Code.INVALID_ARGUMENTS, "cursor: it does not belong to this call.") from None
    return tuple(row)


def _domain(question: Sequence[Json]) -> bytes:
    return b"synapsor:cursor\0" + canonical(list(question))
