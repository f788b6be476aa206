"""What people and their keys sign: decisions, questions, amendments, logins, activations, switches, looks, undos, resolutions, and how writeback is steered.

Each is one frozen statement, signed (Ed25519, RFC 8032) over its canonical form under a tag of its own kind, so that no signature over one
is a signature over another. What a signature is worth, `core.review` says.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor.core import signatures
from synapsor.core.instructions import Instruction, Pause
from synapsor.core.moment import Instant
from synapsor.core.records import to_body
from synapsor.values import canonical, digest_bytes

Verdict = Literal["approve", "reject"]
Resolved = Literal["applied", "not_applied"]

SwitchState = Literal["stopped", "running"]
LoginMethod = Literal["key", "oidc", "code"]
CodeMethod = Literal["totp", "bound"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who somebody is to an identity provider: its issuer, and its own name for the person, which it never gives to another."""

    issuer: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A person whose public key, or whose login, the project trusts.

    Attributes:
        key: raw Ed25519 public key, base64; None of a person who only logs in.
        roles: what the person may decide.
        principals: session principals that are this same person; nobody decides on their own request.
        login: who the person is to the identity provider.
        code_secret: what their one-time codes are made with; only where decisions are taken or verified, and never in a text.
    """

    name: str
    key: str | None
    roles: tuple[str, ...]
    principals: tuple[str, ...] = ()
    revoked: bool = False
    login: Identity | None = None
    code_secret: bytes | None = field(default=None, repr=False)

    def names(self) -> tuple[str, ...]:
        """Every name that this person goes by."""
        return (self.name, *self.principals, *((self.login.subject,) if self.login else ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUp:
    """What is kept of the one-time code that a person gave with a decision: never the code, but what proves it to who has the secret.

    Attributes:
        method: `totp` of an authenticator; `bound` of this very digest, for a code that passes through a program that is not trusted.
        step: the interval of time that it is of.
        proof: what only the person's secret makes of the interval and the digest that the code was given for.
    """

    method: CodeMethod
    step: int
    proof: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What is signed so that a session's key speaks for an operator, for a short while and in one ledger.

    Attributes:
        key: the session's public key, raw Ed25519 in base64; its private half is in one process's memory alone.
        method: `key` signed by the operator's own key; `oidc` and `code` by the key of a voucher, which saw the proof.
        voucher: the operator entry of that key; "" where the operator signed.
        issuer, subject: who the identity provider says it is; "" otherwise.
        roles: what the session may decide, never more than the operator may.
        client: which program holds the session, for people to read.
    """

    id: str
    ledger: str
    operator: str
    key: str
    method: LoginMethod
    voucher: str
    issuer: str
    subject: str
    roles: tuple[str, ...]
    client: str
    at: Instant
    expires_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedLogin:
    """A login with its signature, base64."""

    login: Login
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is signed: one verdict of one person on one proposal digest, for one ledger, until it expires.

    Attributes:
        policy: digest of the policy that decided instead of a person, or None.
        code: of a rejection, why in one word of a closed list; the reason says it in the person's own words.
        step_up: the one-time code that was given with it.
        effect: the digest of the measured effect that was approved with the proposal, "" for none.
    """

    id: str
    ledger: str
    proposal: str
    digest: str
    verdict: Verdict
    operator: str
    role: str
    at: Instant
    expires_at: Instant
    reason: str
    nonce: str
    policy: str | None = None
    code: str | None = None
    step_up: StepUp | None = None
    effect: str = ""

    def lapsed(self, now: str) -> bool:
        """Tell whether its time is over: from the moment at which it expires it does not count."""
        return now >= self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedDecision:
    """A decision with its signature, base64, and the login by which the signing key speaks for the operator, where it is not their own."""

    decision: Decision
    signature: str
    login: SignedLogin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """What is signed to ask whoever asked for a change something about it, before anybody decides."""

    id: str
    ledger: str
    proposal: str
    digest: str
    operator: str
    role: str
    text: str
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedInquiry:
    """A question with its signature, base64, and the login by which the signing key speaks for the operator, where it is not their own."""

    question: Inquiry
    signature: str
    login: SignedLogin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowRequest:
    """What is signed to have a change measured before anybody approves it, or measured anew."""

    id: str
    ledger: str
    proposal: str
    digest: str
    operator: str
    role: str
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedShadowRequest:
    """A request with its signature, base64, and the login by which the signing key speaks for the operator, where it is not their own."""

    request: ShadowRequest
    signature: str
    login: SignedLogin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """What is signed to put a proposal in the place of another one.

    Attributes:
        id: the proposal that takes the place, and `content` the digest of all that it says but this signature.
        proposal, digest: the one whose place it takes.
        role: what may decide on the one that takes the place.
    """

    id: str
    ledger: str
    content: str
    proposal: str
    digest: str
    operator: str
    role: str
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """What is signed to activate a contract: its digest, the fingerprint of each source and the shape of each table it names."""

    id: str
    ledger: str
    contract: str
    digest: str
    sources: dict[str, str]
    operator: str
    at: Instant
    shapes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedActivation:
    """An activation with its signature, base64, and what is recorded with it of the databases and mappings."""

    activation: Activation
    signature: str
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reveal:
    """What is signed to look behind hidden values: which ones, who looked, and why; never a value.

    Attributes:
        subject: the token or handle that was asked about.
        evidence: the bundle that keeps the values.
        tokens: those that were looked behind; none where a proposal's own row was shown.
    """

    id: str
    ledger: str
    subject: str
    evidence: str
    column: str
    tokens: tuple[str, ...]
    operator: str
    role: str
    reason: str
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """What is signed to stop automatic approval in a ledger, or to let it run again.

    Attributes:
        role: in which role it is asked, which is always that of who keeps the policies.
    """

    id: str
    ledger: str
    state: SwitchState
    operator: str
    role: str
    at: Instant
    reason: str
    nonce: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedSwitch:
    """A switch with its signature, base64, and the login by which the signing key speaks, as of an instruction."""

    switch: Switch
    signature: str
    login: SignedLogin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """What is signed to ask for an applied change to be undone.

    Attributes:
        id: the proposal that would undo it.
        proposal, digest: the applied change.
    """

    id: str
    ledger: str
    proposal: str
    digest: str
    operator: str
    reason: str
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What is signed to end a proposal of which nobody knows whether it was applied.

    Attributes:
        verdict: what became of it, as the person says.
        found: how its rows, and those of its group, stood just before, in one word of `core.reconcile`.
        seen: the digest of what was seen of its own rows, "" where they could not be looked at.
        contrary: the person says so although what was seen speaks against it, or nothing was seen.
        unasked: the person says so although the application that had it in hand was not asked to give it up, and may do it yet.
    """

    id: str
    ledger: str
    proposal: str
    digest: str
    verdict: Resolved
    found: str
    seen: str
    contrary: bool
    operator: str
    role: str
    reason: str
    at: Instant
    unasked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedResolution:
    """A resolution with its signature, base64, and the login by which the signing key speaks for the operator, where it is not their own."""

    resolution: Resolution
    signature: str
    login: SignedLogin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedInstruction:
    """An instruction with its signature, base64, and the login by which the signing key speaks for the operator, where it is not their own."""

    instruction: Instruction
    signature: str
    login: SignedLogin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedPause:
    """A pause, or the end of one, with its signature, base64, and the login by which the signing key speaks, as of an instruction."""

    pause: Pause
    signature: str
    login: SignedLogin | None = None


Spoken = Decision | Inquiry | Amendment | Reveal | ShadowRequest | Resolution | Instruction | Pause | Switch
"""What an operator may sign with their own key or with that of a session that speaks for them, in a role."""

Statement = Spoken | Activation | Undo | Login


def sign(statement: Statement, key: Ed25519PrivateKey) -> str:
    """Return the base64 signature over the statement."""
    return signatures.sign(_signed_bytes(statement), key)


def signature_holds(statement: Statement, signature: str, operator: Operator) -> bool:
    """Tell whether this operator's key made this signature over this statement."""
    return operator.key is not None and made_by(operator.key, statement, signature)


def made_by(key: str, statement: Statement, signature: str) -> bool:
    """Tell whether the key of this public part made this signature over this statement."""
    return signatures.holds(_signed_bytes(statement), signature, key)


def _signed_bytes(statement: Statement) -> bytes:
    kind = type(statement).__name__.lower()
    return f"synapsor:{kind}\0".encode() + canonical(to_body(statement))


def key_fingerprint(key: str) -> str:
    """Return a short name of a public key for people to compare."""
    return digest_bytes("key", base64.b64decode(key))[7:23]
