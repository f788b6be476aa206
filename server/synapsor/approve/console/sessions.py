"""Who is logged in: sessions in this process's memory and nowhere else, each with a key that is gone when it ends.

A cookie is a random name for one, together with its place where it has one, and only their hash is kept. A session ends with its login, when it is not used, in another browser, and
at once when the operator is not trusted any more.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from synapsor.core.moment import parse
from synapsor.core.statements import Operator
from synapsor.errors import DecisionRefused
from synapsor.flow.signing import Signer

MOST_SESSIONS: Final = 200
MOST_OF_ONE: Final = 6
_BYTES = 32


@dataclass(slots=True, kw_only=True)
class Session:
    """One browser in which somebody is logged in.

    Attributes:
        name: the operator's, or one that nobody has proven.
        signer: what signs decisions; None of an unverified identity, which decides nothing.
        csrf: what every form of this session must carry.
        browser: the hash of what the browser calls itself.
        flash: what the next page tells of the last act: of which proposal ("" of none), and what; and where that can be drafted from.
        uncovered: the digests of proposals that this session was shown with their hidden values; no value is kept.
    """

    name: str
    signer: Signer | None
    csrf: str
    browser: str
    began: dt.datetime
    seen: dt.datetime
    ends: dt.datetime
    flash: tuple[str, ...] = ()
    uncovered: set[str] = field(default_factory=set)

    def told(self) -> tuple[str, ...]:
        """Return what the next page tells, once."""
        words, self.flash = self.flash, ()
        return words


class Sessions:
    """All sessions, by the hash of their cookie."""

    def __init__(self, *, ledger: str, idle: dt.timedelta, lasts: dt.timedelta) -> None:
        self._ledger = ledger
        self._idle = idle
        self._open: dict[str, Session] = {}
        self.lasts = lasts

    def open(self, name: str, signer: Signer | None, *, browser: str, now: dt.datetime, place: str = "") -> str:
        """Begin a session, and return its cookie; where it has a place, only both together are what `find` takes."""
        login = signer.login if signer else None
        ends = min(now + self.lasts, parse(login.login.expires_at)) if login else now + self.lasts
        token = secrets.token_urlsafe(_BYTES)
        session = Session(
            name=name,
            signer=signer,
            csrf=secrets.token_urlsafe(_BYTES),
            browser=hashed(browser),
            began=now,
            seen=now,
            ends=ends,
        )
        self._make_room(name, now)
        self._open[hashed(place + token)] = session
        return token

    def find(
        self, token: str, *, browser: str, now: dt.datetime, operators: Mapping[str, Operator], used: bool = True
    ) -> Session | None:
        """Return the session of a cookie while it holds; one that does not is over. What a page asks by itself does not use it."""
        session = self._open.get(hashed(token)) if token else None
        if session is None:
            return None
        if not self._holds(session, browser, now, operators):
            self.close(token)
            return None
        if used:
            session.seen = now
        return session

    def is_known(self, token: str, *, browser: str, now: dt.datetime) -> bool:
        """Tell whether a cookie is that of a session whose time is not over; whether it counts still, nobody can tell by this."""
        session = self._open.get(hashed(token)) if token else None
        fits = session is not None and secrets.compare_digest(session.browser, hashed(browser))
        return fits and session is not None and now < session.ends and now - session.seen < self._idle

    def close(self, token: str) -> None:
        """End a session; its key is forgotten."""
        self._open.pop(hashed(token), None)

    def still(self, session: Session, *, now: dt.datetime, operators: Mapping[str, Operator]) -> bool:
        """Tell whether a session is open still, without its being used."""
        return any(one is session for one in self._open.values()) and self._lasts(session, now, operators)

    def of(self, name: str) -> tuple[Session, ...]:
        """Return the open sessions of one person."""
        return tuple(one for one in self._open.values() if one.name == name)

    def _holds(self, session: Session, browser: str, now: dt.datetime, operators: Mapping[str, Operator]) -> bool:
        return secrets.compare_digest(session.browser, hashed(browser)) and self._lasts(session, now, operators)

    def _lasts(self, session: Session, now: dt.datetime, operators: Mapping[str, Operator]) -> bool:
        if now >= session.ends or now - session.seen >= self._idle:
            return False
        if session.signer is None:
            return True
        try:
            session.signer.check(operators, ledger=self._ledger, now=now)
        except DecisionRefused:
            return False
        return True

    def _make_room(self, name: str, now: dt.datetime) -> None:
        """Forget what is over, and the longest unused where there are too many."""
        over = [key for key, one in self._open.items() if now >= one.ends or now - one.seen >= self._idle]
        for key in over:
            del self._open[key]
        own = sorted((key for key in self._open if self._open[key].name == name), key=self._last_seen)
        everyone = sorted(self._open, key=self._last_seen)
        for key in (*own[: max(0, len(own) - MOST_OF_ONE + 1)], *everyone[: max(0, len(everyone) - MOST_SESSIONS + 1)]):
            self._open.pop(key, None)

    def _last_seen(self, key: str) -> dt.datetime:
        return self._open[key].seen


def hashed(text: str) -> str:
    """Return what is kept of a cookie, or of what a browser calls itself."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
