"""Asking a provider over HTTPS, bounded: one address that was looked at, no redirect, no proxy, no compression, so much and so long.

The address that is connected to is the one that was judged, so that a name which resolves differently the next moment leads nowhere.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import httpx2

from synapsor.approve.identity.oidc.refusals import Rule, refused
from synapsor.config.oidc import address_trouble
from synapsor.errors import ConfigError
from synapsor.web.addresses import ANY, is_allowed, parsed

MAX_BYTES = 1_048_576
LIMIT_S = 10.0

_ADDRESSES = 4
_PORTS = {"https": 443, "http": 80}
_REDIRECTS = range(300, 400)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answered."""

    status: int
    body: bytes = field(repr=False)


class Fetcher:
    """Asks; `ca` stands in for the system's certificates, and `limit_s` is for a whole answer.

    Raises:
        ConfigError: the file of certificates cannot be read or has none.
    """

    def __init__(self, *, ca: Path | None = None, allow_private: bool = False, limit_s: float = LIMIT_S) -> None:
        self._context = _context(ca)
        self._allow_private = allow_private
        self._limit_s = limit_s

    async def get(self, url: str) -> bytes:
        """Return the body of what is there.

        Raises:
            LoginRefused: by a rule of `provider_…`.
        """
        answer = await self._ask("GET", url)
        if answer.status != httpx2.codes.OK:
            raise refused(Rule.PROVIDER_UNREACHABLE)
        return answer.body

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        """Return what the form was answered with; a status of failure is the caller's to judge.

        Raises:
            LoginRefused: by a rule of `provider_…`.
        """
        answer = await self._ask("POST", url, form, headers)
        if answer.status >= httpx2.codes.INTERNAL_SERVER_ERROR:
            raise refused(Rule.PROVIDER_UNREACHABLE)
        return answer

    async def _ask(
        self, method: str, url: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        if address_trouble(url):
            raise refused(Rule.PROVIDER_UNSAFE)
        rule = Rule.PROVIDER_UNREACHABLE
        try:
            with anyio.fail_after(self._limit_s):
                return await self._ask_any(method, httpx2.URL(url), form, headers or {})
        except TimeoutError:
            rule = Rule.PROVIDER_SLOW
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError):
            pass
        # Raised out here: what was caught quotes addresses.
        raise refused(rule)

    async def _ask_any(
        self, method: str, url: httpx2.URL, form: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> Answer:
        addresses = await self._addresses(url)
        transport = httpx2.AsyncHTTPTransport(verify=self._context, trust_env=False)
        async with httpx2.AsyncClient(
            transport=transport, trust_env=False, follow_redirects=False, timeout=self._limit_s
        ) as client:
            for address in addresses[:-1]:
                try:
                    return await self._once(client, method, url, address, form, headers)
                except httpx2.ConnectError:
                    continue
            return await self._once(client, method, url, addresses[-1], form, headers)

    async def _once(
        self,
        client: httpx2.AsyncClient,
        method: str,
        url: httpx2.URL,
        address: str,
        form: Mapping[str, str] | None,
        headers: Mapping[str, str],
    ) -> Answer:
        given = {"Host": url.netloc.decode(), "Accept": "application/json", "Accept-Encoding": "identity", **headers}
        # The certificate is still that of the name.
        extensions = {"sni_hostname": url.host}
        target = url.copy_with(host=address)
        async with client.stream(method, target, data=form, headers=given, extensions=extensions) as answer:
            if answer.status_code in _REDIRECTS:
                raise refused(Rule.PROVIDER_REDIRECTS)
            if answer.headers.get("content-encoding", "identity").lower() != "identity":
                raise refused(Rule.PROVIDER_MALFORMED)
            body = bytearray()
            async for part in answer.aiter_raw():
                body += part
                if len(body) > MAX_BYTES:
                    raise refused(Rule.PROVIDER_TOO_LARGE)
            return Answer(answer.status_code, bytes(body))

    async def _addresses(self, url: httpx2.URL) -> list[str]:
        port = url.port or _PORTS[url.scheme]
        found = await anyio.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(each[4][0]) for each in found))[:_ADDRESSES]
        if not addresses:
            raise refused(Rule.PROVIDER_UNREACHABLE)
        private = ANY if self._allow_private else ()
        if not all(each is not None and is_allowed(each, private) for each in map(parsed, addresses)):
            raise refused(Rule.PROVIDER_PRIVATE)
        return addresses


def _context(ca: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca)
    except OSError:
        context = None
    if context is None:
        raise ConfigError(
            "The authority's certificate of the identity provider cannot be read.",
            fix="Look at `oidc: {ca: FILE}`; it is a PEM file.",
        )
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
