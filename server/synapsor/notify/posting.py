"""One POST to an address of the configuration, and what its answer means.

The name is resolved here, all its addresses are judged, and the request goes to one of them with the name in `Host` and in TLS, where the
certificate must be the name's. Nothing is followed, no proxy of the environment is taken, and of the answer only the head is read.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import email.utils
import logging
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import anyio
import httpx2

from synapsor.config.notify import Network
from synapsor.errors import ConfigError
from synapsor.web.addresses import Ip, is_allowed, parsed

Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a name; raises OSError where it has none."""

SECONDS: Final = 20.0
LONGEST_REST: Final = 3600.0
MOST_ADDRESSES: Final = 3
logging.getLogger("httpx2").setLevel(logging.WARNING)  # below, it would tell addresses, and those of chats are secrets
_AGAIN: Final = frozenset({408, 425, 429})
_SERVER_ERROR: Final = 500
_REDIRECT: Final = range(300, 400)
_OK: Final = range(200, 300)
_MOST_PORT: Final = 65_535
_ADDRESS: Final = re.compile(
    r"(?=.{1,2048}\Z)(?P<scheme>https?)://([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?([/?][\x21\x22\x24-\x5b\x5d-\x7e]*)?\Z"
)
"""An address whose host every parser finds at the same place: no user, no escape in the host, no backslash, no fragment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an attempt.

    Attributes:
        why: why it did not arrive, in one word; "" when it did.
        again: whether it is worth trying again.
        after: for how many seconds the receiver wants to be left alone.
        reached: whom of several it has reached all the same; they do not get it again.
    """

    why: str = ""
    again: bool = False
    after: float | None = None
    reached: tuple[str, ...] = ()

    @property
    def arrived(self) -> bool:
        """Whether the message arrived."""
        return not self.why


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses that the system's resolver gives a name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class Poster:
    """Posts to one address."""

    def __init__(
        self,
        address: str,
        *,
        private: Sequence[Network] = (),
        ca: Path | None = None,
        resolver: Resolver = resolve,
        seconds: float = SECONDS,
    ) -> None:
        """Take an address of the configuration.

        Raises:
            ConfigError: nothing may be posted to it. The address may be a secret, so the message does not repeat it.
        """
        self._url = _checked(address)
        self._private = private
        self._tls = tls_context(ca)
        self._resolver = resolver
        self._seconds = seconds

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """Post once and say what came of it."""
        try:
            with anyio.fail_after(self._seconds):
                return await self._post(body, headers)
        except TimeoutError:
            return Outcome(why="timeout", again=True)

    async def refused(self) -> str:
        """Return why nothing would be posted there now, in one word, or ""; nothing is connected to."""
        try:
            with anyio.fail_after(self._seconds):
                found = await self._addresses()
        except TimeoutError:
            return "name_not_resolved"
        return found.why if isinstance(found, Outcome) else ""

    async def _addresses(self) -> list[Ip] | Outcome:
        """Return the addresses of the name, if it may be posted to each of them."""
        try:
            addresses = [parsed(text) for text in await self._resolver(_host(self._url), _port(self._url))]
        except (OSError, UnicodeError):
            return Outcome(why="name_not_resolved", again=True)
        allowed = [address for address in addresses if address is not None and self._may(address)]
        if not allowed or len(allowed) < len(addresses):
            return Outcome(why="address_refused", again=True)
        return allowed

    async def _post(self, body: bytes, headers: Mapping[str, str]) -> Outcome:
        host, allowed = _host(self._url), await self._addresses()
        if isinstance(allowed, Outcome):
            return allowed
        outcome = Outcome(why="not_connected", again=True)
        async with httpx2.AsyncClient(
            verify=self._tls, trust_env=False, follow_redirects=False, timeout=self._seconds
        ) as client:
            for address in allowed[:MOST_ADDRESSES]:
                try:
                    return await self._send(client, address, host, body, headers)
                except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                    outcome = Outcome(why="tls_refused" if about_tls(error) else "not_connected", again=True)
                except httpx2.TimeoutException:
                    return Outcome(why="timeout", again=True)
                except httpx2.HTTPError:
                    return Outcome(why="connection_lost", again=True)
        return outcome

    def _may(self, address: Ip) -> bool:
        plain = self._url.scheme == "http"  # in clear within this machine only
        return is_allowed(address, self._private) and (address.is_loopback or not plain)

    async def _send(
        self, client: httpx2.AsyncClient, address: Ip, host: str, body: bytes, headers: Mapping[str, str]
    ) -> Outcome:
        pinned = self._url.copy_with(host=str(address))
        named = {**headers, "Host": self._url.netloc.decode("ascii"), "Connection": "close"}
        opened = _Opened()
        extensions = {"sni_hostname": host, "trace": opened}
        request = client.build_request("POST", pinned, content=body, headers=named, extensions=extensions)
        try:
            response = await client.send(request, stream=True)
            try:
                return outcome_of(response.status_code, response.headers.get("retry-after"))
            finally:
                await response.aclose()
        finally:
            await opened.close()


class _Opened:
    """The connections that an attempt opened. Its time may be over during a TLS handshake, and the library leaves the connection open then."""

    def __init__(self) -> None:
        self._streams: list[Any] = []

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of a connection; the library calls it at each step."""
        if event == "connection.connect_tcp.complete":
            self._streams.append(info["return_value"])

    async def close(self) -> None:
        """Close them all, whatever they are in the middle of."""
        with anyio.CancelScope(shield=True):
            for stream in self._streams:
                await stream.aclose()


def outcome_of(status: int, retry_after: str | None, *, now: dt.datetime | None = None) -> Outcome:
    """Return what an answer means: arrived, to be tried again, or given up."""
    if status in _OK:
        return Outcome()
    if status in _REDIRECT:
        return Outcome(why="redirect_refused")
    if status in _AGAIN or status >= _SERVER_ERROR:
        return Outcome(why=f"http_{status}", again=True, after=_wanted(retry_after, now))
    return Outcome(why=f"http_{status}")


def _wanted(text: str | None, now: dt.datetime | None) -> float | None:
    """Return for how long a receiver wants to be left alone, an hour at the most."""
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) <= 9:  # noqa: PLR2004  # longer than anybody waits
        return min(float(text), LONGEST_REST)
    try:
        until = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=dt.UTC)
    return min(max((until - (now or dt.datetime.now(dt.UTC))).total_seconds(), 0.0), LONGEST_REST)


def _checked(address: str) -> httpx2.URL:
    try:
        written = _ADDRESS.match(address)
        url = httpx2.URL(address) if written else None
        if written is not None and url is not None and _fits(url, written["scheme"]):
            return url
    except (httpx2.InvalidURL, UnicodeError, ValueError):
        pass  # raised below, so that no error with the address in it hangs on
    raise ConfigError(
        "An address of `notify` is not one that messages are sent to.",
        fix="Write https://host/path, without a user, a password or a fragment; http:// only to 127.0.0.1 or [::1].",
    )


def _fits(url: httpx2.URL, scheme: str) -> bool:
    if not 0 < _port(url) <= _MOST_PORT:
        return False
    literal = parsed(_host(url))
    return scheme == "https" or (literal is not None and literal.is_loopback)


def _port(url: httpx2.URL) -> int:
    return url.port if url.port is not None else 443 if url.scheme == "https" else 80


def _host(url: httpx2.URL) -> str:
    return url.raw_host.decode("ascii").rstrip(".")


def tls_context(ca: Path | None) -> ssl.SSLContext:
    """Return how a server proves who it is: by a certificate of the system's authorities, or of the one that is named.

    Raises:
        ConfigError: the authority cannot be read.
    """
    try:
        context = ssl.create_default_context(cafile=str(ca) if ca else None)
    except (OSError, ssl.SSLError):
        raise ConfigError(
            "A certificate authority of `notify` cannot be read.", fix="`ca` is the path of a PEM file."
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def about_tls(error: BaseException | None) -> bool:
    """Tell whether it was the other side's certificate, or no common TLS, that ended a connection."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
