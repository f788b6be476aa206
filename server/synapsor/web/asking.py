"""One request to a server elsewhere, pinned: what is judged is what is connected to.

The name is resolved once, all its addresses are judged, and the request goes to one of them with the name in `Host` and in TLS, where the
certificate must be the name's. Nothing is followed, no proxy of the environment is taken, and it all has one time.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum, auto
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import anyio
import httpx2

from synapsor.errors import ConfigError
from synapsor.web.addresses import Ip, Network, is_allowed, parsed

Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a name; raises OSError where it has none."""
T = TypeVar("T")

logging.getLogger("httpx2").setLevel(logging.WARNING)  # below, it would tell addresses, and those of chats are secrets
_MOST_ADDRESSES: Final = 3
_PORTS: Final = {"https": 443, "http": 80}


class Trouble(StrEnum):
    """Why nothing was answered, in one word."""

    NAME_NOT_RESOLVED = auto()
    ADDRESS_REFUSED = auto()
    NOT_CONNECTED = auto()
    TLS_REFUSED = auto()
    CONNECTION_LOST = auto()
    TIMEOUT = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked; an address may be a secret, and so may a body."""

    method: str
    url: httpx2.URL = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses that the system's resolver gives a name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """Asks servers.

    Attributes:
        private: the networks that may be connected to beside public addresses.
        seconds: how long an answer may take, all in all.
    """

    tls: ssl.SSLContext
    private: Sequence[Network] = ()
    seconds: float
    resolver: Resolver = resolve

    async def ask(self, request: Request, read: Callable[[httpx2.Response], Awaitable[T]]) -> T | Trouble:
        """Return what `read` makes of the answer, whose body has not arrived yet; no trouble quotes an address.

        Whatever else `read` raises is its caller's.
        """
        try:
            with anyio.fail_after(self.seconds):
                allowed = await self._addresses(request.url)
                return allowed if isinstance(allowed, Trouble) else await self._ask_one_of(allowed, request, read)
        except TimeoutError:
            return Trouble.TIMEOUT

    async def trouble(self, url: httpx2.URL) -> Trouble | None:
        """Return why nothing would be asked there now; nothing is connected to."""
        try:
            with anyio.fail_after(self.seconds):
                found = await self._addresses(url)
        except TimeoutError:
            return Trouble.NAME_NOT_RESOLVED
        return found if isinstance(found, Trouble) else None

    async def _addresses(self, url: httpx2.URL) -> list[Ip] | Trouble:
        """Return the addresses of the name, if each of them may be connected to."""
        try:
            addresses = [parsed(text) for text in await self.resolver(host_of(url), port_of(url))]
        except (OSError, UnicodeError):
            return Trouble.NAME_NOT_RESOLVED
        allowed = [address for address in addresses if address is not None and self._may(url, address)]
        if not allowed or len(allowed) < len(addresses):
            return Trouble.ADDRESS_REFUSED
        return allowed

    def _may(self, url: httpx2.URL, address: Ip) -> bool:
        plain = url.scheme == "http"  # in clear within this machine only
        return is_allowed(address, self.private) and (address.is_loopback or not plain)

    async def _ask_one_of(
        self, addresses: Sequence[Ip], request: Request, read: Callable[[httpx2.Response], Awaitable[T]]
    ) -> T | Trouble:
        trouble = Trouble.NOT_CONNECTED
        async with httpx2.AsyncClient(
            verify=self.tls, trust_env=False, follow_redirects=False, timeout=self.seconds
        ) as client:
            for address in addresses[:_MOST_ADDRESSES]:
                try:
                    return await _send(client, address, request, read)
                except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                    trouble = Trouble.TLS_REFUSED if about_tls(error) else Trouble.NOT_CONNECTED
                except httpx2.TimeoutException:
                    return Trouble.TIMEOUT
                except (httpx2.HTTPError, OSError):
                    return Trouble.CONNECTION_LOST
        return trouble


async def _send(
    client: httpx2.AsyncClient, address: Ip, request: Request, read: Callable[[httpx2.Response], Awaitable[T]]
) -> T:
    pinned = request.url.copy_with(host=str(address))
    headers = {**request.headers, "Host": request.url.netloc.decode("ascii"), "Connection": "close"}
    opened = _Opened()
    # The certificate is still that of the name.
    extensions = {"sni_hostname": host_of(request.url), "trace": opened}
    try:
        async with client.stream(
            request.method, pinned, content=request.body, headers=headers, extensions=extensions
        ) as answer:
            return await read(answer)
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


def host_of(url: httpx2.URL) -> str:
    """Return the host as a certificate names it: without the dot that may end it."""
    return url.raw_host.decode("ascii").rstrip(".")


def port_of(url: httpx2.URL) -> int:
    """Return the port, that of the scheme where none is written."""
    return url.port if url.port is not None else _PORTS[url.scheme]


def trusting(ca: Path | None, *, of: str) -> ssl.SSLContext:
    """Return how a server proves who it is: by a certificate of the system's authorities, or of the one that the part `of` names.

    Raises:
        ConfigError: the authority cannot be read.
    """
    try:
        context = ssl.create_default_context(cafile=ca)
    except OSError:
        raise ConfigError(
            f"A certificate authority of `{of}` cannot be read.", fix="`ca` is the path of a PEM file."
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
