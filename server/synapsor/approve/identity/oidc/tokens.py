"""A signed token (RFC 7519) to its claims. The header only says which of the provider's own keys to look for; it brings none.

PyJWT checks the signature, with one key and the one algorithm that goes with it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection
from typing import Any

import jwt

from synapsor.approve.identity.oidc.provider import Provider
from synapsor.approve.identity.oidc.refusals import Rule, refused
from synapsor.approve.identity.oidc.strict import Unreadable, json_object

MAX_TOKEN = 32_768
LOGIN_TYPES = frozenset({"jwt"})
BEARER_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})

_FORM = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)")
_LEADS_AWAY = frozenset({"jku", "x5u", "jwk", "x5c", "crit", "b64", "zip", "enc"})


async def claims_of(
    token: str, provider: Provider, *, algorithms: Collection[str], types: Collection[str]
) -> dict[str, Any]:
    """Return the claims of a token that the provider signed; what they say is judged elsewhere.

    Raises:
        LoginRefused: by its rule.
    """
    header, payload = _parts(token)
    algorithm, name = _checked(header, algorithms, types)
    key = await provider.key(name, algorithm)
    broken = Rule.TOKEN_MALFORMED
    try:
        jwt.PyJWS(algorithms=[algorithm]).decode(token, key, algorithms=[algorithm])
    except jwt.InvalidSignatureError:
        broken = Rule.SIGNATURE_WRONG
    except jwt.PyJWTError:
        pass
    else:
        return payload
    raise refused(broken)


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    if len(token) > MAX_TOKEN:
        raise refused(Rule.TOKEN_TOO_LARGE)
    found = _FORM.fullmatch(token)
    if found is None:
        raise refused(Rule.TOKEN_MALFORMED)
    try:
        return json_object(_bytes(found[1])), json_object(_bytes(found[2]))
    except Unreadable:
        raise refused(Rule.TOKEN_MALFORMED) from None


def _bytes(part: str) -> bytes:
    """Return what a part is in base64url; another spelling of the same bytes is another text, and not the one that was signed."""
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise Unreadable from None


def _checked(header: dict[str, Any], algorithms: Collection[str], types: Collection[str]) -> tuple[str, str]:
    """Return the algorithm and the name of the key that a header names."""
    algorithm, name, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise refused(Rule.ALGORITHM_REFUSED)
    if _LEADS_AWAY & header.keys():
        raise refused(Rule.HEADER_REFUSED)
    if not isinstance(kind, str) or kind.lower() not in types:
        raise refused(Rule.TOKEN_TYPE)
    if not isinstance(name, str) or not name:
        raise refused(Rule.KEY_UNNAMED)
    return algorithm, name
