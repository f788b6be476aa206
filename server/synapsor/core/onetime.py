"""One-time codes: of an authenticator (TOTP, RFC 6238), and bound to one verdict on one digest (OCRA, RFC 6287).

The first proves that a person is there. The second also says to what, so that a program which passes it on can use it for nothing else.
A code is looked at where it is given. What is recorded of it is no code but a proof of it, for one digest, which only who has the secret can
make, and which whoever verifies the decision makes again: what is read out of a record approves nothing else, and no guessing makes one.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

from synapsor.core.moment import parse
from synapsor.core.statements import CodeMethod, StepUp, Verdict
from synapsor.values import digest as digest_of

SECRET_BYTES: Final = 20
"""As long as the hash of RFC 4226 is; every authenticator takes it."""

SECONDS: Final[dict[CodeMethod, int]] = {"totp": 30, "bound": 60}
"""How long a code is the newest one."""

DIGITS: Final[dict[CodeMethod, int]] = {"totp": 6, "bound": 8}
SUITE: Final = "OCRA-1:HOTP-SHA256-8:QH64-T1M"
_SKEW: Final = 1
"""How many steps two clocks may be apart; RFC 6238 recommends one."""
_HASHES: Final = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256, "SHA512": hashlib.sha512}
_QUESTION_BYTES: Final = 128


def step_at(method: CodeMethod, at: str) -> int:
    """Return the interval of time that a moment is in."""
    return int(parse(at).timestamp()) // SECONDS[method]


def meant(verdict: Verdict, digest: str) -> str:
    """Return what a code is for: one verdict on one proposal. Whoever passes on a code to reject with cannot approve with it."""
    return digest_of("code", [verdict, digest])


def code_of(method: CodeMethod, secret: bytes, digest: str, step: int) -> str:
    """Return the code of one interval; that of an authenticator is the same for every digest."""
    if method == "totp":
        return HOTP(secret, DIGITS[method], SHA1(), enforce_key_length=False).generate(step).decode()  # noqa: S303  # what authenticators compute; RFC 6238
    return ocra(_apart(secret, b"bound-code"), SUITE, bytes.fromhex(digest.removeprefix("sha256:")), step)


def recognised(method: CodeMethod, given: str, secret: bytes, digest: str, at: str) -> StepUp | None:
    """Return what is recorded of the code that was given, or None when it is not one of now."""
    if not given.isascii():
        return None
    for step in _steps(method, at):
        if hmac.compare_digest(code_of(method, secret, digest, step), given):
            return StepUp(method=method, step=step, proof=proof_of(method, secret, digest, step))
    return None


def proof_of(method: CodeMethod, secret: bytes, digest: str, step: int) -> str:
    """Return what stands in a record for the code of one interval that was given for one digest."""
    return hmac.new(_apart(secret, b"code-proof"), f"{method}:{step}:{digest}".encode(), hashlib.sha256).hexdigest()


def step_up_holds(step_up: StepUp | None, secret: bytes | None, digest: str, at: str) -> bool:
    """Tell whether what is recorded of a code proves one of its person, for its digest and of its moment."""
    if step_up is None or secret is None or step_up.step not in _steps(step_up.method, at):
        return False
    return proof_of(step_up.method, secret, digest, step_up.step) == step_up.proof


def ocra(secret: bytes, suite: str, question: bytes, step: int) -> str:
    """Return the response of a one-way challenge with a time step (RFC 6287, section 5); `question` is already in bytes."""
    _, function, _ = suite.split(":")
    _, name, digits = function.split("-")
    message = suite.encode() + b"\0" + question.ljust(_QUESTION_BYTES, b"\0") + step.to_bytes(8, "big")
    mac = hmac.new(secret, message, _HASHES[name]).digest()
    offset = mac[-1] & 0xF
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10 ** int(digits)).zfill(int(digits))


def _steps(method: CodeMethod, at: str) -> range:
    now = step_at(method, at)
    return range(now - _SKEW, now + _SKEW + 1)


def _apart(secret: bytes, purpose: bytes) -> bytes:
    # Two algorithms never share a key.
    return hmac.new(secret, b"synapsor:" + purpose, hashlib.sha256).digest()
