"""One POST to an address of the configuration, and what its answer means: of the answer only the head is read."""

from __future__ import annotations

import datetime as dt
import email.utils
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from synapsor.errors import ConfigError
from synapsor.web.addresses import Network, parsed
from synapsor.web.asking import Pinned, Request, Resolver, Trouble, host_of, port_of, resolve, trusting

SECONDS: Final = 20.0
LONGEST_REST: Final = 3600.0
_AGAIN: Final = frozenset({408, 425, 429})
_SERVER_ERROR: Final = 500
_REDIRECT: Final = range(300, 400)
_OK: Final = range(200, 300)
_MOST_PORT: Final = 65_535
_ADDRESS: Final = re.compile(
    r"(?=.{1,2048}\Z)(?P<scheme>https?)://([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?([/?][\x21\x22\x24-\x5b\x5d-\x7e]*)?\Z"
)
"""An address whose host every parser finds at the same place: no user, no escape in the host, no backslash, no fragment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an attempt.

    Attributes:
        why: why it did not arrive, in one word; "" when it did.
        again: whether it is worth trying again.
        after: for how many seconds the receiver wants to be left alone.
        reached: whom of several it has reached all the same; they do not get it again.
    """

    why: str = ""
    again: bool = False
    after: float | None = None
    reached: tuple[str, ...] = ()

    @property
    def arrived(self) -> bool:
        """Whether the message arrived."""
        return not self.why


class Poster:
    """Posts to one address."""

    def __init__(
        self,
        address: str,
        *,
        private: Sequence[Network] = (),
        ca: Path | None = None,
        resolver: Resolver = resolve,
        seconds: float = SECONDS,
    ) -> None:
        """Take an address of the configuration.

        Raises:
            ConfigError: nothing may be posted to it. The address may be a secret, so the message does not repeat it.
        """
        self._url = _checked(address)
        self._pinned = Pinned(tls=trusting(ca, of="notify"), private=private, seconds=seconds, resolver=resolver)

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """Post once and say what came of it."""
        request = Request(method="POST", url=self._url, headers=headers, body=body)
        came = await self._pinned.ask(request, _head)
        return Outcome(why=came.value, again=True) if isinstance(came, Trouble) else came

    async def refused(self) -> str:
        """Return why nothing would be posted there now, in one word, or ""; nothing is connected to."""
        trouble = await self._pinned.trouble(self._url)
        return trouble.value if trouble is not None else ""


async def _head(answer: httpx2.Response) -> Outcome:
    return outcome_of(answer.status_code, answer.headers.get("retry-after"))


def outcome_of(status: int, retry_after: str | None, *, now: dt.datetime | None = None) -> Outcome:
    """Return what an answer means: arrived, to be tried again, or given up."""
    if status in _OK:
        return Outcome()
    if status in _REDIRECT:
        return Outcome(why="redirect_refused")
    if status in _AGAIN or status >= _SERVER_ERROR:
        return Outcome(why=f"http_{status}", again=True, after=_wanted(retry_after, now))
    return Outcome(why=f"http_{status}")


def _wanted(text: str | None, now: dt.datetime | None) -> float | None:
    """Return for how long a receiver wants to be left alone, an hour at the most."""
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) <= 9:  # noqa: PLR2004  # longer than anybody waits
        return min(float(text), LONGEST_REST)
    try:
        until = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=dt.UTC)
    return min(max((until - (now or dt.datetime.now(dt.UTC))).total_seconds(), 0.0), LONGEST_REST)


def _checked(address: str) -> httpx2.URL:
    try:
        written = _ADDRESS.match(address)
        url = httpx2.URL(address) if written else None
        if written is not None and url is not None and _fits(url, written["scheme"]):
            return url
    except (httpx2.InvalidURL, UnicodeError, ValueError):
        pass  # raised below, so that no error with the address in it hangs on
    raise ConfigError(
        "An address of `notify` is not one that messages are sent to.",
        fix="Write https://host/path, without a user, a password or a fragment; http:// only to 127.0.0.1 or [::1].",
    )


def _fits(url: httpx2.URL, scheme: str) -> bool:
    if not 0 < port_of(url) <= _MOST_PORT:
        return False
    literal = parsed(host_of(url))
    return scheme == "https" or (literal is not None and literal.is_loopback)
