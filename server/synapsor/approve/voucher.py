"""The key with which a console or an approval server says who logged in: no person's, and trusted for nothing else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor.contract.approvals import LOGIN_VOUCHER
from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator, SignedLogin
from synapsor.errors import ConfigError
from synapsor.flow.signing import vouched_login


@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    """Its entry in `operators.yaml`, and the private half."""

    operator: Operator
    key: Ed25519PrivateKey = field(repr=False)

    def oidc_login(
        self,
        who: Operator,
        *,
        roles: tuple[str, ...],
        session: Ed25519PrivateKey,
        ledger: str,
        client: str,
        now: dt.datetime,
        lasts: dt.timedelta,
    ) -> SignedLogin:
        """Return what makes a session's key speak for whom a provider vouches for, in these of their roles."""
        return vouched_login(
            who,
            voucher=self.operator,
            key=self.key,
            method="oidc",
            roles=roles,
            ledger=ledger,
            session=public_text(session),
            client=client,
            now=now,
            lasts=lasts,
        )


def voucher_of(key: Ed25519PrivateKey, operators: Mapping[str, Operator]) -> Voucher:
    """Return the voucher that a private key is of.

    Raises:
        ConfigError: it is nobody's whom `operators.yaml` trusts to vouch for logins.
    """
    found = (o for o in operators.values() if o.key == public_text(key) and LOGIN_VOUCHER in o.roles and not o.revoked)
    operator = next(found, None)
    if operator is None:
        raise ConfigError(
            "The voucher key is nobody's who is trusted to vouch for logins here.",
            fix=f"Add it with `synapsor operator add NAME --role {LOGIN_VOUCHER} --public-key BASE64`.",
        )
    return Voucher(operator=operator, key=key)
