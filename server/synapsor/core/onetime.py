"""One-time codes: of an authenticator (TOTP, RFC 6238), and bound to one digest (OCRA, RFC 6287).

The first proves that a person is there. The second also says to what, so that a program which passes it on can use it for nothing else.
A code is verified where it is given, and again by whoever verifies the decision.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

from synapsor.core.moment import parse
from synapsor.core.statements import CodeMethod, StepUp

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


def code_of(method: CodeMethod, secret: bytes, digest: str, step: int) -> str:
    """Return the code of one interval; that of an authenticator is the same for every digest."""
    if method == "totp":
        return HOTP(secret, DIGITS[method], SHA1(), enforce_key_length=False).generate(step).decode()  # noqa: S303  # what authenticators compute; RFC 6238
    return ocra(_bound_secret(secret), SUITE, bytes.fromhex(digest.removeprefix("sha256:")), step)


def recognised(method: CodeMethod, given: str, secret: bytes, digest: str, at: str) -> StepUp | None:
    """Return the code that was given as what is recorded of it, or None when it is not one of now."""
    now = step_at(method, at)
    for step in range(now - _SKEW, now + _SKEW + 1):
        if hmac.compare_digest(code_of(method, secret, digest, step).encode(), given.encode()):
            return StepUp(method=method, step=step, code=given)
    return None


def step_up_holds(step_up: StepUp | None, secret: bytes | None, digest: str, at: str) -> bool:
    """Tell whether a recorded code is one of its person, of its digest where it is bound to one, and of its moment."""
    if step_up is None or secret is None:
        return False
    return recognised(step_up.method, step_up.code, secret, digest, at) == step_up


def ocra(secret: bytes, suite: str, question: bytes, step: int) -> str:
    """Return the response of a one-way challenge with a time step (RFC 6287, section 5); `question` is already in bytes."""
    _, function, _ = suite.split(":")
    _, name, digits = function.split("-")
    message = suite.encode() + b"\0" + question.ljust(_QUESTION_BYTES, b"\0") + step.to_bytes(8, "big")
    mac = hmac.new(secret, message, _HASHES[name]).digest()
    offset = mac[-1] & 0xF
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10 ** int(digits)).zfill(int(digits))


def _bound_secret(secret: bytes) -> bytes:
    # Two algorithms never share a key.
    return hmac.new(secret, b"synapsor:bound-code", hashlib.sha256).digest()
