"""A handler that is asked over HTTP: one signed POST to one address, no redirect, no proxy, no compression, so many bytes and so long."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import httpx2

from synapsor.errors import ConfigError
from synapsor.executors.secret import proper
from synapsor.handler.signature import sign
from synapsor.handler.wire import IDEMPOTENCY_KEY, MOST_ANSWER_BYTES, SIGNATURE
from synapsor.handler_ports import ACCEPTED_SECONDS, Heard, Reply
from synapsor.ports import Clock
from synapsor.secrets import Secret
from synapsor.web.addresses import ANY
from synapsor.web.asking import Pinned, Request, Resolver, Trouble, resolve, trusting

LONGEST_WAIT: Final = 600.0
"""Seconds; the ledger takes a longer delay for one of a clock that was set back."""
_NOT_SENT: Final = frozenset(
    {Trouble.NAME_NOT_RESOLVED, Trouble.ADDRESS_REFUSED, Trouble.NOT_CONNECTED, Trouble.TLS_REFUSED}
)
_HEADERS: Final = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "synapsor",
}
_LATER: Final = frozenset({429, 503})
_DENIED: Final = 401
_MOST_DIGITS: Final = 9


class HttpHandler:
    """Asks one address, which the project's own configuration names."""

    def __init__(
        self,
        *,
        name: str,
        url: str,
        secret: Secret,
        seconds: float,
        clock: Clock,
        accepted_seconds: float = ACCEPTED_SECONDS,
        ca: Path | None = None,
        resolver: Resolver = resolve,
    ) -> None:
        """Take what the configuration says.

        Raises:
            ConfigError: the address or the authority is none, or the secret could be guessed.
        """
        self.name = name
        self.accepted_seconds = accepted_seconds
        self._secret = proper(name, secret)
        self._clock = clock
        self._url = _url(name, url)
        self._pinned = Pinned(tls=trusting(ca, of="executors"), private=ANY, seconds=seconds, resolver=resolver)

    async def ask(self, body: bytes, *, key: str) -> Reply:
        """Post a document and return what came back."""
        at = int(self._clock.now().timestamp())
        signed = {SIGNATURE: sign(self._secret.reveal(), body, executor=self.name, at=at), IDEMPOTENCY_KEY: key}
        request = Request(method="POST", url=self._url, headers={**_HEADERS, **signed}, body=body)
        came = await self._pinned.ask(request, _read)
        if isinstance(came, Trouble):
            return Reply(heard=Heard.UNREACHED if came in _NOT_SENT else Heard.UNKNOWN)
        return came


async def _read(answer: httpx2.Response) -> Reply:
    """Return what an answer is; a redirect is none, for nobody but the configured address is asked."""
    status = answer.status_code
    if status == _DENIED:
        return Reply(heard=Heard.DENIED)
    if status in _LATER:
        return Reply(heard=Heard.BUSY, wait=_wanted(answer.headers.get("retry-after", "")))
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        return Reply(heard=Heard.UNKNOWN)
    body = bytearray()
    async for part in answer.aiter_raw():
        body += part
        if len(body) > MOST_ANSWER_BYTES:
            return Reply(heard=Heard.UNKNOWN)
    return Reply(heard=Heard.ANSWERED, status=status, body=bytes(body))


def _wanted(text: str) -> float:
    """Return for how many seconds a handler wants to be left alone, an hour at the most; a date counts as nothing said."""
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        return min(float(text), LONGEST_WAIT)
    return 0.0


def _url(name: str, text: str) -> httpx2.URL:
    try:
        return httpx2.URL(text)
    except httpx2.InvalidURL:
        pass  # raised out here: what was caught quotes the address
    raise ConfigError(f"The address of executor {name} is none.", fix="Write `url: https://host/path`.")
