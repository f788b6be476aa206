"""Putting refused logins on record, so that nobody who can knock can fill the ledger: so many a minute, and of the rest how many."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from synapsor import handles
from synapsor.core.attempts import Door, RefusedLogin, Way
from synapsor.core.moment import stamp
from synapsor.core.statements import Identity
from synapsor.errors import LoginRefused
from synapsor.ports import Clock, ReviewLedger

A_MINUTE = 30
"""How many are recorded in a minute, each by itself."""

NOBODY: Final = Identity(issuer="", subject="")
"""Whoever was refused before they had proven anything."""

log = logging.getLogger("synapsor.approve")


@dataclass(slots=True, kw_only=True)
class Attempts:
    """The refused logins of one door."""

    ledger: ReviewLedger
    clock: Clock
    door: Door
    issuer: str = ""
    _recent: deque[float] = field(default_factory=deque)
    _unrecorded: int = 0

    async def refused(self, refusal: LoginRefused, way: Way) -> None:
        """Record a refused login, or count it."""
        subject = refusal.subject
        known = Identity(issuer=self.issuer, subject=subject) if subject else NOBODY
        await self.record(refusal.rule, way, known)

    async def record(self, rule: str, way: Way, known: Identity) -> None:
        """Record that somebody was refused by a rule, or count it where a minute has seen enough."""
        now = self.clock.now()
        moment = now.timestamp()
        while self._recent and not 0 <= moment - self._recent[0] < 60:  # noqa: PLR2004  # a minute
            self._recent.popleft()
        if len(self._recent) >= A_MINUTE:
            self._unrecorded += 1
            log.warning("a login was refused: %s", rule, extra={"action": "login_refused", "rule": rule})
            return
        self._recent.append(moment)
        counted, self._unrecorded = self._unrecorded, 0
        await self.ledger.refused_login(
            RefusedLogin(
                id=handles.new("lgr"),
                at=stamp(now),
                door=self.door,
                way=way,
                rule=str(rule),
                issuer=known.issuer,
                subject=known.subject,
                unrecorded=counted,
            )
        )
