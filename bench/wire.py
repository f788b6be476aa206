"""A minimal MCP client in raw JSON-RPC, the same for every target, so that what differs between two figures is the server.

It pipelines: `callers` requests are open at any time, each answer is followed by the next request.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, cast

Era = Literal["2025", "2026"]
MODERN = "2026-07-28"
LEGACY = "2025-06-18"
_CLIENT = {"name": "bench", "version": "0"}
_HELLO = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": _CLIENT}
_META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": _CLIENT,
}
_PATIENCE = 30.0


@dataclass(slots=True)
class Sample:
    """What one cell of the table measured: seconds of each call, seconds of all, and how many were refused."""

    calls: list[float] = field(default_factory=list)
    seconds: float = 0.0
    refused: int = 0

    @property
    def rate(self) -> float:
        """Calls per second."""
        return len(self.calls) / self.seconds if self.seconds else 0.0


class Target(Protocol):
    """Something that answers tool calls, over whatever transport."""

    async def measure(self, arguments: Iterator[dict[str, Any]], *, callers: int, calls: int, seconds: float) -> Sample:
        """Call until the number or the time is reached, whichever comes first."""
        ...


class Stdio(asyncio.SubprocessProtocol):
    """One server process and its only client."""

    def __init__(self, tool: str, era: Era) -> None:
        self._tool = tool
        self._era = era
        self._ids = itertools.count(1)
        self._rest = b""
        self._answered: Callable[[dict[str, Any]], None] = lambda _: None
        self._gone = asyncio.Event()
        self._write: Callable[[bytes], None] = lambda _: None
        self._transport: asyncio.SubprocessTransport | None = None

    @classmethod
    async def start(
        cls, command: Sequence[str], env: Mapping[str, str], *, cwd: Path, tool: str, era: Era = "2025"
    ) -> Stdio:
        """Start a server and shake hands with it."""
        loop = asyncio.get_running_loop()
        transport, self = await loop.subprocess_exec(
            lambda: cls(tool, era), *command, env=dict(env), cwd=cwd, stderr=None
        )
        self._transport = transport
        self._write = cast("asyncio.WriteTransport", transport.get_pipe_transport(0)).write
        if era == "2025":
            await self.request("initialize", _HELLO)
            self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return self

    def pipe_data_received(self, _: int, data: bytes) -> None:
        """Take the lines that are whole."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._answered(json.loads(line))

    def process_exited(self) -> None:
        """Note that the server is gone."""
        self._gone.set()

    @property
    def rss_kb(self) -> int:
        """Resident memory of the server."""
        assert self._transport is not None
        text = Path(f"/proc/{self._transport.get_pid()}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS"))

    @property
    def cpu_seconds(self) -> float:
        """Processor time that the server has used, in user mode and in the kernel."""
        assert self._transport is not None
        stat = Path(f"/proc/{self._transport.get_pid()}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / 100

    async def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to one request."""
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answered = answer.set_result
        self._send({"jsonrpc": "2.0", "id": f"r{next(self._ids)}", "method": method, "params": self._with_meta(params)})
        async with asyncio.timeout(_PATIENCE):
            return await answer

    async def call(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to one tool call."""
        return await self.request("tools/call", {"name": self._tool, "arguments": arguments})

    async def measure(self, arguments: Iterator[dict[str, Any]], *, callers: int, calls: int, seconds: float) -> Sample:
        """Call until the number or the time is reached, whichever comes first; every open call is answered before it returns."""
        sample = Sample()
        asked: dict[int, float] = {}
        done = asyncio.Event()
        begun = time.perf_counter()
        issued = 0

        def ask() -> None:
            nonlocal issued
            issued += 1
            number = next(self._ids)
            params = self._with_meta({"name": self._tool, "arguments": next(arguments)})
            line = (
                json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}).encode() + b"\n"
            )
            asked[number] = time.perf_counter()
            self._write(line)

        def answered(message: dict[str, Any]) -> None:
            now = time.perf_counter()
            sample.calls.append(now - asked.pop(message["id"]))
            sample.refused += refused(message)
            if issued < calls and now - begun < seconds:
                ask()
            elif not asked:
                done.set()

        self._answered = answered
        for _ in range(min(callers, calls)):
            ask()
        async with asyncio.timeout(seconds + _PATIENCE):
            await done.wait()
        sample.seconds = time.perf_counter() - begun
        return sample

    async def close(self) -> None:
        """Leave, and wait for the server's end."""
        assert self._transport is not None
        stdin = self._transport.get_pipe_transport(0)
        assert stdin is not None
        stdin.close()
        try:
            async with asyncio.timeout(10):
                await self._gone.wait()
        except TimeoutError:
            self._transport.kill()
        self._transport.close()

    def _send(self, message: dict[str, Any]) -> None:
        self._write(json.dumps(message).encode() + b"\n")

    def _with_meta(self, params: dict[str, Any]) -> dict[str, Any]:
        return params if self._era == "2025" else {**params, "_meta": _META}


class Http:
    """Streamable HTTP on one session, a kept connection for each caller."""

    def __init__(self, port: int, tool: str, era: Era, token: str) -> None:
        self._port = port
        self._tool = tool
        self._era = era
        self._headers = {
            "Host": f"127.0.0.1:{port}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "Authorization": f"Bearer {token}",
        }
        self._ids = itertools.count(1)

    async def open(self) -> None:
        """Shake hands where the era has a handshake."""
        if self._era == "2026":
            self._headers |= {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": self._tool}
            return
        connection = await asyncio.open_connection("127.0.0.1", self._port)
        head, _ = await self._post(connection, {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": _HELLO})
        self._headers |= {"MCP-Protocol-Version": LEGACY, "Mcp-Session-Id": head["mcp-session-id"]}
        await self._post(connection, {"jsonrpc": "2.0", "method": "notifications/initialized"})
        connection[1].close()

    async def measure(self, arguments: Iterator[dict[str, Any]], *, callers: int, calls: int, seconds: float) -> Sample:
        """Call until the number or the time is reached, whichever comes first."""
        sample = Sample()
        issued = itertools.count(callers + 1)
        connections = [await asyncio.open_connection("127.0.0.1", self._port) for _ in range(callers)]
        begun = time.perf_counter()

        async def caller(connection: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
            while True:
                params: dict[str, Any] = {"name": self._tool, "arguments": next(arguments)}
                if self._era == "2026":
                    params["_meta"] = _META
                asked = time.perf_counter()
                body = {"jsonrpc": "2.0", "id": next(self._ids), "method": "tools/call", "params": params}
                _, answer = await self._post(connection, body)
                now = time.perf_counter()
                sample.calls.append(now - asked)
                sample.refused += refused(answer)
                if next(issued) > calls or now - begun > seconds:
                    return

        async with asyncio.timeout(seconds + _PATIENCE), asyncio.TaskGroup() as group:
            for connection in connections:
                group.create_task(caller(connection))
        sample.seconds = time.perf_counter() - begun
        for _, writer in connections:
            writer.close()
        return sample

    async def _post(
        self, connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], message: dict[str, Any]
    ) -> tuple[dict[str, str], dict[str, Any]]:
        reader, writer = connection
        body = json.dumps(message).encode()
        headers = self._headers | {"Content-Length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"POST /mcp HTTP/1.1\r\n{head}\r\n".encode() + body)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        found = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:] if line)}
        length = int(found.get("content-length", "0"))
        data = await reader.readexactly(length)
        if " 20" not in lines[0]:
            raise RuntimeError(f"HTTP: {lines[0]}")
        return found, json.loads(data) if data else {}


def refused(message: Mapping[str, Any]) -> bool:
    """Whether an answer is an error of either kind."""
    return "error" in message or message["result"].get("isError", False)
