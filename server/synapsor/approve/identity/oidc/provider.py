"""One provider: what it says of itself and its keys, asked for when needed and kept for a while.

Keys are believed for ten minutes at most, so that one which the provider takes away stops counting; when it cannot be asked again by
then, nothing counts. A name that is not known is asked for once in half a minute, whatever comes in.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import anyio

from synapsor.approve.identity.oidc.fetch import Fetcher
from synapsor.approve.identity.oidc.jwks import KeySet, PublicKey, key_set
from synapsor.approve.identity.oidc.metadata import Metadata, address_of, metadata
from synapsor.approve.identity.oidc.refusals import Rule, refused
from synapsor.approve.identity.oidc.strict import Unreadable, json_object
from synapsor.errors import LoginRefused

KEEP_S = 600.0
"""How long keys and addresses are believed without asking again."""
UNKNOWN_S = 30.0
"""How long after asking for the keys they are not asked for again because of a name that is not among them."""
FAILED_S = 5.0
"""How long after a failure the provider is left alone."""

T = TypeVar("T")
Ticks = Callable[[], float]
"""Seconds that only ever go on, whatever happens to the host's clock."""


class Provider:
    """The configured provider, as this process knows it now."""

    def __init__(
        self, fetcher: Fetcher, *, issuer: str, algorithms: tuple[str, ...], ticks: Ticks = time.monotonic
    ) -> None:
        self._fetcher = fetcher
        self._issuer = issuer
        self._algorithms = algorithms
        self._metadata = _Kept(self._ask_itself, ticks)
        self._keys = _Kept(self._ask_keys, ticks)

    async def metadata(self) -> Metadata:
        """Return what the provider says of itself.

        Raises:
            LoginRefused: by a rule of `provider_…`.
        """
        return await self._metadata.value()

    async def can_sign(self) -> bool:
        """Tell whether the provider has a key that a login's token could be verified with.

        Raises:
            LoginRefused: by a rule of `provider_…`.
        """
        return (await self._keys.value()).verifies(self._algorithms)

    async def key(self, name: str, algorithm: str) -> PublicKey:
        """Return the provider's key of a name for an algorithm.

        Raises:
            LoginRefused: there is none, it is not for this, or the provider fails.
        """
        keys = await self._keys.value()
        if not keys.knows(name):
            keys = await self._keys.value(at_most_s=UNKNOWN_S)
        return keys.key(name, algorithm)

    async def _ask_itself(self) -> Metadata:
        document = _read(await self._fetcher.get(address_of(self._issuer)))
        return metadata(document, issuer=self._issuer, algorithms=self._algorithms)

    async def _ask_keys(self) -> KeySet:
        found = await self.metadata()
        return key_set(_read(await self._fetcher.get(found.keys)))


def _read(data: bytes) -> dict[str, object]:
    try:
        return json_object(data)
    except Unreadable:
        raise refused(Rule.PROVIDER_MALFORMED) from None


class _Kept(Generic[T]):
    """One answer, asked for by one caller while the others wait; a failure is kept for a moment too, and an old answer never is."""

    def __init__(self, ask: Callable[[], Awaitable[T]], ticks: Ticks) -> None:
        self._ask = ask
        self._ticks = ticks
        self._lock = anyio.Lock()
        self._found: tuple[T, float] | None = None
        self._failed: tuple[str, float] | None = None

    async def value(self, *, at_most_s: float = KEEP_S) -> T:
        """Return the answer, which was given so long ago at most."""
        async with self._lock:
            asked = self._ticks()
            if self._found is not None and asked - self._found[1] < at_most_s:
                return self._found[0]
            if self._failed is not None and asked - self._failed[1] < FAILED_S:
                raise refused(Rule(self._failed[0]))
            try:
                found = await self._ask()
            except LoginRefused as failure:
                self._failed = (failure.rule, self._ticks())
                raise
            # Counted from before it was asked: what the provider took away since then may still be in it.
            self._found, self._failed = (found, asked), None
            return found
