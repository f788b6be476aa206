"""What a code of the agent's errors is worth at a terminal: its exit code, and the refusal that a person is told."""

from __future__ import annotations

from typing import Final

from synapsor.errors import Code, DecisionRefused, Refusal

_EXITS: Final = {
    Code.INVALID_ARGUMENTS.value: 2,
    Code.SCHEMA_DRIFT.value: 3,
    Code.NOT_ACTIVATED.value: 5,
    Code.SOURCE_UNAVAILABLE.value: 4,
    Code.EVIDENCE_UNAVAILABLE.value: 4,
    Code.TIMEOUT.value: 4,
    Code.BUSY.value: 4,
}


def exit_of(code: str) -> int:
    """Return the exit code of a command that ends by this code."""
    return _EXITS.get(code, 1)


def to_person(refused: Refusal) -> DecisionRefused:
    """Return what an agent would be told as the refusal that a person is told."""
    code = refused.code.value
    return DecisionRefused(code, refused.message, fix=refused.fix, exit_code=exit_of(code))
