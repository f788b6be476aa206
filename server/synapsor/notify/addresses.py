"""Look at the addresses of a project's channels before anything is sent to them."""

from __future__ import annotations

from urllib.parse import urlsplit

from synapsor.config.notify import Notify
from synapsor.errors import ConfigError
from synapsor.web.addresses import is_allowed, parsed


def check_addresses(notify: Notify | None) -> None:
    """Refuse a channel whose address is written out and to which nothing would ever be sent; a name is judged when it is resolved.

    Raises:
        ConfigError: there is such a channel.
    """
    for name, channel in notify.channels.items() if notify is not None else ():
        kind = channel.webhook or channel.slack
        host = urlsplit(kind.url).hostname if kind is not None and isinstance(kind.url, str) else None
        address = parsed(host) if host else None
        if kind is not None and address is not None and not is_allowed(address, kind.allow_private):
            raise ConfigError(
                f"Nothing would ever be sent to channel {name}: its address is a private one that is not allowed (address_refused).",
                fix="Name its network under `allow_private:` of the channel; link-local and cloud metadata addresses are allowed to nobody.",
            )
