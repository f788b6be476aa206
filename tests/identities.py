"""A provider on this machine with a certificate of its own, and what believes it: logins and bearer tokens, on a clock that is told the time."""

import datetime as dt
import ssl
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import trustme

from synapsor.approve.identity.oidc import Arrived, BearerVerifier, Begun, Fetcher, OidcLogin, Provider, Vouched
from synapsor.config import OidcConfig
from synapsor.errors import LoginRefused
from synapsor.testing.clock import TestClock
from synapsor.testing.idp import Certificate, FakeIdp, IdpClient, serve_idp

CONSOLE = "https://console.example:8443/login/oidc/callback"
CLIENT = "synapsor-console"
APPROVALS = "https://approvals.example/mcp"
SERVE = "https://agents.example/mcp"
LEO = "leo-5f3c"


class Ticks:
    """Seconds that go on when told to."""

    def __init__(self) -> None:
        self.passed = 1000.0

    def __call__(self) -> float:
        return self.passed


@dataclass(kw_only=True)
class Identities:
    """A provider and everything of ours that believes it."""

    idp: FakeIdp
    config: OidcConfig
    clock: TestClock
    ticks: Ticks
    ca: Path
    provider: Provider
    login: OidcLogin
    bearer: BearerVerifier
    answers: list[tuple[str, str]] = field(default_factory=list)

    async def visit(self, begun: Begun, person: str = LEO) -> list[tuple[str, str]]:
        """Go to the provider as a browser does, pick a person, and return what comes back."""
        context = ssl.create_default_context(cafile=self.ca)
        async with httpx2.AsyncClient(verify=context, trust_env=False, timeout=60) as browser:
            page = await browser.get(begun.url)
            assert page.status_code == httpx2.codes.OK, page.text
            back = await browser.post(begun.url, data={"person": person})
        assert back.headers["location"].startswith(CONSOLE + "?")
        return parse_qsl(urlsplit(back.headers["location"]).query, keep_blank_values=True)

    async def log_in(self, person: str = LEO, *, session: str = "s1", back: str = "/") -> Arrived:
        """Log somebody in, from the first page to the last."""
        begun = await self.login.begin(session=session, back=back)
        return await self.login.finish(await self.visit(begun, person), begun.sealed, session=session)

    async def enter(self, token: str) -> Vouched:
        """Come in with a bearer token."""
        return await self.bearer.verify_bearer(token)


@cache
def _authority() -> trustme.CA:
    return trustme.CA()


def certificate_in(folder: Path) -> tuple[Certificate, Path]:
    """Return a certificate for this machine, and the file of the authority that vouches for it."""
    issued = _authority().issue_cert("localhost", "127.0.0.1", "idp.example")
    chain, key, ca = folder / "chain.pem", folder / "server.key", folder / "ca.pem"
    chain.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(key))
    _authority().cert_pem.write_to_path(str(ca))
    return Certificate(chain, key), ca


def people() -> dict[str, dict[str, Any]]:
    return {LEO: {"roles": ["billing_lead", "head"]}, "vera-77": {"roles": []}}


@asynccontextmanager
async def identities(limit_s: float = 10.0, **settings: Any) -> AsyncIterator[Identities]:
    """Start a provider that knows two people and this project's client."""
    clock, ticks = TestClock(dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)), Ticks()
    idp = FakeIdp(clients={CLIENT: IdpClient(id=CLIENT, redirects=(CONSOLE,))}, people=people(), clock=clock)
    with TemporaryDirectory() as folder:
        certificate, ca = certificate_in(Path(folder))
        async with serve_idp(idp, certificate=certificate):
            yield believing(idp, ca, clock, ticks, limit_s=limit_s, settings=settings)


def believing(
    idp: FakeIdp, ca: Path, clock: TestClock, ticks: Ticks, *, limit_s: float = 10.0, settings: Mapping[str, Any]
) -> Identities:
    """Return what believes a provider, as a project that has these settings does."""
    document = {
        "issuer": idp.issuer,
        "client_id": CLIENT,
        "audience": APPROVALS,
        "allow_private": True,
        "ca": str(ca),
        **settings,
    }
    config = OidcConfig.model_validate(document, context={"root": ca.parent})
    fetcher = Fetcher(ca=config.ca, allow_private=config.allow_private, limit_s=limit_s)
    provider = Provider(fetcher, issuer=config.issuer, algorithms=config.algorithms, ticks=ticks)
    return Identities(
        idp=idp,
        config=config,
        clock=clock,
        ticks=ticks,
        ca=ca,
        provider=provider,
        login=OidcLogin(config, provider, fetcher, clock=clock, redirect_uri=CONSOLE),
        bearer=BearerVerifier(config, provider, clock=clock),
    )


async def rule_of(attempt: Awaitable[object]) -> str:
    """Return by which rule something is refused, or "let in"."""
    try:
        await attempt
    except LoginRefused as refused:
        return refused.rule
    return "let in"
