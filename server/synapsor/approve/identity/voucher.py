"""The key with which a console says who logged in, or an approval server whose code it saw: no person's, and trusted for nothing else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor.approve.identity.keys import Ask, ask_terminal, load_key
from synapsor.contract.approvals import CODE_VOUCHER, LOGIN_VOUCHER
from synapsor.core.login import VOUCHER_OF
from synapsor.core.statements import LoginMethod, Operator, SignedLogin
from synapsor.core.trust import ProgramKey, program_key
from synapsor.errors import ConfigError, DecisionRefused
from synapsor.flow.signing import SessionKey, vouched_login
from synapsor.refusals import Rule


def named_voucher(name: str, file: Path, operators: Mapping[str, Operator], *, ask: Ask = ask_terminal) -> ProgramKey:
    """Return the voucher of a name, with the private key in a file.

    Raises:
        ConfigError: the file holds no key, or another one than that of the name, or nobody trusts it to vouch for codes.
        UsageError: the key has a passphrase, and nobody can be asked for it.
    """
    found = program_key(load_key(file, ask=ask), operators, CODE_VOUCHER)
    if found is None or found.operator.name != name:
        raise ConfigError(
            f"{name} is not trusted here to say who decided, or its key is another one.",
            fix=f"Add it with `synapsor operator add {name} --role {CODE_VOUCHER} --no-passphrase --key FILE`.",
        )
    return found


def voucher_of(key: Ed25519PrivateKey, operators: Mapping[str, Operator]) -> ProgramKey:
    """Return the voucher that a private key is of.

    Raises:
        ConfigError: it is nobody's whom `operators.yaml` trusts to vouch for logins.
    """
    found = program_key(key, operators, LOGIN_VOUCHER)
    if found is None:
        raise ConfigError(
            "The voucher key is nobody's who is trusted to vouch for logins here.",
            fix=f"Add it with `synapsor operator add NAME --role {LOGIN_VOUCHER} --public-key BASE64`.",
        )
    return found


def vouch(
    voucher: ProgramKey,
    who: Operator,
    session: SessionKey,
    *,
    method: LoginMethod,
    roles: tuple[str, ...],
    operators: Mapping[str, Operator],
    now: dt.datetime,
) -> SignedLogin:
    """Return what makes a session's key speak for whom this server saw prove who they are, in these of their roles.

    Raises:
        DecisionRefused: by rule `voucher_untrusted`, when the server's own key is not trusted with that any more; logging in again would not mend it.
    """
    if not voucher.is_trusted(operators, VOUCHER_OF[method]):
        raise DecisionRefused(
            Rule.VOUCHER_UNTRUSTED,
            f"{voucher.operator.name}, by whose key this server says who somebody is, is not trusted with that any more.",
            fix=f"Whoever runs this server gives it a key with the role {VOUCHER_OF[method]}: `synapsor operator add`.",
        )
    return vouched_login(who, session, voucher=voucher, method=method, roles=roles, now=now)
