"""Accepting connections by TLS: a client that has connected is counted and timed from that moment, and not only when it has shaken hands.

Of too many who have not, the one who has waited longest makes room.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Final

from synapsor.web.limits import Limits

log = logging.getLogger("synapsor.web")

_NOTHING_TO_ACCEPT_WITH_S: Final = 1.0


class Handshakes:
    """What uvicorn takes for one of its servers."""

    def __init__(
        self, listener: socket.socket, context: ssl.SSLContext, make: Callable[[], asyncio.Protocol], limits: Limits
    ) -> None:
        self._listener = listener
        self._context = context
        self._make = make
        self._limits = limits
        self._open: dict[asyncio.Task[None], None] = {}
        """Those that are under way, the oldest first."""
        self._accepting = asyncio.get_running_loop().create_task(self._accept())

    def close(self) -> None:
        """Accept nobody more."""
        self._accepting.cancel()
        for each in self._open:
            each.cancel()

    async def wait_closed(self) -> None:
        """Wait until that is so."""
        await asyncio.gather(self._accepting, *self._open, return_exceptions=True)

    async def _accept(self) -> None:
        self._listener.setblocking(False)
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, _ = await loop.sock_accept(self._listener)
            except OSError as error:
                log.warning("no connection can be taken: %s", error.strerror, extra={"action": "accept_failed"})
                await asyncio.sleep(_NOTHING_TO_ACCEPT_WITH_S)
                continue
            if len(self._open) >= self._limits.handshakes:
                oldest = next(iter(self._open))
                del self._open[oldest]
                oldest.cancel()
            task = loop.create_task(self._shake(client))
            self._open[task] = None
            task.add_done_callback(self._end)

    async def _shake(self, client: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._make, client, ssl=self._context, ssl_handshake_timeout=self._limits.header_s
            )
        except (OSError, ssl.SSLError):  # it left, took too long, or speaks no TLS that is good enough
            client.close()
        except asyncio.CancelledError:
            client.close()
            raise

    def _end(self, task: asyncio.Task[None]) -> None:
        self._open.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("a handshake failed: %s", type(error).__name__, extra={"action": "handshake_failed"})
