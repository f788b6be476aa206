"""What the verbs need of an application that applies changes by itself; adapters in `executors` implement it, the worker alone has any.

Whoever uses it imports it from here; it is no source, and knows neither SQL nor a receipt.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

ACCEPTED_SECONDS: Final = 72 * 3600.0
"""For how long what a handler has accepted may be open where nothing else is said."""


class Heard(StrEnum):
    """What came back of one request."""

    ANSWERED = "answered"
    UNREACHED = "unreached"  # nothing was handed over
    UNKNOWN = "unknown"  # cut, late, too large or of no known form: what the handler did is not known
    DENIED = "denied"  # the handler does not take the signature
    BUSY = "busy"  # it wants to be asked later


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back, and for how many seconds the handler wants to be left alone.

    Attributes:
        body: of what was answered, whatever it may be.
        status: the HTTP status that came with it; None where there is none.
    """

    heard: Heard
    body: bytes = field(default=b"", repr=False)
    status: int | None = None
    wait: float = 0.0


class Handler(Protocol):
    """An application's handler, by the name that the configuration gives it. `executors.http` and `executors.command` are.

    Attributes:
        accepted_seconds: for how long what it has accepted may be open before a person is to look.
    """

    name: str
    accepted_seconds: float

    async def ask(self, body: bytes, *, key: str) -> Reply:
        """Hand over a document, signed at this moment, and return what came back; it takes as long as its limit at the most and raises nothing."""
        ...
