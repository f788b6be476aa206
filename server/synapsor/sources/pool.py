"""A pool of database sessions: bounded, reset between borrowers, and never handing on one that is not certainly clean.

A session whose statement was canceled or ran out of time is stopped on the server before its place is given to another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import nullcontext, suppress
from typing import Any, Generic, Protocol, TypeVar

from synapsor.errors import Failure, SourceFailure

TIDY_SECONDS = 0.1
"""How long a caller waits for a session that is just being tidied, which takes one round trip, before it has another one opened."""


class Pooled(Protocol):
    """A session; the Postgres, MySQL and SQLite sessions implement it.

    Attributes:
        alive: open, in step and not busy.
        busy: a statement was begun and has not been answered to the end.
    """

    @property
    def alive(self) -> bool:
        """Whether it can be used."""
        ...

    @property
    def busy(self) -> bool:
        """Whether it must be stopped before it is closed."""
        ...

    async def reset(self) -> None:
        """End any transaction and forget all state of the borrower.

        Raises:
            SourceFailure: it cannot be used again.
        """
        ...

    async def close(self) -> None:
        """Close; never raises."""
        ...


S = TypeVar("S", bound=Pooled)


class Dialer(Protocol[S]):
    """Opens sessions, and stops a busy one in some way that does not need its own channel."""

    async def connect(self) -> S:
        """Return a new session.

        Raises:
            SourceFailure: by kind.
        """
        ...

    async def stop(self, session: S) -> None:
        """End a busy session's statement, as far as that can be done; never raises."""
        ...


class Pool(Generic[S]):
    """A bounded number of sessions; each is reset between two borrowers, and replaced when it is not certainly clean."""

    def __init__(self, dialer: Dialer[S], *, size: int, wait_ms: int) -> None:
        self._dialer = dialer
        self._slots = asyncio.Semaphore(size)
        self._wait_seconds = wait_ms / 1000
        self._idle: list[S] = []
        self._returned: list[S] = []
        self._chores: set[asyncio.Task[None]] = set()
        self._tidying: set[asyncio.Task[None]] = set()
        self._closed = False

    async def acquire(self, *, fresh: bool = False) -> S:
        """Return a clean session, an idle one where there is one and `fresh` does not forbid it.

        Raises:
            SourceFailure: `busy` when none became free in time.
        """
        if self._closed:
            raise SourceFailure(Failure.UNAVAILABLE, state="closed")
        full = False
        try:
            # Only a call that has to wait pays for a clock.
            async with asyncio.timeout(self._wait_seconds) if self._slots.locked() else nullcontext():
                await self._slots.acquire()
        except TimeoutError:
            full = True
        if full:
            raise SourceFailure(Failure.BUSY, state="pool")
        try:
            while fresh and self._idle:  # what met something outdated may have left the others so
                self._chore(self._idle.pop().close())
            return (None if fresh else await self._clean()) or await self._dialer.connect()
        except BaseException:
            self._slots.release()
            raise

    async def _clean(self) -> S | None:
        self._take_back()
        if not self._idle and self._tidying:
            await asyncio.wait(self._tidying, timeout=TIDY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        while self._idle:
            session = self._idle.pop()
            if session.alive:
                return session
            self._chore(session.close())
        return None

    def release(self, session: S) -> None:
        """Take a session back, in whatever state; it is reset, or stopped and closed, once the caller has gone on with what it got."""
        self._returned.append(session)
        asyncio.get_running_loop().call_soon(self._take_back)

    async def discard(self, session: S) -> None:
        """Close a session, stopping what it still does on the server, and free its place."""
        try:
            if session.busy:
                await self._dialer.stop(session)
            await session.close()
        finally:
            self._slots.release()

    async def tidied(self) -> None:
        """Return when every session that was handed back is clean or closed."""
        self._take_back()
        while self._chores:
            await asyncio.wait(self._chores)

    async def aclose(self) -> None:
        """Close every idle session and wait for those that are being tidied."""
        self._closed = True
        await self.tidied()
        while self._idle:
            await self._idle.pop().close()

    def _take_back(self) -> None:
        while self._returned:
            task = self._chore(self._tidy(self._returned.pop()))
            self._tidying.add(task)
            task.add_done_callback(self._tidying.discard)

    async def _tidy(self, session: S) -> None:
        if not self._closed and session.alive:
            # Whatever it raises: the session is not certainly clean then, and its place must become free.
            with suppress(Exception):
                await session.reset()
                self._idle.append(session)
                self._slots.release()
                return
        await self.discard(session)

    def _chore(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)
        return task


def left_until(moment: float) -> float:
    """Return the seconds that are left of a transaction's time, which ends at a moment of the loop's clock.

    Raises:
        SourceFailure: `timeout` when none is.
    """
    left = moment - asyncio.get_running_loop().time()
    if left <= 0:
        raise SourceFailure(Failure.TIMEOUT, state="deadline")
    return left
