"""A bearer token of the companion approval server over HTTP; what that server says of itself (RFC 9728), the MCP SDK tells.

The token says who a person is. It decides nothing: that still takes what only the person has.
"""

from __future__ import annotations

from synapsor.approve.identity.oidc import claims
from synapsor.approve.identity.oidc.claims import Expected, Vouched
from synapsor.approve.identity.oidc.provider import Provider
from synapsor.approve.identity.oidc.tokens import BEARER_TYPES, claims_of
from synapsor.config import OidcConfig
from synapsor.errors import ConfigError
from synapsor.ports import Clock


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
