"""Sign in an operator's name: no signature leaves here that does not hold with the public key that the project trusts."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor.core.review import Operator, Statement, sign, signature_holds
from synapsor.core.signatures import public_text
from synapsor.errors import DecisionRefused


def check_key(operator: Operator, key: Ed25519PrivateKey) -> None:
    """Refuse a key that is not the operator's, before anything is told or done.

    Raises:
        DecisionRefused: by rule `wrong_key`.
    """
    if public_text(key) != operator.key:
        raise _wrong_key(operator)


def signed_by(operator: Operator, key: Ed25519PrivateKey, statement: Statement) -> str:
    """Return the operator's signature over a statement.

    Raises:
        DecisionRefused: by rule `wrong_key`.
    """
    signature = sign(statement, key)
    if not signature_holds(statement, signature, operator):
        raise _wrong_key(operator)
    return signature


def _wrong_key(operator: Operator) -> DecisionRefused:
    return DecisionRefused(
        "wrong_key",
        f"This is not the key of {operator.name}.",
        fix="Use the key that was added with `synapsor operator add`.",
        exit_code=5,
    )
