"""What a provider says of itself (OpenID Connect Discovery 1.0), as far as a login needs it. Pure.

Its issuer is the configured one byte by byte: whoever answers under another name is somebody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synapsor.approve.identity.oidc.refusals import Rule, refused
from synapsor.config.oidc import address_trouble

WELL_KNOWN = "/.well-known/openid-configuration"
_BASIC = "client_secret_basic"
_POST = "client_secret_post"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The provider's own addresses, and what it can do.

    Attributes:
        names_itself: it says in every answer whose it is (RFC 9207), so that one without is not its own.
        secret_in_form: it takes the client's secret in the form and not in a header.
    """

    issuer: str
    authorization: str
    token: str
    keys: str
    names_itself: bool
    secret_in_form: bool


def address_of(issuer: str) -> str:
    """Return where a provider says what it is."""
    return issuer.removesuffix("/") + WELL_KNOWN


def metadata(document: Mapping[str, Any], *, issuer: str, algorithms: tuple[str, ...]) -> Metadata:
    """Return what a provider says of itself.

    Raises:
        LoginRefused: it is somebody else, names an address that is not safe, or cannot do what is needed.
    """
    if document.get("issuer") != issuer:
        raise refused(Rule.PROVIDER_ISSUER)
    _check_able(document, algorithms)
    methods = _listed(document, "token_endpoint_auth_methods_supported")
    return Metadata(
        issuer=issuer,
        authorization=_address(document, "authorization_endpoint"),
        token=_address(document, "token_endpoint"),
        keys=_address(document, "jwks_uri"),
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        secret_in_form=methods is not None and _BASIC not in methods and _POST in methods,
    )


def _check_able(document: Mapping[str, Any], algorithms: tuple[str, ...]) -> None:
    """Check what the provider lists; what it does not list shows itself at the first login."""
    signs = _listed(document, "id_token_signing_alg_values_supported")
    if signs is not None and not {*signs} & {*algorithms}:
        raise refused(Rule.PROVIDER_UNFIT, "the algorithms that it signs with")
    answers = _listed(document, "response_types_supported")
    if answers is not None and "code" not in answers:
        raise refused(Rule.PROVIDER_UNFIT, "the authorization code flow")
    proofs = _listed(document, "code_challenge_methods_supported")
    if proofs is not None and "S256" not in proofs:
        raise refused(Rule.PROVIDER_UNFIT, "PKCE with S256")


def _listed(document: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    value = document.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise refused(Rule.PROVIDER_MALFORMED, name)
    return tuple(value)


def _address(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise refused(Rule.PROVIDER_MALFORMED, name)
    if address_trouble(value):
        raise refused(Rule.PROVIDER_UNSAFE, name)
    return value
