"""The signature of a job: HMAC-SHA256 over the moment, the executor's name and the exact bytes, so that nobody else asks, nothing old is asked
again, and nothing is taken that was meant for another executor.

`Synapsor-Signature: t=<seconds since 1970>,v2=<hexadecimal>`; a later way to sign gets a name of its own beside `v2`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Iterable, Mapping
from typing import Final

from synapsor.handler.wire import LEAST_SECRET, MOST_AGE_SECONDS, MOST_BYTES, SIGNATURE

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_FORM: Final = re.compile(r"t=([0-9]{1,12}),v2=([0-9a-f]{64})", re.ASCII)


class NotSigned(Exception):
    """A request is not from the worker, or not from now; answer it with 401 and do nothing."""


def sign(secret: str, body: bytes, *, executor: str, at: int) -> str:
    """Return the signature of a body that is for one executor, at a moment.

    Raises:
        ValueError: it is no name of an executor.
    """
    _check_name(executor)
    return f"t={at},v2={_mac(secret, str(at), executor, body)}"


def verify(
    body: bytes,
    headers: Mapping[str, str],
    secrets: str | Iterable[str],
    *,
    executor: str,
    now: float | None = None,
    max_age: int = MOST_AGE_SECONDS,
    max_bytes: int = MOST_BYTES,
) -> None:
    """Prove that the worker has signed this body within the last `max_age` seconds, by one of the secrets, for this executor: the name that the
    contract and `synapsor.yaml` give it.

    While a secret is changed, give the old one and the new one.

    Raises:
        NotSigned: it has not, or the body is larger than any job.
        ValueError: no secret is given, or one that could be guessed, or no name of an executor.
    """
    known = (secrets,) if isinstance(secrets, str) else tuple(secrets)
    if not known or any(len(secret) < LEAST_SECRET for secret in known):
        raise ValueError(f"a secret has at least {LEAST_SECRET} characters")
    _check_name(executor)
    told = next((value for name, value in headers.items() if name.lower() == SIGNATURE.lower()), "")
    form = _FORM.fullmatch(told)
    if form is None or len(body) > max_bytes:
        raise NotSigned
    signed = [hmac.compare_digest(_mac(secret, form[1], executor, body), form[2]) for secret in known]
    if not any(signed) or abs((time.time() if now is None else now) - int(form[1])) > max_age:
        raise NotSigned


def _check_name(executor: str) -> None:
    # A name without a full stop: else two of them, each with another body, could be told by the same bytes.
    if _NAME.fullmatch(executor) is None:
        raise ValueError("an executor has the name that the contract gives it")


def _mac(secret: str, at: str, executor: str, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{at}.{executor}.".encode() + body, hashlib.sha256).hexdigest()
