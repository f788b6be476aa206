"""Bearer tokens of an identity provider at the companion: who it is comes from the token, and what they may do from `operators.yaml`.

A token can take roles away for as long as its request lasts, and give none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken

from synapsor.approve.companion.desk import ApprovalDesk
from synapsor.approve.companion.http import SCOPE, Tokens
from synapsor.approve.identity.attempts import Attempts
from synapsor.approve.identity.oidc import BearerVerifier, Fetcher, Provider, speaker
from synapsor.config import OidcConfig
from synapsor.core.statements import Operator
from synapsor.errors import ConfigError, LoginRefused

log = logging.getLogger("synapsor.approvals")

_ROLES = "roles"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderTokens:
    """Verifies tokens of the provider, after those that are known by their hash; refused ones are put on record.

    Attributes:
        resource: the server's own address; the token's audience is what the project says, and is checked before.
    """

    static: Tokens
    bearer: BearerVerifier
    attempts: Attempts
    operators: Callable[[], Mapping[str, Operator]]
    resource: str

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return who holds a token, or None."""
        known = await self.static.verify_token(token)
        if known is not None:
            return known
        try:
            vouched = await self.bearer.verify_bearer(token)
            who = speaker(vouched, self.operators())
        except LoginRefused as refused:
            await self.attempts.refused(refused, "bearer")
            return None
        except ConfigError as error:
            log.error("no token is believed: %s %s", error.message, error.fix, extra={"action": "trust_unreadable"})  # noqa: TRY400  # no values
            return None
        return AccessToken(
            token=token,
            client_id=who.operator.name,
            scopes=[SCOPE],
            expires_at=vouched.expires_at,
            resource=self.resource,
            subject=who.operator.name,
            claims={_ROLES: list(who.roles)},
        )


def in_token_roles(operator: Operator) -> Operator:
    """Return the operator with the roles that the token of this very request leaves them."""
    token = get_access_token()
    roles = (token.claims or {}).get(_ROLES) if token else None
    return operator if roles is None else replace(operator, roles=tuple(r for r in operator.roles if r in roles))


def provider_tokens(static: Tokens, config: OidcConfig, desk: ApprovalDesk, *, resource: str) -> ProviderTokens:
    """Return what verifies tokens of a configured provider, which is not asked for anything yet.

    Raises:
        ConfigError: no audience is configured, or the authority's certificate cannot be read.
    """
    fetcher = Fetcher(ca=config.ca, allow_private=config.allow_private)
    provider = Provider(fetcher, issuer=config.issuer, algorithms=config.algorithms)
    return ProviderTokens(
        static=static,
        bearer=BearerVerifier(config, provider, clock=desk.clock),
        attempts=Attempts(ledger=desk.ledger, clock=desk.clock, door="approvals", issuer=config.issuer),
        operators=desk.operators,
        resource=resource,
    )
