"""Sign in an operator's name: no signature leaves here that does not hold with the public key that the project trusts."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor import handles
from synapsor.contract.approvals import POLICY_SIGNER
from synapsor.core.moment import stamp
from synapsor.core.proposal import Proposal
from synapsor.core.review import Decision, Operator, SignedDecision, Statement, Verdict, sign, signature_holds
from synapsor.core.signatures import public_text
from synapsor.errors import DecisionRefused

APPROVAL_LASTS: Final = dt.timedelta(hours=24)


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


def signed_decision(
    verdict: Verdict,
    proposal: Proposal,
    *,
    operator: Operator,
    key: Ed25519PrivateKey,
    now: dt.datetime,
    reason: str = "",
    policy: str | None = None,
) -> SignedDecision:
    """Return a verdict on a proposal, signed: a person's, or by the digest of a `policy` that of its key.

    An approval counts for a while, and never longer than the proposal does.

    Raises:
        DecisionRefused: by rule `wrong_key`.
    """
    lasts = stamp(now + APPROVAL_LASTS) if verdict == "approve" else proposal.expires_at
    decision = Decision(
        id=handles.new("dec"),
        ledger=proposal.ledger,
        proposal=proposal.id,
        digest=proposal.digest,
        verdict=verdict,
        operator=operator.name,
        role=proposal.role if policy is None else POLICY_SIGNER,
        at=stamp(now),
        expires_at=min(proposal.expires_at, lasts),
        reason=reason,
        nonce=secrets.token_hex(16),
        policy=policy,
    )
    return SignedDecision(decision=decision, signature=signed_by(operator, key, decision))


def _wrong_key(operator: Operator) -> DecisionRefused:
    return DecisionRefused(
        "wrong_key",
        f"This is not the key of {operator.name}.",
        fix="Use the key that was added with `synapsor operator add`.",
        exit_code=5,
    )
