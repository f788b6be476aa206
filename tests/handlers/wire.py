"""A server that says whatever bytes a test gives it, and keeps what it was sent."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Heard:
    """The requests that came, each with its head and its body."""

    port: int = 0
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def header(self, name: str) -> str:
        """Return a header of the last request, "" where it has none."""
        lines = (line.partition(": ") for line in self.heads[-1].split("\r\n"))
        return next((value for key, _, value in lines if key.lower() == name.lower()), "")


@asynccontextmanager
async def saying(
    say: Callable[[asyncio.StreamWriter], Awaitable[None]], *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Heard]:
    """Serve on loopback."""
    heard = Heard()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heard.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            heard.bodies.append(await reader.readexactly(int(heard.header("content-length") or 0)))
            await say(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the other side went away, as some tests want it to
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    heard.port = server.sockets[0].getsockname()[1]
    try:
        yield heard
    finally:
        server.close()


def text(status: str, body: bytes = b"", **headers: str) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    """Return what says one answer and ends."""
    told = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{told}\r\n".encode() + body)
        await writer.drain()

    return say
