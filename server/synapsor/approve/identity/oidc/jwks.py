"""A provider's public keys (RFC 7517): which of them may verify what. Pure; a key's name is only ever looked up in this one set.

A key that cannot be used is remembered with the reason, so that a token of it is refused by that and not as unknown.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from synapsor.approve.identity.oidc.refusals import Rule, refused

PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192
_MAX_KEYS = 100
_MAX_NAME = 256
_MAX_PART = MAX_RSA_BITS // 6 + 4

_OF_TYPE: dict[str, frozenset[str]] = {
    "RSA": frozenset({"RS256", "PS256"}),
    "EC": frozenset({"ES256"}),
    "OKP": frozenset({"EdDSA"}),
}
_PUBLIC = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_READERS = {"RSA": RSAAlgorithm.from_jwk, "EC": ECAlgorithm.from_jwk, "OKP": OKPAlgorithm.from_jwk}


@dataclass(frozen=True, slots=True)
class Key:
    """One public key, and the algorithms that it may verify."""

    public: PublicKey
    algorithms: frozenset[str]


@dataclass(frozen=True, slots=True)
class KeySet:
    """The provider's keys by name, and why some names cannot be used."""

    keys: Mapping[str, Key] = field(default_factory=dict)
    unfit: Mapping[str, Rule] = field(default_factory=dict)

    def knows(self, name: str) -> bool:
        """Tell whether there is a key of this name, usable or not."""
        return name in self.keys or name in self.unfit

    def verifies(self, algorithms: Collection[str]) -> bool:
        """Tell whether any key is for one of these algorithms."""
        return any(key.algorithms & {*algorithms} for key in self.keys.values())

    def key(self, name: str, algorithm: str) -> PublicKey:
        """Return the key of a name for an algorithm.

        Raises:
            LoginRefused: there is none, or it is not for this.
        """
        if name in self.unfit:
            raise refused(self.unfit[name])
        if name not in self.keys:
            raise refused(Rule.KEY_UNKNOWN)
        if algorithm not in self.keys[name].algorithms:
            raise refused(Rule.KEY_UNFIT)
        return self.keys[name].public


def key_set(document: Mapping[str, Any]) -> KeySet:
    """Return the keys of a JWK Set; of two with one name neither counts.

    Raises:
        LoginRefused: it is no JWK Set.
    """
    listed = document.get("keys")
    if not isinstance(listed, list) or len(listed) > _MAX_KEYS:
        raise refused(Rule.PROVIDER_MALFORMED, "its keys")
    keys: dict[str, Key] = {}
    unfit: dict[str, Rule] = {}
    for entry in listed:
        name = entry.get("kid") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not 0 < len(name) <= _MAX_NAME:
            continue
        if name in keys or name in unfit:
            keys.pop(name, None)
            unfit[name] = Rule.KEY_UNFIT
            continue
        found = _read(entry)
        if isinstance(found, Key):
            keys[name] = found
        else:
            unfit[name] = found
    return KeySet(keys, unfit)


def _read(entry: Mapping[str, Any]) -> Key | Rule:
    kind = entry.get("kty")
    algorithms = _algorithms(entry, kind) if isinstance(kind, str) else frozenset()
    if not algorithms or not isinstance(kind, str):
        return Rule.KEY_UNFIT
    parts = {name: entry.get(name) for name in _PUBLIC[kind]}
    if not all(isinstance(part, str) and len(part) <= _MAX_PART for part in parts.values()):
        return Rule.KEY_UNFIT
    try:
        public = _READERS[kind]({"kty": kind, **parts})
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
        return Rule.KEY_UNFIT
    return _measured(public, algorithms)


def _algorithms(entry: Mapping[str, Any], kind: str) -> frozenset[str]:
    """Return what a key is for; a symmetric or private key, or one for encryption, is for nothing."""
    operations = entry.get("key_ops", ["verify"])
    if (
        "d" in entry
        or entry.get("use", "sig") != "sig"
        or not isinstance(operations, list)
        or "verify" not in operations
    ):
        return frozenset()
    possible = _OF_TYPE.get(kind, frozenset())
    if "alg" in entry:
        return possible & {entry["alg"]} if isinstance(entry["alg"], str) else frozenset()
    return possible


def _measured(public: object, algorithms: frozenset[str]) -> Key | Rule:
    if isinstance(public, RSAPublicKey):
        if public.key_size < MIN_RSA_BITS:
            return Rule.KEY_TOO_SMALL
        fits = public.key_size <= MAX_RSA_BITS and public.public_numbers().e >= 2**16
    else:
        curve = isinstance(public, EllipticCurvePublicKey) and isinstance(public.curve, SECP256R1)
        fits = curve or isinstance(public, Ed25519PublicKey)
    return Key(public, algorithms) if fits and isinstance(public, PublicKey) else Rule.KEY_UNFIT
