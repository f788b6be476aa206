"""MCP over HTTP: Streamable HTTP at /mcp, the older SSE at /sse and /messages/, and /healthz, all behind one gate.

HTTP is never served without a token, and in this version never beyond the machine itself.
"""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import anyio
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
from synapsor.web.connection import with_room
from synapsor.web.limits import Limits
from synapsor.web.serving import listening, serve


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
    listener = listening(_loopback(host), port)
    app = http_app(server, tokens=tokens, hosts=hosts, limits=limits)
    await serve(
        app, listener, limits=limits, end_streams=app.state.streams.close, grace_s=grace_s, ready=ready, stop=stop
    )


async def _healthz(_: Request) -> Response:
    return PlainTextResponse("ok")


def _security(hosts: tuple[str, ...]) -> TransportSecuritySettings:
    """Return the SDK's own checks of what the gate has checked already."""
    allowed = [form for host in hosts for form in (host, f"{host}:*")]
    origins = [f"{scheme}://{form}" for scheme in ("http", "https") for form in allowed]
    return TransportSecuritySettings(allowed_hosts=allowed, allowed_origins=origins)


def _loopback(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    name = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        address = None
    # Whether an IPv4 address in IPv6 clothes is one of the loopback's depends on Python's version.
    if address is None or not address.is_loopback or getattr(address, "ipv4_mapped", None):
        raise ConfigError(
            "HTTP is served on a loopback address only",
            fix="Use 127.0.0.1 or ::1. Serving other machines will need TLS and OAuth, which a later version brings.",
        )
    return address
