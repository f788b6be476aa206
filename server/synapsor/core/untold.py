"""Why a look at the source tells a reviewer nothing: a closed list of words, so that no error's own text gets to a card."""

from __future__ import annotations

from enum import StrEnum

from synapsor.errors import Code, Failure, SourceFailure


class Untold(StrEnum):
    """Why it cannot be told how the source stands now."""

    SOURCE_UNAVAILABLE = "source_unavailable"
    BUSY = "busy"
    TIMEOUT = "timeout"
    SCHEMA_DRIFT = "schema_drift"
    NOT_ACTIVATED = "not_activated"
    CONTRACT_REPLACED = "contract_replaced"
    NOT_CONFIGURED = "not_configured"
    UNSAFE_SOURCE = "unsafe_source"
    RESULT_TOO_LARGE = "result_too_large"
    NOT_UNIQUE = "not_unique"
    INTERNAL = "internal"

    @property
    def meaning(self) -> str:
        """What it means, as a sentence."""
        return _MEANINGS[self]


_U = Untold
_MEANINGS = {
    _U.SOURCE_UNAVAILABLE: "The source cannot be reached with the read credential.",
    _U.BUSY: "All connections to the source are in use.",
    _U.TIMEOUT: "The source did not answer in time.",
    _U.SCHEMA_DRIFT: "The database no longer has the reviewed shape.",
    _U.NOT_ACTIVATED: "The contract of this project does not count as activated.",
    _U.CONTRACT_REPLACED: "The proposal was made under another version of the contract than the activated one.",
    _U.NOT_CONFIGURED: "This project has not what it takes to look: the contract, or the source with its read credential.",
    _U.UNSAFE_SOURCE: "The read credential can do more than read what was reviewed, so it is not used.",
    _U.RESULT_TOO_LARGE: "The rows are larger by now than the capability may return.",
    _U.NOT_UNIQUE: "More than one row answers to a key.",
    _U.INTERNAL: "Looking failed inside the program.",
}
_FAILURES = {
    Failure.UNAVAILABLE: _U.SOURCE_UNAVAILABLE,
    Failure.BUSY: _U.BUSY,
    Failure.TRANSIENT: _U.BUSY,
    Failure.TIMEOUT: _U.TIMEOUT,
    Failure.DRIFT: _U.SCHEMA_DRIFT,
    Failure.DENIED: _U.SCHEMA_DRIFT,
}


def untold_by_code(code: Code) -> Untold:
    """Return why a refused look tells nothing."""
    return Untold(code.value) if code.value in set(Untold) else Untold.INTERNAL


def untold_by_failure(failed: SourceFailure) -> Untold:
    """Return why a failed look tells nothing."""
    return _FAILURES.get(failed.kind, Untold.INTERNAL)
