"""Ed25519 signatures (RFC 8032) and public keys as text: raw, in base64, and only in the one spelling that we write.

Base64 has spellings that decode alike; with one alone, equal keys and equal signatures are equal texts.
"""

from __future__ import annotations

import base64
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def sign(message: bytes, key: Ed25519PrivateKey) -> str:
    """Return the signature over the message."""
    return base64.b64encode(key.sign(message)).decode()


@lru_cache(maxsize=512)
def holds(message: bytes, signature: str, public_key: str) -> bool:
    """Tell whether the key of this public part made this signature over the message; of the same three texts that is said once."""
    try:
        _key_of(public_key).verify(_raw(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=64)
def _key_of(public_key: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(_raw(public_key))


def public_text(key: Ed25519PrivateKey) -> str:
    """Return the public part of a key."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def is_public_key(text: str) -> bool:
    """Tell whether this is a public key."""
    try:
        Ed25519PublicKey.from_public_bytes(_raw(text))
    except ValueError:
        return False
    return True


def _raw(text: str) -> bytes:
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise ValueError("another spelling")
    return raw
