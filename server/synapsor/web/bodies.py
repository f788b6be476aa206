"""A clock on what a client sends, for an application that reads bodies by itself: whoever is refused before it reads costs no time at all."""

from __future__ import annotations

import math

import anyio
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class TimedBodies:
    """ASGI middleware; a request whose body has not arrived in time is answered here."""

    def __init__(self, app: ASGIApp, *, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in for so long as its body may take."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False
        with anyio.move_on_after(self._seconds) as limit:

            async def arriving() -> Message:
                message = await receive()
                if not message.get("more_body", False):
                    limit.deadline = math.inf
                return message

            async def answering(message: Message) -> None:
                nonlocal begun
                begun = True
                limit.deadline = math.inf
                await send(message)

            await self._app(scope, arriving, answering)
        if limit.cancelled_caught and not begun:
            late = PlainTextResponse("The request took too long to arrive.\n", status_code=408)
            late.headers["connection"] = "close"
            await late(scope, receive, send)
