"""MCP over HTTP: Streamable HTTP at /mcp, the older SSE at /sse and /messages/, and /healthz, all behind one gate.

HTTP is never served without a token, and in this version never beyond the machine itself.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Any

import anyio
import uvicorn
from mcp.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from synapsor.errors import ConfigError
from synapsor.serve.company import Accompanied
from synapsor.serve.event_streams import MESSAGES, STREAM, EventStreams
from synapsor.serve.gate import LOOPBACK, Gate
from synapsor.serve.identity import TokenVerifier
from synapsor.serve.sessions import Sessions
from synapsor.serve.shares import Streams, in_turn
from synapsor.web.connection import connection_class, with_room
from synapsor.web.limits import Limits
from synapsor.web.loop import on_signals

_BACKLOG = 128
_SYSTEM_BUFFER = 131_072


def http_app(
    server: Server[Any], *, tokens: TokenVerifier, hosts: Iterable[str] = LOOPBACK, limits: Limits | None = None
) -> Starlette:
    """Return the application; `tokens` is a `TokenBook`, which is never empty."""
    limits = limits or Limits()
    hosts = tuple(hosts)
    streams = Streams(limits.streams)
    manager = StreamableHTTPSessionManager(
        app=server,
        json_response=True,  # where there is progress to be told, `Accompanied` makes a stream of it
        security_settings=_security(hosts),
        session_idle_timeout=limits.session_idle_s,
        max_sessions=None,  # `Sessions` counts them
        max_request_body_size=limits.body,
    )
    mcp = Sessions(Accompanied(StreamableHTTPASGIApp(manager)), each=limits.sessions, together=limits.all_sessions)
    events = EventStreams(server, requests=limits.stream_requests)
    if in_turn not in server.middleware:
        server.middleware.append(in_turn)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with manager.run():
            yield

    app = Starlette(
        routes=[
            Route("/healthz", _healthz, methods=["GET"]),
            # The server never speaks first, so there is no stream to GET.
            Route("/mcp", mcp, methods=["POST", "DELETE"]),
            Route(STREAM, events, methods=["GET"]),
            Mount(MESSAGES, app=events),
        ],
        middleware=[Middleware(Gate, tokens=tokens, hosts=hosts, limits=limits, streams=streams)],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.streams = streams
    return app


async def serve_http(
    server: Server[Any],
    *,
    port: int,
    tokens: TokenVerifier,
    host: str = "127.0.0.1",
    hosts: Iterable[str] = LOOPBACK,
    limits: Limits | None = None,
    grace_s: int = 5,
    ready: Callable[[int], None] | None = None,
    stop: anyio.Event | None = None,
) -> None:
    """Serve until a signal comes or `stop` is set; `ready` is told the port, which 0 leaves to the system.

    Raises:
        ConfigError: the address is not of this machine, or the port is taken.
    """
    limits = with_room(limits or Limits())
    listener = _listen(host, port)
    app = http_app(server, tokens=tokens, hosts=hosts, limits=limits)
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
    running = _Uvicorn(config, app.state.streams)
    with listener, on_signals(running.finish, running.leave):
        if ready is not None:
            ready(listener.getsockname()[1])
        async with anyio.create_task_group() as group:
            if stop is not None:
                group.start_soon(running.finish_after, stop)
            await running.serve(sockets=[listener])
            group.cancel_scope.cancel()


class _Uvicorn(uvicorn.Server):
    """A server that ends its streams first, and leaves the signals to whoever runs it."""

    def __init__(self, config: uvicorn.Config, streams: Streams) -> None:
        super().__init__(config)
        self._streams = streams

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
        self._streams.close()
        await super().shutdown(sockets)


async def _healthz(_: Request) -> Response:
    return PlainTextResponse("ok")


def _security(hosts: tuple[str, ...]) -> TransportSecuritySettings:
    """Return the SDK's own checks of what the gate has checked already."""
    allowed = [form for host in hosts for form in (host, f"{host}:*")]
    origins = [f"{scheme}://{form}" for scheme in ("http", "https") for form in allowed]
    return TransportSecuritySettings(allowed_hosts=allowed, allowed_origins=origins)


def _listen(host: str, port: int) -> socket.socket:
    name = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        address: ipaddress.IPv4Address | ipaddress.IPv6Address | None = ipaddress.ip_address(name)
    except ValueError:
        address = None
    # Whether an IPv4 address in IPv6 clothes is one of the loopback's depends on Python's version.
    if address is None or not address.is_loopback or getattr(address, "ipv4_mapped", None):
        raise ConfigError(
            "HTTP is served on a loopback address only",
            fix="Use 127.0.0.1 or ::1. Serving other machines will need TLS and OAuth, which a later version brings.",
        )
    listener = socket.socket(
        socket.AF_INET6 if isinstance(address, ipaddress.IPv6Address) else socket.AF_INET, socket.SOCK_STREAM
    )
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Inherited by the connections: what the system holds for a client that does not read is bounded, too.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SYSTEM_BUFFER)
        listener.bind((str(address), port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise ConfigError("the port cannot be taken", fix="Choose another port, or stop what listens on it.") from None
    return listener
