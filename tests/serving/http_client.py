"""Clients of the HTTP transports in raw messages: of both protocol eras, of an event stream, and of a bare socket."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2

from tests.serving.messages import INITIALIZE, INITIALIZED, LEGACY_HEADERS, legacy, modern_headers
from tests.serving.web import ALICE, Web, header

PATIENCE = 30


async def modern(client: httpx2.AsyncClient, message: dict[str, Any]) -> httpx2.Response:
    """Post a message of the 2026 era."""
    return await client.post("/mcp", json=message, headers=modern_headers(message))


async def open_session(client: httpx2.AsyncClient) -> dict[str, str]:
    """Open a session of the 2025 era; returns the headers of its further requests."""
    opened = await client.post("/mcp", json=INITIALIZE, headers=LEGACY_HEADERS)
    assert opened.status_code == 200
    headers = {**LEGACY_HEADERS, "mcp-session-id": opened.headers["mcp-session-id"]}
    assert (await client.post("/mcp", json=INITIALIZED, headers=headers)).status_code == 202
    return headers


def legacy_call(request_id: int | str, invoice_id: str) -> dict[str, Any]:
    """A tool call of the 2025 era."""
    return legacy(request_id, "tools/call", name="billing.inspect_invoice", arguments={"invoice_id": invoice_id})


class Sse:
    """One open event stream."""

    def __init__(self, client: httpx2.AsyncClient, response: httpx2.Response) -> None:
        self._client = client
        self._response = response
        self._lines = response.aiter_lines()

    async def event(self) -> str:
        with anyio.fail_after(PATIENCE):
            async for found in self._lines:
                if found.startswith("data:"):
                    return found.removeprefix("data:").strip()
        raise AssertionError("the stream ended")

    async def message(self) -> Any:
        return json.loads(await self.event())

    async def close(self) -> None:
        await self._response.aclose()
        await self._client.aclose()


async def open_sse(served: Web, token: str) -> tuple[Sse, str]:
    """Open an event stream; returns it and where to post to."""
    client = served.client(token)
    response = await client.send(client.build_request("GET", "/sse"), stream=True)
    if response.status_code != 200:
        await response.aclose()
        await client.aclose()
        raise AssertionError(response.status_code)
    sse = Sse(client, response)
    return sse, await sse.event()


async def raw(served: Web, method: str, path: str, headers: str) -> int:
    """Return the status of the answer to a request of exactly these headers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    try:
        writer.write(f"{method} {path} HTTP/1.1\r\n{headers}\r\n".encode())
        with anyio.fail_after(PATIENCE):
            status = await reader.readline()
        return int(status.split()[1])
    finally:
        writer.close()


class Deaf:
    """A connection whose client sends and reads only when told to, with a small buffer of its own."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()

    async def send(self, method: str, path: str, message: Any = None, *, token: str | None = ALICE) -> None:
        """Send a request; a message of the 2026 era gets its headers."""
        body = b"" if message is None else json.dumps(message).encode()
        await self.send_bytes(head(method, path, message, len(body), token=token) + body)

    async def send_bytes(self, data: bytes) -> None:
        with anyio.fail_after(PATIENCE):
            await self._loop.sock_sendall(self._connection, data)

    async def read(self, size: int = 65_536) -> bytes:
        """Return what there is; nothing when the server has cut the connection off."""
        with anyio.fail_after(PATIENCE):
            try:
                return await self._loop.sock_recv(self._connection, size)
            except ConnectionError:
                return b""

    async def read_until(self, end: bytes) -> bytes:
        """Return everything up to the end, which is read byte by byte so that nothing more is."""
        found = b""
        while not found.endswith(end):
            piece = await self.read(1)
            assert piece, "the server has cut the connection off"
            found += piece
        return found

    async def rest(self) -> bytes:
        """Return everything that still comes before the server cuts the connection off."""
        found = b""
        while piece := await self.read():
            found += piece
        return found


def head(method: str, path: str, message: Any, length: int, *, token: str | None = ALICE) -> bytes:
    """The head of a request in bytes."""
    fields = {"host": "localhost", "accept": "application/json, text/event-stream", "content-type": "application/json"}
    if length or method == "POST":
        fields["content-length"] = str(length)
    if token is not None:
        fields |= header(token)
    if path == "/mcp" and "_meta" in (message or {}).get("params", {}):
        fields |= modern_headers(message)
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()


@asynccontextmanager
async def deaf(served: Web) -> AsyncIterator[Deaf]:
    """Connect."""
    with socket.socket() as connection:
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", served.port))
        yield Deaf(connection)
