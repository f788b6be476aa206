"""A host and a port, as an option takes them."""

from __future__ import annotations

from synapsor.errors import UsageError

MAX_PORT = 65_535


def address(text: str, *, option: str, example: str) -> tuple[str, int]:
    """Return the host and the port; an IPv6 address may stand in brackets.

    Raises:
        UsageError: it is neither.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > MAX_PORT:
        raise UsageError(f"{option} takes a host and a port.", fix=f"Write it as {example}.")
    return host.strip("[]"), int(port)
