"""The signature of a job: HMAC-SHA256 over the moment and the exact bytes, so that nobody else asks and nothing old is asked again.

`Synapsor-Signature: t=<seconds since 1970>,v1=<hexadecimal>`; a later way to sign gets a name of its own beside `v1`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Iterable, Mapping
from typing import Final

from synapsor.handler.wire import LEAST_SECRET, MOST_AGE_SECONDS, MOST_BYTES, SIGNATURE

_FORM: Final = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})", re.ASCII)


class NotSigned(Exception):
    """A request is not from the worker, or not from now; answer it with 401 and do nothing."""


def sign(secret: str, body: bytes, *, at: int) -> str:
    """Return the signature of a body at a moment."""
    return f"t={at},v1={_mac(secret, str(at), body)}"


def verify(
    body: bytes,
    headers: Mapping[str, str],
    secrets: str | Iterable[str],
    *,
    now: float | None = None,
    max_age: int = MOST_AGE_SECONDS,
    max_bytes: int = MOST_BYTES,
) -> None:
    """Prove that the worker has signed this body within the last `max_age` seconds, by one of the secrets.

    While a secret is changed, give the old one and the new one.

    Raises:
        NotSigned: it has not, or the body is larger than any job.
        ValueError: no secret is given, or one that could be guessed.
    """
    known = (secrets,) if isinstance(secrets, str) else tuple(secrets)
    if not known or any(len(secret) < LEAST_SECRET for secret in known):
        raise ValueError(f"a secret has at least {LEAST_SECRET} characters")
    told = next((value for name, value in headers.items() if name.lower() == SIGNATURE.lower()), "")
    form = _FORM.fullmatch(told)
    if form is None or len(body) > max_bytes:
        raise NotSigned
    signed = [hmac.compare_digest(_mac(secret, form[1], body), form[2]) for secret in known]
    if not any(signed) or abs((time.time() if now is None else now) - int(form[1])) > max_age:
        raise NotSigned


def _mac(secret: str, at: str, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
