"""Sign in an operator's name: no signature leaves here that does not hold with the public key that the project trusts."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor import handles
from synapsor.contract.approvals import POLICY_SIGNER
from synapsor.core.login import decision_holds, has_begun, is_during, spoken_by, verify_login
from synapsor.core.moment import stamp
from synapsor.core.proposal import Proposal
from synapsor.core.review import APPROVAL_LASTS, as_trusted, is_by_prompt
from synapsor.core.signatures import public_text
from synapsor.core.statements import (
    Decision,
    Identity,
    Login,
    LoginMethod,
    Operator,
    SignedDecision,
    SignedLogin,
    Spoken,
    Statement,
    StepUp,
    Verdict,
    sign,
    signature_holds,
)
from synapsor.core.trust import ProgramKey
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.refusals import Rule

_AGAIN: Final = "Log in again."
_CLOCKS: Final = "Set the clocks of both machines right, and log in again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who signs a decision: an operator with their own key, or with the key of a session that speaks for them.

    Attributes:
        operator: the entry by which the key was found. What it may is for `check` to say, by the entries that are trusted now.
        login: what makes the session's key speak for the operator; None where the key is their own.
        code: the one-time code that the person gave, "" for none.
    """

    operator: Operator
    key: Ed25519PrivateKey = field(repr=False)
    login: SignedLogin | None = None
    code: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """The operator's name."""
        return self.operator.name

    @property
    def by_prompt(self) -> bool:
        """Whether the decision comes through a prompt."""
        return is_by_prompt(self.login)

    def check(self, operators: Mapping[str, Operator], *, ledger: str, now: dt.datetime) -> Operator:
        """Return the operator as the project trusts them now; refuse a key that does not speak for them, before anything is told or done.

        Raises:
            DecisionRefused: by rule `wrong_key`, `operator_revoked`, `login_expired`, `login_to_come` or `login_invalid`.
        """
        if self.login is None:
            check_key(operators.get(self.operator.name, self.operator), self.key)
            return as_trusted(self.operator, operators)
        try:
            speaker = verify_login(self.login, operators, ledger=ledger)
        except IntegrityError as invalid:
            raise DecisionRefused(Rule.LOGIN_INVALID, invalid.message, fix=_AGAIN) from None
        if speaker.name != self.operator.name or self.login.login.key != public_text(self.key):
            raise DecisionRefused(Rule.LOGIN_INVALID, "The login is of another session.", fix=_AGAIN)
        if not has_begun(self.login, stamp(now)):
            raise DecisionRefused(
                Rule.LOGIN_TO_COME,
                "The login is of a moment that the clock here has not reached.",
                fix=_CLOCKS,
            )
        if not is_during(self.login, stamp(now)):
            raise DecisionRefused(Rule.LOGIN_EXPIRED, "The login has expired.", fix=_AGAIN)
        return as_trusted(self.operator, operators)

    def check_for(self, proposal: Proposal) -> None:
        """Refuse what the session does not carry, though the operator may have it.

        Raises:
            DecisionRefused: by rule `not_by_prompt` or `role_missing`.
        """
        check_carried(proposal, by_prompt=self.by_prompt)
        self.check_role(proposal.role)

    def check_role(self, role: str) -> None:
        """Refuse a role that the session does not carry, though the operator may have it.

        Raises:
            DecisionRefused: by rule `role_missing`.
        """
        if self.login is not None and role not in self.login.login.roles:
            raise DecisionRefused(
                Rule.ROLE_MISSING,
                f"This needs the role {role}, which this login of {self.operator.name} does not carry.",
                fix="Log in again, or ask somebody who has it.",
            )

    def speak(self, statement: Spoken, operators: Mapping[str, Operator]) -> str:
        """Return the signature over what the operator says beside a decision.

        Raises:
            DecisionRefused: by rule `wrong_key`.
        """
        signature = sign(statement, self.key)
        if not spoken_by(statement, signature, self.login, operators):
            raise _wrong_key(self.operator)
        return signature


def check_carried(proposal: Proposal, *, by_prompt: bool) -> None:
    """Refuse to decide through a prompt on what its contract does not let be decided so.

    Raises:
        DecisionRefused: by rule `not_by_prompt`.
    """
    if by_prompt and not proposal.by_prompt:
        raise DecisionRefused(
            Rule.NOT_BY_PROMPT,
            "This proposal is not decided through a prompt.",
            fix="Decide in the console or with `synapsor approve`.",
        )


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
    signer: Signer,
    now: dt.datetime,
    reason: str = "",
    policy: str | None = None,
    code: str | None = None,
    step_up: StepUp | None = None,
    effect: str = "",
    operators: Mapping[str, Operator],
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
        operator=signer.operator.name,
        role=proposal.role if policy is None else POLICY_SIGNER,
        at=stamp(now),
        expires_at=min(proposal.expires_at, lasts),
        reason=reason,
        nonce=secrets.token_hex(16),
        policy=policy,
        code=code,
        step_up=step_up,
        effect=effect,
    )
    signed = SignedDecision(decision=decision, signature=sign(decision, signer.key), login=signer.login)
    if not decision_holds(signed, operators):
        raise _wrong_key(signer.operator)
    return signed


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionKey:
    """A session that is to speak for somebody.

    Attributes:
        key: its public key; the private half is in one process's memory alone.
        client: which program holds it, for people to read.
        lasts: for how long it is to speak.
    """

    key: str
    ledger: str
    client: str
    lasts: dt.timedelta


def signed_login(operator: Operator, key: Ed25519PrivateKey, session: SessionKey, *, now: dt.datetime) -> SignedLogin:
    """Return a login by which a session speaks for the operator, signed with the operator's own key.

    Raises:
        DecisionRefused: by rule `wrong_key`.
    """
    login = _login(operator, session, method="key", voucher="", identity=None, roles=operator.roles, now=now)
    return SignedLogin(login=login, signature=signed_by(operator, key, login))


def vouched_login(
    operator: Operator,
    session: SessionKey,
    *,
    voucher: ProgramKey,
    method: LoginMethod,
    roles: tuple[str, ...],
    now: dt.datetime,
) -> SignedLogin:
    """Return a login by which a session speaks for the operator, signed by the voucher that saw the person's proof.

    Raises:
        DecisionRefused: by rule `wrong_key`.
    """
    carried = tuple(role for role in operator.roles if role in roles)
    identity = operator.login if method == "oidc" else None
    by = voucher.operator
    login = _login(operator, session, method=method, voucher=by.name, identity=identity, roles=carried, now=now)
    return SignedLogin(login=login, signature=signed_by(by, voucher.key, login))


def _login(
    operator: Operator,
    session: SessionKey,
    *,
    method: LoginMethod,
    voucher: str,
    identity: Identity | None,
    roles: tuple[str, ...],
    now: dt.datetime,
) -> Login:
    return Login(
        id=handles.new("log"),
        ledger=session.ledger,
        operator=operator.name,
        key=session.key,
        method=method,
        voucher=voucher,
        issuer=identity.issuer if identity else "",
        subject=identity.subject if identity else "",
        roles=roles,
        client=session.client,
        at=stamp(now),
        expires_at=stamp(now + session.lasts),
    )


def _wrong_key(operator: Operator) -> DecisionRefused:
    return DecisionRefused(
        Rule.WRONG_KEY,
        f"This is not the key of {operator.name}.",
        fix="Use the key that was added with `synapsor operator add`.",
    )
