"""Serving an application with uvicorn: over one socket, with bounded connections, and to an orderly end.

What is open and waits for nothing but the next event is ended first. Signals stay with whoever runs the process.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeAlias

import anyio
import uvicorn
from starlette.applications import Starlette

from synapsor.errors import ConfigError
from synapsor.web.connection import connection_class
from synapsor.web.handshakes import Handshakes
from synapsor.web.limits import Limits
from synapsor.web.loop import on_signals

_BACKLOG = 128
_ByTls: TypeAlias = tuple[socket.socket, ssl.SSLContext, Limits]
_SYSTEM_BUFFER = 131_072


def listening(address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> socket.socket:
    """Return a socket that listens at an address; port 0 leaves the choice to the system.

    Raises:
        ConfigError: the port is taken.
    """
    family = socket.AF_INET6 if isinstance(address, ipaddress.IPv6Address) else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Inherited by the connections: what the system holds for a client that does not read is bounded, too.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SYSTEM_BUFFER)
        listener.bind((str(address), port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise ConfigError("The port cannot be taken.", fix="Choose another port, or stop what listens on it.") from None
    return listener


async def serve(
    app: Starlette,
    listener: socket.socket,
    *,
    limits: Limits,
    end_streams: Callable[[], None],
    grace_s: int,
    tls: ssl.SSLContext | None = None,
    ready: Callable[[int], None] | None = None,
    stop: anyio.Event | None = None,
) -> None:
    """Serve until a signal comes or `stop` is set; `ready` is told the port. What is asked then has `grace_s` to be answered."""
    config = uvicorn.Config(
        app,
        http=connection_class(limits),
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="error",  # its warnings are of what anybody can send
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=grace_s,
    )
    config.load()
    running = _Uvicorn(config, end_streams, (listener, tls, limits) if tls is not None else None)
    with listener, on_signals(running.finish, running.leave):
        if ready is not None:
            ready(listener.getsockname()[1])
        async with anyio.create_task_group() as group:
            if stop is not None:
                group.start_soon(running.finish_after, stop)
            await running.serve(sockets=[listener] if tls is None else [])
            group.cancel_scope.cancel()


class _Uvicorn(uvicorn.Server):
    """A server that ends its streams first, and leaves the signals to whoever runs it."""

    def __init__(self, config: uvicorn.Config, end_streams: Callable[[], None], by_tls: _ByTls | None) -> None:
        super().__init__(config)
        self._end_streams = end_streams
        self._by_tls = by_tls

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._by_tls is not None and not self.should_exit:
            listener, context, limits = self._by_tls
            handshakes = Handshakes(listener, context, self._connection, limits)
            self.servers.append(handshakes)  # type: ignore[arg-type]  # it has all that is asked of a server

    def _connection(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]  # as uvicorn makes its own
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

    async def finish_after(self, stop: anyio.Event) -> None:
        """Finish when the event is set."""
        await stop.wait()
        self.finish()

    def finish(self) -> None:
        """Take no further connection, and end when the open requests are answered."""
        self.should_exit = True

    def leave(self) -> None:
        """End now."""
        self.should_exit = True
        self.force_exit = True

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]  # uvicorn's is a generator
        # uvicorn's own raises the signal again afterwards, which would end the process before the ledger is closed.
        return nullcontext()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._end_streams()
        await super().shutdown(sockets)
