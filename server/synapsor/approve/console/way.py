"""How a browser reaches the console: where it listens, under which names, and who may speak for whom.

Beyond this machine there is TLS, or a proxy that ends it; a console that could be overheard is not started.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final

from synapsor.config.console import ConsoleConfig, address_of
from synapsor.errors import ConfigError, UsageError

LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
_IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The one way in.

    Attributes:
        hosts: names that a request may be for, without a port.
        secure: whether the browser's side is https.
        proxies: where a proxy may ask from; empty where there is none.
    """

    host: str
    port: int
    hosts: tuple[str, ...]
    secure: bool
    proxies: tuple[_IpNetwork, ...] = ()

    @property
    def scheme(self) -> str:
        """Of the address that a person types."""
        return "https" if self.secure else "http"

    def is_shared(self, host: str) -> bool:
        """Tell whether other programs may answer under the name of a request: without TLS, and on this machine's own names."""
        name = host.lower()
        name = name.partition("]")[0] + "]" if name.startswith("[") else name.partition(":")[0]
        return not self.secure or name in LOOPBACK or name.startswith("127.") or name.endswith(".localhost")

    def trusts(self, peer: str) -> bool:
        """Tell whether a request from this address may come in: anybody's, or with a proxy that proxy's only."""
        if not self.proxies:
            return True
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self.proxies)


def way_of(console: ConsoleConfig, listen: str | None) -> Way:
    """Return the way in, as it is configured or as the command line says.

    Raises:
        UsageError: the address is none.
        ConfigError: it is reached from other machines without TLS, or under no name.
    """
    found = address_of(listen or console.listen)
    if found is None:
        raise UsageError("--listen takes an address and a port.", fix="Write it as 127.0.0.1:8750.")
    host, port = found
    address = ipaddress.ip_address(host)
    # Whether an IPv4 address in IPv6 clothes is one of the loopback's depends on Python's version.
    local = address.is_loopback and not getattr(address, "ipv4_mapped", None)
    if not local and console.tls is None and console.proxy is None:
        raise ConfigError(
            "The console is not served to other machines without TLS.",
            fix="Set `console: {tls: …}`, or `console: {proxy: …}` where a proxy ends it; or listen on 127.0.0.1.",
        )
    if (not local or console.proxy is not None) and not console.hosts:
        raise ConfigError(
            "Nobody says under which name the console is reached.",
            fix="List it in `console: {hosts: [...]}`; a request for any other name is refused.",
        )
    return Way(
        host=host,
        port=port,
        hosts=(*LOOPBACK, *console.hosts) if console.proxy is None else console.hosts,
        secure=console.tls is not None or console.proxy is not None,
        proxies=tuple(ipaddress.ip_network(name) for name in console.proxy.trusted) if console.proxy else (),
    )
