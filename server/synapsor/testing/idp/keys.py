"""The keys of the provider for tests, and tokens of any shape at all: what a real provider would never sign is what has to be refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, OKPAlgorithm, RSAAlgorithm

PrivateKey: TypeAlias = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey

_SIGNERS: dict[str, Any] = {
    "RS256": RSAAlgorithm(RSAAlgorithm.SHA256),
    "PS256": jwt.get_algorithm_by_name("PS256"),
    "ES256": ECAlgorithm(ECAlgorithm.SHA256),
    "EdDSA": OKPAlgorithm(),
    "HS256": HMACAlgorithm(HMACAlgorithm.SHA256),
}


@dataclass(frozen=True, slots=True)
class IdpKey:
    """A key by name.

    Attributes:
        extra: what its entry in the key set says besides, or instead of what is true.
    """

    kid: str
    private: PrivateKey = field(repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def jwk(self) -> dict[str, Any]:
        """Its public half as the key set shows it."""
        if isinstance(self.private, RSAPrivateKey):
            shown = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        elif isinstance(self.private, EllipticCurvePrivateKey):
            shown = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        else:
            shown = OKPAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        shown.pop("key_ops", None)
        return {"kid": self.kid, "use": "sig", **shown, **self.extra}


def new_key(kid: str, kind: str = "ES256", *, bits: int = 2048, **extra: Any) -> IdpKey:
    """Return a new key for an algorithm."""
    made: PrivateKey
    if kind in {"RS256", "PS256"}:
        made = generate_rsa(public_exponent=65_537, key_size=bits)
    elif kind == "ES256":
        made = generate_private_key(SECP256R1())
    else:
        made = Ed25519PrivateKey.generate()
    return IdpKey(kid, made, extra)


def algorithm_of(key: IdpKey) -> str:
    """Return the usual algorithm of a key."""
    if isinstance(key.private, RSAPrivateKey):
        return "RS256"
    return "ES256" if isinstance(key.private, EllipticCurvePrivateKey) else "EdDSA"


def forged(header: Mapping[str, Any], payload: Mapping[str, Any] | bytes, *, key: Any, algorithm: str | None) -> str:
    """Return a token with exactly this header and payload, signed in this way whatever its header says; without one it has no signature."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signed = f"{_text(json.dumps(header).encode())}.{_text(body)}"
    signature = b"" if algorithm is None else _SIGNERS[algorithm].sign(signed.encode(), key)
    return f"{signed}.{_text(signature)}"


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
