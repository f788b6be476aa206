"""Asking a provider over HTTPS, bounded: one address that was looked at, no redirect, no compression, so much and so long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import httpx2

from synapsor.approve.identity.oidc.refusals import Rule, refused
from synapsor.config.oidc import address_trouble
from synapsor.web.addresses import ANY
from synapsor.web.asking import Pinned, Request, Resolver, Trouble, resolve, trusting

MAX_BYTES: Final = 1_048_576
LIMIT_S: Final = 10.0

_REDIRECTS: Final = range(300, 400)
_PLAIN: Final = {"Accept": "application/json", "Accept-Encoding": "identity"}
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_RULES: Final = {Trouble.ADDRESS_REFUSED: Rule.PROVIDER_PRIVATE, Trouble.TIMEOUT: Rule.PROVIDER_SLOW}


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

    def __init__(
        self,
        *,
        ca: Path | None = None,
        allow_private: bool = False,
        limit_s: float = LIMIT_S,
        resolver: Resolver = resolve,
    ) -> None:
        private = ANY if allow_private else ()
        self._pinned = Pinned(tls=trusting(ca, of="oidc"), private=private, seconds=limit_s, resolver=resolver)

    async def get(self, url: str) -> bytes:
        """Return the body of what is there.

        Raises:
            LoginRefused: by a rule of `provider_…`.
        """
        answer = await self._ask(Request(method="GET", url=_url(url), headers=_PLAIN))
        if answer.status != httpx2.codes.OK:
            raise refused(Rule.PROVIDER_UNREACHABLE)
        return answer.body

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        """Return what the form was answered with; a status of failure is the caller's to judge.

        Raises:
            LoginRefused: by a rule of `provider_…`.
        """
        told = {**_PLAIN, **_FORM, **headers}
        answer = await self._ask(Request(method="POST", url=_url(url), headers=told, body=urlencode(form).encode()))
        if answer.status >= httpx2.codes.INTERNAL_SERVER_ERROR:
            raise refused(Rule.PROVIDER_UNREACHABLE)
        return answer

    async def _ask(self, request: Request) -> Answer:
        answer = await self._pinned.ask(request, _read)
        if isinstance(answer, Trouble):
            raise refused(_RULES.get(answer, Rule.PROVIDER_UNREACHABLE))
        return answer


def _url(text: str) -> httpx2.URL:
    if address_trouble(text):
        raise refused(Rule.PROVIDER_UNSAFE)
    try:
        return httpx2.URL(text)
    except httpx2.InvalidURL:
        pass  # raised out here: what was caught quotes the address
    raise refused(Rule.PROVIDER_UNREACHABLE)


async def _read(answer: httpx2.Response) -> Answer:
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
