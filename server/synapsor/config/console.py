"""The web console: where it listens, under which names it is reached, and how long a session lasts."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from synapsor.config.fields import FilePath, Finding, Model

DEFAULT_LISTEN = "127.0.0.1:8750"
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*|\[[0-9a-f:.]+\]")


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise ValueError("this must be a host name in lower case, without a port")
    return text


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        raise ValueError("this must be an address or a network, such as 127.0.0.1 or 10.0.0.0/8") from None
    return text


class ConsoleTls(Model):
    """The certificate that the console answers with."""

    certificate: FilePath
    key: FilePath


class ConsoleProxy(Model):
    """A proxy in front of the console, which ends TLS."""

    trusted: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(strict=False, min_length=1)


class ConsoleSessions(Model):
    """How long a login lasts."""

    idle_minutes: int = Field(default=20, ge=1, le=240)
    hours: int = Field(default=8, ge=1, le=12)


class ConsoleConfig(Model):
    """The web console."""

    listen: str = DEFAULT_LISTEN
    hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = Field(default=(), strict=False)
    tls: ConsoleTls | None = None
    proxy: ConsoleProxy | None = None
    sessions: ConsoleSessions = Field(default_factory=ConsoleSessions)
    development_identity: Annotated[str, Field(min_length=1, max_length=63)] | None = None


def contradictions(console: ConsoleConfig, profile: Literal["development", "production"]) -> Iterator[Finding]:
    """Yield what does not fit together, at its place in the console."""
    if console.tls is not None and console.proxy is not None:
        yield (
            ("proxy",),
            "console_tls_twice",
            "either the console ends TLS, or a proxy in front of it does",
            "Remove `tls` or `proxy`.",
        )
    if console.development_identity is not None and profile != "development":
        yield (
            ("development_identity",),
            "console_unverified",
            "an identity that nobody has proven is for `profile: development` only",
            "Remove it; people log in with their key.",
        )
    if address_of(console.listen) is None:
        yield (
            ("listen",),
            "console_address",
            "this must be an address and a port, such as 127.0.0.1:8750",
            "Write it so.",
        )


def address_of(listen: str) -> tuple[str, int] | None:
    """Return an address and a port, or None where a text is none; a name is not looked up, but for `localhost`."""
    host, _, port = listen.rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port) > 65_535:  # noqa: PLR2004  # the last port
        return None
    name = "127.0.0.1" if host == "localhost" else host.removeprefix("[").removesuffix("]")
    try:
        address: Any = ipaddress.ip_address(name)
    except ValueError:
        return None
    return str(address), int(port)
