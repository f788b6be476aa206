"""Who is told what happens to proposals, and how: the channels, what each of them gets, and when it is left alone.

Whatever opens a channel (a password, a signing secret, an address that lets anybody post) is a reference.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, ValidationInfo
from pydantic_core import PydanticCustomError

from synapsor.config.events import QUIETLY, Event
from synapsor.config.fields import FilePath, Finding, Model, Reference
from synapsor.contract.base import CapabilityName, Name
from synapsor.contract.zones import is_zone
from synapsor.errors import ConfigError
from synapsor.secrets import SecretRef
from synapsor.web.addresses import Network

EventName = Annotated[Event, Field(strict=False)]

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def _address(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, str) and value.startswith("${"):
        try:
            return SecretRef.parse(value, root=(info.context or {})["root"])
        except ConfigError as error:
            raise PydanticCustomError(
                "secret_in_clear", "{message}", {"message": error.message, "fix": error.fix}
            ) from None
    if not isinstance(value, str) or not value.startswith(("https://", "http://")):
        raise PydanticCustomError("address", "this must be an https address, or a reference such as ${env:NAME}")
    return value


def _network(value: Any) -> Any:
    try:
        return ipaddress.ip_network(value) if isinstance(value, str) else value
    except ValueError:
        raise PydanticCustomError("network", "this must be a network such as 10.1.0.0/16 or fd00:1::/64") from None


def _zone(value: Any) -> Any:
    if not isinstance(value, str) or not is_zone(value):
        raise PydanticCustomError("zone", "this must be an IANA time zone such as Europe/Berlin")
    return value


Address = Annotated[str | SecretRef, BeforeValidator(_address)]
Networks = Annotated[tuple[Annotated[Network, BeforeValidator(_network)], ...], Field(strict=False, max_length=32)]
Mailbox = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*$")
]
HostName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.:_-]{1,253}$")]
ClockTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class Webhook(Model):
    """A program that is told by signed requests."""

    url: Address
    secret: Reference
    previous: Reference | None = None
    allow_private: Networks = ()
    ca: FilePath | None = None


class Slack(Model):
    """A chat channel, through an incoming webhook of Slack or of what understands the same."""

    url: Reference
    allow_private: Networks = ()
    ca: FilePath | None = None


class Email(Model):
    """People who are told by e-mail."""

    model_config = ConfigDict(validate_by_name=False, validate_by_alias=True)

    to: Annotated[tuple[Mailbox, ...], Field(strict=False, min_length=1, max_length=50)]
    from_: Mailbox = Field(alias="from")


class Smtp(Model):
    """The server that e-mail is handed to."""

    host: HostName
    port: int = Field(default=587, ge=1, le=65_535)
    tls: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = Field(default=None, min_length=1, max_length=320)
    password: Reference | None = None
    ca: FilePath | None = None


class Quiet(Model):
    """Hours of every day in which only what is urgent goes out."""

    model_config = ConfigDict(validate_by_name=False, validate_by_alias=True)

    from_: ClockTime = Field(alias="from")
    to: ClockTime
    zone: Annotated[str, BeforeValidator(_zone)]


class Digest(Model):
    """How long messages are collected into one."""

    minutes: int = Field(ge=1, le=7 * 24 * 60)


class Channel(Model):
    """One way to tell somebody: exactly one of `webhook`, `slack` and `email`."""

    webhook: Webhook | None = None
    slack: Slack | None = None
    email: Email | None = None
    quiet: Quiet | None = None
    digest: Digest | None = None

    @property
    def kinds(self) -> tuple[Webhook | Slack | Email, ...]:
        """What it is; more or less than one is a mistake."""
        return tuple(kind for kind in (self.webhook, self.slack, self.email) if kind is not None)


class Route(Model):
    """What goes to which channels: all that is said must fit."""

    to: Annotated[tuple[Name, ...], Field(strict=False, min_length=1)]
    events: Annotated[tuple[EventName, ...], Field(strict=False, min_length=1)] = QUIETLY
    capabilities: Annotated[tuple[CapabilityName, ...], Field(strict=False)] = ()
    contracts: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    roles: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    risks: Annotated[tuple[Literal["low", "medium", "high"], ...], Field(strict=False)] = ()


class Waiting(Model):
    """When somebody is reminded of a proposal that waits."""

    after_minutes: int = Field(default=240, ge=1, le=90 * 24 * 60)
    again_hours: int = Field(default=24, ge=1, le=90 * 24)
    at_most: int = Field(default=3, ge=0, le=100)


class Refused(Model):
    """When somebody is told that logins or decisions were refused again and again."""

    at_least: int = Field(default=5, ge=1, le=10_000)
    within_minutes: int = Field(default=10, ge=1, le=24 * 60)
    again_minutes: int = Field(default=60, ge=1, le=7 * 24 * 60)


class Retry(Model):
    """When a message that cannot be delivered is given up."""

    attempts: int = Field(default=30, ge=1, le=1000)
    hours: int = Field(default=24, ge=1, le=30 * 24)


class Notify(Model):
    """What the notifier does."""

    state: FilePath = Field(default=Path(".synapsor/notify.db"), validate_default=True)
    waiting: Waiting = Field(default_factory=Waiting)
    refused: Refused = Field(default_factory=Refused)
    retry: Retry = Field(default_factory=Retry)
    late_minutes: int = Field(default=5, ge=1, le=7 * 24 * 60)
    smtp: Smtp | None = None
    channels: dict[Name, Channel] = Field(min_length=1)
    routes: Annotated[tuple[Route, ...], Field(strict=False)] = ()


def contradictions(notify: Notify) -> Iterator[Finding]:
    """Yield what does not fit together, at its place below `notify`."""
    for name, channel in notify.channels.items():
        if len(channel.kinds) != 1:
            said = "one of webhook, slack and email"
            yield (("channels", name), "channel_kind", f"a channel is exactly {said}", f"Keep {said}.")
        if channel.email is not None and notify.smtp is None:
            fix = "Add `smtp: {host: …}`."
            yield (("channels", name, "email"), "smtp_missing", "e-mail needs `smtp`, the server it is handed to", fix)
        if channel.quiet is not None and channel.quiet.from_ == channel.quiet.to:
            fix = "Write when they end, or leave `quiet` out."
            yield (("channels", name, "quiet", "to"), "quiet_empty", "these hours begin when they end", fix)
    for at, route in enumerate(notify.routes):
        for index, name in enumerate(route.to):
            if name not in notify.channels:
                fix = f"Channels here: {', '.join(notify.channels)}."
                yield (("routes", at, "to", index), "no_such_channel", "there is no such channel", fix)
    if notify.smtp is not None:
        yield from _smtp(notify.smtp)


def _smtp(smtp: Smtp) -> Iterator[Finding]:
    if smtp.tls == "none" and smtp.host not in LOOPBACK_NAMES:
        fix = "Write `tls: starttls` or `tls: tls`."
        yield (("smtp", "tls"), "smtp_in_clear", "e-mail leaves this machine through TLS only", fix)
    if (smtp.user is None) != (smtp.password is None):
        yield (("smtp",), "smtp_login", "`user` and `password` belong together", "Add the other one, or remove it.")
