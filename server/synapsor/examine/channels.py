"""The channels of notifications: their secrets, the addresses that they lead to, and the mail server. Nothing is sent, and no webhook is called."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from synapsor.config import Config
from synapsor.config.notify import Channel, Notify, Slack, Smtp, Webhook
from synapsor.core.facts import Finding
from synapsor.errors import ConfigError
from synapsor.examine.secrets import looked_up
from synapsor.notify.mail import reached
from synapsor.notify.posting import Poster
from synapsor.notify.webhook import key_of
from synapsor.secrets import SecretRef
from synapsor.web.asking import trusting

LIMIT_S: Final = 5.0
_ADDRESS: Final = {
    "name_not_resolved": "Check the name, and whether this machine can resolve it.",
    "address_refused": "A name that leads into your own network needs that network under `allow_private:`; some addresses are never sent to.",
}
_MAIL: Final = {
    "not_connected": (
        "The mail server cannot be reached.",
        "Check `host` and `port`, and whether a firewall is between.",
    ),
    "timeout": (
        "The mail server did not answer in time.",
        "Check `host` and `port`, and whether a firewall is between.",
    ),
    "not_offered": ("The mail server offers no STARTTLS, or no login.", "Use the port for submission, or `tls: tls`."),
    "tls_refused": (
        "The mail server's certificate is not of its name or of a known authority.",
        "Set `ca`, or write the server's own name.",
    ),
    "login_refused": ("The mail server refuses the login.", "Put `user` and `password` right."),
}
_REFUSED: Final = ("The mail server answers with a refusal.", "Look into its own log.")


async def of_channels(config: Config) -> list[Finding]:
    """Return what keeps messages from going out."""
    notify = config.notify
    if notify is None:
        return []
    found = [finding for name, channel in notify.channels.items() async for finding in _channel(name, channel)]
    return found + [finding async for finding in _mail(notify)]


async def _channel(name: str, channel: Channel) -> AsyncIterator[Finding]:
    kind = channel.webhook or channel.slack
    if channel.webhook is not None:
        for finding in _signing(name, channel.webhook):
            yield finding
    if kind is None:
        return
    address = kind.url
    if isinstance(address, SecretRef):
        secret, missing = looked_up(address, f"address of channel {name}")
        for finding in missing:
            yield finding
        if secret is None:
            return
        address = secret.reveal()
    async for finding in _address(name, kind, address):
        yield finding


def _signing(name: str, webhook: Webhook) -> list[Finding]:
    found = []
    for ref in (webhook.secret, webhook.previous):
        if ref is None:
            continue
        secret, missing = looked_up(ref, f"signing secret of channel {name}")
        found += missing
        if secret is None:
            continue
        try:
            key_of(secret)
        except ConfigError as weak:
            found.append(Finding(rule="channel_secret", message=f"Channel {name}: {weak.message}", fix=weak.fix))
    return found


async def _address(name: str, kind: Webhook | Slack, address: str) -> AsyncIterator[Finding]:
    try:
        refused = await Poster(address, private=kind.allow_private, ca=kind.ca, seconds=LIMIT_S).refused()
    except ConfigError as wrong:
        yield Finding(rule="channel_address", message=f"Channel {name}: {wrong.message}", fix=wrong.fix)
        return
    if refused:
        message = f"Nothing would be sent to channel {name} as its address resolves now: {refused}."
        yield Finding(rule=f"channel_{refused}", message=message, fix=_ADDRESS[refused])


async def _mail(notify: Notify) -> AsyncIterator[Finding]:
    senders = [channel.email.from_ for channel in notify.channels.values() if channel.email is not None]
    if notify.smtp is None or not senders:
        return
    password = None
    if notify.smtp.password is not None:
        password, missing = looked_up(notify.smtp.password, "password of the mail server")
        for finding in missing:
            yield finding
    try:
        tls = trusting(notify.smtp.ca, of="notify")
    except ConfigError as wrong:
        yield Finding(rule="smtp_ca", message=wrong.message, fix=wrong.fix)
        return
    why = await reached(notify.smtp, password=password, tls=tls, sender=senders[0], seconds=LIMIT_S)
    if why:
        message, fix = _MAIL.get(why, _REFUSED)
        rule = f"smtp_{why}" if why in _MAIL else "smtp_refused"
        yield Finding(rule=rule, message=f"{_server(notify.smtp)}: {message}", fix=fix)


def _server(smtp: Smtp) -> str:
    return f"{smtp.host}:{smtp.port}"
