"""A login that has begun: what its answer must fit, sealed into the browser's own cookie, so that beginning one costs no memory here.

An answer counts once, in the session that began it, and for ten minutes.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, field

from synapsor.approve.identity.oidc.refusals import Rule, refused
from synapsor.web.seal import Seal

KEEP_S = 600
MOST_ANSWERED = 10_000


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


class Pendings:
    """Seals logins under a key of this process; one of before a restart is unknown."""

    def __init__(self) -> None:
        self._seal = Seal("synapsor:oidc-login")

    def close(self, pending: Pending) -> str:
        """Return a login as text that only this process can read or make."""
        return self._seal.close(asdict(pending))

    def open(self, sealed: str | None) -> Pending:
        """Return the login that was sealed.

        Raises:
            LoginRefused: it was not sealed here.
        """
        opened = self._seal.open(sealed)
        if opened is None:
            raise refused(Rule.LOGIN_UNKNOWN)
        return Pending(**opened)


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
