"""A login that has begun: what its answer must fit, sealed into the browser's own cookie, so that beginning one costs no memory here.

An answer counts once, in the session that began it, and for ten minutes.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from synapsor.approve.oidc.refusals import Rule, refused

KEEP_S = 600
MOST_ANSWERED = 10_000

_NONCE = 12
_MAX_SEALED = 4096
_DOMAIN = b"synapsor:oidc-login\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """One login under way.

    Attributes:
        session: the session that began it; one before any login has a name, too.
        back: the page that the person wanted.
        max_age_s: how long before it began the person may have proven who they are, or None for any time.
    """

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    session: str = field(repr=False)
    begun: float
    back: str
    max_age_s: int | None


def begin(*, session: str, back: str, max_age_s: int | None, now: float) -> Pending:
    """Return a new login with random names of its own."""
    return Pending(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        session=session,
        begun=now,
        back=back,
        max_age_s=max_age_s,
    )


class Seal:
    """Seals logins under a key of this process; one of before a restart is unknown."""

    def __init__(self) -> None:
        self._box = AESGCM(AESGCM.generate_key(256))

    def close(self, pending: Pending) -> str:
        """Return a login as text that only this process can read or make."""
        nonce = os.urandom(_NONCE)
        sealed = self._box.encrypt(nonce, json.dumps(asdict(pending)).encode(), _DOMAIN)
        return base64.urlsafe_b64encode(nonce + sealed).decode()

    def open(self, sealed: str | None) -> Pending:
        """Return the login that was sealed.

        Raises:
            LoginRefused: it was not sealed here.
        """
        if not sealed or len(sealed) > _MAX_SEALED or not sealed.isascii():
            raise refused(Rule.LOGIN_UNKNOWN)
        try:
            data = base64.urlsafe_b64decode(sealed)
            opened = self._box.decrypt(data[:_NONCE], data[_NONCE:], _DOMAIN)
        except (ValueError, InvalidTag):
            raise refused(Rule.LOGIN_UNKNOWN) from None
        return Pending(**json.loads(opened))


class Answered:
    """The logins whose answer was taken, for as long as it could be given again.

    One that let nobody in is given back, so that only people who are let in take up room here.
    """

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def take(self, pending: Pending, *, now: float) -> None:
        """Take the answer of a login.

        Raises:
            LoginRefused: it was taken before, its time is over, or there are too many to remember.
        """
        if not -KEEP_S < now - pending.begun < KEEP_S:
            raise refused(Rule.LOGIN_EXPIRED)
        self._until = {state: until for state, until in self._until.items() if until > now}
        if pending.state in self._until:
            raise refused(Rule.LOGIN_REPLAYED)
        if len(self._until) >= MOST_ANSWERED:
            raise refused(Rule.LOGIN_BUSY)
        # Twice the time, so that a clock which was set back brings no answer back.
        self._until[pending.state] = now + 2 * KEEP_S

    def give_back(self, pending: Pending) -> None:
        """Forget a login that let nobody in."""
        self._until.pop(pending.state, None)
