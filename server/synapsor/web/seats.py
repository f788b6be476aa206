"""Event streams, and how many may be open: so many in all, and fewer for each one who listens.

A seat is taken in the same step in which it is found free, and given back when the stream ends, however it ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http import HTTPStatus

from sse_starlette.sse import EventSourceResponse
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send


class Seats:
    """Who listens now."""

    def __init__(self, *, most: int, most_of_one: int) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, who: str) -> Iterator[bool]:
        """Take a seat for as long as this lasts, where there is one; tell whether there was."""
        if self._taken.total() >= self._most or self._taken[who] >= self._most_of_one:
            yield False
            return
        self._taken[who] += 1
        try:
            yield True
        finally:
            self._taken[who] -= 1
            if not self._taken[who]:
                del self._taken[who]


class SeatedStream(EventSourceResponse):
    """A stream that is refused where there is no seat for who asks."""

    def __init__(self, content: AsyncIterator[dict[str, str]], *, seats: Seats, who: str) -> None:
        super().__init__(content, ping=15)
        self._seats = seats
        self._who = who

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream, or refuse."""
        with self._seats.taken(self._who) as seated:
            if seated:
                await super().__call__(scope, receive, send)
                return
        full = PlainTextResponse("There are too many open pages.\n", status_code=HTTPStatus.SERVICE_UNAVAILABLE)
        await full(scope, receive, send)
