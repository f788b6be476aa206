"""What each token has open at once: counted, weighed and taking turns, so that no token can take what is the others'.

A message's share is held from its first byte until its client has the answer, whatever the transport.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from math import inf
from typing import Any

import anyio
from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.types import INTERNAL_ERROR
from starlette.types import Message, Receive

from synapsor.web.limits import Limits, TooMuch

_AT_ONCE = frozenset({"initialize", "ping"})


@dataclass(slots=True)
class _Open:
    turns: anyio.Semaphore
    messages: int = 0
    bytes: int = 0


@dataclass(slots=True)
class Share:
    """What one message takes of its token's share."""

    _open: _Open
    _limit: int
    _bytes: int = field(default=0, init=False)
    _in_turn: bool = field(default=False, init=False)
    _ended: bool = field(default=False, init=False)
    limit: anyio.CancelScope | None = field(default=None, init=False)
    """The time that the message has, where it is limited."""

    def weigh(self, size: int) -> None:
        """Add the size of a part of the message.

        Raises:
            TooMuch: the token's messages are too large together.
        """
        if self._open.bytes + size > self._limit:
            raise TooMuch("The open messages of this token are too large together; wait for an answer")
        self._open.bytes += size
        self._bytes += size

    async def turn(self) -> None:
        """Wait for the token's turn, and keep it until the message ends.

        Raises:
            MCPError: the message has ended before, so that nobody waits for an answer.
        """
        await self._open.turns.acquire()
        if self._ended:
            self._open.turns.release()
            raise MCPError(INTERNAL_ERROR, "The request took too long")
        self._in_turn = True

    @asynccontextmanager
    async def aside(self) -> AsyncIterator[None]:
        """Let others have the turn while nothing is done for the message but waiting, which is no part of its time either."""
        if self._ended or not self._in_turn:
            yield
            return
        self._in_turn = False
        self._open.turns.release()
        with _stopped(self.limit):
            yield
        if not self._ended:
            await self.turn()

    def end(self) -> None:
        """Give everything back."""
        self._ended = True
        self._open.bytes -= self._bytes
        if self._in_turn:
            self._open.turns.release()


@contextmanager
def _stopped(limit: anyio.CancelScope | None) -> Iterator[None]:
    """Stop the clock of a time limit for a while."""
    if limit is None:
        yield
        return
    left = limit.deadline - anyio.current_time()
    limit.deadline = inf
    try:
        yield
    finally:
        limit.deadline = anyio.current_time() + left


current_share: ContextVar[Share | None] = ContextVar("synapsor_share", default=None)


class Shares:
    """The messages of each token."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: dict[str, _Open] = {}

    @contextmanager
    def message(self, owner: str) -> Iterator[Share]:
        """Open a message; its share is the current one of everything that is done for it.

        Raises:
            TooMuch: the owner has too many open.
        """
        mine = self._open.get(owner) or _Open(anyio.Semaphore(self._limits.calls, fast_acquire=True))
        if mine.messages >= self._limits.messages:
            raise TooMuch("Too many messages at once; wait for an answer")
        self._open[owner] = mine
        mine.messages += 1
        share = Share(mine, self._limits.held)
        slot = current_share.set(share)
        try:
            yield share
        finally:
            current_share.reset(slot)
            share.end()
            mine.messages -= 1
            if not mine.messages:
                del self._open[owner]


async def in_turn(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Work on a request when it is its token's turn; what costs nothing, and what cancels a request, never waits."""
    share = current_share.get()
    if share is not None and ctx.request_id is not None and ctx.method not in _AT_ONCE:
        await share.turn()
    return await call_next(ctx)


class Streams:
    """The open event streams of each token; they end when the server does."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: Counter[str] = Counter()
        self._closing = anyio.Event()

    @contextmanager
    def one(self, owner: str) -> Iterator[None]:
        """Hold one stream open.

        Raises:
            TooMuch: the owner has none left, or the server is ending.
        """
        if self._closing.is_set() or self._open[owner] >= self._limit:
            raise TooMuch("Too many open streams; close one")
        self._open[owner] += 1
        try:
            yield
        finally:
            self._open[owner] -= 1

    def until_closed(self, receive: Receive) -> Receive:
        """Return a `receive` that says the client left when the server ends."""

        async def either() -> Message:
            found: list[Message] = []

            async def closing() -> None:
                await self._closing.wait()
                found.append({"type": "http.disconnect"})
                group.cancel_scope.cancel()

            async with anyio.create_task_group() as group:
                group.start_soon(closing)
                found.append(await receive())
                group.cancel_scope.cancel()
            return found[0]

        return either

    def close(self) -> None:
        """End all streams and open no further one."""
        self._closing.set()
