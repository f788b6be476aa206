"""The companion over Streamable HTTP, on loopback: a bearer token on every request says whose prompts they are.

The token's audience is this server's alone; a token of the agent's server is nobody here.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Callable, Mapping
from typing import Any, Final

from mcp.server import Server
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import AnyHttpUrl
from starlette.middleware import Middleware

from synapsor.approve.companion.sessions import BoundSessions
from synapsor.errors import UsageError
from synapsor.web.bodies import TimedBodies
from synapsor.web.connection import with_room
from synapsor.web.limits import Limits
from synapsor.web.serving import listening, serve

SCOPE: Final = "synapsor:approve"
MAX_BODY: Final = 65_536
IDLE_S: Final = 900
LIMITS: Final = Limits(header_bytes=16_384, connections=256)
_GRACE_S: Final = 3
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class Tokens:
    """Verifies static bearer tokens, of which only hashes are kept."""

    def __init__(self, people: Mapping[str, str], *, resource: str) -> None:
        """Take the operator of each hash, and the address that tokens are for."""
        self._people = people
        self._resource = resource

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return who holds a token, or None."""
        found = hashlib.sha256(token.encode()).hexdigest()
        person = next((name for known, name in self._people.items() if hmac.compare_digest(known, found)), None)
        if person is None:
            return None
        return AccessToken(token=token, client_id=person, scopes=[SCOPE], resource=self._resource, subject=person)


def whose_token() -> str:
    """Return the operator whose token this very request carries.

    Raises:
        UsageError: it carries none.
    """
    token = get_access_token()
    if token is None or token.subject is None:
        raise UsageError("Nobody is logged in.", fix="Send a bearer token.")
    return token.subject


def resource_at(host: str, port: int) -> str:
    """Return the server's own address, which its tokens are for.

    Raises:
        UsageError: it is not one of this machine's own.
    """
    if host not in _LOOPBACK:
        raise UsageError(
            "The approval server is served on a loopback address only.",
            fix="Use 127.0.0.1, and a proxy with TLS before it.",
        )
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/mcp"


async def serve_http(
    server: Server[Any],
    *,
    host: str,
    port: int,
    verifier: TokenVerifier,
    issuer: str | None = None,
    ready: Callable[[int], None] | None = None,
) -> None:
    """Serve until a signal comes; `issuer` is who gives tokens for it, where somebody else does. `ready` is told when it does.

    Raises:
        UsageError: the address is not one of this machine's own.
        ConfigError: the port is taken.
    """
    resource = resource_at(host, port)
    allowed = [form for name in ("127.0.0.1", "localhost", "[::1]") for form in (name, f"{name}:*")]
    app = server.streamable_http_app(
        # In the older era a page is offered on the stream of the request that it belongs to, in the session of who sent it.
        session_idle_timeout=IDLE_S,
        max_sessions=None,  # `BoundSessions` counts them
        max_request_body_size=MAX_BODY,
        transport_security=TransportSecuritySettings(
            allowed_hosts=allowed, allowed_origins=[f"http://{form}" for form in allowed]
        ),
        auth=AuthSettings(
            issuer_url=AnyHttpUrl(issuer or resource.removesuffix("/mcp")),
            resource_server_url=AnyHttpUrl(resource),
            required_scopes=[SCOPE],
            validate_token_resource=True,
        ),
        token_verifier=verifier,
    )
    app.add_middleware(TimedBodies, seconds=LIMITS.body_s)
    # The innermost one: whose token it is, is known there.
    app.user_middleware.append(Middleware(BoundSessions))
    # Streams of the older era stay open until their client leaves, or the time to finish is over.
    await serve(
        app,
        listening(ipaddress.ip_address("127.0.0.1" if host == "localhost" else host), port),
        limits=with_room(LIMITS),
        end_streams=lambda: None,
        grace_s=_GRACE_S,
        ready=ready,
    )
