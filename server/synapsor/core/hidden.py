"""What stands for a hidden value: a token that only the ledger's key can make, and the sealed value that only that key can open.

A token is stable for one tenant and one column, and says nothing to another tenant or about another column. What is sealed alike is
stored alike, so that two records of one value can be compared without being opened.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from synapsor.errors import IntegrityError
from synapsor.values import Token, canonical

BEGINS: Final = "tok_"
"""How every token begins."""

_DIGITS = 32
_SHOWN = 4
_SHOWN_FROM = 8
"""Of a shorter value more than half would be shown."""

NOTHING: Final = "…"
"""What is shown of a value of which nothing is."""


def last_four(value: str) -> str:
    """Return the last four characters of a value, or nothing of one in which fewer than four would stay hidden."""
    return NOTHING + value[-_SHOWN:] if len(value) >= _SHOWN_FROM else NOTHING


@dataclass(frozen=True, slots=True)
class Place:
    """The column, and the tenant, that a hidden value belongs to.

    Attributes:
        relation: as the mapping names it; a proposal's own tokens have the proposal there.
    """

    source: str
    relation: str
    column: str
    tenant: Token


@dataclass(frozen=True, slots=True)
class Keeper:
    """Makes tokens and seals values with two secrets of one ledger."""

    _tokens: bytes
    _seals: bytes

    @classmethod
    def of(cls, secret: Callable[[str], bytes]) -> Keeper:
        """Return the keeper of a ledger; `secret` is its own."""
        return cls(secret("tokens"), secret("seals"))

    def __repr__(self) -> str:
        return "Keeper()"

    def token(self, place: Place, value: str) -> str:
        """Return the token of a value."""
        told = canonical([place.source, place.relation, place.column, place.tenant, value])
        return BEGINS + hmac.new(self._tokens, b"synapsor:token\0" + told, hashlib.sha256).hexdigest()[:_DIGITS]

    def seal(self, place: Place, value: Token) -> Token:
        """Return a value sealed for its place; a missing one stays missing."""
        if value is None:
            return None
        sealed = AESSIV(self._seals).encrypt(value.encode("utf-8", "surrogatepass"), [_bound(place)])
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def unseal(self, place: Place, sealed: Token) -> Token:
        """Return the value that was sealed for this place.

        Raises:
            IntegrityError: it was sealed for another place or by another ledger, or was changed.
        """
        if sealed is None:
            return None
        try:
            raw = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
            return AESSIV(self._seals).decrypt(raw, [_bound(place)]).decode("utf-8", "surrogatepass")
        except (InvalidTag, ValueError):
            raise IntegrityError(
                "A sealed value cannot be opened: it is not of this place or of this ledger."
            ) from None


def _bound(place: Place) -> bytes:
    return b"synapsor:seal\0" + canonical([place.source, place.relation, place.column, place.tenant])
