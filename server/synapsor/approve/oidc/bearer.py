"""A bearer token of the companion approval server over HTTP, and what that server says of itself (RFC 9728, RFC 6750).

The token says who a person is. It decides nothing: that still takes what only the person has.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from synapsor.approve.oidc import claims
from synapsor.approve.oidc.claims import Expected, Vouched
from synapsor.approve.oidc.provider import Provider
from synapsor.approve.oidc.refusals import Rule, fails, refused
from synapsor.approve.oidc.tokens import BEARER_TYPES, MAX_TOKEN, claims_of
from synapsor.config import OidcConfig
from synapsor.errors import ConfigError, LoginRefused
from synapsor.ports import Clock

WELL_KNOWN = "/.well-known/oauth-protected-resource"
_BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +([\x21-\x7e]+)")


class BearerVerifier:
    """Says whom a request's token vouches for.

    Raises:
        ConfigError: the project does not say what such a token must be for.
    """

    def __init__(self, config: OidcConfig, provider: Provider, *, clock: Clock) -> None:
        if config.audience is None:
            raise ConfigError(
                "There is no `audience` under `oidc`, so no bearer token can be meant for the approval server.",
                fix="Give it one of its own, such as its address; the provider puts it into the tokens.",
            )
        self._config = config
        self._provider = provider
        self._clock = clock
        self._expected = Expected(
            issuer=config.issuer,
            audience=config.audience,
            client="",
            leeway_s=config.leeway_s,
            max_lifetime_s=config.max_lifetime_s,
            roles_claim=config.roles_claim,
        )

    async def verify_bearer(self, token: str) -> Vouched:
        """Return whom a token vouches for.

        Raises:
            LoginRefused: by its rule.
        """
        found = await claims_of(token, self._provider, algorithms=self._config.algorithms, types=BEARER_TYPES)
        return claims.of_bearer(found, self._expected, now=self._clock.now().timestamp())

    async def verify(self, authorization: bytes | None) -> Vouched:
        """Return whom the `Authorization` header of a request vouches for.

        Raises:
            LoginRefused: by its rule.
        """
        if authorization is not None and len(authorization) > MAX_TOKEN:
            raise refused(Rule.TOKEN_TOO_LARGE)
        given = _BEARER.fullmatch(authorization or b"")
        if given is None:
            raise refused(Rule.TOKEN_MISSING)
        return await self.verify_bearer(given[1].decode("ascii"))


def resource_metadata(config: OidcConfig, *, resource: str) -> dict[str, Any]:
    """Return what a client needs to know to get a token for the server at this address."""
    return {
        "resource": resource,
        "authorization_servers": [config.issuer],
        "bearer_methods_supported": ["header"],
        "scopes_supported": list(config.scopes),
    }


def metadata_path(resource: str) -> str:
    """Return the path under which a server at this address says so."""
    return WELL_KNOWN + urlsplit(resource).path.rstrip("/")


def challenge(refusal: LoginRefused, *, resource: str) -> tuple[int, str]:
    """Return the status of a refused request and its `WWW-Authenticate` header, "" where the provider and not the token fails."""
    if fails(refusal.rule):
        return 503, ""
    parts = urlsplit(resource)
    where = f"{parts.scheme}://{parts.netloc}{metadata_path(resource)}"
    error = "" if refusal.rule == Rule.TOKEN_MISSING else ', error="invalid_token"'
    return 401, f'Bearer resource_metadata="{where}"{error}'
