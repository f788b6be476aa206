"""The identity provider: whether it can be asked, is the configured one, has keys to verify a login with, and the console may vouch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from synapsor.approve.identity.keys import load_key
from synapsor.approve.identity.oidc import Fetcher, Provider
from synapsor.approve.identity.voucher import voucher_of
from synapsor.core.facts import Finding
from synapsor.errors import ConfigError, LoginRefused, UsageError
from synapsor.examine.secrets import looked_up, nobody

if TYPE_CHECKING:
    from synapsor.config import OidcConfig
    from synapsor.runtime import Project

LIMIT_S: Final = 5.0
_FIXES: Final = {
    "provider_issuer": "Write `issuer` letter by letter as the provider's own document has it.",
    "provider_private": "Say `allow_private: true` under `oidc:` if the provider is in your own network.",
    "provider_redirects": "Write the issuer's final address; nothing is followed.",
    "provider_unsafe": "The provider has to name https addresses of its own in its document.",
    "provider_unfit": "Have the provider sign with one of `algorithms`, and allow the code flow with PKCE by S256.",
}
_LOOK: Final = "See whether ISSUER/.well-known/openid-configuration answers from this machine, with a certificate that `ca` vouches for; no proxy is used."


async def of_provider(project: Project) -> list[Finding]:
    """Return what keeps people from logging in with the configured provider."""
    oidc = project.config.oidc
    if oidc is None:
        return []
    found, produces = [], project.config.profile == "production"
    if urlsplit(oidc.issuer).scheme != "https":
        found.append(
            Finding(
                rule="provider_in_clear",
                message="The identity provider is asked in clear, which is for a trial on this machine alone."
                + (" `profile: production` wants https." if produces else ""),
                fix="Give it a certificate, and write its https address"
                + ("; or say `profile: development`, for a trial." if produces else "."),
                fatal=produces,
            )
        )
    found += await _asked(oidc)
    if oidc.client_secret is not None:
        found += looked_up(oidc.client_secret, "client's secret at the identity provider")[1]
    return found + _voucher(project)


async def _asked(oidc: OidcConfig) -> list[Finding]:
    try:
        fetcher = Fetcher(ca=oidc.ca, allow_private=oidc.allow_private, limit_s=LIMIT_S)
        provider = Provider(fetcher, issuer=oidc.issuer, algorithms=oidc.algorithms)
        await provider.metadata()
        if await provider.can_sign():
            return []
    except ConfigError as wrong:
        return [Finding(rule="provider_ca", message=wrong.message, fix=wrong.fix)]
    except LoginRefused as refused:
        return [Finding(rule=refused.rule, message=refused.message, fix=_FIXES.get(refused.rule, _LOOK))]
    message = "The identity provider has no key that a login could be verified with."
    fix = f"It has to publish a named key for one of {', '.join(oidc.algorithms)}; or allow what it signs with under `algorithms:`."
    return [Finding(rule="provider_keys", message=message, fix=fix)]


def _voucher(project: Project) -> list[Finding]:
    path = project.config.voucher_key
    if path is None or not path.exists():
        return []
    try:
        key = load_key(path, ask=nobody)
    except (ConfigError, UsageError):
        return []  # its file is told beside the other keys, or is kept from this user
    try:
        voucher_of(key, project.operators())
    except ConfigError as wrong:
        return [Finding(rule="voucher_untrusted", message=wrong.message, fix=wrong.fix)]
    return []
