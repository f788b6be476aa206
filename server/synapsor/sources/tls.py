"""TLS to a database server: verified against an authority and the host's name, or, on the loopback only, not used at all.

There is no mode that encrypts without verifying, and none that falls back to clear text.
"""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from synapsor.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """What is asked of a connection.

    Attributes:
        ca: the file with the authority's certificate; None for the authorities that this system trusts.
        required: use TLS on the loopback, too.
    """

    ca: Path | None = None
    required: bool = False

    def context(self, host: str) -> ssl.SSLContext | None:
        """Return the context to connect to a host with, or None where clear text never leaves this machine.

        Raises:
            ConfigError: the authority's certificate cannot be read.
        """
        if not self.required and self.ca is None and is_loopback(host):
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except (OSError, ssl.SSLError):
            context = None
        if context is None:
            raise ConfigError(
                "The certificate of `tls.ca` cannot be read.", fix="Name a PEM file that this user may read."
            )
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine by its name or address alone; a name server is not asked."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
