"""Tool calls over stdio that are answered on the spot: the way through the SDK's dispatcher costs more than a call.

The first call of a connection is always the SDK's. What it has accepted and answered is learned, and only a call that says just the
same about the protocol is taken; whatever else a client sends is the SDK's to answer, in its own words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import anyio
from mcp.shared.dispatcher import coerce_request_id
from mcp.types import CONNECTION_CLOSED, RequestId
from pydantic_core import to_json

from synapsor.serve.wire import error_bytes, is_id

if TYPE_CHECKING:
    from synapsor.flow.prepare import Tool

METHOD = "tools/call"
_MEMBERS = {"jsonrpc", "id", "method", "params"}
_PARAMS = {"name", "arguments", "_meta"}
_OURS = {"content", "structuredContent", "isError"}
_PROTOCOL = "io.modelcontextprotocol/"
_ANSWER = (
    b'{"jsonrpc":"2.0","id":%b,"result":{"content":[{"type":"text","text":%b}],"structuredContent":%b,"isError":%b%b}}'
)


class Caller(Protocol):
    """What calls a tool, for every transport alike."""

    def tool(self, name: str) -> Tool | None:
        """Return the tool that a client knows by this name."""
        ...

    async def call(self, tool: Tool, arguments: dict[str, Any] | None) -> tuple[dict[str, Any], bytes]:
        """Return the envelope of a call and the same as JSON; nothing is raised but a cancellation."""
        ...


class Way(Protocol):
    """The way back to the client; `synapsor.serve.stdio.Outbox` is one."""

    def begin(self, request_id: RequestId) -> None:
        """Note a request that is owed an answer."""
        ...

    def owes(self, request_id: RequestId) -> bool:
        """Tell whether a request of this id is owed an answer."""
        ...

    def end(self, request_id: RequestId) -> None:
        """Tick a request off that is over without an answer."""
        ...

    async def answer(self, line: bytes, answered: RequestId) -> None:
        """Write an answer, and tick its request off.

        Raises:
            anyio.BrokenResourceError: nobody can read it any more.
        """
        ...


class Calls:
    """The calls of one connection that are under way."""

    def __init__(self, caller: Caller, way: Way) -> None:
        self._caller = caller
        self._way = way
        self._open: dict[RequestId, asyncio.Task[None]] = {}
        self._asked: dict[RequestId, dict[str, Any]] = {}
        self._accepted: dict[str, Any] | None = None
        self._rest = b""

    def take(self, message: Any) -> bool:
        """Begin a call, when the message is one to be answered here."""
        if type(message) is not dict or not is_id(request := message.get("id")):
            return False
        key = coerce_request_id(request)
        if self._way.owes(request):
            self._asked.pop(key, None)  # whose answer the next one of this id is cannot be told
            return False
        tool = self._caller.tool(message["params"]["name"]) if _is_plain_call(message) else None
        if tool is None or tool.waits:  # the SDK's, which can tell of progress
            return False
        params = message["params"]
        protocol = {name: value for name, value in params.get("_meta", {}).items() if name.startswith(_PROTOCOL)}
        if protocol != self._accepted:
            self._asked[key] = protocol
            return False
        self._way.begin(request)
        call = self._call(request, tool, params.get("arguments"))
        self._open[key] = asyncio.get_running_loop().create_task(call)
        return True

    def learn(self, answered: RequestId, result: Mapping[str, Any] | None) -> None:
        """Note what the SDK answered: a result, or None for an error."""
        protocol = self._asked.pop(coerce_request_id(answered), None)
        if protocol is not None and result is not None and result.keys() >= _OURS:
            rest = {name: value for name, value in result.items() if name not in _OURS}
            self._accepted, self._rest = protocol, b"," + to_json(rest)[1:-1] if rest else b""

    def cancel(self, request: RequestId) -> None:
        """End a call that its sender does not want any more, and owe it no answer."""
        key = coerce_request_id(request)
        self._asked.pop(key, None)
        task = self._open.pop(key, None)
        if task is not None:
            _end(task)

    async def aclose(self) -> None:
        """End the calls that are under way, and say so."""
        left = list(self._open.values())
        for task in left:
            _end(task)
        if left:
            await asyncio.wait(left)

    async def _call(self, request: RequestId, tool: Tool, arguments: dict[str, Any] | None) -> None:
        try:
            envelope, text = await self._caller.call(tool, arguments)
            failed = b"false" if envelope["ok"] is True else b"true"
            line = _ANSWER % (to_json(request), to_json(text.decode()), text, failed, self._rest)
        except asyncio.CancelledError:
            line = error_bytes(CONNECTION_CLOSED, "Connection closed", request)
        key = coerce_request_id(request)
        if self._open.get(key) is not asyncio.current_task():
            self._way.end(request)  # canceled by its sender
            return
        del self._open[key]
        try:
            await self._way.answer(line, request)
        except anyio.BrokenResourceError:
            return


def _end(task: asyncio.Task[None]) -> None:
    # Not at once: a call that has not taken its first step would never be heard of, not even in the audit.
    task.get_loop().call_soon(task.cancel)


def _is_plain_call(message: dict[str, Any]) -> bool:
    """Tell whether a message says nothing but which tool is to be called with what, and what the protocol asks for."""
    if message.get("method") != METHOD or message.keys() != _MEMBERS:
        return False
    params = message["params"]
    return (
        message["jsonrpc"] == "2.0"
        and type(params) is dict
        and params.keys() <= _PARAMS
        and type(params.get("name")) is str
        and type(params.get("arguments", {})) is dict
        and type(meta := params.get("_meta", {})) is dict
        and type(meta.get("progressToken", "")) in {str, int}
    )
