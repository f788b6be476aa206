"""Whose session a call runs in: fixed values for a local process, or the bearer token of this very request.

A session's values come from configuration that the model cannot reach, and are looked up for each call, never kept with a connection.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

from synapsor.core.scope import Session
from synapsor.errors import ConfigError

_MIN_TOKEN = 32
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +([\x21-\x7e]{1,512})\Z")


class SessionProvider(Protocol):
    """Says in whose session the current call runs; asked once for every call."""

    def session(self) -> Session:
        """Return the session of this call."""
        ...


@dataclass(frozen=True, slots=True)
class StaticSession:
    """The one session of a process that serves one user, over stdio."""

    values: Mapping[str, str | int] = field(repr=False)
    client: str = "stdio"
    run: str = ""

    def session(self) -> Session:
        """Return it."""
        return Session(values=self.values, client=self.client, run=self.run)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """One token, known by its hash, and the session values it stands for."""

    name: str
    sha256: str
    values: Mapping[str, str | int] = field(repr=False)


class TokenVerifier(Protocol):
    """Says whom an `Authorization` header speaks for."""

    def verify(self, authorization: bytes) -> Bearer | None:
        """Return whose token the header holds, or None."""
        ...


class TokenBook:
    """The configured tokens.

    Raises:
        ConfigError: there is none, a hash is not one, or a name or hash appears twice.
    """

    def __init__(self, bearers: Iterable[Bearer]) -> None:
        self._bearers = tuple(bearers)
        if not self._bearers:
            raise ConfigError(
                "HTTP is not served without a token.", fix="Add an entry to `http.tokens`, or serve over stdio."
            )
        if any(not _SHA256.match(b.sha256) for b in self._bearers):
            raise ConfigError(
                "A token's sha256 is not 64 hexadecimal digits.", fix="Hash the token with `synapsor token`."
            )
        if len({b.name for b in self._bearers}) != len(self._bearers) or len({b.sha256 for b in self._bearers}) != len(
            self._bearers
        ):
            raise ConfigError("Two tokens share a name or a hash.", fix="Give every client its own token.")

    def verify(self, authorization: bytes) -> Bearer | None:
        """Return whose token this is; every entry is compared, whichever matches."""
        given = _BEARER.match(authorization)
        digest = hashlib.sha256(given.group(1) if given else b"").hexdigest()
        found: Bearer | None = None
        for bearer in self._bearers:
            if hmac.compare_digest(bearer.sha256, digest):
                found = bearer
        return found if given else None


current: ContextVar[Bearer | None] = ContextVar("synapsor_bearer", default=None)


current_run: ContextVar[str] = ContextVar("synapsor_run", default="")
"""The run of the current HTTP request; requests of protocol versions without sessions are in none."""


def run_of(session: str) -> str:
    """Return the name of the run that a transport's session is; it does not tell the session's own, which is a secret."""
    return "run_" + hashlib.sha256(b"synapsor:run\0" + session.encode()).hexdigest()[:20]


@contextmanager
def in_run(session: str) -> Iterator[None]:
    """Let what is done for a request be of the run that a transport's session is."""
    slot = current_run.set(run_of(session))
    try:
        yield
    finally:
        current_run.reset(slot)


@dataclass(frozen=True, slots=True)
class TokenSession:
    """The session of the token that the current HTTP request carries; without one it holds nothing, and every scope refuses it."""

    def session(self) -> Session:
        """Return it."""
        bearer = current.get()
        if bearer is None:
            return Session(values={}, client="http")
        return Session(values=bearer.values, client=f"http:{bearer.name}", run=current_run.get())


def generate_token() -> str:
    """Return a new token of 256 random bits."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Return what the configuration holds in place of the token.

    Raises:
        ConfigError: the token is short enough to be guessed.
    """
    if len(token) < _MIN_TOKEN or not _BEARER.match(b"bearer " + token.encode(errors="replace")):
        raise ConfigError("a token needs at least 32 visible ASCII characters", fix="Use a generated token.")
    return hashlib.sha256(token.encode()).hexdigest()
