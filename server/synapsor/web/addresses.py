"""Which addresses may be asked or told something: public ones, and private ones that the project allows by network; some never.

A name is resolved once, every address it has must be allowed, and the connection goes to one of exactly these.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final, TypeAlias

Ip: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

ANY: Final = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
"""Every private network, where a project allows them all."""

_NEVER: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "169.254.0.0/16",  # link-local, and where clouds serve their metadata
        "168.63.129.16/32",  # a cloud's host, on a public address
        "100.100.100.200/32",  # a cloud's metadata, among shared addresses
        "192.0.0.192/32",  # another one's
        "224.0.0.0/4",
        "255.255.255.255/32",
        "::/128",
        "fd00:ec2::254/128",  # a cloud's metadata, among private addresses
        "fd20:ce::254/128",  # another one's
        "fe80::/10",
        "ff00::/8",
        # Whatever carries an IPv4 address inside: what is allowed is said of that address itself.
        "::ffff:0:0/96",
        "::ffff:0:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/32",
    )
)
_ALSO_NOT_PUBLIC: Final = tuple(
    ipaddress.ip_network(text)
    for text in ("192.88.99.0/24", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10")
)
_GLOBAL_V6: Final = ipaddress.ip_network("2000::/3")


def is_public(address: Ip) -> bool:
    """Tell whether an address is one that anybody on the internet could have."""
    if any(address in network for network in (*_NEVER, *_ALSO_NOT_PUBLIC) if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast and (address.version == 4 or address in _GLOBAL_V6)  # noqa: PLR2004  # IPv4


def is_allowed(address: Ip, private: Sequence[Network]) -> bool:
    """Tell whether an address may be connected to, where these networks are allowed beside public ones."""
    if is_public(address):
        return True
    if any(address in network for network in _NEVER if network.version == address.version):
        return False
    return any(address in network for network in private if network.version == address.version)


def parsed(text: str) -> Ip | None:
    """Return the address that a text is, or None; one with a scope is none, since it means something on this machine only."""
    try:
        return None if "%" in text else ipaddress.ip_address(text)
    except ValueError:
        return None
