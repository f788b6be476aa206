"""Listening: uvicorn over one socket, bounded connections, TLS where it is configured, and an orderly end."""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext

import anyio
import uvicorn

from synapsor.approve.console.app import console_app
from synapsor.approve.console.guard import LIMITS
from synapsor.approve.console.login import LoginMethod
from synapsor.approve.console.pulse import Pulse
from synapsor.approve.console.room import Given
from synapsor.approve.console.way import Way
from synapsor.config.console import ConsoleTls
from synapsor.errors import ConfigError
from synapsor.secrets import private_file_trouble
from synapsor.web.connection import connection_class, with_room
from synapsor.web.loop import on_signals

_BACKLOG = 64
_GRACE_S = 3


async def serve_console(
    given: Given,
    *,
    methods: Iterable[LoginMethod] = (),
    ready: Callable[[int], None] | None = None,
    stop: anyio.Event | None = None,
) -> None:
    """Serve until a signal comes or `stop` is set; `ready` is told the port, which 0 leaves to the system.

    Raises:
        ConfigError: the port is taken, or the certificate cannot be used.
    """
    app = console_app(given, methods)
    config = uvicorn.Config(
        app,
        http=connection_class(with_room(LIMITS)),
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="error",  # its warnings are of what anybody can send
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_GRACE_S,
    )
    config.load()
    if given.config.tls is not None:
        config.ssl = _context(given.config.tls)
    running = _Uvicorn(config, app.state.room.pulse)
    with _listen(given.way) as listener, on_signals(running.finish, running.leave):
        if ready is not None:
            ready(listener.getsockname()[1])
        async with anyio.create_task_group() as group:
            if stop is not None:
                group.start_soon(running.finish_after, stop)
            await running.serve(sockets=[listener])
            group.cancel_scope.cancel()


class _Uvicorn(uvicorn.Server):
    """A server that ends its streams first, and leaves the signals to whoever runs it."""

    def __init__(self, config: uvicorn.Config, pulse: Pulse) -> None:
        super().__init__(config)
        self._pulse = pulse

    async def finish_after(self, stop: anyio.Event) -> None:
        """Finish when the event is set."""
        await stop.wait()
        self.finish()

    def finish(self) -> None:
        """Take no further connection, and end when the open requests are answered."""
        self._pulse.end()
        self.should_exit = True

    def leave(self) -> None:
        """End now."""
        self._pulse.end()
        self.should_exit = True
        self.force_exit = True

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]  # uvicorn's is a generator
        # uvicorn's own raises the signal again afterwards, which would end the process before the ledger is closed.
        return nullcontext()


def _context(tls: ConsoleTls) -> ssl.SSLContext:
    try:
        trouble = private_file_trouble(tls.key.stat())
    except OSError as error:
        trouble = os.strerror(error.errno or 0).lower()
    if trouble:
        raise ConfigError(f"The console's TLS key cannot be used: {trouble}.", fix=f"chmod 600 {tls.key}")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.certificate, tls.key)
    except (OSError, ssl.SSLError):
        raise ConfigError(
            "The console's certificate or key cannot be read.", fix="Both are PEM files, and belong together."
        ) from None
    return context


def _listen(way: Way) -> socket.socket:
    address = ipaddress.ip_address(way.host)
    family = socket.AF_INET6 if isinstance(address, ipaddress.IPv6Address) else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((way.host, way.port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise ConfigError("The port cannot be taken.", fix="Choose another port, or stop what listens on it.") from None
    return listener
