"""The lines of a pipe: bounded, skipped when too long, and offered on the spot to whoever can answer one at once.

A line that waits for its reader's turn costs a turn of the event loop, which is dear beside a call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast


class TooLong(Exception):
    """A line is longer than the limit; the next one asked for is the one after it."""


class Lines(asyncio.Protocol):
    """A pipe's protocol, and its lines one by one.

    Attributes:
        offer: takes a line on the spot and returns True, or leaves it to the reader. It is asked only while the reader waits and
            nothing else does, so no line overtakes another.
    """

    def __init__(self, limit: int) -> None:
        self.offer: Callable[[bytes], bool] = lambda _: False
        self._limit = limit
        self._kept = bytearray()
        self._searched = 0
        self._skipping = False
        self._ended = False
        self._paused = False
        self._reader: asyncio.Future[None] | None = None
        self._transport: asyncio.ReadTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the pipe."""
        self._transport = cast("asyncio.ReadTransport", transport)  # uvloop's is one by shape only
        if self._ended:
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Offer the lines that came whole, and keep the rest for the reader."""
        start = 0
        if self._reader is not None and not self._kept and not self._skipping:
            while (end := data.find(b"\n", start)) >= 0 and end - start <= self._limit and self.offer(data[start:end]):
                start = end + 1
        if start == len(data):
            return
        self._kept += data[start:] if start else data
        if len(self._kept) > self._limit and self._transport is not None and not self._paused:
            self._transport.pause_reading()
            self._paused = True
        self._wake()

    def eof_received(self) -> None:
        """Note the end."""
        self._end()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        """Note the end, however it came."""
        self._end()

    async def next(self) -> bytes | None:
        """Return the next line that was not taken, without its newline; a last one may lack it. None at the end.

        Raises:
            TooLong: it is over the limit, and skipped.
        """
        while (line := self._whole()) is None:
            if self._ended:
                return self._cut(len(self._kept)) or None
            await self._more()
        return line

    def close(self) -> None:
        """Read nothing more."""
        self._end()
        if self._transport is not None:
            self._transport.close()

    def _whole(self) -> bytes | None:
        """Cut off the next line that came to its end, and what is skipped."""
        end = self._kept.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._kept)
            if self._skipping or len(self._kept) > self._limit:
                self._cut(len(self._kept))
                if not self._skipping:
                    self._skipping = True
                    raise TooLong
            return None
        line = self._cut(end)
        if self._skipping:
            self._skipping = False
            return self._whole()
        if len(line) > self._limit:
            raise TooLong
        return line

    def _cut(self, end: int) -> bytes:
        line = bytes(self._kept[:end])
        del self._kept[: end + 1]
        self._searched = 0
        if self._paused and len(self._kept) <= self._limit and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return line

    async def _more(self) -> None:
        self._reader = asyncio.get_running_loop().create_future()
        try:
            await self._reader
        finally:
            self._reader = None

    def _end(self) -> None:
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
