"""A loopback proxy in front of a database server that cuts a connection at a moment that a test names, in a way that it names.

Both protocols pass through it unread but for the few bytes that say that a COMMIT, or a look-up of receipts, is on its way.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum

_COMMIT = {
    "postgres": b"Q\x00\x00\x00\x0bCOMMIT\x00",  # a simple query of its own, as the adapter sends it
    "mariadb": b"\x07\x00\x00\x00\x03COMMIT",  # COM_QUERY
}
_RECEIPTS = b"synapsor_receipts"
_READ = 1 << 16


class Moment(StrEnum):
    """At what a connection is cut."""

    CONNECT = "connect"
    COMMIT = "commit"
    RECEIPT = "receipt"  # a statement about the receipts: the first one of a transaction looks one up


class Way(StrEnum):
    """How it is cut; `late` is for a COMMIT only."""

    BEFORE = "before"  # the message never arrives, and both sides see the end
    HELD = "held"  # it never arrives, and nobody is told anything
    AFTER = "after"  # the server has answered, and the end comes instead
    FIRST_BYTE = "first_byte"  # the answer's first byte comes, and then the end
    HALF_CLOSED = "half_closed"  # the server has answered; the end comes, and one could still send
    RESET = "reset"  # the server has answered, and an RST comes
    SILENT = "silent"  # the server has answered, and nothing comes
    LATE = "late"  # nothing comes; the message arrives after another attempt has looked for the receipt


ARRIVES = frozenset({Way.AFTER, Way.FIRST_BYTE, Way.HALF_CLOSED, Way.RESET, Way.SILENT})
"""Ways in which what was sent has its effect."""


@dataclass(frozen=True, slots=True)
class Cut:
    """One cut of the next connection that comes to the moment."""

    moment: Moment
    way: Way


@dataclass
class Proxy:
    """The port to connect to, and what is still to be cut, in order.

    Attributes:
        port: where it listens.
        late: another attempt has looked for the receipt, and is about to leave one.
    """

    engine: str
    target: int
    port: int = 0
    _cuts: list[Cut] = field(default_factory=list)
    _links: set["_Link"] = field(default_factory=set)
    late: asyncio.Event = field(default_factory=asyncio.Event)

    def arm(self, cuts: Sequence[Cut]) -> None:
        """Play these cuts from now on; where the first is of a connection to come, those that are there end."""
        self._cuts = list(cuts)
        self.late = asyncio.Event()
        if self._cuts and self._cuts[0].moment is Moment.CONNECT:
            for link in tuple(self._links):
                link.end()

    @property
    def left(self) -> list[Cut]:
        """What has not been played."""
        return list(self._cuts)

    def take(self, *moments: Moment) -> Cut | None:
        """Return the cut that is due, if it is of one of these moments."""
        if self._cuts and self._cuts[0].moment in moments:
            return self._cuts.pop(0)
        return None

    def seen(self, sent: bytes, tail: bytes) -> tuple[Moment, ...]:
        """Return the moments that a connection has come to by what was sent last, `tail` being the end of all that it sent."""
        commit = (Moment.COMMIT,) if tail.endswith(_COMMIT[self.engine]) else ()
        return commit + ((Moment.RECEIPT,) if _RECEIPTS in sent else ())

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it is cut or ends."""
        link = _Link(self, reader, writer)
        self._links.add(link)
        try:
            with suppress(OSError, EOFError):
                await link.run()
        finally:
            self._links.discard(link)
            link.end()

    def close(self) -> None:
        """End every connection."""
        for link in tuple(self._links):
            link.end()


class _Link:
    """A client's connection and the one to the server that stands for it."""

    def __init__(self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._client = (reader, writer)
        self._server: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._tail = self._first = b""

    async def run(self) -> None:
        cut = self._proxy.take(Moment.CONNECT)
        if cut is not None and cut.way in {Way.BEFORE, Way.RESET}:
            self._hang_up(rst=cut.way is Way.RESET)
            return
        self._server = await asyncio.open_connection("127.0.0.1", self._proxy.target)
        answers = asyncio.create_task(self._answers())
        try:
            if cut is not None:
                answers.cancel()
                await asyncio.wait({answers})
                await self._begin(cut.way)
            else:
                await self._requests(answers)
        finally:
            answers.cancel()

    def end(self) -> None:
        """Close both sides."""
        for side in (self._client, self._server):
            if side is not None:
                side[1].close()

    async def _requests(self, answers: "asyncio.Task[None]") -> None:
        assert self._server is not None
        while sent := await self._client[0].read(_READ):
            self._tail = (self._tail + sent)[-64:]
            moments = self._proxy.seen(sent, self._tail)
            cut = self._proxy.take(*moments)
            if cut is not None:
                # Whatever the server had to say until now has been passed on: the client waited for it before it sent this.
                answers.cancel()
                await asyncio.wait({answers})
                await self._cut(cut.way, sent)
                return
            self._server[1].write(sent)
            await self._server[1].drain()
            if Moment.RECEIPT in moments and b"INSERT" in sent:
                self._proxy.late.set()

    async def _answers(self) -> None:
        assert self._server is not None
        with suppress(OSError):
            while answer := await self._server[0].read(_READ):
                self._client[1].write(answer)
                await self._client[1].drain()
        self._client[1].close()

    async def _begin(self, way: Way) -> None:
        """Let a connection break while it is made."""
        # One of the servers speaks first, the other one waits to be greeted.
        await self._pass_on(await self._client[0].read(_READ) if self._proxy.engine == "postgres" else b"")
        await self._answered(way)

    async def _cut(self, way: Way, sent: bytes) -> None:
        if way is Way.BEFORE:
            return
        if way in {Way.HELD, Way.LATE}:
            if way is Way.LATE:
                await self._proxy.late.wait()
                await self._pass_on(sent)
            await self._client_gone()
            return
        await self._pass_on(sent)
        await self._answered(way)

    async def _pass_on(self, sent: bytes) -> None:
        """Let something arrive, and wait until the server has answered."""
        assert self._server is not None
        self._server[1].write(sent)
        await self._server[1].drain()
        self._first = await self._server[0].readexactly(1)

    async def _answered(self, way: Way) -> None:
        """Do with the client what it is to see instead of the answer that is there."""
        writer = self._client[1]
        if way is Way.FIRST_BYTE:
            writer.write(self._first)
            await writer.drain()
        elif way is Way.HALF_CLOSED:
            writer.write_eof()
            await self._client_gone()
        elif way is Way.RESET:
            self._hang_up(rst=True)
        elif way in {Way.SILENT, Way.HELD}:
            await self._client_gone()

    async def _client_gone(self) -> None:
        with suppress(OSError):
            while await self._client[0].read(_READ):
                pass

    def _hang_up(self, *, rst: bool) -> None:
        writer = self._client[1]
        if rst:
            held: socket.socket = writer.get_extra_info("socket")
            held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        writer.close()


@asynccontextmanager
async def proxied(engine: str, target: int) -> AsyncIterator[Proxy]:
    """Stand in front of the server on a port of the loopback."""
    proxy = Proxy(engine=engine, target=target)
    listening = await asyncio.start_server(proxy.meet, "127.0.0.1", 0)
    proxy.port = listening.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listening.close()
        proxy.close()
        await listening.wait_closed()
