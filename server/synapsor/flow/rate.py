"""How often one person may call one capability: a count over the last minute, kept by this server process."""

from __future__ import annotations

import datetime as dt
from collections import deque

from synapsor.errors import Code, Refusal
from synapsor.values import Token

_WINDOW = dt.timedelta(minutes=1)
_SWEEP = 10_000

Caller = tuple[str, Token, str]
"""Capability, tenant and principal."""


class Rates:
    """The calls of the last minute. A refused call does not count, so that whoever waits is let in again."""

    def __init__(self) -> None:
        self._calls: dict[Caller, deque[dt.datetime]] = {}

    def take(self, caller: Caller, most: int, now: dt.datetime) -> None:
        """Count a call.

        Raises:
            Refusal: there were `most` in the last minute (`rate_limited`), with when the next one may come.
        """
        if len(self._calls) > _SWEEP:
            self._calls = {who: calls for who, calls in self._calls.items() if calls and calls[-1] > now - _WINDOW}
        calls = self._calls.setdefault(caller, deque())
        # A clock that was set back would otherwise keep its callers out until it is where it was.
        while calls and not now - _WINDOW < calls[0] <= now:
            calls.popleft()
        if len(calls) >= most:
            wait = calls[0] + _WINDOW - now
            raise Refusal(Code.RATE_LIMITED, retry_after_ms=max(1, int(wait.total_seconds() * 1000)))
        calls.append(now)
