"""Serving the console at its address, with TLS where it is configured."""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Callable, Iterable

import anyio

from synapsor.approve.console.app import console_app
from synapsor.approve.console.guard import LIMITS
from synapsor.approve.console.login import LoginMethod
from synapsor.approve.console.room import Given
from synapsor.config.console import ConsoleTls
from synapsor.errors import ConfigError
from synapsor.secrets import private_file_trouble
from synapsor.web.connection import with_room
from synapsor.web.serving import listening, serve

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
    tls = _context(given.config.tls) if given.config.tls is not None else None
    await serve(
        app,
        listening(ipaddress.ip_address(given.way.host), given.way.port),
        limits=with_room(LIMITS, tls=tls is not None),
        end_streams=app.state.room.pulse.end,
        grace_s=_GRACE_S,
        tls=tls,
        ready=ready,
        stop=stop,
    )


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
