"""A login: that a session's key speaks for an operator, and what the session's signature under a decision is worth.

A session is never more than the person: its login is short, names the roles that it carries, and stops to count with the trust in the
operator, or in the voucher who saw the proof. The private half of its key is in one process's memory alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from synapsor.contract.approvals import CODE_VOUCHER, LOGIN_VOUCHER, NO_PERSON
from synapsor.core.moment import are_stamps, earliest, parse
from synapsor.core.statements import (
    Decision,
    Identity,
    LoginMethod,
    Operator,
    SignedDecision,
    SignedLogin,
    Spoken,
    made_by,
    signature_holds,
)
from synapsor.errors import IntegrityError

LASTS_AT_MOST: Final = dt.timedelta(hours=12)

VOUCHER_OF: Final[dict[LoginMethod, str]] = {"oidc": LOGIN_VOUCHER, "code": CODE_VOUCHER}
"""The role of who vouches for logins of a method, and for no other."""


def verify_login(signed: SignedLogin, operators: Mapping[str, Operator], *, ledger: str) -> Operator:
    """Return the operator for whom the session of a login speaks, as far as trust goes now and whatever the time.

    Raises:
        IntegrityError: it is not signed by whoever could vouch for it, by nobody who is trusted still, or says more than any may.
    """
    if not login_holds(signed, operators, ledger=ledger):
        raise IntegrityError("The login's signature does not hold.")
    login = signed.login
    operator, voucher = operators[login.operator], operators[login.voucher or login.operator]
    if operator.revoked or voucher.revoked:
        raise IntegrityError("The login is by a key that is not trusted any more.")
    if login.method == "oidc" and operator.login != Identity(issuer=login.issuer, subject=login.subject):
        raise IntegrityError("The login is of another identity than the operator's.")
    return operator


def login_holds(signed: SignedLogin, operators: Mapping[str, Operator], *, ledger: str) -> bool:
    """Tell whether a login was signed by the operator's own key, or by a voucher's, for this ledger and for no longer than any may last."""
    login = signed.login
    own = login.method == "key"
    signer = operators.get(login.operator if own else login.voucher)
    if signer is None or login.operator not in operators or bool(login.voucher) is own:
        return False
    if not are_stamps(login.at, login.expires_at):
        return False
    lasts = parse(login.expires_at) - parse(login.at)
    return (
        login.ledger == ledger
        and dt.timedelta(0) < lasts <= LASTS_AT_MOST
        and (NO_PERSON.isdisjoint(signer.roles) if own else VOUCHER_OF.get(login.method) in signer.roles)
        and signature_holds(login, signed.signature, signer)
    )


def has_begun(signed: SignedLogin, at: str) -> bool:
    """Tell whether a login counts already, by a clock that may be a little behind that of the machine where it was signed."""
    return at >= earliest(signed.login.at)


def is_during(signed: SignedLogin, at: str) -> bool:
    """Tell whether a moment is one at which the login counts. Its end is as it was signed: nothing makes it longer."""
    return has_begun(signed, at) and at < signed.login.expires_at


def decision_holds(signed: SignedDecision, operators: Mapping[str, Operator]) -> bool:
    """Tell whether the operator whom a decision names made its signature; whether they may decide, and are trusted still, is another question."""
    return spoken_by(signed.decision, signed.signature, signed.login, operators)


def still_spoken_by(
    statement: Spoken, signature: str, login: SignedLogin | None, operators: Mapping[str, Operator]
) -> bool:
    """Tell whether the operator whom a statement names signed it, and whoever vouched for the login is trusted still."""
    if not spoken_by(statement, signature, login, operators):
        return False
    if login is None:
        return True
    try:
        verify_login(login, operators, ledger=statement.ledger)
    except IntegrityError:
        return False
    return True


def narrowed(operator: Operator, login: SignedLogin | None) -> Operator:
    """Return the operator with no role that a login does not carry; as they are where their own key speaks."""
    if login is None:
        return operator
    return replace(operator, roles=tuple(role for role in operator.roles if role in login.login.roles))


def spoken_by(statement: Spoken, signature: str, login: SignedLogin | None, operators: Mapping[str, Operator]) -> bool:
    """Tell whether the operator whom a statement names signed it: with their own key, or with that of a session that spoke for them.

    A login by code is for the decision that the code is for, and for nothing else.
    """
    operator = operators.get(statement.operator)
    if operator is None:
        return False
    if login is None:
        return signature_holds(statement, signature, operator)
    return (
        login.login.operator == statement.operator
        and (login.login.method != "code" or isinstance(statement, Decision))
        and login_holds(login, operators, ledger=statement.ledger)
        and is_during(login, statement.at)
        and statement.role in login.login.roles
        and made_by(login.login.key, statement, signature)
    )
