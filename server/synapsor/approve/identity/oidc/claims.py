"""What a token's claims must say, once its signature holds: pure rules over the claims, what was expected, and the present time.

A claim that is missing, or is a list where one text is due, never passes for one that says yes.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synapsor.approve.identity.oidc.refusals import Rule, refused
from synapsor.core.statements import Identity

REQUIRED = ("exp", "iat", "iss", "aud", "sub")

LOGIN_AGE_S = 600
"""How long ago the token of a login may have been issued; some providers date theirs back by five minutes."""

_FAR = 2**53
_MAX_SUBJECT = 255
_MAX_TEXT = 2048
_MAX_LISTED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the project expects of every token.

    Attributes:
        audience: whom it must be for.
        client: to whom it must have been given; a bearer token may have been given to any.
        roles_claim: the keys that lead to a person's roles, or none.
    """

    issuer: str
    audience: str
    client: str
    leeway_s: int
    max_lifetime_s: int
    roles_claim: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """Whom a provider vouches for.

    Attributes:
        roles: what the token says that the person may do, or None where the project does not ask it.
        authenticated_at: when the person proved who they are, or None where the provider does not say.
    """

    identity: Identity
    roles: frozenset[str] | None
    issued_at: int
    expires_at: int
    authenticated_at: int | None


def of_login(
    claims: Mapping[str, Any], expected: Expected, *, nonce: str, now: float, since: float | None = None
) -> Vouched:
    """Return whom the token of a login vouches for; with `since`, the person must have proven who they are since then.

    Raises:
        LoginRefused: by its rule.
    """
    vouched = _vouched(claims, expected, now=now)
    party = _text(claims, "azp") if "azp" in claims else None
    if party is None and len(_audiences(claims)) > 1:
        raise refused(Rule.CLAIM_MISSING, "azp")
    if party not in {None, expected.client}:
        raise refused(Rule.PARTY_WRONG)
    if not hmac.compare_digest(_text(claims, "nonce").encode(), nonce.encode()):
        raise refused(Rule.NONCE_WRONG)
    if vouched.issued_at < now - LOGIN_AGE_S - expected.leeway_s:
        raise refused(Rule.TOKEN_STALE)
    if since is not None:
        _check_since(vouched, since - expected.leeway_s)
    return vouched


def of_bearer(claims: Mapping[str, Any], expected: Expected, *, now: float) -> Vouched:
    """Return whom a bearer token vouches for. It is for this server alone: whoever else it is for could come here with it.

    Raises:
        LoginRefused: by its rule.
    """
    vouched = _vouched(claims, expected, now=now)
    if len(_audiences(claims)) > 1:
        raise refused(Rule.AUDIENCE_SHARED)
    if "nonce" in claims:
        raise refused(Rule.TOKEN_TYPE)
    return vouched


def _vouched(claims: Mapping[str, Any], expected: Expected, *, now: float) -> Vouched:
    for name in REQUIRED:
        if name not in claims:
            raise refused(Rule.CLAIM_MISSING, name)
    if _text(claims, "iss") != expected.issuer:
        raise refused(Rule.ISSUER_WRONG)
    if expected.audience not in _audiences(claims):
        raise refused(Rule.AUDIENCE_WRONG)
    issued_at, expires_at = _times(claims, expected, now)
    return Vouched(
        identity=Identity(issuer=expected.issuer, subject=_subject(claims)),
        roles=_roles(claims, expected.roles_claim),
        issued_at=issued_at,
        expires_at=expires_at,
        authenticated_at=_authenticated(claims, now + expected.leeway_s),
    )


def _times(claims: Mapping[str, Any], expected: Expected, now: float) -> tuple[int, int]:
    issued_at, expires_at = _time(claims, "iat"), _time(claims, "exp")
    if now >= expires_at + expected.leeway_s:
        raise refused(Rule.TOKEN_EXPIRED)
    if issued_at > now + expected.leeway_s:
        raise refused(Rule.TOKEN_FUTURE)
    if "nbf" in claims and _time(claims, "nbf") > now + expected.leeway_s:
        raise refused(Rule.TOKEN_EARLY)
    if expires_at - issued_at > expected.max_lifetime_s:
        raise refused(Rule.TOKEN_TOO_LONG)
    return issued_at, expires_at


def _authenticated(claims: Mapping[str, Any], latest: float) -> int | None:
    if "auth_time" not in claims:
        return None
    at = _time(claims, "auth_time")
    if at > latest:
        raise refused(Rule.AUTHENTICATION_FUTURE)
    return at


def _check_since(vouched: Vouched, since: float) -> None:
    if vouched.authenticated_at is None:
        raise refused(Rule.CLAIM_MISSING, "auth_time")
    if vouched.authenticated_at < int(since):
        raise refused(Rule.AUTHENTICATION_OLD)


def _time(claims: Mapping[str, Any], name: str) -> int:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _FAR:
        raise refused(Rule.CLAIM_FORM, name)
    return int(value)


def _text(claims: Mapping[str, Any], name: str) -> str:
    if name not in claims:
        raise refused(Rule.CLAIM_MISSING, name)
    value = claims[name]
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT or not value.isascii() or not value.isprintable():
        raise refused(Rule.CLAIM_FORM, name)
    return value


def _subject(claims: Mapping[str, Any]) -> str:
    subject = _text(claims, "sub")
    if len(subject) > _MAX_SUBJECT:
        raise refused(Rule.CLAIM_FORM, "sub")
    return subject


def _audiences(claims: Mapping[str, Any]) -> tuple[str, ...]:
    value = claims["aud"]
    found = tuple(value) if isinstance(value, list) else (value,)
    if not 0 < len(found) <= _MAX_LISTED or not all(isinstance(one, str) and one for one in found):
        raise refused(Rule.CLAIM_FORM, "aud")
    return found


def _roles(claims: Mapping[str, Any], path: tuple[str, ...]) -> frozenset[str] | None:
    """Return the roles at the end of a path of keys; a token without them has none, and one with anything else is refused."""
    if not path:
        return None
    found: Any = claims
    for key in path:
        if not isinstance(found, Mapping):
            raise refused(Rule.CLAIM_FORM, "the roles")
        if key not in found:
            return frozenset()
        found = found[key]
    if not isinstance(found, list) or len(found) > _MAX_LISTED or not all(isinstance(role, str) for role in found):
        raise refused(Rule.CLAIM_FORM, "the roles")
    return frozenset(found)
