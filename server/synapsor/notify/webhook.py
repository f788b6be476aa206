"""A program that is told: signed as Standard Webhooks 1.0.0 has it, so that its libraries verify it.

The signature is HMAC-SHA256 over id, time of the attempt and body; during a change of the secret there is one by each.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Collection, Sequence
from typing import Any, Final

from synapsor.errors import ConfigError
from synapsor.notify.message import Message
from synapsor.notify.notice import Notice, as_data
from synapsor.notify.posting import Outcome, Poster
from synapsor.notify.wording import everything, where
from synapsor.secrets import Secret

LEAST_BYTES: Final = 24
MOST_BYTES: Final = 64
_PREFIX: Final = "whsec_"


class WebhookChannel:
    """Posts each message as JSON, signed."""

    def __init__(self, poster: Poster, keys: Sequence[bytes], console_url: str | None) -> None:
        self._poster = poster
        self._keys = keys
        self._console_url = console_url

    async def send(self, message: Message, now: dt.datetime, *, reached: Collection[str] = ()) -> Outcome:
        """Post a message once."""
        del reached  # there is one receiver
        body = self.shown(message, now).encode()
        at = str(int(now.timestamp()))
        headers = {
            "content-type": "application/json",
            "user-agent": "synapsor",
            "webhook-id": message.id,
            "webhook-timestamp": at,
            "webhook-signature": " ".join(signature(key, message.id, at, body) for key in self._keys),
        }
        return await self._poster.post(body, headers)

    def shown(self, message: Message, now: dt.datetime) -> str:
        """Return the body: the same at every attempt."""
        del now
        if message.is_digest:
            data: dict[str, Any] = {
                "total": message.total,
                "counts": dict(message.counts),
                "oldest": message.oldest,
                "notices": [self._data(notice) for notice in message.notices],
                **_place(everything(self._console_url)),
            }
            return json.dumps({"type": "digest", "timestamp": message.at, "data": data})
        notice = message.notices[0]
        return json.dumps({"type": notice.event.type, "timestamp": notice.at, "data": self._data(notice)})

    def _data(self, notice: Notice) -> dict[str, Any]:
        kept = {name: value for name, value in as_data(notice).items() if name != "key"}
        return {**kept, **_place(where(notice, self._console_url))}


def _place(where: str) -> dict[str, str]:
    """Return where to look as `link`, an address that may be opened, or as `command`, for a terminal."""
    return {"link" if where.startswith(("https://", "http://")) else "command": where}


def signature(key: bytes, message_id: str, at: str, body: bytes) -> str:
    """Return one signature of a message, with the version of how it is made."""
    signed = hmac.new(key, f"{message_id}.{at}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(signed.digest()).decode()}"


def key_of(secret: Secret) -> bytes:
    """Return the key that a secret writes, as `whsec_` and base64.

    Raises:
        ConfigError: it is no such secret, or one that could be guessed.
    """
    try:
        key = base64.b64decode(secret.reveal().removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not LEAST_BYTES <= len(key) <= MOST_BYTES:
        raise ConfigError(
            f"A webhook's secret is not base64 of {LEAST_BYTES} to {MOST_BYTES} random bytes.",
            fix="Make one with: openssl rand -base64 32",
        )
    return key
