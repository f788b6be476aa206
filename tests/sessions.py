"""Sessions that speak for people: keys in memory, and the logins that make them count."""

import datetime as dt
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor.core.signatures import public_text
from synapsor.core.statements import Identity, LoginMethod, Operator
from synapsor.core.trust import ProgramKey
from synapsor.flow.signing import SessionKey, Signer, signed_login, vouched_login
from tests.decisions import NOW, Person, person

ISSUER = "https://id.example"
HOURS = dt.timedelta(hours=8)
SECRET = b"12345678901234567890"


def known(who: Person, *, subject: str = "") -> Operator:
    """Return a person's entry with a login and with one-time codes."""
    return replace(
        who.operator, login=Identity(issuer=ISSUER, subject=subject or f"{who.operator.name}-1"), code_secret=SECRET
    )


def own_session(
    who: Person, ledger: str, *, lasts: dt.timedelta = HOURS, now: dt.datetime = NOW, code: str = ""
) -> Signer:
    """Return a session that a person's own key speaks for."""
    key = Ed25519PrivateKey.generate()
    session = SessionKey(key=public_text(key), ledger=ledger, client="a test", lasts=lasts)
    login = signed_login(who.operator, who.key, session, now=now)
    return Signer(operator=who.operator, key=key, login=login, code=code)


def vouched_session(
    operator: Operator,
    voucher: Person,
    ledger: str,
    *,
    method: LoginMethod = "oidc",
    roles: tuple[str, ...] | None = None,
    lasts: dt.timedelta = HOURS,
    code: str = "",
) -> Signer:
    """Return a session that a console's or approval server's key vouches for."""
    key = Ed25519PrivateKey.generate()
    session = SessionKey(key=public_text(key), ledger=ledger, client="a test", lasts=lasts)
    program = ProgramKey(operator=voucher.operator, key=voucher.key)
    carried = operator.roles if roles is None else roles
    login = vouched_login(operator, session, voucher=program, method=method, roles=carried, now=NOW)
    return Signer(operator=operator, key=key, login=login, code=code)


def voucher(name: str = "console") -> Person:
    """Return the key of a console."""
    return person(name, "login_voucher")


def code_voucher(name: str = "approvals") -> Person:
    """Return the key of an approval server."""
    return person(name, "code_voucher")


def trusted(*people: Person | Operator) -> dict[str, Operator]:
    """Return these as the operators of a project."""
    operators = [p.operator if isinstance(p, Person) else p for p in people]
    return {operator.name: operator for operator in operators}
