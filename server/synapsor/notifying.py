"""The composition root of the notifier: it opens the ledger to be read, the notifier's own file, and the channels with their secrets.

It resolves no credential of a source and no key, neither the ledger's nor an operator's.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from synapsor.config import Config
from synapsor.config.notify import Channel, Notify, Slack, Webhook
from synapsor.errors import ConfigError
from synapsor.ledger.chronicle import open_chronicle
from synapsor.notify.mail import MailChannel
from synapsor.notify.notifier import Delivered, Notifier, Pace, Sender
from synapsor.notify.posting import Poster
from synapsor.notify.slack import SlackChannel
from synapsor.notify.state import State, empty_state, open_state
from synapsor.notify.webhook import WebhookChannel, key_of
from synapsor.ports import Clock, SystemClock
from synapsor.secrets import SecretRef
from synapsor.secrets import resolve as secret_of
from synapsor.web.asking import Resolver, resolve, trusting


def settings(config: Config) -> Notify:
    """Return what is said of notifications.

    Raises:
        ConfigError: nothing is.
    """
    if config.notify is None:
        raise ConfigError(
            "This project says nothing of notifications.", fix="Add `notify:` with a channel to synapsor.yaml."
        )
    return config.notify


@asynccontextmanager
async def open_notifier(
    config: Config,
    *,
    dry: bool = False,
    clock: Clock | None = None,
    pace: Pace | None = None,
    report: Callable[[Delivered], None] | None = None,
    resolver: Resolver = resolve,
) -> AsyncIterator[Notifier]:
    """Open the notifier of a project; a dry one works on a copy of its state in memory.

    Raises:
        ConfigError: nothing is said of notifications, a secret is missing, or an address is not one to send to.
        LedgerFailure: the ledger or the state cannot be opened.
        UsageError: another notifier is running.
    """
    notify = settings(config)
    senders = {
        name: _sender(channel, notify, config.console_url, resolver) for name, channel in notify.channels.items()
    }
    chronicle = open_chronicle(config.ledger)
    try:
        state = _tried(notify) if dry else open_state(notify.state, alone=True)
        try:
            yield Notifier(
                notify=notify,
                chronicle=chronicle,
                state=state,
                senders=senders,
                clock=clock or SystemClock(),
                pace=pace or Pace(),
                report=report or (lambda _: None),
            )
        finally:
            state.close()
    finally:
        await chronicle.aclose()


def _tried(notify: Notify) -> State:
    if not notify.state.exists():
        return empty_state()
    state = open_state(notify.state, alone=False)
    try:
        return state.copy()
    finally:
        state.close()


def _sender(channel: Channel, notify: Notify, console_url: str | None, resolver: Resolver) -> Sender:
    if channel.webhook is not None:
        refs = [channel.webhook.secret, *([channel.webhook.previous] if channel.webhook.previous else [])]
        keys = [key_of(secret_of(ref)) for ref in refs]
        return WebhookChannel(_poster(channel.webhook, resolver), keys, console_url)
    if channel.slack is not None:
        return SlackChannel(_poster(channel.slack, resolver), console_url)
    assert channel.email is not None and notify.smtp is not None  # noqa: S101, PT018  # the configuration sees to it
    return MailChannel(
        channel.email,
        notify.smtp,
        password=secret_of(notify.smtp.password) if notify.smtp.password else None,
        tls=_mail_tls(notify),
        console_url=console_url,
    )


def _poster(kind: Webhook | Slack, resolver: Resolver) -> Poster:
    address = secret_of(kind.url).reveal() if isinstance(kind.url, SecretRef) else kind.url
    return Poster(address, private=kind.allow_private, ca=kind.ca, resolver=resolver)


def _mail_tls(notify: Notify) -> ssl.SSLContext:
    assert notify.smtp is not None  # noqa: S101  # as above
    return trusting(notify.smtp.ca, of="notify")
