"""The key with which a console says who logged in, or an approval server whose code it saw: no person's, and trusted for nothing else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor.approve.identity.keys import Ask, ask_terminal, load_key
from synapsor.contract.approvals import CODE_VOUCHER, LOGIN_VOUCHER
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


def named_voucher(name: str, file: Path, operators: Mapping[str, Operator], *, ask: Ask = ask_terminal) -> Voucher:
    """Return the voucher of a name, with the private key in a file.

    Raises:
        ConfigError: the file holds no key, or another one than that of the name, or nobody trusts it to vouch for codes.
        UsageError: the key has a passphrase, and nobody can be asked for it.
    """
    known, key = operators.get(name), load_key(file, ask=ask)
    if known is None or known.revoked or CODE_VOUCHER not in known.roles or known.key != public_text(key):
        raise ConfigError(
            f"{name} is not trusted here to say who decided, or its key is another one.",
            fix=f"Add it with `synapsor operator add {name} --role {CODE_VOUCHER} --no-passphrase --key FILE`.",
        )
    return Voucher(operator=known, key=key)


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
