"""What a client sends that is no message: it is answered here, as the model's server answers it, and never reaches the companion's own."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

import anyio
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from mcp.shared.message import SessionMessage
from mcp.types import PARSE_ERROR, ErrorData, JSONRPCError

_ANSWER: Final = JSONRPCError(jsonrpc="2.0", id=None, error=ErrorData(code=PARSE_ERROR, message="Parse error"))


class WellFormed:
    """The messages of a client; whoever sends another thing is told so, in fixed words."""

    def __init__(
        self, reads: ObjectReceiveStream[SessionMessage | Exception], writes: ObjectSendStream[SessionMessage]
    ) -> None:
        self._reads = reads
        self._writes = writes

    async def receive(self) -> SessionMessage | Exception:
        """Return the next message.

        Raises:
            anyio.EndOfStream: there will be no further one.
        """
        while isinstance(found := await self._reads.receive(), Exception):
            await self._writes.send(SessionMessage(_ANSWER))
        return found

    async def aclose(self) -> None:
        """Take no further message."""
        await self._reads.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None
