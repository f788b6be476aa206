"""Postgres errors as kinds of failure: by SQLSTATE alone, because the text of an error holds rows, names and addresses."""

from __future__ import annotations

import asyncpg

from synapsor.errors import Failure, SourceFailure

STALE_PLAN = "0A000"
"""The state of a cached plan that a change of the schema has outdated; the driver drops it, so the next attempt plans anew."""

_CLASSES: dict[str, Failure] = {
    "08": Failure.UNAVAILABLE,
    "22": Failure.VALUE,
    "23": Failure.CONSTRAINT,
    "28": Failure.DENIED,
    "3F": Failure.DRIFT,
    "44": Failure.CONSTRAINT,
    "53": Failure.BUSY,
    "57": Failure.UNAVAILABLE,
    "58": Failure.UNAVAILABLE,
    "P0": Failure.CONSTRAINT,  # a trigger's own RAISE
}
_STATES: dict[str, Failure] = {
    STALE_PLAN: Failure.DRIFT,
    "25006": Failure.DENIED,  # a write in a READ ONLY transaction
    "25P03": Failure.TIMEOUT,  # idle in transaction
    "25P04": Failure.TIMEOUT,
    "3D000": Failure.UNAVAILABLE,
    "40001": Failure.TRANSIENT,
    "40P01": Failure.TRANSIENT,
    "40003": Failure.UNAVAILABLE,
    "42501": Failure.DENIED,
    "42601": Failure.OTHER,  # a syntax error is ours
    "55P03": Failure.TIMEOUT,  # lock not available
    "57014": Failure.TIMEOUT,  # statement timeout; a cancellation of our own is seen as such before
}
_DRIFTED = "42"
"""Undefined or mismatched tables, columns, types, operators and functions."""


def failure_of(error: BaseException) -> SourceFailure:
    """Return the failure that a driver's error means, with its state and without its text."""
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        kind = _STATES.get(state) or _CLASSES.get(state[:2])
        return SourceFailure(kind or (Failure.DRIFT if state.startswith(_DRIFTED) else Failure.OTHER), state=state)
    if isinstance(error, TimeoutError):
        return SourceFailure(Failure.TIMEOUT, state="deadline")
    if isinstance(error, asyncpg.DataError | UnicodeError):
        return SourceFailure(Failure.VALUE, state="encoding")
    if isinstance(error, asyncpg.InterfaceError | OSError):
        return SourceFailure(Failure.UNAVAILABLE, state="connection")
    return SourceFailure(Failure.UNAVAILABLE, state="protocol")
