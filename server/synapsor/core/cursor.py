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
_BLOCK = 128
"""A cursor's length tells no more of the values in it than how many of these they fill."""


def seal(key: bytes, question: Sequence[Json], row: Sequence[Token]) -> str:
    """Return a cursor for what comes after a row; `key` has 32 bytes."""
    nonce = secrets.token_bytes(_NONCE)
    text = canonical(list(row))
    padded = text + b" " * (-len(text) % _BLOCK)
    return _written(nonce + AESGCM(key).encrypt(nonce, padded, _domain(question)))


def unseal(key: bytes, question: Sequence[Json], cursor: str, width: int) -> tuple[Token, ...]:
    """Return the row that a cursor of this very question goes on after; it has `width` tokens.

    Raises:
        Refusal: it was made for another question, by another ledger, or is no cursor (`invalid_arguments`).
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        row = json.loads(AESGCM(key).decrypt(raw[:_NONCE], raw[_NONCE:], _domain(question)))
    except (InvalidTag, ValueError):
        raw, row = b"", None
    # The last letter has bits that say nothing: only one of its spellings counts.
    if not isinstance(row, list) or len(row) != width or _written(raw) != cursor:
        raise Refusal(
            Code.INVALID_ARGUMENTS,
            "cursor: it does not belong to this call.",
            fix="Call without `cursor` to begin this list, or with the arguments that the cursor came from.",
        ) from None
    return tuple(row)


def _written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _domain(question: Sequence[Json]) -> bytes:
    return b"synapsor:cursor\0" + canonical(list(question))
