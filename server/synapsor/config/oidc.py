"""How operators log in by OpenID Connect: which provider is believed, as which client, and what its tokens must be like.

There is one provider. A second one would need a way to tell whose answer is whose, and that is where logins get mixed up.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from synapsor.config.fields import FilePath, Finding, Model, Reference

Algorithm: TypeAlias = Literal["RS256", "PS256", "ES256", "EdDSA"]

MAX_LEEWAY_S = 60
CALLBACK = "/login/oidc/callback"
"""Where logins come back to, whatever the console's name."""
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def is_loopback(host: str) -> bool:
    """Tell whether a host, as a URL names it, is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in _LOCAL


def address_trouble(url: str) -> str:
    """Return why a provider may not be reached at this address, or ""; whether what it resolves to is private is asked later."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "it is no URL"
    odd = not url.isascii() or any(c <= " " or c in '\\"<>\x7f' for c in url)
    troubles = (
        (odd, "it has characters that a URL has not"),
        (not host or parts.scheme not in {"http", "https"}, "it is no https URL"),
        ("@" in parts.netloc, "it names a user"),
        ("#" in url, "it has a fragment"),
        (parts.scheme == "http" and not is_loopback(host or ""), "it is not https, and not on this machine"),
    )
    return next((trouble for holds, trouble in troubles if holds), "")


def _issuer(value: str) -> str:
    trouble = address_trouble(value) or ("it has a query" if "?" in value else "")
    if trouble:
        raise PydanticCustomError("issuer", "this cannot be an issuer: {trouble}", {"trouble": trouble})
    return value


def _redirect(value: str) -> str:
    trouble = address_trouble(value)
    if trouble or urlsplit(value).path != CALLBACK or "?" in value:
        raise PydanticCustomError(
            "redirect_uri",
            "this must be the console's https address with the path {path}; on this machine it may be http",
            {"path": CALLBACK},
        )
    return value


def _path_in_token(value: object) -> object:
    return [value] if isinstance(value, str) else value


Issuer = Annotated[str, StringConstraints(min_length=8, max_length=512), AfterValidator(_issuer)]
Word = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,255}$")]
ClaimKey = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,255}$")]
Scope = Annotated[str, StringConstraints(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]{1,100}$")]


class OidcConfig(Model):
    """The provider that operators log in with.

    Attributes:
        redirect_uri: the console's own address that logins come back to; without it the console offers none.
        issuer: compared byte by byte with what the provider and its tokens say.
        audience: what a bearer token of the approval server must be for; without it none is accepted.
        max_age_s: how long before a login a person may have proven who they are; 0 for anew each time, and nothing for any time.
        roles_claim: where a token lists its person's roles; the key of a claim, or keys from the outside in.
    """

    issuer: Issuer
    client_id: Word
    client_secret: Reference | None = None
    redirect_uri: Annotated[str, StringConstraints(max_length=512), AfterValidator(_redirect)] | None = None
    audience: Word | None = None
    algorithms: tuple[Algorithm, ...] = Field(default=("RS256", "PS256", "ES256", "EdDSA"), strict=False, min_length=1)
    roles_claim: Annotated[tuple[ClaimKey, ...], BeforeValidator(_path_in_token)] = Field(
        default=(), strict=False, max_length=8
    )
    scopes: tuple[Scope, ...] = Field(default=("openid",), strict=False, max_length=20)
    max_age_s: int | None = Field(default=None, ge=0, le=86_400)
    ca: FilePath | None = None
    leeway_s: int = Field(default=30, ge=0, le=MAX_LEEWAY_S)
    max_lifetime_s: int = Field(default=43_200, ge=60, le=86_400)
    allow_private: bool = False


def contradictions(oidc: OidcConfig) -> Iterator[Finding]:
    """Yield what does not fit together, at its place in this part."""
    if oidc.audience == oidc.client_id:
        yield (
            ("audience",),
            "audience_shared",
            "this is the client itself, so that anybody's login would be a token of the approval server",
            "Give the approval server an audience of its own, such as its address.",
        )
    if "openid" not in oidc.scopes:
        yield (("scopes",), "scope_missing", "without `openid` there is no login", "Add `openid`.")
    local = is_loopback(urlsplit(oidc.issuer).hostname or "")
    if local and not oidc.allow_private:
        yield (
            ("issuer",),
            "issuer_private",
            "this is an address of this machine",
            "Say `allow_private: true` if that is meant.",
        )
