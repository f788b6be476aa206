"""Who a credential belongs to, as far as that is known here."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from synapsor.errors import ConfigError
from synapsor.secrets import SecretRef, resolve

READER = "synapsor_reader"
WRITER = "synapsor_writer"
"""The roles that the guides make."""


def role_of(ref: SecretRef | None) -> str | None:
    """Return the role that a URL logs in as, or None where the URL is not known here."""
    try:
        user = urlsplit(resolve(ref).reveal()).username if ref else None
    except (ConfigError, ValueError):
        user = None
    return unquote(user) if user else None
